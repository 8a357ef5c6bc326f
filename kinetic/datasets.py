"""Data of the classification problem (sec. 4.2.1; paper). Lengths in metres."""

from typing import NamedTuple

import numpy as np

from kinetic import _validate

SHORTEST, LONGEST, THRESHOLD = 2.0, 8.0, 5.0


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
    count = _validate.integer("count", count, low=1)
    length = np.random.default_rng(rng).uniform(SHORTEST, LONGEST, count)
    return Vehicles(length, np.where(length > THRESHOLD, "truck", "car"))
