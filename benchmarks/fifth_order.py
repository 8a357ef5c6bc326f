"""The fifth-order scheme of kinetic in operations on whole arrays, of numpy or of jax.

CWENO-Z5, one value a face by the sign of the velocity, and the six stages of Butcher's method;
without the limiter of positivity.
"""

import math

import numpy as np
from transport import CFL, END, describe, problem


def outside(a, b, c, d):
    """Two values beyond the end of the cubic through a, b, c, d, which is next to a."""
    one = 4.0 * (a + c) - 6.0 * b - d
    return one, 4.0 * (one + b) - 6.0 * a - c


def stepper(xp, velocity, eps, ratio):
    """Return a function that takes a step; `xp` is the module numpy or jax.numpy."""
    inner = velocity[1:-1]
    rightward = inner > 0.0

    def flux(u):
        left, right = outside(*u[:4]), outside(*u[:-5:-1])
        v = xp.concatenate([xp.stack(left[::-1]), u, xp.stack(right)])
        e = v[1:] - v[:-1]
        e = [e[k : k + u.size - 1] for k in range(5)]
        m2, m1, p1, p2 = (xp.where(rightward, e[k], -e[4 - k]) for k in range(4))
        total, curve, outer, odd = m1 + p1, p1 - m1, m2 + p2, p2 - m2
        bl, br = m1 - m2, p2 - p1
        il = (2.0 * m1 + bl) ** 2 / 4.0 + 13.0 / 12.0 * bl**2
        ic = total**2 / 4.0 + 13.0 / 12.0 * curve**2
        ir = (2.0 * p1 - br) ** 2 / 4.0 + 13.0 / 12.0 * br**2
        d3, d4 = (outer - total) / 12.0, (odd - 3.0 * curve) / 24.0
        d1 = (71.0 * total - 11.0 * outer) / 120.0 + d3 / 10.0
        d2 = (37.0 * curve - 3.0 * odd) / 56.0 + 123.0 / 455.0 * d4
        i0 = d1**2 + 13.0 / 3.0 * d2**2 + 39.05 * d3**2 + 1421461.0 / 2275.0 * d4**2
        tau = (6.0 * i0 - 4.0 * ic - il - ir) ** 2
        w0, wl, wc, wr = (
            c * (1.0 + tau / (i + eps) ** 2)
            for c, i in ((12.0, i0), (1.0, il), (2.0, ic), (1.0, ir))
        )
        best = (24.0 * p1 + 11.0 * m1 - 2.0 * m2 - 3.0 * p2) / 60.0
        al, ac, ar = (5.0 * m1 - 2.0 * m2) / 6.0, (m1 + 2.0 * p1) / 6.0, (4.0 * p1 - p2) / 6.0
        rest = (16.0 * best - al - 2.0 * ac - ar) / 12.0
        high = (w0 * rest + wl * al + wc * ac + wr * ar) / (w0 + wl + wc + wr)
        values = xp.where(rightward, u[:-1], u[1:]) + high
        return xp.concatenate([xp.zeros(1), inner * xp.maximum(values, 0.0), xp.zeros(1)])

    def moved(u, total):
        return u - ratio * (total[1:] - total[:-1])

    def step(_, u):
        one = flux(u)
        two = flux(moved(u, one / 4.0))
        three = flux(moved(u, (one + two) / 8.0))
        four = flux(moved(u, three - two / 2.0))
        five = flux(moved(u, (3.0 * one + 9.0 * four) / 16.0))
        last = (-3.0 * one + 2.0 * two + 12.0 * three - 12.0 * four + 8.0 * five) / 7.0
        six = flux(moved(u, last))
        return moved(u, (7.0 * (one + six) + 32.0 * (three + five) + 12.0 * four) / 90.0)

    return step


def setting(activation, cells):
    """Return initial averages, velocity, epsilon, dt / dx, number of steps, and a description."""
    dx, velocity, initial, exact = problem(activation, cells)
    typical = (initial**2).sum() / initial.sum()
    eps = (typical * min(typical / initial.sum(), 1.0 / 20.0)) ** 2
    steps = math.ceil(END * np.abs(velocity).max() / (CFL * dx) * (1.0 - 1e-12))

    def told(u):
        return describe(np.asarray(u), steps, dx, exact, stages=6)

    return initial, velocity, eps, END / steps / dx, steps, told


def with_numpy(activation, cells):
    initial, velocity, eps, ratio, steps, told = setting(activation, cells)
    step = stepper(np, velocity, eps, ratio)

    def call():
        u = initial
        for _ in range(steps):
            u = step(None, u)
        return u

    return call, told


def with_jax(activation, cells):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    initial, velocity, eps, ratio, steps, told = setting(activation, cells)
    initial = jnp.asarray(initial)
    step = stepper(jnp, jnp.asarray(velocity), eps, ratio)
    solve = jax.jit(lambda u: jax.lax.fori_loop(0, steps, step, u))

    def call():
        return jax.block_until_ready(solve(initial))

    return call, told
