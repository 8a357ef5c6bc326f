"""Data of the classification and the regression problem (sec. 4.2; paper), and digits.

Lengths of vehicles are in metres; everything else is dimensionless.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinetic import _validate
from kinetic.handwriting import Digits, digits, mnist

__all__ = [
    "Digits", "LineLaw", "Measurements", "Vehicles", "digits", "lengths", "mnist", "regression",
    "slopes_and_intercepts", "table_1", "vehicles",
]  # fmt: skip

SHORTEST, LONGEST, THRESHOLD = 2.0, 8.0, 5.0
POSITIONS = (-math.sqrt(2.0), math.sqrt(2.0))
ARRANGEMENTS = ("spread", "neighbours")


class Vehicles(NamedTuple):
    """Measured vehicles.

    length : (M,) measured lengths, in metres.
    classifier : (M,) array of the strings "car" and "truck".
    """

    length: np.ndarray
    classifier: np.ndarray


def table_1():
    """The six measurements and their classifiers, as printed (Table 1; paper)."""
    return Vehicles(
        np.array([3.0, 3.5, 5.5, 7.0, 4.5, 8.0]),
        np.array(["car", "car", "truck", "truck", "car", "truck"]),
    )


def lengths(count=50, rng=0):
    """Independent lengths of vehicles, uniform on [2, 8].

    Arguments and errors as in `vehicles`, whose lengths these are.

    Returns
    -------
    (M,) ndarray
    """
    count = _validate.integer("count", count, low=1)
    return _validate.generator("rng", rng).uniform(SHORTEST, LONGEST, count)


def vehicles(count=50, rng=0):
    """Vehicles with independent lengths, uniform on [2, 8]; trucks are longer than 5.

    Parameters
    ----------
    count : int
        Number M of vehicles, at least 1; the paper has 50.
    rng : numpy.random.Generator or int
        Source of randomness, or its seed.

    Returns
    -------
    Vehicles

    Raises
    ------
    ValueError, TypeError
        If count is not a positive integer.
    """
    length = lengths(count, rng)
    return Vehicles(length, np.where(length > THRESHOLD, "truck", "car"))


class Measurements(NamedTuple):
    """Measurements of a line.

    position : (M,) fixed positions x, increasing.
    value : (M,) measured y.
    """

    position: np.ndarray
    value: np.ndarray


def regression(count=5000, interval=POSITIONS, slope=1.0, intercept=0.0, rng=0):
    """Measurements of y = slope x + intercept with standard normal errors (sec. 4.2.2; paper).

    Parameters
    ----------
    count : int
        Number M of measurements, at least 2; the paper has 5,000.
    interval : (float, float)
        The positions are the midpoints of its M equal parts. The paper does not say where they
        are.
    slope, intercept : float
        1 and 0 in the paper.
    rng : numpy.random.Generator or int
        Source of randomness, or its seed.

    Returns
    -------
    Measurements

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If the positions exceed the range of float64.
    """
    count = _validate.integer("count", count, low=2)
    left, right = _validate.interval("interval", interval)
    slope, intercept = _validate.number("slope", slope), _validate.number("intercept", intercept)
    with np.errstate(over="ignore"):
        position = left + (right - left) * (np.arange(count) + 0.5) / count
    if not np.isfinite(position).all():
        raise FloatingPointError(
            f"the positions exceed float64 for count={count} and interval={interval}"
        )
    errors = _validate.generator("rng", rng).standard_normal(count)
    return Measurements(position, slope * position + intercept + errors)


def slopes_and_intercepts(position, value, group=2, arrangement="spread"):
    """Numerical slopes and intercepts of groups of measurements (sec. 4.2.2; paper).

    Each group is fitted by least squares; a group of two by the line through both points.
    The paper does not say how its slopes and intercepts were formed.

    Parameters
    ----------
    position, value : (M,) array_like
        Measurements, at increasing positions for the meaning of ``arrangement``.
    group : int
        Measurements in a group, at least 2; a divisor of M.
    arrangement : {"spread", "neighbours"}
        "spread": every (M / group)-th measurement, so that a group spans the positions;
        "neighbours": consecutive ones.

    Returns
    -------
    (M / group, 2) ndarray
        Slope and intercept of each group.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or all positions of a group are equal.
    FloatingPointError
        If a slope or an intercept exceeds the range of float64.
    """
    x, y = _validate.array("position", position), _validate.array("value", value)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            f"position and value must be vectors of equal length; got {x.shape} and {y.shape}"
        )
    group = _validate.integer("group", group, low=2)
    _validate.choice("arrangement", arrangement, ARRANGEMENTS)
    if x.size == 0 or x.size % group:
        raise ValueError(f"group must divide the number of measurements {x.size}; got {group}")
    order = "F" if arrangement == "spread" else "C"
    x, y = (part.reshape(-1, group, order=order) for part in (x, y))
    middle = x.mean(axis=1, keepdims=True)
    with np.errstate(over="ignore"):
        squares = ((x - middle) ** 2).sum(axis=1)
    if not squares.all():
        raise ValueError(f"the positions of group {int(squares.argmin())} are all equal")
    with np.errstate(over="ignore", invalid="ignore"):
        slope = ((x - middle) * y).sum(axis=1) / squares
        found = np.column_stack([slope, y.mean(axis=1) - slope * middle[:, 0]])
    if not (np.isfinite(squares).all() and np.isfinite(found).all()):
        raise FloatingPointError("a line exceeds the range of float64: position or value is large")
    return found


@dataclass(frozen=True)
class LineLaw:
    """Law of slopes m and intercepts q of spread groups, M -> infinity (sec. 4.2.2; paper).

    A group of k has its positions L / k apart around a middle c, and c is uniform on
    the middle part of length L / k of the interval. With S = L^2 (k^2 - 1) / (12 k),

        m ~ N(slope, 1 / S),    q = intercept + e - (m - slope) c,    e ~ N(0, 1 / k),

    where m, e and c are independent. In an interval around 0 the two are uncorrelated but not
    independent: the variance of q grows with (m - slope)^2.

    Parameters
    ----------
    interval : (float, float)
    group : int
    slope, intercept : float
        As in `regression` and `slopes_and_intercepts`.
    """

    interval: tuple = POSITIONS
    group: int = 2
    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self):
        for name in ("slope", "intercept"):
            object.__setattr__(self, name, _validate.number(name, getattr(self, name)))
        object.__setattr__(self, "interval", _validate.interval("interval", self.interval))
        object.__setattr__(self, "group", _validate.integer("group", self.group, low=2))
        with np.errstate(all="ignore"):
            spread = np.array([*self._middle_and_reach, self._slope_variance])
        if not (np.isfinite(spread).all() and spread[-1] > 0.0 and np.isfinite(self.cov).all()):
            raise ValueError(
                f"interval must give slopes a variance within float64; got {self.interval}"
            )

    @property
    def _middle_and_reach(self):
        left, right = self.interval
        return (left + right) / 2.0, (right - left) / (2.0 * self.group)

    @property
    def _slope_variance(self):
        left, right = self.interval
        return 12.0 * self.group / (np.float64(right - left) ** 2 * (self.group**2 - 1.0))

    @property
    def mean(self):
        """(2,) mean of slope and intercept: the line itself."""
        return np.array([self.slope, self.intercept])

    @property
    def cov(self):
        """(2, 2) covariance of slope and intercept."""
        middle, reach = self._middle_and_reach
        variance = self._slope_variance
        mixed = -middle * variance
        last = 1.0 / self.group + variance * (middle**2 + reach**2 / 3.0)
        return np.array([[variance, mixed], [mixed, last]])

    def pdf(self, x):
        """Density at points x of shape (..., 2)."""
        from scipy.special import ndtr

        x = _validate.array("x", x)
        if x.shape[-1:] != (2,):
            raise ValueError(f"x must have shape (..., 2); got {x.shape}")
        middle, reach = self._middle_and_reach
        m, q = x[..., 0] - self.slope, x[..., 1] - self.intercept
        center = -np.abs(q + m * middle) * math.sqrt(self.group)
        half = np.abs(m) * reach * math.sqrt(self.group)
        wide = half > SMALLEST_HALF
        safe = np.where(wide, half, 1.0)
        spread = (ndtr(center + safe) - ndtr(center - safe)) / (2.0 * safe)
        point = _normal(center) * (1.0 + (center**2 - 1.0) * half**2 / 6.0)
        scale = math.sqrt(self.group / self._slope_variance)
        return scale * _normal(m / math.sqrt(self._slope_variance)) * np.where(wide, spread, point)

    def rvs(self, size, random_state=None):
        """(size, 2) independent samples; random_state: a Generator or a seed."""
        size = _validate.integer("size", size, low=0)
        rng = _validate.generator("random_state", random_state)
        middle, reach = self._middle_and_reach
        m = math.sqrt(self._slope_variance) * rng.standard_normal(size)
        error = rng.standard_normal(size) / math.sqrt(self.group)
        q = error - m * rng.uniform(middle - reach, middle + reach, size)
        return self.mean + np.column_stack([m, q])


SMALLEST_HALF = 1e-3
"""Below it the difference of two values of the normal distribution function loses digits."""


def _normal(x):
    return np.exp(-(x**2) / 2.0) / math.sqrt(2.0 * math.pi)
