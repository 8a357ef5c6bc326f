"""AutoencODEs: passes against plain NumPy, gradients, training by two principles, bad input."""

import re

import numpy as np
import pytest
from scipy import optimize

from kinetic import _autoencode_steps, autoencode
from kinetic.autoencode import AutoencODE
from kinetic.reconstruction import prepared, stored

CUSTOM = [[0, 1, 2, 3, 4], [1, 3, 0], [3], [3], [3, 2, 4], [0, 1, 2, 3, 4]]
MODELS = {
    "projected": AutoencODE(5, 2, 6, depth=3.0),
    "frozen": AutoencODE(5, 2, 6, depth=3.0, deactivation="freeze"),
    "custom": AutoencODE(5, 1, 6, active=CUSTOM),
    "custom, frozen": AutoencODE(5, 1, 6, active=CUSTOM, deactivation="freeze"),
    "wide": AutoencODE(9, 6, 5, depth=2.0),
    "wide, frozen": AutoencODE(9, 6, 5, depth=2.0, deactivation="freeze"),
    "linear": AutoencODE(4, 2, 4, activation="identity"),
    "line": AutoencODE(1, 1, 3),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
SIGMA = {"tanh": np.tanh, "identity": lambda u: u}


def samples(model, count=301, seed=0):
    return np.random.default_rng(seed).normal(size=(count, model.dimension))


def layers_by_hand(model, theta, x, begin=0):
    """States before layers begin, ..., N - 1 and at the end, with masks in plain NumPy."""
    states, x = [], x.copy()
    for active, (w, b) in list(zip(model.active, model.parameters(theta), strict=True))[begin:]:
        active = list(active)
        if model.deactivation == "project":
            idle = np.setdiff1d(np.arange(model.dimension), active)
            x[:, idle] = 0.0
        states.append(x.copy())
        x[:, active] += model.step * SIGMA[model.activation](x[:, active] @ w.T + b)
    return [*states, x]


def arc(count=200, angle=2.0):
    """Points of an arc with equal distances, in principal coordinates."""
    s = angle * (2.0 * (np.arange(count) + 0.5) / count - 1.0)
    return np.column_stack([np.sin(s), np.cos(s) - np.cos(s).mean()])


# -------------------------------------------------------------------------------- passes


@every_model
def test_passes_agree_with_plain_numpy(model):
    x, theta = samples(model), model.initial(1.0, 3)
    by_hand = layers_by_hand(model, theta, x)
    run = autoencode.sweep(model, theta, x)
    assert abs(run.states - by_hand).max() < 1e-13
    assert abs(autoencode.forward(model, theta, x) - by_hand[-1]).max() < 1e-13
    narrow = list(model.active[model.bottleneck])
    z = autoencode.encode(model, theta, x)
    assert abs(z - by_hand[model.bottleneck][:, narrow]).max() < 1e-13
    start = np.zeros_like(x)
    start[:, narrow] = z
    decoded = layers_by_hand(model, theta, start, model.bottleneck)[-1]
    assert abs(autoencode.decode(model, theta, z) - decoded).max() < 1e-13


@every_model
def test_gradient_is_that_of_the_layers(model):
    x, theta = samples(model, 75), model.initial(0.7, 1)
    weights = np.random.default_rng(2).random(75)
    weights /= weights.sum()

    def value(t):
        return autoencode.cost(model, t, x, lam=0.2, probabilities=weights)

    h = 1e-5
    differences = [(value(theta + e) - value(theta - e)) / (2 * h) for e in h * np.eye(model.size)]
    found = autoencode.gradient(model, theta, x, lam=0.2, probabilities=weights)
    assert abs(found.gradient - differences).max() < 1e-8
    ends = ((layers_by_hand(model, theta, x)[-1] - x) ** 2).sum(axis=1)
    penalty = 0.2 * model.step * (theta**2).sum()
    assert found.cost == pytest.approx(weights @ ends + penalty, rel=1e-13)


@every_model
def test_adjoints_are_derivatives_by_the_states(model):
    x, theta = samples(model, 40), model.initial(0.7, 1)
    run, h = autoencode.sweep(model, theta, x), 1e-5
    direction = samples(model, 40, seed=5)
    for layer in range(model.layers):
        start = run.states[layer]
        plus, minus = (
            layers_by_hand(model, theta, start + s * h * direction, layer)[-1] for s in (1, -1)
        )
        change = ((plus - x) ** 2 - (minus - x) ** 2).sum(axis=1) / (2 * h)
        assert abs((run.adjoints[layer] * direction).sum(axis=1) - change).max() < 1e-7


def test_pairing_of_adjoint_and_linearized_state_is_constant():
    model = AutoencODE(5, 5, 8, depth=2.0)
    x, theta = samples(model, 20), model.initial(1.0, 1)
    run, change = autoencode.sweep(model, theta, x), samples(model, 20, seed=5)
    pairings = []
    for layer, (w, b) in enumerate(model.parameters(theta)):
        pairings.append((run.adjoints[layer] * change).sum(axis=1))
        slope = 1.0 - np.tanh(run.states[layer] @ w.T + b) ** 2
        change = change + model.step * slope * (change @ w.T)
    pairings.append((run.adjoints[-1] * change).sum(axis=1))
    assert np.ptp(pairings, axis=0).max() < 1e-13 * np.abs(pairings).max()


def test_probabilities_count_repeated_samples():
    model = MODELS["projected"]
    x, theta = samples(model, 3), model.initial(1.0, 1)
    repeated = autoencode.gradient(model, theta, x[[0, 1, 1, 2, 2, 2]], lam=0.1)
    law = autoencode.gradient(model, theta, x, lam=0.1, probabilities=np.array([1, 2, 3]) / 6)
    assert law.cost == pytest.approx(repeated.cost, rel=1e-14)
    assert abs(law.gradient - repeated.gradient).max() < 1e-14


# --------------------------------------------------------------- bottleneck and principal parts


def test_default_active_sets():
    assert AutoencODE(2, 1, 7).widths.tolist() == [2, 2, 2, 1, 2, 2, 2]
    assert AutoencODE(64, 8, 8).widths.tolist() == [64, 32, 16, 8, 8, 16, 32, 64]
    assert AutoencODE(64, 5, 8).widths.min() == 5
    assert AutoencODE(3, 3, 2).widths.tolist() == [3, 3]
    assert AutoencODE(5, 1, 6, active=CUSTOM).active[4][0] == 3


def test_frozen_coordinates_leak_past_the_bottleneck():
    x = samples(MODELS["frozen"])
    for name, passes in (("frozen", True), ("projected", False)):
        model = MODELS[name]
        theta = np.zeros(model.size)
        whole = autoencode.forward(model, theta, x)
        latent = autoencode.decode(model, theta, autoencode.encode(model, theta, x))
        kept = x * (np.arange(5) < 2)
        assert abs(whole - (x if passes else kept)).max() == 0.0
        assert abs(latent - kept).max() == 0.0


def test_zero_is_the_projection_to_principal_components_and_a_strict_minimum():
    x = samples(AutoencODE(4, 2, 8), 200) * [2.0, 1.0, 0.5, 0.2]
    x -= x.mean(axis=0)
    x = x @ np.linalg.svd(x, full_matrices=False)[2].T
    model, lam = AutoencODE(4, 2, 8), 1e-3
    found = autoencode.gradient(model, np.zeros(model.size), x, lam=lam)
    assert found.cost == pytest.approx((x[:, 2:] ** 2).sum(axis=1).mean(), rel=1e-12)
    assert abs(found.gradient).max() < 1e-13
    steps = 1e-4 * np.eye(model.size)
    columns = [
        autoencode.gradient(model, e, x, lam=lam).gradient
        - autoencode.gradient(model, -e, x, lam=lam).gradient
        for e in steps
    ]
    hessian = (np.array(columns) + np.transpose(columns)) / 4e-4
    assert np.linalg.eigvalsh(hessian)[0] > 2.0 * lam * model.step - 1e-6


def test_linear_autoencoder_reaches_principal_components_and_no_more():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(120, 3)) @ rng.normal(size=(3, 3)) + 1.0
    least = np.linalg.eigvalsh(np.cov(x.T, bias=True))[:2].sum()
    model = AutoencODE(3, 1, 8, activation="identity", depth=2.0)
    run = autoencode.train(model, x, lam=1e-6, iterations=2000, tolerance=1e-7)
    assert least <= run.loss < 1.001 * least
    output = autoencode.forward(model, run.theta, x)
    assert np.linalg.matrix_rank(output - output.mean(axis=0), tol=1e-10) == 1


