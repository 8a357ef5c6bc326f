"""Summaries of particles that can be merged: moments, histograms and quantiles.

A summary reduces a block of particles to a state, one array (`measure`), joins the states of two
blocks (`merge`) and says in the end what they mean (`estimate`). Any picklable object with these
three methods serves `kinetic.ensemble`. Particles are dimensionless numbers, or one component of
vectors.
"""

import math
from dataclasses import dataclass

import numpy as np

from kinetic import _summary_kernels, _validate

MOST_BINS = 10**7
SPACINGS = 16.0
"""Of float64, the narrowest bin: the quotient that finds a bin is then off by one at most."""

HALVINGS = 200
"""Of an interval in float64, until nothing lies between its ends."""


@dataclass(frozen=True)
class MomentEstimate:
    """Moments of all particles together (eq. (9); paper).

    Attributes
    ----------
    count : int
    minimum, maximum, mean : float
    central : (5,) array
        Means of (x - mean)^k for k = 0, ..., 4.
    """

    count: int
    minimum: float
    maximum: float
    mean: float
    central: np.ndarray

    @property
    def variance(self):
        """Second central moment."""
        return float(self.central[2])

    @property
    def mean_error(self):
        """Standard error of the mean, for many particles."""
        return math.sqrt(self.central[2] / self.count)

    @property
    def variance_error(self):
        """Standard error of the variance, for many particles."""
        return math.sqrt(max(self.central[4] - self.central[2] ** 2, 0.0) / self.count)


@dataclass(frozen=True)
class HistogramEstimate:
    """Counts of all particles together.

    Attributes
    ----------
    edges : (bins + 1,) array
    counts : (bins,) array of int
        Particles with edges[i] <= x < edges[i + 1]; the last bin holds its right edge too.
    below, above : int
        Particles beyond the interval.
    """

    edges: np.ndarray
    counts: np.ndarray
    below: int
    above: int

    @property
    def count(self):
        """All particles, those beyond the interval among them."""
        return int(self.counts.sum()) + self.below + self.above

    @property
    def density(self):
        """(bins,) share of all particles in a bin over its width."""
        return self.counts / (self.count * np.diff(self.edges))

    @property
    def cdf(self):
        """(bins + 1,) share of all particles below each edge; at the last edge, up to it."""
        return (self.below + np.concatenate([[0], np.cumsum(self.counts)])) / self.count


class QuantileEstimate:
    """Ranks and quantiles of all particles together, from a t-digest.

    Attributes
    ----------
    count : int
    minimum, maximum : float
    """

    def __init__(self, digest):
        self._digest = digest
        self.count = int(digest.get_total_weight())
        self.minimum, self.maximum = digest.get_min_value(), digest.get_max_value()

    def rank(self, x):
        """Approximate share of particles below x, of any shape."""
        x = _validate.array("x", x)
        ranks = [self._digest.get_rank(value) for value in x.ravel()]
        return np.reshape(ranks, x.shape)

    def quantile(self, q):
        """Approximate quantiles at q in [0, 1], of any shape: where `rank` passes q.

        By bisection, because get_quantile of the library interpolates towards the wrong side
        (apache/datasketches-java, pull request 755) and need not even increase with q.
        """
        q = _validate.array("q", q, accepted="numbers in [0, 1]")
        if q.size and not (q.min() >= 0.0 and q.max() <= 1.0):
            raise ValueError(f"q must be numbers in [0, 1]; got [{q.min()}, {q.max()}]")
        return np.reshape([self._where_rank_passes(value) for value in q.ravel()], q.shape)

    def _where_rank_passes(self, q):
        low, high = self.minimum, self.maximum
        if q == 0.0 or self._digest.get_rank(low) >= q:
            return low
        for _ in range(HALVINGS):
            middle = low + (high - low) / 2.0
            if not low < middle < high:
                break
            low, high = (low, middle) if self._digest.get_rank(middle) >= q else (middle, high)
        return high


