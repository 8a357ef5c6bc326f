"""How `moments` solves its equations: (11) on Gauss panels in time, (10) by Runge-Kutta.

In each panel (11) starts anew from the moments at its first edge, so that the exponents stay
small however large Phi_k is over the whole time.
"""

import numpy as np

from kinetic import _panels
from kinetic._limited import limited

TOLERANCE = {"method": "DOP853", "rtol": 1e-13, "atol": 1e-250}
FEWEST_STEPS = 128
MOST_CALLS = 1_000_000


def exponent(net, times):
    """(T,) Phi_1 = int w ds from the first time on."""
    if times.size == 1:
        return np.zeros(1)
    panels = _panels.resolve(net, times, 0)
    return _at(panels, times, _sums(_panels.cumulative(panels.w, panels.widths)[:, -1]))


def _sums(parts):
    return np.concatenate([[0.0], np.cumsum(parts)])


def _at(panels, times, values):
    """Values at panel edges, picked at the times."""
    return values[np.searchsorted(panels.edges, times)]


def by_formula(net, m0, times):
    """Moments (T, K + 1) and Phi_1 (T,) by (11), at two times or more."""
    panels = _panels.resolve(net, times, m0.size - 1)
    phi = _panels.cumulative(panels.w, panels.widths)
    at_edges, _ = _recursion(panels, phi, m0)
    return _at(panels, times, at_edges), _at(panels, times, _sums(phi[:, -1]))


def _recursion(panels, phi, m0):
    """Moments (P + 1, K + 1) at the edges and (P, n, K + 1) at the nodes of panels, by (11)."""
    at_edges = np.ones((panels.edges.size, m0.size))
    at_nodes = np.ones((*panels.w.shape, m0.size))
    for k in range(1, m0.size):
        with np.errstate(over="ignore", invalid="ignore"):
            growth = np.exp(k * phi)
            source = panels.b * at_nodes[:, :, k - 1] / growth[:, :-1]
            gained = k * _panels.cumulative(source, panels.widths)
            at_edges[0, k] = m0[k]
            for p in range(panels.widths.size):
                at_edges[p + 1, k] = growth[p, -1] * (at_edges[p, k] + gained[p, -1])
            at_nodes[:, :, k] = growth[:, :-1] * (at_edges[:-1, k, None] + gained[:, :-1])
    return at_edges, at_nodes


def by_ode(net, m0, times):
    """Moments (T, K + 1) and Phi_1 (T,) by (10), at two times or more."""
    from scipy.integrate import solve_ivp

    orders = np.arange(m0.size)

    def rate(t, state):
        w, b = net.parameters(t)
        change = w * state[:-1]
        change[1:] += b * state[:-2]
        return np.append(orders * change, w)

    def refusal(t):
        return (
            f"the solver of (10) needs more than {MOST_CALLS} evaluations from t={times[0]} to "
            f"t={times[-1]} (now t={t:.6g}): w is too large; method='formula' needs fewer"
        )

    length = times[-1] - times[0]
    step = length / FEWEST_STEPS or length
    with np.errstate(over="ignore", invalid="ignore"):
        solution = solve_ivp(
            limited(rate, MOST_CALLS, refusal), (times[0], times[-1]), np.append(m0, 0.0),
            t_eval=times, first_step=step, max_step=step, **TOLERANCE,
        )  # fmt: skip
    if not solution.success:
        raise FloatingPointError(
            f"the solver of (10) failed, w or b too large or times too close: {solution.message}"
        )
    return solution.y[:-1].T, solution.y[-1]


def first_time(net, m0, variance, level, quantity, horizon):
    """First time up to the horizon at which the energy or the variance is at most the level.

    m0 are m_0, m_1, m_2 and ``variance`` that at time 0. ValueError if there is none.
    """
    panels, start, values = _curve(net, m0, variance, quantity, [0.0, horizon])
    times, curve = _in_order(panels, start, values)
    below, lost = np.flatnonzero(curve <= level), np.flatnonzero(~np.isfinite(curve))
    if lost.size and (not below.size or lost[0] < below[0]):
        raise FloatingPointError(
            f"the {quantity} exceeds float64 at t={times[lost[0]]:.6g}; lower w, b, m0 or horizon"
        )
    if not below.size:
        raise ValueError(
            f"the {quantity} does not reach level={level} until horizon={horizon}; "
            f"its smallest value is {curve.min():.6g} at t={times[curve.argmin()]:.6g}"
        )
    if below[0] == 0:
        return 0.0
    left, right = times[below[0] - 1], times[below[0]]
    # Panels that end at these two times are short enough for interpolation to rounding.
    panels, _, values = _curve(net, m0, variance, quantity, [0.0, left, right])
    p = int(np.searchsorted(panels.edges, left))
    return _root(panels.edges[p:], values[p:] / level)


def _in_order(panels, start, values):
    """Times and values at edges and nodes, in one row each."""
    times = np.column_stack([panels.edges[:-1], panels.nodes]).ravel()
    curve = np.column_stack([start[:-1], values]).ravel()
    return np.append(times, panels.edges[-1]), np.append(curve, start[-1])


def _curve(net, m0, variance, quantity, breaks):
    """Panels, and energy or variance at their edges (P + 1,) and at their nodes (P, n)."""
    panels = _panels.resolve(net, np.unique(breaks), 2)
    phi = _panels.cumulative(panels.w, panels.widths)
    if quantity == "energy":
        at_edges, at_nodes = _recursion(panels, phi, m0)
        return panels, at_edges[:, 2], at_nodes[:, :, 2]
    before = _sums(phi[:, -1])
    with np.errstate(over="ignore"):
        at_edges, at_nodes = np.exp(2.0 * before), np.exp(2.0 * (before[:-1, None] + phi[:, :-1]))
    return panels, variance * at_edges, variance * at_nodes


def _root(edges, ratios):
    """Where a quantity, given over its level at the nodes of panels, first falls to 1."""
    from scipy.optimize import brentq

    for left, right, ratio in zip(edges[:-1], edges[1:], ratios, strict=True):
        excess = _panels.interpolant(ratio - 1.0, left, right)
        if excess(left) <= 0.0:
            return float(left)
        if excess(right) < 0.0:
            return float(brentq(excess, left, right, xtol=1e-15 * right, rtol=1e-14))
    return float(edges[-1])
