"""The fifth order of balance_law: order with all four terms and at both ends, stability, mass."""

import numpy as np
import pytest
from test_balance_law import manufactured

from kinetic import Grid, _balance_fifth, balance_law, finite_volume

GRID = Grid(-1.0, 1.0, 20)


def fitted(cells, errors):
    return -np.polyfit(np.log(cells), np.log(errors), 1)[0]


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
def test_fifth_order_with_nonlinear_flux_diffusion_and_source(boundary):
    cells = (60, 100, 160)
    errors = [manufactured(n, boundary=boundary, order=5) for n in cells]
    assert errors[-1] < 1e-5
    assert 4.8 <= fitted(cells, errors) < 5.2


def heat(cells, boundary, shape, rest):
    """Error of a mode of the heat equation on [0, 1] that reaches both ends."""
    grid, t = Grid(0.0, 1.0, cells), 0.05
    start = grid.average(lambda x: rest + shape(np.pi * x))
    end = balance_law.solve(
        start, grid, [0.0, t], velocity=np.zeros(cells + 1), diffusion=1.0, boundary=boundary,
        order=5,
    ).averages[-1]  # fmt: skip
    exact = grid.average(lambda x: rest + np.exp(-(np.pi**2) * t) * shape(np.pi * x))
    return grid.norm(end - exact)


@pytest.mark.parametrize(
    ("boundary", "shape", "rest"), [("no-flux", np.cos, 2.0), ("open", np.sin, 0.0)]
)
def test_diffusion_keeps_the_order_up_to_the_ends(boundary, shape, rest):
    cells = (12, 20, 32)
    assert fitted(cells, [heat(n, boundary, shape, rest) for n in cells]) >= 4.7


def test_diffusive_flux_of_a_quintic_is_its_derivative():
    grid, n = Grid(0.0, 1.0, 12), 12
    quintic = np.polynomial.Polynomial([1.0, -2.0, 3.0, 1.0, -1.0, 5.0])
    u = np.diff(quintic.integ()(grid.faces)) / grid.dx
    c, sides, total = np.empty((4, n)), np.zeros((2, n + 1)), np.zeros(n + 1)
    _balance_fifth.shapes(u, 1e8, c, sides)
    _balance_fifth.add_diffusion(u, c, np.ones(n), np.empty(n), grid.dx, False, total)
    # The other faces see the ends, where the cells' quartics are less accurate.
    np.testing.assert_allclose(total[5:8], -quintic.deriv()(grid.faces[5:8]), rtol=1e-10)


def test_diffusion_is_stable_up_to_the_number_in_the_docstring():
    grid = Grid(0.0, 1.0, 40)
    rough = 1.0 + 1e-3 * np.random.default_rng(0).normal(size=40)

    def largest(cfl):
        found = balance_law.solve(
            rough, grid, [0.0, 0.5], velocity=np.zeros(41), diffusion=1.0, cfl=cfl, order=5
        )
        return np.abs(found.averages[-1] - rough.mean()).max()

    assert largest(0.54) < 1e-5
    assert largest(0.57) > 1e-4  # noise stays, bounded by the nonlinear weights


@pytest.mark.parametrize("boundary", ["no-flux", "open"])
def test_what_leaves_the_cells_passes_the_ends(boundary):
    u = np.random.default_rng(0).normal(size=20)
    found = balance_law.solve(
        u, GRID, [0.0, 0.05, 0.2], velocity=np.full(21, 0.3), boundary=boundary, order=5,
        diffusion=1.0 + np.linspace(-0.5, 0.5, 20),
    )  # fmt: skip
    mass = GRID.dx * found.averages.sum(axis=1)
    np.testing.assert_allclose(mass + found.outflow.sum(axis=1), mass[0], atol=1e-13)
    assert found.outflow.any() == (boundary == "open")


def test_mirrored_problem_has_the_mirrored_solution():
    u = np.random.default_rng(0).random(20)
    one, two = (
        balance_law.solve(
            u[::sign], GRID, [0.0, 0.1], velocity=np.full(21, 0.3 * sign), diffusion=0.5,
            boundary="open", order=5,
        )
        for sign in (1, -1)
    )  # fmt: skip
    np.testing.assert_allclose(one.averages, two.averages[:, ::-1], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(one.outflow, two.outflow[:, ::-1], rtol=1e-11)


def test_without_diffusion_and_source_it_is_the_transport_scheme():
    grid = Grid(-3.0, 3.0, 120)
    u = 1.0 + np.exp(-4.0 * grid.centers**2)
    a = np.sin(np.pi * grid.faces / 3.0)
    a[[0, -1]] = 0.0
    options = {"cfl": 0.3, "order": 5}
    ours = balance_law.solve(u, grid, [0.0, 0.5], velocity=a, **options)
    theirs = finite_volume.transport(u, a, grid, [0.0, 0.5], **options)
    np.testing.assert_allclose(ours.averages, theirs.averages, rtol=1e-11)


def test_a_linear_flux_agrees_with_the_functions():
    u = np.random.default_rng(0).random(20)
    a = np.cos(5.0 * GRID.faces)
    options = {"diffusion": 0.1 + 0.05 * np.sin(GRID.centers), "boundary": "open", "order": 5}
    one = balance_law.solve(u, GRID, [0.0, 0.3], velocity=a, **options)
    two = balance_law.solve(
        u, GRID, [0.0, 0.3], flux=lambda u, t, x: a * u, speed=lambda u, t, x: a + 0.0 * u,
        **options,
    )  # fmt: skip
    np.testing.assert_allclose(one.averages, two.averages, rtol=1e-11, atol=1e-14)
    assert one.steps == two.steps


def test_compiled_kernels_agree_with_interpreted():
    u = np.random.default_rng(0).random(9)
    results = []
    for pick in (lambda k: k, lambda k: k.py_func):
        c, sides, total = np.empty((4, 9)), np.zeros((2, 10)), np.zeros(10)
        pick(_balance_fifth.shapes)(u, 0.01, c, sides)
        pick(_balance_fifth.add_diffusion)(u, c, 1.0 + u, np.empty(9), 0.1, True, total)
        results.append(np.concatenate([c.ravel(), sides.ravel(), total]))
    np.testing.assert_allclose(*results, rtol=1e-10, atol=1e-13)


def test_too_few_cells_and_other_orders_are_refused():
    grid, rest = Grid(0.0, 1.0, 5), {"times": [0.0, 0.1], "velocity": np.zeros(6)}
    with pytest.raises(ValueError, match="grid must have at least 6 cells at order 5; got 5"):
        balance_law.solve(np.ones(5), grid, order=5, **rest)
    with pytest.raises(ValueError, match="order must be 3 or 5; got 4"):
        balance_law.solve(np.ones(5), grid, order=4, **rest)
