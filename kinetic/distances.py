"""The 1-Wasserstein distance (Definition 1; paper).

On the line, W(mu, nu) = int |F - G| dx with the two distribution functions, which
needs no optimal plan. Between samples of equal size in R^d some assignment is an optimal
plan, and a Dirac leaves no choice of a plan.
"""

from weakref import WeakKeyDictionary

import numpy as np

from kinetic import _validate

SMOOTH_LEVELS = 4096
DEEPEST_TAIL = 52
BEND = 1e-9
MOST_HALVINGS = 60
MOST_POINTS = 1 << 20
JUMP = 4.0
"""How far beside a point its limits are taken, in spacings of float64: an exact law that has
gathered mass in less than that has its jump there only up to rounding."""
MOST_ASSIGNED = 4096

_POINTS = WeakKeyDictionary()
"""Resolving points of the laws in use: many samples are often compared with one law."""


def wasserstein(a, b):
    """1-Wasserstein distance of two laws with finite means, or samples (Definition 1, (4); paper).

    Parameters
    ----------
    a, b : array_like or law
        On the line samples of shape (M,), or an object with ``cdf`` and ``ppf`` (a frozen
        distribution of `scipy.stats`, `mean_field.push_forward`, ``Solution.law(i)``).
        In R^d, d > 1, samples of shape (M, d), of equal size M up to 4,096, or one of
        them of size 1: a Dirac.

    Returns
    -------
    float
        Exact to rounding between samples and laws that are constant in cells; in R^d by
        an optimal assignment, at a cost that grows like M^3. With
        another law the integral is computed by Simpson's rule between 4,096 of its
        quantiles, and halved intervals where its distribution function bends.

    Raises
    ------
    ValueError, TypeError
        If a sample is empty, of another shape or not finite, or a law lacks cdf or ppf.
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
    if samples and first.size == second.size:
        return float(np.mean(np.abs(np.sort(first) - np.sort(second))))
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


def _in_space(a, b):
    if a.shape[1] != b.shape[1] or (len(a) != len(b) and 1 not in (len(a), len(b))):
        raise ValueError(
            "samples in R^d must have equal size and dimension, or one of them size 1; "
            f"got shapes {a.shape} and {b.shape}"
        )
    if 1 in (len(a), len(b)):
        return float(np.linalg.norm(a - b, axis=1).mean())
    if len(a) > MOST_ASSIGNED:
        raise ValueError(
            f"samples in R^d are limited to {MOST_ASSIGNED} points; got {len(a)}: draw fewer"
        )
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    costs = cdist(a, b)
    return float(costs[linear_sum_assignment(costs)].mean())


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
