r"""Mean-field optimal control on densities (maximum principle; Bonnet et al. 2023).

The law of (x, y) is a mixture of clusters: label y_c, mass m_c, density mu_c of the inputs.
With a control theta that is constant in each of N equal intervals of [0, T],

    d_t mu_c + d_x(sigma(theta x) mu_c) = 0,      mu_c(0) given,
    d_t psi_c + sigma(theta x) d_x psi_c = 0,     psi_c(T, x) = (x - y_c)^2,

are solved by finite volumes (`mean_field.solve`, `sensitivity.adjoint_on_grid`), and

    J = sum_c m_c int (x - y_c)^2 dmu_c(T) + lam int theta^2 dt,
    gradient = 2 lam theta + sum_c m_c int d_x psi_c x sigma'(theta x) dmu_c,

the mean over each interval by Simpson's rule. Time is continuous: nothing is left of layers.
The label is carried along: no characteristic changes it. `Clusters` also gives particles:
a sample, or quadrature nodes, which with `kinetic.control` are the mean-field problem of
the layers to rounding. Everything is dimensionless.
"""

from typing import NamedTuple

import numpy as np

from kinetic import _validate, activations, adjoint, characteristics, mean_field
from kinetic.control_layers import SMOOTH, check_masses
from kinetic.grid import Grid
from kinetic.network import SimResNet
from kinetic.shooting import iterate, least_energy

SIMPSON = np.array([1.0, 4.0, 1.0]) / 6.0


class Clusters:
    """A law of inputs with labels: a mixture of clusters with one label each.

    Parameters
    ----------
    laws : sequence of laws
        Of the inputs of each cluster, with pdf, cdf and ppf and bounded support.
    labels : sequence of float
    masses : sequence of float, optional
        Positive, with sum 1; equal by default.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """

    def __init__(self, laws, labels, masses=None):
        try:
            self.laws = list(laws)
        except TypeError:
            raise TypeError(f"laws must be a sequence of laws; got {laws!r:.80}") from None
        self.labels = _validate.array("labels", labels)
        if not self.laws or self.labels.shape != (len(self.laws),):
            raise ValueError(
                f"labels must be one number for each law; got shape {self.labels.shape} for "
                f"{len(self.laws)} laws"
            )
        for law in self.laws:
            lacking = [method for method in ("pdf", "cdf", "ppf") if not hasattr(law, method)]
            if lacking:
                raise TypeError(f"laws must have pdf, cdf and ppf; one lacks {', '.join(lacking)}")
        ends = [[law.ppf(0.0), law.ppf(1.0)] for law in self.laws]
        self.supports = _validate.real("laws", ends)
        if not (np.isfinite(self.supports).all() and (np.diff(self.supports) > 0.0).all()):
            raise ValueError(f"laws must have bounded supports; got {self.supports.tolist()}")
        count = len(self.laws)
        self.masses = np.full(count, 1.0 / count)
        if masses is not None:
            self.masses = _validate.array("masses", masses)
            check_masses(self.masses, count)

    def sample(self, M, rng):
        """Inputs and labels (M,) each: mass times M independent inputs from each cluster.

        Raises ValueError unless these are integers.
        """
        M = _validate.integer("M", M, low=1)
        counts = np.rint(self.masses * M).astype(int)
        if abs(counts - self.masses * M).max() > 1e-9 * M:
            raise ValueError(f"M must split into the masses {self.masses.tolist()}; got {M}")
        rng = _validate.generator("rng", rng)
        x = [law.ppf(rng.random(n)) for law, n in zip(self.laws, counts, strict=True)]
        return np.concatenate(x), np.repeat(self.labels, counts)

    def quadrature(self, nodes):
        """Inputs, labels and masses of Gauss-Legendre nodes, ``nodes`` for each cluster."""
        nodes = _validate.integer("nodes", nodes, low=1)
        points, weights = np.polynomial.legendre.leggauss(nodes)
        x = self.supports.mean(axis=1)[:, None] + np.diff(self.supports) / 2.0 * points
        masses = weights * [law.pdf(row) for law, row in zip(self.laws, x, strict=True)]
        masses *= (self.masses / masses.sum(axis=1))[:, None]
        return x.ravel(), np.repeat(self.labels, nodes), masses.ravel()


class DensityPasses(NamedTuple):
    """Result of `passes`.

    times : (2 N + 1,) array
        Ends and middles of the N intervals.
    densities : (C, 2 N + 1, n) array
        Cell averages of mu_c.
    slopes : (C, 2 N + 1, n) array
        Averages of d_x psi_c over the cells.
    end_cost, cost : float
    gradient : (N,) array
    """

    times: np.ndarray
    densities: np.ndarray
    slopes: np.ndarray
    end_cost: float
    cost: float
    gradient: np.ndarray


