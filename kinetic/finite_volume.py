r"""Finite volumes for d_t u + d_x (a(t, x) u) = 0 of order three (eq. (24); paper) and five.

The cell averages u_j, j = 1..n, live in cells, the velocity a and the flux F on the
n + 1 faces f = 0..n; face f lies between cells f and f + 1. Arrays of averages in
kernels carry ghost cells at each end: one, filled by quadratic extrapolation, at order
three, and two at order five, by cubic extrapolation. (By quartic extrapolation there is a
mode that grows next to an end where nothing enters.)

Reconstruction: CWENO3 (Levy, Puppo, Russo 2000; Cravero et al. 2018). With
xi = (x - x_j) / dx in [-1/2, 1/2], the candidates are the two linear polynomials
through neighbouring averages and

    P_0 = u_j - D2 / 12 + D1 xi + D2 xi^2,
    D1 = (u_{j+1} - u_{j-1}) / 2,   D2 = u_{j+1} - 2 u_j + u_{j-1},

with linear weights C = (1/4, 1/2, 1/4), indicators I_L = (u_j - u_{j-1})^2,
I_0 = D1^2 + 13/3 D2^2, I_R = (u_{j+1} - u_j)^2 and nonlinear weights proportional to
C_k / (I_k + epsilon)^2. The literature takes epsilon = dx for problems of unit size.
Here it is delta s^2, delta = min(dx / l, 1/20), with the typical density
s = int u^2 dx / int u dx of the initial state and the length l = int u dx / s that it
occupies, so that neither the units of x and u nor an empty part of the domain matter.

Order five: CWENO-Z5 (Cravero, Semplice, Visconti 2019). The candidates are the parabolas
P_L, P_C, P_R through three neighbouring averages and P_0 = (P - P_L / 16 - P_C / 8 - P_R / 16)
/ (3/4), with the quartic P through all five. With the indicators of P and of the parabolas,

    tau = 6 I_P - I_L - 4 I_C - I_R = O(dx^6),   weights ~ C_k (1 + tau^2 / (I_k + epsilon)^2),

C = (3/4, 1/16, 1/8, 1/16), I_P in place of I_0, and epsilon = delta^2 s^2. With delta s^2 a
jump overshoots by several per cent; on smooth data there is no difference.

Flux: local Lax-Friedrichs. Since F(u, t, x) = a(t, x) u, its dissipation coefficient
at a face is |a| there and it takes the value of the cell that the flow leaves.
Face values below zero are set to zero: the exact ones are not negative.

Time: steps of CFL dx / max |a| by SSP-RK3 (Jiang & Shu 1996), or at order five by a method
of six stages (Butcher 1964). Each stage is u minus a multiple of the differences of a sum of
fluxes, so that mass is conserved to rounding: for SSP-RK3 dt/dx F^0, dt/dx (F^0 + F^1) / 4 and
2/3 dt/dx ((F^0 + F^1) / 4 + F^2). The shares of the fluxes in a step are not negative.

Positivity: what leaves a cell in a step is a part of what was in it as long as
|a| dt <= dx. Where the flux of the step takes more, it is scaled back to the content
of the cell. The exact flux satisfies this bound, so the limiter does not enlarge the
flux error of a cell with one leaving face, at most doubles it with two, and keeps the
order.

Ends: nothing enters. Through an open end mass leaves, and is counted; at a no-flux
end (a wall) the velocity is zero.
"""

from typing import NamedTuple

import numpy as np

from kinetic import _blocks, _fifth_order, _parallel, _third_order, _validate
from kinetic.grid import Grid

__all__ = ["Transport", "reconstruct", "transport", "weight_floor"]

BOUNDARIES = ("no-flux", "open")
ORDERS = (3, 5)
LARGEST_FLOOR = 1.0 / 20.0
SMALLEST_DENSITY = 1e-150
SMALLEST_RELATIVE = 1e-60
"""Of epsilon to the square of the largest average: beyond, it has no effect but overflow."""
MOST_STEPS = 10**7
FEWEST_STEPS = 64.0 * (1.0 + 5.0**0.5)
"""Between two output times where the velocity depends on time: enough to see its changes,
and irrational, so as not to meet a period of the velocity at each step."""


class Transport(NamedTuple):
    """Result of `transport`.

    times : (T,) output times.
    averages : (T, n) cell averages at these times.
    outflow : (T, 2) mass that has left through the left and the right end.
    steps : number of time steps, of three stages each at order three, of six at order five.
    """

    times: np.ndarray
    averages: np.ndarray
    outflow: np.ndarray
    steps: int


