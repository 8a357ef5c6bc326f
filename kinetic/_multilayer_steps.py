"""Compiled stochastic gradient descent of a multilayer network, one sample a step.

All weights lie in one vector, layer after layer, each as the matrix ``w[j, k]`` from the
neuron k below to the neuron j above. Hidden widths are multiples of ``ROWS``; what is added
to make them so has mass zero and does not act.

The matrix below the last hidden layer is swept once a step. A row is first brought up to
date (the update of the step before), then multiplied with the layer below it; the gradient
with respect to the last hidden layer needs from the output one common factor only, so that
its product with the row is summed while the row is still in cache. The other inner matrices
are swept twice: forward, and backward with the update.
"""

from kinetic._compile import inlined, kernel, summing
from kinetic._elementary import SCALARS, Sigmoid, Tanh

ROWS = 4
BLOCK_ENTRIES = 32768
ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh")
LOSSES = ("squared", "huber")

_tanh, _sigmoid = SCALARS[Tanh, 64], SCALARS[Sigmoid, 64]


@inlined
def activate(code, u, slope, first, last):
    """Replace u[first:last] by its activation; the slope is the derivative there."""
    if code == 3:
        for p in range(first, last):
            value = _tanh(u[p])
            u[p] = value
            slope[p] = 1.0 - value * value
    elif code == 2:
        for p in range(first, last):
            value = _sigmoid(u[p])
            u[p] = value
            slope[p] = value * (1.0 - value)
    elif code == 1:
        for p in range(first, last):
            slope[p] = 1.0 if u[p] > 0.0 else 0.0
            u[p] *= slope[p]
    else:
        for p in range(first, last):
            slope[p] = 1.0


@inlined
def slope_of_loss(loss, residual):
    """Derivative of the loss with respect to the output, at output - y."""
    return min(max(residual, -1.0), 1.0) if loss == 1 else residual


@summing
def _product(row, below):
    total = 0.0
    for k in range(row.size):
        total += row[k] * below[k]
    return total


@summing
def _update_and_multiply(w, change, old, below, out, first, last):
    """w -= change old^T, then out = w below, for some rows, two at a time."""
    for j in range(first, last, 2):
        c, d = change[j], change[j + 1]
        s, t = 0.0, 0.0
        for k in range(w.shape[1]):
            u, v = w[j, k] - c * old[k], w[j + 1, k] - d * old[k]
            w[j, k], w[j + 1, k] = u, v
            s += u * below[k]
            t += v * below[k]
        out[j], out[j + 1] = s, t


@inlined
def _add_rows(w, factor, out, first, last):
    """out += factor^T w, for some rows."""
    for j in range(first, last, ROWS):
        f0, f1, f2, f3 = factor[j], factor[j + 1], factor[j + 2], factor[j + 3]
        for k in range(w.shape[1]):
            out[k] += (f0 * w[j, k] + f1 * w[j + 1, k]) + (f2 * w[j + 2, k] + f3 * w[j + 3, k])


@inlined
def _update(w, change, below, first, last):
    """w -= change below^T, for some rows."""
    for j in range(first, last):
        c = change[j]
        for k in range(w.shape[1]):
            w[j, k] -= c * below[k]


@inlined
def _matrix(theta, starts, widths, i):
    """The weights of layer i."""
    return theta[starts[i - 1] : starts[i]].reshape(widths[i], widths[i - 1])


@inlined
def _rows_at_once(size):
    """How many rows of a matrix stay in cache."""
    return max(ROWS, BLOCK_ENTRIES // size // ROWS * ROWS)


@inlined
def _sweep(w, change, old, below, code, mass, above, value, slope, factor, out):
    """Update and use the matrix below the last hidden layer in one pass.

    value : the last hidden layer; factor : mass * above * slope; out : factor^T w.
    """
    n, m = w.shape
    rows = _rows_at_once(m)
    for k in range(m):
        out[k] = 0.0
    for first in range(0, n, rows):
        last = min(first + rows, n)
        _update_and_multiply(w, change, old, below, value, first, last)
        activate(code, value, slope, first, last)
        for j in range(first, last):
            factor[j] = mass[j] * above[j] * slope[j]
        _add_rows(w, factor, out, first, last)


@kernel
def descend(theta, widths, starts, masses, codes, x, y, order, rates, largest, work):
    """Steps of gradient descent, one for each row number of the data in ``order``.

    Parameters
    ----------
    theta : weights, changed in place.
    widths : (L + 1,) d, the hidden widths, 1.
    starts : (L + 1,) where the layers begin in theta, and its end.
    masses : (L, widths.max()) masses of the neurons of layer i in row i; row 0 is unused.
    codes : (L + 1,) places of the activations in `ACTIVATIONS`, and of the loss in `LOSSES`.
    x, y : (M, d) and (M,) data.
    rates : (steps, L) learning rate of each layer.
    largest : a run whose output is larger has diverged.
    work : (4, at least max(L, 7), widths.max()) zeros for use in the steps.

    Returns
    -------
    The step at which the run diverged, or -1.
    """
    layers = widths.size - 1
    value, weighted, slope, single = work[0], work[1], work[2], work[3]
    change, factor, back, pending, old = single[0], single[1], single[2], single[3], single[4]
    end, slope_end = single[5], single[6]
    for k in range(pending.size):
        pending[k] = 0.0
    top = layers - 1
    n, below = widths[top], widths[top - 1]
    matrix = _matrix(theta, starts, widths, top)
    above = theta[starts[top] :]
    for step in range(order.size):
        sample = order[step]
        for k in range(widths[0]):
            weighted[0, k] = x[sample, k]
        for i in range(1, top):
            w = _matrix(theta, starts, widths, i)
            for j in range(widths[i]):
                value[i, j] = _product(w[j], weighted[i - 1])
            activate(codes[i - 1], value[i], slope[i], 0, widths[i])
            for p in range(widths[i]):
                weighted[i, p] = masses[i, p] * value[i, p]
        _sweep(
            matrix, pending, old, weighted[top - 1], codes[top - 1], masses[top], above,
            value[top], slope[top], factor, back,
        )  # fmt: skip
        end[0] = 0.0
        for j in range(n):
            end[0] += masses[top, j] * above[j] * value[top, j]
        activate(codes[top], end, slope_end, 0, 1)
        if not abs(end[0]) <= largest:
            return step
        common = slope_of_loss(codes[layers], end[0] - y[sample]) * slope_end[0]
        for j in range(n):
            pending[j] = rates[step, top - 1] * common * above[j] * slope[top, j]
            above[j] -= rates[step, top] * common * value[top, j]
        for k in range(below):
            old[k] = value[top - 1, k]
            back[k] *= common
        for i in range(top - 1, 0, -1):
            w = _matrix(theta, starts, widths, i)
            for j in range(widths[i]):
                delta = back[j] * slope[i, j]
                factor[j] = masses[i, j] * delta
                change[j] = rates[step, i - 1] * delta
            for k in range(back.size):
                back[k] = 0.0
            rows = _rows_at_once(widths[i - 1])
            for first in range(0, widths[i], rows):
                last = min(first + rows, widths[i])
                if i > 1:
                    _add_rows(w, factor, back, first, last)
                _update(w, change, weighted[0] if i == 1 else value[i - 1], first, last)
    _update(matrix, pending, old, 0, n)
    return -1
