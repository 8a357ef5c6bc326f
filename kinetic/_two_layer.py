"""Compiled stochastic gradient descent of networks with one hidden layer.

Neurons are taken in blocks: ``c[k, l]`` and ``w[k, j, l]`` belong to neuron k LANES + l, so
that inner loops run over the lanes of a block and vectorize, whatever the dimension. The
update for one sample and the evaluation at the next are one pass over the neurons.
"""

import numpy as np

from kinetic._compile import inlined, kernel
from kinetic._elementary import sigma, slope

LANES = 64


def pack(c, w):
    """Blocks from parameters (R, N) and (R, N, d) of R runs; the last one is filled with zeros."""
    runs, neurons, d = w.shape
    blocks = -(-neurons // LANES)
    packed_c, packed_w = np.zeros((runs, blocks * LANES)), np.zeros((runs, blocks * LANES, d))
    packed_c[:, :neurons], packed_w[:, :neurons] = c, w
    packed_w = packed_w.reshape(runs, blocks, LANES, d).transpose(0, 1, 3, 2)
    return packed_c.reshape(runs, blocks, LANES), np.ascontiguousarray(packed_w)


def unpack(c, w, neurons):
    """Parameters (R, N) and (R, N, d) from blocks."""
    runs, _, d, _ = w.shape
    rows = w.transpose(0, 1, 3, 2).reshape(runs, -1, d)
    return c.reshape(runs, -1)[:, :neurons].copy(), rows[:, :neurons].copy()


@inlined
def _total(sums):
    """Sum of (LANES,) numbers, in place."""
    half = LANES // 2
    while half:
        for i in range(half):
            sums[i] += sums[i + half]
        half //= 2
    return sums[0]


@inlined
def _pass_on_line(tag, c, w, values, neurons, step, x, coming, sums):
    """Descend by a sample x, then evaluate at the coming one: the sum of c sigma(w coming).

    ``step`` is the rate times y - g, ``values`` holds sigma(w x) and then sigma(w coming);
    c, w and values are blocks (k, LANES).
    """
    sums[:] = 0.0
    for k in range(c.shape[0]):
        for i in range(min(LANES, neurons - k * LANES)):
            value, outer = values[k, i], c[k, i]
            inner = w[k, i] + step * outer * slope(tag, value) * x
            outer += step * value
            value = sigma(tag, inner * coming)
            w[k, i], c[k, i], values[k, i] = inner, outer, value
            sums[i] += outer * value
    return _total(sums)


@inlined
def _pass_in_space(tag, c, w, values, neurons, step, x, coming, sums, factors, u):
    """The same for samples (d,) and blocks w (k, d, LANES); factors and u are buffers."""
    sums[:] = 0.0
    for k in range(c.shape[0]):
        count = min(LANES, neurons - k * LANES)
        for i in range(count):
            value = values[k, i]
            factors[i] = step * c[k, i] * slope(tag, value)
            c[k, i] += step * value
        u[:] = 0.0
        for j in range(w.shape[1]):
            now, then = x[j], coming[j]
            for i in range(count):
                inner = w[k, j, i] + factors[i] * now
                w[k, j, i] = inner
                u[i] += inner * then
        for i in range(count):
            value = sigma(tag, u[i])
            values[k, i] = value
            sums[i] += c[k, i] * value
    return _total(sums)


@kernel
def descend(tag, x, y, order, rate, largest, neurons, c, w):
    """Steps of online descent with the samples ``order``, in place.

    Returns the number of steps after which the modulus of the output at the next sample (or
    the last again) is not at most ``largest`` (it may be NaN); -1 where that does not happen.
    """
    values = np.zeros(c.shape)
    sums, factors, u = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    on_line = w.shape[1] == 1
    flat = w.reshape(w.size)[: c.size].reshape(c.shape)
    sample, step = order[0], 0.0
    for k in range(order.size + 1):
        coming = order[min(k, order.size - 1)]
        if on_line:
            total = _pass_on_line(
                tag, c, flat, values, neurons, step, x[sample, 0], x[coming, 0], sums
            )
        else:
            total = _pass_in_space(
                tag, c, w, values, neurons, step, x[sample], x[coming], sums, factors, u
            )
        g = total / neurons
        if not abs(g) <= largest:
            return k
        step = rate * (y[coming] - g)
        sample = coming
    return -1


@kernel
def descend_many(tag, x, y, orders, rate, largest, neurons, c, w, ends):
    """The same for each run r, with samples orders[:, r], blocks c[r] and w[r], result ends[r]."""
    for r in range(ends.size):
        order = orders[:, r].copy()
        ends[r] = descend(tag, x, y, order, rate, largest, neurons, c[r], w[r])


@kernel
def outputs(tag, c, w, points, out):
    """out[r, m] = mean of c[r, i] sigma(w[r, i] . points[:, m]) over i; points are (d, M)."""
    runs, neurons, d = w.shape
    u = np.empty(LANES)
    out[:] = 0.0
    for r in range(runs):
        for first in range(0, out.shape[1], LANES):
            count = min(LANES, out.shape[1] - first)
            block = points[:, first : first + count].copy()
            sums = out[r, first : first + count]
            for i in range(neurons):
                u[:] = 0.0
                for j in range(d):
                    for m in range(count):
                        u[m] += w[r, i, j] * block[j, m]
                for m in range(count):
                    sums[m] += c[r, i] * sigma(tag, u[m])
    out /= neurons
