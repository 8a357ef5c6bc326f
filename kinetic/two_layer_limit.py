"""The mean-field limit of two-layer networks, for points with weights.

(law of large numbers; Sirignano and Spiliopoulos 2020)

With N neurons and one step of stochastic gradient descent every 1/N of a unit of time the
empirical law of the parameters theta = (c, w) tends to mu_t, along which each parameter moves by

    theta' = V[mu_t](theta) = alpha E_pi[(y - g_t(x)) grad (c sigma(w . x))],
    g_t(x) = int c sigma(w . x) mu_t(d theta),

so that mu_t is the push-forward of mu_0 and its density obeys d_t p + div(p V[p]) = 0. Here
mu_0 is a finite number of points with weights: neurons drawn at random, equally spaced
quantiles, or the nodes of a quadrature rule (`quadrature`), with which the solution for a smooth
law is exact to many digits. All quantities are dimensionless.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinetic import _observables, _two_layer_field, _validate
from kinetic._two_layer_field import product

RTOL = 1e-9
TAIL = 1e-13
MISSED = 1e-2


class Nodes(NamedTuple):
    """Points with weights in the space of the parameters.

    c : (K,) array.
    w : (K,) array, or (K, d) for d > 1 laws of w.
    weights : (K,) array of sum 1.
    """

    c: np.ndarray
    w: np.ndarray
    weights: np.ndarray


def quadrature(c, w, points=48):
    """Tensor product of quadrature rules for independent parameters.

    The rule for a law on a bounded interval is that of Gauss and Legendre, otherwise the
    trapezoidal rule between the quantiles of 1e-13 and 1 - 1e-13, both with the density in the
    weights. Both converge faster than any power of the number of points for densities that are
    smooth, the first on the interval, the second on the whole line.

    Parameters
    ----------
    c : frozen distribution
        Law of c, of `scipy.stats` or another object with ``pdf``, ``ppf`` and ``support``.
    w : frozen distribution or sequence of d of them
        Law of w, or of each coordinate of w.
    points : int or sequence of 1 + d ints
        Number of points for each parameter, at least 2.

    Returns
    -------
    Nodes
        Their weights are scaled to the sum 1.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or a rule misses more than 1 per cent of the mass
        of its law.
    """
    laws = [c, *(w if isinstance(w, list | tuple) else [w])]
    counts = points if isinstance(points, list | tuple) else [points] * len(laws)
    if len(counts) != len(laws):
        raise ValueError(
            f"points must be an integer, or one for each of {len(laws)} laws; got {points!r}"
        )
    names = ["c", "w"] if len(laws) == 2 else ["c", *(f"w[{i}]" for i in range(len(laws) - 1))]
    rules = [_rule(*of) for of in zip(names, laws, counts, strict=True)]
    axes = np.meshgrid(*(nodes for nodes, _ in rules), indexing="ij")
    weights = np.ones(())
    for _, along in rules:
        weights = np.multiply.outer(weights, along)
    c, *w = (axis.ravel() for axis in axes)
    return Nodes(c, w[0] if len(w) == 1 else np.column_stack(w), weights.ravel() / weights.sum())


def _rule(name, law, points):
    points = _validate.integer("points", points, low=2)
    _validate.law(name, law, "pdf", "ppf", "support")
    ends = _validate.real(name, law.support())
    if ends.shape != (2,) or np.isnan(ends).any():
        raise ValueError(f"{name} must have two numbers as its support; got {ends!r:.80}")
    if np.isfinite(ends).all():
        nodes, weights = np.polynomial.legendre.leggauss(points)
        left, right = ends
        nodes, weights = left + (right - left) * (nodes + 1.0) / 2.0, weights * (right - left) / 2.0
    else:
        nodes = np.linspace(law.ppf(TAIL), law.ppf(1.0 - TAIL), points)
        weights = np.full(points, nodes[1] - nodes[0])
    nodes = _validate.returned(name, nodes, (points,))
    weights = weights * _validate.returned(name, law.pdf(nodes), nodes.shape)
    if not abs(weights.sum() - 1.0) < MISSED:
        raise ValueError(
            f"{points} points are too few for the law of {name} on [{nodes[0]:.6g}, "
            f"{nodes[-1]:.6g}]: the rule finds the mass {weights.sum():.6g}"
        )
    return nodes, weights


@dataclass(frozen=True, eq=False)
class Limit:
    """Result of `limit`.

    Attributes
    ----------
    times : (T,) array
    c : (T, K) array
    w : (T, K) array, or (T, K, d) for inputs of shape (M, d)
    weights : (K,) array
    evaluations : int
        Number of times that the velocity of all points was computed.
    """

    times: np.ndarray
    c: np.ndarray
    w: np.ndarray
    weights: np.ndarray
    evaluations: int
    _field: _two_layer_field.Field

    def outputs(self, x):
        """(T, n) outputs g_t(x) of the network at n inputs, (n,) or (n, d)."""
        x = _validate.array("x", x)
        field = self._field
        if (
            x.ndim != (1 if field.flat else 2)
            or x.reshape(len(x), -1).shape[1:] != field.x.shape[1:]
        ):
            raise ValueError(
                f"x must have shape {'(n,)' if field.flat else f'(n, {field.x.shape[1]})'}; "
                f"got {x.shape}"
            )
        x = x.reshape(len(x), -1)
        return np.array([(self.weights * c) @ field.activation(w @ x.T) for c, w in self._points()])

    @property
    def loss(self):
        """(T,) mean squared error E_pi (y - g_t(x))^2 / 2."""
        return np.array([self._field.loss(c, w, self.weights) for c, w in self._points()])

    @property
    def dissipation(self):
        """(T,) int |V|^2 d mu_t / alpha, the rate at which the loss falls."""
        found = []
        for c, w in self._points():
            speed_c, speed_w = self._field.velocity(c, w, self.weights)
            squares = speed_c**2 + (speed_w**2).sum(axis=1)
            found.append(self.weights @ squares / self._field.alpha)
        return np.array(found)

    def mean(self, observables):
        """Means of observables f(c, w): (T,) of one function, (T, J) of a sequence of J."""
        functions = _observables.check(observables)
        found = np.array(
            [_observables.values(functions, self._field, *p) @ self.weights for p in self._points()]
        )
        return found[:, 0] if callable(observables) else found

    def _points(self):
        return zip(self.c, self.w[..., None] if self._field.flat else self.w, strict=True)


def limit(
    x, y, c0, w0, *, alpha, times, activation="tanh", probabilities=None, weights=None, rtol=RTOL
):
    """Solve the mean-field limit (law of large numbers; Sirignano and Spiliopoulos 2020).

    Parameters
    ----------
    x : (M,) or (M, d) array_like
        Inputs that the law of the data charges.
    y : (M,) array_like
        Labels.
    c0, w0 : (K,) and (K,) or (K, d) array_like
        Parameters at the first time.
    alpha : float
        Learning rate, positive.
    times : (T,) array_like
        Increasing output times; a unit of time is N steps of a network of N neurons.
    activation : str or Activation
    probabilities : (M,) array_like, optional
        Of the data; equal by default.
    weights : (K,) array_like, optional
        Of the points, non-negative with sum 1; equal by default. Points of weight 0 are
        carried along without effect on the others.
    rtol : float
        Relative and absolute tolerance of the integrator (Dormand and Prince, order 8).

    Returns
    -------
    Limit

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a parameter leaves the range of float64.
    """
    field = _two_layer_field.make(x, y, probabilities, alpha, activation)
    c, w, weights = field.points(c0, w0, weights)
    times, rtol = _validate.times(times), _two_layer_field.checked_tolerance(rtol)
    if times.size == 1:
        return Limit(times, c[None].copy(), field.shown(w[None].copy()), weights, 0, field)
    solution = _two_layer_field.trajectory(field, c, w, weights, times, rtol)
    states = solution.y.T
    w = states[:, c.size :].reshape(times.size, *w.shape)
    return Limit(times, states[:, : c.size], field.shown(w), weights, solution.nfev, field)


def density(
    x, y, p0, nodes, c, w, *, alpha, time, activation="tanh", probabilities=None, rtol=RTOL
):
    """Density of the limit, exact (law of large numbers; Sirignano and Spiliopoulos 2020).

    The paths of the nodes give the outputs g_t of the limit. A point (c, w) is followed back
    in this field to time 0, and

        p(t, Theta(t)) = p_0(Theta(0)) exp(-int_0^t div V ds),
        div V = alpha E_pi[(y - g_s(x)) c sigma''(w . x) |x|^2].

    Parameters
    ----------
    x, y, probabilities, alpha, activation, rtol
        As in `limit`; the activation must have a second derivative.
    p0 : callable
        Density of mu_0, a function of arrays c (n,) and w (n,) or (n, d) with n values.
    nodes : Nodes
        Points and weights of mu_0 that give the field; see `quadrature`.
    c, w : arrays
        Where to compute it: c of any shape and w of the same, or with a last axis of length d.
    time : float
        At least 0.

    Returns
    -------
    ndarray of the shape of c

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    field = _two_layer_field.make(x, y, probabilities, alpha, activation)
    field.require_smooth("the density")
    if not callable(p0):
        raise TypeError(f"p0 must be a function of c and w; got {p0!r:.80}")
    if not (isinstance(nodes, list | tuple) and len(nodes) == 3):
        raise TypeError(f"nodes must be the points c and w and their weights; got {nodes!r:.80}")
    rtol = _two_layer_field.checked_tolerance(rtol)
    start_c, start_w, weights = field.points(*nodes)
    time = _validate.number("time", time, low=0.0, accepted="a time of at least 0")
    c, w = _validate.array("c", c), _validate.array("w", w)
    d = field.x.shape[1]
    if w.shape != (c.shape if field.flat else (*c.shape, d)):
        raise ValueError(f"w must fit c of shape {c.shape}; got {w.shape}")
    at_c, at_w, stretch = c.ravel(), w.reshape(-1, d), 0.0
    if time > 0.0:
        known = _two_layer_field.trajectory(
            field, start_c, start_w, weights, [0.0, time], rtol, dense=True
        ).sol
        at_c, at_w, stretch = _followed_back(field, known, weights, at_c, at_w, time, rtol)
    values = _validate.array("the value of p0", p0(at_c, field.shown(at_w)))
    if values.shape != at_c.shape or values.min(initial=0.0) < 0.0:
        raise ValueError(
            f"p0 must return {at_c.size} values of at least 0 for as many points; got shape "
            f"{values.shape} and minimum {values.min(initial=0.0):.6g}"
        )
    return (values * np.exp(-stretch)).reshape(c.shape)


def _followed_back(field, known, weights, c, w, time, rtol):
    """Points at time 0 that arrive at (c, w), and int div V ds along their paths."""
    count, d = c.size, w.shape[1]
    size = weights.size
    squares = (field.x**2).sum(axis=1)

    def rate(t, state):
        nodes = known(t)
        sigma = field.neurons(nodes[size:].reshape(size, d))[0]
        pull = field.pull(field.residuals(sigma, nodes[:size], weights))
        c, w = state[:count], state[count : count + count * d].reshape(count, d)
        sigma, slope, bend = field.second(w)
        return np.concatenate(
            [
                product(sigma, pull),
                (c[:, None] * product(slope, pull[:, None] * field.x)).ravel(),
                c * product(bend, pull * squares),
            ]
        )

    state = np.concatenate([c, w.ravel(), np.zeros(count)])
    end = _two_layer_field.integrate(rate, [time, 0.0], state, rtol).y[:, -1]
    return end[:count], end[count:-count].reshape(count, d), -end[-count:]
