"""The exact solution of the mean-field equation by characteristics (sec. 2.2; paper).

With X the flow of the network, g(t, X(x)) = g_0(x) / det X'(x), where log det X' is the
integral of the divergence along the path; for d = 1 the distribution function at X(x) is
that of g_0 at x. All quantities are dimensionless.
"""

import math
from functools import cached_property

import numpy as np

from kinetic import _validate, characteristics
from kinetic.network import SimResNet, check_network

__all__ = ["PushForward", "PushForwardMany", "exact", "push_forward"]

MASS_TOLERANCE = 1e-6
ROUNDING = 1e-14
"""Of the largest: what a computed density may be below zero."""


class PushForward:
    """The law of X(t) for X(0) with law g0, the exact solution (eqs. (3), (8); paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one.
    g0 : distribution or callable
        An object with ``pdf``, and with ``cdf`` and ``ppf`` for those methods, or a
        vectorized density.
    t : float
        Time, at least 0.
    walls : (float, float), optional
        Where characteristics stop; the law then has an atom at each. Needs constant w
        and b and a g0 between the walls.
    """

    def __init__(self, net, g0, t, walls=None):
        check_network(net, 1)
        if not (callable(g0) or hasattr(g0, "pdf")):
            raise TypeError("g0 must be a law with pdf, cdf and ppf, or a vectorized density")
        self._is_law = hasattr(g0, "cdf") and hasattr(g0, "ppf")
        self.net, self.g0 = net, g0
        self.t = _validate.number("t", t, low=0.0, accepted="a time of at least 0")
        self.walls = (-math.inf, math.inf)
        if walls is not None:
            ends = _validate.interval("walls", walls)
            if not net.autonomous:
                raise ValueError("walls need constant w and b: paths that stop do not return")
            self.walls = ends
            outside = 0.0
            if self._is_law:
                outside = g0.cdf(np.nextafter(ends[0], -np.inf)) + (1.0 - g0.cdf(ends[1]))
            if outside > MASS_TOLERANCE:
                raise ValueError(
                    f"g0 must lie between the walls {self.walls}; it has mass {outside:.3g} outside"
                )

    def _law(self):
        if not self._is_law:
            raise TypeError("cdf, ppf and rvs need g0 as a law with cdf and ppf, not a density")
        return self.g0

    def _origin(self, x):
        """Where characteristics at x at time t come from, and log d origin / d x."""
        x = _validate.array("x", x)
        return x, *self._backward(x)

    @cached_property
    def _backward(self):
        return characteristics.flow_map(self.net, self.t, 0.0)

    def pdf(self, x):
        """Density at x (without the atoms at walls).

        Raises FloatingPointError where it exceeds the range of float64.
        """
        x, origin, stretch = self._origin(x)
        start = _initial_density(getattr(self.g0, "pdf", self.g0)(origin), origin.shape)
        inside = (x > self.walls[0]) & (x < self.walls[1]) if self.t else True
        return _stretched(np.where(inside, start, 0.0), stretch, self.t)

    def cdf(self, x):
        """Distribution function at x, atoms at walls included."""
        law = self._law()
        x, origin, _ = self._origin(x)
        below = _validate.returned("g0", law.cdf(origin), origin.shape)
        values = np.where(x < self.walls[0], 0.0, below)
        return np.where(x >= self.walls[1], 1.0, values)

    def ppf(self, q):
        """Quantile function at q in [0, 1]: the flow is increasing.

        Raises FloatingPointError where a quantile exceeds the range of float64.
        """
        q = _validate.quantiles("q", q)
        start = np.asarray(self._law().ppf(q), dtype=float)
        if start.shape != q.shape or np.isnan(start).any():
            raise ValueError(f"g0 must have a ppf with one number for each q; got {start!r:.80}")
        finite = np.isfinite(start)
        moved = characteristics.flow(self.net, np.where(finite, start, 0.0), 0.0, self.t)[0]
        if not np.isfinite(moved).all():
            raise FloatingPointError(f"a quantile at t={self.t} exceeds the range of float64")
        return np.clip(np.where(finite, moved, start), *self.walls)

    def rvs(self, size, rng):
        """``size`` independent samples by the quantile function; rng: a Generator or a seed."""
        size = _validate.integer("size", size, low=0)
        return self.ppf(_validate.generator("rng", rng).random(size))


