"""The 1-Wasserstein distance (Definition 1; paper).

On the line, W(mu, nu) = int |F - G| dx with the two distribution functions, which
needs no optimal plan. In R^d the network simplex method of POT finds one between two
samples; a Dirac leaves no choice of a plan.
"""

import math
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from kinetic import _clusters, _sorted, _validate

SMOOTH_LEVELS = 4096
DEEPEST_TAIL = 52
BEND = 1e-9
MOST_HALVINGS = 60
MOST_POINTS = 1 << 20
JUMP = 4.0
"""How far beside a point its limits are taken, in spacings of float64: an exact law that has
gathered mass in less than that has its jump there only up to rounding."""
MOST_IN_SPACE = 4096
MOST_PIVOTS = 10**8

_POINTS = WeakKeyDictionary()
"""Resolving points of the laws in use: many samples are often compared with one law."""


def wasserstein(a, b):
    """1-Wasserstein distance of two laws with finite means, or samples (Definition 1, (4); paper).

    Parameters
    ----------
    a, b : array_like or law
        On the line samples of shape (M,), or an object with ``cdf`` and ``ppf`` (a frozen
        distribution of `scipy.stats`, `mean_field.push_forward`, ``Solution.law(i)``).
        In R^d, d > 1, samples of shape (M, d) and (N, d), M and N up to 4,096, or one of
        them a Dirac, of size 1; see `estimate` for more.

    Returns
    -------
    float
        Exact to rounding between samples and laws that are constant in cells. With
        another law the integral is computed by Simpson's rule between 4,096 of its
        quantiles, and halved intervals where its distribution function bends.

    Raises
    ------
    ValueError, TypeError
        If a sample is empty, of another shape or not finite, or a law lacks cdf or ppf.
    FloatingPointError
        If the distance exceeds the range of float64.
    """
    first, second = _prepared("a", a), _prepared("b", b)
    samples = isinstance(first, np.ndarray) and isinstance(second, np.ndarray)
    if samples and first.ndim == second.ndim == 2:
        return _in_space(first, second)
    for name, entry in (("a", first), ("b", second)):
        if isinstance(entry, np.ndarray) and entry.ndim != 1:
            raise ValueError(
                f"{name} must be a sample of shape (M,), or a and b samples of shape (M, d); "
                f"got {entry.shape}"
            )
    if samples:
        return _on_the_line(first, second)
    functions = [_distribution_function(entry) for entry in (first, second)]
    points = np.unique(np.concatenate([points for points, _ in functions]))
    (_, f), (_, g) = functions
    widths = np.diff(points)
    left = f(points[:-1], "right") - g(points[:-1], "right")
    right = f(points[1:], "left") - g(points[1:], "left")
    middles = (points[:-1] + points[1:]) / 2.0
    middle = f(middles, "right") - g(middles, "right")
    same_sign = (left * right >= 0.0) & (left * middle >= 0.0)
    simpson = np.abs(left + 4.0 * middle + right) / 6.0
    total = np.abs(left) + np.abs(right)
    crossing = (left**2 + right**2) / (2.0 * np.where(total > 0.0, total, 1.0))
    return float(np.sum(widths * np.where(same_sign, simpson, crossing)))


def _prepared(name, given):
    if hasattr(given, "cdf"):
        if not hasattr(given, "ppf"):
            raise TypeError(f"{name} must be a sample or a law with cdf and ppf; it has no ppf")
        return given
    sample = _validate.array(name, given, accepted="a sample of finite numbers or a law")
    if sample.size == 0:
        raise ValueError(f"{name} must be a non-empty sample of shape (M,); got {sample.shape}")
    return sample


class Estimate(NamedTuple):
    """Result of `estimate`.

    distance : approximate 1-Wasserstein distance.
    error : bound of its error.
    """

    distance: float
    error: float


def estimate(a, b, *, clusters=1024):
    """Approximate 1-Wasserstein distance of large samples in R^d with a bound of its error.

    A tree whose nodes halve the points divides space into cells, and the points of a sample in
    a cell are moved to their centroid. The exact distance of the samples a', b' so moved is
    the estimate. Its optimal plan tells from which cell to which the points of a go, which as
    a plan between the points themselves has a cost of at least W(a, b); its dual solution v
    gives the potential f(x) = min_j (|x - b_j'| - v_j) of slope at most 1, and Kantorovich's
    duality

        mean f(a_i) - mean f(b_j) <= W(a, b).

    Where these bounds are wide, those of the triangle inequality may be better,
    |W(a', b') - W(a, b)| <= mean |a_i - a_i'| + mean |b_j - b_j'|.

    Parameters
    ----------
    a, b : (M, d) and (N, d) array_like
        Samples, d > 1.
    clusters : int
        Number of cells, from 2 to 4,096, rounded down to a power of two. The time of the
        transport grows a little faster than its square (1,024: about 0.1 s).

    Returns
    -------
    Estimate
        The bound holds up to rounding. Exact, with error 0, where neither sample has more than
        ``clusters`` points.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If the distance exceeds the range of float64.
    """
    a, b = _points("a", a), _points("b", b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"a and b must be samples of equal dimension; got shapes {a.shape} and {b.shape}"
        )
    clusters = _validate.integer("clusters", clusters, low=2)
    if clusters > MOST_IN_SPACE:
        raise ValueError(f"clusters must be from 2 to {MOST_IN_SPACE}; got {clusters}")
    if max(len(a), len(b)) <= clusters:
        return Estimate(_in_space(a, b), 0.0)
    unit = _unit(a, b)
    a, b = a / unit, b / unit
    cuts = _clusters.tree(np.concatenate([a, b]), clusters.bit_length() - 1)
    a, b = _clusters.gather(a, *cuts), _clusters.gather(b, *cuts)
    between, plan, heights = _transport(a.centroids, a.shares, b.centroids, b.shares)
    moved = a.moved + b.moved
    low, high = (_clusters.mean_potential(c, b.centroids, heights) for c in (b, a))
    lower = max(high - low, between - moved, 0.0)
    upper = max(min(_clusters.cost_of_plan(a, b, plan), between + moved), lower)
    found = min(max(between, lower), upper)
    error = max(upper - found, found - lower)
    return Estimate(_in_range(unit * found), _in_range(unit * error))


