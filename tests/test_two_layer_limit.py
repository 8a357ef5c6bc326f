"""The mean-field limit of two-layer networks: three ways, weak form, fluctuations."""

import numpy as np
import pytest
from scipy import integrate, stats

from kinetic import Grid, Grid2D, _two_layer_field, activations
from kinetic.two_layer import (
    density,
    fluctuations,
    limit,
    quadrature,
    train,
    transport,
    weak_residual,
)

INPUTS = np.repeat((np.arange(8) + 0.5) / 4.0, 2)
LABELS = np.sin(1.5 * INPUTS) + np.tile([0.4, -0.2], 8)
SKEWED = np.tile([0.25, 0.75], 8) / 8.0
DATA = {"x": INPUTS, "y": LABELS, "alpha": 4.0, "probabilities": SKEWED}
C_LAW, W_LAW = stats.norm(0.2, 0.5), stats.norm(-0.1, 0.7)
NODES = quadrature(C_LAW, W_LAW, (24, 48))
GRID = Grid2D(Grid(-4.0, 4.0, 64), Grid(-5.0, 5.0, 64))
OBSERVABLES = (
    lambda c, w: c * w,
    lambda c, w: np.cos(w) + 0.3 * c,
    lambda c, w: c * np.tanh(1.3 * w),
)


def p0(c, w):
    return C_LAW.pdf(c) * W_LAW.pdf(w)


def solved(times, nodes=NODES, **changes):
    options = {**DATA, **changes}
    return limit(c0=nodes.c, w0=nodes.w, weights=nodes.weights, times=times, **options)


def slope(sizes, errors):
    return np.polyfit(np.log(sizes), np.log(errors), 1)[0]


def descend(rng, runs, neurons, steps, alpha, c, w):
    """Online gradient descent of many networks at once, as it is defined."""
    c, w = c.copy(), w.copy()
    for _ in range(steps):
        k = rng.choice(INPUTS.size, size=(runs, 1), p=SKEWED)
        x, y = INPUTS[k], LABELS[k]
        s = np.tanh(w * x)
        pull = alpha / neurons * (y - (c * s).mean(axis=1, keepdims=True))
        c, w = c + pull * s, w + pull * c * (1.0 - s * s) * x
    return c, w


# ------------------------------------------------------------------------------------ the limit


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "gcu", "identity"])
def test_velocity_is_the_gradient_of_the_loss_of_each_parameter(activation):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(7, 2)), rng.normal(size=7)
    c, w, weights = rng.normal(size=5), rng.normal(size=(5, 2)), rng.dirichlet(np.ones(5))
    chances, sigma, step = rng.dirichlet(np.ones(7)), activations.get(activation), 1e-4

    def loss(theta):
        a, b = theta[:5], theta[5:].reshape(5, 2)
        return chances @ (y - (weights * a) @ sigma(b @ x.T)) ** 2 / 2.0

    theta = np.concatenate([c, w.ravel()])
    gradient = [(loss(theta + e) - loss(theta - e)) / (2 * step) for e in step * np.eye(15)]
    scale = np.concatenate([weights, np.repeat(weights, 2)])
    short = 1e-5
    sol = limit(
        x, y, c, w, alpha=3.0, times=[0.0, short], activation=activation, weights=weights,
        probabilities=chances, rtol=1e-13,
    )  # fmt: skip
    moved = np.concatenate([sol.c[1] - c, (sol.w[1] - w).ravel()]) / short
    assert moved == pytest.approx(-3.0 * np.array(gradient) / scale, abs=2e-3)
    assert abs(moved).max() > 0.1


@pytest.mark.parametrize("activation", _two_layer_field.SMOOTH)
def test_derivatives_are_those_of_the_activation(activation):
    u, step = np.linspace(-3.0, 3.0, 31), 1e-5
    value, first, second = _two_layer_field.SMOOTH[activation](u)
    ahead, behind = (_two_layer_field.SMOOTH[activation](u + e) for e in (step, -step))
    assert value == pytest.approx(activations.get(activation)(u), abs=1e-14)
    assert first == pytest.approx((ahead[0] - behind[0]) / (2 * step), abs=1e-8)
    assert second == pytest.approx((ahead[1] - behind[1]) / (2 * step), abs=1e-8)