class PushForwardMany:
    """The law of X(t) in R^d, d > 1, for X(0) with law g0, the exact solution (eq. (3); paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension d > 1.
    g0 : distribution or callable
        An object with ``pdf`` of points (..., d), such as a frozen
        `scipy.stats.multivariate_normal`, and with ``rvs`` for that method; or a vectorized
        density of d arrays.
    t : float
        Time, at least 0.
    """

    def __init__(self, net, g0, t):
        check_network(net)
        if net.dimension == 1:
            raise ValueError("net must have a dimension above 1; got 1")
        self._density = density_of(g0, net.dimension)
        self.net, self.g0 = net, g0
        self.t = _validate.number("t", t, low=0.0, accepted="a time of at least 0")

    def pdf(self, x):
        """Density at x of shape (..., d).

        Raises FloatingPointError where it exceeds the range of float64.
        """
        x = _validate.array("x", x)
        if x.shape[-1:] != (self.net.dimension,):
            raise ValueError(f"x must have shape (..., {self.net.dimension}); got {x.shape}")
        points = x.reshape(-1, self.net.dimension)
        origin, volume = characteristics.flow_with_volume(self.net, points, self.t, 0.0)
        start = _initial_density(self._density(origin), volume.shape)
        return _stretched(start, volume, self.t).reshape(x.shape[:-1])

    def rvs(self, size, rng):
        """(size, d) samples: samples of g0, propagated; rng: a Generator or a seed."""
        if not hasattr(self.g0, "rvs"):
            raise TypeError("rvs needs g0 as a law with rvs, not a density")
        size = _validate.integer("size", size, low=0)
        start = self.g0.rvs(size, random_state=_validate.generator("rng", rng))
        start = np.reshape(_validate.array("g0", start), (-1, self.net.dimension))
        return characteristics.flow_many(self.net, start, 0.0, self.t)


def density_of(g0, d):
    """The density of points (..., d) of a law with pdf or of a vectorized function."""
    if not (callable(g0) or hasattr(g0, "pdf")):
        raise TypeError(f"g0 must be a law with pdf, or a vectorized density of {d} arrays")

    def density(points):
        given = g0.pdf(points) if hasattr(g0, "pdf") else g0(*np.moveaxis(points, -1, 0))
        values = _validate.real("g0", given)
        if values.size != points.size // d:
            raise ValueError(
                "g0 must return one density for each point; "
                f"got shape {values.shape} for points of shape {points.shape}"
            )
        return values.reshape(points.shape[:-1])

    return density


def _initial_density(values, shape):
    values = _validate.returned("g0", values, shape)
    if values.min(initial=0.0) < -ROUNDING * np.abs(values).max(initial=0.0):
        raise ValueError(f"g0 must have a density of at least 0; got {values.min()}")
    return values


def _stretched(start, stretch, t):
    """start exp(stretch), refused where it overflows; zero where start is."""
    with np.errstate(divide="ignore", over="ignore"):
        density = np.exp(np.where(start > 0.0, np.log(np.maximum(start, 0.0)) + stretch, -np.inf))
    if not np.isfinite(density).all():
        raise FloatingPointError(
            f"the density at t={t} exceeds the range of float64: the law is concentrated; "
            "its samples, and in one dimension its cdf and ppf, are available"
        )
    return density


def push_forward(net, g0, t, walls=None):
    """The exact solution at time t as a probability law (eqs. (3), (8), (25); paper).

    A `PushForward` for d = 1, a `PushForwardMany` for d > 1, where walls are not available.
    """
    if isinstance(net, SimResNet) and net.dimension > 1:
        if walls is not None:
            raise ValueError(f"walls are for d = 1; net has d = {net.dimension}")
        return PushForwardMany(net, g0, t)
    return PushForward(net, g0, t, walls)


def exact(net, g0, t, x, walls=None):
    """Exact density g(t, x) by characteristics (eqs. (3), (8), (25); paper).

    Returns
    -------
    ndarray
        Of the shape of x for d = 1, of shape (...) for x of shape (..., d).
    """
    return push_forward(net, g0, t, walls).pdf(x)
