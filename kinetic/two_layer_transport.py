"""The mean-field limit of two-layer networks as a transport equation in the plane.

For scalar inputs the density p(t, c, w) obeys d_t p + d_c (V_c p) + d_w (V_w p) = 0 with

    V_c = phi(w), V_w = c phi'(w), phi(w) = alpha E_pi[(y - g_t(x)) sigma(w x)],
    g_t(x) = int c sigma(w x) p dc dw

(law of large numbers; Sirignano and Spiliopoulos 2020), here by the finite volumes of
`kinetic.finite_volume_2d`, third order. The integral must not spoil the order. With cell
averages u and widths h, k the values in the centres are

    p = u - (h^2 p_cc + k^2 p_ww) / 24 + O(h^4) = u - (d_c^2 u + d_w^2 u) / 24 + O(h^4),

d^2 the second difference. The sum over all centres integrates smooth functions that vanish at
the sides of the grid with an error below any power of h, so that the points with weights
area p give all means to fourth order. In phi, where c and w separate, d_c^2 drops out by
summation by parts, as the second difference of c vanishes. The cells are c first, then w.
"""

from dataclasses import dataclass

import numpy as np

from kinetic import _observables, _two_layer_field, _validate, finite_volume_2d
from kinetic.grid_2d import Grid2D

LOST = 1e-6


@dataclass(frozen=True, eq=False)
class Density:
    """Result of `transport`.

    Attributes
    ----------
    grid : Grid2D
        Of c and w.
    times : (T,) array
    averages : (T, nc, nw) array
        Cell averages of p.
    outflow : (T,) array
        Mass that has left the grid, at most 1e-6.
    steps : int
        Time steps taken.
    """

    grid: Grid2D
    times: np.ndarray
    averages: np.ndarray
    outflow: np.ndarray
    steps: int
    _field: _two_layer_field.Field

    @property
    def mass(self):
        """(T,) mass in the grid."""
        return self.averages.sum(axis=(1, 2)) * self.grid.area

    @property
    def weights(self):
        """(T, nc nw) weights of the centres of the cells, with sum 1 and means of fourth order."""
        values = self.averages - (_bend(self.averages, 1) + _bend(self.averages, 2)) / 24.0
        return (self.grid.area * values).reshape(len(values), -1)

    @property
    def c(self):
        """(nc nw,) values of c in the centres of the cells."""
        return self.grid.centers[0].ravel()

    @property
    def w(self):
        """(nc nw,) values of w in the centres of the cells."""
        return self.grid.centers[1].ravel()

    @property
    def loss(self):
        """(T,) mean squared error E_pi (y - g_t(x))^2 / 2."""
        first = _moments(self.averages, self.grid)
        sigma = self._field.activation(np.outer(self.grid.y.centers, self._field.x))
        return (self._field.y - first @ sigma) ** 2 @ self._field.probabilities / 2.0

    def mean(self, observables):
        """Means of observables f(c, w): (T,) of one function, (T, J) of a sequence of J."""
        functions = _observables.check(observables)
        values = _observables.values(functions, self._field, self.c, self.w[:, None])
        found = self.weights @ values.T
        return found[:, 0] if callable(observables) else found

    def at(self, index, c, w):
        """(n, m) values of p at ``times[index]`` on the product of points c (n,) and w (m,).

        By a spline of degree five through the values in the centres of the cells. The points
        must increase and lie within the centres.
        """
        from scipy.interpolate import RectBivariateSpline

        index = _validate.index("index", index, len(self.times))
        values = self.weights[index].reshape(self.grid.shape) / self.grid.area
        axes = self.grid.x.centers, self.grid.y.centers
        points = []
        for name, axis, given in zip("cw", axes, (c, w), strict=True):
            given = _validate.times(given, name)
            if given[0] < axis[0] or given[-1] > axis[-1]:
                raise ValueError(
                    f"{name} must lie in [{axis[0]:g}, {axis[-1]:g}]; got {given[0]:g} to "
                    f"{given[-1]:g}"
                )
            points.append(given)
        return RectBivariateSpline(*axes, values, kx=5, ky=5)(*points)

    def marginals(self):
        """(T, nc) and (T, nw) cell averages of the laws of c and of w."""
        along_c, along_w = self.averages.sum(axis=2), self.averages.sum(axis=1)
        return along_c * self.grid.y.dx, along_w * self.grid.x.dx


