"""Layers evaluated by NumPy, for activations without a compiled form.

Arguments as in `kinetic._layers`, with the activation in place of its tag.
"""

import numpy as np


def euler(sigma, start, weights, biases, stride, h, layers, walled, low, high, out):
    """Layers x <- x + h sigma(w x + b) from ``start`` (M, d) into ``out`` (M, d)."""
    x = start.copy()
    for layer in range(layers):
        k = stride * layer
        x += h * _activated(sigma, x, weights[k], biases[k])
        if walled:
            np.clip(x, low, high, out=x)
    out[:] = x


def rk4(sigma, start, weights, biases, stride, h, layers, walled, low, high, out):
    """Classical Runge-Kutta steps; parameters are given at every half step."""
    x = start.copy()
    for layer in range(layers):
        first, middle, last = 2 * layer * stride + stride * np.arange(3)
        k1 = _activated(sigma, x, weights[first], biases[first])
        k2 = _activated(sigma, x + h / 2 * k1, weights[middle], biases[middle])
        k3 = _activated(sigma, x + h / 2 * k2, weights[middle], biases[middle])
        k4 = _activated(sigma, x + h * k3, weights[last], biases[last])
        x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        if walled:
            np.clip(x, low, high, out=x)
    out[:] = x


def _activated(sigma, x, weight, bias):
    u = x @ weight.T + bias
    if not np.isfinite(u).all():
        raise FloatingPointError(f"w x + b exceeds the range of {x.dtype} in a layer")
    return sigma(u)


METHODS = {"euler": euler, "rk4": rk4}
