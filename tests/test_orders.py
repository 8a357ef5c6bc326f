"""Orders of convergence by regression, where the tests of a module do not have them.

The transport schemes have theirs in test_finite_volume.py, test_fifth_order.py and
test_mean_field_2d.py, the two-layer limit in test_two_layer_limit.py, the equation (23) in
test_balance_law.py.
"""

import numpy as np
import pytest
from scipy import integrate, stats

from kinetic import Grid, SimResNet, autoencode, fokker_planck, multilayer, network, sensitivity

ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh", "gcu")
BOUNDARIES = ("no-flux", "open")


def fitted(sizes, errors):
    return -np.polyfit(np.log(sizes), np.log(errors), 1)[0]


# ---------------------------------------------------------------------------------- the network


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize(("method", "order"), [("euler", 1.0), ("rk4", 4.0)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_layers_in_the_plane(activation, method, order, moving):
    # A bias that keeps the kink of ReLU away from the particles.
    w = np.array([[-0.6, 0.4], [-0.3, 0.5]])
    b = np.array([4.0, 4.0]) if activation == "relu" else np.array([0.3, -0.2])
    net = SimResNet(activation, (lambda t: w * np.cos(t)) if moving else w, b)
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (20, 2))
    exact = network.propagate(net, x, 1.0)
    layers = np.array([10, 20, 40, 80])
    errors = [
        np.abs(network.propagate(net, x, 1.0, method=method, step=1.0 / n) - exact).max()
        for n in layers
    ]
    assert fitted(layers, errors) == pytest.approx(order, abs=0.2)


def test_layers_of_an_autoencoder_approach_its_equation():
    def parameters(t):
        return np.array([[np.cos(t), 0.5], [-0.5, np.sin(t)]]), np.array([0.1, t])

    def rate(t, x):
        w, b = parameters(t)
        return np.tanh(w @ x + b)

    x = np.array([[0.3, -0.8]])
    exact = integrate.solve_ivp(rate, (0.0, 1.0), x[0], rtol=1e-11, atol=1e-12).y[:, -1]
    layers, errors = np.array([10, 20, 40, 80]), []
    for n in layers:
        model = autoencode.AutoencODE(2, 2, int(n))
        theta = [np.concatenate([part.ravel() for part in parameters(k / n)]) for k in range(n)]
        errors.append(np.abs(autoencode.forward(model, np.concatenate(theta), x)[0] - exact).max())
    assert fitted(layers, errors) == pytest.approx(1.0, abs=0.1)


def test_steps_of_gradient_descent_approach_the_gradient_flow():
    net = multilayer.draw((5, 4), 2, rng=0)
    x, y = np.random.default_rng(1).normal(size=(7, 2)), np.linspace(-1.0, 1.0, 7)

    def end(epsilon):
        run = multilayer.train(net, x, y, epsilon=epsilon, times=[1.0], batch=None)
        return np.concatenate([w.ravel() for w in run.networks[0].weights])

    flow = 2.0 * end(1.0 / 4096) - end(1.0 / 2048)
    steps = np.array([16, 32, 64, 128])
    errors = [np.abs(end(1.0 / n) - flow).max() for n in steps]
    assert fitted(steps, errors) == pytest.approx(1.0, abs=0.1)


# -------------------------------------------------------------------------- the equation with noise


DRIFTS = {
    "identity": (-0.8, 0.2), "relu": (0.5, 3.0), "sigmoid": (-1.5, 0.2), "tanh": (-1.2, 0.3),
    "gcu": (0.7, 0.2),
}  # fmt: skip


def noisy(activation, cells, method, boundary):
    """The solution at t = 0.2, when mass has reached both ends, where it was not at t = 0."""
    found = fokker_planck.solve(
        SimResNet(activation, *DRIFTS[activation]), stats.norm(0.1, 0.3),
        Grid(-2.0, 2.0, int(cells)), [0.0, 0.2], nu=1.2, method=method, boundary=boundary,
        normalize=True, **({} if method == "paper" else {"tolerance": 1e-10}),
    )  # fmt: skip
    return found.density[-1]


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_fokker_planck_in_space(activation, boundary):
    fine, cells = noisy(activation, 1280, "implicit", boundary), np.array([80, 160, 320])
    # At an open end the flux is that of a parabola.
    orders = {"implicit": 4.0 if boundary == "no-flux" else 3.25, "structure-preserving": 2.0,
              "paper": 3.0}  # fmt: skip
    for method, order in orders.items():
        errors = [
            np.abs(noisy(activation, n, method, boundary) - fine.reshape(n, -1).mean(axis=1)).mean()
            for n in cells
        ]
        assert fitted(cells, errors) == pytest.approx(order, abs=0.2), method


# ----------------------------------------------------------------------------------- the adjoint


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_adjoint_on_the_grid(activation):
    # A monotone terminal value, whose slope has no kink.
    net = SimResNet(activation, 0.7, 6.0 if activation == "relu" else 0.2)
    cells, errors = np.array([100, 200, 400]), []
    for n in cells:
        grid = Grid(-6.0, 6.0, int(n))
        found = sensitivity.adjoint_on_grid(net, np.tanh(grid.faces - 0.5), grid, [0.0, 0.5])
        inner = np.abs(grid.faces) < 3.0
        exact = sensitivity.adjoint(net, lambda x: np.tanh(x - 0.5), 0.5, 0.0, grid.faces[inner])
        errors.append(np.abs(found.values[0, inner] - exact).mean())
    assert fitted(cells, errors) > 2.8
