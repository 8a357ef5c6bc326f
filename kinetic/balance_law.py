r"""The paper's scheme with diffusion and source (eqs. (23), (24); paper).

    d_t u + d_x F(u, t, x) = d_xx(D(x) u) + S(u, t, x);

(23) has D = nu^2 / 2 and k S(u). Cell averages u_j, j = 1..n, follow

    d u_j / dt = -(F_{j+1/2} - F_{j-1/2}) / dx + (Q_{j+1/2} - Q_{j-1/2}) / dx + S_j.

F: local Lax-Friedrichs, with the values of the CWENO3 polynomials of `finite_volume` on
either side of the face. Q: fourth-order central difference of h = D u, with the point
values u of the same polynomials in the centres of the cells,

    Q_{j+1/2} = (h_{j-1} - 27 h_j + 27 h_{j+1} - h_{j+2}) / (24 dx),

one-sided next to the ends. The paper refers to Kurganov and Levy (2000), whose central
difference approximates d_xx(D u) in the centre of the cell; its average over the cell is
another number, by dx^2 d_xxxx(D u) / 24, and with it the scheme has order two. S_j: three-
point Gauss rule on the polynomial. Time: SSP-RK3 with

    dt = CFL / (max |d_u F| / dx + max D / dx^2).

With D alone the step is stable up to CFL = 0.4615, just above the 0.45 of the paper: 2.5127,
where SSP-RK3 ends on the negative axis, over 49/9, the largest eigenvalue with linear
weights. Up to 0.538 = 2.5127 / (14/3) the nonlinear weights then keep the noise bounded.
"""

import numpy as np

from kinetic import _validate, finite_volume
from kinetic._compile import kernel
from kinetic.finite_volume import BOUNDARIES, MOST_STEPS, Transport
from kinetic.grid import GAUSS_NODES, GAUSS_WEIGHTS, Grid

_INNER = np.array([1.0, -27.0, 27.0, -1.0]) / 24.0
_BESIDE_END = np.array([-23.0, 21.0, 3.0, -1.0]) / 24.0
_AT_ZERO = np.array([225.0, -50.0, 9.0]) / 60.0
"""Derivative where h = 0, from h half a cell, three halves and five halves away."""


@kernel
def _deviations(u, epsilon, low, high):
    """u_j minus the left, and the right face value minus u_j, for u with ghost cells."""
    for j in range(low.size):
        low[j], high[j] = finite_volume._deviations(
            u[j + 1] - u[j], u[j + 2] - u[j + 1], epsilon
        )  # fmt: skip


