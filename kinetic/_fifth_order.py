"""The fifth order of `kinetic.finite_volume`: CWENO-Z5 and a method of Butcher."""

from functools import partial
from typing import NamedTuple

import numpy as np

from kinetic import _positivity
from kinetic._compile import kernel, uncontracted


class Fifth(NamedTuple):
    """Tag of the fifth order."""


GHOSTS = 2
NODES = (0.0, 0.25, 0.25, 0.5, 0.75, 1.0)
"""Times of the stages in parts of the step."""
REACH = 18
"""Cells that a cell sees on either side in a step: three in each stage; see `_third_order`."""
FACE_ROWS = 6
STAGES = np.array(
    [
        [1 / 4, 0, 0, 0, 0],
        [1 / 8, 1 / 8, 0, 0, 0],
        [0, -1 / 2, 1, 0, 0],
        [3 / 16, 0, 0, 9 / 16, 0],
        [-3 / 7, 2 / 7, 12 / 7, -12 / 7, 8 / 7],
    ]
)
"""Shares of the fluxes found so far in the second to the sixth stage."""
SHARES = (7 / 90, 0.0, 32 / 90, 12 / 90, 32 / 90, 7 / 90)
"""Shares of the fluxes in the step."""
FIRST, _, THIRD, FOURTH, FIFTH, SIXTH = SHARES


@partial(uncontracted, whole=True)
def _weighed(m2, m1, p1, p2, epsilon):
    """Third and fourth difference, and the weights of P_0, P_C, P_L and P_R up to a factor.

    m2, m1, p1 and p2 are the differences of the averages j - 2 to j + 2, from left to right.
    Indicators are four times those of `kinetic.finite_volume`; tau is a sum of products of
    differences of second to fourth order.
    """
    total, curvature = p1 + m1, p1 - m1
    left_bend, right_bend = m1 - m2, p2 - p1
    left_slope, right_slope = m1 + m1 + left_bend, p1 + p1 - right_bend
    left = left_slope * left_slope + (13 / 3) * (left_bend * left_bend)
    middle = total * total + (13 / 3) * (curvature * curvature)
    right = right_slope * right_slope + (13 / 3) * (right_bend * right_bend)
    third = right_bend - left_bend
    fourth = (right_bend + left_bend) - (curvature + curvature)
    tau = (481 / 120) * (third * third) + fourth * ((1319 / 56) * fourth - (196 / 15) * curvature)
    whole = (1 / 6) * (4.0 * middle + (left + right + tau))
    tau *= tau
    floor = 4.0 * epsilon
    whole, middle, left, right = whole + floor, middle + floor, left + floor, right + floor
    whole *= whole
    middle *= middle
    left *= left
    right *= right
    sides, centre = left * right, whole * middle
    w0 = 12.0 * ((whole + tau) * (middle * sides))
    wm = 2.0 * ((middle + tau) * (whole * sides))
    wl = (left + tau) * (right * centre)
    wr = (right + tau) * (left * centre)
    return third, fourth, w0, wm, wl, wr


@partial(uncontracted, whole=True)
def deviation(m2, m1, p1, p2, epsilon):
    """Value of the polynomial at the right face minus u_j, over one denominator.

    What the values of P_L, P_R and P_0 have more than that of P_C are multiples of the third
    and the fourth difference.
    """
    third, fourth, w0, wm, wl, wr = _weighed(m2, m1, p1, p2, epsilon)
    more = wl * (fourth - third) - 0.5 * wr * (fourth + third)
    more -= w0 * ((5 / 24) * third + (13 / 120) * fourth)
    return (1 / 6) * (m1 + p1 + p1) + more / (6.0 * (w0 + wm + (wl + wr)))


@uncontracted
def legendre(m2, m1, p1, p2, epsilon):
    """Coefficients of xi, xi^2 - 1/12, xi^3 - 3/20 xi and xi^4 - 3/14 xi^2 + 3/560."""
    third, fourth, w0, wm, wl, wr = _weighed(m2, m1, p1, p2, epsilon)
    inverse = 1.0 / (w0 + wm + (wl + wr))
    rest = w0 * inverse
    left, right = 0.25 * wl * inverse * (fourth - third), 0.25 * wr * inverse * (fourth + third)
    return (
        0.5 * (p1 + m1) - (29 / 360) * (rest * third) + left - right,
        0.5 * (p1 - m1) - (19 / 168) * (rest * fourth) + left + right,
        (1 / 9) * (rest * third),
        (1 / 18) * (rest * fourth),
    )


