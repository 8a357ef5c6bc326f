"""Kernels of `kinetic.finite_volume_2d`: rows of cells that pass through the stages of a step.

A step of SSP-RK3 takes the rows in a pipeline: stage s works LAG rows behind stage s - 1 and the
limiter behind the last stage, so that a row stays in the cache from the first stage to the
end of the step, and only a few rows of the stages between and of the fluxes are kept.
"""

import math

import numpy as np

from kinetic._compile import inlined, kernel
from kinetic._limited_2d import fill_ends, finish, update

GAUSS = 0.5 / math.sqrt(3.0)
"""Distance of the Gauss points of a face from its middle, in parts of its length."""

STAGES, LAG = 3, 3
NODES = (0.0, 1.0, 0.5)
"""Rows between two stages: the ghost row is extrapolated from three rows."""

HALO = 8
"""Rows on each side on which a row depends after a step: two a stage and two of the limiter."""

VALUES_KEPT = 8
FLUXES_KEPT = 16
"""Rows kept of the states between the stages and of the fluxes; powers of two."""

STRAIGHT, BENT = 0.25 + 13.0 / 3.0, 0.5 - 26.0 / 3.0


def buffers(plane, states, limiter):
    """What `march` needs besides the state; states: None, or all rows of those between stages."""
    width = plane[1]
    kept = np.zeros((STAGES - 1, VALUES_KEPT, width)) if states is None else states
    fluxes = (FLUXES_KEPT, width) if states is None else plane
    return kept, np.zeros(fluxes), np.zeros(fluxes), np.zeros((STAGES, width)), limiter


@inlined
def half_slopes(west, east, south, north, cross, epsilon):
    """Halves of the coefficients of xi and eta, and a quarter of the weight of the parabola.

    From the differences to the four neighbours and cross = 4 Dxy. Over the common denominator
    the weight of a plane is the product of the other four q. Of q_0, half the square is taken.
    """
    ww, ee, ss, nn = west * west + epsilon, east * east + epsilon, south * south, north * north
    q_ws, q_wn, q_es, q_en = ww + ss, ww + nn, ee + ss, ee + nn
    q_0 = (STRAIGHT * (q_ws + q_en) + BENT * (west * east + south * north)) + (
        (7.0 / 24.0 * cross) * cross + (1.0 - 2.0 * STRAIGHT) * epsilon
    )
    q_ws, q_wn, q_es, q_en = q_ws * q_ws, q_wn * q_wn, q_es * q_es, q_en * q_en
    q_0 = 0.5 * (q_0 * q_0)
    both_s, both_n = q_ws * q_es, q_wn * q_en
    parabola = both_s * both_n
    weight_w = q_0 * (q_es * both_n + q_en * both_s) + parabola
    weight_e = q_0 * (q_ws * both_n + q_wn * both_s) + parabola
    weight_s = q_0 * ((q_ws + q_es) * both_n) + parabola
    weight_n = q_0 * ((q_wn + q_en) * both_s) + parabola
    half = 0.5 / (weight_w + weight_e)
    half_x = half * (weight_w * west + weight_e * east)
    half_y = half * (weight_s * south + weight_n * north)
    return half_x, half_y, half * parabola


@inlined
def _positive(a, b, middle, tilt):
    """Twice the flux out of a cell whose face values are middle -+ tilt in the Gauss points."""
    return max(a, 0.0) * max(middle - tilt, 0.0) + max(b, 0.0) * max(middle + tilt, 0.0)


@inlined
def _negative(a, b, middle, tilt):
    return min(a, 0.0) * max(middle - tilt, 0.0) + min(b, 0.0) * max(middle + tilt, 0.0)


