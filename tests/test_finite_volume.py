"""The scheme (24): order, conservation, positivity, concentration, reconstruction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kinetic import Grid, SimResNet, _fifth_order, _third_order, finite_volume, mean_field
from kinetic.distances import wasserstein

GRIDS = (400, 800, 1600, 3200)

# Smooth data; for ReLU they live where the velocity is smooth.
SMOOTH = {
    "identity": (SimResNet("identity", -1.0, 0.3), stats.norm(1.0, 0.5), (-6.0, 8.0), 0.5),
    "relu": (SimResNet("relu", 1.0, 1.0), stats.norm(2.0, 0.25), (-1.0, 9.0), 0.5),
    "sigmoid": (SimResNet("sigmoid", 1.5, 0.2), stats.norm(1.0, 0.5), (-6.0, 9.0), 1.0),
    "tanh": (SimResNet("tanh", 1.0, -0.5), stats.norm(1.0, 0.5), (-8.0, 9.0), 1.0),
    "gcu": (SimResNet("gcu", 1.0, 0.0), stats.norm(1.0, 0.2), (-1.0, 4.0), 0.5),
}
TIME_DEPENDENT = (
    SimResNet("tanh", lambda t: -1.0 - np.sin(3.0 * t), np.cos),
    stats.norm(0.2, 0.5),
    (-5.0, 5.0),
    0.5,
)


def exact_averages(net, g0, grid, t):
    return np.diff(mean_field.push_forward(net, g0, t).cdf(grid.faces)) / grid.dx


def fitted_order(net, g0, domain, t, boundary, grids=GRIDS):
    errors = []
    for cells in grids:
        grid = Grid(*domain, cells)
        sol = mean_field.solve(net, g0, grid, [0.0, t], boundary=boundary, normalize=True)
        errors.append(grid.norm(sol.density[-1] - exact_averages(net, g0, grid, t)))
    return -np.polyfit(np.log(grids), np.log(errors), 1)[0]


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
@pytest.mark.parametrize("activation", SMOOTH)
def test_third_order_on_smooth_data(activation, boundary):
    assert 2.8 <= fitted_order(*SMOOTH[activation], boundary) < 3.6


def test_third_order_with_time_dependent_parameters():
    assert 2.8 <= fitted_order(*TIME_DEPENDENT, "open", (800, 1600, 3200, 6400)) < 4.2


def test_third_order_where_smooth_mass_leaves_an_open_domain():
    net, g0 = SimResNet("tanh", 1.0, 0.0), stats.norm(1.0, 0.3)
    outflow_errors, density_errors, grids = [], [], (100, 200, 400, 800)
    for cells in grids:
        grid = Grid(-2.0, 2.5, cells)
        sol = mean_field.solve(net, g0, grid, [0.0, 1.5], boundary="open", normalize=True)
        law = mean_field.push_forward(net, g0, 1.5)
        assert sol.outflow[-1, 1] > 0.3
        outflow_errors.append(abs(sol.outflow[-1, 1] - (1.0 - law.cdf(2.5))))
        density_errors.append(grid.norm(sol.density[-1] - exact_averages(net, g0, grid, 1.5)))
    for errors in (outflow_errors, density_errors):
        assert -np.polyfit(np.log(grids), np.log(errors), 1)[0] >= 2.8


def test_order_is_lost_where_the_density_jumps():
    # ReLU with its kink inside the support: the exact density is discontinuous there.
    order = fitted_order(SimResNet("relu", 1.0, 0.0), stats.norm(0.0, 0.5), (-5, 8), 0.5, "open")
    assert 0.4 < order < 1.3


@pytest.mark.parametrize("activation", ["identity", "relu", "sigmoid", "tanh", "gcu"])
@given(
    w=st.floats(-2.0, 2.0),
    b=st.floats(-2.0, 2.0),
    cells=st.integers(5, 90),
    seed=st.integers(0, 1000),
    boundary=st.sampled_from(["no-flux", "open"]),
    cfl=st.floats(0.05, 1.0),
)
@settings(max_examples=40, deadline=None)
def test_mass_is_conserved_and_density_not_negative(
    activation, w, b, cells, seed, boundary, cfl
):  # fmt: skip
    rng = np.random.default_rng(seed)
    grid = Grid(-3.0, 2.0, cells)
    rough = rng.random(cells) * (rng.random(cells) < 0.4)
    rough[rng.integers(cells)] += 1.0
    g0 = rough / (rough.sum() * grid.dx)
    sol = mean_field.solve(
        SimResNet(activation, w, b), g0, grid, [0.0, 0.7, 3.0], boundary=boundary, cfl=cfl
    )
    assert np.abs(sol.mass + sol.outflow.sum(axis=1) - 1.0).max() < 1e-12
    assert sol.density.min() >= -1e-15 / grid.dx
    if boundary == "no-flux":
        assert not sol.outflow.any()


@pytest.mark.parametrize(
    ("net", "g0", "domain", "walls"),
    [
        (SimResNet("identity", -1.0, 0.37), stats.norm(0.37, 0.3), (-3.0, 4.0), None),
        (SimResNet("identity", -3.0, 0.0), stats.norm(1.0, 0.3), (-3.0, 4.0), None),
        (SimResNet("tanh", -2.0, 0.74), stats.norm(0.0, 0.5), (-6.0, 6.0), None),
        (SimResNet("gcu", np.pi / 6, -5 * np.pi / 6), stats.uniform(2, 6), (1.0, 9.0), None),
        (SimResNet("relu", -1.0, 1.0), stats.norm(0.0, 0.2), (-2.0, 2.0), None),
        (SimResNet("tanh", 1.0, -5.0), stats.uniform(2, 6), (2.0, 8.0), (2.0, 8.0)),
    ],
    ids=["identity", "identity-fast", "tanh", "gcu", "relu", "walls"],
)
@pytest.mark.parametrize("cells", [101, 400, 1600])
def test_concentration_stays_within_one_cell_of_the_exact_law(net, g0, domain, walls, cells):
    grid = Grid(*domain, cells)
    times = [0.0, 1.0, 3.0, 8.0, 20.0]
    sol = mean_field.solve(net, g0, grid, times)
    assert np.abs(sol.mass - 1.0).max() < 1e-12
    assert sol.density.min() >= -1e-15 / grid.dx
    for i, t in enumerate(times):
        exact = mean_field.push_forward(net, g0, t, walls)
        assert wasserstein(sol.law(i), exact) < grid.dx


def test_steady_state_stays():
    grid = Grid(-1.0, 1.0, 101)
    g0 = np.zeros(101)
    g0[50] = 1.0 / grid.dx
    sol = mean_field.solve(SimResNet("tanh", -1.0, 0.0), g0, grid, [0.0, 10.0])
    np.testing.assert_allclose(sol.density[-1], g0, atol=1e-12 / grid.dx)


@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.parametrize("boundary", ["no-flux", "open"])
@pytest.mark.parametrize("moving", [False, True])
def test_long_runs_do_not_drift_in_mass(moving, boundary, order):
    grid, times = Grid(-3.0, 3.0, 120), [0.0, 1.0, 10.0, 100.0]
    net = SimResNet("tanh", -0.8, 0.3)
    if moving:
        net = SimResNet("tanh", lambda t: np.sin(t), lambda t: 0.3 * np.cos(t))
    sol = mean_field.solve(net, stats.norm(0.0, 0.4), grid, times, boundary=boundary, order=order)
    assert np.abs(sol.mass + sol.outflow.sum(axis=1) - 1.0).max() < 1e-12
    assert sol.density.min() >= -1e-15 / grid.dx


@given(shift=st.floats(-50.0, 50.0), scale=st.floats(0.01, 100.0), mass=st.floats(1e-3, 1e3))
@settings(max_examples=25, deadline=None)
def test_scheme_does_not_depend_on_units(shift, scale, mass):
    rng = np.random.default_rng(0)
    u, a = rng.random(60) + 0.1, np.sin(np.arange(61.0))
    base = finite_volume.transport(u, a, Grid(0.0, 3.0, 60), [0.0, 0.4])
    grid = Grid(shift, shift + 3.0 * scale, 60)
    other = finite_volume.transport(mass * u, scale * a, grid, [0.0, 0.4])
    assert other.steps == base.steps
    np.testing.assert_allclose(other.averages, mass * base.averages, rtol=1e-7, atol=1e-9 * mass)


@pytest.mark.parametrize("order", [3, 5])
def test_mirrored_problem_has_the_mirrored_solution(order):
    grid = Grid(-2.0, 2.0, 80)
    u = np.random.default_rng(0).random(80)
    a = np.cos(3.0 * grid.faces) + 0.3
    options = {"boundary": "open", "order": order}
    one = finite_volume.transport(u, a, grid, [0.0, 1.0], **options)
    two = finite_volume.transport(u[::-1], -a[::-1], grid, [0.0, 1.0], **options)
    assert one.outflow[-1, 1] > 0.1
    np.testing.assert_allclose(one.averages, two.averages[:, ::-1], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(one.outflow, two.outflow[:, ::-1], rtol=1e-11)


def test_density_and_linearity_of_steps_under_refinement_of_output_times():
    grid = Grid(-5.0, 5.0, 400)
    net, g0 = SimResNet("tanh", -1.0, 0.2), stats.norm(0.0, 0.5)
    whole = mean_field.solve(net, g0, grid, [0.0, 1.0])
    parts = mean_field.solve(net, g0, grid, np.linspace(0.0, 1.0, 8))
    assert grid.norm(whole.density[-1] - parts.density[-1]) < 1e-6


@pytest.mark.parametrize("order", [3, 5])
def test_compiled_scheme_agrees_with_interpreted(order):
    grid = Grid(-1.0, 1.0, 12)
    u = np.random.default_rng(0).random(12) * (np.arange(12) % 3 > 0)
    a = np.sin(2.0 * grid.faces) - 0.1
    kernels = {3: _third_order, 5: _fifth_order}[order]
    rest = a[None], 0.4, 1e-4, 5
    states = []
    for run in (kernels.advance, kernels.advance.py_func):
        cells, faces = np.zeros((3, 12 + 2 * kernels.GHOSTS)), np.zeros((kernels.FACE_ROWS, 13))
        own = cells[0, kernels.GHOSTS : -kernels.GHOSTS]
        own[:] = u
        outflow = np.zeros(2)
        run(cells, faces, *rest, outflow)
        states.append(np.concatenate([own, outflow]))
    np.testing.assert_allclose(*states, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_reconstruction_with_a_high_floor_reproduces_polynomials(degree):
    grid = Grid(0.0, 1.0, 20)
    polynomial = np.polynomial.Polynomial(np.arange(1.0, degree + 2.0))
    u = grid.average(polynomial)
    c = finite_volume.reconstruct(u, 1e8)
    for xi in (-0.5, 0.0, 0.5):
        values = c @ xi ** np.arange(3)
        exact = polynomial(grid.centers + xi * grid.dx)
        # With linear weights the value at the faces is that of the parabola through averages.
        tolerance = 1e-9 if xi else 0.1 * grid.dx**2 * degree
        np.testing.assert_allclose(values, exact, atol=tolerance + 1e-12)


def test_reconstruction_keeps_averages():
    u = np.random.default_rng(0).random(30)
    c = finite_volume.reconstruct(u, 1e-3)
    np.testing.assert_allclose(c[:, 0] + c[:, 2] / 12.0, u, rtol=1e-14)


def test_reconstruction_is_the_one_in_the_kernel():
    u = finite_volume.with_ghosts(np.random.default_rng(0).random(30))
    c = finite_volume.reconstruct(u[1:-1], 1e-3)
    for j in range(1, 31):
        low, high = _third_order.deviations(u[j] - u[j - 1], u[j + 1] - u[j], 1e-3)
        left, right = c[j - 1] @ (-0.5) ** np.arange(3), c[j - 1] @ 0.5 ** np.arange(3)
        assert u[j] - low == pytest.approx(left, rel=1e-13)
        assert u[j] + high == pytest.approx(right, rel=1e-13)


def test_reconstruction_does_not_overshoot_at_a_jump():
    u = np.where(np.arange(40) < 20, 1.0, 0.0)
    faces = finite_volume.reconstruct(u, 1e-6) @ np.array([[1, 1], [-0.5, 0.5], [0.25, 0.25]])
    assert faces.max() < 1.0 + 1e-3
    assert faces.min() > -1e-3
    unlimited = u[19] + (u[20] - u[18]) / 4.0 + (u[20] - 2 * u[19] + u[18]) / 12.0
    assert abs(unlimited - 0.5) < 0.2


def test_time_step_obeys_the_velocity_of_every_stage():
    grid = Grid(0.0, 1.0, 50)

    def pulse(t):
        return np.full(51, 1.0 + 40.0 * (0.3 < t < 0.31))

    result = finite_volume.transport(np.ones(50), pulse, grid, [0.0, 0.5], boundary="open")
    assert result.averages.min() >= -1e-15
    assert abs(result.averages[-1].sum() * grid.dx + result.outflow[-1].sum() - 1.0) < 1e-13


def test_velocity_that_vanishes_at_every_stage_of_the_first_step_is_seen():
    # sin^2(2 pi t) is zero at t = 0, 1/2 and 1; its integral over [0, 1] is 1/2.
    net = SimResNet("identity", lambda t: np.sin(2.0 * np.pi * t) ** 2, 0.0)
    sol = mean_field.solve(net, stats.norm(0.0, 0.5), Grid(-6.0, 6.0, 400), [0.0, 1.0])
    assert sol.variance[-1] == pytest.approx(0.25 * np.e, rel=1e-3)


@pytest.mark.parametrize("length", [1e-100, 1e100])
def test_extreme_units_do_not_overflow(length):
    grid = Grid(0.0, length, 50)
    net = SimResNet("tanh", 1.0 / length, -0.5)
    sol = mean_field.solve(net, stats.uniform(0.0, length), grid, [0.0, length])
    assert np.isfinite(sol.density).all()
    assert np.isfinite(sol.variance).all()
    assert abs(sol.mass[-1] - 1.0) < 1e-12
