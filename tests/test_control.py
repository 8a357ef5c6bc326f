"""Optimal control of layers and of densities, against closed forms and independent methods."""

import numpy as np
import pytest
from scipy import optimize, stats

from kinetic import Grid, SimResNet, control, control_density, sensitivity
from kinetic.control_density import Clusters
from kinetic.shooting import least_energy

STATED_SHOOTING = [0.0, 1.60, 0.90, 1.30, 1.10, 1.21, 1.15, 1.18, 1.17]
STATED_ENDS = {"shooting": (1.167, 0.862), "direct": (1.116, 0.867)}
"""Numbers of Bonnet, Cipriani, Fornasier and Huang: first layer over iterations, end layers."""


def clusters():
    return Clusters([stats.truncnorm(-0.2, 0.2, loc=c) for c in (-1.0, 1.0)], [-2.0, 2.0])


def limit(lam=0.1, T=0.9, activation="tanh"):
    x, y, masses = clusters().quadrature(16)
    return control.Problem(x, y, lam, T, activation, masses)


def sampled(seed, lam=0.1, T=0.9, M=200):
    return control.Problem(*clusters().sample(M, seed), lam, T)


def quotient(function, theta, step=1e-4):
    """Central differences of fourth order in each layer."""
    e = step * np.eye(theta.size)
    near = [np.asarray(function(theta + d)) - function(theta - d) for d in e]
    far = [np.asarray(function(theta + 2 * d)) - function(theta - 2 * d) for d in e]
    return (8 * np.array(near) - np.array(far)) / (12 * step)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "identity"])
@pytest.mark.parametrize("shape", [(7,), (5, 3)])
def test_gradient_and_hessian_are_those_of_the_cost(activation, shape):
    rng = np.random.default_rng(4)
    problem = control.Problem(rng.normal(size=shape), rng.normal(size=shape), 0.3, 1.4, activation)
    theta = rng.normal(size=6)
    h = problem.T / theta.size
    by_cost = quotient(lambda u: control.cost(problem, u), theta) / h
    by_gradient = quotient(lambda u: control.gradient(problem, u), theta)
    np.testing.assert_allclose(control.gradient(problem, theta), by_cost, atol=1e-9)
    np.testing.assert_allclose(control.hessian(problem, theta), by_gradient, atol=1e-9)


def test_cost_is_the_closed_form_for_the_identity():
    x, y, theta = np.array([1.0, -0.5]), np.array([0.3, 2.0]), np.array([0.4, -0.7, 1.1])
    problem = control.Problem(x, y, 0.2, 1.5, "identity", masses=[0.25, 0.75])
    ends = x * np.prod(1.0 + 0.5 * theta)
    expected = ((ends - y) ** 2) @ [0.25, 0.75] + 0.2 * 0.5 * (theta @ theta)
    assert control.cost(problem, theta) == pytest.approx(expected, rel=1e-14)


def test_coordinates_of_an_input_share_the_control():
    x, y = np.array([[0.2, -1.0], [0.7, 0.4]]), np.array([[1.0, 0.0], [-0.3, 0.8]])
    theta = np.array([0.5, -1.2])
    both = control.cost(control.Problem(x, y, 0.1, 1.0), theta)
    parts = [control.cost(control.Problem(x[:, k], y[:, k], 0.05, 1.0), theta) for k in (0, 1)]
    assert both == pytest.approx(sum(parts), rel=1e-14)


def test_least_energy_is_the_global_minimizer():
    rng = np.random.default_rng(1)
    u = np.geomspace(1e-4, 1e3, 10_000)
    u = np.concatenate([-u, [0.0], u])
    for _ in range(100):
        x = rng.normal(size=8) * 10.0 ** rng.uniform(-2.0, 1.0, 8)
        q = rng.normal(size=8) * 10.0 ** rng.uniform(-1.0, 1.0, 8)
        values = 0.02 * u**2 + np.tanh(u[:, None] * x) @ q
        found = least_energy("tanh", x, q, 0.02)
        assert 0.02 * found**2 + np.tanh(found * x) @ q <= values.min() + 1e-12
        assert abs(0.04 * found + (q * x) @ (1 - np.tanh(found * x) ** 2)) < 1e-10


def test_hamiltonian_is_stationary_where_the_gradient_vanishes():
    problem = limit()
    best = control.minimize(problem, np.zeros(9))
    found = control.passes(problem, best.theta)
    for n in range(9):
        u = best.theta[n] + np.array([-1e-4, 0.0, 1e-4])
        low, mid, high = control.hamiltonian(problem, u, found.states[n], found.costates[n + 1])
        assert mid < min(low, high)
        assert abs(high - low) < 1e-11


