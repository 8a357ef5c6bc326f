"""The mean-field limit: transport of the distribution of the inputs (sec. 2.2; paper).

    d_t g + d_x (sigma(w(t) x + b(t)) g) = 0,    g(0, x) = g_0(x)        (3), (8)

in one dimension, and in two (`kinetic.mean_field_2d`). ``solve`` uses the finite volumes
of `kinetic.finite_volume`; ``push_forward`` and ``exact`` follow characteristics
(`kinetic.push_forward`).
All quantities are dimensionless.
"""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from kinetic import _validate, finite_volume, mean_field_2d
from kinetic.grid import CellLaw, Grid
from kinetic.network import SimResNet, check_network
from kinetic.push_forward import (
    MASS_TOLERANCE,
    ROUNDING,
    PushForward,
    PushForwardMany,
    exact,
    push_forward,
)
from kinetic.rest_points import steady_states

__all__ = [
    "PushForward",
    "PushForwardMany",
    "Solution",
    "exact",
    "push_forward",
    "solve",
    "stability_factor",
    "steady_states",
]

REFINEMENT = 16
INTERVALS = 64


@dataclass(frozen=True)
class Solution:
    """Result of `solve`.

    Attributes
    ----------
    network : SimResNet
    grid : Grid
    times : (T,) array
    density : (T, n) array
        Cell averages of g.
    outflow : (T, 2) array
        Mass that has left through the left and the right end of an open domain.
    steps : int
        Time steps taken, of three stages each at order three, of six at order five.
    order : int
        Order of the scheme.
    """

    network: SimResNet
    grid: Grid
    times: np.ndarray
    density: np.ndarray
    outflow: np.ndarray
    steps: int
    order: int = field(default=3, kw_only=True)

    @property
    def mass(self):
        """(T,) mass in the domain."""
        return self.density.sum(axis=1) * self.grid.dx

    def moment(self, k):
        """(T,) moments int x^k g dx of the reconstructed density, k >= 0 (eq. (9); paper)."""
        return self._moment(_validate.integer("k", k, low=0), 0.0)

    def _moment(self, k, origin):
        nodes, weights = np.polynomial.legendre.leggauss((k + self.order - 1) // 2 + 1)
        with np.errstate(over="ignore", invalid="ignore"):
            powers = (self.grid.centers[:, None] - origin + self.grid.dx * nodes / 2.0) ** k
            shapes = (nodes / 2.0) ** np.arange(self.order)[:, None]
            integrals = np.einsum("jq,aq,q->ja", powers, shapes, weights / 2.0)
            found = [float(np.sum(self.grid.dx * c * integrals)) for c in self._polynomials]
        if not np.isfinite(found).all():
            raise FloatingPointError(f"the moment of order k={k} exceeds the range of float64")
        return np.array(found)

    @cached_property
    def _polynomials(self):
        floor = finite_volume.weight_floor(np.maximum(self.density[0], 0.0), self.order)
        return [finite_volume.reconstruct(u, floor, self.order) for u in self.density]

    @property
    def mean(self):
        """(T,) first moment divided by the mass."""
        return self.grid.centers.mean() + self._shift

    @property
    def variance(self):
        """(T,) variance, the second central moment divided by the mass."""
        return self._moment(2, self.grid.centers.mean()) / self.mass - self._shift**2

    @property
    def _shift(self):
        """(T,) distance of the mean from the middle of the grid."""
        return self._moment(1, self.grid.centers.mean()) / self.mass

    def law(self, i):
        """The i-th density as a probability law with pdf, cdf and ppf.

        Raises
        ------
        ValueError
            If mass has left the domain, so that less than 1 is in it, or there is no such time.
        """
        i = _validate.index("i", i, len(self.times))
        return CellLaw(self.grid, np.maximum(self.density[i], 0.0))


def solve(
    net, g0, grid, times, *, boundary="no-flux", cfl=0.45, normalize=False, order=3, threads=None
):  # fmt: skip
    """Solve the mean-field equation by finite volumes (eqs. (3), (8), (24), (25); paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one or two.
    g0 : distribution, callable or (n,) array
        Initial law at ``times[0]``: a frozen distribution of `scipy.stats` or any object
        with ``cdf`` (cell averages from it are exact), a vectorized density (averaged by
        three-point Gauss quadrature), or cell averages. In two dimensions an object with
        ``pdf`` of points (..., 2), a density f(x, y), or (nx, ny) cell averages.
    grid : Grid or Grid2D
    times : (T,) array_like
        Increasing output times.
    boundary : {"no-flux", "open"}
        What the ends of the grid are: walls, or open with nothing coming in.
    cfl : float
        In (0, 1], and in (0, 1/2] in two dimensions.
    normalize : bool
        Divide by the mass in the grid, where it is not 1.
    order : {3, 5}
        Order of the scheme: three, as in the paper, or five.
    threads : int, optional
        At most so many, by default as many as there are cores; the result has the same bits
        for any number.

    Returns
    -------
    Solution or kinetic.mean_field_2d.Solution2D

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described; if g0 is negative, not normalized or has
        mass outside the grid.
    """
    if isinstance(net, SimResNet) and net.dimension > 1:
        return mean_field_2d.solve(net, g0, grid, times, boundary, cfl, normalize, order, threads)
    check_network(net, 1)
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a kinetic.Grid; got {type(grid).__name__}")
    averages = _initial_averages(g0, grid, normalize)
    velocity = net.velocity(grid.faces)
    if not net.autonomous:

        def velocity(t):
            return net.velocity(grid.faces, t)

    result = finite_volume.transport(
        averages, velocity, grid, times, boundary=boundary, cfl=cfl, order=order, threads=threads
    )
    return Solution(net, grid, *result, order=finite_volume.check_order(order))


def _initial_averages(g0, grid, normalize):
    normalize = _validate.flag("normalize", normalize)
    if hasattr(g0, "cdf"):
        averages, outside = _averages_of_law(g0, grid)
        if outside > MASS_TOLERANCE and not normalize:
            raise ValueError(
                f"g0 has mass {outside:.3g} outside the grid [{grid.left}, {grid.right}]; "
                "use a wider grid, or normalize=True for the conditional law inside"
            )
        mass = 1.0
    elif callable(g0):
        averages = grid._average("g0", g0)
        fine = Grid(grid.left, grid.right, REFINEMENT * grid.cells)
        mass = float(fine._average("g0", g0).sum() * fine.dx)
    else:
        averages = _validate.array("g0", g0, accepted="a law, a density or cell averages")
        if averages.shape != (grid.cells,):
            raise ValueError(
                f"g0 as cell averages must have shape ({grid.cells},); got {averages.shape}"
            )
        mass = float(averages.sum() * grid.dx)
    if averages.min() < -ROUNDING * averages.max():
        j = int(averages.argmin())
        raise ValueError(
            f"g0 must be non-negative; its average is {averages[j]} in the cell at "
            f"x={grid.centers[j]}"
        )
    averages = np.maximum(averages, 0.0)
    inside = float(averages.sum() * grid.dx)
    if not normalize:
        if abs(mass - 1.0) > MASS_TOLERANCE:
            raise ValueError(
                f"g0 must have mass 1 in the grid [{grid.left}, {grid.right}]; it has {mass:.9g}: "
                "not normalized, or partly outside. normalize=True divides by it"
            )
        if abs(inside - mass) > MASS_TOLERANCE:
            raise ValueError(
                f"the grid of {grid.cells} cells is too coarse for g0: Gauss quadrature sees mass "
                f"{inside:.9g} of {mass:.9g}. Refine it, let faces meet the jumps of g0, give g0 "
                "as a law with cdf, or set normalize=True"
            )
        return averages
    if inside <= 0.0:
        raise ValueError(f"g0 has no mass in the grid [{grid.left}, {grid.right}]")
    return averages / inside


def _averages_of_law(law, grid):
    """Cell averages of a law, and its mass outside the grid, without cancellation in tails."""
    below = _validate.real("g0", law.cdf(grid.faces))
    above = _validate.real("g0", law.sf(grid.faces)) if hasattr(law, "sf") else 1.0 - below
    if not (np.isfinite(below).all() and np.isfinite(above).all()):
        raise ValueError("g0.cdf must be finite on the faces of the grid")
    if below.shape != grid.faces.shape or above.shape != grid.faces.shape:
        raise ValueError("g0.cdf must return one value for each face of the grid")
    masses = np.where(below[1:] < 0.5, np.diff(below), -np.diff(above))
    return masses / grid.dx, float(below[0] + above[-1])


def stability_factor(net, t, as_printed=False):
    """Factor of W1(mu_0, g_0) in the stability estimate (Theorem 1; paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one.
    t : float
        Time, at least 0.
    as_printed : bool
        exp(Lip(sigma) t) as printed. Otherwise exp(Lip(sigma) int_0^t |w| ds): the
        velocity x -> sigma(w x + b) has Lipschitz constant Lip(sigma) |w|.

    Returns
    -------
    float
        Infinite for the growing cosine unit, which is not Lipschitz continuous.
    """
    check_network(net, 1)
    t = _validate.number("t", t, low=0.0, accepted="a time of at least 0")
    if _validate.flag("as_printed", as_printed):
        return float(np.exp(net.activation.lipschitz * t)) if t else 1.0
    if net.autonomous:
        integral = abs(net.parameters(0.0)[0]) * t
    else:
        from scipy.integrate import quad

        parts = np.linspace(0.0, t, INTERVALS + 1)
        integral = sum(
            quad(lambda s: abs(net.parameters(s)[0]), *ends, full_output=1)[0]
            for ends in pairwise(parts)
        )
    return float(np.exp(net.activation.lipschitz * integral)) if integral else 1.0