def test_identity_follows_the_closed_equation_of_second_moments():
    """For sigma = id the output is m x, m = <c w>, and m' = rate(m) <c^2 + w^2>."""
    second = INPUTS**2 @ SKEWED
    cross = (INPUTS * LABELS) @ SKEWED
    times = np.linspace(0.0, 0.5, 6)

    def rate(_, state):
        m, energy = state
        pull = 4.0 * (cross - m * second)
        return [pull * energy, 4.0 * pull * m]

    start = [0.2 * -0.1, 0.2**2 + 0.25 + 0.01 + 0.49]
    exact = integrate.solve_ivp(rate, (0, 0.5), start, t_eval=times, rtol=1e-11, atol=1e-12).y
    found = solved(times, activation="identity")
    assert found.mean(lambda c, w: c * w) == pytest.approx(exact[0], abs=1e-8)
    assert found.mean(lambda c, w: c**2 + w**2) == pytest.approx(exact[1], abs=1e-8)
    assert found.outputs([2.0])[:, 0] == pytest.approx(2.0 * exact[0], abs=1e-8)


def test_loss_falls_at_the_rate_of_dissipation():
    times = np.linspace(0.0, 0.5, 65)
    found = solved(times, rtol=1e-11)
    spent = integrate.simpson(found.dissipation, x=times)
    assert found.loss[0] - found.loss[-1] == pytest.approx(spent, abs=1e-7)
    assert spent > 0.1


def test_one_time_returns_the_start():
    found = solved([0.3])
    assert (found.c[0] == NODES.c).all()
    assert (found.w[0] == NODES.w).all()
    assert found.loss.shape == (1,)


def test_a_run_beyond_float64_is_an_error_and_not_nan():
    with pytest.raises(FloatingPointError, match=r"could not be integrated from t=0\.0 to 1\.0"):
        solved([0.0, 1.0], activation="identity", alpha=1e300)


def test_an_endless_integration_is_given_up(monkeypatch):
    monkeypatch.setattr(_two_layer_field, "MOST_CALLS", 1000)
    with pytest.raises(FloatingPointError, match=r"t=0\.0 to t=1e\+30 needs more than 1000"):
        solved([0.0, 1e30])


def test_quadrature_converges_fast_and_agrees_with_equal_weights():
    fine = solved([0.0, 0.5], quadrature(C_LAW, W_LAW, (36, 72))).mean(OBSERVABLES)[-1]
    found = solved([0.0, 0.5]).mean(OBSERVABLES)[-1]
    assert found == pytest.approx(fine, abs=3e-6)
    levels = (np.arange(20_000) + 0.5) / 20_000
    c0, w0 = C_LAW.ppf(levels), W_LAW.ppf(levels * 20_000 * 0.6180339887498949 % 1.0)
    lattice = limit(c0=c0, w0=w0, times=[0.0, 0.5], **DATA).mean(OBSERVABLES)[-1]
    assert lattice == pytest.approx(fine, abs=3e-4)


def test_quadrature_of_bounded_laws_is_exact_for_polynomials():
    c, w, weights = quadrature(
        stats.uniform(-1, 3), [stats.uniform(), stats.norm(1, 2)], (4, 5, 40)
    )
    assert w.shape == (800, 2)
    assert weights @ (c**6 * w[:, 0] ** 8) == pytest.approx((2**7 + 1) / 21 / 9, rel=1e-12)
    assert weights @ (w[:, 1] ** 4) == pytest.approx(stats.norm(1, 2).moment(4), rel=1e-8)


# ------------------------------------------------------------------------------------ densities


def test_density_by_characteristics_has_the_means_of_the_points():
    q, h = np.linspace(-4.0, 4.0, 81), 0.1
    c, w = np.meshgrid(q, q, indexing="ij")
    values = density(INPUTS, LABELS, p0, NODES, c, w, alpha=4.0, time=0.3, probabilities=SKEWED)
    means = [(values * f(c, w)).sum() * h * h for f in (lambda c, w: 1.0, *OBSERVABLES)]
    expected = solved([0.0, 0.3]).mean(OBSERVABLES)[-1]
    assert means == pytest.approx([1.0, *expected], abs=2e-5)


