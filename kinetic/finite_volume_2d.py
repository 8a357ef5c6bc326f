r"""Third-order finite volumes for d_t u + d_x (a u) + d_y (b u) = 0 (eqs. (24), (25); paper).

The cell averages u_ij, i = 1..nx, j = 1..ny, live in cells; arrays of averages in kernels
carry one ring of ghost cells, filled by quadratic extrapolation, first in x, then in y.
The velocities a and b live in two Gauss points of each face, a (2, nx + 1, ny) on the
faces between neighbours in x, b (2, nx, ny + 1) on those between neighbours in y; index
0 is the point with the smaller coordinate. The flux of a face is the mean of those at
its Gauss points. One point in the middle would leave an error of second order, except
where a depends on x and b on y alone.

Reconstruction: compact CWENO3 in two dimensions (Levy, Puppo, Russo 2000). With xi and eta
in [-1/2, 1/2] the coordinates in a cell, the candidates are the four planes through the
average and those of one neighbour in x and one in y, and

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

Flux, time stepping and ends are those of `kinetic.finite_volume`. The step is at most
cfl min(dx / max |a|, dy / max |b|), and at cfl = 1/2 a flow in both directions takes
a whole cell at most.

Positivity: where the fluxes of a step take more from a cell than it holds, they are
scaled back to its content. In one dimension the exact flux never takes more. Here mass
may pass through the corner of a cell within a step, so that it can, but of a smooth
density only where it is O(dx^2) itself; the measured order does not suffer.
"""

import math
from typing import NamedTuple

import numpy as np

from kinetic import _validate
from kinetic._parallel import thread_count
from kinetic._rows_2d import half_slopes
from kinetic._strips_2d import Strips
from kinetic.finite_volume import (
    BOUNDARIES,
    FEWEST_STEPS,
    LARGEST_FLOOR,
    check_positive,
    occupied,
    relative_epsilon,
    scaled,
    squared,
    step_count,
)
from kinetic.grid_2d import Grid2D

__all__ = ["Transport2D", "reconstruct", "transport", "weight_floor"]


class Transport2D(NamedTuple):
    """Result of `transport`.

    times : (T,) output times.
    averages : (T, nx, ny) cell averages at these times.
    outflow : (T, 4) mass that has left through the left, right, lower and upper side.
    steps : number of time steps of three stages each.
    """

    times: np.ndarray
    averages: np.ndarray
    outflow: np.ndarray
    steps: int


def weight_floor(averages):
    """epsilon of the nonlinear weights for initial (nx, ny) averages (module docstring)."""
    averages = _validate.array("averages", averages)
    check_positive(averages)
    typical, cells = occupied(averages)
    return squared(typical) * _relative_floor(cells)


def _relative_floor(cells):
    return min(1.0 / math.sqrt(cells), LARGEST_FLOOR)


def with_ghosts(averages):
    """(nx + 2, ny + 2) averages with a ring of quadratically extrapolated ghost cells."""
    padded = np.pad(averages, 1)
    for u in (padded[:, 1:-1], padded.T):
        u[0] = 3.0 * u[1] - 3.0 * u[2] + u[3]
        u[-1] = 3.0 * u[-2] - 3.0 * u[-3] + u[-4]
    return padded


def reconstruct(averages, epsilon):
    """CWENO3 polynomial of each cell.

    Parameters
    ----------
    averages : (nx, ny) array
        Cell averages, nx >= 5 and ny >= 5.
    epsilon : float
        Floor of the smoothness indicators, positive; see `weight_floor`.

    Returns
    -------
    (nx, ny, 6) ndarray
        c with u = c_0 + c_1 xi + c_2 eta + c_3 xi^2 + c_4 xi eta + c_5 eta^2 in each cell.

    Raises
    ------
    ValueError
        If the averages are not a finite matrix of at least 5 x 5 or epsilon <= 0.
    """
    averages = _validate.array("averages", averages)
    if averages.ndim != 2 or min(averages.shape) < 5:
        raise ValueError(f"averages must be a matrix of at least 5 x 5; got {averages.shape}")
    epsilon = _validate.number("epsilon", epsilon, low=1e-300, accepted="a positive number")
    unit = np.abs(averages).max() or 1.0
    u = with_ghosts(averages / unit)
    c, w, e, s, n = u[1:-1, 1:-1], u[:-2, 1:-1], u[2:, 1:-1], u[1:-1, :-2], u[1:-1, 2:]
    cross = (u[2:, 2:] - u[2:, :-2]) - (u[:-2, 2:] - u[:-2, :-2])
    half_x, half_y, quarter = half_slopes.py_func(
        c - w, e - c, c - s, n - c, cross, relative_epsilon(epsilon, unit)
    )
    omega = 4.0 * quarter
    xx, xy, yy = omega * ((e - c) - (c - w)), omega * cross / 2.0, omega * ((n - c) - (c - s))
    parts = [c - (xx + yy) / 12.0, 2.0 * half_x, 2.0 * half_y, xx, xy, yy]
    return scaled(unit, np.stack(parts, axis=-1))


