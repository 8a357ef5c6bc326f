r"""Finite volumes in two dimensions of order three (eqs. (24), (25); paper) and five.

    d_t u + d_x (a u) + d_y (b u) = 0

The cell averages u_ij, i = 1..nx, j = 1..ny, live in cells, with a ring of ghost cells around
that is extrapolated as in `kinetic.finite_volume`. The velocities a and b live in k Gauss points
of each face, a (k, nx + 1, ny) on the faces between neighbours in x, b (k, nx, ny + 1) on those
between neighbours in y; index 0 is the point with the smallest coordinate. k is 2 at order three,
3 at order five: one point in the middle would leave an error of second order, except where
a depends on x and b on y alone.

Third order: the flux of a face is the mean of those at its two points. Reconstruction by compact
CWENO3 in two dimensions (Levy, Puppo, Russo 2000). With xi and eta in [-1/2, 1/2] the coordinates
in a cell, the candidates are the four planes through the average and those of one
neighbour in x and one in y, and

    P_0 = u + D1x xi + D1y eta + D2x (xi^2 - 1/12) + 2 Dxy xi eta + D2y (eta^2 - 1/12),
    Dxy = (u_{i+1,j+1} - u_{i+1,j-1} - u_{i-1,j+1} + u_{i-1,j-1}) / 4

with the first and second differences D1 and D2 of `kinetic.finite_volume` in x and in y.
Half of P_0 and an eighth of each plane is the parabola of third order. The indicators are
I_k = sx^2 + sy^2 for a plane with slopes sx and sy, and

    I_0 = D1x^2 + D1y^2 + 13/3 (D2x^2 + D2y^2) + 14/3 Dxy^2;

the nonlinear weights are proportional to C_k / (I_k + epsilon)^2. epsilon is that of
`kinetic.finite_volume` with the share of a cell in the length that the initial density
occupies replaced by the square root of its share in the area. At the Gauss points
eta^2 = 1/12, so that D2y drops out there.

Fifth order: the average of u over a face comes by CWENO-Z5 of `kinetic.finite_volume` from the
cell averages on its normal, in the cell that the flow leaves. Its product with a along
the face is integrated with the linear and the quadratic part of u from the averages over the
neighbouring faces (`kinetic._rows_2d_5`); the parts of higher degree enter the
flux in O(dx^6). These two parts are not limited: at a jump they are O(dx).

Flux, time stepping and ends are those of `kinetic.finite_volume`. The step is at most
cfl min(dx / max |a|, dy / max |b|), and at cfl = 1/2 a flow in both directions takes
a whole cell at most.

Positivity: where the fluxes of a step take more from a cell than it holds and is sure to receive,
they are scaled back to that. Sure is what the neighbours could give if they received nothing.
In one dimension the exact flux never takes more than a cell holds. Here mass may pass
through the corner of a cell within a step, so that without what is received a smooth density
would be limited at its minima, and the fifth order lost there.
"""

import math
from typing import NamedTuple

import numpy as np

from kinetic import _fifth_order, _rows_2d_5, _validate
from kinetic._parallel import thread_count
from kinetic._rows_2d import half_slopes
from kinetic._strips_2d import Strips, extrapolated
from kinetic.finite_volume import (
    BOUNDARIES,
    FEWEST_STEPS,
    check_order,
    check_positive,
    occupied,
    relative_epsilon,
    relative_floor,
    scaled,
    squared,
    step_count,
)
from kinetic.grid_2d import Grid2D

__all__ = ["POWERS", "Transport2D", "reconstruct", "transport", "weight_floor"]

POWERS = {
    3: ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)),
    5: tuple((p, q) for p in range(5) for q in range(5)),
}
"""Powers of xi and eta that the coefficients of a reconstruction belong to, at each order."""


class Transport2D(NamedTuple):
    """Result of `transport`.

    times : (T,) output times.
    averages : (T, nx, ny) cell averages at these times.
    outflow : (T, 4) mass that has left through the left, right, lower and upper side.
    steps : number of time steps, of three stages each at order three, of six at order five.
    """

    times: np.ndarray
    averages: np.ndarray
    outflow: np.ndarray
    steps: int


def weight_floor(averages, order=3):
    """epsilon of the nonlinear weights for initial (nx, ny) averages (module docstring)."""
    averages = _validate.array("averages", averages)
    order = check_order(order)
    check_positive(averages)
    typical, cells = occupied(averages)
    return squared(typical) * relative_floor(1.0 / math.sqrt(cells), order)


def with_ghosts(averages, order=3):
    """Averages with extrapolated ghost cells around: one, or two at order five."""
    padded = extrapolated(extrapolated(averages, order).T, order).T
    return padded[1:-1, 1:-1] if order == 3 else padded