def transport(x, y, p0, grid, *, alpha, times, activation="tanh", probabilities=None, cfl=0.45):
    """Transport the density (law of large numbers; Sirignano and Spiliopoulos 2020).

    Inputs are scalar, so that parameters live in the plane.

    Parameters
    ----------
    x : (M,) array_like
        Inputs that the law of the data charges.
    y : (M,) array_like
        Labels.
    p0 : callable
        Initial density, a function of arrays c and w.
    grid : Grid2D
        Of c and w; must hold the mass until the end.
    alpha : float
        Learning rate, positive.
    times : (T,) array_like
        Increasing output times.
    activation : str or Activation
    probabilities : (M,) array_like, optional
        Of the data; equal by default.
    cfl : float
        In (0, 1/2].

    Returns
    -------
    Density

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or more than 1e-6 of the mass is outside of the
        grid at the beginning or later.
    """
    field = _two_layer_field.make(x, y, probabilities, alpha, activation)
    if not field.flat:
        raise ValueError(
            f"x must have shape (M,): the density lives in the plane; got {field.x.shape}"
        )
    if not isinstance(grid, Grid2D):
        raise TypeError(f"grid must be a kinetic.Grid2D of c and w; got {type(grid).__name__}")
    if not callable(p0):
        raise TypeError(f"p0 must be a function of c and w; got {p0!r:.80}")
    averages = grid._average("p0", p0)
    mass = averages.sum() * grid.area
    if averages.min() < 0.0 or not abs(mass - 1.0) <= LOST:
        raise ValueError(
            f"p0 must be a density with mass 1 in the grid {_named(grid)}; it has minimum "
            f"{averages.min():.3g} and mass {mass:.9g}: too coarse or too small a grid, or not "
            "normalized"
        )
    velocity = _velocity(field, grid)
    found = finite_volume_2d.transport(averages, velocity, grid, times, boundary="open", cfl=cfl)
    lost = found.outflow.sum(axis=1)
    if lost[-1] > LOST:
        side = ("smaller c", "larger c", "smaller w", "larger w")[int(found.outflow[-1].argmax())]
        first = found.times[np.argmax(lost > LOST)]
        raise ValueError(
            f"the grid {_named(grid)} is too small: by t={first:g} the mass {lost[-1]:.3g} has "
            f"left it, most through the side of {side}; at most {LOST:g} may"
        )
    return Density(grid, found.times, found.averages, lost, found.steps, field)


def _named(grid):
    return (
        f"[{grid.x.left:g}, {grid.x.right:g}] x [{grid.y.left:g}, {grid.y.right:g}] "
        f"of {grid.x.cells} x {grid.y.cells} cells"
    )


def _bend(averages, axis):
    """Second differences along an axis; the density vanishes outside."""
    padded = np.pad(averages, [(int(k == axis),) * 2 for k in range(averages.ndim)])
    return np.diff(padded, 2, axis=axis)


def _moments(averages, grid):
    """(..., nw) int c p dc times the width of a cell in w, in the centres of the cells in w."""
    first = grid.area * np.einsum("...ij,i->...j", averages, grid.x.centers)
    return first - _bend(first, first.ndim - 1) / 24.0


def _velocity(field, grid):
    """Velocities on the faces as a function of the time and the averages."""
    shapes = (2, grid.x.cells + 1, grid.y.cells), (2, grid.x.cells, grid.y.cells + 1)
    (_, w_points), (c_points, w_faces) = grid.face_points
    centres = field.neurons(grid.y.centers[:, None])[0]
    across_c = field.neurons(w_points.reshape(-1, 1))[0]
    across_w = field.neurons(w_faces.reshape(-1, 1))[1] * field.x[:, 0]

    def velocity(_, averages):
        pull = field.pull(field.y - _moments(averages, grid) @ centres)
        phi = (across_c @ pull).reshape(w_points.shape)
        return np.broadcast_to(phi, shapes[0]), c_points * (across_w @ pull)

    return velocity
