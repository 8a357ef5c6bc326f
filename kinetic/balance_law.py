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

Order five (`kinetic._balance_fifth`): the polynomials, weights and stages of the fifth order of
`finite_volume`, and the sixth-order central difference of h over six cells for Q. With D alone it
is stable up to 0.549 = 3.3865 / 6.1669.
"""

import numpy as np

from kinetic import _balance_fifth, _third_order, _validate, finite_volume
from kinetic._compile import inlined, kernel
from kinetic.finite_volume import BOUNDARIES, Transport
from kinetic.grid import GAUSS_NODES, GAUSS_WEIGHTS, Grid

MOST_STEPS = 10**6
STEPS_AT_ONCE = 1000
FEWEST_CELLS = {3: 5, 5: 6}


@inlined
def _deviations(u, epsilon, low, high):
    """u_j minus the left, and the right face value minus u_j."""
    n = u.size
    first = 3.0 * u[0] - 3.0 * u[1] + u[2]
    last = 3.0 * u[n - 1] - 3.0 * u[n - 2] + u[n - 3]
    for j in range(n):
        left = u[j] - (u[j - 1] if j > 0 else first)
        right = (u[j + 1] if j < n - 1 else last) - u[j]
        low[j], high[j] = _third_order.deviations(left, right, epsilon)


@kernel
def _face_values(u, epsilon, low, high, sides):
    """Fill low and high, and the values on the left and right of each face, 0 outside."""
    _deviations(u, epsilon, low, high)
    for j in range(u.size):
        sides[0, j + 1] = u[j] + high[j]
        sides[1, j] = u[j] - low[j]


@kernel
def _add_diffusion(u, low, high, diffusion, h, dx, is_open, total):
    """Subtract d_x(D u) on the faces from the fluxes."""
    n = u.size
    for j in range(n):
        h[j] = diffusion[j] * (u[j] - (high[j] - low[j]) / 4.0) / (24.0 * dx)
    for f in range(2, n - 1):
        total[f] -= h[f - 2] - 27.0 * h[f - 1] + 27.0 * h[f] - h[f + 1]
    total[1] -= -23.0 * h[0] + 21.0 * h[1] + 3.0 * h[2] - h[3]
    total[n - 1] += -23.0 * h[n - 1] + 21.0 * h[n - 2] + 3.0 * h[n - 3] - h[n - 4]
    if is_open:
        total[0] -= 90.0 * h[0] - 20.0 * h[1] + 3.6 * h[2]
        total[n] += 90.0 * h[n - 1] - 20.0 * h[n - 2] + 3.6 * h[n - 3]
    else:
        total[0], total[n] = 0.0, 0.0


@kernel
def _linear_fluxes(u, velocity, epsilon, low, high, diffusion, h, dx, is_open, total):
    """Fluxes on the faces where F = a u."""
    n = u.size
    _deviations(u, epsilon, low, high)
    for f in range(1, n):
        a = velocity[f]
        total[f] = max(a, 0.0) * (u[f - 1] + high[f - 1]) + min(a, 0.0) * (u[f] - low[f])
    total[0] = min(velocity[0], 0.0) * (u[0] - low[0])
    total[n] = max(velocity[n], 0.0) * (u[n - 1] + high[n - 1])
    _add_diffusion(u, low, high, diffusion, h, dx, is_open, total)


@kernel
def _linear_steps(u, velocity, epsilon, diffusion, dx, is_open, dt, count, left):
    """That many steps in place for F = a u; adds to left what leaves at both ends."""
    n = u.size
    low, high, h, stage = np.empty((4, n))
    one, two, three = np.empty((3, n + 1))
    for _ in range(count):
        _linear_fluxes(u, velocity, epsilon, low, high, diffusion, h, dx, is_open, one)
        for j in range(n):
            stage[j] = u[j] + dt / dx * (one[j] - one[j + 1])
        _linear_fluxes(stage, velocity, epsilon, low, high, diffusion, h, dx, is_open, two)
        for f in range(n + 1):
            one[f] += two[f]
        for j in range(n):
            stage[j] = u[j] + dt / (4.0 * dx) * (one[j] - one[j + 1])
        _linear_fluxes(stage, velocity, epsilon, low, high, diffusion, h, dx, is_open, three)
        for f in range(n + 1):
            one[f] = dt / 6.0 * (one[f] + 4.0 * three[f])
        for j in range(n):
            u[j] += (one[j] - one[j + 1]) / dx
        left[0] -= one[0]
        left[1] += one[n]


class _Scheme:
    """Reconstruction and diffusion at order three."""

    nodes, stages, shares = _third_order.NODES, ((1.0,), (0.25, 0.25)), (1 / 6, 1 / 6, 2 / 3)

    def __init__(self, n, dx, floor, diffusion, is_open):
        self._floor, self._options = floor, (diffusion, np.empty(n), dx, is_open)
        self._low, self._high = np.empty((2, n))
        self._sides = np.zeros((2, n + 1))

    def sides(self, u):
        """(2, n + 1) values on the left and on the right of the faces."""
        _face_values(u, self._floor, self._low, self._high, self._sides)
        return self._sides

    def linear(self, u, velocity):
        """Fluxes on the faces where F = a u."""
        total = np.empty(u.size + 1)
        _linear_fluxes(u, velocity, self._floor, self._low, self._high, *self._options, total)
        return total

    def diffuse(self, u, total):
        """Add the diffusive fluxes."""
        _add_diffusion(u, self._low, self._high, *self._options, total)

    def at_nodes(self, u):
        """(n, 3) values at the Gauss nodes."""
        slope, curvature = self._high + self._low, 3.0 * (self._high - self._low)
        square = GAUSS_NODES**2 - 1.0 / 12.0
        return u[:, None] + slope[:, None] * GAUSS_NODES + curvature[:, None] * square


SCHEMES = {3: _Scheme, 5: _balance_fifth.Scheme}


def solve(
    averages, grid, times, *, velocity=None, flux=None, speed=None, diffusion=0.0, source=None,
    boundary="no-flux", cfl=0.45, order=3,
):  # fmt: skip
    """Solve d_t u + d_x F(u, t, x) = d_xx(D u) + S(u, t, x) (eqs. (23), (24); paper).

    Parameters
    ----------
    averages : (n,) array
        Cell averages of u at ``times[0]``, of any sign.
    grid : Grid
    times : (T,) array_like
        Increasing output times.
    velocity : (n + 1,) array or callable, optional
        a on the faces, or a function of t that returns it, for F = a u; compiled.
    flux, speed : callable, optional
        Or F and its derivative with respect to u, of (u, t, x) with u of shape (2, n + 1)
        and x the faces; F convex or concave in u between neighbouring values.
    diffusion : float or (n,) array
        D, at least 0, in the centres of the cells; nu^2 / 2 in (23).
    source : callable, optional
        S of (u, t, x), with u and x of shape (n, 3): the Gauss nodes of the cells.
    boundary : {"no-flux", "open"}
        Walls, or u = 0 outside, so that nothing comes in.
    cfl : float
        In (0, 1]; with diffusion the scheme is stable up to 0.46, at order five up to 0.54.
    order : {3, 5}

    Returns
    -------
    finite_volume.Transport
        Times, averages, what has left through the ends, and the number of steps.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If the solution leaves the range of float64, as it does where a step is unstable, or what
        a given function returns for finite u is not finite.
    """
    averages, times, diffusion, cfl = _checked(averages, grid, times, diffusion, boundary, cfl)
    _check_functions(velocity, flux, speed, source)
    order = finite_volume.check_order(order)
    n, dx, is_open = grid.cells, grid.dx, boundary == "open"
    if n < FEWEST_CELLS[order]:
        raise ValueError(
            f"grid must have at least {FEWEST_CELLS[order]} cells at order {order}; got {n}"
        )
    floor = _floor(averages, order)
    nodes = grid.centers[:, None] + dx * GAUSS_NODES
    stiffness = diffusion.max() / dx**2
    scheme = SCHEMES[order](n, dx, floor, diffusion, is_open)

    def fluxes(u, t):
        """Fluxes on the faces, and the largest speed."""
        if velocity is not None:
            a = velocity(t) if callable(velocity) else velocity
            a = _returned("velocity", a, (n + 1,), u, t)
            return scheme.linear(u, a), np.abs(a).max()
        sides = scheme.sides(u)
        slopes = _returned("speed", speed(sides, t, grid.faces), sides.shape, sides, t)
        left, right = _returned("flux", flux(sides, t, grid.faces), sides.shape, sides, t)
        speeds = np.abs(slopes).max(axis=0)
        total = (left + right - speeds * (sides[1] - sides[0])) / 2.0
        scheme.diffuse(u, total)
        return total, speeds.max()

    def rate(u, t):
        """du/dt, the fluxes through both ends, and the largest speed."""
        total, fastest = fluxes(u, t)
        change = (total[:-1] - total[1:]) / dx
        if source is not None:
            values = scheme.at_nodes(u)
            given = _returned("source", source(values, t, nodes), (n, 3), values, t)
            change += given @ GAUSS_WEIGHTS
        return change, total[[0, -1]], fastest

    def step(u, t, dt, first, out):
        """u after a step from the rate and the fluxes through the ends at its beginning."""
        rates, outs = [first], [out]
        for node, row in zip(scheme.nodes[1:], scheme.stages, strict=True):
            stage = u + dt * _sum(row, rates)
            change, through, _ = rate(stage, t + node * dt)
            rates.append(change)
            outs.append(through)
        return u + dt * _sum(scheme.shares, rates), dt * _sum(scheme.shares, outs) * [-1.0, 1.0]

    result = Transport(times, np.empty((times.size, n)), np.zeros((times.size, 2)), 0)
    result.averages[0] = averages
    u, left, taken = averages.copy(), np.zeros(2), 0
    constant = velocity is not None and not callable(velocity) and source is None and order == 3
    if constant:
        velocity = _shaped("velocity", velocity, (n + 1,))
        fastest = np.abs(velocity).max()
    for i in range(1, times.size):
        t, end = times[i - 1], times[i]
        while t < end:
            with np.errstate(all="ignore"):
                if not constant:
                    first, out, fastest = rate(u, t)
                longest = cfl / np.float64(fastest / dx + stiffness)
            count = np.ceil((end - t) / longest * (1.0 - 1e-12))
            if not taken + count <= MOST_STEPS:
                raise ValueError(
                    f"from t={t} to t={end} it takes {count:.3g} steps of length {longest:.3g}; at "
                    f"most {MOST_STEPS} are taken: shorten the times or coarsen the grid"
                )
            count = max(1, int(count))
            dt, steps = (end - t) / count, min(count, STEPS_AT_ONCE) if constant else 1
            with np.errstate(all="ignore"):
                if constant:
                    _linear_steps(u, velocity, floor, diffusion, dx, is_open, dt, steps, left)
                else:
                    u, out = step(u, t, dt, first, out)
                    left += out
            t = end if count == steps else t + steps * dt
            taken += steps
            if not np.isfinite(u).all():
                raise FloatingPointError(
                    f"the solution left the range of float64 near t={t:.6g} with cfl={cfl}"
                )
        result.averages[i], result.outflow[i] = u, left
    return result._replace(steps=taken)


def _check_functions(velocity, flux, speed, source):
    if (velocity is None) == (flux is None):
        raise ValueError("give either velocity, or flux and speed")
    for name, function in (("flux", flux), ("speed", speed), ("source", source)):
        needed = name != "source" and velocity is None
        if not callable(function) and (needed or function is not None):
            raise TypeError(f"{name} must be a function of (u, t, x); got {function!r}")


def _shaped(name, values, shape):
    values = np.ascontiguousarray(_validate.real(name, values))
    if values.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; got {values.shape}")
    return values


def _returned(name, values, shape, u, t):
    """What a given function returned, which for finite u must be finite."""
    values = _shaped(name, values, shape)
    if not np.isfinite(values).all() and np.isfinite(u).all():
        raise FloatingPointError(
            f"{name} left the range of float64 at t={t:.6g}, where abs(u) is at most "
            f"{np.abs(u).max():.3g}; it must return finite numbers"
        )
    return values


def _sum(shares, terms):
    return sum(share * term for share, term in zip(shares, terms, strict=True))


def _floor(averages, order):
    """epsilon of the nonlinear weights, as in `finite_volume`, for averages of any sign."""
    sizes = np.abs(averages)
    return finite_volume.weight_floor(sizes, order) if sizes.any() else 1.0


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
    return averages, _validate.times(times), np.full(grid.cells, diffusion), cfl
