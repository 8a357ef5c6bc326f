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
from kinetic._compile import inlined, kernel
from kinetic.finite_volume import BOUNDARIES, FEWEST_STEPS, LARGEST_FLOOR, occupied, step_count
from kinetic.grid_2d import Grid2D

GAUSS = 0.5 / math.sqrt(3.0)
"""Distance of the Gauss points of a face from its middle, in parts of its length."""


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
    if averages.size == 0 or averages.max() <= 0.0:
        raise ValueError("averages must have a positive entry")
    typical, cells = occupied(averages)
    return float(typical**2 * _relative_floor(cells))


def _relative_floor(cells):
    return min(1.0 / math.sqrt(cells), LARGEST_FLOOR)


def with_ghosts(averages):
    """(nx + 2, ny + 2) averages with a ring of quadratically extrapolated ghost cells."""
    padded = np.pad(averages, 1)
    _fill_ghosts.py_func(padded)
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
    x, y, xx, yy, xy = _coefficients.py_func(c - w, e - c, c - s, n - c, cross, epsilon / unit**2)
    return unit * np.stack([c - (xx + yy) / 12.0, x, y, xx, xy, yy], axis=-1)


@inlined
def _coefficients(west, east, south, north, cross, epsilon):
    """Coefficients of xi, eta, xi^2, eta^2 and xi eta from differences, cross = 4 Dxy."""
    indicator_w, indicator_e = west * west + epsilon, east * east + epsilon
    indicator_s, indicator_n = south * south, north * north
    across_x, across_y = west + east, south + north
    bend_x, bend_y = east - west, north - south
    q_ws, q_wn = indicator_w + indicator_s, indicator_w + indicator_n
    q_es, q_en = indicator_e + indicator_s, indicator_e + indicator_n
    q_0 = 0.25 * (across_x * across_x + across_y * across_y) + (
        13.0 / 3.0 * (bend_x * bend_x + bend_y * bend_y) + ((7.0 / 24.0 * cross) * cross + epsilon)
    )
    q_ws, q_wn, q_es, q_en, q_0 = q_ws * q_ws, q_wn * q_wn, q_es * q_es, q_en * q_en, q_0 * q_0
    # Over the common denominator the weight of a plane is the product of the other four q.
    both_s, both_n = q_ws * q_es, q_wn * q_en
    weight_w = q_es * both_n + q_en * both_s
    weight_e = q_ws * both_n + q_wn * both_s
    weight_s = (q_ws + q_es) * both_n
    weight_n = (q_wn + q_en) * both_s
    half = 2.0 * (both_s * both_n)
    weight_0 = half + half
    inverse = 1.0 / (q_0 * (weight_w + weight_e) + weight_0)
    slope_x = inverse * (q_0 * (weight_w * west + weight_e * east) + half * across_x)
    slope_y = inverse * (q_0 * (weight_s * south + weight_n * north) + half * across_y)
    omega = weight_0 * inverse
    return slope_x, slope_y, omega * bend_x, omega * bend_y, omega * (0.5 * cross)


@inlined
def _fill_ghosts(u):
    nx, ny = u.shape[0] - 2, u.shape[1] - 2
    for j in range(1, ny + 1):
        u[0, j] = 3.0 * u[1, j] - 3.0 * u[2, j] + u[3, j]
        u[nx + 1, j] = 3.0 * u[nx, j] - 3.0 * u[nx - 1, j] + u[nx - 2, j]
    for i in range(nx + 2):
        u[i, 0] = 3.0 * u[i, 1] - 3.0 * u[i, 2] + u[i, 3]
        u[i, ny + 1] = 3.0 * u[i, ny] - 3.0 * u[i, ny - 1] + u[i, ny - 2]


@inlined
def _positive_flux(a, b, middle, tilt):
    """Twice the flux out of a cell whose face values are middle -+ tilt in the Gauss points."""
    return max(a, 0.0) * max(middle - tilt, 0.0) + max(b, 0.0) * max(middle + tilt, 0.0)


