"""Panels, the quadrature that halves them, and the variables that resolve the ends of intervals."""

import math

import numpy as np
import pytest
from numpy.polynomial import Polynomial
from scipy import integrate

from kinetic import _intervals, _quadrature

EDGES = np.array([-1.0, 0.5, 2.0, 5.0])
POLYNOMIAL = Polynomial(np.random.default_rng(1).normal(size=14) / 5.0 ** np.arange(14))


def test_panels_integrate_differentiate_and_extrapolate_polynomials():
    panels = _quadrature.Panels(EDGES)
    assert panels.points.shape == panels.weights.shape == (3, 16)
    values = POLYNOMIAL(panels.points)
    whole = POLYNOMIAL.integ()
    np.testing.assert_allclose(
        (values * panels.weights).sum(axis=1), np.diff(whole(EDGES)), rtol=1e-13
    )
    np.testing.assert_allclose(
        panels.derivative(values), POLYNOMIAL.deriv()(panels.points), rtol=1e-10, atol=1e-10
    )
    ends = POLYNOMIAL(np.column_stack([EDGES[:-1], EDGES[1:]]))
    np.testing.assert_allclose(panels.at_ends(values), ends, rtol=1e-11)


def test_derivative_is_exact_up_to_degree_fifteen():
    panels = _quadrature.Panels(np.array([-1.0, 1.0]))
    found = panels.derivative(panels.points**15)
    np.testing.assert_allclose(found, 15.0 * panels.points**14, atol=1e-11)


def test_halving_keeps_the_other_panels():
    halved = _quadrature.Panels(EDGES).halved(np.array([False, True, True]))
    assert halved.edges.tolist() == [-1.0, 0.5, 1.25, 2.0, 3.5, 5.0]


def test_panels_are_halved_until_a_peak_is_resolved():
    def peaks(panels):
        return np.stack([1.0 / (1e-6 + panels.points**2), np.ones_like(panels.points)])

    panels, values = _quadrature.resolve("peak", np.array([-1.0, 1.0]), peaks)
    found = (values * panels.weights).sum(axis=(1, 2))
    np.testing.assert_allclose(found, [2e3 * math.atan(1e3), 2.0], rtol=1e-12)
    smallest = np.diff(panels.edges).min()
    assert 1e-4 < smallest < 3e-3
    assert np.diff(panels.edges).max() == 0.5


def test_one_panel_suffices_for_a_polynomial_of_degree_thirteen():
    panels, _ = _quadrature.resolve("p", EDGES, lambda p: POLYNOMIAL(p.points)[None])
    assert panels.edges.tolist() == EDGES.tolist()
    degree_14, _ = _quadrature.resolve("p", np.array([-1.0, 1.0]), lambda p: p.points[None] ** 14)
    assert degree_14.edges.size > 2


def test_accuracy_refers_to_what_cancels_where_it_is_given():
    def rough(panels):
        values = 1e-12 * abs(panels.points - 1.0 / 3.0)[None]
        return values, np.ones_like(values)

    panels, _ = _quadrature.resolve("rough", np.array([-1.0, 1.0]), rough)
    assert panels.edges.size == 2


def test_a_jump_is_located_and_a_pole_is_refused():
    panels, values = _quadrature.resolve(
        "jump", np.array([0.0, 1.0]), lambda p: (p.points > 1.0 / 3.0)[None].astype(float)
    )
    assert (values[0] * panels.weights).sum() == pytest.approx(2.0 / 3.0, abs=1e-11)
    assert 5e-12 < np.diff(panels.edges).min() < 5e-11
    with pytest.raises(ValueError, match=r"^noise cannot be resolved on \d{4} panels"):
        _quadrature.resolve(
            "noise", np.array([0.0, 1.0]), lambda p: np.cos(1e9 * p.points**2)[None]
        )
    with pytest.raises(FloatingPointError, match=r"^pole exceeds the range of float64"):
        _quadrature.resolve(
            "pole", np.array([-1.0, 1.0]), lambda p: np.full_like(p.points, np.inf)[None]
        )


VARIABLES = {
    "line": (_intervals.Line(1.0, 0.5), [-1e9, -3.0, 0.9, 1.0, 7.0, 1e5]),
    "right half-line": (_intervals.HalfLine(2.0, 1), [2.0 + 1e-9, 2.5, 3.0, 1e7]),
    "left half-line": (_intervals.HalfLine(2.0, -1), [-1e7, 0.0, 1.9, 2.0 - 1e-9]),
    "interval": (_intervals.Interval(-1.0, 3.0), [-1.0 + 1e-9, 0.0, 1.0, 1.5, 3.0 - 1e-9]),
}


@pytest.mark.parametrize("name", VARIABLES)
def test_variable_of_an_interval_is_the_inverse_of_its_point(name):
    variable, points = VARIABLES[name]
    points = np.array(points)
    s = variable.s(points)
    assert (np.diff(s) > 0.0).all()
    np.testing.assert_allclose(variable.x(s), points, rtol=1e-12)


@pytest.mark.parametrize("name", VARIABLES)
def test_slope_of_a_variable_is_the_derivative_of_its_point(name):
    variable, _ = VARIABLES[name]
    s, h = np.linspace(-3.0, 3.0, 14), 1e-3
    slope = (8.0 * (variable.x(s + h) - variable.x(s - h))
             - (variable.x(s + 2 * h) - variable.x(s - 2 * h))) / (12.0 * h)  # fmt: skip
    np.testing.assert_allclose(np.exp(variable.log_slope(s)), slope, rtol=1e-9)


def test_slope_of_a_variable_integrates_to_the_length_of_its_interval():
    interval = _intervals.Interval(-1.0, 3.0)
    found, _ = integrate.quad(lambda s: math.exp(interval.log_slope(s)), -40.0, 40.0)
    assert found == pytest.approx(4.0, rel=1e-9)
    assert interval.x(np.array([-600.0, 600.0])).tolist() == [-1.0, 3.0]
    assert interval.log_slope(600.0) == pytest.approx(math.log(4.0) - 600.0)
