"""Rest points of a network, the places of its steady laws (Proposition 1; paper).

A law is steady where the velocity sigma(w y + b) vanishes on it, among others

    g_inf = sum_i rho_i delta(x - y_i),    w y_i + b = z_i              (6)

with z_i any vector of d zeros of sigma: n^d points for n zeros. (The statement in the
paper has w y + b = 0, its proof w y + b = z.) Near y_i the network is x' = J (x - y_i),
J = diag(sigma'(z_i)) w, whose eigenvalues tell which of the points attract. Everything
is dimensionless.
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from kinetic import _validate
from kinetic.network import SimResNet, check_network

MOST_POINTS = 1_000_000
ROUNDING = 1e-12  # of an eigenvalue or a position, relative to the largest
MASS_TOLERANCE = 1e-6


class DiracSum:
    """The law sum_i rho_i delta(x - y_i) on the line (eq. (6); paper).

    Attributes
    ----------
    points : (n,) array
        y_i, increasing.
    weights : (n,) array
        rho_i, of sum 1.
    """

    def __init__(self, points, weights):
        self.points, self.weights = points, weights
        self._levels = np.concatenate([[0.0], np.cumsum(weights)])

    def cdf(self, x):
        """Distribution function at x."""
        x = _validate.array("x", x)
        return self._levels[np.searchsorted(self.points, x, side="right")]

    def ppf(self, q):
        """Quantile function at q in [0, 1]: the smallest point with cdf >= q."""
        index = np.searchsorted(self._levels[1:-1], _validate.quantiles("q", q))
        return self.points[index]


@dataclass(frozen=True)
class SteadyStates:
    """Result of `steady_states`: n rest points of a network of dimension d.

    Attributes
    ----------
    network : SimResNet
    box : (d, 2) array
        Where was searched.
    points : (n, d) array
        The rest points y; for d = 1 in increasing order. Every law on them is steady.
    zeros : (n, d) array
        z = w y + b.
    eigenvalues : (n, d) complex array
        Of the linearization diag(sigma'(z)) w, by increasing real part.
    regions : (m, d, 2) array
        Where sigma vanishes on intervals (ReLU): boxes of u = w y + b on which the
        velocity vanishes. Every law on such y is steady, densities included; `points`
        has none of them.
    """

    network: SimResNet
    box: np.ndarray
    points: np.ndarray
    zeros: np.ndarray
    eigenvalues: np.ndarray
    regions: np.ndarray

    @property
    def stable(self):
        """(n,) whether all eigenvalues have negative real parts: the point attracts."""
        return self._growth.max(axis=1) < 0.0

    @property
    def unstable(self):
        """(n,) whether some eigenvalue has a positive real part.

        Where a point is neither stable nor unstable, the linearization does not decide.
        """
        return self._growth.max(axis=1) > 0.0

    @property
    def _growth(self):
        """Real parts of the eigenvalues, zero where they are rounding."""
        size = np.abs(self.eigenvalues).max(axis=1, keepdims=True)
        real = self.eigenvalues.real
        return np.where(np.abs(real) <= ROUNDING * size, 0.0, real)

    def weights(self, g0):
        """Mass rho_i that each point receives from g0 as t -> infinity; d = 1.

        The mass between two neighbouring points moves to the one that the velocity
        points to.

        Parameters
        ----------
        g0 : law
            With ``cdf``: a frozen distribution of `scipy.stats` or another law.

        Returns
        -------
        (n,) array
            Sums to less than 1 where mass leaves the box or is not in it.

        Raises
        ------
        ValueError, TypeError
            If d > 1, if g0 has no cdf or if sigma vanishes on an interval, where a
            density stays.
        """
        if self.network.dimension != 1:
            raise ValueError(
                f"basins of g0 are intervals for d = 1; net has d = {self.network.dimension}: "
                "propagate samples of g0 and use shares"
            )
        if len(self.regions):
            raise ValueError(
                f"sigma ({self.network.activation.name}) vanishes on an interval: what lies there "
                "stays, and the limit is not a sum of Dirac measures"
            )
        if not hasattr(g0, "cdf"):
            raise TypeError(f"g0 must be a law with cdf; got {type(g0).__name__}")
        left, right = self.box[0]
        ends = np.concatenate([[left], self.points[:, 0], [right]])
        below = _validate.returned("g0", g0.cdf(np.nextafter(ends, -np.inf)), ends.shape)
        upto = _validate.returned("g0", g0.cdf(ends), ends.shape)
        for values in (below, upto):
            if values.min() < 0.0 or values.max() > 1.0:
                raise ValueError(
                    f"g0 must have a cdf from 0 to 1; got {values.min()} to {values.max()}"
                )
        between = np.maximum(below[1:] - upto[:-1], 0.0)
        direction = np.sign(self.network.velocity((ends[:-1] + ends[1:]) / 2.0))
        from_left = np.where(direction > 0.0, between, 0.0)[:-1]
        from_right = np.where(direction < 0.0, between, 0.0)[1:]
        return (upto - below)[1:-1] + from_left + from_right

    def limit(self, g0):
        """The law that g0 approaches as t -> infinity; d = 1 (eq. (6); paper).

        Parameters
        ----------
        g0 : law
            With ``cdf``.

        Returns
        -------
        DiracSum

        Raises
        ------
        ValueError, TypeError
            As `weights` does, and if mass of g0 is not in the box or leaves it.
        """
        weights = self.weights(g0)
        lost = 1.0 - weights.sum()
        if lost > MASS_TOLERANCE:
            raise ValueError(
                f"mass {lost:.3g} of g0 is outside the box {self.box[0].tolist()} or leaves it; "
                "use a wider one, if there are rest points"
            )
        reached = weights > 0.0
        return DiracSum(self.points[reached, 0], weights[reached] / weights.sum())

    def shares(self, x, tolerance):
        """Share of M states that have arrived at each point, for any d.

        Parameters
        ----------
        x : (M, d) array_like
            States of `network.propagate` at a late time; (M,) for d = 1.
        tolerance : float
            Largest distance at which a state has arrived; positive.

        Returns
        -------
        (n,) array
            Sums to less than 1 where states are still under way or have gone elsewhere.

        Raises
        ------
        ValueError, TypeError
            If an argument is not as described.
        """
        d = self.network.dimension
        x = _validate.array("x", x)
        if d == 1 and x.ndim == 1:
            x = x[:, None]
        if x.ndim != 2 or x.shape[1] != d or not len(x):
            raise ValueError(f"x must have shape (M, {d}) with M >= 1; got {x.shape}")
        tolerance = _validate.positive("tolerance", tolerance)
        if not len(self.points):
            return np.zeros(0)
        from scipy.spatial import KDTree

        distance, nearest = KDTree(self.points).query(x)
        arrived = nearest[distance <= tolerance]
        return np.bincount(arrived, minlength=len(self.points)) / len(x)


def steady_states(net, box):
    """Rest points in a box, where Dirac measures are steady (Proposition 1, eqs. (6), (7); paper).

    Parameters
    ----------
    net : SimResNet
        With constant w of full rank and constant b. For w(t), b(t) give a network with
        their limits as t -> infinity.
    box : (float, float) or (d, 2) array_like
        Ends of an interval, for every coordinate or for each.

    Returns
    -------
    SteadyStates
        With no points where sigma has no zeros (sigmoid).

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or the box has more than a million
        combinations of zeros. A singular w has affine families of rest points.
    """
    check_network(net)
    if not net.autonomous:
        raise ValueError(
            "w and b must be constant; got functions of t: give a network with their limits as "
            "t -> infinity"
        )
    d = net.dimension
    box = _box(box, d)
    w, b = net.parameters(0.0)
    w, b = np.reshape(w, (d, d)), np.reshape(b, d)
    rank = np.linalg.matrix_rank(w)
    if rank < d:
        raise ValueError(
            f"w must have full rank {d}; got rank {rank}: with every rest point y, all y + k with "
            "w k = 0 are rest points, so that they are not isolated"
        )
    pieces = [_pieces(net.activation, *ends) for ends in _range(w, b, box)]
    count = math.prod(map(len, pieces))
    if count > MOST_POINTS:
        raise ValueError(
            f"box must have at most {MOST_POINTS} combinations of zeros; got {count} in "
            f"{box.tolist()}"
        )
    combined = np.array(list(product(*pieces)), dtype=float).reshape(-1, d, 2)
    isolated = np.all(combined[:, :, 0] == combined[:, :, 1], axis=1)
    zeros = combined[isolated, :, 0]
    points = np.linalg.solve(w, (zeros - b).T).T
    slack = ROUNDING * np.abs(box).max()
    inside = np.all((points >= box[:, 0] - slack) & (points <= box[:, 1] + slack), axis=1)
    points, zeros = points[inside], zeros[inside]
    if d == 1:
        order = np.argsort(points[:, 0])
        points, zeros = points[order], zeros[order]
    slopes = np.asarray(net.activation.derivative(zeros), dtype=float)
    eigenvalues = np.linalg.eigvals(slopes[:, :, None] * w).astype(complex)
    eigenvalues = np.take_along_axis(eigenvalues, np.argsort(eigenvalues.real, axis=1), axis=1)
    return SteadyStates(net, box, points, zeros, eigenvalues, combined[~isolated])


def _box(box, d):
    given = _validate.array("box", box, accepted="two finite numbers or an array of shape (d, 2)")
    if given.shape not in ((2,), (d, 2)):
        raise ValueError(f"box must have shape (2,) or ({d}, 2); got {given.shape}")
    rows = np.broadcast_to(given, (d, 2))
    return np.array([_validate.interval("box", row) for row in rows])


def _range(w, b, box):
    """(d, 2) ends of each component of w x + b over the box."""
    with np.errstate(over="ignore", invalid="ignore"):
        products = w[:, :, None] * box
        ends = products.min(axis=2).sum(axis=1) + b, products.max(axis=2).sum(axis=1) + b
    return np.stack(ends, axis=1)


def _pieces(activation, low, high):
    """Where sigma vanishes in [low, high]: pairs of ends, equal for isolated zeros."""
    try:
        found = activation.zeros((low, high))
    except ValueError as error:
        raise ValueError(f"box is too wide for the zeros of sigma there: {error}") from None
    return [*zip(found.points, found.points, strict=True), *found.intervals]