def solve(
    averages, grid, times, *, flux, speed, diffusion=0.0, source=None, boundary="no-flux", cfl=0.45
):  # fmt: skip
    """Solve d_t u + d_x F(u, t, x) = d_xx(D u) + S(u, t, x) (eqs. (23), (24); paper).

    Parameters
    ----------
    averages : (n,) array
        Cell averages of u at ``times[0]``, of any sign.
    grid : Grid
    times : (T,) array_like
        Increasing output times.
    flux, speed : callable
        F and its derivative with respect to u, of (u, t, x) with arrays u and x that
        broadcast, x on the faces; F convex or concave in u between neighbouring values.
    diffusion : float or (n,) array
        D, at least 0, in the centres of the cells; nu^2 / 2 in (23).
    source : callable, optional
        S of (u, t, x), with u and x of shape (n, 3): the Gauss nodes of the cells.
    boundary : {"no-flux", "open"}
        Walls, or u = 0 outside, so that nothing comes in.
    cfl : float
        In (0, 1]; with diffusion the scheme is stable up to 0.46.

    Returns
    -------
    finite_volume.Transport
        Times, averages, what has left through the ends, and the number of steps.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If the solution leaves the range of float64, as it does where a step is unstable.
    """
    averages, times, diffusion, cfl = _checked(averages, grid, times, diffusion, boundary, cfl)
    for name, function in (("flux", flux), ("speed", speed), ("source", source)):
        if not callable(function) and not (name == "source" and function is None):
            raise TypeError(f"{name} must be a function of (u, t, x); got {function!r}")
    n, dx, is_open = grid.cells, grid.dx, boundary == "open"
    floor = _floor(averages)
    nodes = grid.centers[:, None] + dx * GAUSS_NODES
    stiffness = diffusion.max() / dx**2
    low, high, sides = np.empty(n), np.empty(n), np.zeros((2, n + 1))

    def called(function, name, u, t, x):
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.asarray(function(u, t, x), dtype=float)
        if values.shape != u.shape:
            raise ValueError(
                f"{name} must return one value for each u; got shape {values.shape} "
                f"for u of shape {u.shape}"
            )
        return values

    def rate(u, t):
        """du/dt, the fluxes through both ends, and the largest speed."""
        _deviations(finite_volume.with_ghosts(u), floor, low, high)
        sides[0, 1:], sides[1, :-1] = u + high, u - low
        speeds = np.abs(called(speed, "speed", sides, t, grid.faces)).max(axis=0)
        left, right = called(flux, "flux", sides, t, grid.faces)
        total = (left + right - speeds * (sides[1] - sides[0])) / 2.0
        if stiffness:
            total -= _diffusive(diffusion * (u - (high - low) / 4.0), is_open) / dx
        if not is_open:
            total[[0, -1]] = 0.0
        change = -np.diff(total) / dx
        if source is not None:
            slope, curvature = (high + low)[:, None], 3.0 * (high - low)[:, None]
            values = u[:, None] + slope * GAUSS_NODES + curvature * (GAUSS_NODES**2 - 1.0 / 12.0)
            change += called(source, "source", values, t, nodes) @ GAUSS_WEIGHTS
        return change, total[[0, -1]], speeds.max()

    result = Transport(times, np.empty((times.size, n)), np.zeros((times.size, 2)), 0)
    result.averages[0] = averages
    u, left, taken = averages, np.zeros(2), 0
    for i in range(1, times.size):
        t, end = times[i - 1], times[i]
        while t < end:
            first, out1, fastest = rate(u, t)
            with np.errstate(divide="ignore"):
                longest = cfl / np.float64(fastest / dx + stiffness)
            count = np.ceil((end - t) / longest * (1.0 - 1e-12))
            if not taken + count <= MOST_STEPS:
                raise ValueError(
                    f"from t={t} to t={end} it takes {count:.3g} steps of length {longest:.3g}; at "
                    f"most {MOST_STEPS} are taken: shorten the times or coarsen the grid"
                )
            dt = (end - t) / max(1.0, count)
            with np.errstate(over="ignore", invalid="ignore"):
                second, out2, _ = rate(u + dt * first, t + dt)
                third, out3, _ = rate(u + dt / 4.0 * (first + second), t + dt / 2.0)
                u = u + dt / 6.0 * (first + second + 4.0 * third)
                left += dt / 6.0 * (out1 + out2 + 4.0 * out3) * [-1.0, 1.0]
            t = end if count <= 1.0 else t + dt
            taken += 1
            if not np.isfinite(u).all():
                raise FloatingPointError(
                    f"the solution left the range of float64 near t={t:.6g} with cfl={cfl}"
                )
        result.averages[i], result.outflow[i] = u, left
    return result._replace(steps=taken)


def _diffusive(h, is_open):
    """dx d_x h on the faces from h in the centres of the cells."""
    slope = np.zeros(h.size + 1)
    slope[2:-2] = np.convolve(h, _INNER[::-1], "valid")
    slope[1], slope[-2] = _BESIDE_END @ h[:4], -(_BESIDE_END @ h[:-5:-1])
    if is_open:
        slope[0], slope[-1] = _AT_ZERO @ h[:3], -(_AT_ZERO @ h[:-4:-1])
    return slope


def _floor(averages):
    """epsilon of the nonlinear weights, as in `finite_volume`, for averages of any sign."""
    sizes = np.abs(averages)
    return finite_volume.weight_floor(sizes) if sizes.any() else 1.0


def _checked(averages, grid, times, diffusion, boundary, cfl):
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a kinetic.Grid; got {type(grid).__name__}")
    averages = _validate.array("averages", averages)
    if averages.shape != (grid.cells,):
        raise ValueError(f"averages must have shape ({grid.cells},); got {averages.shape}")
    diffusion = _validate.array("diffusion", diffusion)
    if diffusion.shape not in ((), (grid.cells,)) or diffusion.min() < 0.0:
        raise ValueError(
            f"diffusion must be a number or an array of shape ({grid.cells},), at least 0; "
            f"got shape {diffusion.shape} with minimum {diffusion.min()}"
        )
    _validate.choice("boundary", boundary, BOUNDARIES)
    cfl = _validate.number("cfl", cfl, accepted="a number in (0, 1]", high=1.0)
    if cfl <= 0.0:
        raise ValueError(f"cfl must be a number in (0, 1]; got {cfl}")
    return averages, _validate.times(times), np.broadcast_to(diffusion, (grid.cells,)), cfl