# -------------------------------------------------------------------------------- training


def test_methods_agree_where_the_minimizer_is_unique():
    model = AutoencODE(2, 1, 6, depth=2.0)
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    options = {"lam": 0.5, "tolerance": 1e-7, "iterations": 3000}
    runs = [
        autoencode.train(model, arc() @ turn, method=method, rng=seed, **options)
        for seed, method in enumerate(("lbfgs", "hamiltonian", "descent"))
    ]
    for run in runs:
        assert run.converged
        assert run.gradient_norm <= 1e-7
        assert abs(run.theta - runs[0].theta).max() < 1e-5
        assert (np.diff(run.history) <= 1e-15).all()
        assert len(run.history) == len(run.work) == run.iterations + 1
        assert (np.diff(run.work) > 0.0).all()
    assert abs(runs[0].theta).max() > 0.01


def test_curve_passes_a_latent_line_better_than_by_principal_components():
    model = AutoencODE(2, 1, 12, depth=8.0)
    run = autoencode.train(model, arc(), lam=1e-4, iterations=400, rng=1)
    between = arc(199)
    spread = (between[:, 1] ** 2).mean()
    assert autoencode.loss(model, run.theta, between) < 0.02 * spread
    z = autoencode.encode(model, run.theta, between)
    assert z.shape == (199, 1)
    assert (np.diff(z[:, 0]) > 0).all() or (np.diff(z[:, 0]) < 0).all()