@inlined
def _negative_flux(a, b, middle, tilt):
    return min(a, 0.0) * max(middle - tilt, 0.0) + min(b, 0.0) * max(middle + tilt, 0.0)


@inlined
def _update_row(i, u, out, fx, fy, to_x, to_y):
    """out = u minus the differences of the fluxes in row i; whether an entry is negative."""
    found = 0
    for j in range(1, u.shape[1] - 1):
        new = u[i, j] - (
            to_x * (fx[i, j - 1] - fx[i - 1, j - 1]) + to_y * (fy[i - 1, j] - fy[i - 1, j - 1])
        )
        found |= new < 0.0
        out[i, j] = new
    return found


@kernel
def _stage(u, v, out, fx, fy, a, b, upwind, keep, to_x, to_y, epsilon):
    """f = keep f + 2 F(v), out = u - to_x differences of fx - to_y differences of fy.

    upwind (ny,) holds what the row of cells before contributes to the fluxes of a row
    of faces. Returns whether an entry of out is negative.
    """
    nx, ny = u.shape[0] - 2, u.shape[1] - 2
    _fill_ghosts(v)
    found = 0
    for j in range(ny):
        upwind[j] = 0.0
    for i in range(1, nx + 1):
        below = 0.0
        for j in range(1, ny + 1):
            center = v[i, j]
            cross = (v[i + 1, j + 1] - v[i + 1, j - 1]) - (v[i - 1, j + 1] - v[i - 1, j - 1])
            x, y, xx, yy, xy = _coefficients(
                center - v[i - 1, j], v[i + 1, j] - center,
                center - v[i, j - 1], v[i, j + 1] - center, cross, epsilon,
            )  # fmt: skip
            middle_x, half_x = center + xx * (1.0 / 6.0), 0.5 * x
            middle_y, half_y = center + yy * (1.0 / 6.0), 0.5 * y
            half_xy = 0.5 * xy
            west = upwind[j - 1] + _negative_flux(
                a[0, i - 1, j - 1], a[1, i - 1, j - 1], middle_x - half_x, GAUSS * (y - half_xy)
            )
            east = _positive_flux(
                a[0, i, j - 1], a[1, i, j - 1], middle_x + half_x, GAUSS * (y + half_xy)
            )
            south = below + _negative_flux(
                b[0, i - 1, j - 1], b[1, i - 1, j - 1], middle_y - half_y, GAUSS * (x - half_xy)
            )
            below = _positive_flux(
                b[0, i - 1, j], b[1, i - 1, j], middle_y + half_y, GAUSS * (x + half_xy)
            )
            # All of the cell before the first store: else the loop does not vectorize.
            west += keep * fx[i - 1, j - 1]
            south += keep * fy[i - 1, j - 1]
            upwind[j - 1] = east
            fx[i - 1, j - 1] = west
            fy[i - 1, j - 1] = south
        fy[i - 1, ny] = keep * fy[i - 1, ny] + below
        if i > 1:
            found |= _update_row(i - 1, u, out, fx, fy, to_x, to_y)
    for j in range(ny):
        fx[nx, j] = keep * fx[nx, j] + upwind[j]
    return (found | _update_row(nx, u, out, fx, fy, to_x, to_y)) != 0


