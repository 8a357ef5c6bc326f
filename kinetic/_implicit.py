r"""Diagonally implicit Runge-Kutta steps for d_t u = A(t) u with a banded A in flux form.

The flux through face f, f = 0..n, is sum_q W[f, q] u_{f - k + q}, q = 0..2k - 1, and
(A u)_j = -(flux_{j+1} - flux_j) / dx. Rates are differences of fluxes, so that the sum of
u changes by what passes the ends. All methods have an explicit first stage, equal
diagonal entries and their last stage as result:

euler     implicit Euler, order 1. Its error is estimated with the trapezoidal rule.
tr_bdf2   Bank et al. (1985), order 2, with the estimate of order 3 of Hosea, Shampine (1996).
kvaerno3  Kvaerno (2004), order 3, with its estimate of order 2.

All are L-stable. The estimate is damped by one more solve with I - gamma dt A.
"""

import math
from typing import NamedTuple

import numpy as np

from kinetic._compile import inlined, kernel

SAFETY = 0.9
LARGEST_GROWTH, SMALLEST_GROWTH = 5.0, 0.2
MOST_STEPS = 10**6
SLOWEST_CHANGE = 1.0 / 64.0
"""Of the time between two outputs, the longest step where A depends on time."""


class Method(NamedTuple):
    """Coefficients (stages, stages), weights of the error estimate, and its order in dt."""

    stages: np.ndarray
    error: np.ndarray
    order: int


def _tr_bdf2():
    w, d = math.sqrt(2.0) / 4.0, 1.0 - math.sqrt(2.0) / 2.0
    third = np.array([(1.0 - w) / 3.0, w + 1.0 / 3.0, d / 3.0])
    stages = np.array([[0.0, 0.0, 0.0], [d, d, 0.0], [w, w, d]])
    return Method(stages, stages[-1] - third, 3)


def _kvaerno3():
    g = 0.43586652150845899942  # root of 6 g^3 - 18 g^2 + 9 g - 1
    nodes = np.array([0.0, 2.0 * g, 1.0])
    second = (0.5 - g) / (2.0 * g)
    third = np.linalg.solve(np.vander(nodes, 3, True).T, [1.0 - g, 0.5 - g, 1.0 / 3.0 - g])
    stages = np.zeros((4, 4))
    stages[1, :2] = g
    stages[2, :3] = 1.0 - g - second, second, g
    stages[3] = *third, g
    return Method(stages, stages[3] - stages[2], 3)


METHODS = {
    "euler": Method(np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([-0.5, 0.5]), 2),
    "tr_bdf2": _tr_bdf2(),
    "kvaerno3": _kvaerno3(),
}


@inlined
def _rate(flux, u, dx, out):
    """out = A u, and the fluxes through both ends, for u with k zeros at each end."""
    width = flux.shape[1]
    before = 0.0
    for q in range(width):
        before += flux[0, q] * u[q]
    first = before
    for j in range(out.size):
        here = 0.0
        for q in range(width):
            here += flux[j + 1, q] * u[j + 1 + q]
        out[j] = (before - here) / dx
        before = here
    return first, before


@inlined
def _factor(flux, scale, matrix):
    """LU factors of I - scale dx A, in rows; no pivoting."""
    n, k = matrix.shape[0], flux.shape[1] // 2
    for i in range(n):
        for d in range(2 * k + 1):
            matrix[i, d] = 1.0 if d == k else 0.0
        for q in range(2 * k):
            matrix[i, q + 1] += scale * flux[i + 1, q]
            matrix[i, q] -= scale * flux[i, q]
    for i in range(n):
        for r in range(1, min(k, n - 1 - i) + 1):
            ratio = matrix[i + r, k - r] / matrix[i, k]
            matrix[i + r, k - r] = ratio
            for c in range(1, k + 1):
                matrix[i + r, k - r + c] -= ratio * matrix[i, k + c]


@inlined
def _solve(matrix, x):
    n, k = matrix.shape[0], matrix.shape[1] // 2
    for i in range(n):
        for r in range(1, min(k, i) + 1):
            x[i] -= matrix[i, k - r] * x[i - r]
    for i in range(n - 1, -1, -1):
        for c in range(1, min(k, n - 1 - i) + 1):
            x[i] -= matrix[i, k + c] * x[i + c]
        x[i] /= matrix[i, k]


