r"""Compiled passes through the layers x_{n+1} = x_n + h sigma(theta_n x_n).

Arrays of shape (N + 1, M) live at the ends of the N layers, those of shape (N, M) in the
layers; M is the number of particles, and particle i has the mass ``masses[i]``.
"""

import math

import numpy as np
from numba.extending import overload

from kinetic._compile import OPTIONS, inlined, kernel
from kinetic._elementary import Identity, Sigmoid, Tanh, sigma

SCAN = 64
MOST_NEWTON_STEPS = 100


@inlined
def _identity_slopes(s):
    return 1.0, 0.0


@inlined
def _sigmoid_slopes(s):
    first = s * (1.0 - s)
    return first, first * (1.0 - 2.0 * s)


@inlined
def _tanh_slopes(s):
    first = 1.0 - s * s
    return first, -2.0 * s * first


SLOPES = {Identity: _identity_slopes, Sigmoid: _sigmoid_slopes, Tanh: _tanh_slopes}
"""(sigma', sigma'') as functions of the value sigma."""


def slopes(tag, s):
    """(sigma', sigma'') where sigma has the value s; for use in kernels."""
    return SLOPES[type(tag)](s)


@overload(slopes, jit_options=OPTIONS, inline="always")
def _slopes_compiled(tag, s):
    function = SLOPES[tag.instance_class]
    return lambda tag, s: function(s)


@kernel
def sweep(tag, x, y, masses, theta, h, states, costates, force):
    """Forward and backward pass; returns the end cost sum masses (x_N - y)^2.

    costates[n] is d (x_N - y)^2 / d x_n, and force[n] the derivative of the end cost with
    respect to theta_n, divided by h.
    """
    layers, particles = theta.size, x.size
    states[0] = x
    for n in range(layers):
        for i in range(particles):
            states[n + 1, i] = states[n, i] + h * sigma(tag, theta[n] * states[n, i])
    end_cost = 0.0
    for i in range(particles):
        gap = states[layers, i] - y[i]
        costates[layers, i] = 2.0 * gap
        end_cost += masses[i] * gap * gap
    for n in range(layers - 1, -1, -1):
        total = 0.0
        for i in range(particles):
            first, _ = slopes(tag, sigma(tag, theta[n] * states[n, i]))
            total += masses[i] * costates[n + 1, i] * states[n, i] * first
            costates[n, i] = costates[n + 1, i] * (1.0 + h * theta[n] * first)
        force[n] = total
    return end_cost


@kernel
def curvature(tag, masses, theta, h, states, costates, hessian):
    """Second derivatives of the end cost with respect to theta, divided by h.

    For each layer m the derivatives of states and costates with respect to theta_m run
    forward and backward.
    """
    layers, particles = theta.size, masses.size
    growth = np.empty((layers, particles))
    push = np.empty((layers, particles))
    bend_xx = np.empty((layers, particles))
    bend_xt = np.empty((layers, particles))
    bend_tt = np.empty((layers, particles))
    for n in range(layers):
        for i in range(particles):
            x, p = states[n, i], costates[n + 1, i]
            first, second = slopes(tag, sigma(tag, theta[n] * x))
            growth[n, i] = 1.0 + h * theta[n] * first
            push[n, i] = h * x * first
            bend_xx[n, i] = p * h * theta[n] * theta[n] * second
            bend_xt[n, i] = p * h * (first + theta[n] * x * second)
            bend_tt[n, i] = p * h * x * x * second
    dx = np.empty((layers + 1, particles))
    dp = np.empty(particles)
    for m in range(layers):
        dx[m] = 0.0
        dx[m + 1] = push[m]
        for n in range(m + 1, layers):
            for i in range(particles):
                dx[n + 1, i] = growth[n, i] * dx[n, i]
        for i in range(particles):
            dp[i] = 2.0 * dx[layers, i]
        for n in range(layers - 1, m - 1, -1):
            total = 0.0
            for i in range(particles):
                total += masses[i] * (dp[i] * push[n, i] + bend_xt[n, i] * dx[n, i])
                dp[i] = growth[n, i] * dp[i] + bend_xx[n, i] * dx[n, i]
            hessian[n, m] = total / h
            hessian[m, n] = total / h
        total = 0.0
        for i in range(particles):
            total += masses[i] * bend_tt[m, i]
        hessian[m, m] += total / h


@kernel
def energy(tag, u, x, q, lam):
    """H(u) = lam u^2 + sum_i q_i sigma(u x_i)."""
    total = lam * u * u
    for i in range(x.size):
        total += q[i] * sigma(tag, u * x[i])
    return total


@kernel
def energy_slopes(tag, u, x, q, lam):
    """H'(u) and H''(u)."""
    one, two = 2.0 * lam * u, 2.0 * lam
    for i in range(x.size):
        first, second = slopes(tag, sigma(tag, u * x[i]))
        one += q[i] * x[i] * first
        two += q[i] * x[i] * x[i] * second
    return one, two


@kernel
def least(tag, x, q, lam, radius):
    """The global minimizer of H in [-radius, radius].

    H is scanned on points that are spaced like sinh, and each local minimum of the scan is
    polished by Newton's method on H', kept within its bracket by bisection.
    """
    largest = 1e-300
    for i in range(x.size):
        largest = max(largest, abs(x[i]))
    points = np.empty(2 * SCAN + 1)
    values = np.empty(2 * SCAN + 1)
    reach = math.asinh(radius * largest)
    for j in range(2 * SCAN + 1):
        points[j] = math.sinh((j - SCAN) / SCAN * reach) / largest
        values[j] = energy(tag, points[j], x, q, lam)
    best, lowest = 0.0, np.inf
    for j in range(1, 2 * SCAN):
        if values[j] <= values[j - 1] and values[j] <= values[j + 1]:
            low, high, u = points[j - 1], points[j + 1], points[j]
            for _ in range(MOST_NEWTON_STEPS):
                one, two = energy_slopes(tag, u, x, q, lam)
                if one > 0.0:
                    high = u
                else:
                    low = u
                step = u - one / two if two > 0.0 else low
                if not low < step < high:
                    step = (low + high) / 2.0
                if abs(step - u) <= 1e-15 * (1.0 + abs(u)):
                    break
                u = step
            value = energy(tag, u, x, q, lam)
            if value < lowest:
                best, lowest = u, value
    return best