def test_density_is_the_initial_one_over_the_determinant_of_the_flow():
    """In vector inputs, with passive points (of weight 0) beside one another for the flow."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(5, 2)), rng.normal(size=5)
    laws, step = (stats.norm(), stats.norm(0.3, 0.6), stats.norm(-0.2, 0.8)), 1e-4
    nodes = quadrature(laws[0], laws[1:], (12, 16, 18))
    theta = np.array([0.4, -0.3, 0.9])
    beside = theta + step * np.vstack([np.eye(3), -np.eye(3), np.zeros(3)])
    found = limit(
        x, y, np.append(nodes.c, beside[:, 0]), np.vstack([nodes.w, beside[:, 1:]]), alpha=2.0,
        times=[0.0, 0.5], weights=np.append(nodes.weights, np.zeros(7)), rtol=1e-12,
    )  # fmt: skip
    ends = np.column_stack([found.c[1, -7:], found.w[1, -7:]])
    determinant = np.linalg.det((ends[:3] - ends[3:6]) / (2 * step))
    start = np.prod([law.pdf(part) for law, part in zip(laws, theta, strict=True)])

    def initial(c, w):
        return laws[0].pdf(c) * laws[1].pdf(w[:, 0]) * laws[2].pdf(w[:, 1])

    value = density(x, y, initial, nodes, ends[6, :1], ends[6:, 1:], alpha=2.0, time=0.5)
    assert value[0] == pytest.approx(start / determinant, rel=1e-6)
    assert abs(determinant - 1.0) > 0.05


def test_weights_of_cell_averages_give_means_of_fourth_order():
    exact = np.exp(-0.245) * np.cos(-0.1) + 0.06
    loss = solved([0.0]).loss[0]
    cells, errors, losses = np.array([12, 16, 20, 24, 32]), [], []
    for n in cells:
        grid = Grid2D(Grid(-4.0, 4.0, n), Grid(-5.0, 5.0, n))
        found = transport(p0=p0, grid=grid, times=[0.0], **DATA)
        errors.append(abs(found.mean(OBSERVABLES[1])[0] - exact))
        losses.append(abs(found.loss[0] - loss))
        plain = (found.averages[0] * OBSERVABLES[1](*grid.centers)).sum() * grid.area
    assert slope(cells, errors) == pytest.approx(-4.0, abs=0.2)
    assert losses[-1] < 5e-6
    assert abs(plain - exact) > 50 * errors[-1]


def test_transport_converges_at_third_order_to_density_and_means():
    q = np.linspace(-2.4, 2.4, 25)
    c, w = np.meshgrid(q, q, indexing="ij")
    exact = density(INPUTS, LABELS, p0, NODES, c, w, alpha=4.0, time=0.25, probabilities=SKEWED)
    mean = solved([0.0, 0.25]).mean(OBSERVABLES)[-1]
    cells, errors, mean_errors = np.array([72, 90, 112, 140, 176]), [], []
    for n in cells:
        grid = Grid2D(Grid(-4.0, 4.0, n), Grid(-5.0, 5.0, n))
        found = transport(p0=p0, grid=grid, times=[0.0, 0.25], **DATA)
        errors.append(abs(found.at(-1, q, q) - exact).mean())
        mean_errors.append(abs(found.mean(OBSERVABLES)[-1] - mean).max())
    assert slope(cells, errors) == pytest.approx(-3.0, abs=0.25)
    assert slope(cells, mean_errors) < -2.7
    assert mean_errors[-1] < 1e-4


def test_mass_is_conserved_to_rounding_and_marginals_share_it():
    found = transport(p0=p0, grid=GRID, times=[0.0, 0.2, 0.4], **DATA)
    assert found.mass + found.outflow == pytest.approx(np.full(3, found.mass[0]), abs=1e-14)
    along_c, along_w = found.marginals()
    assert along_c.sum(axis=1) * GRID.x.dx == pytest.approx(found.mass, abs=1e-14)
    assert along_w.sum(axis=1) * GRID.y.dx == pytest.approx(found.mass, abs=1e-14)
    assert found.loss == pytest.approx(solved(found.times).loss, abs=2e-3)


# ------------------------------------------------------------------------------------ weak form


def test_weak_residual_vanishes_on_the_limit_and_on_the_density():
    times = np.linspace(0.0, 0.4, 33)
    points = solved(times)
    options = {**DATA, "times": times, "observables": OBSERVABLES}
    particles = weak_residual(c=points.c, w=points.w, weights=points.weights, **options)
    assert abs(particles.residual).max() < 1e-6
    wrong = weak_residual(
        c=points.c, w=points.w, weights=points.weights, **{**options, "alpha": 4.2}
    )
    assert abs(wrong.residual).max() > 1e-2
    found = transport(p0=p0, grid=GRID, times=times[::8], **DATA)
    options["times"] = times[::8]
    field = weak_residual(c=found.c, w=found.w, weights=found.weights, **options)
    assert abs(field.residual).max() < 5e-3
    assert field.noise == pytest.approx(particles.noise, rel=0.02)


def test_weak_residual_of_descent_has_the_predicted_variance():
    rng, runs, neurons, every = np.random.default_rng(3), 300, 64, 2
    c, w = (law.rvs((runs, neurons), random_state=rng) for law in (C_LAW, W_LAW))
    paths = [(c, w)]
    for _ in range(16):
        paths.append(descend(rng, runs, neurons, every, 4.0, *paths[-1]))
    times = np.arange(17) * every / neurons
    c, w = (np.array(part) for part in zip(*paths, strict=True))
    observables = OBSERVABLES[2]
    found = [
        weak_residual(times=times, c=c[:, k], w=w[:, k], observables=observables, **DATA)
        for k in range(runs)
    ]
    residuals = np.array([f.residual[0] for f in found]) * np.sqrt(neurons)
    predicted = np.mean([f.noise[0] for f in found])
    assert residuals.var() == pytest.approx(predicted, rel=4 * np.sqrt(2 / runs))


# --------------------------------------------------------------------------------- fluctuations


def test_initial_share_is_the_variance_of_the_derivative_with_respect_to_the_weights():
    """f_0 by moving mass to each of a few points, with their number small enough to do so."""
    rng = np.random.default_rng(4)
    c, w, weights = rng.normal(size=6), rng.normal(size=6), rng.dirichlet(np.ones(6))
    found = fluctuations(
        c0=c, w0=w, weights=weights, time=0.4, observables=OBSERVABLES, rtol=1e-10, **DATA
    )

    def means(omega):
        sol = limit(c0=c, w0=w, weights=omega, times=[0.0, 0.4], rtol=1e-12, **DATA)
        return sol.mean(OBSERVABLES)[-1]

    step, influence = 1e-4, np.empty((3, 6))
    for k, unit in enumerate(np.eye(6)):
        ahead, behind = ((1 - e) * weights + e * unit for e in (step, -step))
        influence[:, k] = (means(ahead) - means(behind)) / (2 * step)
    assert influence @ weights == pytest.approx(np.zeros(3), abs=1e-7)
    covariance = (influence * weights) @ influence.T
    assert found.initialization == pytest.approx(covariance, abs=1e-6)
    assert found.mean == pytest.approx(means(weights), abs=1e-7)


def test_share_of_the_samples_is_the_effect_of_kicks_by_single_samples():
    """grad f_s against a kick of all points at the time s, in vector inputs."""
    rng = np.random.default_rng(5)
    x, y, chances = rng.normal(size=(4, 2)), rng.normal(size=4), rng.dirichlet(np.ones(4))
    c, w, weights = rng.normal(size=5), rng.normal(size=(5, 2)), rng.dirichlet(np.ones(5))
    data = {"x": x, "y": y, "alpha": 2.0, "probabilities": chances, "weights": weights}

    def observable(c, w):
        return c * np.sin(w[:, 0] + 0.5 * w[:, 1])

    nodes, along = np.polynomial.legendre.leggauss(8)
    total = 0.0
    for s, part in zip(0.3 * (nodes + 1) / 2, 0.15 * along, strict=True):
        here = limit(c0=c, w0=w, times=[0.0, s], rtol=1e-11, **data)
        at_c, at_w = here.c[1], here.w[1]
        r = y - here.outputs(x)[1]
        effects = []
        for m in range(4):
            sigma, ends = np.tanh(at_w @ x[m]), []
            for e in (1e-4, -1e-4):
                kicked_c = at_c + e * r[m] * sigma
                kicked_w = at_w + e * r[m] * np.outer(at_c * (1 - sigma**2), x[m])
                rest = limit(c0=kicked_c, w0=kicked_w, times=[s, 0.3], rtol=1e-11, **data)
                ends.append(rest.mean(observable)[-1])
            effects.append((ends[0] - ends[1]) / 2e-4)
        effects = np.array(effects)
        total += part * 4.0 * (effects**2 @ chances - (effects @ chances) ** 2)
    found = fluctuations(c0=c, w0=w, time=0.3, observables=observable, rtol=1e-10, **data)
    assert found.samples[0, 0] == pytest.approx(total, rel=1e-5)


def test_fluctuations_predict_an_ensemble_of_descents():
    rng, runs, neurons, time = np.random.default_rng(6), 4000, 96, 0.25
    start = (law.rvs((runs, neurons), random_state=rng) for law in (C_LAW, W_LAW))
    c, w = descend(rng, runs, neurons, int(time * neurons), 4.0, *start)
    values = np.array([f(c, w) for f in OBSERVABLES])
    measured = neurons * np.cov(values.mean(axis=2))
    found = fluctuations(
        c0=NODES.c, w0=NODES.w, weights=NODES.weights, time=time, observables=OBSERVABLES, **DATA
    )
    spread = np.sqrt(np.diag(found.covariance))
    allowed = 4.5 * np.sqrt(2.0 / runs) + 2.0 / neurons
    assert abs(measured - found.covariance).max() / spread.max() ** 2 < allowed
    assert np.diag(measured) == pytest.approx(np.diag(found.covariance), rel=allowed)
    assert (np.diag(found.samples) > 10 * allowed * np.diag(found.initialization)).any()
    pairs = values - values.mean(axis=(1, 2), keepdims=True)
    both = neurons * (
        pairs.mean(axis=2) ** 2 * neurons / (neurons - 1) - (pairs**2).mean(axis=2) / (neurons - 1)
    )
    error = both.std(axis=1) / np.sqrt(runs)
    assert (abs(both.mean(axis=1) - np.diag(found.dependence)) < 4.5 * error + 0.05).all()


def test_a_large_trained_network_is_at_the_limit_within_the_fluctuations():
    rng, neurons = np.random.default_rng(7), 5000
    c0, w0 = (law.rvs(neurons, random_state=rng) for law in (C_LAW, W_LAW))
    found = train(c0=c0, w0=w0, times=[0.5], rng=rng, **DATA)
    values = [f(found.c[0], found.w[0]).mean() for f in OBSERVABLES]
    predicted = fluctuations(
        c0=NODES.c, w0=NODES.w, weights=NODES.weights, time=0.5, observables=OBSERVABLES, **DATA
    )
    deviations = (values - predicted.mean) / np.sqrt(np.diag(predicted.covariance) / neurons)
    assert abs(deviations).max() < 4.5
    assert predicted.mean == pytest.approx(solved([0.0, 0.5]).mean(OBSERVABLES)[-1], abs=1e-6)


def test_at_time_zero_only_the_initial_draw_fluctuates():
    found = fluctuations(
        c0=NODES.c, w0=NODES.w, weights=NODES.weights, time=0.0, observables=OBSERVABLES[0], **DATA
    )
    exact = (0.04 + 0.25) * (0.01 + 0.49) - 0.02**2
    assert found.covariance[0, 0] == pytest.approx(exact, rel=1e-9)
    assert found.dependence[0, 0] == 0.0


# ------------------------------------------------------------------------------------ bad input


START = {"c0": [0.1, 0.2], "w0": [0.5, -0.5]}


def short(**changes):
    return limit(**{**DATA, **START, "times": [0.0, 0.1], **changes})


def move(**changes):
    return transport(**{**DATA, "p0": p0, "grid": GRID, "times": [0.0, 0.5], **changes})


def weak(**changes):
    c = np.zeros((3, 2))
    times = [0.0, 0.5, 1.0]
    return weak_residual(
        **{**DATA, "times": times, "c": c, "w": c, "observables": OBSERVABLES, **changes}
    )


def predict(**changes):
    return fluctuations(**{**DATA, **START, "time": 0.1, "observables": OBSERVABLES, **changes})


CASES = {
    "x of three axes": (lambda: short(x=np.ones((2, 2, 2))), ValueError, r"x must.*\(2, 2, 2\)"),
    "labels of another number": (lambda: short(y=[1.0]), ValueError, r"y must have shape \(16,\)"),
    "x with nan": (lambda: short(x=np.full(16, np.nan)), ValueError, "x must be.*nan"),
    "alpha zero": (lambda: short(alpha=0.0), ValueError, "alpha must be a positive.*0.0"),
    "probabilities": (lambda: short(probabilities=SKEWED * 2), ValueError, "sum 1; got.*sum 2"),
    "c0 of two axes": (lambda: short(c0=np.ones((2, 2))), ValueError, r"c0 must.*\(2, 2\)"),
    "w0 of another length": (lambda: short(w0=[1.0]), ValueError, r"w0 must.*\(2,\).*\(1,\)"),
    "negative weights": (lambda: short(weights=[1.5, -0.5]), ValueError, "weights.*-0.5"),
    "rtol": (lambda: short(rtol=1.0), ValueError, "rtol must be"),
    "outputs": (lambda: short().outputs([[1.0]]), ValueError, r"x must have shape.*\(1, 1\)"),
    "few points": (lambda: quadrature(C_LAW, W_LAW, 3), ValueError, "3 points are too few.*mass"),
    "no law": (lambda: quadrature(1.0, W_LAW), TypeError, "c must be a law with pdf.*float"),
    "no second law of w": (
        lambda: quadrature(C_LAW, [W_LAW, "normal"]), TypeError, r"w\[1\] must be a law.*str"
    ),
    "density of no function": (
        lambda: density(INPUTS, LABELS, 1.0, NODES, [0.0], [0.0], alpha=1.0, time=1.0),
        TypeError,
        "p0 must be a function of c and w; got 1.0",
    ),
    "density of another shape": (
        lambda: density(INPUTS, LABELS, lambda c, w: 1.0, NODES, [0.0], [0.0], alpha=1.0, time=0.0),
        ValueError,
        r"p0 must return 1 values.*got shape \(\)",
    ),
    "density not finite": (
        lambda: density(
            INPUTS, LABELS, lambda c, w: c * np.nan, NODES, [0.0], [0.0], alpha=1.0, time=0.0
        ),
        ValueError,
        "value of p0 must be.*nan",
    ),
    "nodes without weights": (
        lambda: density(INPUTS, LABELS, p0, NODES[:2], [0.0], [0.0], alpha=1.0, time=1.0),
        TypeError,
        "nodes must be the points c and w and their weights",
    ),
    "transport of no function": (lambda: move(p0=None), TypeError, "p0 must be a function"),
    "weights of another sum": (lambda: weak(weights=[1.0, 1.0]), ValueError, "weights.*sum 1; got"),
    "observables a number": (lambda: predict(observables=3), TypeError, "observables.*got 3"),
    "points for two laws": (lambda: quadrature(C_LAW, W_LAW, (4,)), ValueError, "points must be"),
    "density of relu": (
        lambda: density(
            INPUTS, LABELS, p0, NODES, [0.0], [0.0], alpha=1.0, time=1.0, activation="relu"
        ),
        ValueError,
        "second derivative.*'tanh'.*got 'relu'",
    ),
    "fluctuations of relu": (lambda: predict(activation="relu"), ValueError, "got 'relu'"),
    "no observable": (lambda: predict(observables=[]), TypeError, "observables must be"),
    "observable of another shape": (
        lambda: predict(observables=lambda c, w: 1.0), ValueError, r"observables\[0\].*shape \(\)"
    ),
    "observable not finite": (
        lambda: predict(observables=[OBSERVABLES[0], lambda c, w: c * np.inf]),
        ValueError,
        r"observables\[1\] must be finite",
    ),
    "grid": (lambda: move(grid=Grid(0.0, 1.0, 9)), TypeError, "grid must be a.*Grid2D.*Grid"),
    "density outside": (lambda: move(p0=lambda c, w: p0(c - 3, w)), ValueError, "p0 must.*mass 0"),
    "grid too small": (
        lambda: move(grid=Grid2D(Grid(-2.5, 3.0, 32), Grid(-4.0, 4.0, 32)), alpha=40.0),
        ValueError,
        r"the grid \[-2.5, 3\].*is too small: by t=0.5 the mass.*smaller c",
    ),
    "vector inputs": (
        lambda: move(x=INPUTS[:, None]), ValueError, r"x must have shape \(M,\).*\(16, 1\)"
    ),
    "points beyond the grid": (
        lambda: move(times=[0.0]).at(0, [0.0, 5.0], [0.0]), ValueError, "c must lie in.*0 to 5"
    ),
    "even number of times": (
        lambda: weak(times=[0.0, 1.0]), ValueError, "odd in number.*got 2 times"
    ),
    "paths of another length": (lambda: weak(c=np.zeros((4, 2))), ValueError, r"c.*\(3, K\)"),
    "weights of another length": (lambda: weak(weights=[1.0]), ValueError, r"weights.*\(1,\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused_by_name(case):
    call, error, message = CASES[case]
    with pytest.raises(error, match=message):
        call()
