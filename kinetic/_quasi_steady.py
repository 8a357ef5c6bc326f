r"""Fluxes of the Fokker-Planck equation that vanish on its steady state (eqs. (21), (22); paper).

With D = nu^2 K^2 / 2 and E' = sigma / D, the flux of (21) is

    F = sigma g - d_x(D g) = -e^E d_x(g / m),    m = e^E / D,

and m is the steady state (22) up to a constant, for the sigma of one time. Cell averages
M_j of m are computed by quadrature; only differences of E between neighbouring cells
enter, so that no m overflows. A flux is a combination of the ratios g_j / M_j whose
coefficients add up to zero, so that there is none where g is a multiple of M.

Second order: F_f = -(e^E)_f (g_{j+1} / M_{j+1} - g_j / M_j) / dx between cells j and j + 1.
For constant sigma and D this is the flux of Scharfetter and Gummel (1969) and of Chang
and Cooper (1970): what leaves a cell is proportional to its content, whatever dx is.

Fourth order: phi = g / m is a cubic polynomial through four cells, two on either side of
the face, in the sense that int m phi dx = g_j dx in each; F_f = -(e^E)_f phi'_f. Next to
a wall it is the parabola through three cells; near an open end it vanishes at the end.
Where E rises by more than ``RESOLVED`` in a cell, so that m is not resolved by the grid,
the flux is that of second order, which for ever less noise becomes that of the first-order
upwind scheme.

Ends: nothing passes a wall. At an open end g = 0, and what arrives there leaves.
"""

import math
from typing import NamedTuple

import numpy as np

from kinetic._compile import inlined, kernel

