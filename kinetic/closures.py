"""Moments where (10) does not close: other activations than the identity (sec. 2.3; paper).

``exact_moments`` integrates the push-forward of a law along characteristics. Against it stand
the linearized sigmoid and tanh of Remark 1 and the partial moments of Remark 2 for ReLU,

    m_k^+ = int_{w x + b > 0} x^k g dx,    m_k^- = m_k - m_k^+,    a = -b / w.

With s = sign(w) and where a is differentiable,

    d/dt m_k^- = s a^k g(t, a) a',                                                    (13)
    d/dt m_k^+ = -s a^k g(t, a) a' + k (w m_k^+ + b m_{k-1}^+).                  (14), (15)

The paper has s = 1, as its Omega^+ = {x > a} is where w x + b > 0 for w > 0 only. Its terms
a^{k+1} w g + a^k b g are a^k (w a + b) g = 0. Everything is dimensionless.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from kinetic import _validate, characteristics, moments, network
from kinetic.network import SimResNet

LINEAR_PARTS = {"sigmoid": (0.5, 0.25), "tanh": (0.0, 1.0)}
"""Value and derivative at 0."""

DEEPEST_TAIL = 200
GAUSS = 16
MASS_TOLERANCE = 1e-9
DIFFERENCE = 1e-3
RELU_LAYERS = 4096


class LinearClosure(NamedTuple):
    """Result of `linear_closure`.

    closed : Moments of the linearized network.
    exact : Moments of the network itself.
    """

    closed: moments.Moments
    exact: moments.Moments

    @property
    def error(self):
        """(T, K + 1) closed minus exact moments."""
        return self.closed.moments - self.exact.moments


class PartialMoments(NamedTuple):
    """Result of `partial_moments` and `relu_solve`.

    times : (T,) array
    plus, minus : (T, K + 1) arrays of m_k^+ and m_k^-.
    """

    times: np.ndarray
    plus: np.ndarray
    minus: np.ndarray


class Rates(NamedTuple):
    """Right-hand sides over time, from `relu_rates`.

    plus, minus : (T, K + 1) arrays, those of (14), (15) and of (13).
    boundary : (T, K + 1) array, the terms a^{k+1} w g + a^k b g of (15).
    """

    plus: np.ndarray
    minus: np.ndarray
    boundary: np.ndarray


def linearized(net):
    """The network with the linear part of its activation at 0 (Remark 1; paper).

    sigma(w x + b) is replaced by 1/2 + (w x + b) / 4 for the sigmoid and by w x + b for tanh.

    Parameters
    ----------
    net : SimResNet
        With the sigmoid or tanh.

    Returns
    -------
    SimResNet
        With the identity, for `moments.solve`.

    Raises
    ------
    ValueError, TypeError
        If the network has another activation.
    """
    network.check_network(net)
    if net.activation.name not in LINEAR_PARTS:
        raise ValueError(
            f"net must have the activation 'sigmoid' or 'tanh'; got {net.activation.name!r}"
        )
    value, slope = LINEAR_PARTS[net.activation.name]
    if net.autonomous:
        w, b = net.parameters(0.0)
        return SimResNet("identity", slope * w, value + slope * b)
    return SimResNet(
        "identity",
        lambda t: slope * net.parameters(t)[0],
        lambda t: value + slope * net.parameters(t)[1],
    )


def linear_closure(net, g0, times, order=2):
    """Moments of the linearized network beside the exact ones (Remark 1; paper).

    Arguments and errors as in `exact_moments`, the activation as in `linearized`.

    Returns
    -------
    LinearClosure
    """
    surrogate = linearized(net)
    exact = exact_moments(net, g0, times, order)
    return LinearClosure(moments.solve(surrogate, exact.moments[0], times), exact)


def exact_moments(net, g0, times, order=2):
    """Moments of the push-forward of a law, for any activation (eqs. (8), (9); paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one.
    g0 : distribution
        Law at ``times[0]`` with ``pdf`` and ``ppf``, smooth inside its support; its
        moments up to the order must be finite.
    times : (T,) array_like
        Increasing.
    order : int
        K, at least 1.

    Returns
    -------
    moments.Moments
        By Gauss quadrature in the initial position, between quantiles of g0.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, the density does not integrate to 1, or a moment
        of g0 is infinite.
    FloatingPointError
        If a moment exceeds the range of float64.
    """
    times, order = _checked(net, times, order)
    kinks = _kinks(net, times)[0] if net.activation.name == "relu" else []
    x, mass = _nodes(g0, kinks, order)
    found, variance = np.empty((times.size, order + 1)), np.empty(times.size)
    for i, position in enumerate(_positions(net, x, times)):
        found[i] = _integrals(position, mass, order, times[i])
        with np.errstate(over="ignore"):
            variance[i] = mass @ (position - found[i, 1]) ** 2 if order >= 2 else math.nan
    if order >= 2 and not np.isfinite(variance).all():
        raise FloatingPointError("the variance exceeds float64: g0 is too wide")
    return moments.Moments(net, times, found, variance)


def partial_moments(net, g0, times, order=2):
    """Partial moments of ReLU from the push-forward of a law (Remark 2; paper).

    Omega^+ is {w x + b > 0}, on either side of a = -b / w. Arguments and errors as in
    `exact_moments`, the activation "relu". Where w or b depends on time, data that cross
    a(t) are located to 1e-7 times the square of the whole time, and where a(t) turns back
    the flow has further kinks, which cost digits.

    Returns
    -------
    PartialMoments
    """
    times, order = _checked(net, times, order)
    _relu(net)
    return _partial(net, g0, times, order, _kinks(net, times)[0])


def relu_solve(net, plus0, minus0, times):
    """Partial moments of ReLU from their initial values alone (Remark 2; paper).

    Where a = -b / w is constant, (13) conserves m_k^-, and (14) is the system (10) for
    m_k^+: closed, but in the partial moments, with m_0^+ in place of 1.

    Parameters
    ----------
    net : SimResNet
        Of dimension one with ReLU, with constant b / w and w of one sign.
    plus0, minus0 : (K + 1,) array_like
        m_k^+ and m_k^- at ``times[0]``, with m_0^+ + m_0^- = 1.
    times : (T,) array_like
        Increasing.

    Returns
    -------
    PartialMoments

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or b / w is seen to change.
    FloatingPointError
        If a moment exceeds the range of float64.
    """
    times, _ = _checked(net, times, 1)
    _relu(net)
    plus, minus = _part("plus0", plus0), _part("minus0", minus0)
    if plus.shape != minus.shape or abs(plus[0] + minus[0] - 1.0) > MASS_TOLERANCE:
        raise ValueError(
            "plus0 and minus0 must have equal length and masses that add up to 1; "
            f"got {plus.size} and {minus.size} moments, mass {plus[0] + minus[0]}"
        )
    _refuse_moving_boundary(net, times)
    moved = np.zeros((times.size, plus.size))
    if plus[0] > 0.0:
        active = SimResNet("identity", net.w, net.b)
        moved = plus[0] * moments.solve(active, plus / plus[0], times).moments
    return PartialMoments(times, moved, np.tile(minus, (times.size, 1)))


def relu_rates(net, g0, times, order=2):
    """Right-hand sides of (13), (14), (15) from the exact density (eqs. (13)-(16); paper).

    Their sum is that of (16). The derivative a' is a difference quotient of order four.

    Parameters
    ----------
    net : SimResNet
        Of dimension one with ReLU.
    g0 : distribution
        Law at time 0, as in `exact_moments`.
    times : (T,) array_like
        Increasing, from 0.002 on. The density must be continuous at a(t), as it is where a
        moves.
    order : int
        K, at least 1.

    Returns
    -------
    Rates

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described or w is 0 at a time.
    """
    times, order = _checked(net, times, order)
    _relu(net)
    if times[0] < 2.0 * DIFFERENCE:
        raise ValueError(f"times must be at least {2.0 * DIFFERENCE}; got {times[0]}")
    a = np.array([_boundary(net, t) for t in times])
    stencil = [[_boundary(net, t + j * DIFFERENCE) for t in times] for j in (-2, -1, 1, 2)]
    speed = np.array([1.0, -8.0, 8.0, -1.0]) @ stencil / (12.0 * DIFFERENCE)
    from_start = np.append(0.0, times)
    origin, stretch = _kinks(net, from_start)
    plus = _partial(net, g0, from_start, order, origin).plus[1:]
    density = (np.asarray(g0.pdf(origin), dtype=float) * np.exp(stretch))[-times.size :]
    w, b = np.array([net.parameters(float(t)) for t in times]).T[:, :, None]
    k = np.arange(order + 1)
    there = a[:, None] ** k * density[:, None]
    crossing = np.sign(w) * there * speed[:, None]
    inside = k * (w * plus + b * np.pad(plus[:, :-1], ((0, 0), (1, 0))))
    rates = Rates(inside - crossing, crossing, there * a[:, None] * w + there * b)
    if not np.isfinite(rates).all():
        raise FloatingPointError(f"the rates up to order={order} exceed float64; lower it, w or b")
    return rates


def _checked(net, times, order):
    network.check_network(net, 1)
    return _validate.times(times), _validate.integer("order", order, low=1)


def _relu(net):
    if net.activation.name != "relu":
        raise ValueError(f"net must have the activation 'relu'; got {net.activation.name!r}")


def _boundary(net, t):
    w, b = net.parameters(t)
    if w == 0.0:
        raise ValueError(f"a = -b / w needs w != 0; w is 0 at t={t}")
    if not np.isfinite(b / w):
        raise FloatingPointError(f"a = -b / w exceeds float64 for w={w:.6g} at t={t}")
    return -b / w


def _part(name, given):
    """Moments of the mass on one side, which may be none."""
    part = _validate.array(name, given)
    if part.ndim != 1 or part.size < 2:
        raise ValueError(f"{name} must be (m_0, ..., m_K) with K >= 1; got shape {part.shape}")
    if part[0] > 0.0:
        moments.moment_sequence(f"{name} / m_0", part / part[0])
    elif part.any():
        raise ValueError(f"{name} must be zero where its mass m_0 is not positive; got {given!r}")
    return part


def _refuse_moving_boundary(net, times):
    seen = np.linspace(times[0], times[-1], 257)
    w, b = np.array([net.parameters(t) for t in ([0.0] if net.autonomous else seen)]).T
    if not ((w > 0.0).all() or (w < 0.0).all()):
        raise ValueError("w must be of one sign and not 0, or Omega^+ changes sides")
    a = -b / w
    if np.ptp(a) > 1e-12 * (np.abs(a).max() + 1e-300):
        raise ValueError(
            f"a = -b / w must be constant for the partial moments to close; it goes from "
            f"{a.min():.6g} to {a.max():.6g}: see partial_moments"
        )


def _partial(net, g0, times, order, kinks):
    x, mass = _nodes(g0, kinks, order)
    plus = np.empty((times.size, order + 1))
    minus = np.empty_like(plus)
    for i, position in enumerate(_positions(net, x, times)):
        w, b = net.parameters(float(times[i]))
        active = w * position + b > 0.0
        plus[i] = _integrals(position[active], mass[active], order, times[i])
        minus[i] = _integrals(position[~active], mass[~active], order, times[i])
    return PartialMoments(times, plus, minus)


def _kinks(net, times):
    """First positions of data that are at a(t) at the times, and log of their stretch."""
    found = np.zeros((2, 0))
    for t in times:
        w, b = net.parameters(float(t))
        if w != 0.0 and np.isfinite(b / w):
            back = characteristics.flow(net, np.array([-b / w]), t, times[0])
            found = np.column_stack([found, back])
    return found


def _nodes(g0, breaks, order):
    """Gauss nodes between quantiles of g0 and given breaks, and the mass that each stands for."""
    _validate.law("g0", g0, "pdf", "ppf")
    tails = [2.0]
    while tails[-1] < DEEPEST_TAIL:
        tails.append(tails[-1] + max(1.0, tails[-1] // 8))
    tail = 0.5 ** np.array(tails)
    levels = np.concatenate([[0.0], tail, np.linspace(0.25, 0.75, 17)])
    upper = g0.isf(tail) if hasattr(g0, "isf") else g0.ppf(1.0 - tail[tail > 1e-15])
    parts = [_validate.real("g0", part) for part in (g0.ppf(levels), upper, g0.ppf(1.0))]
    if parts[0].shape != levels.shape or any(np.isnan(part).any() for part in parts):
        raise ValueError("g0 must have a ppf that returns one quantile for each level")
    edges = np.concatenate([part.ravel() for part in parts])
    edges = np.unique(edges[np.isfinite(edges)])
    if edges.size < 2:
        raise ValueError("g0 must have a ppf with different quantiles")
    edges = np.unique(np.concatenate([edges, np.clip(breaks, edges[0], edges[-1])]))
    nodes, weights = np.polynomial.legendre.leggauss(GAUSS)
    half = np.diff(edges)[:, None] / 2.0
    x = ((edges[:-1, None] + edges[1:, None]) / 2.0 + half * nodes).ravel()
    density = _validate.real("g0", g0.pdf(x))
    if density.shape != x.shape:
        raise ValueError(f"g0 must have a pdf with one density a point; got shape {density.shape}")
    mass = (half * weights).ravel() * density
    total = mass.sum()
    if not abs(total - 1.0) <= MASS_TOLERANCE:
        raise ValueError(
            f"g0.pdf must be smooth and integrate to 1 between its quantiles; found {total:.9g}"
        )
    _refuse_infinite(x, mass, order)
    return x, mass


def _refuse_infinite(x, mass, order):
    """Refuse a law whose moment of this order the outermost panels decide."""
    with np.errstate(over="ignore", invalid="ignore"):
        terms = mass * np.abs(x) ** order
        outside = terms[:GAUSS].sum() + terms[-GAUSS:].sum()
    if not outside <= MASS_TOLERANCE * terms.sum() < math.inf:
        raise ValueError(
            f"the moment of order {order} of g0 is infinite or not resolved: it depends on the "
            f"tails beyond the quantiles 2^-{DEEPEST_TAIL} from either end; lower the order"
        )


def _positions(net, x, times):
    """Positions of the data at each of the times.

    ReLU has a kink for each datum that crosses a(t), where an adaptive integrator would
    cut its step.
    """
    if net.activation.name == "relu" and not net.autonomous and times.size > 1:
        step = (times[-1] - times[0]) / RELU_LAYERS
        yield from network.propagate(net, x, times, method="rk4", step=step)
        return
    yield x
    for before, t in pairwise(times):
        x = characteristics.flow(net, x, before, t)[0]
        yield x


def _integrals(x, mass, order, t):
    with np.errstate(over="ignore", invalid="ignore"):
        found = mass @ x[:, None] ** np.arange(order + 1)
    if not np.isfinite(found).all():
        raise FloatingPointError(f"a moment of order up to {order} exceeds float64 at t={t}")
    return found