@dataclass(frozen=True)
class Moments:
    """Count, extremes, mean and central moments up to the fourth.

    Blocks are merged without the cancellation of sums of powers (Chan, Golub and LeVeque, 1979;
    higher moments by Pebay, 2008).

    Parameters
    ----------
    component : int, optional
        For particles in R^d: which component.
    """

    component: int | None = None

    def __post_init__(self):
        _check_component(self.component)

    def measure(self, x):
        """(7,) state of particles (n,) or (n, d): n, min, max, mean, sums of (x - mean)^2, 3, 4."""
        x = _column(x, self.component)
        low, high, mean = _summary_kernels.extremes_and_mean(x)
        sums = np.empty(4)
        _summary_kernels.central_sums(x, mean, sums)
        return _finite(_about_mean(x.size, low, high, mean, sums))

    def merge(self, a, b):
        """State of the particles of both."""
        a, b = _checked_state("a", a, 7), _checked_state("b", b, 7)
        n, share_a, share_b = a[0] + b[0], a[0] / (a[0] + b[0]), b[0] / (a[0] + b[0])
        with np.errstate(over="ignore", invalid="ignore"):
            d = b[3] - a[3]
            joint = a[0] * share_b * d * d
            third = joint * d * (share_a - share_b) + 3.0 * d * (share_a * b[4] - share_b * a[4])
            fourth = (
                joint * d * d * (share_a**2 - share_a * share_b + share_b**2)
                + 6.0 * d * d * (share_a**2 * b[4] + share_b**2 * a[4])
                + 4.0 * d * (share_a * b[5] - share_b * a[5])
            )
            sums = [a[4] + b[4] + joint, a[5] + b[5] + third, a[6] + b[6] + fourth]
            mean = a[3] + share_b * d
        return _finite(np.array([n, min(a[1], b[1]), max(a[2], b[2]), mean, *sums]))

    def estimate(self, state):
        """`MomentEstimate` of a state."""
        state = _checked_state("state", state, 7)
        n = state[0]
        central = np.array([1.0, 0.0, *(state[4:] / n)])
        return MomentEstimate(int(n), *map(float, state[1:4]), central)


def _finite(state):
    """A state of `Moments` that float64 can hold."""
    if not np.isfinite(state).all():
        low, high = state[1:3]
        raise FloatingPointError(
            f"the moments of particles x from {low:.3g} to {high:.3g} exceed float64"
        )
    return state


def _about_mean(n, low, high, mean, sums):
    """State from the sums of (x - mean)^k about a mean that rounding has moved by sums[0] / n."""
    e = sums[0] / n
    second = sums[1] - n * e * e
    third = sums[2] - 3.0 * e * sums[1] + 2.0 * n * e**3
    fourth = sums[3] - 4.0 * e * sums[2] + 6.0 * e * e * sums[1] - 3.0 * n * e**4
    return np.array([n, low, high, mean + e, max(second, 0.0), third, max(fourth, 0.0)])


@dataclass(frozen=True)
class Histogram:
    """Counts in equal bins, and of what lies below and above.

    Parameters
    ----------
    interval : (float, float)
    bins : int
        At most 10^7.
    component : int, optional
        For particles in R^d: which component.
    """

    interval: tuple
    bins: int
    component: int | None = None

    def __post_init__(self):
        object.__setattr__(self, "interval", _validate.interval("interval", self.interval))
        bins = _validate.integer("bins", self.bins, low=1)
        if bins > MOST_BINS:
            raise ValueError(f"bins must be at most {MOST_BINS}; got {bins}")
        object.__setattr__(self, "bins", bins)
        left, right = self.interval
        narrow = SPACINGS * np.spacing(max(abs(left), abs(right)))
        if (right - left) / bins < narrow or math.isinf(bins / (right - left)):
            raise ValueError(f"interval {self.interval} is too short for {bins} bins in float64")
        _check_component(self.component)

    @property
    def edges(self):
        """(bins + 1,) ends of the bins."""
        return np.linspace(*self.interval, self.bins + 1)

    def measure(self, x):
        """(bins + 2,) state of particles (n,) or (n, d): below, in each bin, above."""
        left, right = self.interval
        counts = np.zeros((_summary_kernels.COPIES, self.bins + 2), np.int64)
        x, per_unit = _column(x, self.component), self.bins / (right - left)
        _summary_kernels.count(x, self.edges, per_unit, counts)
        return counts.sum(axis=0)

    def merge(self, a, b):
        """State of the particles of both."""
        a, b = (_checked_state(n, s, self.bins + 2, np.int64) for n, s in (("a", a), ("b", b)))
        return a + b

    def estimate(self, state):
        """`HistogramEstimate` of a state."""
        state = _checked_state("state", state, self.bins + 2, np.int64)
        return HistogramEstimate(self.edges, state[1:-1], int(state[0]), int(state[-1]))


