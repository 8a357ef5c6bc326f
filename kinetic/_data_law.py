"""The law of the data of a two-layer network: finitely many points with values."""

from typing import NamedTuple

import numpy as np

from kinetic import _validate


class DataLaw(NamedTuple):
    """A finite law of the data, checked.

    x : (M, d) array.
    y : (M,) array.
    probabilities : (M,) array of sum 1.
    flat : bool
        Whether x was given as (M,), so that w is (N,).
    """

    x: np.ndarray
    y: np.ndarray
    probabilities: np.ndarray
    flat: bool


def data_law(x, y, probabilities=None):
    """Check points, values and probabilities of the data.

    Parameters
    ----------
    x : (M,) or (M, d) array_like
    y : (M,) array_like
    probabilities : (M,) array_like, optional
        Not negative, of sum 1 to 1e-9. By default all are 1 / M.

    Returns
    -------
    DataLaw

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    x, y = _validate.array("x", x), _validate.array("y", y)
    if x.ndim not in (1, 2) or x.size == 0:
        raise ValueError(f"x must have shape (M,) or (M, d) with M, d >= 1; got {x.shape}")
    if y.shape != x.shape[:1]:
        raise ValueError(f"y must have shape ({len(x)},) like the points of x; got {y.shape}")
    chances = _validate.probabilities("probabilities", probabilities, y.size)
    if probabilities is not None:
        chances = chances / chances.sum()
    return DataLaw(x.reshape(len(x), -1), y, chances, x.ndim == 1)