def check_order(order):
    """The order 3 or 5 of a scheme."""
    if _validate.integer("order", order, low=1) not in ORDERS:
        raise ValueError(f"order must be 3 or 5; got {order}")
    return int(order)


def weight_floor(averages, order=3):
    """epsilon of the nonlinear weights for initial (n,) averages (module docstring)."""
    averages = _validate.array("averages", averages)
    order = check_order(order)
    check_positive(averages)
    typical, cells = occupied(averages)
    return squared(typical) * relative_floor(1.0 / cells, order)


def check_positive(averages):
    """Refuse averages without a typical density."""
    if averages.size == 0 or averages.max() <= 0.0 or (averages / averages.max()).sum() <= 0.0:
        raise ValueError("averages must have a positive entry and a positive sum")


def squared(typical):
    """The square of a typical density, in the range of float64."""
    typical = float(typical)
    if not SMALLEST_DENSITY < typical < 1.0 / SMALLEST_DENSITY:
        raise FloatingPointError(f"averages of size {typical:.3g} have no square in float64")
    return typical**2


def relative_floor(share, order):
    """epsilon / s^2 where a cell is that share of the length that the mass occupies."""
    return min(share, LARGEST_FLOOR) ** (1 if order == 3 else 2)


def occupied(averages):
    """Typical density s, and the number of cells that the length l, or an area, is."""
    largest = averages.max()
    shape = averages / largest
    share = (shape**2).sum() / shape.sum()
    return largest * share, shape.sum() / share


def with_ghosts(averages, order=3):
    """(n + 2,) averages with an extrapolated ghost cell at each end, or (n + 4,) at order five."""
    kernels = _third_order if order == 3 else _fifth_order
    padded = np.pad(averages, kernels.GHOSTS)
    kernels.fill_ghosts.py_func(padded)
    return padded


def reconstruct(averages, epsilon, order=3):
    """CWENO polynomial of each cell.

    Parameters
    ----------
    averages : (n,) array
        Cell averages, n >= 5.
    epsilon : float
        Floor of the smoothness indicators, positive; see `weight_floor`.
    order : {3, 5}

    Returns
    -------
    (n, order) ndarray
        c with u(x) = sum_k c_k xi^k in each cell, xi = (x - x_j) / dx.

    Raises
    ------
    ValueError, TypeError
        If the averages are not a finite vector of at least 5 entries, epsilon <= 0 or the
        order is another.
    """
    averages = _validate.array("averages", averages)
    if averages.ndim != 1 or averages.size < 5:
        raise ValueError(f"averages must be a vector of at least 5; got shape {averages.shape}")
    epsilon = _validate.number("epsilon", epsilon, low=1e-300, accepted="a positive number")
    order = check_order(order)
    unit = np.abs(averages).max() or 1.0
    jumps = np.diff(with_ghosts(averages / unit, order))
    part = _coefficients if order == 3 else _fifth_order.coefficients
    coefficients = part(jumps, relative_epsilon(epsilon, unit))
    coefficients[:, 0] += averages / unit
    return scaled(unit, coefficients)


def relative_epsilon(epsilon, unit):
    """epsilon / unit^2 without overflow."""
    with np.errstate(over="ignore", under="ignore"):
        relative = np.float64(epsilon) / unit / unit
    return min(max(relative, SMALLEST_RELATIVE), 1.0 / SMALLEST_RELATIVE)


def scaled(unit, coefficients):
    """The coefficients of polynomials in their unit."""
    with np.errstate(over="ignore"):
        coefficients = unit * coefficients
    if not np.isfinite(coefficients).all():
        raise FloatingPointError(f"averages up to {unit:.3g} have coefficients beyond float64")
    return coefficients


def _coefficients(jumps, epsilon):
    """(n, 3) coefficients of the CWENO3 polynomials minus the averages, from n + 1 differences."""
    left, right = jumps[:-1], jumps[1:]
    slope, curvature = (left + right) / 2.0, right - left
    indicators = np.array([left**2, slope**2 + 13.0 / 3.0 * curvature**2, right**2])
    weights = np.array([[0.25], [0.5], [0.25]]) / (indicators + epsilon) ** 2
    weights /= weights.sum(axis=0)
    return np.column_stack(
        [
            -weights[1] * curvature / 12.0,
            weights[0] * left + weights[1] * slope + weights[2] * right,
            weights[1] * curvature,
        ]
    )


