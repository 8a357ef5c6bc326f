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
def _layer(tag, weight, bias, x, base, h, out):
    """out = base + h sigma(weight x + bias); out is neither x nor base.

    For d > 2 two rows and four columns of the weight are taken at a time, so that the
    particles are loaded less often; for odd d the last pair repeats a row.
    """
    d, count = x.shape
    if d == 1:
        for p in range(count):
            out[0, p] = base[0, p] + h * sigma(tag, bias[0] + weight[0, 0] * x[0, p])
    elif d == 2:
        for i in range(2):
            b, w0, w1 = bias[i], weight[i, 0], weight[i, 1]
            for p in range(count):
                out[i, p] = base[i, p] + h * sigma(tag, b + w0 * x[0, p] + w1 * x[1, p])
    else:
        quads = d - d % 4
        for pair in range(0, d, 2):
            i = min(pair, d - 2)
            j = i + 1
            bi, bj = bias[i], bias[j]
            for p in range(count):
                out[i, p] = bi
                out[j, p] = bj
            for k in range(0, quads, 4):
                u0, u1, u2, u3 = weight[i, k], weight[i, k + 1], weight[i, k + 2], weight[i, k + 3]
                v0, v1, v2, v3 = weight[j, k], weight[j, k + 1], weight[j, k + 2], weight[j, k + 3]
                for p in range(count):
                    x0, x1, x2, x3 = x[k, p], x[k + 1, p], x[k + 2, p], x[k + 3, p]
                    out[i, p] += (u0 * x0 + u1 * x1) + (u2 * x2 + u3 * x3)
                    out[j, p] += (v0 * x0 + v1 * x1) + (v2 * x2 + v3 * x3)
            for k in range(quads, d):
                u0, v0 = weight[i, k], weight[j, k]
                for p in range(count):
                    out[i, p] += u0 * x[k, p]
                    out[j, p] += v0 * x[k, p]
            for row in (i, j):
                for p in range(count):
                    out[row, p] = base[row, p] + h * sigma(tag, out[row, p])


@inlined
def _load(start, first, count, x):
    for p in range(count):
        for i in range(x.shape[0]):
            x[i, p] = start[first + p, i]


@inlined
def _store(x, first, count, out):
    for p in range(count):
        for i in range(x.shape[0]):
            out[first + p, i] = x[i, p]


@inlined
def _clip(x, low, high):
    d, count = x.shape
    for i in range(d):
        for p in range(count):
            # Not by min and max, which may turn NaN into a number.
            x[i, p] = low if x[i, p] < low else x[i, p]
            x[i, p] = high if x[i, p] > high else x[i, p]


@kernel
def euler(tag, start, weights, biases, stride, h, layers, walled, low, high, out):
    """Layers x <- x + h sigma(w x + b) from ``start`` (M, d) into ``out`` (M, d)."""
    particles, d = start.shape
    size = min(particles, max(SMALLEST_BLOCK, BLOCK_ENTRIES // d))
    x, y = np.zeros((d, size), start.dtype), np.zeros((d, size), start.dtype)
    for first in range(0, particles, size):
        count = min(size, particles - first)
        _load(start, first, count, x)
        for layer in range(layers):
            _layer(tag, weights[stride * layer], biases[stride * layer], x, x, h, y)
            x, y = y, x
            if walled:
                _clip(x, low, high)
        _store(x, first, count, out)


@kernel
def rk4(tag, start, weights, biases, stride, h, layers, walled, low, high, out):
    """Classical Runge-Kutta steps; parameters are given at every half step.

    With y1 = x + h/2 k1, y2 = x + h/2 k2, y3 = x + h k3 the step is
    (y1 + 2 y2 + y3 - x) / 3 + h/6 k4.
    """
    particles, d = start.shape
    size = min(particles, max(SMALLEST_BLOCK, BLOCK_ENTRIES // d))
    x, y1 = np.zeros((d, size), start.dtype), np.zeros((d, size), start.dtype)
    y2, y3 = np.zeros((d, size), start.dtype), np.zeros((d, size), start.dtype)
    half, sixth, three = h / 2, h / 6, start.dtype.type(3)
    for first in range(0, particles, size):
        count = min(size, particles - first)
        _load(start, first, count, x)
        for layer in range(layers):
            k = 2 * layer * stride
            middle = weights[k + stride], biases[k + stride]
            _layer(tag, weights[k], biases[k], x, x, half, y1)
            _layer(tag, *middle, y1, x, half, y2)
            _layer(tag, *middle, y2, x, h, y3)
            for i in range(d):
                for p in range(size):
                    y1[i, p] = (y1[i, p] + (y2[i, p] + y2[i, p]) + y3[i, p] - x[i, p]) / three
            k += 2 * stride
            _layer(tag, weights[k], biases[k], y3, y1, sixth, x)
            if walled:
                _clip(x, low, high)
        _store(x, first, count, out)


METHODS = {"euler": (euler, 1), "rk4": (rk4, 2)}
"""Kernel and parameter times for each step."""
