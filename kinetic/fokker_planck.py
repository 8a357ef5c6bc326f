r"""The Fokker-Planck equation of the noisy network in one dimension (sec. 3.1; paper).

    d_t g + d_x F = 0,    F = sigma(w(t) x + b(t)) g - (nu^2 / 2) d_x(K(x)^2 g).       (21)

The paper writes the same flux as B g - D d_x g with the derivative of K^2 in B; this form
needs none. Cell averages of g live in cells, F on faces. Dimensionless.

================== ====================== ============================ ==================
method             space                  time                         kept at every step
================== ====================== ============================ ==================
implicit           order 4                exponentials, or order 3,    M, S
                                          L-stable
structure-         order 2, Scharfetter-  exponentials, or order 2,    M, S, P, E
preserving         Gummel                 L-stable
euler              order 2, the same      order 1, implicit Euler      M, S, P, E
paper              CWENO3, Lax-Friedrichs SSP-RK3, dt < 0.45 dx^2 / D  M
================== ====================== ============================ ==================

M: mass, to rounding. S: the steady state of the grid, to rounding. P: no negative average.
E: the relative entropy to the steady state does not grow. For ``euler`` P and E hold for
steps of any length: I - dt A has positive diagonal and non-positive other entries, its
columns add up to 1, so its inverse is a matrix of transition probabilities, which leaves the
steady state in place; such a matrix enlarges no relative entropy. The limit exp(t A) of many
such steps is one as well.

With constant w and b the first two methods apply exp(t A) (`kinetic._exponential`) between
output times, however far apart, to ``tolerance`` and mostly to rounding. Where w and b depend
on time, they take steps of order four with two exponentials each (`kinetic._magnus`). For
``structure-preserving`` P and E are tested: averages that are negative by less than 1e-12 of
the largest before become 0, and if P or E fails by more than rounding, Runge-Kutta steps are taken
instead. So they are if ``step`` is given or there are more than 200,000 cells. P and E then
hold where dt times the largest rate at which mass leaves a cell is at most 1 + sqrt(2), since
the step is a convex combination of matrices as above; longer steps are tested and halved if
they fail. ``implicit`` and ``paper`` promise neither.

Steps are chosen so that the estimate of the error of one step in L1 stays below
``tolerance``; the cost does not grow like dx^-2.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from kinetic import (
    _diffusion,
    _exponential,
    _implicit,
    _magnus,
    _quasi_steady,
    _validate,
    balance_law,
    mean_field,
)
from kinetic.finite_volume import BOUNDARIES
from kinetic.fitting import Fit, fit
from kinetic.grid import Grid
from kinetic.network import check_network
from kinetic.stationary import SteadyState, steady_state

__all__ = ["METHODS", "Fit", "Solution", "SteadyState", "fit", "solve", "steady_state"]

METHODS = ("implicit", "structure-preserving", "euler", "paper")
TOLERANCE = 1e-6
ROUNDING = 1e-14
REFINEMENTS = 60
NEGLIGIBLE = 1e-10
SMALLEST = 1e-290
LARGEST_PECLET = 1e9
NOISE = 1e-12
"""Of the largest average: rounding of exp(t A)."""
_STEPS = {"implicit": "kvaerno3", "structure-preserving": "tr_bdf2", "euler": "euler"}
_ORDERS = {"implicit": _quasi_steady.fourth_order}


@dataclass(frozen=True)
class Solution(mean_field.Solution):
    """Result of `solve`: in addition to `mean_field.Solution`.

    A step is one of the time integration, or one application of exp(t A).

    Attributes
    ----------
    diffusion : Diffusion
        K.
    nu : float
    equilibrium : (n,) array or None
        Averages of the steady state (22) on the grid between walls, with the mass of the
        initial law; None where there is none: with open ends or parameters that depend on
        time, and where sigma drives mass into a zero of K at an end.
    """

    diffusion: _diffusion.Diffusion
    nu: float
    equilibrium: np.ndarray | None
    _log_equilibrium: np.ndarray | None

    @property
    def relative_entropy(self):
        """(T,) int g log(g / g_infinity) dx between averages; negative ones count as 0.

        Raises
        ------
        ValueError
            If there is no steady state.
        """
        if self.equilibrium is None:
            raise ValueError("there is no steady state: ends are open or w, b depend on time")
        return np.array(
            [_entropy(g, self._log_equilibrium, self.grid.dx) for g in self.density]
        )  # fmt: skip


def _entropy(density, log_equilibrium, dx):
    positive = density > 0.0
    logs = np.log(np.where(positive, density, 1.0)) - log_equilibrium
    return float(dx * np.sum(np.where(positive, density * logs, 0.0)))


def solve(
    net, g0, grid, times, *, nu, diffusion="1", method="implicit", boundary="no-flux",
    tolerance=None, step=None, normalize=False,
):  # fmt: skip
    """Solve the Fokker-Planck equation (eq. (21); paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one.
    g0 : distribution, callable or (n,) array
        Initial law at ``times[0]``; see `mean_field.solve`.
    grid : Grid
    times : (T,) array_like
        Increasing output times.
    nu : float
        Strength of the noise, positive.
    diffusion : {"1", "x"} or callable
        K, without zeros in the grid; it may vanish at an end that is a wall, as K = x does
        on a half line.
    method : {"implicit", "structure-preserving", "euler", "paper"}
        See the module. The first has order four where the grid resolves the noise: where
        |sigma| dx is below nu^2 K^2, about. "paper" is the explicit scheme of `balance_law`
        (eqs. (23), (24); paper).
    boundary : {"no-flux", "open"}
        What the ends of the grid are: walls, or open: what arrives there leaves.
    tolerance : float, optional
        Largest estimated error of an implicit step, or of one application of exp(t A), in L1,
        by default 1e-6.
    step : float, optional
        Take implicit steps of this length at most instead, whatever their error.
    normalize : bool
        Divide by the mass in the grid, where it is not 1.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described; if K vanishes inside the grid; if g0 is
        negative, not normalized or has mass outside the grid.
    """
    check_network(net, 1)
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a kinetic.Grid; got {type(grid).__name__}")
    times = _validate.times(times)
    _validate.choice("method", method, METHODS)
    _validate.choice("boundary", boundary, BOUNDARIES)
    nu = _checked_nu(nu)
    tolerance, step = _checked_steps(method, tolerance, step)
    if step and (times[-1] - times[0]) / step > _implicit.MOST_STEPS:
        raise ValueError(
            f"step={step} is too short for times from {times[0]} to {times[-1]}: at most "
            f"{_implicit.MOST_STEPS} steps are taken"
        )
    diffusion = _diffusion.get(diffusion)
    points = grid.centers[:, None] + grid.dx * _quasi_steady.POINTS
    coefficient = _coefficient(nu, _without_zeros(diffusion, points, boundary))
    averages = mean_field._initial_averages(g0, grid, normalize)
    sigma = net.velocity(points, times[0])
    _check_resolution(sigma, coefficient, grid.dx, nu)
    log_equilibrium = None
    state = _quasi_steady.steady(sigma, coefficient, grid.dx)
    if net.autonomous and boundary == "no-flux" and _has_equilibrium(sigma, coefficient):
        log_equilibrium = state.log_average - state.log_average.max()
        log_equilibrium += np.log(averages.sum() / np.exp(log_equilibrium).sum())
    equilibrium = None if log_equilibrium is None else np.exp(log_equilibrium)
    if method == "paper":
        found = _explicit(net, averages, grid, times, diffusion, nu, boundary)
    else:
        order = _ORDERS.get(method, _quasi_steady.second_order)
        is_open, direct = boundary == "open", None
        fluxes = order(state, sigma, coefficient, grid.dx, is_open)
        if not net.autonomous:
            fluxes = _changing(net, points, coefficient, grid.dx, order, is_open)
        small = grid.cells <= _exponential.MOST_CELLS
        if small and step is None and method != "euler":
            direct = _direct(fluxes, grid.dx, log_equilibrium, method, tolerance)
        accepts = _keeps_structure(log_equilibrium, grid.dx) if method != "implicit" else None
        found = _implicit.integrate(
            averages, fluxes, grid.dx, times, _STEPS[method],
            tolerance=tolerance, step=step, accepts=accepts, direct=direct,
        )  # fmt: skip
    return Solution(net, grid, times, *found, diffusion, nu, equilibrium, log_equilibrium)


def _checked_nu(nu):
    accepted = "a positive number; without noise use mean_field.solve"
    nu = _validate.number("nu", nu, low=0.0, accepted=accepted)
    if nu == 0.0:
        raise ValueError(f"nu must be {accepted}; got {nu}")
    return nu


def _checked_steps(method, tolerance, step):
    if method == "paper" and not (tolerance is None and step is None):
        raise ValueError("tolerance and step are for the implicit methods, not for method='paper'")
    if tolerance is not None and step is not None:
        raise ValueError(f"give tolerance or step, not both; got {tolerance} and {step}")
    tolerance = _validate.positive("tolerance", TOLERANCE if tolerance is None else tolerance)
    return tolerance, None if step is None else _validate.positive("step", step)


def _without_zeros(diffusion, points, boundary):
    """K at the points of the cells; refused where it vanishes inside or at an open end."""
    values = diffusion(points)
    x, inside = points[:, 1:].ravel()[:-1], values[:, 1:].ravel()[:-1]
    if inside.min() <= 0.0 <= inside.max():
        changes = np.sign(inside) * np.sign(inside[0]) <= 0.0
        _refuse_zero(diffusion, x[np.argmax(changes)])
    size = np.abs(inside)
    low = np.flatnonzero((size[1:-1] < size[:-2]) & (size[1:-1] < size[2:])) + 1
    if low.size:
        _refuse_minima(diffusion, x[low - 1], x[low + 1], NEGLIGIBLE * size.max())
    for end in ((0, 0), (-1, -1)):
        if values[end] == 0.0 and boundary == "open":
            raise ValueError(
                f"diffusion {diffusion.name} vanishes at the open end x={points[end]}; "
                "it may vanish only at a wall: boundary='no-flux'"
            )
    return values


def _refuse_minima(diffusion, left, right, negligible):
    """Refuse a K whose size has a minimum below ``negligible`` between left and right."""
    for _ in range(REFINEMENTS):
        first, second = (2.0 * left + right) / 3.0, (left + 2.0 * right) / 3.0
        nearer = np.abs(diffusion(first)) < np.abs(diffusion(second))
        left, right = np.where(nearer, left, first), np.where(nearer, second, right)
    zero = np.abs(diffusion(left)) < negligible
    if zero.any():
        _refuse_zero(diffusion, left[zero][0])


def _coefficient(nu, values):
    """D = nu^2 K^2 / 2."""
    with np.errstate(over="ignore", under="ignore"):
        found = (nu * values) ** 2 / 2.0
    vanishes = found.min() < SMALLEST and ((found < SMALLEST) & (values != 0.0)).any()
    if not found.max() < np.inf or vanishes:
        raise ValueError(f"nu^2 K^2 / 2 must be within the range of float64; got nu={nu}")
    return found


def _check_resolution(sigma, coefficient, dx, nu):
    with np.errstate(divide="ignore", over="ignore"):
        if np.abs(sigma).max() * dx <= LARGEST_PECLET * coefficient[:, 1:-1].min():
            return
        ratios = np.abs(sigma[:, 1:-1]) * dx / coefficient[:, 1:-1]
    if ratios.min(axis=1).max() > LARGEST_PECLET:
        raise ValueError(
            f"nu={nu} is too small for the grid: transport across a cell exceeds diffusion by "
            f"more than {LARGEST_PECLET:.0e}; without noise use mean_field.solve"
        )


def _refuse_zero(diffusion, x):
    raise ValueError(
        f"diffusion {diffusion.name} must not vanish inside the grid, as it does near x={x:.6g}: "
        "no mass passes there by noise. Solve on either side, with a wall at the zero"
    )


def _has_equilibrium(sigma, coefficient):
    """Whether m is integrable: where D vanishes at an end, sigma has to point inward."""
    left = coefficient[0, 0] > 0.0 or sigma[0, 0] > 0.0
    return left and (coefficient[-1, -1] > 0.0 or sigma[-1, -1] < 0.0)


def _changing(net, points, coefficient, dx, order, is_open):
    """Coefficients of the flux as a function of t."""

    def at(t):
        sigma = net.velocity(points, t)
        state = _quasi_steady.steady(sigma, coefficient, dx)
        return order(state, sigma, coefficient, dx, is_open)

    return at


def _direct(fluxes, dx, log_equilibrium, method, tolerance):
    """A function of g, its time and a later one that goes there by exponentials."""
    accepts = None
    if method != "implicit":
        accepts = _keeps_structure(log_equilibrium, dx, NOISE)
    options = {"tolerance": tolerance, "accepts": accepts}
    if callable(fluxes):
        return partial(_magnus.advance, fluxes=fluxes, dx=dx, **options)
    steady = None
    if log_equilibrium is not None:
        steady = np.exp(log_equilibrium)
        steady /= steady.sum()
    exponential = _exponential.Exponential(fluxes, dx, steady)
    return lambda g, t, end: exponential.advance(g, end - t, **options)


def _keeps_structure(log_equilibrium, dx, noise=0.0):
    """A test of a step: no negative average and, given a steady state, no more entropy.

    Averages that are negative by rounding, or less than ``noise`` of the largest before, become 0.
    """

    def accepts(before, after):
        if (after < -ROUNDING * before - noise * before.max()).any():
            return False
        if after.min() < 0.0:
            mass = after.sum()
            np.maximum(after, 0.0, out=after)
            after *= max(mass, 0.0) / max(after.sum(), SMALLEST)
        if log_equilibrium is None:
            return True
        bound, value = (_entropy(g, log_equilibrium, dx) for g in (before, after))
        return value <= bound + ROUNDING * (1.0 + abs(bound))

    return accepts


def _explicit(net, averages, grid, times, diffusion, nu, boundary):
    velocity = net.velocity(grid.faces, times[0])
    found = balance_law.solve(
        averages, grid, times, boundary=boundary,
        velocity=velocity if net.autonomous else lambda t: net.velocity(grid.faces, t),
        diffusion=_coefficient(nu, diffusion(grid.centers)),
    )  # fmt: skip
    return found.averages, found.outflow, found.steps