def test_fixed_point_with_discrete_adjoint_is_the_minimizer():
    problem = limit()
    shot = control.shoot(problem, np.zeros(9))
    best = control.minimize(problem, np.zeros(9))
    np.testing.assert_allclose(shot.theta, best.theta, atol=1e-9)
    assert best.eigenvalues[0] > 0.0
    free = optimize.minimize(lambda u: control.cost(problem, u), np.zeros(9), tol=1e-12)
    assert abs(best.cost - free.fun) < 1e-9


def test_iteration_contracts_by_the_predicted_factor():
    problem = limit()
    shot = control.shoot(problem, np.zeros(9), tol=1e-12)
    derivative = control.shooting_derivative(problem, shot.theta)
    numbers = quotient(lambda u: control.shooting_step(problem, u), shot.theta, 1e-3).T
    np.testing.assert_allclose(derivative, numbers, atol=1e-8)
    radius = abs(np.linalg.eigvals(derivative)).max()
    measured = shot.residuals[25] / shot.residuals[24]
    assert measured == pytest.approx(radius, abs=1e-3)


@pytest.mark.parametrize("adjoint", ["continuous", "grid"])
def test_other_adjoints_approach_the_minimizer_at_first_order(adjoint):
    problem, layers, gaps = limit(), np.array([9, 18, 36, 72, 144]), []
    for n in layers:
        choice = Grid(-3.0, 3.0, int(4 * n)) if adjoint == "grid" else adjoint
        shot = control.shoot(problem, np.ones(n), adjoint=choice, tol=1e-9, damping=0.6)
        gaps.append(abs(shot.theta - control.minimize(problem, np.ones(n)).theta).max())
    fit = stats.linregress(np.log(layers), np.log(gaps))
    assert fit.slope == pytest.approx(-1.0, abs=0.1)


def test_damping_decides_on_convergence_as_predicted():
    problem, start = limit(T=1.25), np.zeros(20)
    best = control.minimize(problem, start).theta
    lowest = np.linalg.eigvals(control.shooting_derivative(problem, best)).real.min()
    assert 0.4 < 2.0 / (1.0 - lowest) < 0.5
    shot = control.shoot(problem, start, damping=0.4)
    np.testing.assert_allclose(shot.theta, best, atol=1e-8)
    message = r"iteration 60 still changes a layer by \d.*damping=0.5"
    with pytest.raises(RuntimeError, match=message):
        control.shoot(problem, start, damping=0.5, most_iterations=60)


def test_gradient_is_that_of_sensitivity_in_the_limit_of_many_layers():
    law, T = stats.truncnorm(-0.2, 0.2, loc=1.0), 0.9
    one = Clusters([law], [2.0])
    x, y, masses = one.quadrature(16)
    net = SimResNet("tanh", lambda t: 1.1 - 0.3 * t, 0.0)
    exact = sensitivity.gradient(net, law, 2.0, T)
    errors = []
    for layers in (50, 100, 200, 400):
        theta = 1.1 - 0.3 * (np.arange(layers) + 0.5) * T / layers
        found = control.passes(control.Problem(x, y, 0.1, T, masses=masses), theta)
        middles = (np.arange(layers) + 0.5) * T / layers
        force = np.interp(exact.times[2:-2], middles, found.gradient - 0.2 * theta)
        errors.append(abs(force - 2.0 * exact.w_at[2:-2]).max())
    orders = -np.diff(np.log2(errors))
    assert errors[-1] < 1e-3
    np.testing.assert_allclose(orders, 1.0, atol=0.1)


def test_densities_agree_with_particles_in_continuous_time():
    theta, problem = np.linspace(1.1, 0.86, 9), limit()
    fine = [control.passes(problem, np.repeat(theta, k)) for k in (100, 200)]
    end_cost = 2.0 * fine[1].end_cost - fine[0].end_cost
    by_layer = [one.gradient.reshape(9, -1).mean(axis=1) for one in fine]
    gradient = 2.0 * by_layer[1] - by_layer[0]
    errors = []
    for cells in (150, 300, 600, 1200):
        grid = Grid(-3.0, 3.0, cells)
        found = control_density.passes(clusters(), theta, grid, lam=0.1, T=0.9)
        errors.append([abs(found.end_cost - end_cost), abs(found.gradient - gradient).max()])
    errors = np.array(errors)
    assert errors[-1].max() < 3e-4
    assert (np.log2(errors[:-1] / errors[1:]).mean(axis=0) > 1.3).all()


