"""Moments of the law of the data under the identity activation (sec. 2.3; paper).

With m_k = int x^k g dx and x' = w(t) x + b(t), d = 1,

    m_k' = k (w m_k + b m_{k-1}),                                                     (10)
    m_k(t) = e^{Phi_k(t)} (m_k(0) + k int_0^t e^{-Phi_k(s)} b(s) m_{k-1}(s) ds),      (11)

where Phi_k(t) = k int_0^t w ds. Since (10) gives V' = 2 w V for the variance, V(t) is
V(0) e^{Phi_2(t)} whatever the bias: results take it from there, because m_2 - m_1^2
loses all digits where the law is concentrated. Everything is dimensionless; time 0
stands for the first of the given times.
"""

import math
from dataclasses import dataclass

import numpy as np

from kinetic import _hierarchy, _validate
from kinetic.network import SimResNet, check_network

METHODS = ("formula", "ode")
QUANTITIES = ("energy", "variance")
BIASES = ("zero", "conserving")
HANKEL = 1e-10
"""How far below zero rounding in given moments may take an eigenvalue."""


@dataclass(frozen=True)
class Moments:
    """Moments of a law over time.

    Attributes
    ----------
    network : SimResNet
    times : (T,) array
    moments : (T, K + 1) array
        m_0, ..., m_K at each time.
    central : (T,) array
        Second central moment, without the cancellation in m_2 - m_1^2; NaN if K < 2.
    """

    network: SimResNet
    times: np.ndarray
    moments: np.ndarray
    central: np.ndarray

    def moment(self, k):
        """(T,) k-th moment, 0 <= k <= K (eq. (9); paper)."""
        k, order = _validate.integer("k", k, low=0), self.moments.shape[1] - 1
        if k > order:
            raise ValueError(f"k must be at most the order of the result, {order}; got {k}")
        return self.moments[:, k]

    @property
    def mean(self):
        """(T,) first moment."""
        return self.moment(1)

    @property
    def energy(self):
        """(T,) second moment."""
        return self.moment(2)

    @property
    def variance(self):
        """(T,) variance (eq. (9); paper), for K >= 2."""
        self.moment(2)
        return self.central


def solve(net, m0, times, *, method="formula"):
    """Moments under the identity activation (eqs. (10), (11), (12); paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one with the identity; see `kinetic.closures` for other activations.
    m0 : (K + 1,) array_like
        Moments m_0 = 1, m_1, ..., m_K at ``times[0]``.
    times : (T,) array_like
        Increasing output times.
    method : {"formula", "ode"}
        "formula": the recursion (11) by Gauss quadrature on panels in time, restarted
        in each so that no exponential overflows. "ode": the system (10) by a
        Runge-Kutta method of order eight. Changes of w and b that are faster than a
        five-hundredth of the whole time may go unseen.

    Returns
    -------
    Moments

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or m0 are not the moments of a law.
    FloatingPointError
        If a moment exceeds the range of float64, or the solver needs too many steps.
    """
    _checked_network(net)
    m0 = moment_sequence("m0", m0)
    times = _validate.times(times)
    _validate.choice("method", method, METHODS)
    if times.size == 1:
        found, phi = m0[None, :], np.zeros(1)
    elif method == "formula":
        found, phi = _hierarchy.by_formula(net, m0, times)
    else:
        found, phi = _hierarchy.by_ode(net, m0, times)
    with np.errstate(over="ignore"):
        variance = _initial_variance(m0) * np.exp(2.0 * phi)
    bad = ~np.isfinite(found)
    if bad.any():
        i, k = np.argwhere(bad)[0]
        raise FloatingPointError(
            f"the moment m_{k} exceeds float64 at t={times[i]}: lower w, b, the times or the "
            "order of m0"
        )
    return Moments(net, times, found, variance)


def exponent(net, times, k=1):
    """Phi_k(t) = k int w ds from the first time on (eq. (11); paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one.
    times : (T,) array_like
    k : int
        At least 1.

    Returns
    -------
    (T,) ndarray
    """
    _checked_network(net, any_activation=True)
    times, k = _validate.times(times), _validate.integer("k", k, low=1)
    return k * _hierarchy.exponent(net, times)


def _checked_network(net, any_activation=False):
    check_network(net, 1)
    if net.activation.name != "identity" and not any_activation:
        raise ValueError(
            "net must have the identity as activation, for which alone the moment equations "
            f"close; got {net.activation.name!r}: see kinetic.closures"
        )


