"""The scheme (24) with diffusion and source: order, conservation, stability limit, errors."""

import numpy as np
import pytest
from scipy import stats

from kinetic import Grid, SimResNet, balance_law, finite_volume, mean_field

NU, K = 0.8, 0.7
D = NU**2 / 2.0
GRID = Grid(-1.0, 1.0, 20)


def wave(t, x):
    """Manufactured solution of (23) with F = u^2/2 + cos(t) u and k S = k u (1 - u) + forcing."""
    return (1.0 + 0.3 * np.sin(t)) * np.exp(-((x - 0.5 * t) ** 2))


def source(u, t, x):
    y, v = x - 0.5 * t, wave(t, x)
    change = 0.3 * np.cos(t) * np.exp(-(y**2)) + y * v
    convection = (v + np.cos(t)) * (-2.0 * y * v)
    forcing = change + convection - D * (4.0 * y**2 - 2.0) * v - K * v * (1.0 - v)
    return K * u * (1.0 - u) + forcing


def manufactured(cells, **options):
    grid = Grid(-7.0, 8.0, cells)
    found = balance_law.solve(
        grid.average(lambda x: wave(0.0, x)), grid, [0.0, 0.6],
        flux=lambda u, t, x: u**2 / 2.0 + np.cos(t) * u, speed=lambda u, t, x: u + np.cos(t),
        diffusion=D, source=source, **options,
    )  # fmt: skip
    return grid.norm(found.averages[-1] - grid.average(lambda x: wave(0.6, x)))


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
def test_third_order_with_nonlinear_flux_diffusion_and_source(boundary):
    cells = (60, 120, 240)
    errors = [manufactured(n, boundary=boundary) for n in cells]
    assert errors[-1] < 3e-4
    assert 2.8 <= -np.polyfit(np.log(cells), np.log(errors), 1)[0] < 4.2


