"""Compiled passes of samples through an AutoencODE, forwards and backwards.

Samples are taken in blocks that stay in cache through all layers. A block is stored as
``x[l, i, p]``: component i of sample p before layer l. Components are ordered such that those
active in layer l are the first ``widths[l]``: in the order of their departure up to the
narrowest layer ``middle``, and from there on in the order of their return. Theta holds, layer
after layer, the rows of the weight and then the bias. The first layer is written np.int64(0), since
for a literal 0 `forward` would be compiled once more.
"""

from typing import NamedTuple

import numpy as np

from kinetic._compile import inlined, kernel
from kinetic._elementary import sigma, slope

SMALLEST_BLOCK, LARGEST_BLOCK, BLOCK_ENTRIES = 64, 256, 4096
"""Up to 64 x 64 x 64 OpenBLAS uses one thread; more would only wait for each other here."""
NARROW = 4
"""Up to this width plain loops are faster than a call of BLAS."""


class Plan(NamedTuple):
    """What the kernels know of an AutoencODE.

    widths, offsets : (N,) number of active components, and first entry of theta, of each layer.
    relabel : (d,) component i after the narrowest layer is ``relabel[i]`` before it.
    middle : first layer of the smallest width.
    step : length of a layer.
    freeze : whether a deactivated component keeps its value.
    """

    widths: np.ndarray
    offsets: np.ndarray
    relabel: np.ndarray
    middle: int
    step: float
    freeze: bool


