"""Exact flow of x' = sigma(w(t) x + b(t)) and its expansion (eq. (2); paper).

For constant parameters in one dimension, u = w x + b obeys u' = w sigma(u), so that
x(t) = (flow(w x + b, w t) - b) / w, and x + t sigma(b) where w = 0. The logarithm of
dx(t)/dx(0) is the time integral of the divergence w sigma'(w x + b), which the density
along a characteristic needs. For w close to zero the quotient loses digits; there the
equation is integrated, as it is for parameters that depend on time.
"""

import math

import numpy as np

from kinetic import _validate
from kinetic._limited import limited

__all__ = ["flow", "paths"]

CHUNK = 2048
TOLERANCE = {"method": "DOP853", "rtol": 1e-13, "atol": 1e-14}
SMALLEST_WEIGHT = 1e-3
FARTHEST_REST = 1e4
"""The quotient (u - b) / w loses digits for small w, and where -b / w is far from all x."""

NEGLIGIBLE = 1e-100
"""A change of u = w x + b, and of the logarithm of the stretch, that is none."""

FEWEST_STEPS = 128
"""Where w or b depend on time, so that their changes are seen."""

MOST_CALLS = 20_000


def flow(net, x, start, end):
    """Positions at ``end`` of characteristics that are at x at ``start``; d = 1.

    Parameters
    ----------
    net : SimResNet
        Of dimension one.
    x : array_like
        Positions at time ``start``, any shape.
    start, end : float
        Times in either order.

    Returns
    -------
    (ndarray, ndarray)
        Positions at ``end`` and log(d position / d x), of the shape of x; infinite where
        they exceed float64. Exact to rounding where the activation's flow is, otherwise to
        a relative 1e-12.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a characteristic leaves the range of float64.
    """
    _check(net)
    x = _validate.array("x", x)
    start, end = _validate.number("start", start), _validate.number("end", end)
    span = end - start
    if net.autonomous:
        w, b = net.parameters(0.0)
        with np.errstate(over="ignore"):
            change = abs(w) * (1.0 + np.abs(x).max(initial=0.0)) * (1.0 + abs(span))
        if change < NEGLIGIBLE:
            return x + span * net.activation(b), np.zeros(x.shape)
        if _keeps_digits(w, b, x):
            with np.errstate(over="ignore"):
                u = w * x + b
            if not np.isfinite(u).all():
                raise FloatingPointError(f"w x + b exceeds the range of float64 for w={w}, b={b}")
            if not math.isfinite(w * span):
                raise FloatingPointError(f"w={w} times the time from {start} to {end} is infinite")
            try:
                u, stretch = net.activation.flow_with_stretch(u, w * span)
            except FloatingPointError as error:
                raise FloatingPointError(f"{error}; w={w}, b={b}") from None
            return (u - b) / w, stretch
    if net.activation.name == "identity":
        return _affine_map(net, start, end)(x)
    return _integrated(net, x, start, end)


def _keeps_digits(w, b, x):
    """Whether (u - b) / w is as exact as u for u = w x + b."""
    extent = 1.0 + np.abs(x).max(initial=0.0)
    return abs(w) >= SMALLEST_WEIGHT and abs(b) <= FARTHEST_REST * abs(w) * extent


def _check(net):
    from kinetic.network import check_network

    check_network(net, 1)


def flow_map(net, start, end):
    """`flow` as a function of x alone, with what does not depend on x computed once."""
    if net.activation.name == "identity" and not net.autonomous:
        return _affine_map(net, start, end)
    return lambda x: flow(net, x, start, end)


def _affine_map(net, start, end):
    def rate(t, state):
        w, b = net.parameters(t)
        return np.array([w * state[0] + b, w])

    offset, stretch = in_chunks(rate, net.autonomous, start, end, 1, np.zeros(1), np.zeros(1))
    return lambda x: (offset[0] + x * np.exp(stretch[0]), np.full(x.shape, stretch[0]))


def _integrated(net, x, start, end):
    return in_chunks(_rate_and_divergence(net), net.autonomous, start, end, 1, x, np.zeros(x.shape))


