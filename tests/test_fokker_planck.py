"""The Fokker-Planck equation (21): exact solutions, order, steady state, entropy, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, sparse, stats
from scipy.special import ndtr

from kinetic import (
    Grid,
    SimResNet,
    _exponential,
    _implicit,
    _magnus,
    _quasi_steady,
    fokker_planck,
    mean_field,
)

OU = SimResNet("identity", -1.0, 0.0)
STILL = SimResNet("identity", 0.0, 0.0)
NU = np.sqrt(2.0)
GRID = Grid(-6.0, 6.0, 480)
START = stats.uniform(-1.0, 0.5)


def uniform_averages(grid, t, w=-1.0):
    """Averages at t > 0 of the solution from U[-1, -1/2] with K = 1, b = 0, nu^2 = -2 w."""
    shrink, spread = np.exp(w * t), np.sqrt(-np.expm1(2.0 * w * t))

    def twice_integrated(end):
        z = (grid.faces - end * shrink) / spread
        return spread * (z * ndtr(z) + stats.norm.pdf(z))

    return np.diff(twice_integrated(-1.0) - twice_integrated(-0.5)) / (grid.dx * 0.5 * shrink)


def normal(start, t, net, nu):
    """Law at t of the linear network with K = 1 from a normal law, parameters of t included."""

    def rate(s, state):
        w, b = net.parameters(s)
        return [w * state[0] + b, 2.0 * w * state[1] + nu**2]

    end = integrate.solve_ivp(rate, (0, t), [start.mean(), start.var()], rtol=1e-12, atol=1e-14)
    return stats.norm(end.y[0, -1], np.sqrt(end.y[1, -1]))


def error(solution, law, scale=1.0):
    grid = solution.grid
    return grid.norm(solution.density[-1] - scale * np.diff(law.cdf(grid.faces)) / grid.dx)


def fitted_order(sizes, errors):
    return -np.polyfit(np.log(sizes), np.log(errors), 1)[0]


# Tolerances: measured errors, 30 per cent more.
@pytest.mark.parametrize(
    ("method", "options", "at_1", "at_5"),
    [
        ("implicit", {}, 1.1e-5, 2.5e-7),
        ("structure-preserving", {}, 2.7e-5, 5.1e-6),
        ("euler", {"tolerance": 1e-5}, 8.1e-4, 2.9e-4),
    ],
)
def test_jump_against_the_exact_solution(method, options, at_1, at_5):
    sol = fokker_planck.solve(OU, START, GRID, [0.0, 1.0, 5.0], nu=NU, method=method, **options)
    assert GRID.norm(sol.density[1] - uniform_averages(GRID, 1.0)) < at_1
    assert GRID.norm(sol.density[2] - uniform_averages(GRID, 5.0)) < at_5
    np.testing.assert_allclose(sol.mean, -0.75 * np.exp(-sol.times), atol=2.0 * at_1)
    variance = np.exp(-2.0 * sol.times) / 48.0 - np.expm1(-2.0 * sol.times)
    np.testing.assert_allclose(sol.variance, variance, atol=5.0 * at_1)


def test_explicit_scheme_against_the_exact_solution():
    grid = Grid(-5.0, 5.0, 200)
    sol = fokker_planck.solve(OU, START, grid, [0.0, 1.0], nu=NU, method="paper")
    assert grid.norm(sol.density[1] - uniform_averages(grid, 1.0)) < 1e-4


LINEAR = SimResNet("identity", -1.0, 0.2)
CASES = {
    "constant": (LINEAR, "1", stats.norm(1.0, 0.5), (-5.0, 6.0), (40, 80, 160), 1.0),
    "K = x": (SimResNet("identity", -0.5, 0.0), "x", stats.lognorm(0.3), (0, 6), (120, 240), 0.5),
    "time": (
        SimResNet("identity", lambda t: -1.0 - np.sin(3.0 * t), np.cos), "1",
        stats.norm(0.5, 0.5), (-5.0, 5.0), (40, 80), 1.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "order", "options"),
    [
        ("implicit", 3.7, {"tolerance": 1e-8}),
        ("structure-preserving", 1.85, {"tolerance": 1e-7}),
        ("paper", 2.8, {}),
    ],
)
@pytest.mark.parametrize("case", CASES)
def test_order_in_space(case, method, order, options):
    net, diffusion, start, domain, cells, nu = CASES[case]
    t = 0.4
    if diffusion == "x":  # geometric Brownian motion stays lognormal
        drift = (net.w - nu**2 / 2.0) * t
        law = stats.lognorm(np.sqrt(0.09 + nu**2 * t), scale=np.exp(drift))
    else:
        law = normal(start, t, net, nu)
    errors = []
    for n in cells:
        sol = fokker_planck.solve(
            net, start, Grid(*domain, n), [0.0, t], nu=nu, diffusion=diffusion, method=method,
            normalize=True, **options,
        )  # fmt: skip
        errors.append(error(sol, law))
    assert order <= fitted_order(cells, errors) < order + 1.3


@pytest.mark.parametrize(
    ("method", "order"), [("implicit", 3), ("structure-preserving", 2), ("euler", 1)]
)
@pytest.mark.parametrize("changing", [False, True])
def test_order_in_time(method, order, changing):
    w = (lambda t: -1.0 - 0.5 * np.sin(2.0 * t)) if changing else -1.0
    net, grid = SimResNet("identity", w, 0.3), Grid(-4.0, 4.0, 30)

    def final(step):
        return fokker_planck.solve(
            net, stats.norm(0.5, 0.6), grid, [0.0, 2.0], nu=1.5, method=method, step=step,
            normalize=True,
        )  # fmt: skip

    steps = np.array([0.08, 0.04, 0.02])
    if order == 1:
        steps /= 4.0
        best = 2.0 * final(0.002).density[-1] - final(0.004).density[-1]
    else:
        best = final(0.005).density[-1]
    errors = [grid.norm(final(step).density[-1] - best) for step in steps]
    assert abs(fitted_order(1.0 / steps, errors) - order) < 0.25


def matrix(net, grid, nu, order):
    """A of d g / dt = A g, from the fluxes of unit vectors."""
    points = grid.centers[:, None] + grid.dx * _quasi_steady.POINTS
    sigma, noise = net.velocity(points), np.full(points.shape, nu**2 / 2.0)
    state = _quasi_steady.steady(sigma, noise, grid.dx)
    flux = order(state, sigma, noise, grid.dx, False)
    n, k = grid.cells, flux.shape[1] // 2
    dense = np.zeros((n + 1, n + 2 * k))
    for q in range(2 * k):
        dense[np.arange(n + 1), np.arange(n + 1) + q] = flux[:, q]
    return -np.diff(dense[:, k : n + k], axis=0) / grid.dx


@pytest.mark.parametrize(
    ("method", "order"),
    [
        ("implicit", _quasi_steady.fourth_order),
        ("structure-preserving", _quasi_steady.second_order),
    ],
)
def test_time_steps_agree_with_the_matrix_exponential_and_with_bdf(method, order):
    net, grid = SimResNet("tanh", -2.0, 0.7), Grid(-4.0, 4.0, 60)
    a = matrix(net, grid, 0.8, order)
    sol = fokker_planck.solve(net, START, grid, [0.0, 0.7], nu=0.8, method=method, tolerance=1e-8)
    exact = sparse.linalg.expm_multiply(0.7 * sparse.csr_array(a), sol.density[0])
    bdf = integrate.solve_ivp(
        lambda t, g: a @ g, (0.0, 0.7), sol.density[0], "BDF", jac=a, rtol=1e-7, atol=1e-9
    )
    assert grid.norm(sol.density[-1] - exact) < 1e-6
    assert grid.norm(sol.density[-1] - bdf.y[:, -1]) < 3e-6


def test_nonlinear_network_against_plain_central_differences():
    net, grid, nu = SimResNet("tanh", -2.0, 0.7), Grid(-4.0, 4.0, 320), 0.8

    def noise(x):
        return 1.0 + 0.5 * np.sin(x)

    sol = fokker_planck.solve(
        net, stats.norm(0.0, 0.5), grid, [0.0, 0.7], nu=nu, diffusion=noise, normalize=True
    )
    found = []
    for n in (320, 640):  # extrapolated from two grids
        fine = Grid(-4.0, 4.0, n)
        sigma, h = net.velocity(fine.faces), nu**2 / 2.0 * noise(fine.centers) ** 2
        outward = np.concatenate([sigma[1:-1] / 2.0 + h[:-1] / fine.dx, [0.0]])
        inward = np.concatenate([[0.0], -sigma[1:-1] / 2.0 + h[1:] / fine.dx])
        a = sparse.diags_array([outward[:-1], -outward - inward, inward[1:]], offsets=[-1, 0, 1])
        start = np.diff(stats.norm(0.0, 0.5).cdf(fine.faces)) / fine.dx
        end = sparse.linalg.expm_multiply(0.7 / fine.dx * a.tocsr(), start)
        found.append(end.reshape(320, -1).mean(axis=1))
    assert grid.norm(sol.density[-1] - (4.0 * found[1] - found[0]) / 3.0) < 2e-6


STATES = {
    "identity": (OU, "1", (-6.0, 6.0)),
    "tanh": (SimResNet("tanh", -1.0, 0.3), "1", (-9.0, 9.0)),
    "sigmoid, growing": (SimResNet("sigmoid", 2.0, -1.0), "1", (-3.0, 3.0)),
    "relu, a wall at a zero of K": (SimResNet("relu", -1.0, 1.0), "x", (0.0, 20.0)),
    "gcu, any K": (SimResNet("gcu", 1.0, 0.5), lambda x: 1.5 + np.cos(3.0 * x), (-4.0, 4.0)),
}


@pytest.mark.parametrize("method", ["implicit", "structure-preserving", "euler"])
@pytest.mark.parametrize("case", STATES)
def test_steady_state_is_kept_to_rounding_and_reached(case, method):
    net, diffusion, domain = STATES[case]
    grid = Grid(*domain, 150)

    def solve(g0, times):
        return fokker_planck.solve(
            net, g0, grid, times, nu=1.0, diffusion=diffusion, method=method, tolerance=1e-4
        )

    start = solve(np.full(150, 1.0 / (150 * grid.dx)), [0.0, 500.0])
    g = start.equilibrium
    assert grid.norm(start.density[-1] - g) < 1e-5
    assert grid.norm(solve(g, [0.0, 1.0, 50.0]).density[-1] - g) < 1e-13


def test_equilibrium_is_the_steady_state_22():
    sol = fokker_planck.solve(OU, START, GRID, [0.0, 0.1], nu=NU)
    exact = mean_field._initial_averages(stats.norm(), GRID, False)
    np.testing.assert_allclose(sol.equilibrium, exact / (GRID.dx * exact.sum()), rtol=1e-11)
    grid = Grid(0.0, 40.0, 800)  # x -> 2 b / nu^2 / x has the law Gamma(1 - 2 w / nu^2)
    net = SimResNet("identity", -1.0, 1.0)
    sol = fokker_planck.solve(net, stats.uniform(1, 1), grid, [0, 0.1], nu=1.0, diffusion="x")
    exact = np.diff(stats.invgamma(3.0, scale=2.0).cdf(grid.faces)) / grid.dx
    assert grid.norm(sol.equilibrium - exact / (grid.dx * exact.sum())) < 1e-8


def test_relative_entropy_decays_as_the_logarithmic_sobolev_inequality_says():
    times = np.linspace(0.0, 4.0, 41)
    for method in ("implicit", "structure-preserving"):
        sol = fokker_planck.solve(OU, START, GRID, times, nu=NU, method=method)
        entropy = sol.relative_entropy
        assert (entropy <= np.exp(-2.0 * times) * entropy[0]).all()
        assert (np.diff(np.log(entropy)) <= -2.0 * 0.1 * (1.0 - 1e-3)).all()
        rate = -np.polyfit(times[20:], np.log(entropy[20:]), 1)[0]
        assert abs(rate - 2.0) < 0.02


@pytest.mark.parametrize(
    ("method", "chosen"),
    [("structure-preserving", False), ("structure-preserving", True), ("euler", False)],
)
@given(
    activation=st.sampled_from(["identity", "relu", "sigmoid", "tanh", "gcu"]),
    w=st.floats(-3.0, 3.0),
    b=st.floats(-2.0, 2.0),
    nu=st.floats(0.05, 3.0),
    cells=st.integers(5, 60),
    seed=st.integers(0, 1000),
    step=st.floats(0.001, 2.0),
    diffusion=st.sampled_from(["1", lambda x: 1.2 + np.sin(2.0 * x)]),
)
@settings(max_examples=60, deadline=None)
def test_structure_is_kept_by_steps_of_any_length(
    method, chosen, activation, w, b, nu, cells, seed, step, diffusion
):  # fmt: skip
    rng = np.random.default_rng(seed)
    grid = Grid(-3.0, 2.0, cells)
    rough = rng.random(cells) * (rng.random(cells) < 0.4)
    rough[rng.integers(cells)] += 1.0
    times = np.cumsum([0.0, step, step, step, 1.0])
    sol = fokker_planck.solve(
        SimResNet(activation, w, b), rough / (rough.sum() * grid.dx), grid, times, nu=nu,
        diffusion=diffusion, method=method, step=None if chosen else step,
    )  # fmt: skip
    assert np.abs(sol.mass - 1.0).max() < 1e-11
    assert sol.density.min() >= 0.0
    entropy = sol.relative_entropy
    assert (np.diff(entropy) <= 1e-12 * (1.0 + np.abs(entropy[:-1]))).all()


@pytest.mark.parametrize(("method", "radius"), [("euler", np.inf), ("tr_bdf2", 1.0 + np.sqrt(2.0))])
def test_steps_within_the_radius_are_convex_combinations_of_euler_steps(method, radius):
    stages = _implicit.METHODS[method].stages

    def smallest(r):
        inverse = np.linalg.inv(np.eye(len(stages)) + r * stages)
        return min((stages @ inverse).min(), inverse.sum(axis=1).min())

    assert smallest(min(radius, 1e6)) > -1e-14
    if radius < np.inf:
        assert smallest(1.01 * radius) < -1e-3


def test_steps_are_taken_where_the_factors_would_need_much_memory(monkeypatch):
    monkeypatch.setattr(_exponential, "MOST_CELLS", 59)
    assert solve().steps > 2
    monkeypatch.setattr(_exponential, "MOST_CELLS", 60)
    assert solve().steps == 2


def test_averages_within_the_noise_become_zero_and_mass_is_kept():
    accepts = fokker_planck._keeps_structure(None, 0.2, 1e-12)
    before, after = np.full(3, 1.0), np.array([1.5, -1e-13, 1.5])
    mass = after.sum()
    assert accepts(before, after)
    assert after.min() == 0.0
    assert after.sum() == pytest.approx(mass, abs=1e-15)
    assert not accepts(before, np.array([1.5, -1e-11, 1.5]))


@pytest.mark.parametrize("w", [-1.0, lambda t: -1.0 - 0.5 * np.sin(t)])
def test_steps_are_taken_where_exponentials_are_refused(w, monkeypatch):
    net, grid, times = SimResNet("identity", w, 0.0), Grid(-5.0, 5.0, 100), [0.0, 0.5, 1.0]
    arguments = {"nu": NU, "method": "structure-preserving", "tolerance": 1e-6}
    one = fokker_planck.solve(net, START, grid, times, **arguments)
    monkeypatch.setattr(_exponential.Exponential, "advance", lambda *_, **options: None)
    monkeypatch.setattr(_magnus, "advance", lambda *_, **options: None)
    two = fokker_planck.solve(net, START, grid, times, **arguments)
    assert one.steps == (4 if net.autonomous else 64)
    assert two.steps > 64
    assert grid.norm(one.density[-1] - two.density[-1]) < 3e-5


@pytest.mark.parametrize("method", ["implicit", "structure-preserving", "euler"])
@pytest.mark.parametrize("w", [-1.0, lambda t: -1.0 - 0.5 * np.sin(t)])
@pytest.mark.parametrize("boundary", ["no-flux", "open"])
def test_no_mass_is_lost_until_100(method, w, boundary):
    net, grid = SimResNet("identity", w, 0.1), Grid(-4.0, 4.0, 40)
    sol = fokker_planck.solve(
        net, START, grid, [0.0, 1.0, 10.0, 100.0], nu=1.0, method=method, boundary=boundary,
        tolerance=1e-3,
    )  # fmt: skip
    np.testing.assert_allclose(sol.mass + sol.outflow.sum(axis=1), 1.0, atol=2e-13)
    if boundary == "no-flux":
        assert not sol.outflow.any()


def test_a_step_that_raises_the_entropy_or_loses_positivity_is_refused():
    steady = np.full(10, 0.5)
    accepts = fokker_planck._keeps_structure(np.log(steady), 0.2)
    tilted = steady + np.linspace(-0.1, 0.1, 10)
    assert accepts(tilted, steady.copy())
    assert accepts(steady, steady.copy())
    assert not accepts(steady, tilted)
    negative = steady.copy()
    negative[:2] = [-0.1, 1.1]
    assert not accepts(tilted, negative)


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
@pytest.mark.parametrize("method", fokker_planck.METHODS)
def test_mirrored_problem_has_the_mirrored_solution(method, boundary):
    g0 = np.random.default_rng(0).random(20)
    options = {"nu": 0.9, "method": method, "boundary": boundary, "normalize": True}
    one, two = (
        fokker_planck.solve(
            SimResNet("tanh", -1.0, 0.4 * sign), g0[::sign], Grid(-1.5, 1.5, 20), [0.0, 0.2],
            diffusion=lambda x, sign=sign: 1.0 + 0.3 * np.sin(sign * x), **options,
        )
        for sign in (1, -1)
    )  # fmt: skip
    np.testing.assert_allclose(one.density, two.density[:, ::-1], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(one.outflow, two.outflow[:, ::-1], rtol=1e-9)


def test_steps_that_would_lose_positivity_are_halved():
    g0 = np.zeros(60)
    g0[30] = 10.0
    grid = Grid(-3.0, 3.0, 60)
    options = {"nu": 1.0, "step": 0.5}
    kept = fokker_planck.solve(OU, g0, grid, [0, 1], method="structure-preserving", **options)
    assert kept.steps > 2
    assert kept.density.min() >= 0.0
    assert fokker_planck.solve(OU, g0, grid, [0, 1], method="euler", **options).steps == 2


@pytest.mark.parametrize(
    ("method", "order"), [("implicit", 2.7), ("structure-preserving", 1.8), ("paper", 2.8)]
)
def test_open_ends_absorb(method, order):
    class Arch:
        def cdf(self, x):
            return (1.0 - np.cos(np.pi * np.clip(x, 0.0, 1.0))) / 2.0

    cells, errors, losses = (20, 40, 80), [], []
    decay = np.exp(-(np.pi**2) * 0.1)
    for n in cells:
        sol = fokker_planck.solve(
            STILL, Arch(), Grid(0, 1, n), [0, 0.1], nu=NU, boundary="open", method=method
        )
        errors.append(error(sol, Arch(), decay))
        losses.append(abs(sol.outflow[-1, 0] - (1.0 - decay) / 2.0))
        assert abs(sol.mass[-1] + sol.outflow[-1].sum() - 1.0) < 1e-13
        assert sol.equilibrium is None
    assert fitted_order(cells, errors) > order
    assert losses[-1] < 1e-4


@pytest.mark.parametrize("method", ["implicit", "structure-preserving", "euler"])
@pytest.mark.parametrize("b", [0.1, lambda t: np.cos(t)])
def test_nothing_remains_between_open_ends(method, b):
    net = SimResNet("tanh", -1.0, b)
    sol = fokker_planck.solve(
        net, START, Grid(-2.0, 2.0, 40), [0.0, 0.5, 1.0, 5.0], nu=30.0, method=method,
        boundary="open", tolerance=1e-4,
    )  # fmt: skip
    np.testing.assert_allclose(sol.density[1:], 0.0, atol=1e-14 if method != "euler" else 1e-3)
    np.testing.assert_allclose(sol.mass + sol.outflow.sum(axis=1), 1.0, atol=1e-13)
    assert np.isfinite(sol.outflow).all()


def test_mass_drifts_out_of_an_open_end_as_without_noise():
    net, grid = SimResNet("identity", 0.0, 1.0), Grid(-1.0, 1.0, 100)
    start = stats.norm(0.0, 0.2)
    options = {"nu": 0.02, "method": "structure-preserving", "boundary": "open"}
    sol = fokker_planck.solve(net, start, grid, [0.0, 1.0], normalize=True, **options)
    assert sol.outflow[-1, 1] == pytest.approx(0.5, abs=0.01)


def test_walls_have_the_order_of_the_scheme():
    class Cosine:
        def __init__(self, factor):
            self.factor = factor

        def cdf(self, x):
            x = np.clip(x, 0.0, 1.0)
            return x + self.factor * np.sin(np.pi * x) / (2.0 * np.pi)

    cells, errors = (20, 40, 80), []
    for n in cells:
        sol = fokker_planck.solve(
            STILL, Cosine(1.0), Grid(0, 1, n), [0, 0.1], nu=NU, tolerance=1e-9
        )
        errors.append(error(sol, Cosine(np.exp(-(np.pi**2) * 0.1))))
    assert fitted_order(cells, errors) > 3.8


@pytest.mark.parametrize("method", ["implicit", "structure-preserving"])
def test_noise_that_the_grid_does_not_resolve_gives_the_upwind_scheme(method):
    net, grid = SimResNet("tanh", -1.0, 0.2), Grid(-3.0, 3.0, 200)
    g0, times = stats.norm(0.5, 0.4), [0.0, 1.0]
    noisy = fokker_planck.solve(
        net, g0, grid, times, nu=1e-3, method=method, normalize=True, tolerance=1e-5
    )
    still = mean_field.solve(net, g0, grid, times, normalize=True)
    assert abs(noisy.mean[-1] - still.mean[-1]) < 0.006
    assert grid.norm(noisy.density[-1] - still.density[-1]) < 0.07
    assert noisy.density.min() >= 0.0


def test_compiled_step_agrees_with_interpreted():
    rng = np.random.default_rng(0)
    method = _implicit.METHODS["kvaerno3"]
    fluxes = rng.normal(size=(1, 9, 4))
    fluxes[0, 0, :2] = fluxes[0, 1, 0] = fluxes[0, -1, 2:] = fluxes[0, -2, 3] = 0.0
    results = []
    for run in (_implicit._step, _implicit._step.py_func):
        u, out, estimate = np.zeros(12), np.zeros(12), np.zeros(8)
        u[2:-2] = np.arange(8.0)
        left = run(
            fluxes, u, 0.1, 0.5, *method[:2], np.empty((4, 8)), np.empty((8, 5)), out, estimate
        )
        results.append(np.concatenate([out, estimate, left]))
    np.testing.assert_allclose(*results, rtol=1e-11, atol=1e-13)


def solve(**change):
    arguments = {
        "net": OU, "g0": stats.norm(), "grid": Grid(-6.0, 6.0, 60), "times": [0.0, 0.1], "nu": 1.0
    }  # fmt: skip
    return fokker_planck.solve(**(arguments | change))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"nu": -1.0}, ValueError, "nu must be a positive number.*got -1.0"),
        ({"nu": 0.0}, ValueError, "nu must be.*mean_field.solve; got 0.0"),
        ({"nu": np.nan}, ValueError, "nu must be.*nan"),
        ({"nu": "big"}, TypeError, "nu must be.*'big'"),
        ({"nu": 1e-200}, ValueError, "range of float64; got nu=1e-200"),
        ({"nu": 1e200}, ValueError, r"range of float64; got nu=1e\+200"),
        ({"nu": 1e-6}, ValueError, "nu=1e-06 is too small for the grid.*mean_field.solve"),
        ({"diffusion": lambda x: 1e200 + 0.0 * x}, ValueError, "K.2 / 2 must be within the range"),
        ({"step": 1e-9}, ValueError, "step=1e-09 is too short for times from 0.0 to 0.1"),
        ({"times": [1e17, 2e17], "method": "euler"}, ValueError, "let times begin near 0"),
        ({"diffusion": "x"}, ValueError, "diffusion x must not vanish inside.*near x=.*e-|x=0"),
        (
            {"diffusion": lambda x: (x - 0.333) ** 2},
            ValueError,
            "diffusion <lambda> must not vanish inside the grid.*x=0.333",
        ),
        ({"diffusion": np.abs}, ValueError, r"diffusion absolute must not vanish.*near x=\S+e-1\d"),
        ({"diffusion": lambda x: 0.0 * x}, ValueError, "must not vanish inside the grid"),
        ({"diffusion": "2"}, ValueError, "diffusion must be '1', 'x' or a function"),
        (
            {"diffusion": "x", "grid": Grid(0.0, 9.0, 60), "g0": stats.uniform(1, 1),
             "boundary": "open"},
            ValueError,
            "diffusion x vanishes at the open end x=0.0",
        ),
        ({"net": SimResNet("tanh", np.eye(2), 0.0)}, ValueError, "dimension 1"),
        ({"net": "tanh"}, TypeError, "net must be a kinetic.SimResNet"),
        ({"grid": 60}, TypeError, "grid must be a kinetic.Grid; got int"),
        ({"times": [1.0, 0.0]}, ValueError, "times must increase"),
        ({"method": "explicit"}, ValueError, "method must be one of.*'explicit'"),
        ({"boundary": "periodic"}, ValueError, "boundary must be one of"),
        ({"tolerance": 0.0}, ValueError, "tolerance must be a positive number; got 0.0"),
        ({"step": -1.0}, ValueError, "step must be a positive number; got -1.0"),
        ({"step": "1"}, TypeError, "step must be a positive number"),
        ({"step": 0.1, "tolerance": 0.1}, ValueError, "tolerance or step, not both"),
        ({"step": 0.1, "method": "paper"}, ValueError, "not for method='paper'"),
        ({"tolerance": 1e-300}, ValueError, "shorter than rounding.*raise tolerance=1e-300"),
        ({"g0": np.ones(3)}, ValueError, r"g0 as cell averages must have shape \(60,\)"),
        ({"g0": stats.norm(9.0)}, ValueError, "g0 has mass.*outside the grid"),
    ],
)  # fmt: skip
def test_errors_name_the_argument(change, error, message):
    with pytest.raises(error, match=message):
        solve(**change)


def test_no_entropy_without_a_steady_state():
    for change in (
        {"boundary": "open"},
        {"net": SimResNet("identity", lambda t: -1.0 - t, 0.0)},
        {"diffusion": "x", "grid": Grid(0.0, 9.0, 60), "g0": stats.uniform(1, 1)},
    ):
        with pytest.raises(ValueError, match="there is no steady state"):
            _ = solve(**change).relative_entropy


@pytest.mark.parametrize("method", ["implicit", "structure-preserving"])
@pytest.mark.parametrize(("nu", "end"), [(1.0, 1e15), (1e6, 1.0)])
def test_mass_is_kept_over_steps_that_are_longer_than_every_rate(method, nu, end):
    sol = fokker_planck.solve(OU, stats.norm(0.5, 0.5), GRID, [0.0, end], nu=nu, method=method)
    assert sol.mass[1] == pytest.approx(1.0, abs=1e-13)
    np.testing.assert_allclose(sol.density[1], sol.equilibrium, rtol=1e-5, atol=1e-8)


def test_data_pile_up_at_a_zero_of_the_noise_that_the_drift_points_to():
    net, grid = SimResNet("identity", -1.0, -1.0), Grid(0.0, 6.0, 120)
    sol = fokker_planck.solve(net, stats.uniform(1, 1), grid, [0.0, 3.0], nu=0.5, diffusion="x")
    assert sol.equilibrium is None
    assert sol.density[1, 0] * grid.dx == pytest.approx(1.0, abs=1e-3)