def passes(clusters, theta, grid, *, lam, T, activation="tanh"):
    """Solve forwards for the densities and backwards for the adjoint.

    Parameters
    ----------
    clusters : Clusters
    theta : (N,) array_like
        Control, constant in each of N equal intervals of [0, T].
    grid : Grid
        Wide enough that no characteristic from the data leaves it.
    lam, T : float
        Tikhonov parameter and depth, positive.
    activation : {"tanh", "sigmoid", "identity"}

    Returns
    -------
    DensityPasses

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If the cost or its gradient leaves the range of float64.
    """
    theta, lam, T = _checked(clusters, theta, grid, lam, T, activation)
    h, intervals = T / theta.size, theta.size
    sigma, x = activations.get(activation), grid.centers
    nets = [SimResNet(activation, value, 0.0) for value in theta]
    with np.errstate(over="ignore"):
        penalty, pull = lam * h * float(theta @ theta), 2.0 * lam * theta
    if not (np.isfinite(penalty) and np.isfinite(pull).all()):
        raise FloatingPointError(
            f"the cost or its gradient exceeds float64; lam is {lam:.3g}, "
            f"the largest |theta| is {abs(theta).max():.3g}"
        )
    _check_width(clusters, nets, grid, h)
    densities, slopes = np.empty((2, len(clusters.laws), 2 * intervals + 1, grid.cells))
    end_cost = 0.0
    for c, label in enumerate(clusters.labels):
        start, end = clusters.laws[c], (grid.faces - label) ** 2
        for n in range(intervals):
            forward = mean_field.solve(nets[n], start, grid, [0.0, h / 2.0, h])
            start = forward.density[-1]
            densities[c, 2 * n : 2 * n + 3] = forward.density
        for n in reversed(range(intervals)):
            backward = adjoint.adjoint_on_grid(nets[n], end, grid, [0.0, h / 2.0, h])
            end = backward.values[0]
            slopes[c, 2 * n : 2 * n + 3] = backward.slopes
        second, first = forward.moment(2)[-1], forward.moment(1)[-1]
        end_cost += clusters.masses[c] * (second - 2.0 * label * first + label**2)
    force = _forces(clusters, densities, slopes, grid)
    turned = x * sigma.derivative(theta[:, None, None] * x)
    return DensityPasses(
        np.linspace(0.0, T, 2 * intervals + 1),
        densities,
        slopes,
        float(end_cost),
        float(end_cost + penalty),
        pull + (force * turned).sum(axis=(1, 2)),
    )


def shoot(
    clusters, theta, grid, *, lam, T, activation="tanh", damping=1.0, tol=1e-8, most_iterations=200
):  # fmt: skip
    """Iterate the maximum principle on densities to its fixed point.

    In each interval the new control is the global minimizer of the mean over the interval of
    the Hamiltonian lam u^2 + sum_c m_c int d_x psi_c sigma(u x) dmu_c.

    Parameters
    ----------
    clusters, theta, grid, lam, T, activation
        As in `passes`; theta is the start.
    damping, tol, most_iterations
        As in `control.shoot`.

    Returns
    -------
    control.Shooting

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    RuntimeError
        If ``most_iterations`` do not suffice.
    """
    theta, lam, T = _checked(clusters, theta, grid, lam, T, activation)
    x = np.tile(grid.centers, SIMPSON.size)

    def step(theta):
        found = passes(clusters, theta, grid, lam=lam, T=T, activation=activation)
        forces = _forces(clusters, found.densities, found.slopes, grid)
        return np.array([least_energy(activation, x, q.ravel(), lam) for q in forces]), found

    return iterate(step, theta, damping, tol, most_iterations)


def _check_width(clusters, nets, grid, h):
    """Refuse a grid that the support of a cluster leaves: there the walls would hold it."""
    ends = clusters.supports.ravel()
    for n, net in enumerate(nets):
        ends, _ = characteristics.flow(net, ends, 0.0, h)
        if ends.min() < grid.left or ends.max() > grid.right:
            raise ValueError(
                f"grid must hold the clusters at all times; in interval {n} they reach from "
                f"{ends.min():.6g} to {ends.max():.6g}, and the grid from {grid.left} to "
                f"{grid.right}"
            )


def _forces(clusters, densities, slopes, grid):
    """(N, 3, n) sums over c of m_c psi_x mu_c, integrated over cells, with Simpson's weights."""
    force = np.einsum("c,ctj,ctj->tj", clusters.masses, densities, slopes) * grid.dx
    intervals = len(force) // 2
    return np.array([SIMPSON[:, None] * force[2 * n : 2 * n + 3] for n in range(intervals)])


def _checked(clusters, theta, grid, lam, T, activation):
    if not isinstance(clusters, Clusters):
        raise TypeError(f"clusters must be Clusters; got {type(clusters).__name__}")
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a kinetic.Grid; got {type(grid).__name__}")
    theta = _validate.array("theta", theta)
    if theta.ndim != 1 or theta.size == 0:
        raise ValueError(f"theta must have shape (N,) with N >= 1; got {theta.shape}")
    _validate.choice("activation", activation, SMOOTH)
    with np.errstate(over="ignore"):
        steepest = (
            np.abs(grid.faces[[0, -1]]).max() + np.abs(clusters.labels).max()
        ) ** 2 / grid.dx
    if not np.isfinite(steepest):
        raise ValueError(
            f"grid must have ends whose squared distance from the labels, over dx, is in float64; "
            f"got [{grid.left}, {grid.right}]"
        )
    return theta, _validate.positive("lam", lam), _validate.positive("T", T)
