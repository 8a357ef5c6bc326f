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

SUM_TOLERANCE = 1e-9


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


@dataclass(frozen=True, eq=False)
class Field:
    """Law of the data, learning rate and activation; made by `make`.

    ``scalar`` says whether x was given as (M,), so that the w of a caller is (K,).
    """

    x: np.ndarray
    y: np.ndarray
    probabilities: np.ndarray
    alpha: float
    activation: activations.Activation
    scalar: bool

    def neurons(self, w):
        """sigma(w . x) and sigma'(w . x), both (K, M)."""
        u = w @ self.x.T
        if self.activation.name in SMOOTH:
            return SMOOTH[self.activation.name](u)[:2]
        return self.activation(u), self.activation.derivative(u)

    def residuals(self, sigma, c, weights):
        """(M,) r from the (K, M) values of sigma."""
        return self.y - (weights * c) @ sigma

    def velocity(self, c, w, weights):
        """V at the points: (K,) and (K, d)."""
        return self.velocity_from(*self.neurons(w), c, weights)

    def velocity_from(self, sigma, slope, c, weights):
        """V from the values of sigma and sigma' at the points."""
        pull = self.pull(self.residuals(sigma, c, weights))
        return sigma @ pull, c[:, None] * (slope @ (pull[:, None] * self.x))

    def loss(self, c, w, weights):
        """E_pi r^2 / 2."""
        return self.probabilities @ self.residuals(self.neurons(w)[0], c, weights) ** 2 / 2.0

    def pull(self, residuals):
        """(M,) alpha pi_m r_m."""
        return self.alpha * self.probabilities * residuals

    def second(self, w):
        """sigma, sigma' and sigma'' at w . x, each (K, M)."""
        return SMOOTH[self.activation.name](w @ self.x.T)

    def require_smooth(self, purpose):
        """Refuse an activation without a second derivative, which ``purpose`` needs."""
        if self.activation.name not in SMOOTH:
            raise ValueError(
                f"{purpose} needs an activation with a second derivative: one of "
                f"{', '.join(map(repr, SMOOTH))}; got {self.activation.name!r}"
            )

    def shown(self, w):
        """The weights (..., K, d) in the shape in which a caller gives them."""
        return w[..., 0] if self.scalar else w

    def points(self, c, w, weights, names=("c0", "w0")):
        """Checked (K,), (K, d) and (K,) arrays; equal weights by default."""
        c, w = _validate.array(names[0], c), _validate.array(names[1], w)
        if c.ndim != 1 or c.size == 0:
            raise ValueError(f"{names[0]} must have shape (K,) with K >= 1; got {c.shape}")
        expected = c.shape if self.scalar else (c.size, self.x.shape[1])
        if w.shape != expected:
            raise ValueError(
                f"{names[1]} must have shape {expected} for {c.size} neurons and inputs of "
                f"{'shape (M,)' if self.scalar else f'dimension {self.x.shape[1]}'}; got {w.shape}"
            )
        if weights is None:
            weights = np.full(c.size, 1.0 / c.size)
        return c, w.reshape(c.size, -1), probabilities("weights", weights, c.size)


def make(x, y, probabilities_, alpha, activation):
    """A checked `Field`."""
    x, y = _validate.array("x", x), _validate.array("y", y)
    if x.ndim not in (1, 2) or x.size == 0:
        raise ValueError(f"x must have shape (M,) or (M, d) with M >= 1; got {x.shape}")
    if y.shape != x.shape[:1]:
        raise ValueError(f"y must have shape {x.shape[:1]}, one label for each x; got {y.shape}")
    if probabilities_ is None:
        probabilities_ = np.full(y.size, 1.0 / y.size)
    return Field(
        x.reshape(y.size, -1),
        y,
        probabilities("probabilities", probabilities_, y.size),
        _validate.number("alpha", alpha, low=1e-300, accepted="a positive number"),
        activations.get(activation),
        x.ndim == 1,
    )


def probabilities(name, value, count):
    """A (count,) array of non-negative numbers with sum 1."""
    value = _validate.array(name, value)
    if value.shape != (count,):
        raise ValueError(f"{name} must have shape ({count},); got {value.shape}")
    if value.min() < 0.0 or abs(value.sum() - 1.0) > SUM_TOLERANCE:
        raise ValueError(
            f"{name} must be non-negative with sum 1; got minimum {value.min()} and "
            f"sum {value.sum()}"
        )
    return value


def trajectory(field, c, w, weights, times, rtol, dense=False):
    """Paths of the points as a result of `scipy.integrate.solve_ivp`, state (c, w flattened)."""
    shape = w.shape

    def rate(_, state):
        speeds = field.velocity(state[: c.size], state[c.size :].reshape(shape), weights)
        return np.concatenate([speeds[0], speeds[1].ravel()])

    return integrate(rate, times, np.concatenate([c, w.ravel()]), rtol, dense)


def integrate(rate, times, state, rtol, dense=False):
    """solve_ivp by DOP853 at monotone times, with checks."""
    from scipy.integrate import solve_ivp

    rtol = _validate.number("rtol", rtol, low=1e-13, high=1e-2, accepted="in [1e-13, 1e-2]")
    span = (times[0], times[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        found = solve_ivp(rate, span, state, "DOP853", times, dense, rtol=rtol, atol=rtol)
    if not found.success or not np.isfinite(found.y).all():
        raise FloatingPointError(
            f"the limit could not be integrated from t={span[0]} to {span[1]}: {found.message}"
        )
    return found