class _Faces(NamedTuple):
    """Velocities on the faces, and the largest number of cells crossed in a unit of time."""

    a: np.ndarray
    b: np.ndarray
    fastest: float


def transport(averages, velocity, grid, times, *, boundary="no-flux", cfl=0.45, threads=None):
    """Solve d_t u + d_x (a u) + d_y (b u) = 0 by the scheme of the module docstring.

    Parameters
    ----------
    averages : (nx, ny) array
        Non-negative cell averages at ``times[0]``, not all zero.
    velocity : (array, array) or callable
        a (2, nx + 1, ny) and b (2, nx, ny + 1) in the Gauss points of the faces, where
        they are functions of ``grid.face_points``; or a function of the time and the current
        (nx, ny) averages that returns such a pair. It is read three times in a step, of which
        there are then at least 208 between two output times. The averages are those of a
        stage, which may be negative by the error of the scheme.
    grid : Grid2D
    times : (T,) array_like
        Increasing output times.
    boundary : {"no-flux", "open"}
        For all four sides.
    cfl : float
        In (0, 1/2]; the step is cfl min(dx / max |a|, dy / max |b|).
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

    threads = thread_count(threads)

    unit, cells = occupied(averages)
    shape = (times.size, *grid.shape)
    result = Transport2D(times, np.empty(shape), np.zeros((times.size, 4)), 0)
    result.averages[0] = averages
    taken, fixed = 0, None if callable(velocity) else _faces(velocity, grid, boundary)
    with Strips(averages / unit, threads, whole=fixed is not None) as strips:
        run = _Run(strips, grid, boundary, cfl, _relative_floor(cells), unit)
        for i in range(1, times.size):
            t, end = times[i - 1], times[i]
            if fixed:
                taken += run.steps(fixed, t, end)
            else:
                taken += run.stages(velocity, t, end)
            result.averages[i] = unit * strips.u[1:-1, 1:-1]
            lost = np.concatenate([strips.lost_x.sum(axis=1), strips.lost_y.sum(axis=0)])
            result.outflow[i] = unit * lost * grid.area
    return result._replace(steps=taken)


class _Run(NamedTuple):
    """Steps from one output time to the next, and how many they are."""

    strips: Strips
    grid: Grid2D
    boundary: str
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

        def faces(t, values):
            found = velocity(t, self.unit * values[1:-1, 1:-1])
            return _faces(found, self.grid, self.boundary)

        longest, count = (end - t) / FEWEST_STEPS, 0
        while t < end:
            first = faces(t, self.strips.u)
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
        strips, rest = self.strips, (self._scales(dt), self.epsilon)
        strips.stage(0, first, *rest)
        second = faces(t + dt, strips.v)
        if not _allowed(second.fastest, dt, self.cfl):
            return second.fastest
        strips.stage(1, second, *rest)
        third = faces(t + dt / 2.0, strips.w)
        if not _allowed(third.fastest, dt, self.cfl):
            return third.fastest
        strips.stage(2, third, *rest)
        return 0.0

    def _scales(self, dt):
        return dt / (2.0 * self.grid.x.dx), dt / (2.0 * self.grid.y.dx)


def _allowed(fastest, dt, cfl):
    return fastest * dt <= cfl * (1.0 + 1e-12)


def _faces(velocity, grid, boundary):
    """Checked velocities with walls at no-flux sides."""
    if not (isinstance(velocity, tuple | list) and len(velocity) == 2):
        raise TypeError(f"velocity must be a pair of arrays (a, b); got {type(velocity).__name__}")
    nx, ny = grid.shape
    a, b = (_validate.array(f"velocity[{k}]", part).copy() for k, part in enumerate(velocity))
    for k, (part, shape) in enumerate(((a, (2, nx + 1, ny)), (b, (2, nx, ny + 1)))):
        if part.shape != shape:
            raise ValueError(f"velocity[{k}] must have shape {shape}; got {part.shape}")
    if boundary == "no-flux":
        a[:, [0, -1]] = 0.0
        b[:, :, [0, -1]] = 0.0
    return _Faces(a, b, float(max(np.abs(a).max() / grid.x.dx, np.abs(b).max() / grid.y.dx)))