def reconstruct(averages, epsilon, order=3):
    """CWENO polynomial of each cell.

    Parameters
    ----------
    averages : (nx, ny) array
        Cell averages, nx >= 5 and ny >= 5.
    epsilon : float
        Floor of the smoothness indicators, positive; see `weight_floor`.
    order : {3, 5}
        At order five by CWENO-Z5 along x, and then of its coefficients along y.

    Returns
    -------
    (nx, ny, k) ndarray
        c with u = sum_m c_m xi^p eta^q in each cell, (p, q) = ``POWERS[order][m]``.

    Raises
    ------
    ValueError
        If the averages are not a finite matrix of at least 5 x 5, epsilon <= 0 or order is another.
    """
    averages = _validate.array("averages", averages)
    if averages.ndim != 2 or min(averages.shape) < 5:
        raise ValueError(f"averages must be a matrix of at least 5 x 5; got {averages.shape}")
    epsilon = _validate.number("epsilon", epsilon, low=1e-300, accepted="a positive number")
    order = check_order(order)
    unit = np.abs(averages).max() or 1.0
    part = _planes if order == 3 else _products
    return scaled(unit, part(averages / unit, relative_epsilon(epsilon, unit)))


def _planes(averages, epsilon):
    u = with_ghosts(averages)
    c, w, e, s, n = u[1:-1, 1:-1], u[:-2, 1:-1], u[2:, 1:-1], u[1:-1, :-2], u[1:-1, 2:]
    cross = (u[2:, 2:] - u[2:, :-2]) - (u[:-2, 2:] - u[:-2, :-2])
    half_x, half_y, quarter = half_slopes.py_func(c - w, e - c, c - s, n - c, cross, epsilon)
    omega = 4.0 * quarter
    xx, xy, yy = omega * ((e - c) - (c - w)), omega * cross / 2.0, omega * ((n - c) - (c - s))
    parts = [c - (xx + yy) / 12.0, 2.0 * half_x, 2.0 * half_y, xx, xy, yy]
    return np.stack(parts, axis=-1)


def _products(averages, epsilon):
    along_x = np.moveaxis(_lines(averages.T, epsilon), 1, 0)
    nx, ny = averages.shape
    lines = np.moveaxis(along_x, 2, 1).reshape(5 * nx, ny)
    return _lines(lines, epsilon).reshape(nx, 5, ny, 5).transpose(0, 2, 1, 3).reshape(nx, ny, 25)


def _lines(lines, epsilon):
    """(m, n, 5) coefficients of CWENO-Z5 in the cells of (m, n) lines."""
    count, cells = lines.shape
    padded = extrapolated(lines.T, 5).T
    width = padded.shape[1]
    # One long line; of the polynomials across the ends of two lines none is taken.
    jumps = np.diff(np.concatenate([padded.ravel(), np.zeros(4)]))
    found = _fifth_order.coefficients(jumps, epsilon).reshape(count, width, 5)[:, :cells]
    found[..., 0] += lines
    return found


class _Faces(NamedTuple):
    """Velocities on the faces, and the largest number of cells crossed in a unit of time."""

    a: np.ndarray
    b: np.ndarray
    fastest: float


