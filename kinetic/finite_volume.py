r"""Third-order finite volumes for d_t u + d_x (a(t, x) u) = 0 (eq. (24); paper).

The cell averages u_j, j = 1..n, live in cells, the velocity a and the flux F on the
n + 1 faces f = 0..n; face f lies between cells f and f + 1. Arrays of averages in
kernels carry one ghost cell at each end, filled by quadratic extrapolation.

Reconstruction: CWENO3 (Levy, Puppo, Russo 2000; Cravero et al. 2018). With
xi = (x - x_j) / dx in [-1/2, 1/2], the candidates are the two linear polynomials
through neighbouring averages and

    P_0 = u_j - D2 / 12 + D1 xi + D2 xi^2,
    D1 = (u_{j+1} - u_{j-1}) / 2,   D2 = u_{j+1} - 2 u_j + u_{j-1},

with linear weights C = (1/4, 1/2, 1/4), indicators I_L = (u_j - u_{j-1})^2,
I_0 = D1^2 + 13/3 D2^2, I_R = (u_{j+1} - u_j)^2 and nonlinear weights proportional to
C_k / (I_k + epsilon)^2. The literature takes epsilon = dx for problems of unit size.
Here it is min(dx / l, 1/20) s^2 with the typical density s = int u^2 dx / int u dx of
the initial state and the length l = int u dx / s that it occupies, so that neither the
units of x and u nor an empty part of the domain matter.

Flux: local Lax-Friedrichs. Since F(u, t, x) = a(t, x) u, its dissipation coefficient
at a face is |a| there and it takes the value of the cell that the flow leaves.
Face values below zero are set to zero: the exact ones are not negative.

Time: SSP-RK3 (Jiang & Shu 1996) with the step CFL dx / max |a|. Each stage is u minus
a multiple of the differences of a sum of fluxes: dt/dx F^0, dt/dx (F^0 + F^1) / 4 and
2/3 dt/dx ((F^0 + F^1) / 4 + F^2), so that mass is conserved to rounding.

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

from kinetic import _validate
from kinetic._compile import inlined, kernel
from kinetic.grid import Grid

BOUNDARIES = ("no-flux", "open")
LARGEST_FLOOR = 1.0 / 20.0
MOST_STEPS = 10**7
FEWEST_STEPS = 64.0 * (1.0 + 5.0**0.5)
"""Between two output times where the velocity depends on time: enough to see its changes,
and irrational, so as not to meet a period of the velocity at each step."""


class Transport(NamedTuple):
    """Result of `transport`.

    times : (T,) output times.
    averages : (T, n) cell averages at these times.
    outflow : (T, 2) mass that has left through the left and the right end.
    steps : number of time steps of three stages each.
    """

    times: np.ndarray
    averages: np.ndarray
    outflow: np.ndarray
    steps: int


def weight_floor(averages):
    """epsilon of the nonlinear weights for initial (n,) averages (module docstring)."""
    averages = _validate.array("averages", averages)
    if averages.size == 0 or averages.max() <= 0.0:
        raise ValueError("averages must have a positive entry")
    typical, cells = occupied(averages)
    return float(typical**2 * min(1.0 / cells, LARGEST_FLOOR))


def occupied(averages):
    """Typical density s, and the number of cells that the length l, or an area, is."""
    largest = averages.max()
    shape = averages / largest
    share = (shape**2).sum() / shape.sum()
    return largest * share, shape.sum() / share


def with_ghosts(averages):
    """(n + 2,) averages with a quadratically extrapolated ghost cell at each end."""
    first = 3.0 * averages[0] - 3.0 * averages[1] + averages[2]
    last = 3.0 * averages[-1] - 3.0 * averages[-2] + averages[-3]
    return np.concatenate([[first], averages, [last]])


def reconstruct(averages, epsilon):
    """CWENO3 polynomial of each cell.

    Parameters
    ----------
    averages : (n,) array
        Cell averages, n >= 5.
    epsilon : float
        Floor of the smoothness indicators, positive; see `weight_floor`.

    Returns
    -------
    (n, 3) ndarray
        c with u(x) = c_0 + c_1 xi + c_2 xi^2 in each cell, xi = (x - x_j) / dx.

    Raises
    ------
    ValueError
        If the averages are not a finite vector of at least 5 entries or epsilon <= 0.
    """
    averages = _validate.array("averages", averages)
    if averages.ndim != 1 or averages.size < 5:
        raise ValueError(f"averages must be a vector of at least 5; got shape {averages.shape}")
    epsilon = _validate.number("epsilon", epsilon, low=1e-300, accepted="a positive number")
    unit = np.abs(averages).max() or 1.0
    jumps = np.diff(with_ghosts(averages / unit))
    left, right = jumps[:-1], jumps[1:]
    slope, curvature = (left + right) / 2.0, right - left
    indicators = np.array([left**2, slope**2 + 13.0 / 3.0 * curvature**2, right**2])
    weights = np.array([[0.25], [0.5], [0.25]]) / (indicators + epsilon / unit**2) ** 2
    weights /= weights.sum(axis=0)
    return unit * np.column_stack(
        [
            averages / unit - weights[1] * curvature / 12.0,
            weights[0] * left + weights[1] * slope + weights[2] * right,
            weights[1] * curvature,
        ]
    )


@inlined
def _deviations(left, right, epsilon):
    """u_j minus the left, and the right face value minus u_j, over one denominator.

    The indicators are four times, their squares sixteen times those of the docstring.
    """
    ql = (left + left) * (left + left) + 4.0 * epsilon
    ql *= ql
    qr = (right + right) * (right + right) + 4.0 * epsilon
    qr *= qr
    total = left + right
    curvature = right - left
    q0 = total * total + ((52.0 / 3.0 * curvature) * curvature + 4.0 * epsilon)
    q0 *= q0
    p = ql * qr
    inverse = 0.5 / (q0 * (ql + qr) + (p + p))
    odd = q0 * (qr * left + ql * right) + p * total
    even = (2.0 / 3.0) * (p * curvature)
    return inverse * (odd - even), inverse * (odd + even)


@inlined
def _fill_ghosts(u):
    n = u.size - 2
    u[0] = 3.0 * u[1] - 3.0 * u[2] + u[3]
    u[n + 1] = 3.0 * u[n] - 3.0 * u[n - 1] + u[n - 2]


@inlined
def _stage(u, v, out, flux, rightward, leftward, keep, scale, epsilon):
    """flux = keep flux + F(v), out = u - scale (flux_j - flux_{j-1}), in one loop."""
    n = u.size - 2
    upwind = 0.0
    before = 0.0
    for j in range(1, n + 1):
        center = v[j]
        low, high = _deviations(center - v[j - 1], v[j + 1] - center, epsilon)
        left, right = max(center - low, 0.0), max(center + high, 0.0)
        # All of the cell before the first store: else the loop does not vectorize.
        here = keep * flux[j - 1] + (rightward[j - 1] * upwind + leftward[j - 1] * left)
        flux[j - 1] = here
        out[j - 1] = u[j - 1] - scale * (here - before)
        upwind = right
        before = here
    here = keep * flux[n] + rightward[n] * upwind
    flux[n] = here
    out[n] = u[n] - scale * (here - before)


@inlined
def _any_negative(u):
    found = 0
    for j in range(1, u.size - 1):
        found |= u[j] < 0.0
    return found != 0


@inlined
def _limit(u, out, flux, kept, scale):
    """Scale back fluxes that take more from a cell than it holds, and update again."""
    n = u.size - 2
    for j in range(1, n + 1):
        leaving = scale * (max(flux[j], 0.0) + max(-flux[j - 1], 0.0))
        held = max(u[j], 0.0)
        kept[j] = held / leaving if leaving > held else 1.0
    for f in range(n + 1):
        flux[f] *= kept[f] if flux[f] > 0.0 else kept[f + 1]
    for j in range(1, n + 1):
        out[j] = u[j] - scale * (flux[j] - flux[j - 1])


@kernel
def _advance(u, v, w, flux, r0, l0, r1, l1, r2, l2, courant, epsilon, steps, outflow):
    """Take steps of SSP-RK3 from u; the result is in u if their number is even, else in v.

    r and l are the positive and the negative part of the face velocities at the
    three stages, courant is dt / dx; outflow counts sums of u that leave left and right.
    """
    n = u.size - 2
    third = courant * (2.0 / 3.0)
    for _ in range(steps):
        _fill_ghosts(u)
        _stage(u, u, v, flux, r0, l0, 0.0, courant, epsilon)
        _fill_ghosts(v)
        _stage(u, v, w, flux, r1, l1, 1.0, courant / 4.0, epsilon)
        _fill_ghosts(w)
        _stage(u, w, v, flux, r2, l2, 0.25, third, epsilon)
        if _any_negative(v):
            _limit(u, v, flux, w, third)
        outflow[0] -= third * flux[0]
        outflow[1] += third * flux[n]
        u, v = v, u


def transport(averages, velocity, grid, times, *, boundary="no-flux", cfl=0.45):
    """Solve d_t u + d_x (a u) = 0 by the scheme of the module docstring.

    Parameters
    ----------
    averages : (n,) array
        Non-negative cell averages at ``times[0]``, not all zero.
    velocity : (n + 1,) array or callable
        a on the faces, or a function of t that returns it. It is read three times in a
        step, of which there are at least 208 between two output times; changes that are
        faster than that are not seen.
    grid : Grid
    times : (T,) array_like
        Increasing output times.
    boundary : {"no-flux", "open"}
    cfl : float
        In (0, 1]; the step is cfl dx / max |a|.

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

    def parts(t):
        """Positive and negative part of the velocity at time t, and its maximum."""
        a = _validate.array("velocity", velocity(t) if callable(velocity) else velocity).copy()
        if a.shape != (grid.cells + 1,):
            raise ValueError(f"velocity must have shape ({grid.cells + 1},); got {a.shape}")
        if boundary == "no-flux":
            a[[0, -1]] = 0.0
        return np.maximum(a, 0.0), np.minimum(a, 0.0), float(np.abs(a).max())

    unit, cells = occupied(averages)
    state = np.zeros((3, grid.cells + 2))
    state[0, 1:-1] = averages / unit
    u, v, w = state
    flux, outflow = np.zeros(grid.cells + 1), np.zeros(2)
    result = Transport(times, np.empty((times.size, grid.cells)), np.zeros((times.size, 2)), 0)
    result.averages[0] = averages
    epsilon = min(1.0 / cells, LARGEST_FLOOR)
    taken = 0

    def advance(stages, dt, steps):
        nonlocal u, v, taken
        velocities = [part for stage in stages for part in stage[:2]]
        _advance(u, v, w, flux, *velocities, dt / grid.dx, epsilon, steps, outflow)
        if steps % 2:
            u, v = v, u
        taken += steps

    fixed = None if callable(velocity) else parts(times[0])
    for i in range(1, times.size):
        t, end = times[i - 1], times[i]
        if fixed:
            steps = step_count(t, end, fixed[2], cfl * grid.dx)
            advance((fixed,) * 3, (end - t) / steps, steps)
        else:
            longest = (end - t) / FEWEST_STEPS
            while t < end:
                stages, dt = _stages_in_time(parts, t, end, longest, cfl * grid.dx)
                advance(stages, dt, 1)
                t = end if t + dt >= end * (1.0 - 1e-15) else t + dt
        result.averages[i] = unit * u[1:-1]
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


def _stages_in_time(parts, t, end, longest, reach):
    """Velocities at t, t + dt, t + dt/2 with max |a| dt <= reach at all three, and dt."""
    first = parts(t)
    dt = min(end - t, longest)
    dt = dt / step_count(t, t + dt, first[2], reach)
    while True:
        if t + dt / 2.0 == t:
            raise ValueError(f"times near t={t} are too large for steps of {dt:.3g}")
        stages = first, parts(t + dt), parts(t + dt / 2.0)
        fastest = max(stage[2] for stage in stages)
        if fastest * dt <= reach * (1.0 + 1e-12):
            return stages, dt
        dt = min(reach / fastest, dt / 2.0)