def test_gradient_on_densities_is_the_mean_over_a_long_interval():
    theta = np.array([1.1, 0.86])
    fine = [control.gradient(limit(), np.repeat(theta, k)) for k in (400, 800)]
    first, second = (one.reshape(2, -1).mean(axis=1) for one in fine)
    found = control_density.passes(clusters(), theta, Grid(-3.0, 3.0, 1200), lam=0.1, T=0.9)
    np.testing.assert_allclose(found.gradient, 2.0 * second - first, atol=2e-4)


def test_shooting_on_densities_finds_the_control_of_the_particles():
    shot = control_density.shoot(
        clusters(), np.ones(9), Grid(-3.0, 3.0, 1200), lam=0.1, T=0.9, tol=1e-5, damping=0.65
    )
    problem, fixed = limit(), []
    for k in (20, 40):
        theta = control.minimize(problem, np.ones(9 * k)).theta
        fixed.append(theta.reshape(9, k).mean(axis=1))
    np.testing.assert_allclose(shot.theta, 2.0 * fixed[1] - fixed[0], atol=2e-3)
    assert shot.residuals[-1] <= 1e-5


def test_quadrature_and_sample_are_of_the_law():
    law = stats.truncnorm(-0.2, 0.2, loc=1.0)
    two = Clusters([law, stats.uniform(2.0, 1.0)], [3.0, 5.0], [0.25, 0.75])
    x, y, masses = two.quadrature(12)
    assert masses.sum() == pytest.approx(1.0, abs=1e-14)
    for k in (1, 2, 3):
        expected = 0.25 * law.moment(k) + 0.75 * stats.uniform(2.0, 1.0).moment(k)
        assert masses @ x**k == pytest.approx(expected, rel=1e-12)
    x, y = two.sample(40, 3)
    assert (y == 3.0).sum() == 10
    assert ((x[y == 5.0] >= 2.0) & (x[y == 5.0] <= 3.0)).all()
    np.testing.assert_array_equal(x, two.sample(40, 3)[0])


X, Y = np.array([1.0, -1.0]), np.array([2.0, -2.0])
GRID = Grid(-3.0, 3.0, 60)


def test_clusters_may_reach_to_the_ends_of_the_grid():
    still = [SimResNet("tanh", 0.0, 0.0)]
    ends = clusters().supports.ravel()
    control_density._check_width(clusters(), still, Grid(ends.min(), ends.max(), 10), 1.0)
    for left, right in ((ends.min() + 1e-9, ends.max()), (ends.min(), ends.max() - 1e-9)):
        with pytest.raises(ValueError, match=r"^grid must hold the clusters.*in interval 0 they"):
            control_density._check_width(clusters(), still, Grid(left, right, 10), 1.0)


def run_density(**changes):
    given = {"clusters": clusters(), "theta": np.ones(3), "grid": GRID, "lam": 0.1, "T": 0.9}
    given |= changes
    return control_density.passes(
        given["clusters"], given["theta"], given["grid"], lam=given["lam"], T=given["T"]
    )


