"""Activation functions sigma and the exact flow of u' = sigma(u) (sec. 2; paper).

All quantities are dimensionless. ``get`` finds an activation by its name:

=========== ================== =============== =====================================
name        sigma(u)           Lipschitz       flow(u, s)
=========== ================== =============== =====================================
identity    u                  1               u e^s
relu        max(0, u)          1               u e^s for u > 0, else u
sigmoid     1 / (1 + e^-u)     1/4             c + omega(-c), c = s + u - e^-u
tanh        tanh u             1               asinh(e^s sinh u)
gcu         u cos u            infinite        integrated numerically
=========== ================== =============== =====================================

omega is the Wright omega function. The growing cosine unit is Lipschitz continuous
on bounded sets only.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinetic import _elementary, _validate


class Zeros(NamedTuple):
    """The zeros of an activation in an interval.

    points : (n,) array of the isolated zeros, increasing.
    intervals : (m, 2) array of the intervals [a, b] on which it vanishes.
    """

    points: np.ndarray
    intervals: np.ndarray


@dataclass(frozen=True)
class Activation:
    """An activation function sigma, applied to each entry of an array.

    Attributes
    ----------
    name : str
    lipschitz : float
        Lipschitz constant over the real line; infinite for the growing cosine unit.
    tag : NamedTuple
        Names the activation to compiled kernels.
    """

    name: str
    lipschitz: float
    tag: NamedTuple
    _value: Callable
    _derivative: Callable
    _zeros: Callable
    _flow: Callable

    def __call__(self, u):
        """sigma(u) for an array of finite numbers or a number u."""
        return self._value(_validate.array("u", u, dtype=None))

    def derivative(self, u):
        """sigma'(u); at the kink of ReLU the left derivative 0."""
        return self._derivative(_validate.array("u", u, dtype=None))

    def zeros(self, interval):
        """Zeros of sigma in a closed interval.

        Parameters
        ----------
        interval : (float, float)
            Finite ends, the first smaller than the second.

        Returns
        -------
        Zeros

        Raises
        ------
        ValueError
            If the ends are not two finite numbers in increasing order.
        """
        points, intervals = self._zeros(*_validate.interval("interval", interval))
        return Zeros(np.array(points, float), np.array(intervals, float).reshape(-1, 2))

    def flow(self, u, s):
        """Solution at time s of u' = sigma(u) with the initial value u.

        Parameters
        ----------
        u : array_like
            Initial values.
        s : float
            Time, of either sign.

        Returns
        -------
        ndarray
            Same shape as u. Exact to rounding, infinite where it exceeds float64; for
            the growing cosine unit integrated to a relative 1e-12.
        """
        return self.flow_with_stretch(u, s)[0]

    def flow_with_stretch(self, u, s):
        """The flow and the logarithm of its derivative with respect to the initial value.

        Returns
        -------
        (ndarray, ndarray)
            flow(u, s) and log(d flow / d u) = int_0^s sigma'(flow(u, r)) dr.

        Raises
        ------
        ValueError
            If u is not an array of finite numbers or s not a finite number.
        """
        u = _validate.array("u", u)
        s = _validate.number("s", s)
        with np.errstate(all="ignore"):
            return self._flow(u, s)

    def __repr__(self):
        return f"<activation {self.name}>"


def _identity_flow(u, s):
    return np.where(u == 0.0, 0.0, u * np.exp(s)), np.full(u.shape, s)


def _relu_flow(u, s):
    return np.where(u > 0, u * np.exp(s), u), np.where(u > 0, s, 0.0)


def _sigmoid_flow(u, s):
    from scipy.special import wrightomega

    frozen = u < -700.0
    z = np.exp(-np.where(frozen, 0.0, u)) - u - s
    omega = wrightomega(z)
    flowed = np.where(z > 1.0, -np.log(np.where(z > 1.0, omega, 1.0)), omega - z)
    flowed = np.where(frozen, u, flowed)
    return flowed, _log_sigmoid(flowed) - _log_sigmoid(u)


def _log_sigmoid(u):
    return np.minimum(u, 0.0) - np.log1p(np.exp(-abs(u)))


def _tanh_flow(u, s):
    a = abs(u)
    near = (a <= 20.0) & (a + s <= 600.0)
    direct = np.arcsinh(math.exp(min(s, 600.0)) * np.sinh(np.where(near, a, 0.0)))
    log_sinh = a + np.log(-np.expm1(-2.0 * np.where(near, 1.0, a))) - math.log(2.0)
    exponent = s + log_sinh
    far = np.where(
        exponent > 20.0, exponent + math.log(2.0), np.arcsinh(np.exp(np.minimum(exponent, 20.0)))
    )
    flowed = np.copysign(np.where(near, direct, far), u)
    return flowed, s + _log_cosh(u) - _log_cosh(flowed)


