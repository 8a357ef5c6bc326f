"""Checks at the public boundary: each error names what was given and what is accepted."""

import math
from numbers import Integral, Real

import numpy as np


def number(name, value, *, low=-math.inf, high=math.inf, accepted="a finite number"):
    """A finite real number in the closed interval [low, high], as float."""
    real = isinstance(value, (Real, np.integer, np.floating))
    if isinstance(value, (bool, np.bool_)) or not real:
        raise TypeError(f"{name} must be {accepted}; got {value!r}")
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} must be {accepted}; got {value!r}")
    return value


def positive(name, value):
    """A finite real number above 0, as float."""
    value = number(name, value, accepted="a positive number")
    if value <= 0.0:
        raise ValueError(f"{name} must be a positive number; got {value}")
    return value


def integer(name, value, *, low):
    """An integer of at least ``low``, as int."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer of at least {low}; got {value!r}")
    if value < low:
        raise ValueError(f"{name} must be an integer of at least {low}; got {value}")
    return int(value)


def array(name, value, *, dtype=float, accepted="an array of finite numbers"):
    """A finite real array; ``dtype=None`` keeps float32 and float64 as they are."""
    try:
        given = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must be {accepted}; got rows of unequal length") from None
    if np.ma.is_masked(value):
        raise ValueError(f"{name} must be {accepted}; got masked entries")
    if given.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be {accepted}; got {given.dtype} values: {value!r:.80}")
    if dtype is None:
        dtype = given.dtype if given.dtype in (np.float32, np.float64) else float
    given = np.ascontiguousarray(given, dtype=dtype).reshape(given.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        total = given.sum(dtype=float)
    if not math.isfinite(total) and not np.isfinite(given).all():
        where = np.argwhere(~np.isfinite(given))[0]
        index = ", ".join(str(i) for i in where)
        raise ValueError(f"{name} must be {accepted}; got {given[tuple(where)]} at index ({index})")
    return given


def interval(name, value):
    """The ends a < b of an interval of finite length, as floats."""
    ends = array(name, value, accepted="two finite numbers (a, b)")
    if ends.shape != (2,) or not 0.0 < float(ends[1]) - float(ends[0]) < math.inf:
        raise ValueError(f"{name} must be two numbers (a, b) with a < b; got {value!r}")
    return float(ends[0]), float(ends[1])


def times(value, name="times"):
    """A one-dimensional, strictly increasing array of at least one finite time."""
    given = array(name, value, accepted="a sequence of finite, increasing times")
    if given.ndim != 1 or given.size == 0:
        raise ValueError(
            f"{name} must be a one-dimensional, non-empty sequence; got shape {given.shape}"
        )
    if not math.isfinite(float(given[-1]) - float(given[0])):
        raise ValueError(f"{name} must span a finite time; got {given[0]} to {given[-1]}")
    steps = np.diff(given)
    if np.any(steps <= 0):
        i = int(np.argmax(steps <= 0))
        raise ValueError(f"{name} must increase; got {given[i]} followed by {given[i + 1]}")
    return given


def flag(name, value):
    """True or False, as bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False; got {value!r:.80}")
    return bool(value)


def index(name, value, count):
    """An index of one of ``count`` entries, possibly negative, as int."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer; got {value!r:.80}")
    if not -count <= value < count:
        raise ValueError(f"{name} must be an index of {count} entries; got {value}")
    return int(value)


def quantiles(name, value):
    """An array of numbers in [0, 1]."""
    value = array(name, value, accepted="numbers in [0, 1]")
    if value.size and not (value.min() >= 0.0 and value.max() <= 1.0):
        raise ValueError(
            f"{name} must be numbers in [0, 1]; got values from {value.min()} to {value.max()}"
        )
    return value


def function(name, value, accepted):
    """A function, or an error that says which is ``accepted``."""
    if not callable(value):
        raise TypeError(f"{name} must be {accepted}; got {value!r:.80}")
    return value


def real(name, values):
    """What a given function returned: an array of real numbers, finite or not."""
    try:
        values = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must return numbers; got rows of unequal length") from None
    if values.dtype.kind not in "biuf":
        raise TypeError(f"{name} must return real numbers; got {values.dtype} values")
    return values.astype(float)


def returned(name, values, shape):
    """What a given function or law returned: finite numbers in an array of a shape."""
    values = array(name, values, accepted="a function that returns finite numbers")
    if values.shape != shape:
        raise ValueError(f"{name} must return an array of shape {shape}; got {values.shape}")
    return values


def law(name, value, *methods):
    """A law with some methods."""
    lacking = [method for method in methods if not callable(getattr(value, method, None))]
    if lacking:
        raise TypeError(
            f"{name} must be a law with {' and '.join(methods)}; {type(value).__name__} has no "
            f"{' and no '.join(lacking)}"
        )
    return value


def choice(name, value, accepted):
    """One of the accepted strings."""
    if not (isinstance(value, str) and value in accepted):
        listed = ", ".join(repr(entry) for entry in accepted)
        raise ValueError(f"{name} must be one of {listed}; got {value!r}")
    return value


def tolerances(rtol, atol):
    """Relative and absolute tolerance, at least 0, the second of which may be None."""
    accepted = "a number of at least 0"
    rtol = number("rtol", rtol, low=0.0, accepted=accepted)
    return rtol, atol if atol is None else number("atol", atol, low=0.0, accepted=accepted)


def probabilities(name, value, count):
    """(count,) numbers of at least 0 with sum 1, up to 1e-9; equal ones for None."""
    if value is None:
        return np.full(count, 1.0 / count)
    value = array(name, value)
    if value.shape != (count,):
        raise ValueError(f"{name} must have shape ({count},); got {value.shape}")
    if value.min() < 0.0 or abs(value.sum() - 1.0) > 1e-9:
        raise ValueError(
            f"{name} must be at least 0 and of sum 1; got minimum {value.min():.6g} and sum "
            f"{value.sum():.12g}"
        )
    return value


def generator(name, value):
    """A random generator: the given one, or one from a seed."""
    try:
        return np.random.default_rng(value)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{name} must be a numpy.random.Generator or a seed of at least 0; got {value!r:.80}"
        ) from None