def moment_sequence(name, m0):
    """Check that numbers are the moments m_0 = 1, ..., m_K of a law (eq. (9); paper).

    They are if no Hankel matrix (m_{i+j}) of them has a negative eigenvalue and, for odd
    K, the last column of the next one lies in the range of the largest.

    Parameters
    ----------
    name : str
        What an error calls them.
    m0 : (K + 1,) array_like

    Returns
    -------
    (K + 1,) ndarray

    Raises
    ------
    ValueError, TypeError
        If they are not.
    """
    m0 = _validate.array(name, m0, accepted="the finite moments m_0 = 1, m_1, ..., m_K")
    if m0.ndim != 1 or m0.size < 2:
        raise ValueError(f"{name} must be (m_0, ..., m_K) with K >= 1; got shape {m0.shape}")
    if abs(m0[0] - 1.0) > 1e-9:
        raise ValueError(f"{name} must begin with the mass m_0 = 1; got {m0[0]}")
    if m0.size > 2 and m0[2] < float(m0[1]) * float(m0[1]) * (1.0 - HANKEL):
        raise ValueError(
            f"{name} must be the moments of a law, so m_2 >= m_1^2; "
            f"got m_2 = {m0[2]} and m_1 = {m0[1]}"
        )
    half = (m0.size - 1) // 2
    hankel = m0[np.add.outer(np.arange(half + 1), np.arange(half + 1))]
    scale = np.sqrt(np.maximum(np.diag(hankel), 0.0))
    with np.errstate(over="ignore"):
        scaled = hankel / np.outer(*2 * [np.where(scale > 0.0, scale, 1.0)])
    if not np.isfinite(scaled).all():
        raise ValueError(
            f"{name} must be the moments of a law; those of {m0.tolist()} differ too much in size"
        )
    values, vectors = np.linalg.eigh(scaled)
    if values[0] < -HANKEL * m0.size or np.diag(hankel).min() < 0.0:
        raise ValueError(
            f"{name} must be the moments of a law; the Hankel matrix of {m0.tolist()} has a "
            f"negative eigenvalue ({values[0]:.3g} if scaled to a unit diagonal)"
        )
    if m0.size % 2 == 0:
        # The next moment can be chosen if the last column lies in the range of the matrix.
        last = m0[half + 1 :] / np.where(scale > 0.0, scale, 1.0)
        missed = vectors[:, values < HANKEL].T @ last
        if np.abs(missed).max(initial=0.0) > 1e-4 * np.abs(last).max():
            raise ValueError(
                f"{name} must be the moments of a law; m_0, ..., m_{m0.size - 2} are those of at "
                f"most {half} points, which do not have m_{m0.size - 1} = {m0[-1]}"
            )
    return m0


def _initial_variance(m0):
    """m_2 - m_1^2, and 0 where it is rounding."""
    if m0.size < 3:
        return math.nan
    variance = float(m0[2] - m0[1] ** 2)
    return variance if variance > 4.0 * np.finfo(float).eps * m0[2] else 0.0


# ------------------------------------------------------------------------------------- biases


def conserving_bias(w, mean):
    """The bias b(t) = -w(t) m_1(t) that conserves the first moment (Proposition 3; paper).

    Since m_1' = w m_1 + b = 0, m_1(t) is the initial mean, and b a known function of t.

    Parameters
    ----------
    w : float or callable
        Weight, a number or a function of t.
    mean : float
        m_1(0).

    Returns
    -------
    float or callable
        b, for `SimResNet`.
    """
    mean = _validate.number("mean", mean)
    if callable(w):
        return lambda t: -w(t) * mean
    bias = -_validate.number("w", w, accepted="a number or a function of t") * mean
    if not math.isfinite(bias):
        raise FloatingPointError(f"w={w} times mean={mean} exceeds the range of float64")
    return bias


def feedback_bias(w, gain, mean):
    """The bias b = gain m_1(t) for constant w (sec. 4.1; paper).

    m_1' = (w + gain) m_1, so that b(t) = gain m_1(0) e^{(w + gain) t}. The paper prints
    gain = -1 with w = -1 and says that it conserves m_1, which takes gain = -w = 1.

    Parameters
    ----------
    w, gain : float
    mean : float
        m_1(0).

    Returns
    -------
    callable
        b(t), for `SimResNet`.
    """
    rate = _validate.number("w", w) + _validate.number("gain", gain)
    start = float(gain) * _validate.number("mean", mean)

    def bias(t):
        with np.errstate(over="ignore"):  # the network refuses an infinite bias
            return start * float(np.exp(rate * t))

    return bias