def transport(
    averages, velocity, grid, times, *, boundary="no-flux", cfl=0.45, order=3, threads=None
):  # fmt: skip
    """Solve d_t u + d_x (a u) = 0 by the schemes of the module docstring.

    Parameters
    ----------
    averages : (n,) array
        Non-negative cell averages at ``times[0]``, not all zero.
    velocity : (n + 1,) array or callable
        a on the faces, or a function of t that returns it. It is read in each stage of a
        step, of which there are at least 208 between two output times; changes that are
        faster than that are not seen.
    grid : Grid
    times : (T,) array_like
        Increasing output times.
    boundary : {"no-flux", "open"}
    cfl : float
        In (0, 1]; the step is cfl dx / max |a|.
    order : {3, 5}
    threads : int, optional
        At most so many; by default as many as there are cores. Small problems use one. The
        result has the same bits for any number.

    Returns
    -------
    Transport

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a kinetic.Grid; got {type(grid).__name__}")
    averages = _validate.array("averages", averages)
    if averages.shape != (grid.cells,):
        raise ValueError(f"averages must have shape ({grid.cells},); got {averages.shape}")
    mass = float(averages.sum() * grid.dx)
    if averages.min() < 0.0 or mass <= 0.0:
        raise ValueError(
            "averages must be non-negative and not all zero; "
            f"got minimum {averages.min()} and mass {mass}"
        )
    times = _validate.times(times)
    _validate.choice("boundary", boundary, BOUNDARIES)
    cfl = _validate.number("cfl", cfl, accepted="a number in (0, 1]", high=1.0)
    if cfl <= 0.0:
        raise ValueError(f"cfl must be a number in (0, 1]; got {cfl}")

    order, threads = check_order(order), _parallel.thread_count(threads)

    def on_faces(t):
        """The velocity at time t, and its largest size."""
        a = _validate.array("velocity", velocity(t) if callable(velocity) else velocity).copy()
        if a.shape != (grid.cells + 1,):
            raise ValueError(f"velocity must have shape ({grid.cells + 1},); got {a.shape}")
        if boundary == "no-flux":
            a[0] = a[-1] = 0.0
        return a, float(np.abs(a).max())

    unit, cells = occupied(averages)
    u, outflow = averages / unit, np.zeros(2)
    epsilon = relative_floor(1.0 / cells, order)
    result = Transport(times, np.empty((times.size, grid.cells)), np.zeros((times.size, 2)), 0)
    result.averages[0] = averages
    taken = 0

    def advance(rows, dt, steps):
        nonlocal u, taken
        u = _blocks.take_steps(order, u, rows, dt / grid.dx, epsilon, steps, outflow, threads)
        taken += steps

    fixed, fastest = (None, None) if callable(velocity) else on_faces(times[0])
    for i in range(1, times.size):
        t, end = times[i - 1], times[i]
        if fixed is not None:
            steps = step_count(t, end, fastest, cfl * grid.dx)
            advance(fixed[None], (end - t) / steps, steps)
        else:
            longest = (end - t) / FEWEST_STEPS
            while t < end:
                rows, dt = _stages_in_time(
                    on_faces, _blocks.stage_times(order), t, end, longest, cfl * grid.dx
                )
                advance(rows, dt, 1)
                t = end if t + dt >= end * (1.0 - 1e-15) else t + dt
        result.averages[i] = unit * u
        result.outflow[i] = unit * outflow * grid.dx
    return result._replace(steps=taken)


def step_count(t, end, fastest, reach):
    """Number of steps of at most reach / fastest from t to end."""
    with np.errstate(over="ignore"):
        steps = np.ceil((end - t) * fastest / reach * (1.0 - 1e-12))
    if not steps <= MOST_STEPS:
        raise ValueError(
            f"from t={t} to t={end} with steps of at most {reach / fastest:.3g} it takes "
            f"{steps:.3g} steps; at most {MOST_STEPS} are taken: shorten the times, "
            "raise cfl, coarsen the grid or lower the weights"
        )
    return max(1, int(steps))


def _stages_in_time(on_faces, nodes, t, end, longest, reach):
    """Velocities at the stages of a step from t with max |a| dt <= reach at all of them, and dt."""
    first = on_faces(t)
    dt = min(end - t, longest)
    dt = dt / step_count(t, t + dt, first[1], reach)
    while True:
        if t + dt / 4.0 == t:
            raise ValueError(f"times near t={t} are too large for steps of {dt:.3g}")
        found = {node: on_faces(t + node * dt) for node in nodes if node > 0.0} | {0.0: first}
        fastest = max(size for _, size in found.values())
        if fastest * dt <= reach * (1.0 + 1e-12):
            return np.array([found[node][0] for node in nodes]), dt
        dt = min(reach / fastest, dt / 2.0)