RESOLVED = 2.0
LARGEST_RISE = 700.0
GAUSS_RISE = 8.0
"""Rise of E in a cell up to which Gauss quadrature of m is exact to rounding. Where it is
steeper, E' and log m are taken to be linear between the points."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
_NODES, _WEIGHTS = _NODES / 2.0, _WEIGHTS / 2.0
_MOMENTS = _WEIGHTS[:, None] * _NODES[:, None] ** np.arange(4)
_ENDS = np.array([-0.5, 0.5])
POINTS = np.concatenate([_ENDS[:1], _NODES, _ENDS[1:]])
"""Where sigma and K are read in the reference cell [-1/2, 1/2]."""


def _integration_matrix():
    """(10, 12) matrix from values at the nodes to integrals from 0 to the points."""
    powers = np.arange(_NODES.size)
    integrals = (2.0 * POINTS) ** (powers[:, None] + 1) / (2.0 * (powers[:, None] + 1))
    return np.linalg.solve((2.0 * _NODES) ** powers[:, None], integrals)


_INTEGRATION = _integration_matrix()


class Steady(NamedTuple):
    """The steady state m = e^E / D on a grid, up to one constant, for sigma at one time.

    log_average : (n,) logarithms of the cell averages M.
    log_face : (n + 1,) E on the faces.
    to_left, to_right : (n,) logarithms of e^E / M at the two faces of each cell.
    rise : (n,) differences of the largest and the smallest E in the cells.
    moments : (4, n) averages of ((x - x_j) / dx)^k with the density m / M in a cell.
    """

    log_average: np.ndarray
    log_face: np.ndarray
    to_left: np.ndarray
    to_right: np.ndarray
    rise: np.ndarray
    moments: np.ndarray


def steady(sigma, diffusion, dx):
    """`Steady` from sigma and D at the points of the cells, (n, 12) arrays."""
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = dx * sigma / diffusion
    exponent = slope[:, 1:-1] @ _INTEGRATION
    rise = _range(exponent)
    steep = np.flatnonzero(rise > GAUSS_RISE)
    if steep.size:
        exponent[steep] = _trapezoidal(slope[steep])
        rise[steep] = _range(exponent[steep])
    with np.errstate(divide="ignore"):
        log_density = np.where(diffusion > 0.0, exponent - np.log(diffusion), -np.inf)
    top = _columns(log_density[:, 1:-1]).max(axis=0)
    sums = np.exp(log_density[:, 1:-1] - top[:, None]) @ _MOMENTS
    log_cell = top + np.log(sums[:, 0])
    if steep.size:
        log_cell[steep] = _log_linear_integral(log_density[steep])
    start = np.concatenate([[0.0], np.cumsum(exponent[:-1, -1] - exponent[1:, 0])])
    log_face = np.append(start + exponent[:, 0], start[-1] + exponent[-1, -1])
    ends = exponent[:, 0] - log_cell, exponent[:, -1] - log_cell
    return Steady(start + log_cell, log_face, *ends, rise, sums.T / sums[:, 0])


def _columns(values):
    """The transposed array in memory: its reductions over the first axis are fast."""
    return np.ascontiguousarray(values.T)


def _range(values):
    columns = _columns(values)
    return columns.max(axis=0) - columns.min(axis=0)


def _trapezoidal(slope):
    """E at the points, at most 0; at a zero of D the slope is that nearby."""
    slope[:, 0] = np.where(np.isfinite(slope[:, 0]), slope[:, 0], slope[:, 1])
    slope[:, -1] = np.where(np.isfinite(slope[:, -1]), slope[:, -1], slope[:, -2])
    parts = np.diff(POINTS) * (slope[:, 1:] + slope[:, :-1]) / 2.0
    rise = np.concatenate([np.zeros((len(slope), 1)), np.cumsum(parts, axis=1)], axis=1)
    return rise - rise.max(axis=1, keepdims=True)


def _log_linear_integral(values):
    """Logarithm of the integral over the cell of e^v, where v is linear between the points."""
    top = values.max(axis=1)
    left, right = values[:, :-1], values[:, 1:]
    drop = np.maximum(np.abs(right - left), 1e-300)
    parts = np.exp(np.maximum(left, right) - top[:, None]) * -np.expm1(-drop) / drop
    return top + np.log(parts @ np.diff(POINTS))


def second_order(state, sigma, diffusion, dx, is_open):
    """(n + 1, 2) coefficients of g on the left and on the right of each face in its flux."""
    flux = np.zeros((state.log_face.size, 2))
    flux[1:-1, 0] = np.exp(state.to_right[:-1]) / dx
    flux[1:-1, 1] = -np.exp(state.to_left[1:]) / dx
    if is_open:
        flux[0, 1] = -_leaving(-sigma[0, 0], diffusion[0, 0], dx)
        flux[-1, 0] = _leaving(sigma[-1, -1], diffusion[-1, -1], dx)
    return flux


def _leaving(speed, diffusion, dx):
    """Rate at which g leaves through an end where it vanishes, half a cell away."""
    rise = speed * dx / (2.0 * diffusion)
    if rise < -LARGEST_RISE:
        return 0.0
    return 2.0 * diffusion / dx * (rise / -np.expm1(-rise) if rise else 1.0)


def fourth_order(state, sigma, diffusion, dx, is_open):
    """(n + 1, 4) coefficients of g in the two cells on either side of each face in its flux."""
    flux = np.zeros((state.log_face.size, 4))
    flux[:, 1:3] = second_order(state, sigma, diffusion, dx, is_open)
    resolved = state.rise <= RESOLVED
    _cubic(state.moments, state.log_face, state.log_average, resolved, dx, is_open, flux)
    return flux


@kernel
def _cubic(moments, log_face, log_average, resolved, dx, is_open, flux):
    """Write the fluxes of the polynomials through the cells next to the faces.

    A polynomial sum_a q_a s^a, with s in cells from the face, has the conditions
    sum_a q_a <s^a> = g / M in its cells and sum_a q_a s^a = 0 at an open end. The weights of
    the conditions in q_1 solve the transposed system.
    """
    n = log_average.size
    system, weights = np.empty((4, 4)), np.empty(4)
    for f in range(n + 1):
        first, end = max(f - 2, 0), min(f + 2, n)
        cells = end - first
        usable = cells > 2 or is_open
        for j in range(first, end):
            usable = usable and resolved[j]
        if not usable:
            continue
        for q in range(cells):
            center = first + q - f + 0.5
            m1, m2, m3 = moments[1, first + q], moments[2, first + q], moments[3, first + q]
            square = center * center
            system[0, q] = 1.0
            system[1, q] = center + m1
            system[2, q] = square + 2.0 * center * m1 + m2
            system[3, q] = center * square + 3.0 * (square * m1 + center * m2) + m3
        size = cells
        if is_open and cells < 4:
            place, size = -f if f < 2 else n - f, cells + 1
            for a in range(4):
                system[a, cells] = float(place) ** a
        _slope_weights(system, size, weights)
        for q in range(4):
            flux[f, q] = 0.0
        for q in range(cells):
            ratio = math.exp(log_face[f] - log_average[first + q])
            flux[f, first + q - f + 2] = -weights[q] * ratio / dx


@inlined
def _slope_weights(system, size, weights):
    """Solve sum_q system[a, q] weights[q] = 1 for a = 1, 0 for other a, where system[0] is 1.

    Cramer's rule for differences from the first column, with 3 or 4 columns.
    """
    a1, b1 = system[1, 1] - system[1, 0], system[2, 1] - system[2, 0]
    a2, b2 = system[1, 2] - system[1, 0], system[2, 2] - system[2, 0]
    if size == 3:
        scale = 1.0 / (a1 * b2 - a2 * b1)
        weights[1], weights[2] = scale * b2, -scale * b1
        weights[0] = -weights[1] - weights[2]
        return
    a3, b3 = system[1, 3] - system[1, 0], system[2, 3] - system[2, 0]
    c1, c2 = system[3, 1] - system[3, 0], system[3, 2] - system[3, 0]
    c3 = system[3, 3] - system[3, 0]
    one, two, three = b2 * c3 - b3 * c2, b3 * c1 - b1 * c3, b1 * c2 - b2 * c1
    scale = 1.0 / (a1 * one + a2 * two + a3 * three)
    weights[1], weights[2], weights[3] = scale * one, scale * two, scale * three
    weights[0] = -weights[1] - weights[2] - weights[3]