# ----------------------------------------------------------------------- Definition 2 over time


def local_energy_bound(result):
    """Whether m_2(0) > m_2(t), for each t of the result ((i) of Definition 2; paper).

    Parameters
    ----------
    result : Moments or mean_field.Solution
        Anything with ``times`` and ``moment(2)``; time 0 is its first.

    Returns
    -------
    (T,) ndarray of bool
        The numbers as computed are compared: where both sides are equal, rounding decides.
    """
    energy = _energy(result)
    return energy < energy[0]


def energy_decay(result):
    """Whether m_2(t_1) > m_2(t_2) for all t_1 < t_2 of the result ((ii) of Definition 2; paper).

    False refutes energy decay. True says that these times do not refute it: between them
    the energy may rise. For constant w and b, `always_energy_decay` decides.
    """
    return _decreases("energy", _energy(result))


def local_aggregation(result):
    """Whether V(0) > V(t), for each t of the result ((iii) of Definition 2; paper).

    As `local_energy_bound`, for anything with ``times`` and ``variance``.
    """
    variance = _variance(result)
    return variance < variance[0]


def aggregation(result):
    """Whether V(t_1) > V(t_2) for all t_1 < t_2 of the result ((iv) of Definition 2; paper).

    False refutes aggregation; True says that these times do not, as in `energy_decay`.
    """
    return _decreases("variance", _variance(result))


def _energy(result):
    if not callable(getattr(result, "moment", None)):
        raise TypeError(f"result must have moment(k), such as Moments; got {result!r:.80}")
    return result.moment(2)


def _variance(result):
    if isinstance(result, type) or not isinstance(
        getattr(type(result), "variance", None), property
    ):
        raise TypeError(f"result must have variance, such as Moments; got {result!r:.80}")
    return result.variance


def _decreases(name, values):
    if values.size < 2:
        raise ValueError(f"result must have two or more times to decide whether its {name} decays")
    return bool((np.diff(values) < 0.0).all())


# ---------------------------------------------------------------------- Definition 2 for all time


def always_energy_decay(net, m0):
    """Whether the energy decreases strictly on [0, infinity) (Definition 2, Proposition 2; paper).

    With constant w and c = -b / w, the derivative of m_2 is 2 w q times
    (V(0) + (m_1(0) - c)^2) q + c (m_1(0) - c), where q = e^{w t}. It is negative for all t,
    except at single points, if and only if w < 0, c (m_1(0) - c) >= 0 and the law is not a
    Dirac measure in c; here m_1(0) - c = (w m_1(0) + b) / w. For b = 0 this is part (b) of
    Proposition 2 with m_2(0) > 0.

    Parameters
    ----------
    net : SimResNet
        Of dimension one, with the identity and constant w and b.
    m0 : (K + 1,) array_like
        Moments at time 0, K >= 2.

    Returns
    -------
    bool

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described. Finitely many values of a function w(t) cannot
        decide what happens at all times.
    """
    w, b, m0 = _constant(net, m0)
    if w >= 0.0:
        return False
    drift = w * m0[1] + b
    return bool(b * drift <= 0.0 and (_initial_variance(m0) > 0.0 or drift != 0.0))


def always_aggregation(net, m0):
    """Whether the variance decreases strictly on [0, infinity) ((iv) of Definition 2; paper).

    It does where the energy does (Corollary 1; paper): as V = V(0) e^{Phi_2}, if and only
    if V(0) > 0 and w < 0, whatever the constant bias.
    Arguments and errors as in `always_energy_decay`.
    """
    w, _, m0 = _constant(net, m0)
    return bool(_initial_variance(m0) > 0.0 and w < 0.0)


