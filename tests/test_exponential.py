"""exp(t A) u by a rational approximation: against scipy, rounding, halving."""

import numpy as np
import pytest
from scipy.linalg import expm

from kinetic import _exponential
from kinetic._exponential import POLES, RESIDUES, Exponential


def test_the_rational_approximation_of_the_exponential():
    z = np.concatenate([[0.0], -np.logspace(-12, 12, 20001)])
    r = 2.0 * (RESIDUES / (z[:, None] - POLES)).sum(axis=1).real
    assert np.abs(r - np.exp(z)).max() < 1e-13


def dense(flux, dx):
    """A and the (2, n) matrix of what leaves at either end."""
    n, k = flux.shape[0] - 1, flux.shape[1] // 2
    matrix = np.zeros((n + 1, n + 2 * k))
    for q in range(2 * k):
        matrix[np.arange(n + 1), np.arange(n + 1) + q] = flux[:, q]
    matrix = matrix[:, k : n + k]
    return -np.diff(matrix, axis=0) / dx, matrix[[0, -1]] * [[-1.0], [1.0]]


def problem(n, width, is_open, transport=0.0, noise=1.0):
    """Fluxes of noise and transport with coefficients that vary, and averages."""
    rng = np.random.default_rng(0)
    flux, dx = np.zeros((n + 1, width)), 1.0 / n
    k = width // 2
    flux[:, k - 1] = noise * (1.0 + rng.random(n + 1)) / dx + transport
    flux[:, k] = -noise * (1.0 + rng.random(n + 1)) / dx
    if width == 4:
        flux[:, 0], flux[:, 3] = noise * 0.05 * rng.random((2, n + 1)) / dx
    if not is_open:
        flux[[0, -1]] = 0.0
    for face in range(k):  # nothing outside
        flux[face, : k - face] = 0.0
        flux[n - face, k + face :] = 0.0
    return flux, dx, rng.random(n)


@pytest.mark.parametrize("width", [2, 4])
@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("length", [1e-4, 0.01, 1.0])
def test_against_the_matrix_exponential(width, is_open, length):
    flux, dx, u = problem(40, width, is_open)
    a, leaves = dense(flux, dx)
    both = np.zeros((42, 42))  # of d_t u = A u and d_t left = dx leaves u
    both[:40, :40], both[40:, :40] = a, leaves
    exact = expm(length * both) @ np.append(u, [0.0, 0.0])
    found, left, taken = Exponential(flux, dx).advance(u, length, 1e-9)
    np.testing.assert_allclose(found, exact[:40], atol=1e-11)
    np.testing.assert_allclose(left, exact[40:], atol=1e-11)
    assert dx * (u.sum() - found.sum()) == pytest.approx(left.sum(), abs=1e-15)
    assert taken == 2


def test_what_has_all_left_is_counted():
    flux, dx, u = problem(40, 2, True)
    found, left, _ = Exponential(flux, dx).advance(u, 50.0, 1e-9)
    assert np.abs(found).max() < 1e-12
    assert left.sum() == pytest.approx(dx * u.sum(), abs=1e-15)


@pytest.mark.parametrize("width", [2, 4])
def test_intervals_are_halved_where_transport_dominates(width):
    flux, dx, u = problem(300, width, False, transport=1.0, noise=1e-4)
    a, _ = dense(flux, dx)
    exponential = Exponential(flux, dx)
    taken = []
    for tolerance in (1e-4, 1e-8):
        found, _, count = exponential.advance(u, 0.6, tolerance)
        assert dx * np.abs(found - expm(0.6 * a) @ u).sum() < tolerance
        taken.append(count)
    assert 2 < taken[0] <= taken[1]
    assert exponential.advance(u, 0.6, 1e-300) is None


def test_the_steady_state_is_kept_for_ever():
    flux, dx, u = problem(40, 4, False)
    steady = np.linalg.svd(dense(flux, dx)[0])[2][-1]
    exponential = Exponential(flux, dx, steady / steady.sum())
    for length in (100.0, 1e6, 1e15):
        found, left, _ = exponential.advance(u, length, 1e-9)
        np.testing.assert_allclose(found, u.sum() * steady / steady.sum(), rtol=1e-12)
        assert not left.any()


def test_factors_used_again_give_the_same():
    flux, dx, u = problem(30, 4, False)
    exponential = Exponential(flux, dx)
    once = exponential.advance(u, 0.01, 1e-9)[0]
    exponential.advance(u, 0.03, 1e-9)
    again = exponential.advance(u, np.nextafter(0.01, 1.0), 1e-9)[0]
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(once, Exponential(flux, dx).advance(u, 0.01, 1e-9)[0])


def test_no_more_factors_are_kept_than_said(monkeypatch):
    flux, dx, u = problem(30, 4, False)
    exponential = Exponential(flux, dx)
    for kept in (3, 0):
        monkeypatch.setattr(_exponential, "KEPT_NUMBERS", kept * 34 * _exponential.RECORD)
        for i in range(5):
            exponential.times(u, 0.01 * (i + 1))
        assert len(exponential._factored) == max(kept, 1)


def test_a_refused_interval_has_no_result_and_a_corrected_one_is_continued():
    flux, dx, u = problem(30, 2, False)
    exponential = Exponential(flux, dx)
    assert exponential.advance(u, 0.01, 1e-9, lambda before, after: False) is None
    seen = []

    def accepts(before, after):
        seen.append(before)
        after[:] = 2.0
        return True

    np.testing.assert_array_equal(exponential.advance(u, 0.01, 1e-9, accepts)[0], 2.0)
    np.testing.assert_array_equal(seen, [u])


def test_compiled_agrees_with_interpreted():
    flux, dx, u = problem(8, 4, True)
    bands = Exponential(flux, dx)._bands
    poles, scales = np.random.default_rng(0).normal(size=(2, 2, 16)) * 100.0
    results = []
    for factor, apply in (
        (_exponential._factor, _exponential._apply),
        (_exponential._factor.py_func, _exponential._apply.py_func),
    ):
        rows, out = np.zeros(12 * _exponential.RECORD), np.empty((2, 8))
        factor(bands, poles, rows)
        apply(bands, scales, u, rows, out)
        results.append(out)
    np.testing.assert_allclose(*results, rtol=1e-12)