@inlined
def _fluxes(v, below, row, above, i, a, b, upwind, s, fx, fy, left, here, keep, epsilon):
    """Add to keep f the fluxes through the left faces and the lower and upper faces of row i.

    below, row and above are where v holds the rows i - 1, i and i + 1; left and here where
    fx and fy hold theirs. upwind[s] is what row i - 1 contributes to its right faces.
    """
    lower = 0.0
    for k in range(v.shape[1] - 4):
        j = k + 2
        center = v[row, j]
        west, east = center - v[below, j], v[above, j] - center
        south, north = center - v[row, j - 1], v[row, j + 1] - center
        cross = (v[above, j + 1] - v[above, j - 1]) - (v[below, j + 1] - v[below, j - 1])
        half_x, half_y, quarter = half_slopes(west, east, south, north, cross, epsilon)
        middle_x = center + (2.0 / 3.0 * quarter) * (east - west)
        middle_y = center + (2.0 / 3.0 * quarter) * (north - south)
        tilt_x, tilt_y = (2.0 * GAUSS) * half_x, (2.0 * GAUSS) * half_y
        twist = (GAUSS * quarter) * cross
        at_left = upwind[s, j] + _negative(
            a[0, i - 2, j - 2], a[1, i - 2, j - 2], middle_x - half_x, tilt_y - twist
        )
        at_right = _positive(
            a[0, i - 1, j - 2], a[1, i - 1, j - 2], middle_x + half_x, tilt_y + twist
        )
        at_lower = lower + _negative(
            b[0, i - 2, j - 2], b[1, i - 2, j - 2], middle_y - half_y, tilt_x - twist
        )
        lower = _positive(b[0, i - 2, j - 1], b[1, i - 2, j - 1], middle_y + half_y, tilt_x + twist)
        # All of the cell before the first store: else the loop does not vectorize.
        at_left += keep * fx[left, j]
        at_lower += keep * fy[here, j - 1]
        upwind[s, j] = at_right
        fx[left, j] = at_left
        fy[here, j - 1] = at_lower
    right = v.shape[1] - 3
    fy[here, right] = keep * fy[here, right] + lower


@inlined
def _extrapolate(u, ghost, one, two, three):
    for k in range(u.shape[1] - 4):
        j = k + 2
        u[ghost, j] = 3.0 * u[one, j] - 3.0 * u[two, j] + u[three, j]
    fill_ends(u, ghost, 3)


@inlined
def _pipeline(u, out, a, b, work, rows, own, begin, stop, to_x, to_y, epsilon):
    """Stages begin..stop of one step for the rows rows[0]..rows[1] of out; see `march`."""
    states, fx, fy, upwind, limiter = work
    top = u.shape[0] - 3
    first, last = rows
    whole = stop - begin == 3
    mask = FLUXES_KEPT - 1 if whole else -1
    start = max(2, first - (7 if whole else 3))
    for p in range(start, min(top, last + 3) + 2 + LAG * (stop - begin - 1)):
        for s in range(begin, stop):
            i = p - LAG * (s - begin)
            reach = 1 + 2 * (3 - s) if whole else 3
            low, high = max(2, first - reach), min(top, last + reach)
            if i < low or i > high + (high == top):
                continue
            source = u if s == 0 else states[s - 1]
            wrap = -1 if s == 0 or not whole else VALUES_KEPT - 1
            keep = 0.0 if s == 0 else (1.0 if s == 1 else 0.25)
            if i <= top:
                below, row, above = (i - 1) & wrap, i & wrap, (i + 1) & wrap
                if i == 2:
                    _extrapolate(source, below, row, above, (i + 2) & wrap)
                if i == top:
                    _extrapolate(source, above, row, below, (i - 2) & wrap)
                if i == low:
                    upwind[s] = 0.0
                _fluxes(
                    source, below, row, above, i, a, b, upwind, s, fx, fy,
                    (i - 1) & mask, i & mask, keep, epsilon,
                )  # fmt: skip
            else:
                for k in range(u.shape[1] - 4):
                    j = k + 2
                    fx[top & mask, j] = keep * fx[top & mask, j] + upwind[s, j]
            i -= 1
            part = 0.5 if s == 0 else (0.125 if s == 1 else 1.0 / 3.0)  # of twice the fluxes
            if s == 2:
                if max(2, first - 2) <= i <= last + 2:
                    finish(i, u, out, fx, fy, mask, limiter, rows, own, part * to_x, part * to_y, 3)
            elif i >= low + (low > 2) if whole else first <= i <= last:
                at = i & (VALUES_KEPT - 1) if whole else i
                update(
                    u, states[s], at, i, fx, fy, (i - 1) & mask, i & mask, part * to_x, part * to_y
                )
                fill_ends(states[s], at, 3)


@kernel
def march(u, out, spare, other, a, b, work, first, last, count, begin, stop, to_x, to_y, epsilon):
    """count steps for the rows first..last, from u to out.

    With begin, stop = 0, 3 whole steps with a constant velocity. Between u and out the
    states alternate between other and spare, of which rows outside of first..last are used
    as well; they may be out and u where first..last are all rows. With stop = begin + 1 a
    single stage, where work holds all rows of the states and the fluxes.
    to_x, to_y: dt / dx, dt / dy.
    """
    top = u.shape[0] - 3
    for k in range(count):
        left = count - 1 - k
        source = u if k == 0 else (other if left % 2 else spare)
        target = out if left == 0 else (spare if left % 2 else other)
        rows = max(2, first - HALO * left), min(top, last + HALO * left)
        _pipeline(source, target, a, b, work, rows, (first, last), begin, stop, to_x, to_y, epsilon)
