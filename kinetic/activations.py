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
on bounded sets only. ``sigma_n`` makes the activation of generalized Gamma laws, and
``custom`` one from a function.
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
    tag : NamedTuple or None
        Names the activation to compiled kernels; None for those evaluated by NumPy alone.
    """

    name: str
    lipschitz: float
    tag: tuple | None
    _value: Callable
    _derivative: Callable
    _zeros: Callable
    _flow: Callable

    def __call__(self, u):
        """sigma(u) for finite u, a number or an array; infinite where it exceeds float64."""
        return self._value(_validate.array("u", u, dtype=None))

    def derivative(self, u):
        """sigma'(u); at the kink of ReLU the left derivative 0; infinite beyond float64."""
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
GCU_ROUNDS = 100
MOST_ZEROS = 1_000_000


def _gcu_flow(u, s):
    """Integrate in rounds; what has settled at an attracting zero is not integrated on.

    A round lasts 30 time scales of the largest |u|, so that the stiff components, whose
    rate at their zero z is |z|, have settled after a few and do not slow the others.
    """
    flowed, stretch = u.flatten(), np.zeros(u.size)
    for k in range(0, u.size, GCU_CHUNK):
        left, moving = abs(s), np.arange(k, min(k + GCU_CHUNK, u.size))
        rounds = 0
        while left > 0.0 and moving.size:
            rounds += 1
            if rounds > GCU_ROUNDS:
                raise FloatingPointError(
                    f"the flow of gcu until s={s} needs more than {GCU_ROUNDS} rounds: u, which "
                    f"is w x + b in a network, is too large, up to {np.abs(flowed[moving]).max()}"
                )
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
    if not end.success:
        raise FloatingPointError(
            f"the flow of gcu cannot be followed from u, which is w x + b in a network, up to "
            f"{np.abs(u).max():.3g}: {end.message}"
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


@dataclass(frozen=True, repr=False)
class SigmaN(Activation):
    """sigma_N with its parameters; made by `sigma_n`."""

    delta: float
    c: float
    form: str

    @property
    def rate(self):
        """k in sigma_N(u) = [(|u| / c)^delta / delta - k] u: 1, or 1 / delta as cited."""
        return 1.0 if self.form == "printed" else 1.0 / self.delta


def sigma_n(delta, c, *, form="printed"):
    """The activation sigma_N of generalized Gamma laws (sec. 3.1.1; paper).

    With the form "printed", sigma_N(u) = [(1/delta) (u/c)^delta - 1] u as in the paper;
    with "cited", sigma_N(u) = (1/delta) [(u/c)^delta - 1] u as in the model that the
    paper refers to. The paper defines it for u >= 0; it is extended to an odd function.
    A negative weight then gives the drift -sigma_N on x > 0, which a steady state needs.

    Parameters
    ----------
    delta : float
        In (0, 1).
    c : float
        Positive.
    form : {"printed", "cited"}

    Returns
    -------
    SigmaN
        Its flow is exact: u^-delta obeys a linear equation. For s > 0 it is infinite
        where it has blown up before s.

    Raises
    ------
    ValueError, TypeError
        If a parameter is not as described.
    """
    delta = _validate.number("delta", delta, accepted="a number in (0, 1)")
    if not 0.0 < delta < 1.0:
        raise ValueError(f"delta must be a number in (0, 1); got {delta}")
    c = _validate.positive("c", c)
    k = 1.0 if _validate.choice("form", form, ("printed", "cited")) == "printed" else 1.0 / delta
    zero = c * (delta * k) ** (1.0 / delta)

    def value(u):
        return u * ((abs(u) / c) ** delta / delta - k)

    def derivative(u):
        return (1.0 + delta) / delta * (abs(u) / c) ** delta - k

    def zeros(a, b):
        return [z for z in (-zero, 0.0, zero) if a <= z <= b], []

    def flow(u, s):
        rest = u == 0.0
        size = abs(np.where(rest, zero, u)) / zero
        # (u / zero)^-delta - 1 is multiplied by e^(delta k s).
        power = 1.0 + np.expm1(-delta * np.log(size)) * np.exp(delta * k * s)
        growth = np.where(power > 0.0, np.maximum(power, 0.0) ** (-1.0 / delta) / size, math.inf)
        stretch = delta * k * s + (1.0 + delta) * np.log(growth)
        return np.where(rest, 0.0, u * growth), np.where(rest, -k * s, stretch)

    return SigmaN(
        "sigma_n", math.inf, None, value, derivative, zeros, flow, delta=delta, c=c, form=form
    )


ZERO_SEARCH = 4096
BISECTIONS = 5000
"""Enough to halve an interval of float64 down to its smallest number."""
DIFFERENCE = 1e-3


def custom(value, derivative=None, *, name, lipschitz=math.inf):
    """An activation from a vectorized function.

    Parameters
    ----------
    value : callable
        sigma: an array of finite numbers of the shape of its argument.
    derivative : callable, optional
        sigma'. By default central differences of fourth order with the step
        1e-3 max(1, |u|), which need sigma on both sides of u.
    name : str
        Not the name of another activation.
    lipschitz : float
        Lipschitz constant over the real line, infinite if unknown.

    Returns
    -------
    Activation
        Evaluated by NumPy, also layer by layer. Its flow is integrated to a relative
        1e-12; its zeros are found where the sign changes between 4,097 points.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described; later, if a function does not return what it
        should.
    """
    if not isinstance(name, str) or not name or name in ACTIVATIONS or name == "sigma_n":
        raise ValueError(f"name must be a text that names no other activation; got {name!r}")
    for label, function in (("value", value), ("derivative", derivative)):
        if not callable(function) and (label == "value" or function is not None):
            raise TypeError(f"{label} must be a function of an array; got {function!r}")
    if not (isinstance(lipschitz, float) and lipschitz == math.inf):
        lipschitz = _validate.number(
            "lipschitz", lipschitz, low=0.0, accepted="a number of at least 0"
        )
    sigma = _checked(name, value)

    def difference(u):
        h = DIFFERENCE * np.maximum(1.0, abs(u))
        near, far = sigma(u + h) - sigma(u - h), sigma(u + 2.0 * h) - sigma(u - 2.0 * h)
        return (8.0 * near - far) / (12.0 * h)

    slope = difference if derivative is None else _checked(f"the derivative of {name}", derivative)

    def flow(u, s):
        from kinetic.characteristics import in_chunks

        def rate(_, state):
            v = state[: state.size // 2]
            return np.concatenate([sigma(v), slope(v)])

        try:
            return in_chunks(rate, True, 0.0, s, 1, u, np.zeros(u.shape))
        except FloatingPointError as error:
            raise FloatingPointError(f"the flow of {name} from u to s={s}: {error}") from None

    return Activation(
        name, lipschitz, None, sigma, slope, lambda a, b: _searched_zeros(sigma, a, b), flow
    )


def _checked(name, function):
    """The function, with a check of what it returns."""

    def checked(u):
        with np.errstate(all="ignore"):
            given = function(u)
        values = np.asarray(given)
        if values.dtype.kind not in "iuf" or values.shape != u.shape:
            raise TypeError(
                f"{name} must return one real number for each of its arguments; for an array "
                f"of shape {u.shape} it returned {given!r:.80}"
            )
        if not np.isfinite(values).all():
            i = np.argmin(np.isfinite(values))
            raise FloatingPointError(f"{name} is {values.flat[i]} at u={u.flat[i]}")
        return values.astype(u.dtype)

    return checked


def _searched_zeros(sigma, a, b):
    from scipy.optimize import brentq

    u = np.linspace(a, b, ZERO_SEARCH + 1)
    sign = np.sign(sigma(u))
    points = [
        brentq(
            lambda v: float(sigma(np.array(v))),
            u[i],
            u[i + 1],
            xtol=1e-300,
            rtol=1e-15,
            maxiter=BISECTIONS,
        )
        for i in np.flatnonzero(sign[:-1] * sign[1:] < 0.0)
    ]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], sign == 0.0, [False]])))
    runs = [(u[first], u[after - 1]) for first, after in edges.reshape(-1, 2)]
    points += [start for start, end in runs if start == end]
    return sorted(points), [run for run in runs if run[0] < run[1]]
