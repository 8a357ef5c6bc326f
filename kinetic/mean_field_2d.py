"""The mean-field limit in two dimensions, for `kinetic.mean_field.solve` (eq. (25); paper).

    d_t g + d_x (sigma(w_xx x + w_xy y + b_x) g) + d_y (sigma(w_yx x + w_yy y + b_y) g) = 0

by the finite volumes of `kinetic.finite_volume_2d`. The paper prints (25) without g in its
fluxes, with d_x twice, and with w x / 2 in place of w x: a factor that (3) does not have.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from kinetic import _validate, finite_volume, finite_volume_2d
from kinetic.grid import Grid
from kinetic.grid_2d import Grid2D
from kinetic.network import SimResNet
from kinetic.push_forward import MASS_TOLERANCE, ROUNDING, density_of

__all__ = ["Solution2D"]


@dataclass(frozen=True)
class Solution2D:
    """Result of `kinetic.mean_field.solve` in two dimensions.

    Attributes
    ----------
    network : SimResNet
    grid : Grid2D
    times : (T,) array
    density : (T, nx, ny) array
        Cell averages of g.
    outflow : (T, 4) array
        Mass that has left an open domain through its left, right, lower and upper side.
    steps : int
        Time steps taken, of three stages each at order three, of six at order five.
    order : int
        Order of the scheme, of which the moments are.
    """

    network: SimResNet
    grid: Grid2D
    times: np.ndarray
    density: np.ndarray
    outflow: np.ndarray
    steps: int
    order: int = field(default=3, kw_only=True)

    @property
    def mass(self):
        """(T,) mass in the domain."""
        return self.density.sum(axis=(1, 2)) * self.grid.area

    def moment(self, p, q):
        """(T,) moments int x^p y^q g dx dy of the reconstructed density (eq. (9); paper)."""
        orders = _validate.integer("p", p, low=0), _validate.integer("q", q, low=0)
        return self._moment(*orders, np.zeros(2))

    def _moment(self, p, q, origin):
        with np.errstate(over="ignore", invalid="ignore"):
            along_x = _monomials(self.grid.x, p, origin[0], self.order)
            along_y = _monomials(self.grid.y, q, origin[1], self.order)
            found = np.array(
                [
                    sum(
                        np.einsum("ij,i,j->", c[..., k], along_x[a], along_y[b])
                        for k, (a, b) in enumerate(finite_volume_2d.POWERS[self.order])
                    )
                    for c in self._polynomials
                ]
            )
        if not np.isfinite(found).all():
            raise FloatingPointError(f"the moment of order ({p}, {q}) exceeds the range of float64")
        return found

    @cached_property
    def _polynomials(self):
        floor = finite_volume_2d.weight_floor(np.maximum(self.density[0], 0.0), self.order)
        return [finite_volume_2d.reconstruct(u, floor, self.order) for u in self.density]

    @property
    def mean(self):
        """(T, 2) first moments divided by the mass."""
        return self._middle + self._shift

    @property
    def covariance(self):
        """(T, 2, 2) second central moments divided by the mass."""
        xx, xy, yy = (self._moment(*k, self._middle) / self.mass for k in ((2, 0), (1, 1), (0, 2)))
        second = np.moveaxis(np.array([[xx, xy], [xy, yy]]), -1, 0)
        return second - self._shift[:, :, None] * self._shift[:, None, :]

    @property
    def _middle(self):
        return np.array([self.grid.x.centers.mean(), self.grid.y.centers.mean()])

    @property
    def _shift(self):
        """(T, 2) distance of the mean from the middle of the grid."""
        first = [self._moment(1, 0, self._middle), self._moment(0, 1, self._middle)]
        return np.column_stack(first) / self.mass[:, None]

    def distance_to(self, point):
        """(T,) 1-Wasserstein distances (4) to the Dirac at a point (x, y).

        All mass moves to the point, so that the distance is the mean of that to the point;
        exact for densities that are constant in cells. The mass is divided by.
        """
        point = _validate.array("point", point, accepted="two numbers (x, y)")
        if point.shape != (2,):
            raise ValueError(f"point must be two numbers (x, y); got shape {point.shape}")
        x, y = self.grid.x.faces - point[0], self.grid.y.faces - point[1]
        corners = _distance_primitive(x[:, None], y[None, :])
        integrals = np.diff(np.diff(corners, axis=0), axis=1)
        distances = np.einsum("tij,ij->t", self.density, integrals) / self.mass
        if not np.isfinite(distances).all():
            raise FloatingPointError(f"the distance to point {point} exceeds float64")
        return distances


def _monomials(grid, k, origin, order):
    """(order, n) integrals of (x - origin)^k xi^a over the cells, a = 0..order - 1."""
    nodes, weights = np.polynomial.legendre.leggauss(k // 2 + (order + 1) // 2)
    powers = (grid.centers[:, None] - origin + grid.dx * nodes / 2.0) ** k
    shapes = (nodes / 2.0) ** np.arange(order)[:, None]
    return grid.dx * np.einsum("jq,aq,q->aj", powers, shapes, weights / 2.0)


def _distance_primitive(x, y):
    """F with d^2 F / dx dy = sqrt(x^2 + y^2)."""
    r = np.hypot(x, y)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(x != 0.0, x**3 * np.arcsinh(y / np.abs(x)), 0.0)
        second = np.where(y != 0.0, y**3 * np.arcsinh(x / np.abs(y)), 0.0)
    return x * y * r / 3.0 + (first + second) / 6.0


def solve(net, g0, grid, times, boundary, cfl, normalize, order, threads):
    """See `kinetic.mean_field.solve`."""
    if net.dimension != 2:
        raise ValueError(f"net must have dimension 1 or 2; got {net.dimension}")
    if not isinstance(grid, Grid2D):
        raise TypeError(
            f"grid must be a kinetic.Grid2D for a net of dimension 2; got {type(grid).__name__}"
        )
    points = grid.points_on_faces((finite_volume.check_order(order) + 1) // 2)
    averages = _initial_averages(g0, grid, normalize)
    velocity = _face_velocity(net, points, 0.0)
    if not net.autonomous:

        def velocity(t, _):
            return _face_velocity(net, points, t)

    result = finite_volume_2d.transport(
        averages, velocity, grid, times, boundary=boundary, cfl=cfl, order=order, threads=threads
    )
    return Solution2D(net, grid, *result, order=finite_volume.check_order(order))


def _face_velocity(net, points, t):
    """sigma(w x + b) across the faces, at Gauss points of them."""
    w, b = net.parameters(t)
    parts = []
    for k, (x, y) in enumerate(points):
        with np.errstate(over="ignore", invalid="ignore"):
            u = w[k, 0] * x + w[k, 1] * y + b[k]
        if not np.isfinite(u).all():
            raise FloatingPointError(f"w x + b exceeds the range of float64 for w={net.w!r}")
        parts.append(net.activation(u))
    return tuple(parts)


def _initial_averages(g0, grid, normalize):
    if hasattr(g0, "pdf") or callable(g0):
        density = density_of(g0, 2)

        def function(x, y):
            return density(np.stack([x, y], axis=-1))

        averages = grid._average("g0", function)
    else:
        function = None
        averages = _validate.array("g0", g0, accepted="a law, a density or cell averages")
        if averages.shape != grid.shape:
            raise ValueError(
                f"g0 as cell averages must have shape {grid.shape}; got {averages.shape}"
            )
    x, y = grid.x, grid.y
    if averages.min() < -ROUNDING * averages.max():
        i, j = np.unravel_index(averages.argmin(), averages.shape)
        raise ValueError(
            f"g0 must be non-negative; its average is {averages[i, j]} in the cell at "
            f"({x.centers[i]}, {y.centers[j]})"
        )
    averages = np.maximum(averages, 0.0)
    inside = float(averages.sum() * grid.area)
    domain = f"[{x.left}, {x.right}] x [{y.left}, {y.right}]"
    if _validate.flag("normalize", normalize):
        if inside <= 0.0:
            raise ValueError(f"g0 has no mass in the grid {domain}")
        return averages / inside
    if abs(inside - 1.0) <= MASS_TOLERANCE:
        return averages
    if function is not None:
        fine = Grid2D(*(Grid(axis.left, axis.right, 2 * axis.cells) for axis in (x, y)))
        mass = float(fine._average("g0", function).sum() * fine.area)
        if abs(mass - 1.0) < 0.1 * abs(inside - 1.0):
            raise ValueError(
                f"the grid of {x.cells} x {y.cells} cells is too coarse for g0: Gauss quadrature "
                f"sees mass {inside:.9g}, on half the cells' width {mass:.9g}. Refine it, or set "
                "normalize=True"
            )
    raise ValueError(
        f"g0 must have mass 1 in the grid {domain}; it has {inside:.9g}: "
        "not normalized, or partly outside. normalize=True divides by it"
    )