@kernel
def _limit(u, out, fx, fy, kept, to_x, to_y):
    """Scale back fluxes that take more from a cell than it holds, and update again.

    A flux is scaled as soon as the parts that both its cells keep are known.
    """
    nx, ny = u.shape[0] - 2, u.shape[1] - 2
    for i in range(1, nx + 1):
        for j in range(1, ny + 1):
            leaving = to_x * (max(fx[i, j - 1], 0.0) + max(-fx[i - 1, j - 1], 0.0)) + to_y * (
                max(fy[i - 1, j], 0.0) + max(-fy[i - 1, j - 1], 0.0)
            )
            held = max(u[i, j], 0.0)
            part = held / leaving
            kept[i, j] = part if leaving > held else 1.0
        for j in range(1, ny + 1):
            flux, west, east = fx[i - 1, j - 1], kept[i - 1, j], kept[i, j]
            fx[i - 1, j - 1] = flux * (west if flux > 0.0 else east)
        for j in range(ny + 1):
            flux, south, north = fy[i - 1, j], kept[i, j], kept[i, j + 1]
            fy[i - 1, j] = flux * (south if flux > 0.0 else north)
        if i > 1:
            _update_row(i - 1, u, out, fx, fy, to_x, to_y)
    for j in range(1, ny + 1):
        fx[nx, j - 1] *= kept[nx, j]
    _update_row(nx, u, out, fx, fy, to_x, to_y)


class _Faces(NamedTuple):
    """Velocities on the faces, and the largest number of cells crossed in a unit of time."""

    a: np.ndarray
    b: np.ndarray
    fastest: float


def transport(averages, velocity, grid, times, *, boundary="no-flux", cfl=0.45):
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

    unit, cells = occupied(averages)
    epsilon = _relative_floor(cells)
    nx, ny = grid.shape
    state = np.zeros((3, nx + 2, ny + 2))
    state[0, 1:-1, 1:-1] = averages / unit
    u, v, w = state
    fx, fy, upwind = np.zeros((nx + 1, ny)), np.zeros((nx, ny + 1)), np.zeros(ny)
    fixed = None if callable(velocity) else _faces(velocity, grid, boundary)

    def faces(t, values):
        return fixed or _faces(velocity(t, unit * values[1:-1, 1:-1]), grid, boundary)

    def stage(values, out, at, keep, dt):
        scales = dt / (2.0 * grid.x.dx), dt / (2.0 * grid.y.dx)
        return _stage(u, values, out, fx, fy, at.a, at.b, upwind, keep, *scales, epsilon), scales

    def step(t, dt, first):
        """Fill v with the state at t + dt; the largest velocity, at which it gives up."""
        stage(u, v, first, 0.0, dt)
        second = faces(t + dt, v)
        if not _allowed(second.fastest, dt, cfl):
            return second.fastest
        stage(v, w, second, 1.0, dt / 4.0)
        third = faces(t + dt / 2.0, w)
        if not _allowed(third.fastest, dt, cfl):
            return third.fastest
        negative, scales = stage(w, v, third, 0.25, 2.0 / 3.0 * dt)
        if negative:
            _limit(u, v, fx, fy, w, *scales)
        outflow[:2] += scales[0] * np.array([-fx[0].sum(), fx[nx].sum()])
        outflow[2:] += scales[1] * np.array([-fy[:, 0].sum(), fy[:, ny].sum()])
        return 0.0

    outflow, taken = np.zeros(4), 0
    result = Transport2D(times, np.empty((times.size, nx, ny)), np.zeros((times.size, 4)), 0)
    result.averages[0] = averages
    for i in range(1, times.size):
        t, end = times[i - 1], times[i]
        longest = math.inf if fixed else (end - t) / FEWEST_STEPS
        while t < end:
            first = faces(t, u)
            span = min(end - t, longest)
            dt = span / step_count(t, t + span, first.fastest, cfl)
            while fastest := step(t, dt, first):
                dt = min(cfl / fastest, dt / 2.0)
            if t + dt / 2.0 == t:
                raise ValueError(f"times near t={t} are too large for steps of {dt:.3g}")
            u, v = v, u
            taken += 1
            t = end if t + dt >= end * (1.0 - 1e-15) else t + dt
        result.averages[i] = unit * u[1:-1, 1:-1]
        result.outflow[i] = unit * outflow * grid.area
    return result._replace(steps=taken)


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