def _rate_and_divergence(net):
    def rate(t, state):
        w, b = net.parameters(t)
        u = _finite(w * state[: state.size // 2] + b, t)
        return np.concatenate([net.activation(u), w * net.activation.derivative(u)])

    return rate


def _finite(u, t):
    if not np.isfinite(u).all():
        raise FloatingPointError(f"w x + b exceeds the range of float64 near t={t:.6g}")
    return u


def paths(net, x, start, times):
    """Positions of characteristics that are at x (n,) at ``start``, at many times; d = 1.

    Parameters
    ----------
    net, x, start
        As in `flow`; x of shape (n,).
    times : (T,) array
        In any order, all before or all after ``start``.

    Returns
    -------
    ((T, n) ndarray, (T, n) ndarray)
        What `flow` returns, for each time; infinite where it exceeds float64.

    Raises
    ------
    ValueError, TypeError, FloatingPointError
        As in `flow`.
    """
    _check(net)
    x, times = _validate.array("x", x), _validate.array("times", times)
    start = _validate.number("start", start)
    if x.ndim != 1 or times.ndim != 1 or times.size == 0:
        raise ValueError(
            f"x and times must be of shapes (n,) and (T,), T >= 1; got {x.shape} and {times.shape}"
        )
    if times.min() < start < times.max():
        raise ValueError(f"times must all be before or all after start={start}")
    w, b = net.parameters(0.0)
    if net.autonomous and (abs(w) < NEGLIGIBLE or _keeps_digits(w, b, x)):
        found = [flow(net, x, start, t) for t in times]
        return np.array([f[0] for f in found]), np.array([f[1] for f in found])
    from scipy.integrate import solve_ivp

    last = times.max() if times.max() > start else times.min()
    if last == start:
        return np.tile(x, (times.size, 1)), np.zeros((times.size, x.size))
    way = 1.0 if last > start else -1.0
    increasing, which = np.unique(way * times, return_inverse=True)
    solution = solve_ivp(
        _limited(_rate_and_divergence(net), start, last), (start, last),
        np.concatenate([x, np.zeros(x.shape)]),
        t_eval=way * increasing, max_step=abs(last - start) / FEWEST_STEPS or math.inf, **TOLERANCE,
    )  # fmt: skip
    if not solution.success or not math.isfinite(solution.y.sum()):
        raise FloatingPointError(
            f"the characteristics x(t) leave the range of floating point between t={start} and "
            f"t={last}: lower w, b or the times"
        )
    states = solution.y.T[which]
    return states[:, : x.size], states[:, x.size :]


def flow_many(net, x, start, end):
    """Positions (M, d) at ``end`` of x (M, d) at ``start``, for d > 1."""
    closed = _closed_flow(net, x, start, end)
    if closed:
        return closed[0]

    def rate(t, state):
        w, b = net.parameters(t)
        u = _finite(state.reshape(-1, net.dimension) @ w.T + b, t)
        return net.activation(u).ravel()

    return in_chunks(rate, net.autonomous, start, end, net.dimension, x)[0]


def flow_with_volume(net, x, start, end):
    """`flow_many` and the (M,) log det(d position / d x), the integral of the divergence."""
    closed = _closed_flow(net, x, start, end)
    if closed:
        return closed
    d = net.dimension

    def rate(t, state):
        w, b = net.parameters(t)
        u = _finite(state.reshape(-1, d + 1)[:, :d] @ w.T + b, t)
        divergence = net.activation.derivative(u) @ np.diag(w)
        return np.column_stack([net.activation(u), divergence]).ravel()

    state = np.column_stack([x, np.zeros(len(x))])
    moved = in_chunks(rate, net.autonomous, start, end, d + 1, state)[0]
    return moved[:, :d], moved[:, d]


def _closed_flow(net, x, start, end):
    """Positions and log det where all x move alike or each coordinate moves alone, else None."""
    d = net.dimension
    if net.activation.name == "identity":
        propagator, volume = _affine_propagator(net, start, end)
        return x @ propagator[:d, :d].T + propagator[:d, d], np.full(len(x), volume)
    if net.autonomous:
        w, b = net.parameters(0.0)
        if np.count_nonzero(w) == np.count_nonzero(np.diag(w)):
            from kinetic.network import SimResNet

            columns = [
                flow(SimResNet(net.activation, w[i, i], b[i]), x[:, i], start, end)
                for i in range(d)
            ]
            return np.column_stack([c[0] for c in columns]), sum(c[1] for c in columns)
    return None


def _affine_propagator(net, start, end):
    """Matrix [[A, c], [0, 1]] of x -> A x + c under the identity, and log det A."""
    d = net.dimension

    def generator(t):
        w, b = net.parameters(t)
        return np.block([[w, b[:, None]], [np.zeros((1, d + 1))]])

    if net.autonomous:
        from scipy.linalg import expm

        with np.errstate(all="ignore"):
            propagator = expm((end - start) * generator(0.0))
        if not np.isfinite(propagator).all():
            raise FloatingPointError(
                f"the flow from t={start} to t={end} exceeds the range of float64: w or b is large"
            )
        return propagator, (end - start) * np.trace(generator(0.0))

    def rate(t, state):
        g = generator(t)
        return np.append((g @ state[:-1].reshape(d + 1, d + 1)).ravel(), np.trace(g))

    state = np.append(np.eye(d + 1).ravel(), 0.0)[None, :]
    moved = in_chunks(rate, False, start, end, state.size, state)[0][0]
    return moved[:-1].reshape(d + 1, d + 1), moved[-1]


def in_chunks(rate, autonomous, start, end, columns, *parts):
    """Integrate arrays of equal shape from start to end, a chunk of particles at a time."""
    from scipy.integrate import solve_ivp

    results = [np.array(part, dtype=float, order="C") for part in parts]
    if start == end:
        return results
    rows = [part.reshape(-1, columns) for part in results]
    longest = math.inf if autonomous else abs(end - start) / FEWEST_STEPS or math.inf
    for k in range(0, len(rows[0]), CHUNK):
        chunk = slice(k, k + CHUNK)
        state = np.concatenate([part[chunk].ravel() for part in rows])
        solution = solve_ivp(
            _limited(rate, start, end),
            (start, end),
            state,
            max_step=longest,
            t_eval=[end],
            **TOLERANCE,
        )
        if not solution.success or not math.isfinite(solution.y[:, -1].sum()):
            raise FloatingPointError(
                f"the characteristics x(t) leave the range of floating point between t={start} "
                f"and t={end}: lower w, b or the time ({solution.message})"
            )
        for part, values in zip(rows, np.split(solution.y[:, -1], len(rows)), strict=True):
            part[chunk] = values.reshape(part[chunk].shape)
    return results


def _limited(rate, start, end):
    return limited(
        rate,
        MOST_CALLS,
        lambda t: (
            f"the exact flow from t={start} to t={end} needs more than {MOST_CALLS} "
            f"evaluations (now t={t:.6g}): w is too large for it. Use method='rk4' or 'euler'"
        ),
    )