@pytest.mark.parametrize("layer", [0, 2, 5])
def test_each_layer_maximizes_its_penalized_hamiltonian(layer):
    model, lam, tau = AutoencODE(3, 1, 6, depth=3.0), 0.05, 0.4
    x, theta = samples(model, 90), model.initial(1.0, 1)
    run = stored(model, theta, prepared(model, x, None))
    a, first = model.plan.widths[layer], model.plan.offsets[layer]
    rows = slice(first, first + a * (a + 1))
    old, slopes = theta[rows], run.gradient[rows] / model.step + 2 * lam * theta[rows]
    sweep = autoencode.sweep(model, theta, x)
    active = list(model.active[layer])
    y, p = sweep.states[layer][:, active], sweep.adjoints[layer + 1][:, active]

    def penalized(new):
        w, b = new[: a * a].reshape(a, a), new[a * a :]
        hamiltonian = -(p * np.tanh(y @ w.T + b)).sum(axis=1).mean() - lam * new @ new
        return -hamiltonian + ((new - old) ** 2).sum() / (2 * tau)

    value = run.energies[layer] + lam * old @ old
    assert value == pytest.approx(penalized(old), rel=1e-12)
    best = optimize.minimize(penalized, old, tol=1e-10)
    found = np.empty_like(old)
    count = _autoencode_steps.maximize(
        model.tag, model.plan, layer, old, slopes, value, run.states, run.adjoints, lam, tau,
        1e-7, 200, found,
    )  # fmt: skip
    assert count > 1
    assert abs(found - best.x).max() < 1e-5
    assert abs(found - old).max() > 0.01


