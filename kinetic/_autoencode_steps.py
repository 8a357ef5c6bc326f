"""Compiled steps that train an AutoencODE: Adam, and the penalized Hamiltonian of one layer."""

import math

import numpy as np

from kinetic._autoencode_kernels import objective
from kinetic._compile import kernel
from kinetic._elementary import sigma, slope

DECAY_1, DECAY_2, GUARD = 0.9, 0.999, 1e-8
"""Adam's usual constants."""


@kernel
def adam(
    tag, plan, theta, start, target, probability, tikhonov, draws, rate, limit, costs
):  # fmt: skip
    """Steps of Adam in place; returns how many were made before the cost exceeded ``limit``.

    Step k takes the samples ``draws[k]``, or all where a row of draws is empty. The rate falls
    linearly to zero.
    """
    steps, batch = draws.shape
    mean, square = np.zeros(theta.size), np.zeros(theta.size)
    gradient = np.empty(theta.size)
    some, goal = np.empty((batch, start.shape[1])), np.empty((batch, start.shape[1]))
    even = np.full(batch, 1.0 / max(batch, 1))
    for k in range(steps):
        if batch:
            for j in range(batch):
                for i in range(start.shape[1]):
                    some[j, i] = start[draws[k, j], i]
                    goal[j, i] = target[draws[k, j], i]
            cost = objective(tag, plan, theta, some, goal, even, tikhonov, gradient)
        else:
            cost = objective(tag, plan, theta, start, target, probability, tikhonov, gradient)
        costs[k] = cost
        if not cost <= limit:
            return k
        first = rate * (1.0 - k / steps) / (1.0 - DECAY_1 ** (k + 1))
        second = 1.0 / (1.0 - DECAY_2 ** (k + 1))
        for i in range(theta.size):
            g = gradient[i]
            mean[i] = DECAY_1 * mean[i] + (1.0 - DECAY_1) * g
            square[i] = DECAY_2 * square[i] + (1.0 - DECAY_2) * g * g
            theta[i] -= first * mean[i] / (math.sqrt(second * square[i]) + GUARD)
    return steps


@kernel
def penalized(tag, plan, layer, theta, states, adjoints, tikhonov, tau, old, slopes):
    """Penalized Hamiltonian of a layer with its sign changed, and its derivative in ``slopes``.

    int p . sigma(W x + b) dmu + tikhonov |theta|^2 + |theta - old|^2 / (2 tau)
    """
    blocks, size = states.shape[0], states.shape[3]
    a = plan.widths[layer]
    weight, bias = theta[: a * a].reshape(a, a), theta[a * a :]
    u, work, ones = np.empty((a, size)), np.empty((a, size)), np.ones(size)
    product, sums = np.empty((a, a)), np.empty(a)
    value = 0.0
    for k in range(theta.size):
        move = theta[k] - old[k]
        value += tikhonov * theta[k] * theta[k] + move * move / (2.0 * tau)
        slopes[k] = 2.0 * tikhonov * theta[k] + move / tau
    for block in range(blocks):
        x, p = states[block, layer, :a], adjoints[block, layer + 1]
        np.dot(weight, x, u)
        for i in range(a):
            for j in range(size):
                s = sigma(tag, u[i, j] + bias[i])
                value += p[i, j] * s
                work[i, j] = p[i, j] * slope(tag, s)
        np.dot(work, x.T, product)
        np.dot(work, ones, sums)
        for i in range(a):
            slopes[a * a + i] += sums[i]
            for k in range(a):
                slopes[i * a + k] += product[i, k]
    return value


@kernel
def maximize(
    tag, plan, layer, old, slope_old, value_old, states, adjoints, tikhonov, tau, tolerance,
    most, theta,
):  # fmt: skip
    """Maximize the penalized Hamiltonian of a layer from ``old`` by Barzilai-Borwein steps.

    Returns the number of evaluations; negative where the derivative did not fall to
    ``tolerance`` times its first size, or the penalized Hamiltonian did not rise.
    """
    before, now = slope_old.copy(), np.empty(old.size)
    start = math.sqrt(np.dot(before, before))
    length = 1.0 / (2.0 * tikhonov + 1.0 / tau)
    for k in range(old.size):
        theta[k] = old[k]
    for count in range(1, most + 1):
        for k in range(old.size):
            theta[k] -= length * before[k]
        value = penalized(tag, plan, layer, theta, states, adjoints, tikhonov, tau, old, now)
        if math.sqrt(np.dot(now, now)) <= tolerance * start:
            return count if value <= value_old else -count
        bend, square = 0.0, 0.0
        for k in range(old.size):
            change = before[k] - now[k]
            bend += length * before[k] * change
            square += length * before[k] * length * before[k]
            before[k] = now[k]
        if bend > 0.0:
            length = square / bend
    return -most


@kernel
def maximize_all(
    tag, plan, theta, slopes, energies, states, adjoints, tikhonov, tau, tolerance, most, found,
    counts,
):  # fmt: skip
    """Maximize the penalized Hamiltonian of each layer; stops at one that is not solved."""
    counts[:] = 0
    for layer in range(plan.widths.size):
        a, first = plan.widths[layer], plan.offsets[layer]
        last = first + a * (a + 1)
        old = theta[first:last]
        value = energies[layer] + tikhonov * np.dot(old, old)
        counts[layer] = maximize(
            tag, plan, layer, old, slopes[first:last], value, states, adjoints, tikhonov, tau,
            tolerance, most, found[first:last],
        )  # fmt: skip
        if counts[layer] < 0:
            return
