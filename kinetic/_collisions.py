"""Compiled collisions of many independent particles, and of pairs of particles."""

import numpy as np

from kinetic import _noise
from kinetic._compile import kernel
from kinetic._elementary import sigma


@kernel
def collide(tag, x, weight, bias, epsilon, kick, noise):
    """x <- x + epsilon sigma(weight x + bias) + kick noise, for every particle."""
    for p in range(x.size):
        x[p] += epsilon * sigma(tag, weight * x[p] + bias) + kick[p] * noise[p]


@kernel
def collide_in_steps(tag, law, state, blocks, weights, biases, epsilon, fixed, linear):
    """For each weight and bias x <- x + epsilon sigma(weight x + bias) + (fixed + linear x) eta.

    ``blocks`` (B, 2 LANES) holds the particles; eta has a law of `_noise.NOISES`, and is not
    drawn where it has no factor.
    """
    own, numbers = np.empty((4, _noise.LANES), np.uint64), np.zeros(2 * _noise.LANES)
    _noise.copy(state, own)
    noisy = fixed != 0.0 or linear != 0.0
    for k in range(weights.size):
        weight, bias = weights[k], biases[k]
        for i in range(blocks.shape[0]):
            if noisy:
                _noise.draw(law, own, numbers)
            for p in range(2 * _noise.LANES):
                x = blocks[i, p]
                kick = (fixed + linear * x) * numbers[p]
                blocks[i, p] = x + (epsilon * sigma(tag, weight * x + bias) + kick)
    _noise.copy(own, state)


@kernel
def interpolate(table, positions, out):
    """Values of a table (P,) between its entries, at positions in [0, P - 1]."""
    for p in range(positions.size):
        k = min(np.int64(positions[p]), table.size - 2)
        out[p] = table[k] + (positions[p] - k) * (table[k + 1] - table[k])


@kernel
def collide_each(tag, x, weights, biases, epsilon, kick, noise):
    """The same with parameters for each particle, arrays like x."""
    for p in range(x.size):
        x[p] += epsilon * sigma(tag, weights[p] * x[p] + biases[p]) + kick[p] * noise[p]


@kernel
def collide_pairs(tag, x, y, first, second, positions, weights, biases, epsilon):
    """x[i] and y[j] collide, for the pairs (i, j) one after the other; y may be x.

    The arguments of sigma are those of Remark 3. The weights (P, 2, 2) and biases (P, 2)
    are interpolated linearly at a position in [0, P - 1] for each pair.
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
