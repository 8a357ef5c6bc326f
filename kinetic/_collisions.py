"""Compiled collisions of many independent particles, and of pairs of particles.

Where parameters depend on time they come as a table, ``weights`` and ``biases`` at equal
distances over an interval, read by linear interpolation at a position in [0, P - 1).
"""

import numpy as np

from kinetic._compile import inlined, kernel
from kinetic._elementary import sigma


@kernel
def collide(tag, x, weight, bias, epsilon, kick, noise):
    """x <- x + epsilon sigma(weight x + bias) + kick noise, for every particle."""
    for p in range(x.size):
        x[p] += epsilon * sigma(tag, weight * x[p] + bias) + kick[p] * noise[p]


@inlined
def _between(table, position):
    k = min(np.int64(position), table.shape[0] - 2)
    return table[k] + (position - k) * (table[k + 1] - table[k])


@kernel
def collide_at(tag, x, positions, weights, biases, epsilon, kick, noise):
    """The same, with the parameters at a position of its own for each particle."""
    for p in range(x.size):
        u = _between(weights, positions[p]) * x[p] + _between(biases, positions[p])
        x[p] += epsilon * sigma(tag, u) + kick[p] * noise[p]


@kernel
def collide_pairs(tag, x, y, first, second, positions, weights, biases, epsilon):
    """x[i] and y[j] collide, for the pairs (i, j) one after the other; y may be x.

    The arguments of sigma are those of Remark 3, with weights (P, 2, 2) and biases (P, 2).
    """
    for k in range(first.size):
        i, j = first[k], second[k]
        low = min(np.int64(positions[k]), weights.shape[0] - 2)
        high, part = low + 1, positions[k] - low
        a, b = x[i], y[j]
        rest = 1.0 - part
        u = (rest * weights[low, 0, 0] + part * weights[high, 0, 0]) * a
        u += (rest * weights[low, 0, 1] + part * weights[high, 0, 1]) * b
        v = (rest * weights[low, 1, 0] + part * weights[high, 1, 0]) * a
        v += (rest * weights[low, 1, 1] + part * weights[high, 1, 1]) * b
        u = u / 2.0 + rest * biases[low, 0] + part * biases[high, 0]
        v = v / 2.0 + rest * biases[low, 1] + part * biases[high, 1]
        x[i] = a + epsilon * sigma(tag, u)
        y[j] = b + epsilon * sigma(tag, v)
