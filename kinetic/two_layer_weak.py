"""The weak form of the mean-field limit, tested along trajectories of networks.

mu_t solves the limit (law of large numbers; Sirignano and Spiliopoulos 2020) if and only if

    R(f) = <f, mu_T> - <f, mu_0> - int_0^T <V[mu_s] . grad f, mu_s> ds = 0

for all smooth f of compact support. Along the empirical laws of a network of N neurons a step
with the sample (X, Y) adds (alpha / N) Z, Z = (Y - g_s(X)) <grad h(., X) . grad f, mu_s>, and the
integral takes away the mean of Z; so R is a martingale, up to O(1/N), with

    Var R = (alpha^2 / N) int_0^T Var_pi Z ds.
"""

from typing import NamedTuple

import numpy as np

from kinetic import _observables, _two_layer_field, _validate
from kinetic._two_layer_field import product

ROUNDING = 1e-5


class WeakResidual(NamedTuple):
    """Result of `weak_residual`, for J observables.

    residual : (J,) R(f).
    noise : (J,) alpha^2 int Var_pi Z ds: a network of N neurons has Var R = noise / N.
    """

    residual: np.ndarray
    noise: np.ndarray


def weak_residual(
    x, y, c, w, *, alpha, times, observables, activation="tanh", probabilities=None, weights=None
):
    """Test the weak form on paths (law of large numbers; Sirignano and Spiliopoulos 2020).

    Parameters
    ----------
    x : (M,) or (M, d) array_like
    y : (M,) array_like
        Law of the data, as in `kinetic.two_layer.limit`.
    c, w : (T, K) and (T, K) or (T, K, d) array_like
        Parameters at these times; or (K,) and (K,) or (K, d), if they stay where they are and
        the weights change.
    alpha : float
        Learning rate, positive.
    times : (T,) array_like
        At least three, equally spaced, odd in number: the integral is that of Simpson's rule.
    observables : callable or sequence of J callables
        f(c, w), smooth on scales well above 1e-3.
    activation : str or Activation
    probabilities : (M,) array_like, optional
        Of the data; equal by default.
    weights : (K,) or (T, K) array_like, optional
        Of sum 1 up to 1e-5 at each time, equal by default; may be slightly negative, as those of
        the result of `transport` are.

    Returns
    -------
    WeakResidual

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    field = _two_layer_field.make(x, y, probabilities, alpha, activation)
    functions = _observables.check(observables)
    times = _validate.times(times)
    if times.size < 3 or times.size % 2 == 0 or np.ptp(np.diff(times)) > 1e-6 * np.ptp(times):
        raise ValueError(
            "times must be equally spaced and odd in number, at least three; "
            f"got {times.size} times with steps from {np.diff(times).min(initial=np.inf):g} to "
            f"{np.diff(times).max(initial=0.0):g}"
        )
    c, w, weights = _paths(field, times.size, c, w, weights)
    means, drifts, noises = [], [], []
    for at_c, at_w, omega in zip(c, w, weights, strict=True):
        sigma, slope = field.neurons(at_w)
        r = field.residuals(sigma, at_c, omega)
        gradients = _observables.gradients(functions, field, at_c, at_w)
        moved = product(omega * gradients[..., 0], sigma)
        for i, along in enumerate(gradients[..., 1:]):
            carried = product(((omega * at_c)[:, None] * along).T, slope)
            moved[i] += (carried * field.x.T).sum(axis=0)
        z = field.alpha * r * moved
        drift = z @ field.probabilities
        means.append(_observables.values(functions, field, at_c, at_w) @ omega)
        drifts.append(drift)
        noises.append((z - drift[:, None]) ** 2 @ field.probabilities)
    simpson = np.full(times.size, 2.0)
    simpson[1::2], simpson[[0, -1]] = 4.0, 1.0
    simpson *= (times[-1] - times[0]) / (3.0 * (times.size - 1))
    with np.errstate(over="ignore", invalid="ignore"):
        found = WeakResidual(means[-1] - means[0] - simpson @ drifts, simpson @ noises)
    if not np.isfinite(np.concatenate(found)).all():
        raise FloatingPointError(
            "the residual or its noise exceeds float64: x, y, c, w, alpha or an observable is large"
        )
    return found


def _paths(field, count, c, w, weights):
    """Checked (T, K), (T, K, d) and (T, K) arrays."""
    c, w = _validate.array("c", c), _validate.array("w", w)
    d = field.x.shape[1]
    if c.ndim not in (1, 2) or c.size == 0 or (c.ndim == 2 and len(c) != count):
        raise ValueError(f"c must have shape ({count}, K) or (K,) with K >= 1; got {c.shape}")
    if w.shape != (c.shape if field.flat else (*c.shape, d)):
        raise ValueError(f"w must fit c of shape {c.shape} and x of dimension {d}; got {w.shape}")
    size = c.shape[-1]
    weights = np.full(size, 1.0 / size) if weights is None else _validate.array("weights", weights)
    if weights.shape not in ((size,), (count, size)):
        raise ValueError(
            f"weights must have shape ({size},) or ({count}, {size}); got {weights.shape}"
        )
    if abs(weights.sum(axis=-1) - 1.0).max() > ROUNDING:
        raise ValueError(f"weights must have the sum 1; got {weights.sum(axis=-1)}")
    return (
        np.broadcast_to(c, (count, size)),
        np.broadcast_to(w.reshape(*c.shape, d), (count, size, d)),
        np.broadcast_to(weights, (count, size)),
    )