def _points(name, given):
    sample = _validate.array(name, given)
    if sample.ndim != 2 or sample.shape[1] < 2 or sample.size == 0:
        raise ValueError(
            f"{name} must be a sample of shape (M, d), M >= 1 and d >= 2; got {sample.shape}"
        )
    return sample


def _on_the_line(a, b):
    a, b = _sorted.ascending(a), _sorted.ascending(b)
    found = _between_sorted(a, b)
    if not math.isfinite(found):  # perhaps the sum was too large, not the mean
        unit = _unit(a, b)
        found = unit * _between_sorted(a / unit, b / unit)
    return _in_range(found)


def _between_sorted(a, b):
    with np.errstate(over="ignore"):
        if a.size == b.size:
            return float(np.mean(np.abs(a - b)))
        return _sorted.distance(a, b) if a.size > b.size else _sorted.distance(b, a)


def _in_space(a, b):
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"samples a and b in R^d must have equal dimension; got shapes {a.shape} and {b.shape}"
        )
    smaller, larger = sorted((len(a), len(b)))
    if smaller > 1 and larger > MOST_IN_SPACE:
        raise ValueError(
            f"samples in R^d are limited to {MOST_IN_SPACE} points; got {larger}: "
            "see kinetic.distances.estimate"
        )
    unit = _unit(a, b)
    a, b = a / unit, b / unit
    if smaller == 1:
        return _in_range(unit * float(np.linalg.norm(a - b, axis=1).mean()))
    shares = [np.full(len(sample), 1.0 / len(sample)) for sample in (a, b)]
    return _in_range(unit * _transport(a, shares[0], b, shares[1])[0])


def _unit(a, b):
    """A power of two of the size of the samples: dividing by it rounds nothing."""
    return math.ldexp(0.5, math.frexp(max(np.abs(a).max(), np.abs(b).max()))[1])


def _transport(from_points, from_shares, to_points, to_shares):
    """Least mean distance over which the shares at some points are moved to others.

    Also the plan (M, N), and the dual solution (N,) at the second points.
    """
    import ot
    from scipy.spatial.distance import cdist

    costs = cdist(from_points, to_points)
    plan, log = ot.emd(from_shares, to_shares, costs, numItermax=MOST_PIVOTS, log=True)
    if log["warning"] is not None:
        raise RuntimeError(f"the network simplex method of POT found no plan: {log['warning']}")
    return float(log["cost"]), plan, log["v"]


def _in_range(distance):
    if not math.isfinite(distance):
        raise FloatingPointError("the distance exceeds the range of float64")
    return distance


def _distribution_function(law):
    """Break points, and the distribution function with its limit from either side."""
    if isinstance(law, np.ndarray):
        ordered = np.sort(law)
        return ordered, lambda x, side: np.searchsorted(ordered, x, side) / ordered.size
    if hasattr(law, "breakpoints"):
        return law.breakpoints, lambda x, side: law.cdf(x)

    def smooth(x, side):
        beside = JUMP * np.spacing(np.abs(x))
        return np.asarray(law.cdf(x - beside if side == "left" else x + beside), dtype=float)

    try:
        points = _POINTS.get(law)
    except TypeError:  # neither hashable nor open to weak references
        return _resolving_points(law), smooth
    if points is None:
        points = _POINTS[law] = _resolving_points(law)
    return points, smooth


def _resolving_points(law):
    """Quantiles of a law, and points between them until its cdf is nearly straight there."""
    tail = 0.5 ** np.arange(2, DEEPEST_TAIL)
    levels = np.concatenate([np.arange(1, SMOOTH_LEVELS) / SMOOTH_LEVELS, tail, 1.0 - tail])
    points = np.asarray(law.ppf(np.unique(np.concatenate([[0.0], levels, [1.0]]))), dtype=float)
    points = np.unique(points[np.isfinite(points)])
    bulk = np.ptp(np.asarray(law.ppf([0.001, 0.999]), dtype=float))
    allowed = BEND * max(bulk, 1e-3 * np.ptp(points))
    left, right = points[:-1], points[1:]
    for _ in range(MOST_HALVINGS):
        middle = (left + right) / 2.0
        bend = law.cdf(middle) - (law.cdf(left) + law.cdf(right)) / 2.0
        bent = np.abs(bend) * (right - left) > allowed
        if not bent.any() or points.size > MOST_POINTS:
            break
        left, middle, right = left[bent], middle[bent], right[bent]
        points = np.concatenate([points, middle])
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    return points
