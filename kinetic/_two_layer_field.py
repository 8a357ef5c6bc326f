"""Velocity and paths of the parameters of wide two-layer networks, for a finite law of the data.

A neuron has the parameter theta = (c, w) and the output h(theta, x) = c sigma(w . x). With
the law pi of the data, which gives (x_m, y_m) the probability pi_m, and a law mu of
parameters, here K points theta_k with weights omega_k,

    g(x) = int h(theta, x) mu(d theta),    r_m = y_m - g(x_m),
    V(theta) = alpha sum_m pi_m r_m grad h(theta, x_m),
    grad h = (sigma(w . x), c sigma'(w . x) x).

Arrays: x (M, d), y and pi (M,), c and omega (K,), w (K, d); r (M,).
"""

from dataclasses import dataclass

import numpy as np

from kinetic import _validate, activations
from kinetic._data_law import data_law
from kinetic._limited import limited

MOST_CALLS = 100_000


def _tanh(u):
    s = np.tanh(u)
    first = 1.0 - s * s
    return s, first, -2.0 * s * first


def _sigmoid(u):
    s = activations.get("sigmoid")(u)
    first = s * (1.0 - s)
    return s, first, first * (1.0 - 2.0 * s)


def _gcu(u):
    cosine, sine = np.cos(u), np.sin(u)
    return u * cosine, cosine - u * sine, -2.0 * sine - u * cosine


SMOOTH = {
    "identity": lambda u: (u, np.ones_like(u), np.zeros_like(u)),
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "gcu": _gcu,
}
"""sigma, sigma' and sigma'' of the activations that have them everywhere."""


ROWS = 1024
"""Points at a time, so that their values stay in cache."""


def product(a, b):
    """a @ b without BLAS, which would start threads for what takes microseconds."""
    return np.einsum("...i,i->..." if b.ndim == 1 else "...i,ij->...j", a, b)


@dataclass(frozen=True, eq=False)
class Field:
    """Law of the data, learning rate and activation; made by `make`.

    ``flat`` says whether x was given as (M,), so that the w of a caller is (K,).
    """

    x: np.ndarray
    y: np.ndarray
    probabilities: np.ndarray
    alpha: float
    activation: activations.Activation
    flat: bool

    def neurons(self, w):
        """sigma(w . x) and sigma'(w . x), both (K, M)."""
        u = self._inputs(w)
        if self.activation.name in SMOOTH:
            return SMOOTH[self.activation.name](u)[:2]
        return self.activation(u), self.activation.derivative(u)

    def residuals(self, sigma, c, weights):
        """(M,) r from the (K, M) values of sigma."""
        return self.y - product(weights * c, sigma)

    def velocity(self, c, w, weights):
        """V at the points: (K,) and (K, d)."""
        blocks = [slice(k, k + ROWS) for k in range(0, c.size, ROWS)]
        values = [self.neurons(w[rows]) for rows in blocks]
        g = sum(
            product((weights * c)[rows], sigma)
            for rows, (sigma, _) in zip(blocks, values, strict=True)
        )
        pull = self.pull(self.y - g)
        speed_c, speed_w = np.empty_like(c), np.empty_like(w)
        for rows, (sigma, slope) in zip(blocks, values, strict=True):
            speed_c[rows] = product(sigma, pull)
            speed_w[rows] = c[rows, None] * product(slope, pull[:, None] * self.x)
        return speed_c, speed_w

    def loss(self, c, w, weights):
        """E_pi r^2 / 2."""
        return self.residuals(self.neurons(w)[0], c, weights) ** 2 @ self.probabilities / 2.0

    def pull(self, residuals):
        """(M,) alpha pi_m r_m."""
        return self.alpha * self.probabilities * residuals

    def second(self, w):
        """sigma, sigma' and sigma'' at w . x, each (K, M)."""
        return SMOOTH[self.activation.name](self._inputs(w))

    def _inputs(self, w):
        with np.errstate(over="ignore", invalid="ignore"):
            u = product(w, self.x.T)
        if not np.isfinite(u).all():
            raise FloatingPointError("w . x exceeds the range of float64: w or x is too large")
        return u

    def require_smooth(self, purpose):
        """Refuse an activation without a second derivative, which ``purpose`` needs."""
        if self.activation.name not in SMOOTH:
            raise ValueError(
                f"{purpose} needs an activation with a second derivative: one of "
                f"{', '.join(map(repr, SMOOTH))}; got {self.activation.name!r}"
            )

    def shown(self, w):
        """The weights (..., K, d) in the shape in which a caller gives them."""
        return w[..., 0] if self.flat else w

    def points(self, c, w, weights):
        """Checked points c0, w0 and weights as (K,), (K, d) and (K,) arrays."""
        c, w = _validate.array("c0", c), _validate.array("w0", w)
        if c.ndim != 1 or c.size == 0:
            raise ValueError(f"c0 must have shape (K,) with K >= 1; got {c.shape}")
        expected = c.shape if self.flat else (c.size, self.x.shape[1])
        if w.shape != expected:
            raise ValueError(f"w0 must have shape {expected} for this c0 and x; got {w.shape}")
        return c, w.reshape(c.size, -1), _validate.probabilities("weights", weights, c.size)


def make(x, y, probabilities, alpha, activation):
    """A checked `Field`."""
    law = data_law(x, y, probabilities)
    alpha = _validate.number("alpha", alpha, low=1e-300, accepted="a positive number")
    return Field(law.x, law.y, law.probabilities, alpha, activations.get(activation), law.flat)


def trajectory(field, c, w, weights, times, rtol, dense=False):
    """Paths of the points as a result of `scipy.integrate.solve_ivp`, state (c, w flattened)."""
    shape = w.shape

    def rate(_, state):
        speeds = field.velocity(state[: c.size], state[c.size :].reshape(shape), weights)
        return np.concatenate([speeds[0], speeds[1].ravel()])

    return integrate(rate, times, np.concatenate([c, w.ravel()]), rtol, dense)


def checked_tolerance(rtol):
    """The tolerance of the integrator."""
    return _validate.number("rtol", rtol, low=1e-13, high=1e-2, accepted="in [1e-13, 1e-2]")


def integrate(rate, times, state, rtol, dense=False):
    """solve_ivp by DOP853 at monotone times, with checks."""
    from scipy.integrate import solve_ivp

    rtol = checked_tolerance(rtol)
    span = (times[0], times[-1])

    def refusal(t):
        return (
            f"the limit from t={span[0]} to t={span[1]} needs more than {MOST_CALLS} evaluations "
            f"(now t={t:.6g}); lower alpha or the time"
        )

    rate = limited(rate, MOST_CALLS, refusal)
    with np.errstate(over="ignore", invalid="ignore"):
        found = solve_ivp(rate, span, state, "DOP853", times, dense, rtol=rtol, atol=rtol)
    if not found.success or not np.isfinite(found.y).all():
        raise FloatingPointError(
            f"the limit could not be integrated from t={span[0]} to {span[1]}; lower alpha, the "
            f"data x, y or the parameters: {found.message}"
        )
    return found
