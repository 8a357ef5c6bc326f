"""L-BFGS without calls of BLAS, whose threads cost more here than they save.

Two-loop recursion, and a line search for the weak Wolfe conditions by bisection and doubling
(Nocedal and Wright 2006, algorithm 7.4; Lewis and Overton 2013).
"""

import math

import numpy as np

from kinetic._compile import inlined, kernel

MEMORY = 20
ARMIJO, CURVATURE, TRIALS = 1e-4, 0.9, 40
ROUNDING = 1e-15


@inlined
def _dot(a, b):
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    whole = a.size - a.size % 4
    for k in range(0, whole, 4):
        s0 += a[k] * b[k]
        s1 += a[k + 1] * b[k + 1]
        s2 += a[k + 2] * b[k + 2]
        s3 += a[k + 3] * b[k + 3]
    for k in range(whole, a.size):
        s0 += a[k] * b[k]
    return (s0 + s1) + (s2 + s3)


@kernel
def dot(a, b):
    """Sum of products, in an order that does not depend on the machine."""
    return _dot(a, b)


@kernel
def direction(gradient, moves, changes, stored, out):
    """Out becomes minus the inverse second derivative times the gradient, from ``stored`` pairs.

    Pair k is in row k % MEMORY of moves of theta and changes of the gradient.
    """
    memory = moves.shape[0]
    weights, inverse = np.empty(memory), np.empty(memory)
    for i in range(gradient.size):
        out[i] = -gradient[i]
    oldest = max(0, stored - memory)
    for k in range(stored - 1, oldest - 1, -1):
        move, change = moves[k % memory], changes[k % memory]
        inverse[k % memory] = 1.0 / _dot(move, change)
        weights[k % memory] = inverse[k % memory] * _dot(move, out)
        for i in range(out.size):
            out[i] -= weights[k % memory] * change[i]
    if stored:
        move, change = moves[(stored - 1) % memory], changes[(stored - 1) % memory]
        scale = _dot(move, change) / _dot(change, change)
    else:
        scale = 1.0 / max(1.0, math.sqrt(_dot(gradient, gradient)))
    for i in range(out.size):
        out[i] *= scale
    for k in range(oldest, stored):
        move, change = moves[k % memory], changes[k % memory]
        weight = weights[k % memory] - inverse[k % memory] * _dot(change, out)
        for i in range(out.size):
            out[i] += weight * move[i]


def minimize(function, theta, iterations, tolerance):
    """Minimize function(theta) -> (value, gradient) from theta.

    Returns theta, the values before the first and after each iteration, and the number of
    calls by then. Stops where no entry of the gradient exceeds the tolerance, or where the
    line search finds no better point.
    """
    value, gradient = function(theta)
    values, calls = [value], [1]
    moves, changes = np.empty((2, MEMORY, theta.size))
    stored, downhill = 0, np.empty_like(theta)
    while len(values) <= iterations and np.abs(gradient).max() > tolerance:
        direction(gradient, moves, changes, stored, downhill)
        slope = dot(gradient, downhill)
        found, used = _searched(function, theta, value, slope, downhill)
        if found is None:
            if stored == 0:
                break
            stored = 0
            continue
        row = stored % MEMORY
        moves[row], changes[row] = found[0] - theta, found[2] - gradient
        if dot(moves[row], changes[row]) > 0.0:
            stored += 1
        theta, value, gradient = found
        values.append(value)
        calls.append(calls[-1] + used)
    return theta, values, calls


def _searched(function, theta, value, slope, downhill):
    """Point, value and gradient that satisfy the weak Wolfe conditions; None if not found."""
    low, high, length = 0.0, math.inf, 1.0
    if not slope < 0.0:
        return None, 0
    for trial in range(1, TRIALS + 1):
        point = theta + length * downhill
        try:
            reached, gradient = function(point)
        except FloatingPointError:
            reached = math.inf
        if not reached <= value + ARMIJO * length * slope + ROUNDING * abs(value):
            high = length
        elif dot(gradient, downhill) < CURVATURE * slope:
            low = length
        else:
            return (point, reached, gradient), trial
        length = (low + high) / 2.0 if high < math.inf else 2.0 * low
    return None, TRIALS