@dataclass(frozen=True)
class Quantiles:
    """A t-digest: quantiles without a known interval, at a size that does not grow.

    Of the sketches of the library ``datasketches`` (extra ``sketches``) this one draws no random
    numbers. It interpolates between clusters of particles, so that it suits laws without
    atoms; its error is empirical (Dunning and Ertl, 2019), smallest in the tails.

    Parameters
    ----------
    size : int
        Between 10 and 65,535: clusters are at most about twice as many.
    component : int, optional
        For particles in R^d: which component.
    """

    size: int = 200
    component: int | None = None

    def __post_init__(self):
        size = _validate.integer("size", self.size, low=10)
        if size > 65535:
            raise ValueError(f"size must be at most 65535; got {size}")
        object.__setattr__(self, "size", size)
        _check_component(self.component)
        _library()

    def measure(self, x):
        """State of particles (n,) or (n, d): the digest, serialized as bytes."""
        digest = _library().tdigest_double(self.size)
        digest.update(_column(x, self.component))
        return _serialized(digest)

    def merge(self, a, b):
        """State of the particles of both."""
        digest = self._digest("a", a)
        digest.merge(self._digest("b", b))
        return _serialized(digest)

    def estimate(self, state):
        """`QuantileEstimate` of a state."""
        return QuantileEstimate(self._digest("state", state))

    def _digest(self, name, state):
        if not isinstance(state, np.ndarray) or state.dtype != np.uint8:
            raise TypeError(f"{name} must be the state of Quantiles; got {state!r:.80}")
        try:
            return _library().tdigest_double.deserialize(state.tobytes())
        except (ValueError, RuntimeError, MemoryError) as error:
            raise ValueError(f"{name} must be the state of Quantiles: {error}") from None


def _serialized(digest):
    return np.frombuffer(digest.serialize(), np.uint8)


def _library():
    try:
        import datasketches
    except ImportError:
        raise ImportError(
            "Quantiles needs the library datasketches: pip install kinetic[sketches]"
        ) from None
    return datasketches


def _checked_state(name, state, size, dtype=float):
    """A state of so many numbers, of at least one particle."""
    if not isinstance(state, np.ndarray) or state.shape != (size,) or state.dtype != dtype:
        raise TypeError(f"{name} must be the state of this summary; got {state!r:.80}")
    count = state.sum() if dtype == np.int64 else state[0]
    if not (np.isfinite(state).all() and count >= 1):
        raise ValueError(f"{name} must be the state of at least one particle; got {state!r:.80}")
    return state


def _check_component(component):
    if component is not None:
        _validate.integer("component", component, low=0)


def _column(x, component):
    """Particles as a contiguous vector."""
    x = _validate.array("x", x)
    if x.size == 0:
        raise ValueError(f"x must hold at least one particle; got shape {x.shape}")
    if component is None:
        if x.ndim != 1:
            raise ValueError(f"x of shape {x.shape} needs a summary with component=; without, (n,)")
        return np.ascontiguousarray(x)
    if x.ndim != 2 or component >= x.shape[1]:
        raise ValueError(f"component {component} does not exist in x of shape {x.shape}")
    return np.ascontiguousarray(x[:, component])
