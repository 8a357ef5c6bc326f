"""Grids, cell averages and laws that are constant in cells."""

import numpy as np
import pytest

from kinetic import Grid
from kinetic.grid import CellLaw


def test_averages_are_exact_for_degree_five():
    grid = Grid(-1.0, 2.0, 7)
    polynomial = np.polynomial.Polynomial([1.0, -2.0, 0.5, 3.0, -1.0, 0.7])
    exact = np.diff(polynomial.integ()(grid.faces)) / grid.dx
    np.testing.assert_allclose(grid.average(polynomial), exact, rtol=1e-13)


def test_averages_of_degree_six_are_not_exact():
    grid = Grid(0.0, 1.0, 5)
    exact = np.diff(grid.faces**7 / 7.0) / grid.dx
    assert np.abs(grid.average(lambda x: x**6) - exact).max() > 1e-9


def test_norms_of_a_constant():
    grid = Grid(0.0, 4.0, 10)
    u = np.full(10, -3.0)
    assert grid.norm(u) == pytest.approx(12.0)
    assert grid.norm(u, 2) == pytest.approx(6.0)
    assert grid.norm(u, np.inf) == 3.0


def test_cell_law_has_matching_pdf_cdf_and_ppf():
    grid = Grid(0.0, 1.0, 5)
    law = CellLaw(grid, np.array([1.0, 2.0, 0.5, 1.0, 0.5]))
    np.testing.assert_allclose(law.cdf([-1.0, 0.2, 0.3, 1.0, 2.0]), [0.0, 0.2, 0.4, 1.0, 1.0])
    np.testing.assert_allclose(law.ppf(law.cdf([0.1, 0.35, 0.9])), [0.1, 0.35, 0.9])
    np.testing.assert_allclose(law.pdf([-0.1, 0.3, 0.99, 1.1]), [0.0, 2.0, 0.5, 0.0])


def test_cell_law_refuses_other_masses():
    with pytest.raises(ValueError, match=r"mass 0\.5"):
        CellLaw(Grid(0.0, 1.0, 5), np.full(5, 0.5))


def test_faces_and_centres_divide_the_domain():
    grid = Grid(-1.0, 3.0, 8)
    assert (grid.left, grid.right, grid.cells, grid.dx) == (-1.0, 3.0, 8, 0.5)
    assert grid.faces.tolist() == (np.arange(-2, 7) / 2.0).tolist()
    assert grid.centers.tolist() == (np.arange(-2, 6) / 2.0 + 0.25).tolist()


def test_cells_are_wider_than_rounding():
    assert Grid(1.0, 1.0 + 5 * 2**-52, 5).dx == 2**-52
    assert Grid(-1.0, -1.0 + 10 * 2**-52, 10).dx == 2**-52
    for left, right, cells in (
        (1.0, 1.0 + 5 * 2**-52, 50), (-1.0, -1.0 + 5 * 2**-53, 50), (-1e308, 1e308, 9),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"^cells of \[.*\] must be wider than rounding"):
            Grid(left, right, cells)
    with pytest.raises(ValueError, match=r"^a grid needs left < right; got left=1\.0, right=1\.0$"):
        Grid(1.0, 1.0, 5)
    with pytest.raises(ValueError, match=r"cells must be an integer of at least 5; got 4"):
        Grid(0.0, 1.0, 4)


def test_norms_are_those_of_lebesgue():
    grid, u = Grid(0.0, 1.0, 5), np.array([1.0, -2.0, 0.0, 0.5, 3.0])
    assert grid.norm(u) == pytest.approx(6.5 / 5.0, rel=1e-15)
    assert grid.norm(u, 3) == pytest.approx((36.125 / 5.0) ** (1.0 / 3.0), rel=1e-15)
    assert grid.norm(np.zeros(5)) == grid.norm(np.zeros(5), np.inf) == 0.0
    assert grid.norm(1e200 * u, 2) == pytest.approx(1e200 * np.sqrt(14.25 / 5.0), rel=1e-14)
    assert grid.norm(1e-200 * u, 2) == pytest.approx(1e-200 * np.sqrt(14.25 / 5.0), rel=1e-14)
    with pytest.raises(ValueError, match=r"^p must be a number of at least 1, or infinity; got"):
        grid.norm(u, 0.99)
    with pytest.raises(ValueError, match=r"^averages must have shape \(5,\); got \(4,\)$"):
        grid.norm(u[:4])
    with pytest.raises(FloatingPointError, match=r"^the norm of averages exceeds the range"):
        Grid(0.0, 1e6, 5).norm(1e305 * u)


def test_a_function_to_average_returns_finite_numbers_of_its_shape():
    grid = Grid(-1.0, 1.0, 5)
    with pytest.raises(ValueError, match=r"^function must return one value for each point; got sh"):
        grid.average(lambda x: x[:, 0])
    with pytest.raises(ValueError, match=r"^function must be finite on the grid; .* at x=0\.8"):
        grid.average(lambda x: np.where(x > 0.7, np.inf, x))


def test_cell_law_accepts_rounding_and_divides_by_its_mass():
    grid = Grid(0.0, 2.0, 8)
    averages = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0]) * (1.0 + 9e-6)
    law = CellLaw(grid, averages)
    assert law.averages.sum() * grid.dx == pytest.approx(1.0, abs=1e-15)
    assert law.breakpoints is grid.faces
    CellLaw(grid, np.where(averages > 0.0, 1.0, -3.9e-12))
    for mass in (1.0 - 1.1e-5, 1.0 + 1.1e-5):
        with pytest.raises(ValueError, match=r"^a law has mass 1; the averages have mass"):
            CellLaw(grid, np.full(8, 0.5 * mass))
    message = r"^averages must be \(8,\) and non-negative; got shape \(8,\), minimum -4\.1e-12$"
    with pytest.raises(ValueError, match=message):
        CellLaw(grid, np.where(averages > 0.0, 1.0, -4.1e-12))
    with pytest.raises(ValueError, match=r"^averages must be \(8,\) .* got shape \(7,\), minimum"):
        CellLaw(grid, np.full(7, 1.0))
    with pytest.raises(TypeError, match=r"^grid must be a kinetic.Grid; got tuple$"):
        CellLaw((0.0, 1.0, 5), np.ones(5))


def test_cell_law_at_its_ends_and_over_empty_cells():
    law = CellLaw(Grid(0.0, 1.0, 5), np.array([0.0, 2.5, 0.0, 2.5, 0.0]))
    assert law.pdf([0.0, 0.3, 1.0, -1e-9, 1.0 - 1e-9, -50.0, 50.0]).tolist() == [
        0,
        2.5,
        0,
        0,
        0,
        0,
        0,
    ]
    end = CellLaw(Grid(0.0, 1.0, 5), np.ones(5))
    assert end.pdf([0.0, 1.0, 1.0 - 1e-9]).tolist() == [1.0, 0.0, 1.0]
    np.testing.assert_allclose(law.ppf([0.25, 0.5, 0.5 + 1e-12, 1.0]), [0.3, 0.4, 0.6, 0.8])


def test_no_share_of_a_law_exceeds_one():
    for seed in range(200):
        averages = np.random.default_rng(seed).random(100)
        law = CellLaw(Grid(-1.0, 2.0, 100), averages / (averages.sum() * 0.03))
        assert law.cdf(5.0) <= 1.0
        assert law.ppf(law.cdf(2.0)) <= 2.0