@kernel
def coefficients(jumps, epsilon):
    """(n, 5) coefficients of the polynomials minus the averages, from (n + 3,) differences."""
    c = np.empty((jumps.size - 3, 5))
    for j in range(jumps.size - 3):
        one, two, three, four = legendre(
            jumps[j], jumps[j + 1], jumps[j + 2], jumps[j + 3], epsilon
        )
        c[j, 0] = 3.0 / 560.0 * four - two / 12.0
        c[j, 1] = one - 3.0 / 20.0 * three
        c[j, 2] = two - 3.0 / 14.0 * four
        c[j, 3], c[j, 4] = three, four
    return c


@uncontracted
def fill_ghosts(u):
    """Extrapolate the cubic through the averages of the last four cells, twice."""
    n = u.size - 4
    for k in (1, 0):
        u[k] = 4.0 * (u[k + 1] + u[k + 3]) - 6.0 * u[k + 2] - u[k + 4]
    for k in (n + 2, n + 3):
        u[k] = 4.0 * (u[k - 1] + u[k - 3]) - 6.0 * u[k - 2] - u[k - 4]


@uncontracted
def _fluxes(v, velocity, flux, epsilon):
    """Upwind fluxes; one value a face, from the polynomial of the cell that the flow leaves."""
    n = velocity.size - 1
    for f in range(1, n):
        a = velocity[f]
        w0, w1, w2, w3, w4, w5 = v[f - 1], v[f], v[f + 1], v[f + 2], v[f + 3], v[f + 4]
        left = a > 0.0
        # A choice between numbers used once becomes a load from one of two addresses: slow.
        v0 = w0 * (1.0 if left else 0.0) + w5 * (0.0 if left else 1.0)
        v1, v2 = w1 if left else w4, w2 if left else w3
        v3, v4 = w3 if left else w2, w4 if left else w1
        high = deviation(v1 - v0, v2 - v1, v3 - v2, v4 - v3, epsilon)
        flux[f] = a * max(v2 + high, 0.0)
    flux[0] = flux[n] = 0.0
    if velocity[0] < 0.0:
        low = deviation(v[3] - v[4], v[2] - v[3], v[1] - v[2], v[0] - v[1], epsilon)
        flux[0] = velocity[0] * max(v[2] + low, 0.0)
    if velocity[n] > 0.0:
        w = v[n - 1 :]
        high = deviation(w[1] - w[0], w[2] - w[1], w[3] - w[2], w[4] - w[3], epsilon)
        flux[n] = velocity[n] * max(w[2] + high, 0.0)


@uncontracted
def _combine(u, out, faces, share, courant):
    """out = u - courant (G_j - G_{j-1}) with G the sum of the fluxes found so far, by shares."""
    f0, f1, f2, f3, f4 = faces[0], faces[1], faces[2], faces[3], faces[4]
    s0, s1, s2, s3, s4 = share[0], share[1], share[2], share[3], share[4]
    before = s0 * f0[0] + s1 * f1[0] + s2 * f2[0] + s3 * f3[0] + s4 * f4[0]
    for j in range(1, f0.size):
        here = s0 * f0[j] + s1 * f1[j] + s2 * f2[j] + s3 * f3[j] + s4 * f4[j]
        out[j + 1] = u[j + 1] - courant * (here - before)
        before = here


@partial(kernel, contract=False)
def advance(cells, faces, velocity, courant, epsilon, steps, outflow):
    """Take steps from cells[0], and leave the result there; see `kinetic._third_order.advance`.

    cells is (3, m + 4) and faces (6, m + 1).
    """
    n = faces.shape[1] - 1
    u, v, kept, total = cells[0], cells[1], cells[2], faces[1]
    last = velocity.shape[0] - 1
    for i in range(faces.shape[0]):  # a share of nothing must be finite
        for f in range(n + 1):
            faces[i, f] = 0.0
    for _ in range(steps):
        for j in range(u.size):
            v[j] = u[j]
        for i in range(6):
            fill_ghosts(v)
            a = velocity[min(i, last)]
            _fluxes(v, a, faces[i], epsilon)
            if i < 5:
                _combine(u, v, faces, STAGES[i], courant)
        for f in range(n + 1):
            total[f] = (FIRST * faces[0, f] + SIXTH * faces[5, f]) + (
                THIRD * faces[2, f] + FOURTH * faces[3, f] + FIFTH * faces[4, f]
            )
        for j in range(n):
            v[j + 2] = u[j + 2] - courant * (total[j + 1] - total[j])
        _positivity.limit(u, v, total, kept, courant, 2)
        outflow[0] -= courant * total[0]
        outflow[1] += courant * total[n]
        u, v = v, u
    if steps % 2:
        for j in range(u.size):
            v[j] = u[j]
