"""Compiled propagation of many particles through many layers.

Particles are taken in blocks that stay in cache through all layers. A block is
stored as ``x[i, p]``, component i of particle p, so that every inner loop runs over
particles and vectorizes. ``weights`` has shape (P, d, d) and ``biases`` (P, d), one
entry for each parameter time; ``stride`` is 0 where they are constant.
"""

import numpy as np

from kinetic._compile import inlined, kernel
from kinetic._elementary import sigma

BLOCK_ENTRIES = 2048
SMALLEST_BLOCK = 64


@inlined
def _rate(tag, weight, bias, x, z):
    """z = sigma(weight x + bias), four columns of the weight at a time."""
    d, count = x.shape
    for i in range(d):
        b = bias[i]
        head = d % 4
        if head == 0:
            for p in range(count):
                z[i, p] = b
        elif head == 1:
            w0 = weight[i, 0]
            for p in range(count):
                z[i, p] = b + w0 * x[0, p]
        elif head == 2:
            w0, w1 = weight[i, 0], weight[i, 1]
            for p in range(count):
                z[i, p] = b + w0 * x[0, p] + w1 * x[1, p]
        else:
            w0, w1, w2 = weight[i, 0], weight[i, 1], weight[i, 2]
            for p in range(count):
                z[i, p] = b + w0 * x[0, p] + w1 * x[1, p] + w2 * x[2, p]
        for k in range(head, d, 4):
            w0, w1, w2, w3 = weight[i, k], weight[i, k + 1], weight[i, k + 2], weight[i, k + 3]
            for p in range(count):
                z[i, p] += (w0 * x[k, p] + w1 * x[k + 1, p]) + (w2 * x[k + 2, p] + w3 * x[k + 3, p])
        for p in range(count):
            z[i, p] = sigma(tag, z[i, p])


@inlined
def _add(x, h, z, out):
    d, count = x.shape
    for i in range(d):
        for p in range(count):
            out[i, p] = x[i, p] + h * z[i, p]


@inlined
def _clip(x, low, high):
    d, count = x.shape
    for i in range(d):
        for p in range(count):
            x[i, p] = min(max(x[i, p], low), high)


@kernel
def euler(tag, start, weights, biases, stride, h, layers, walled, low, high, out):
    """Layers x <- x + h sigma(w x + b) from ``start`` (M, d) into ``out`` (M, d)."""
    particles, d = start.shape
    size = min(particles, max(SMALLEST_BLOCK, BLOCK_ENTRIES // d))
    buffer = np.zeros((2, d, size), start.dtype)
    x, z = buffer[0], buffer[1]
    for first in range(0, particles, size):
        count = min(size, particles - first)
        for p in range(count):
            for i in range(d):
                x[i, p] = start[first + p, i]
        for layer in range(layers):
            _rate(tag, weights[stride * layer], biases[stride * layer], x, z)
            _add(x, h, z, x)
            if walled:
                _clip(x, low, high)
        for p in range(count):
            for i in range(d):
                out[first + p, i] = x[i, p]


@kernel
def rk4(tag, start, weights, biases, stride, h, layers, walled, low, high, out):
    """Classical Runge-Kutta steps; parameters are given at every half step."""
    particles, d = start.shape
    size = min(particles, max(SMALLEST_BLOCK, BLOCK_ENTRIES // d))
    buffer = np.zeros((4, d, size), start.dtype)
    x, y, z, total = buffer[0], buffer[1], buffer[2], buffer[3]
    half, third, sixth = h / 2, h / 3, h / 6
    for first in range(0, particles, size):
        count = min(size, particles - first)
        for p in range(count):
            for i in range(d):
                x[i, p] = start[first + p, i]
        for layer in range(layers):
            k = 2 * layer * stride
            _rate(tag, weights[k], biases[k], x, z)
            _add(x, sixth, z, total)
            _add(x, half, z, y)
            _rate(tag, weights[k + stride], biases[k + stride], y, z)
            _add(total, third, z, total)
            _add(x, half, z, y)
            _rate(tag, weights[k + stride], biases[k + stride], y, z)
            _add(total, third, z, total)
            _add(x, h, z, y)
            _rate(tag, weights[k + 2 * stride], biases[k + 2 * stride], y, z)
            _add(total, sixth, z, x)
            if walled:
                _clip(x, low, high)
        for p in range(count):
            for i in range(d):
                out[first + p, i] = x[i, p]


METHODS = {"euler": (euler, 1), "rk4": (rk4, 2)}
"""Kernel and parameter times for each step."""
