"""Samples in space gathered in the cells of a tree that halves the points again and again."""

import math
from typing import NamedTuple

import numpy as np

from kinetic._compile import inlined, kernel

POINTS_A_LEAF = 64
"""Points for each leaf that the cuts of a tree are chosen from."""


class Clusters(NamedTuple):
    """A sample (M, d) gathered in L cells.

    points : (M, d) the sample, cell by cell.
    first : (L + 1,) where the points of a cell begin.
    centroids : (L, d) of the cells.
    radii : (L,) largest distance of a point of the cell from its centroid.
    moved : mean distance of all points from their centroids.
    """

    points: np.ndarray
    first: np.ndarray
    centroids: np.ndarray
    radii: np.ndarray
    moved: float

    @property
    def shares(self):
        """(L,) part of the points in each cell."""
        return np.diff(self.first) / len(self.points)


def tree(points, depth):
    """Axis and position of the cut at each of the 2^depth - 1 inner nodes, level by level.

    A node cuts the axis of its largest variance at the median; a point goes left that is
    below the cut. The children of node k are 2 k + 1 and 2 k + 2.
    """
    stride = max(1, len(points) // (POINTS_A_LEAF << depth))
    groups = [points[::stride]]
    axes, cuts = np.zeros((1 << depth) - 1, np.int64), np.zeros((1 << depth) - 1)
    for node in range(axes.size):
        group = groups[node]
        if len(group):
            axes[node] = np.argmax(group.var(axis=0))
            cuts[node] = np.median(group[:, axes[node]])
        below = group[:, axes[node]] < cuts[node]
        groups += [group[below], group[~below]]
    return axes, cuts


def gather(points, axes, cuts):
    """The `Clusters` of a sample (M, d) in the cells of a tree."""
    leaves = np.empty(len(points), np.int64)
    _assign(points, axes, cuts, leaves)
    points = points[np.argsort(leaves, kind="stable")]
    sizes = np.bincount(leaves)
    first = np.concatenate([[0], np.cumsum(sizes[sizes > 0])])
    centroids = np.add.reduceat(points, first[:-1]) / np.diff(first)[:, None]
    far = np.linalg.norm(points - np.repeat(centroids, np.diff(first), axis=0), axis=1)
    return Clusters(points, first, centroids, np.maximum.reduceat(far, first[:-1]), far.mean())


@kernel
def _assign(points, axes, cuts, leaves):
    for i in range(points.shape[0]):
        node = 0
        while node < axes.size:
            node = 2 * node + (1 if points[i, axes[node]] < cuts[node] else 2)
        leaves[i] = node - axes.size


@inlined
def _apart(a, i, b, j):
    squares = 0.0
    for k in range(a.shape[1]):
        squares += (a[i, k] - b[j, k]) ** 2
    return math.sqrt(squares)


def cost_of_plan(a, b, plan):
    """Mean distance if points of two `Clusters` move as a plan (L, K) between the cells says.

    Which points of a cell go where is left to their order, so that it is an upper bound.
    """
    rows, columns = np.nonzero(plan)
    return _cost(a.points, a.first, b.points, b.first, rows, columns, plan[rows, columns])


@kernel
def _cost(a, first_a, b, first_b, rows, columns, masses):
    at_a, at_b = first_a[:-1].copy(), first_b[:-1].copy()
    left_a, left_b = np.empty(at_a.size), np.empty(at_b.size)
    for i in range(at_a.size):
        left_a[i] = 1.0 / a.shape[0]
    for j in range(at_b.size):
        left_b[j] = 1.0 / b.shape[0]
    total = 0.0
    for k in range(masses.size):
        i, j, mass = rows[k], columns[k], masses[k]
        while mass > 0.0 and at_a[i] < first_a[i + 1] and at_b[j] < first_b[j + 1]:
            part = min(mass, left_a[i], left_b[j])
            total += part * _apart(a, at_a[i], b, at_b[j])
            mass -= part
            left_a[i] -= part
            left_b[j] -= part
            if left_a[i] <= 0.0:
                at_a[i] += 1
                left_a[i] = 1.0 / a.shape[0]
            if left_b[j] <= 0.0:
                at_b[j] += 1
                left_b[j] = 1.0 / b.shape[0]
    return total


def mean_potential(clusters, sources, heights):
    """Mean of min_j (|x - y_j| - v_j) over points x; sources y (K, d), heights v (K,)."""
    _, first, centroids, radii, _ = clusters
    across = np.ascontiguousarray(clusters.points.T)
    return _mean_potential(across, first, centroids, radii, sources, heights)


@kernel
def _mean_potential(across, first, centroids, radii, sources, heights):
    """With the points as columns of ``across``.

    Within the radius r about its centroid only those j count whose value there is at most
    2 r above the least one; the slope of each is at most 1.
    """
    dimension, count = across.shape[0], sources.shape[0]
    values = np.empty(count)
    lowest, squares = np.empty(across.shape[1]), np.empty(across.shape[1])
    total = 0.0
    for cell in range(centroids.shape[0]):
        least, start, size = np.inf, first[cell], first[cell + 1] - first[cell]
        for j in range(count):
            values[j] = _apart(centroids, cell, sources, j) - heights[j]
            least = min(least, values[j])
        for i in range(size):
            lowest[i] = np.inf
        for j in range(count):
            if values[j] <= least + 2.001 * radii[cell] + 1e-12:
                for i in range(size):
                    squares[i] = 0.0
                for k in range(dimension):
                    row, source = across[k, start : start + size], sources[j, k]
                    for i in range(size):
                        squares[i] += (row[i] - source) ** 2
                height = heights[j]
                for i in range(size):
                    value = math.sqrt(squares[i]) - height
                    lowest[i] = value if value < lowest[i] else lowest[i]
        part = 0.0
        for i in range(size):
            part += lowest[i]
        total += part
    return total / across.shape[1]