def test_adam_follows_its_definition():
    model, x, rate, steps = MODELS["projected"], samples(MODELS["projected"], 30), 0.05, 5
    theta = model.initial(rng=1)
    run = autoencode.train(
        model, x, lam=0.1, method="adam", theta=theta, iterations=steps, learning_rate=rate
    )
    mean = square = 0.0
    for k in range(steps):
        g = autoencode.gradient(model, theta, x, lam=0.1).gradient
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g
        first, second = mean / (1 - 0.9 ** (k + 1)), square / (1 - 0.999 ** (k + 1))
        theta = theta - rate * (1 - k / steps) * first / (np.sqrt(second) + 1e-8)
    assert abs(run.theta - theta).max() < 1e-13
    assert run.iterations == steps
    assert run.work.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_batches_are_drawn_from_the_law():
    model, x = AutoencODE(2, 1, 4), samples(AutoencODE(2, 1, 4), 40)
    law = np.zeros(40)
    law[[3, 8]] = 0.5
    options = {"lam": 0.1, "method": "adam", "iterations": 2000, "batch": 6, "rng": 3}
    given = autoencode.train(model, x, probabilities=law, **options)
    np.testing.assert_allclose(given.work, 6 / 40 * np.arange(2001))
    alone = autoencode.train(model, x[[3, 8]], theta=given.theta, lam=0.1)
    assert given.cost == pytest.approx(alone.cost, rel=0.05)
    again = autoencode.train(model, x, probabilities=law, **options)
    assert (given.theta == again.theta).all()


def test_initial_theta_is_not_changed():
    model, x = AutoencODE(2, 1, 4), arc(20)
    start = model.initial(rng=1)
    for method in ("lbfgs", "adam", "descent", "hamiltonian"):
        before = start.copy()
        run = autoencode.train(model, x, lam=0.1, method=method, theta=start, iterations=3)
        assert (start == before).all()
        assert abs(run.theta - start).max() > 0


# -------------------------------------------------------------------------------- bad input

LINE = AutoencODE(2, 1, 4)
ZERO = np.zeros(LINE.size)
POINTS = arc(20)
NAN = POINTS * np.where(np.arange(40).reshape(20, 2) == 7, np.nan, 1.0)

