"""The exact solution of the mean-field equation by characteristics (sec. 2.2; paper).

With X the flow of the network, g(t, X(x)) = g_0(x) / X'(x), and the distribution
function at X(x) is that of g_0 at x. All quantities are dimensionless.
"""

import math

import numpy as np

from kinetic import _validate, characteristics
from kinetic.network import SimResNet

MASS_TOLERANCE = 1e-6


class PushForward:
    """The law of X(t) for X(0) with law g0: the exact solution of (8).

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
        one_dimensional(net)
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
        return x, *characteristics.flow(self.net, x, self.t, 0.0)

    def pdf(self, x):
        """Density at x (without the atoms at walls).

        Raises FloatingPointError where it exceeds the range of float64.
        """
        x, origin, stretch = self._origin(x)
        start = np.asarray(getattr(self.g0, "pdf", self.g0)(origin), dtype=float)
        inside = (x > self.walls[0]) & (x < self.walls[1]) if self.t else True
        with np.errstate(divide="ignore", over="ignore"):
            density = np.exp(
                np.where(start > 0.0, np.log(np.maximum(start, 0.0)) + stretch, -np.inf)
            )
        density = np.where(inside, density, 0.0)
        if not np.isfinite(density).all():
            raise FloatingPointError(
                f"the density at t={self.t} exceeds the range of float64: the law is concentrated; "
                "its cdf and ppf are available"
            )
        return density

    def cdf(self, x):
        """Distribution function at x, atoms at walls included."""
        law = self._law()
        x, origin, _ = self._origin(x)
        values = np.where(x < self.walls[0], 0.0, law.cdf(origin))
        return np.where(x >= self.walls[1], 1.0, values)

    def ppf(self, q):
        """Quantile function at q in [0, 1]: the flow is increasing.

        Raises FloatingPointError where a quantile exceeds the range of float64.
        """
        start = np.asarray(self._law().ppf(q), dtype=float)
        finite = np.isfinite(start)
        moved = characteristics.flow(self.net, np.where(finite, start, 0.0), 0.0, self.t)[0]
        if not np.isfinite(moved).all():
            raise FloatingPointError(f"a quantile at t={self.t} exceeds the range of float64")
        return np.clip(np.where(finite, moved, start), *self.walls)

    def rvs(self, size, rng):
        """``size`` independent samples by the quantile function; rng: a Generator or a seed."""
        return self.ppf(np.random.default_rng(rng).random(size))


def push_forward(net, g0, t, walls=None):
    """The exact solution of (8) at time t as a probability law; see `PushForward`."""
    return PushForward(net, g0, t, walls)


def exact(net, g0, t, x, walls=None):
    """Exact density g(t, x) by characteristics; see `PushForward`.

    Returns
    -------
    ndarray
        Of the shape of x.
    """
    return PushForward(net, g0, t, walls).pdf(x)


def one_dimensional(net):
    """Refuse what is not a network of dimension one."""
    if not isinstance(net, SimResNet):
        raise TypeError(f"net must be a kinetic.SimResNet; got {type(net).__name__}")
    if net.dimension != 1:
        raise ValueError(f"the network must have dimension 1; got {net.dimension}")
