"""A smooth function of one number as a table, exact to rounding.

In one dimension all layers of a network together are one function of one number.
Tabulated once, it moves a particle at a cost that does not depend on the number of
layers: find the piece, evaluate a polynomial of degree seven.
"""

import numpy as np

from kinetic import _parallel, _validate
from kinetic._compile import kernel

__all__ = ["EndMap"]

NODES = np.cos(np.pi * (np.arange(8) + 0.5) / 8)
TO_COEFFICIENTS = np.linalg.inv(np.vander(NODES, increasing=True)).T
"""Values at the eight Chebyshev points of a piece, times this: powers of s in [-1, 1]."""

CHECKED_AT = np.array([-0.93, -0.1, 0.72])
FIRST_PIECES = 64
MOST_PIECES = 1 << 16
ROUNDING = 16 * np.finfo(float).eps
SMALLEST_TASK = 1 << 15


@kernel
def _evaluate(coefficients, left, pieces_per_unit, x, out):
    last = coefficients.shape[0] - 1
    for p in range(x.size):
        position = (np.float64(x[p]) - left) * pieces_per_unit
        i = min(max(np.int64(position), 0), last)
        s = 2.0 * (position - i) - 1.0
        c = coefficients[i]
        s2 = s * s
        low = (c[0] + s * c[1]) + (c[2] + s * c[3]) * s2
        high = (c[4] + s * c[5]) + (c[6] + s * c[7]) * s2
        out[p] = low + high * (s2 * s2)


class EndMap:
    """The tabulated map from inputs to final states; see `kinetic.network.end_map`.

    Attributes
    ----------
    interval : (float, float)
        Inputs that it accepts.
    coefficients : (n, 8) array
        Polynomial of each piece in s in [-1, 1].
    error : float
        Largest deviation seen at three points of each piece.
    walls : (float, float) or None
        States beyond them are put on them.
    """

    def __init__(self, interval, coefficients, error, walls=None):
        self.interval = interval
        self.coefficients = coefficients
        self.error = error
        self.walls = walls

    def __call__(self, x, out=None, threads=None):
        """States at the end for inputs x of shape (M,), in double or single precision.

        ``out`` may be x itself. Raises ValueError for inputs outside of the interval.
        """
        x = _validate.array("x", x, dtype=None)
        left, right = self.interval
        if x.ndim != 1 or x.size == 0:
            raise ValueError(f"x must be non-empty and of shape (M,); got {x.shape}")
        if x.min() < left or x.max() > right:
            raise ValueError(f"x must lie in [{left}, {right}]; got [{x.min()}, {x.max()}]")
        threads = _parallel.thread_count(threads)
        if out is None:
            out = np.empty_like(x)
        elif not isinstance(out, np.ndarray) or out.shape != x.shape or out.dtype != x.dtype:
            raise ValueError(f"out must be a {x.dtype} array of shape {x.shape}")
        elif not out.flags.writeable:
            raise ValueError("out must be writeable")
        elif np.may_share_memory(x, out) and x.ctypes.data != out.ctypes.data:
            x = x.copy()
        scale = len(self.coefficients) / (right - left)

        def work(rows):
            _evaluate(self.coefficients, left, scale, x[rows], out[rows])
            if self.walls is not None:
                np.clip(out[rows], *self.walls, out=out[rows])

        _parallel.over_rows(work, x.size, threads, max(SMALLEST_TASK, -(-x.size // threads)))
        return out


def tabulate(function, left, right):
    """Tabulate a vectorized function on [left, right], refined until exact to rounding.

    Raises
    ------
    ValueError
        If no table of at most 65,536 pieces reproduces the function to 16 units of
        rounding of its largest value and of what rounding its argument does.
    """
    pieces = FIRST_PIECES
    while pieces <= MOST_PIECES:
        half = (right - left) / pieces / 2.0
        centers = left + half * (2.0 * np.arange(pieces)[:, None] + 1.0)
        at_nodes = function((centers + half * NODES).ravel()).reshape(pieces, -1)
        table = EndMap((left, right), at_nodes @ TO_COEFFICIENTS, 0.0)
        inner = (centers + half * CHECKED_AT).ravel()
        error = float(np.abs(table(inner) - function(inner)).max())
        steepest = np.abs(table.coefficients[:, 1]).max() / half
        if error <= ROUNDING * (np.abs(at_nodes).max() + steepest * max(abs(left), abs(right))):
            table.error = error
            return table
        pieces *= 2
    raise ValueError(
        f"no table of {MOST_PIECES} pieces reproduces the map on the interval [{left}, {right}] to "
        f"rounding (error {error:.2g}); it has kinks or is too steep"
    )