def transport(
    averages, velocity, grid, times, *, boundary="no-flux", cfl=0.45, order=3, threads=None
):
    """Solve d_t u + d_x (a u) + d_y (b u) = 0 by the scheme of the module docstring.

    Parameters
    ----------
    averages : (nx, ny) array
        Non-negative cell averages at ``times[0]``, not all zero.
    velocity : (array, array) or callable
        a (k, nx + 1, ny) and b (k, nx, ny + 1) in the k Gauss points of the faces, two at
        order three, three at order five, where they are functions of
        ``grid.points_on_faces(k)``; or a function of the time and the current
        (nx, ny) averages that returns such a pair. It is read in every stage of a step, of
        which there are then at least 208 between two output times. The averages are those of a
        stage, which may be negative by the error of the scheme.
    grid : Grid2D
    times : (T,) array_like
        Increasing output times.
    boundary : {"no-flux", "open"}
        For all four sides.
    cfl : float
        In (0, 1/2]; the step is cfl min(dx / max |a|, dy / max |b|).
    order : {3, 5}
        Of the scheme, in space and time.
    threads : int or None
        At most so many threads; None: all cores that this process may use. The result does
        not depend on it.

    Returns
    -------
    Transport2D

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    if not isinstance(grid, Grid2D):
        raise TypeError(f"grid must be a kinetic.Grid2D; got {type(grid).__name__}")
    averages = _validate.array("averages", averages)
    if averages.shape != grid.shape:
        raise ValueError(f"averages must have shape {grid.shape}; got {averages.shape}")
    mass = float(averages.sum() * grid.area)
    if averages.min() < 0.0 or mass <= 0.0:
        raise ValueError(
            "averages must be non-negative and not all zero; "
            f"got minimum {averages.min()} and mass {mass}"
        )
    times = _validate.times(times)
    _validate.choice("boundary", boundary, BOUNDARIES)
    cfl = _validate.number("cfl", cfl, accepted="a number in (0, 1/2]", high=0.5)
    if cfl <= 0.0:
        raise ValueError(f"cfl must be a number in (0, 1/2]; got {cfl}")

    order, threads = check_order(order), thread_count(threads)

    unit, cells = occupied(averages)
    shape = (times.size, *grid.shape)
    result = Transport2D(times, np.empty(shape), np.zeros((times.size, 4)), 0)
    result.averages[0] = averages
    taken, fixed = 0, None if callable(velocity) else _faces(velocity, grid, boundary, order)
    with Strips(averages / unit, order, threads, whole=fixed is not None) as strips:
        epsilon = relative_floor(1.0 / math.sqrt(cells), order)
        run = _Run(strips, grid, boundary, order, cfl, epsilon, unit)
        for i in range(1, times.size):
            t, end = times[i - 1], times[i]
            if fixed:
                taken += run.steps(fixed, t, end)
            else:
                taken += run.stages(velocity, t, end)
            result.averages[i] = unit * strips.state(0)
            lost = np.concatenate([strips.lost_x.sum(axis=1), strips.lost_y.sum(axis=0)])
            result.outflow[i] = unit * lost * grid.area
    return result._replace(steps=taken)


class _Run(NamedTuple):
    """Steps from one output time to the next, and how many they are."""

    strips: Strips
    grid: Grid2D
    boundary: str
    order: int
    cfl: float
    epsilon: float
    unit: float

    def steps(self, faces, t, end):
        """With velocities that stay."""
        count = step_count(t, end, faces.fastest, self.cfl)
        self.strips.advance(faces, count, self._scales((end - t) / count), self.epsilon)
        return count

    def stages(self, velocity, t, end):
        """With velocities that depend on the time and the averages."""

        def faces(t, s):
            values = self.strips.state(s)
            return _faces(velocity(t, self.unit * values), self.grid, self.boundary, self.order)

        longest, count = (end - t) / FEWEST_STEPS, 0
        while t < end:
            first = faces(t, 0)
            span = min(end - t, longest)
            dt = span / step_count(t, t + span, first.fastest, self.cfl)
            while fastest := self._step(faces, t, dt, first):
                dt = min(self.cfl / fastest, dt / 2.0)
            if t + dt / 2.0 == t:
                raise ValueError(f"times near t={t} are too large for steps of {dt:.3g}")
            count += 1
            t = end if t + dt >= end * (1.0 - 1e-15) else t + dt
        return count

    def _step(self, faces, t, dt, first):
        """Take a step; or the largest velocity on the way, at which it is given up."""
        now = first
        for s, node in enumerate(self.strips.nodes):
            if s > 0:
                now = faces(t + node * dt, s)
                if not _allowed(now.fastest, dt, self.cfl):
                    return now.fastest
            self.strips.stage(s, now, self._scales(dt), self.epsilon)
        return 0.0

    def _scales(self, dt):
        return dt / self.grid.x.dx, dt / self.grid.y.dx


def _allowed(fastest, dt, cfl):
    return fastest * dt <= cfl * (1.0 + 1e-12)


def _faces(velocity, grid, boundary, order):
    """Checked velocities, zero where they would carry something in; at order five their moments."""
    if not (isinstance(velocity, tuple | list) and len(velocity) == 2):
        raise TypeError(f"velocity must be a pair of arrays (a, b); got {type(velocity).__name__}")
    (nx, ny), points = grid.shape, (order + 1) // 2
    a, b = (_validate.array(f"velocity[{k}]", part).copy() for k, part in enumerate(velocity))
    for k, (part, shape) in enumerate(((a, (points, nx + 1, ny)), (b, (points, nx, ny + 1)))):
        if part.shape != shape:
            raise ValueError(f"velocity[{k}] must have shape {shape}; got {part.shape}")
    if boundary == "no-flux":
        a[:, [0, -1]] = 0.0
        b[:, :, [0, -1]] = 0.0
    fastest = float(max(np.abs(a).max() / grid.x.dx, np.abs(b).max() / grid.y.dx))
    for part in (a, b.transpose(0, 2, 1)):
        part[:, 0] = np.minimum(part[:, 0], 0.0)
        part[:, -1] = np.maximum(part[:, -1], 0.0)
    if order == 5:
        a, b = _rows_2d_5.moments(a, 1), _rows_2d_5.moments(b, 2)
    return _Faces(a, b, fastest)
