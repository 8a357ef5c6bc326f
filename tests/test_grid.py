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