@inlined
def block_size(samples, d):
    """Samples in a block: equal blocks, a multiple of 8."""
    most = min(LARGEST_BLOCK, max(SMALLEST_BLOCK, BLOCK_ENTRIES // d))
    blocks = (samples + most - 1) // most
    return 8 * (((samples + blocks - 1) // blocks + 7) // 8)


@inlined
def _weight(plan, theta, layer):
    a, first = plan.widths[layer], plan.offsets[layer]
    return theta[first : first + a * a].reshape(a, a)


@inlined
def _bias(plan, theta, layer):
    a, first = plan.widths[layer], plan.offsets[layer]
    return theta[first + a * a : first + a * (a + 1)]


@kernel
def _product(weight, x, out):
    """out = weight x."""
    a, size = out.shape
    if a > NARROW:
        np.dot(weight, x, out)
        return
    for i in range(a):
        for p in range(size):
            out[i, p] = weight[i, 0] * x[0, p]
        for k in range(1, a):
            for p in range(size):
                out[i, p] += weight[i, k] * x[k, p]


@inlined
def copy(rows, begin, end, out):
    """Copy rows begin, ..., end - 1."""
    for i in range(begin, end):
        for p in range(rows.shape[1]):
            out[i, p] = rows[i, p]


@kernel
def load(rows, first, x):
    """Components of samples ``first``, ... into x (columns, size); zero beyond the last one."""
    samples, columns = rows.shape
    count = min(x.shape[1], samples - first)
    for i in range(columns):
        for p in range(count):
            x[i, p] = rows[first + p, i]
        for p in range(count, x.shape[1]):
            x[i, p] = 0.0


@kernel
def forward(tag, plan, theta, begin, end, x, s, work):
    """Layers begin, ..., end - 1: states x (N + 1, d, size) and values s of sigma (N, d, size)."""
    layers, d = plan.widths.size, x.shape[1]
    for layer in range(begin, end):
        a = plan.widths[layer]
        bias = _bias(plan, theta, layer)
        before, after, value = x[layer], x[layer + 1], s[layer]
        _product(_weight(plan, theta, layer), before[:a], value[:a])
        for i in range(a):
            for p in range(x.shape[2]):
                value[i, p] = sigma(tag, value[i, p] + bias[i])
                after[i, p] = before[i, p] + plan.step * value[i, p]
        wider = plan.widths[layer + 1] if layer + 1 < layers else d
        if not plan.freeze:
            after[min(a, wider) : max(a, wider)] = 0.0
        elif layer + 1 == plan.middle:
            copy(after, 0, a, work)
            copy(before, a, d, work)
            for i in range(d):
                for p in range(x.shape[2]):
                    after[i, p] = work[plan.relabel[i], p]
        else:
            copy(before, a, d, after)


@kernel
def backward(tag, plan, theta, x, s, adjoint, work, product, ones, gradient):
    """Add the gradient of the loss; ``adjoint`` (N + 1, d, size) is given at its last layer."""
    layers, d = plan.widths.size, x.shape[1]
    for layer in range(layers - 1, -1, -1):
        a, first = plan.widths[layer], plan.offsets[layer]
        after, before, value = adjoint[layer + 1], adjoint[layer], s[layer]
        for i in range(a):
            for p in range(x.shape[2]):
                work[i, p] = plan.step * after[i, p] * slope(tag, value[i, p])
        part = product[: a * a].reshape(a, a)
        np.dot(work[:a], x[layer, :a].T, part)
        for k in range(a * a):
            gradient[first + k] += product[k]
        np.dot(work[:a], ones, product[:a])
        for k in range(a):
            gradient[first + a * a + k] += product[k]
        if a > NARROW:
            np.dot(_weight(plan, theta, layer).T, work[:a], before[:a])
            for i in range(a):
                for p in range(x.shape[2]):
                    before[i, p] += after[i, p]
        else:
            weight = _weight(plan, theta, layer)
            copy(after, 0, a, before)
            for i in range(a):
                for k in range(a):
                    for p in range(x.shape[2]):
                        before[i, p] += weight[k, i] * work[k, p]
        if not plan.freeze:
            before[a:] = 0.0
        elif layer == plan.middle:
            copy(before, 0, a, work)
            copy(after, a, d, work)
            for i in range(d):
                for p in range(x.shape[2]):
                    before[plan.relabel[i], p] = work[i, p]
        else:
            copy(after, a, d, before)


@kernel
def residual(rows, probability, first, x, adjoint):
    """Loss of a block; fills ``adjoint`` with its derivative by the outputs x (d, size)."""
    load(rows, first, adjoint)
    loss = 0.0
    for p in range(min(x.shape[1], rows.shape[0] - first)):
        total = 0.0
        for i in range(x.shape[0]):
            difference = x[i, p] - adjoint[i, p]
            total += difference * difference
        loss += probability[first + p] * total
    for p in range(x.shape[1]):
        weight = 2.0 * probability[first + p] if first + p < rows.shape[0] else 0.0
        for i in range(x.shape[0]):
            adjoint[i, p] = weight * (x[i, p] - adjoint[i, p])
    return loss


@kernel
def transform(tag, plan, theta, begin, end, start, out):
    """Layers begin, ..., end - 1 from rows ``start`` (M, j) to ``out`` (M, k)."""
    layers, d = plan.widths.size, plan.relabel.size
    size = block_size(start.shape[0], d)
    x, s, work = np.empty((layers + 1, d, size)), np.empty((layers, d, size)), np.empty((d, size))
    for first in range(0, start.shape[0], size):
        x[begin] = 0.0
        load(start, first, x[begin])
        forward(tag, plan, theta, begin, end, x, s, work)
        for p in range(min(size, start.shape[0] - first)):
            for i in range(out.shape[1]):
                out[first + p, i] = x[end, i, p]


@kernel
def sweep(tag, plan, theta, start, target, probability, gradient, states, adjoints, energies):
    """The loss, its gradient, and what the layers saw, in blocks; see `reconstruction.Stored`."""
    layers, d, size = plan.widths.size, plan.relabel.size, states.shape[3]
    s, work = np.empty((layers, d, size)), np.empty((d, size))
    product, ones = np.empty(d * d), np.ones(size)
    gradient[:] = 0.0
    energies[:] = 0.0
    loss = 0.0
    for block in range(states.shape[0]):
        x, adjoint, first = states[block], adjoints[block], block * size
        load(start, first, x[0])
        forward(tag, plan, theta, np.int64(0), layers, x, s, work)
        loss += residual(target, probability, first, x[layers], adjoint[layers])
        backward(tag, plan, theta, x, s, adjoint, work, product, ones, gradient)
        for layer in range(layers):
            for i in range(plan.widths[layer]):
                for p in range(size):
                    energies[layer] += adjoint[layer + 1, i, p] * s[layer, i, p]
    return loss


@kernel
def objective(tag, plan, theta, start, target, probability, tikhonov, gradient):
    """J and its gradient; start and target are the data in the two orders of components."""
    layers, d = plan.widths.size, plan.relabel.size
    size = block_size(start.shape[0], d)
    x, s = np.empty((layers + 1, d, size)), np.empty((layers, d, size))
    adjoint, work = np.empty((layers + 1, d, size)), np.empty((d, size))
    product, ones = np.empty(d * d), np.ones(size)
    square, loss = 0.0, 0.0
    for k in range(theta.size):
        square += theta[k] * theta[k]
        gradient[k] = 2.0 * tikhonov * plan.step * theta[k]
    for first in range(0, start.shape[0], size):
        load(start, first, x[0])
        forward(tag, plan, theta, np.int64(0), layers, x, s, work)
        loss += residual(target, probability, first, x[layers], adjoint[layers])
        backward(tag, plan, theta, x, s, adjoint, work, product, ones, gradient)
    return loss + tikhonov * plan.step * square