@kernel
def _step(fluxes, u, dt, dx, stages, error, rates, matrix, out, estimate):
    """One step from u to out, both with k zeros at each end; returns what leaves at each end.

    fluxes is (1, n + 1, 2k) or one for each stage; rates (stages, n) and matrix
    (n, 2k + 1) are work space.
    """
    size, n = rates.shape
    k = fluxes.shape[2] // 2
    changing = fluxes.shape[0] > 1
    left, right = 0.0, 0.0
    diagonal = stages[size - 1, size - 1]
    if not changing:
        _factor(fluxes[0], diagonal * dt / dx, matrix)
    for s in range(size):
        flux = fluxes[s if changing else 0]
        for j in range(n):
            change = 0.0
            for r in range(s):
                change += stages[s, r] * rates[r, j]
            out[k + j] = u[k + j] + dt * change
        _rate(flux, out, dx, rates[s])
        if s > 0:
            if changing:
                _factor(flux, diagonal * dt / dx, matrix)
            _solve(matrix, rates[s])
            for j in range(n):
                out[k + j] += dt * diagonal * rates[s, j]
        first, last = _end_fluxes(flux, out)
        left -= dt * stages[size - 1, s] * first
        right += dt * stages[size - 1, s] * last
    for j in range(n):
        estimate[j] = 0.0
        for s in range(size):
            estimate[j] += dt * error[s] * rates[s, j]
    _solve(matrix, estimate)
    return left, right


@inlined
def _end_fluxes(flux, u):
    n = flux.shape[0] - 1
    first, last = 0.0, 0.0
    for q in range(flux.shape[1]):
        first += flux[0, q] * u[q]
        last += flux[n, q] * u[n + q]
    return first, last


def integrate(u, fluxes, dx, times, method, *, tolerance, step=None, accepts=None, direct=None):
    """Solve d_t u = A(t) u with u given at times[0].

    Parameters
    ----------
    u : (n,) array
    fluxes : (n + 1, 2k) array or callable
        W, or a function of t that returns it.
    dx : float
    times : (T,) array
    method : str
        One of `METHODS`.
    tolerance : float
        Largest accepted estimate of dx sum |error| in one step.
    step : float, optional
        Take steps of this length at most instead, whatever the estimate.
    accepts : callable, optional
        Of u before and after a step; where it is false the step is halved.
    direct : callable, optional
        Of u, its time and that of the next output; returns u there, what has left and the
        number of steps, or None, and then steps are taken.

    Returns
    -------
    (T, n) averages, (T, 2) what has left through the ends, number of steps.
    """
    stages, error, order = METHODS[method]
    nodes = stages.sum(axis=1)
    changing = callable(fluxes)
    first = fluxes(times[0]) if changing else fluxes
    k, n = first.shape[1] // 2, u.size
    state, trial = np.zeros((2, n + 2 * k))
    inner = slice(k, n + k)
    state[inner] = u
    rates, matrix, estimate = np.empty((nodes.size, n)), np.empty((n, 2 * k + 1)), np.empty(n)
    averages, outflow = np.empty((times.size, n)), np.zeros((times.size, 2))
    averages[0] = u
    taken = 0
    dt = dx / np.abs(first).max() if step is None else step
    for i in range(1, times.size):
        t, end = times[i - 1], times[i]
        found = None if direct is None else direct(state[inner], t, end)
        if found is not None:
            state[inner], left, count = found
            averages[i], outflow[i] = state[inner], outflow[i - 1] + left
            taken += count
            continue
        longest = (end - t) * SLOWEST_CHANGE if changing and step is None else math.inf
        left = np.zeros(2)
        while t < end:
            count = max(1, math.ceil((end - t) / min(dt, longest) * (1.0 - 1e-9)))
            h = (end - t) / count
            if t + h == t or taken > MOST_STEPS:
                raise ValueError(
                    f"from t={t} to t={end} steps become shorter than rounding or more than "
                    f"{MOST_STEPS}; raise tolerance={tolerance:.3g}, or let times begin near 0"
                )
            weights = np.stack([fluxes(t + c * h) for c in nodes]) if changing else first[None]
            leaving = _step(
                weights, state, h, dx, stages, error, rates, matrix, trial, estimate
            )  # fmt: skip
            if leaving == (0.0, 0.0) and trial.any():
                # Rounding grows with h, as I - h A becomes singular.
                trial *= state.sum() / trial.sum()
            measured = dx * np.abs(estimate).sum()
            kept = accepts is None or accepts(state[inner], trial[inner])
            if kept and (step is not None or measured <= tolerance):
                t = end if count == 1 else t + h
                state, trial = trial, state
                left += leaving
                taken += 1
            if step is None:
                growth = SAFETY * (tolerance / max(measured, 1e-300)) ** (1.0 / order)
                dt = h * min(max(growth, SMALLEST_GROWTH), LARGEST_GROWTH if kept else 0.5)
            else:
                dt = min(step, 2.0 * dt) if kept else h / 2.0
        averages[i] = state[inner]
        outflow[i] = outflow[i - 1] + left
    return averages, outflow, taken