def concentration(net, m0, *, integral=None):
    """Whether V(t) -> 0 ((v) of Definition 2, Propositions 2, 3; paper).

    As V = V(0) e^{Phi_2}, if and only if V(0) = 0 or int_0^infinity w dt = -infinity,
    whatever the bias. That w < 0 is not enough: w = -1 / (1 + t)^2 has the integral -1.

    Parameters
    ----------
    net : SimResNet
        Of dimension one, with the identity.
    m0 : (K + 1,) array_like
        Moments at time 0, K >= 2.
    integral : float, optional
        int_0^infinity w dt, possibly infinite: required where w or b is a function of t,
        because no finite number of its values decides.

    Returns
    -------
    bool

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    _checked_network(net)
    m0 = _second_order(m0)
    if net.autonomous:
        if integral is not None:
            raise ValueError("integral is for w or b that depend on time; both are constant")
        w = net.parameters(0.0)[0]
        integral = math.copysign(math.inf, w) if w else 0.0
    elif integral is None:
        raise ValueError("integral=, that of w from 0 to infinity, must be given where w depends "
                         "on time")  # fmt: skip
    elif isinstance(integral, bool) or not isinstance(integral, (int, float, np.number)):
        raise TypeError(f"integral must be a number, possibly infinite; got {integral!r}")
    elif math.isnan(integral):
        raise ValueError("integral must be a number, possibly infinite; got nan")
    return bool(_initial_variance(m0) == 0.0 or integral == -math.inf)


def _second_order(m0):
    m0 = moment_sequence("m0", m0)
    if m0.size < 3:
        raise ValueError(f"m0 must hold m_0, m_1, m_2 at least; got {m0.size} moments")
    return m0


def _constant(net, m0):
    _checked_network(net)
    if not net.autonomous:
        raise ValueError("w and b must be constant to decide for all times; they depend on time")
    return *net.parameters(0.0), _second_order(m0)


# ---------------------------------------------------------------------------- levels and times


def threshold(m0, level, *, quantity="energy", bias="zero"):
    """The number below which Phi_2(t) brings a quantity below a level (Corollary 2; paper).

    The corollary says *if*; since energy and variance increase strictly with Phi_2, it is
    also *only if*.

    Parameters
    ----------
    m0 : (K + 1,) array_like
        Moments at time 0, K >= 2.
    level : float
        V > 0.
    quantity : {"energy", "variance"}
        What is to be below the level.
    bias : {"zero", "conserving"}
        b = 0, or b = -w m_1. The variance does not depend on it.

    Returns
    -------
    float
        Infinite where the quantity is zero from the start.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or the level is never reached: an energy of at
        most m_1(0)^2 under the conserving bias.
    """
    m0, level = _second_order(m0), _checked_level(level)
    _validate.choice("quantity", quantity, QUANTITIES)
    _validate.choice("bias", bias, BIASES)
    start = _initial_variance(m0)
    if quantity == "energy" and bias == "zero":
        start = m0[2]
    elif quantity == "energy":
        _refuse_below_mean(level, m0[1])
        level -= m0[1] ** 2
    return math.log(level / start) if start > 0.0 else math.inf


def _checked_level(level):
    level = _validate.positive("level", level)
    return level


def _refuse_below_mean(level, mean):
    if level <= mean**2:
        raise ValueError(
            f"the energy never falls below level={level}: the mean is conserved, so that it stays "
            f"above m_1(0)^2 = {mean**2}"
        )


def time_to_reach(net, m0, level, *, quantity="energy", horizon=100.0):
    """First time at which the energy or the variance is down to a level (Corollary 2; paper).

    Found as a root of the quantity along (11), for any w(t) and b(t). Where Phi_2 increases
    again later, so does the variance.

    Parameters
    ----------
    net : SimResNet
        Of dimension one, with the identity.
    m0 : (K + 1,) array_like
        Moments at time 0, K >= 2.
    level : float
        V > 0.
    quantity : {"energy", "variance"}
    horizon : float
        Until when to look.

    Returns
    -------
    float
        0 if the quantity is not above the level from the start.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or the level is not reached until ``horizon``.
    FloatingPointError
        If the quantity exceeds the range of float64 before.
    """
    _checked_network(net)
    m0, level = _second_order(m0)[:3], _checked_level(level)
    _validate.choice("quantity", quantity, QUANTITIES)
    horizon = _validate.positive("horizon", horizon)
    if quantity == "energy":
        _refuse_unreachable(net, m0, level, horizon)
    return _hierarchy.first_time(net, m0, _initial_variance(m0), level, quantity, horizon)


def _refuse_unreachable(net, m0, level, horizon):
    """Refuse an energy below the square of a mean that the bias conserves."""
    seen = np.linspace(0.0, horizon, 65)
    w, b = np.array([net.parameters(t) for t in ([0.0] if net.autonomous else seen)]).T
    conserved = np.abs(w * m0[1] + b).max() <= 1e-14 * np.abs(b).max()
    if conserved and m0[2] > level:
        _refuse_below_mean(level, m0[1])
