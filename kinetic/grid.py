"""Uniform one-dimensional grids, cell averages and norms (sec. 4; paper).

Cell j is [x_{j-1/2}, x_{j+1/2}]. ``faces`` has n + 1 entries, ``centers`` and all
cell averages n. Lengths are dimensionless.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kinetic import _validate

GAUSS_NODES = np.array([-1.0, 0.0, 1.0]) * np.sqrt(3.0 / 5.0) / 2.0
GAUSS_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0
"""Three-point Gauss rule on the reference cell [-1/2, 1/2], exact to degree five."""


@dataclass(frozen=True)
class Grid:
    """A uniform grid of cells between two ends.

    Parameters
    ----------
    left, right : float
        Ends of the domain, left < right.
    cells : int
        Number of cells, at least 5, the width of the scheme's stencil with its ghosts.

    Raises
    ------
    ValueError, TypeError
        If the ends are not finite, equal or reversed, or there are fewer than 5 cells.
    """

    left: float
    right: float
    cells: int

    def __post_init__(self):
        left, right = _validate.number("left", self.left), _validate.number("right", self.right)
        cells = _validate.integer("cells", self.cells, low=5)
        if left >= right:
            raise ValueError(f"a grid needs left < right; got left={left}, right={right}")
        dx = (right - left) / cells
        if not (np.isfinite(dx) and left + dx > left and right - dx < right):
            raise ValueError(
                f"cells of [{left}, {right}] must be wider than rounding; got {cells} of width {dx}"
            )
        object.__setattr__(self, "left", left)
        object.__setattr__(self, "right", right)
        object.__setattr__(self, "cells", cells)

    @property
    def dx(self):
        """Width of a cell."""
        return (self.right - self.left) / self.cells

    @cached_property
    def faces(self):
        """(n + 1,) positions of the cell faces, the ends among them."""
        return np.linspace(self.left, self.right, self.cells + 1)

    @cached_property
    def centers(self):
        """(n,) positions of the cell centres."""
        return (self.faces[:-1] + self.faces[1:]) / 2.0

    def average(self, function):
        """Cell averages of a function by three-point Gauss quadrature.

        Parameters
        ----------
        function : callable
            Takes and returns arrays of shape (n, 3).

        Returns
        -------
        (n,) ndarray

        Raises
        ------
        ValueError
            If the function returns another shape or values that are not finite.
        """
        return self._average("function", function)

    def _average(self, name, function):
        """Cell averages of a function that an error calls by a name."""
        nodes = self.centers[:, None] + self.dx * GAUSS_NODES
        _validate.function(name, function, "a function of x")
        with np.errstate(all="ignore"):
            values = _validate.real(name, function(nodes))
        if values.shape != nodes.shape:
            raise ValueError(
                f"{name} must return one value for each point; "
                f"got shape {values.shape} for points of shape {nodes.shape}"
            )
        if not np.isfinite(values).all():
            worst = nodes[~np.isfinite(values)][0]
            raise ValueError(f"{name} must be finite on the grid; it is not at x={worst}")
        return values @ GAUSS_WEIGHTS

    def norm(self, averages, p=1):
        """Discrete L^p norm (dx sum |u_j|^p)^(1/p) of (n,) cell averages; p = inf: maximum."""
        averages = _validate.array("averages", averages)
        if averages.shape != (self.cells,):
            raise ValueError(f"averages must have shape ({self.cells},); got {averages.shape}")
        return _lebesgue_norm(averages, p, self.dx)


def _lebesgue_norm(averages, p, size):
    """(size sum |u_j|^p)^(1/p), scaled where a power leaves the range of float64."""
    sizes = np.abs(averages)
    largest = float(sizes.max())
    if largest == 0.0 or (isinstance(p, float) and p == np.inf):
        return largest
    p = _validate.number("p", p, low=1.0, accepted="a number of at least 1, or infinity")
    with np.errstate(over="ignore"):
        norm = (size * np.sum(sizes**p)) ** (1.0 / p)
        if not 0.0 < norm < np.inf:
            norm = largest * (size * np.sum((sizes / largest) ** p)) ** (1.0 / p)
    if not np.isfinite(norm):
        raise FloatingPointError("the norm of averages exceeds the range of float64")
    return float(norm)


class CellLaw:
    """The probability law whose density is constant in each cell of a grid.

    Parameters
    ----------
    grid : Grid
    averages : (n,) array
        Non-negative cell averages whose mass dx * sum is 1 to 1e-5; it is divided by.
    """

    def __init__(self, grid, averages):
        if not isinstance(grid, Grid):
            raise TypeError(f"grid must be a kinetic.Grid; got {type(grid).__name__}")
        averages = _validate.array("averages", averages)
        if averages.shape != (grid.cells,) or averages.min() < -1e-12 / grid.dx:
            raise ValueError(
                f"averages must be ({grid.cells},) and non-negative; "
                f"got shape {averages.shape}, minimum {averages.min(initial=0.0)}"
            )
        mass = float(averages.sum() * grid.dx)
        if abs(mass - 1.0) > 1e-5:
            raise ValueError(f"a law has mass 1; the averages have mass {mass}")
        self.grid = grid
        self.averages = averages / mass
        below = np.minimum(np.cumsum(self.averages) * grid.dx, 1.0)
        self._at_faces = np.concatenate([[0.0], below])

    @property
    def breakpoints(self):
        """Points between which the distribution function is linear: the faces."""
        return self.grid.faces

    def pdf(self, x):
        """Density at x."""
        x = _validate.array("x", x)
        place = np.clip((x - self.grid.left) / self.grid.dx, -1.0, self.grid.cells)
        cell = np.floor(place).astype(int)
        inside = (cell >= 0) & (cell < self.grid.cells)
        return np.where(inside, self.averages[np.where(inside, cell, 0)], 0.0)

    def cdf(self, x):
        """Distribution function at x."""
        return np.interp(_validate.array("x", x), self.grid.faces, self._at_faces)

    def ppf(self, q):
        """Quantile function at q in [0, 1]: the smallest x with cdf(x) >= q."""
        q = _validate.quantiles("q", q)
        cell = np.clip(np.searchsorted(self._at_faces, q) - 1, 0, self.grid.cells - 1)
        mass = np.diff(self._at_faces)[cell]
        part = (q - self._at_faces[cell]) / np.where(mass > 0.0, mass, 1.0)
        return self.grid.faces[cell] + self.grid.dx * np.clip(part, 0.0, 1.0)
