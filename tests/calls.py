"""Small random problems for every compiled part of the package, made from a seed.

Each takes a seed and returns arrays of numbers, in any process the same problem.
"""

import numpy as np
from laws import rough

from kinetic import (
    Grid,
    Grid2D,
    SimResNet,
    autoencode,
    balance_law,
    boltzmann,
    control,
    fokker_planck,
    mean_field,
    multilayer,
    network,
    two_layer,
)

COMPILED = ("identity", "relu", "sigmoid", "tanh", "gcu")


def line(rng, names=COMPILED):
    """A network of dimension one, in half of all cases with parameters that depend on time."""
    w, b, name = rng.normal(), rng.normal(), names[rng.integers(len(names))]
    if rng.random() < 0.5:
        return SimResNet(name, w, b)
    return SimResNet(name, lambda t: w * np.cos(t), lambda t: b + t)


def layers(seed):
    rng = np.random.default_rng(seed)
    d, method = int(rng.integers(1, 6)), ("euler", "rk4")[seed % 2]
    name = COMPILED[rng.integers(5)]
    net = line(rng) if d == 1 else SimResNet(name, rng.normal(size=(d, d)), rng.normal(size=d))
    x0 = rng.normal(size=(7, d))
    walls = (-1.5, 1.5) if d == 1 and rng.random() < 0.5 else None
    if walls:
        x0 = np.clip(x0, *walls)
    times = [0.0, 0.25, 0.5]
    return [network.propagate(net, x0, times, method=method, step=0.125, walls=walls)]


def layers_in_single_precision(seed):
    rng = np.random.default_rng(seed)
    net = SimResNet("tanh", rng.normal(size=(3, 3)), rng.normal(size=3))
    x0 = rng.normal(size=(7, 3)).astype(np.float32)
    return [network.propagate(net, x0, 0.5, method="euler", step=0.125)]


def table(seed):
    rng = np.random.default_rng(seed)
    net = SimResNet(("identity", "sigmoid", "tanh")[seed % 3], rng.normal(), rng.normal())
    return [network.end_map(net, (-1.0, 1.0), 0.5, method="rk4", step=0.25)(rng.random(50))]


def density(seed, order=3):
    rng = np.random.default_rng(seed)
    grid = Grid(-2.0, 2.0, int(rng.integers(12, 25)))
    solution = mean_field.solve(
        line(rng), rough(grid.cells, seed) / grid.dx, grid, [0.0, 0.1],
        boundary=("open", "no-flux")[seed % 2], order=order,
    )  # fmt: skip
    return [solution.density, solution.outflow]


def density_of_fifth_order(seed):
    return density(seed, order=5)


def plane(seed):
    rng = np.random.default_rng(seed)
    grid = Grid2D(Grid(-2.0, 2.0, 8), Grid(-1.0, 2.0, 7))
    net = SimResNet(COMPILED[seed % 5], rng.normal(size=(2, 2)), rng.normal(size=2))
    start = rough(56, seed).reshape(8, 7) / grid.area
    options = {"boundary": ("open", "no-flux")[rng.integers(2)], "order": (3, 5)[rng.integers(2)]}
    solution = mean_field.solve(net, start, grid, [0.0, 0.2], **options)
    return [solution.density, solution.outflow]


def noisy_density(seed):
    rng = np.random.default_rng(seed)
    grid, method = Grid(-2.0, 2.0, 20), fokker_planck.METHODS[seed % 4]
    options = {"boundary": ("open", "no-flux")[seed // 4 % 2], "nu": 0.5 + rng.random()}
    if method != "paper":
        options["step"] = 0.01
    net = SimResNet("tanh", rng.normal(), rng.normal())
    start = rough(20, seed) / grid.dx
    solution = fokker_planck.solve(net, start, grid, [0.0, 0.05], method=method, **options)
    return [solution.density, solution.outflow]


def balance(seed):
    rng = np.random.default_rng(seed)
    grid = Grid(0.0, 1.0, 20)
    found = balance_law.solve(
        rng.normal(size=20), grid, [0.0, 0.01], velocity=rng.normal(size=21),
        diffusion=rng.random(20) * 0.1, boundary=("open", "no-flux")[seed % 2],
    )  # fmt: skip
    return [found.averages, found.outflow]


def collisions(seed):
    rng = np.random.default_rng(seed)
    options = {
        "diffusion": ("1", "x")[seed % 2], "noise": ("gaussian", "uniform", "two-point")[seed % 3],
        "clock": ("exact", "fast")[seed // 2 % 2], "epsilon": 0.125, "nu": 0.6, "rng": seed,
    }  # fmt: skip
    net = line(rng, ("identity", "tanh"))
    return [boltzmann.simulate(net, rng.normal(size=9), [0.0, 0.25, 0.5], **options)]


def pairs(seed):
    rng = np.random.default_rng(seed)
    net = SimResNet(COMPILED[seed % 5], rng.normal(size=(2, 2)), rng.normal(size=2))
    shape = (8, 2) if seed % 2 else (8,)
    return [boltzmann.simulate_binary(net, rng.normal(size=shape), [0, 1], epsilon=0.25, rng=seed)]


def two_layers(seed):
    rng = np.random.default_rng(seed)
    x, y, c, w = rng.normal(size=(4, 6))
    name = ("identity", "relu", "sigmoid", "tanh")[seed % 4]
    trained = two_layer.train(x, y, c, w, alpha=0.2, times=[0.0, 1.0], activation=name, rng=seed)
    limit = two_layer.limit(x, y, c, w, times=[0.0, 0.1], alpha=0.2, activation="tanh")
    return [trained.c, trained.w, limit.c, limit.w]


def many_layers(seed):
    rng = np.random.default_rng(seed)
    net = multilayer.draw(
        (3, 5, 2), 2, activations=("tanh", "relu", "sigmoid", "identity"), rng=rng
    )
    x, y = rng.normal(size=(4, 2)), rng.normal(size=4)
    batch = (1, 2, None)[seed % 3]
    run = multilayer.train(net, x, y, epsilon=0.1, times=[0.3], batch=batch, rng=seed)
    return [*run.networks[0].weights, *multilayer.gradients(net, x, y), run.loss]


def controlled(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 5))
    problem = control.Problem(x, y, 0.3, 1.0, ("identity", "sigmoid", "tanh")[seed % 3])
    theta = rng.normal(size=4)
    step = control.shooting_step(problem, theta)
    return [control.gradient(problem, theta), control.hessian(problem, theta), np.array(step)]


def autoencoder(seed):
    rng = np.random.default_rng(seed)
    kind = {"deactivation": ("project", "freeze")[seed % 2]}
    model = autoencode.AutoencODE(4, 2, 4, activation=("tanh", "identity")[seed // 2 % 2], **kind)
    x, theta = rng.normal(size=(5, 4)), rng.normal(size=model.size)
    found = autoencode.gradient(model, theta, x, lam=0.1)
    return [found.gradient, autoencode.forward(model, theta, x)]


CALLS = {
    function.__name__: function
    for function in (
        layers, layers_in_single_precision, table, density, density_of_fifth_order, plane,
        noisy_density, balance, collisions, pairs, two_layers, many_layers, controlled, autoencoder,
    )
}  # fmt: skip
