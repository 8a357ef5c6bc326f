"""Two-dimensional Cartesian grids, cell averages and norms (sec. 4; paper).

Cell (i, j) is the product of cell i of a grid in x and cell j of a grid in y. All cell
averages have shape (nx, ny). Lengths are dimensionless.
"""

from dataclasses import dataclass

import numpy as np

from kinetic import _validate
from kinetic.grid import GAUSS_NODES, GAUSS_WEIGHTS, Grid, _lebesgue_norm


@dataclass(frozen=True)
class Grid2D:
    """The product of two uniform grids.

    Parameters
    ----------
    x, y : Grid

    Raises
    ------
    TypeError
        If x or y is not a Grid.
    """

    x: Grid
    y: Grid

    def __post_init__(self):
        for name in ("x", "y"):
            if not isinstance(getattr(self, name), Grid):
                given = type(getattr(self, name)).__name__
                raise TypeError(f"{name} must be a kinetic.Grid; got {given}")
        if not 0.0 < self.area < np.inf:
            raise ValueError(
                f"x and y must have cells whose area is in the range of float64; got {self.area}"
            )

    @property
    def shape(self):
        """(nx, ny), the shape of cell averages."""
        return self.x.cells, self.y.cells

    @property
    def area(self):
        """Area dx dy of a cell."""
        return self.x.dx * self.y.dx

    @property
    def centers(self):
        """The two (nx, ny) arrays of the coordinates of the cell centres."""
        return np.meshgrid(self.x.centers, self.y.centers, indexing="ij")

    @property
    def face_points(self):
        """The two Gauss points of each face; see `points_on_faces`."""
        return self.points_on_faces(2)

    def points_on_faces(self, count):
        """Gauss points of each face, as pairs (x, y) of arrays to be broadcast.

        The first pair, of shape (count, nx + 1, ny), is on the faces between neighbours in x,
        the second, (count, nx, ny + 1), on those between neighbours in y.
        """
        nodes = np.polynomial.legendre.leggauss(_validate.integer("count", count, low=1))[0]
        shift = nodes[:, None] / 2.0
        along_x = (self.x.centers + self.x.dx * shift)[:, :, None]
        along_y = (self.y.centers + self.y.dx * shift)[:, None, :]
        return (
            (self.x.faces[None, :, None], along_y),
            (along_x, self.y.faces[None, None, :]),
        )

    def average(self, function):
        """Cell averages of a function by the product of two three-point Gauss rules.

        Parameters
        ----------
        function : callable
            f(x, y) of two arrays of shape (nx, ny), which returns one of this shape.

        Returns
        -------
        (nx, ny) ndarray

        Raises
        ------
        ValueError
            If the function returns another shape or values that are not finite.
        """
        return self._average("function", function)

    def _average(self, name, function):
        """Cell averages of a function that an error calls by a name."""
        _validate.function(name, function, "a function of x and y")
        x, y = self.centers
        total = np.zeros(self.shape)
        for node_x, weight_x in zip(GAUSS_NODES, GAUSS_WEIGHTS, strict=True):
            for node_y, weight_y in zip(GAUSS_NODES, GAUSS_WEIGHTS, strict=True):
                points = x + self.x.dx * node_x, y + self.y.dx * node_y
                with np.errstate(all="ignore"):
                    values = _validate.real(name, function(*points))
                if values.shape != self.shape:
                    raise ValueError(
                        f"{name} must return one value for each point; "
                        f"got shape {values.shape} for points of shape {self.shape}"
                    )
                if not np.isfinite(values).all():
                    i, j = np.argwhere(~np.isfinite(values))[0]
                    raise ValueError(
                        f"{name} must be finite on the grid; "
                        f"it is not at x={points[0][i, j]}, y={points[1][i, j]}"
                    )
                total += weight_x * weight_y * values
        return total

    def norm(self, averages, p=1):
        """Discrete L^p norm (dx dy sum |u|^p)^(1/p) of (nx, ny) cell averages; p = inf: maximum."""
        averages = _validate.array("averages", averages)
        if averages.shape != self.shape:
            raise ValueError(f"averages must have shape {self.shape}; got {averages.shape}")
        return _lebesgue_norm(averages, p, self.area)