def test_without_diffusion_and_source_it_is_the_transport_scheme():
    net, grid = SimResNet("tanh", lambda t: -1.0 - np.sin(3.0 * t), np.cos), Grid(-3.0, 3.0, 60)
    g0 = mean_field.solve(net, stats.norm(0.2, 0.5), grid, [0.0, 0.1], normalize=True).density[0]

    def a(t):
        return net.velocity(grid.faces, t)

    ours = balance_law.solve(g0, grid, [0.0, 0.3], velocity=a, cfl=0.05)
    theirs = finite_volume.transport(g0, a, grid, [0.0, 0.3], cfl=0.05)
    assert grid.norm(ours.averages[-1] - theirs.averages[-1]) < 1e-6


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
def test_compiled_linear_flux_agrees_with_the_functions(boundary):
    u = np.random.default_rng(0).random(20)
    options = {"diffusion": 0.1 + 0.05 * np.sin(GRID.centers), "boundary": boundary}

    def a(t):
        return np.cos(5.0 * GRID.faces + t)

    one = balance_law.solve(u, GRID, [0.0, 0.3], velocity=a, **options)
    two = balance_law.solve(
        u, GRID, [0.0, 0.3], flux=lambda u, t, x: a(t) * u, speed=lambda u, t, x: a(t) + 0 * u,
        **options,
    )  # fmt: skip
    np.testing.assert_allclose(one.averages, two.averages, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(one.outflow, two.outflow, rtol=1e-12, atol=1e-14)
    assert one.steps == two.steps


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
def test_compiled_steps_agree_with_those_that_call_a_function(boundary):
    u = np.random.default_rng(0).random(20)
    a = np.cos(5.0 * GRID.faces)
    options = {"diffusion": 0.1 + 0.05 * np.sin(GRID.centers), "boundary": boundary}
    one = balance_law.solve(u, GRID, [0.0, 0.3, 30.0], velocity=a, **options)
    two = balance_law.solve(u, GRID, [0.0, 0.3, 30.0], velocity=lambda t: a, **options)
    assert one.steps == two.steps > 1000
    np.testing.assert_allclose(one.averages, two.averages, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(one.outflow, two.outflow, rtol=1e-10, atol=1e-14)


def test_compiled_fluxes_agree_with_interpreted():
    u, a = np.random.default_rng(0).random(20), np.cos(5.0 * GRID.faces)
    results, steps = [], []
    for run in (balance_law._linear_fluxes, balance_law._linear_fluxes.py_func):
        total = np.empty(21)
        run(u, a, 0.01, *np.empty((2, 20)), 1.0 + u, np.empty(20), 0.1, True, total)
        results.append(total)
    for run in (balance_law._linear_steps, balance_law._linear_steps.py_func):
        later, left = u.copy(), np.zeros(2)
        run(later, a, 0.01, 1.0 + u, 0.1, True, 1e-3, 2, left)
        steps.append(np.concatenate([later, left]))
    np.testing.assert_allclose(*steps, rtol=1e-12)
    np.testing.assert_allclose(*results, rtol=1e-12)


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
def test_what_leaves_the_cells_passes_the_ends(boundary):
    u = np.random.default_rng(0).normal(size=20)
    found = balance_law.solve(
        u, GRID, [0.0, 0.05, 0.2], velocity=np.full(21, 0.3), boundary=boundary,
        diffusion=1.0 + np.linspace(-0.5, 0.5, 20),
    )  # fmt: skip
    mass = GRID.dx * found.averages.sum(axis=1)
    np.testing.assert_allclose(mass + found.outflow.sum(axis=1), mass[0], atol=1e-13)
    assert found.outflow.any() == (boundary == "open")


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
def test_no_mass_is_lost_until_100(boundary):
    grid, times = Grid(-5.0, 5.0, 20), [0.0, 10.0, 100.0]
    start = mean_field._initial_averages(stats.norm(1.0), grid, True)
    found = balance_law.solve(
        start, grid, times, velocity=lambda t: -grid.faces - np.sin(t), diffusion=0.5,
        source=lambda u, t, x: 0.1 * np.sin(np.pi * x / 5.0), boundary=boundary,
    )  # fmt: skip
    mass = grid.dx * found.averages.sum(axis=1)
    np.testing.assert_allclose(mass + found.outflow.sum(axis=1), 1.0, atol=2e-13)
    assert found.outflow[-1].any() == (boundary == "open")


def test_a_source_in_proportion_to_the_density_changes_the_mass_as_the_time_steps_say():
    grid = Grid(-5.0, 5.0, 20)
    start = mean_field._initial_averages(stats.norm(1.0), grid, True)
    found = balance_law.solve(
        start, grid, [0.0, 100.0], velocity=-grid.faces, diffusion=0.5,
        source=lambda u, t, x: -0.1 * u,
    )  # fmt: skip
    z = -0.1 * 100.0 / found.steps
    factor = (1.0 + z + z**2 / 2.0 + z**3 / 6.0) ** found.steps
    assert grid.dx * found.averages[-1].sum() == pytest.approx(factor, rel=1e-11)


def test_mirrored_problem_has_the_mirrored_solution():
    u = np.random.default_rng(0).random(20)
    one, two = (
        balance_law.solve(
            u[::sign], GRID, [0.0, 0.1], velocity=np.full(21, 0.3 * sign), diffusion=0.5,
            boundary="open",
        )
        for sign in (1, -1)
    )  # fmt: skip
    np.testing.assert_allclose(one.averages, two.averages[:, ::-1], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(one.outflow, two.outflow[:, ::-1], rtol=1e-11)


def test_the_stability_limit_of_diffusion_is_just_above_the_courant_number_of_the_paper():
    grid = Grid(0.0, 1.0, 40)
    rough = 1.0 + 1e-3 * np.random.default_rng(0).normal(size=40)

    def largest(cfl):
        found = balance_law.solve(
            rough, grid, [0.0, 0.5], velocity=np.zeros(41), diffusion=1.0, cfl=cfl
        )
        return np.abs(found.averages[-1] - rough.mean()).max()

    assert largest(0.46) < 1e-5
    assert largest(0.465) > 1e-3  # noise stays, bounded by the nonlinear weights
    with pytest.raises(FloatingPointError, match=r"left the range of float64.*cfl=0.6"):
        largest(0.6)


def test_zero_stays_zero_and_nothing_to_do_takes_one_step():
    found = balance_law.solve(np.zeros(20), GRID, [0.0, 1.0], velocity=np.zeros(21))
    assert not found.averages.any()
    assert found.steps == 1


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"averages": np.ones(3)}, ValueError, r"averages must have shape \(20,\); got \(3,\)"),
        ({"averages": np.full(20, np.nan)}, ValueError, "averages must be.*nan"),
        ({"grid": 5}, TypeError, "grid must be a kinetic.Grid; got int"),
        ({"times": [0.0, 0.0]}, ValueError, "times must increase"),
        ({"diffusion": -1.0}, ValueError, "diffusion must be.*at least 0.*minimum -1.0"),
        ({"diffusion": np.ones(3)}, ValueError, r"diffusion must be.*\(20,\).*got shape \(3,\)"),
        ({"boundary": "periodic"}, ValueError, "boundary must be one of.*'periodic'"),
        ({"cfl": 0.0}, ValueError, "cfl must be a number in"),
        ({"cfl": 1.5}, ValueError, "cfl must be a number in.*1.5"),
        ({"flux": 1.0}, TypeError, "flux must be a function of .u, t, x.; got 1.0"),
        ({"speed": None}, TypeError, "speed must be a function"),
        ({"source": 3}, TypeError, "source must be a function"),
        (
            {"flux": None, "velocity": [1.0]},
            ValueError,
            r"velocity must have shape \(21,\).*\(1,\)",
        ),
        ({"velocity": np.ones(21)}, ValueError, "either velocity, or flux and speed"),
        ({"flux": None}, ValueError, "either velocity, or flux and speed"),
        ({"speed": lambda u, t, x: 1.0}, ValueError, r"speed must have shape \(2, 21\).*\(1,\)"),
        ({"source": lambda u, t, x: u[0]}, ValueError, r"source must have shape \(20, 3\).*\(3,\)"),
        ({"flux": lambda u, t, x: np.nan * u}, FloatingPointError, "left the range of float64"),
        ({"diffusion": 1e9}, ValueError, "it takes.*steps.*at most.*coarsen the grid"),
    ],
)
def test_errors_name_the_argument(change, error, message):
    arguments = {
        "averages": np.ones(20), "grid": GRID, "times": [0.0, 1.0],
        "flux": lambda u, t, x: u, "speed": lambda u, t, x: np.ones(u.shape),
    }  # fmt: skip
    with pytest.raises(error, match=message):
        balance_law.solve(**(arguments | change))