BAD = {
    "lam zero": (lambda: control.Problem(X, Y, 0.0, 1.0), ValueError, "lam must be a positive.*0"),
    "lam negative": (lambda: control.Problem(X, Y, -1, 1.0), ValueError, "lam must be.*-1"),
    "lam nan": (lambda: control.Problem(X, Y, np.nan, 1.0), ValueError, "lam must be.*nan"),
    "lam text": (lambda: control.Problem(X, Y, "1", 1.0), TypeError, "lam must be"),
    "T zero": (lambda: control.Problem(X, Y, 0.1, 0), ValueError, "T must be a positive number"),
    "x nan": (lambda: control.Problem([np.nan, 1], Y, 0.1, 1), ValueError, "x.*nan at index"),
    "x empty": (lambda: control.Problem([], [], 0.1, 1), ValueError, r"x must have shape.*\(0,\)"),
    "labels do not fit": (
        lambda: control.Problem(X, [1.0], 0.1, 1), ValueError, r"y.*\(2,\).*\(1,\)",
    ),
    "masses": (
        lambda: control.Problem(X, Y, 0.1, 1, masses=[0.5, 0.6]), ValueError, r"masses.*0.5, 0.6",
    ),
    "kinked activation": (
        lambda: control.Problem(X, Y, 0.1, 1, "relu"), ValueError, "activation.*'tanh'.*'relu'",
    ),
    "not a problem": (lambda: control.cost((X, Y), [1.0]), TypeError, "problem must be.*tuple"),
    "theta a number": (
        lambda: control.cost(control.Problem(X, Y, 0.1, 1), 1.0),
        ValueError, r"theta.*\(N,\).*\(\)",
    ),
    "theta nan": (
        lambda: control.minimize(control.Problem(X, Y, 0.1, 1), [np.nan]), ValueError, "theta.*nan",
    ),
    "adjoint": (
        lambda: control.shoot(control.Problem(X, Y, 0.1, 1), [0.0], adjoint="exact"),
        ValueError, "adjoint must be one of 'discrete', 'continuous'.*'exact'",
    ),
    "grid too small": (
        lambda: control.shoot(control.Problem(X, Y, 0.1, 1), [0.0], adjoint=Grid(0, 1, 9)),
        ValueError, "adjoint: the grid's centers must reach from -1 to 1",
    ),
    "grid too fine": (
        lambda: control.shoot(control.Problem(X, Y, 0.1, 1), [9.0], adjoint=Grid(-9, 9, 90)),
        ValueError, "adjoint: explicit steps need.*h=1 and dx=0.2",
    ),
    "damping": (
        lambda: control.shoot(control.Problem(X, Y, 0.1, 1), [0.0], damping=1.5),
        ValueError, r"damping must be a number in \(0, 1\]; got 1.5",
    ),
    "iterations": (
        lambda: control.shoot(control.Problem(X, Y, 0.1, 1), [0.0], most_iterations=0),
        ValueError, "most_iterations must be an integer of at least 1",
    ),
    "states of another size": (
        lambda: control.hamiltonian(control.Problem(X, Y, 0.1, 1), 1.0, [1.0], [1.0]),
        ValueError, r"x must have shape \(2,\); got \(1,\)",
    ),
    "laws without labels": (
        lambda: Clusters([stats.uniform()], [1.0, 2.0]), ValueError, "labels.*1 laws",
    ),
    "law without ppf": (lambda: Clusters([np.sin], [1.0]), TypeError, "lacks pdf, cdf, ppf"),
    "unbounded law": (lambda: Clusters([stats.norm()], [1.0]), ValueError, "bounded supports.*inf"),
    "no masses": (
        lambda: control.Problem(X, Y, 0.1, 1, masses=[]), ValueError, r"masses must be 2.*\(0,\)",
    ),
    "huge masses": (
        lambda: control.Problem(X, Y, 0.1, 1, masses=[1e308, 1e308]), ValueError, "masses must be",
    ),
    "laws a number": (lambda: Clusters(3, [1.0]), TypeError, "laws must be a sequence of laws.*3"),
    "cluster masses": (
        lambda: Clusters([stats.uniform()] * 2, [1, 2], [1.0, 0.0]), ValueError, "masses must be 2",
    ),
    "odd sample": (lambda: clusters().sample(7, 0), ValueError, "M must split into the masses.*7"),
    "density without clusters": (lambda: run_density(clusters=X), TypeError, "clusters.*ndarray"),
    "density without grid": (lambda: run_density(grid=9), TypeError, "grid must be.*int"),
    "density on a narrow grid": (
        lambda: run_density(grid=Grid(-1.5, 1.5, 60)),
        ValueError, "grid must hold the clusters.*interval 1 .* to 1.736.*grid from -1.5 to 1.5",
    ),
    "density with huge theta": (
        lambda: run_density(theta=[1e200]), FloatingPointError, r"\|theta\| is 1e\+200",
    ),
    "density with huge lam": (
        lambda: run_density(lam=1e308), FloatingPointError, r"lam is 1e\+308",
    ),
    "Hamiltonian beyond float64": (
        lambda: control.hamiltonian(control.Problem(X, Y, 0.1, 1), 1e200, X, Y),
        FloatingPointError, r"H exceeds float64; the largest \|u\| is 1e\+200",
    ),
    "density lam": (lambda: run_density(lam=0.0), ValueError, "lam must be a positive number"),
    "density theta": (lambda: run_density(theta=1.0), ValueError, r"theta.*\(N,\).*\(\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


def test_overflow_is_reported_with_the_layer():
    problem = control.Problem(X, Y, 0.1, 1.0, "identity")
    with pytest.raises(
        FloatingPointError, match=r"after layer 2 of 4 exceeds.*\|theta\| is 1e\+200"
    ):
        control.cost(problem, np.full(4, 1e200))


def test_minimization_that_stops_early_is_reported():
    with pytest.raises(RuntimeError, match="after 1 iterations the gradient has the norm"):
        control.minimize(limit(), np.zeros(9), most_iterations=1)
