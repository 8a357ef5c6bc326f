"""Samples in space gathered in the cells of a tree that halves the points again and again."""

import numpy as np

from kinetic._compile import kernel

POINTS_A_LEAF = 64
"""Points for each leaf that the cuts of a tree are chosen from."""


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


def gathered(points, axes, cuts):
    """Centroids (L, d) of the leaves that hold points, their shares (L,), mean distance to them."""
    count, dimension = axes.size + 1, points.shape[1]
    leaves, sizes = np.empty(len(points), np.int64), np.zeros(count)
    centroids = np.zeros((count, dimension))
    _assign(points, axes, cuts, leaves, sizes, centroids)
    centroids /= np.maximum(sizes, 1.0)[:, None]
    moved = _mean_distance(points, leaves, centroids)
    held = sizes > 0.0
    return centroids[held], sizes[held] / len(points), moved


@kernel
def _assign(points, axes, cuts, leaves, sizes, sums):
    for i in range(points.shape[0]):
        node = 0
        while node < axes.size:
            node = 2 * node + (1 if points[i, axes[node]] < cuts[node] else 2)
        leaf = node - axes.size
        leaves[i] = leaf
        sizes[leaf] += 1.0
        for k in range(points.shape[1]):
            sums[leaf, k] += points[i, k]


@kernel
def _mean_distance(points, leaves, centroids):
    total = 0.0
    for i in range(points.shape[0]):
        squares = 0.0
        for k in range(points.shape[1]):
            squares += (points[i, k] - centroids[leaves[i], k]) ** 2
        total += np.sqrt(squares)
    return total / points.shape[0]