def _log_cosh(u):
    return abs(u) + np.log1p(np.exp(-2.0 * abs(u)))


GCU_CHUNK = 2048
GCU_DOUBLINGS = 30.0
GCU_SETTLED = 1e-13
MOST_ZEROS = 1_000_000


def _gcu_flow(u, s):
    """Integrate in rounds; what has settled at an attracting zero is not integrated on.

    A round lasts 30 time scales of the largest |u|, so that the stiff components, whose
    rate at their zero z is |z|, have settled after a few and do not slow the others.
    """
    flowed, stretch = u.flatten(), np.zeros(u.size)
    for k in range(0, u.size, GCU_CHUNK):
        left, moving = abs(s), np.arange(k, min(k + GCU_CHUNK, u.size))
        while left > 0.0 and moving.size:
            span = min(left, GCU_DOUBLINGS / max(1.0, np.abs(flowed[moving]).max()))
            left -= span
            state = _gcu_round(flowed[moving], stretch[moving], math.copysign(span, s))
            flowed[moving], stretch[moving] = state
            near = (np.round(flowed[moving] / math.pi - 0.5) + 0.5) * math.pi
            rate = -near * np.sin(near) * math.copysign(1.0, s)
            settled = (rate < 0.0) & (abs(flowed[moving] - near) < GCU_SETTLED * abs(near))
            still = settled | (flowed[moving] == 0.0)
            slope = np.where(flowed[moving] == 0.0, math.copysign(1.0, s), rate)
            stretch[moving[still]] += slope[still] * left
            flowed[moving[settled]] = near[settled]
            moving = moving[~still]
    return flowed.reshape(u.shape), stretch.reshape(u.shape)


def _gcu_round(u, stretch, span):
    from scipy.integrate import solve_ivp

    def rate(_, state):
        v = state[: state.size // 2]
        return np.concatenate([v * np.cos(v), np.cos(v) - v * np.sin(v)])

    start = np.concatenate([u, stretch])
    end = solve_ivp(
        rate, (0.0, span), start, method="DOP853", rtol=1e-13, atol=1e-14, t_eval=[span]
    )
    return np.split(end.y[:, -1], 2)


def _tanh_derivative(u):
    return 1.0 / np.cosh(np.clip(u, -350.0, 350.0)) ** 2


def _sigmoid(u):
    from scipy.special import expit

    return expit(u)


def _at_origin(a, b):
    return ([0.0] if a <= 0.0 <= b else []), []


def _gcu_zeros(a, b):
    first, last = math.ceil(a / math.pi - 0.5), math.floor(b / math.pi - 0.5)
    if last - first > MOST_ZEROS:
        raise ValueError(f"interval must hold at most {MOST_ZEROS} zeros; got ({a}, {b})")
    points = [(k + 0.5) * math.pi for k in range(first, last + 1)]
    return sorted(points + _at_origin(a, b)[0]), []


def _relu_zeros(a, b):
    return ([a] if a == 0.0 else []), ([(a, min(b, 0.0))] if a < 0.0 else [])


ACTIVATIONS = {
    entry.name: entry
    for entry in (
        Activation(
            "identity", 1.0, _elementary.Identity(),
            np.copy, np.ones_like, _at_origin, _identity_flow,
        ),
        Activation(
            "relu", 1.0, _elementary.ReLU(),
            lambda u: np.maximum(u, 0.0), lambda u: np.where(u > 0, 1.0, 0.0),
            _relu_zeros, _relu_flow,
        ),
        Activation(
            "sigmoid", 0.25, _elementary.Sigmoid(),
            _sigmoid, lambda u: _sigmoid(u) * _sigmoid(-u), lambda a, b: ([], []), _sigmoid_flow,
        ),
        Activation(
            "tanh", 1.0, _elementary.Tanh(),
            np.tanh, _tanh_derivative, _at_origin, _tanh_flow,
        ),
        Activation(
            "gcu", math.inf, _elementary.GCU(),
            lambda u: u * np.cos(u), lambda u: np.cos(u) - u * np.sin(u), _gcu_zeros, _gcu_flow,
        ),
    )
}  # fmt: skip


def get(name):
    """The activation of that name, or the activation itself.

    Parameters
    ----------
    name : str or Activation
        "identity", "relu", "sigmoid", "tanh" or "gcu".

    Raises
    ------
    ValueError
        If no activation has that name.
    """
    if isinstance(name, Activation):
        return name
    if not isinstance(name, str):
        raise TypeError(f"activation must be a name or an Activation; got {name!r}")
    return ACTIVATIONS[_validate.choice("activation", name, tuple(ACTIVATIONS))]