CASES = {
    "latent above dimension": (
        lambda: AutoencODE(2, 3, 4), ValueError, "latent must be at most the dimension 2; got 3"
    ),
    "no latent": (lambda: AutoencODE(2, 0, 4), ValueError, "latent.*at least 1; got 0"),
    "fractional layers": (lambda: AutoencODE(2, 1, 4.0), TypeError, "layers.*got 4.0"),
    "depth zero": (lambda: AutoencODE(2, 1, 4, depth=0.0), ValueError, "depth.*positive.*0.0"),
    "deactivation": (
        lambda: AutoencODE(2, 1, 4, deactivation="drop"), ValueError, "deactivation.*'drop'"
    ),
    "activation": (lambda: AutoencODE(2, 1, 4, activation="relu"), ValueError, "activation.*relu"),
    "too few sets": (
        lambda: AutoencODE(2, 1, 4, active=[[0, 1], [0], [0, 1]]), ValueError, "4 sets.*got 3"
    ),
    "empty set": (
        lambda: AutoencODE(2, 1, 3, active=[[0, 1], [], [0, 1]]), ValueError, r"active\[1\].*\[\]"
    ),
    "coordinate out of range": (
        lambda: AutoencODE(2, 1, 3, active=[[0, 2], [0], [0, 1]]), ValueError, "below 2.*2]"
    ),
    "coordinate twice": (
        lambda: AutoencODE(2, 1, 3, active=[[0, 0], [0], [0, 1]]), ValueError, "each once"
    ),
    "sets not nested": (
        lambda: AutoencODE(3, 1, 3, active=[[0, 1], [2], [1, 2]]),
        ValueError,
        r"active\[1\]=\[2\] is not within active\[0\]=\[0, 1\]",
    ),
    "sets grow and shrink": (
        lambda: AutoencODE(2, 1, 4, active=[[0, 1], [0], [0, 1], [0]]), ValueError, "then grow"
    ),
    "sets without the latent size": (
        lambda: AutoencODE(3, 1, 3, active=[[0, 1], [0, 1], [0, 1, 2]]), ValueError, "latent=1"
    ),
    "sets of another kind": (lambda: AutoencODE(2, 1, 2, active=3), TypeError, "active.*got 3"),
    "model of another kind": (
        lambda: autoencode.forward("net", ZERO, POINTS), TypeError, "model.*AutoencODE; got str"
    ),
    "theta of another length": (
        lambda: autoencode.forward(LINE, ZERO[1:], POINTS), ValueError, r"theta.*\(16,\).*\(15,\)"
    ),
    "x flat": (
        lambda: autoencode.forward(LINE, ZERO, POINTS[0]), ValueError, r"x.*\(M, 2\).*\(2,\)"
    ),
    "x empty": (lambda: autoencode.forward(LINE, ZERO, POINTS[:0]), ValueError, "M >= 1"),
    "x with nan": (
        lambda: autoencode.train(LINE, NAN, lam=0.1), ValueError, r"x.*nan at index \(3, 1\)"
    ),
    "z of another width": (
        lambda: autoencode.decode(LINE, ZERO, POINTS), ValueError, r"z.*\(M, 1\).*\(20, 2\)"
    ),
    "lam zero": (
        lambda: autoencode.cost(LINE, ZERO, POINTS, lam=0.0), ValueError, "lam.*positive.*0.0"
    ),
    "lam negative": (
        lambda: autoencode.train(LINE, POINTS, lam=-1.0), ValueError, "lam.*positive.*-1.0"
    ),
    "probabilities of another length": (
        lambda: autoencode.cost(LINE, ZERO, POINTS, lam=1.0, probabilities=[1.0]),
        ValueError,
        r"probabilities.*\(20,\).*\(1,\)",
    ),
    "probabilities of another sum": (
        lambda: autoencode.loss(LINE, ZERO, POINTS, probabilities=np.ones(20)), ValueError, "sum 1"
    ),
    "method": (
        lambda: autoencode.train(LINE, POINTS, lam=1.0, method="newton"), ValueError, "'newton'"
    ),
    "iterations": (
        lambda: autoencode.train(LINE, POINTS, lam=1.0, iterations=0), ValueError, "iterations"
    ),
    "learning rate": (
        lambda: autoencode.train(LINE, POINTS, lam=1.0, method="adam", learning_rate=-1.0),
        ValueError,
        "learning_rate.*positive.*-1.0",
    ),
    "batch": (
        lambda: autoencode.train(LINE, POINTS, lam=1.0, method="adam", batch=21),
        ValueError,
        "batch must be at most the 20 samples; got 21",
    ),
    "tau": (
        lambda: autoencode.train(LINE, POINTS, lam=1.0, method="hamiltonian", tau=0.0),
        ValueError,
        "tau.*positive",
    ),
    "Adam diverges": (
        lambda: autoencode.train(LINE, POINTS, lam=1.0, method="adam", learning_rate=50.0),
        FloatingPointError,
        r"diverges at step 1 of 500 with learning_rate=50.0: J = .* after .* at first",
    ),
    "L-BFGS overflows": (
        lambda: autoencode.train(
            AutoencODE(3, 1, 20, activation="identity", depth=10.0), np.eye(3), lam=1.0,
            theta=AutoencODE(3, 1, 20).initial(1e5),
        ),
        FloatingPointError,
        "L-BFGS, iteration 1: .*exceeds the range of float64; begin with a smaller theta",
    ),
    "L-BFGS cannot begin": (
        lambda: autoencode.train(LINE, POINTS, lam=1.0, theta=np.full(16, 1e200)),
        FloatingPointError,
        "L-BFGS, iteration 0: .*exceeds",
    ),
    "overflow": (
        lambda: autoencode.forward(
            AutoencODE(2, 1, 4, activation="identity"), np.full(16, 1e200), POINTS
        ),
        FloatingPointError,
        "exceeds the range of float64",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), CASES.values(), ids=CASES)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert re.search(message, str(caught.value)), str(caught.value)
