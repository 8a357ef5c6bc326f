"""Kernels of the fifth order of `kinetic.finite_volume_2d`; compare `kinetic._rows_2d`.

Per stage and row: averages over the upper faces of the row that enters the stencil, and over the
right faces, by CWENO-Z5 along the row or across it, in the cell that the flow leaves. With
eta in [-1/2, 1/2] along a face the flux is

    a_0 c_0 + a_1 c_1 + a_2 c_2,    c_0 = value of the face,
    c_1 = (71 (m_1 + p_1) - 11 (m_2 + p_2)) / 120,    c_2 = (p_1 - m_1) / 2,

with the differences m_2, m_1, p_1, p_2 of the values of neighbouring faces along eta, and
the moments a_k of the velocity from three Gauss points (`moments`).
"""

import math

import numpy as np

from kinetic import _fifth_order
from kinetic._compile import inlined, kernel
from kinetic._fifth_order import deviation
from kinetic._limited_2d import GHOSTS, fill_ends, finish

STAGES, LAG = 6, 3
"""Rows between two stages: the stencil of a face."""

NODES, HALO = _fifth_order.NODES, 20
"""Times of the stages, and rows on which a row depends: three a stage, two of the limiter."""
SHARES = np.array([7.0, 0.0, 32.0, 12.0, 32.0, 7.0]) / 90.0
"""Shares of the fluxes of the stages in the step."""

VALUES_KEPT, CHANGES_KEPT, SUMS_KEPT = 8, 16, 32
"""Rows kept of states and values on faces, of rates of change, and of fluxes; powers of two."""


def buffers(plane, states, limiter):
    """As `kinetic._rows_2d.buffers`."""
    width, line = plane[1], np.zeros(plane[1])
    kept = np.zeros((STAGES - 1, VALUES_KEPT, width)) if states is None else states
    rows = (CHANGES_KEPT, SUMS_KEPT) if states is None else (plane[0], plane[0])
    across, faces = np.zeros((STAGES, VALUES_KEPT, width)), np.zeros((STAGES, 2, width))
    changes = np.zeros((STAGES - 1, rows[0], width))
    sums_x, sums_y = np.zeros((2, rows[1], width))
    return kept, across, faces, line, line.copy(), changes, sums_x, sums_y, limiter


def moments(points, along):
    """(3, nx + 4, ny + 4) moments of the velocity in the three Gauss points of faces.

    In row i and column j that of the right (along = 1) or the upper face (along = 2) of the cell.
    Beyond the sides the faces have the velocities of their neighbours: their sign is used.
    """
    low, middle, high = points
    found = np.stack(
        [
            (5.0 * (low + high) + 8.0 * middle) / 18.0,
            5.0 / 18.0 * math.sqrt(0.15) * (high - low),
            (low - 2.0 * middle + high) / 54.0,
        ]
    )
    beyond = [(0, 0), (GHOSTS, GHOSTS), (GHOSTS, GHOSTS)]
    beyond[along] = (1, 2)
    return np.pad(found, beyond, mode="edge")


@inlined
def _right_values(v, i, wrap, a, values, epsilon):
    """Averages over the right faces of row i; not negative."""
    top = a.shape[1] - 1
    r0, r1, r2 = max(i - 2, 0) & wrap, (i - 1) & wrap, i & wrap
    r3, r4, r5 = (i + 1) & wrap, (i + 2) & wrap, min(i + 3, top) & wrap
    bound = -1.0 if i == top - 2 else 0.0  # nothing comes from beyond the last row
    for j in range(v.shape[1]):
        from_left = a[0, i, j] > bound
        e0, e1, e2 = v[r1, j] - v[r0, j], v[r2, j] - v[r1, j], v[r3, j] - v[r2, j]
        e3, e4 = v[r4, j] - v[r3, j], v[r5, j] - v[r4, j]
        high = deviation(
            e0 if from_left else -e4,
            e1 if from_left else -e3,
            e2 if from_left else -e2,
            e3 if from_left else -e1,
            epsilon,
        )
        values[j] = max((v[r2, j] if from_left else v[r3, j]) + high, 0.0)


@inlined
def _upper_values(v, row, b, i, values, at, epsilon):
    """Averages over the upper faces of row i, and over the lowest faces; not negative."""
    for k in range(v.shape[1] - 5):
        j = k + 2
        from_left = b[0, i, j] > 0.0
        e0, e1, e2 = (
            v[row, j - 1] - v[row, j - 2],
            v[row, j] - v[row, j - 1],
            v[row, j + 1] - v[row, j],
        )
        e3, e4 = v[row, j + 2] - v[row, j + 1], v[row, j + 3] - v[row, j + 2]
        high = deviation(
            e0 if from_left else -e4,
            e1 if from_left else -e3,
            e2 if from_left else -e2,
            e3 if from_left else -e1,
            epsilon,
        )
        values[at, j] = max((v[row, j] if from_left else v[row, j + 1]) + high, 0.0)
    for face, j, step in ((1, 2, -1), (v.shape[1] - 3, v.shape[1] - 3, 1)):
        high = deviation(
            v[row, j - step] - v[row, j - 2 * step],
            v[row, j] - v[row, j - step],
            v[row, j + step] - v[row, j],
            v[row, j + 2 * step] - v[row, j + step],
            epsilon,
        )
        values[at, face] = max(v[row, j] + high, 0.0)


@inlined
def _flux(a0, a1, a2, m2, m1, center, p1, p2):
    """Flux of a face with the value center from the moments of a and the four neighbours."""
    slope = (71.0 / 120.0) * (p1 - m1) - (11.0 / 120.0) * ((m1 - m2) + (p2 - p1))
    return a0 * center + (a1 * slope + a2 * (0.5 * ((p1 - center) - (center - m1))))


@inlined
def _right_fluxes(values, a, i, fluxes, at, sums, row, keep, share):
    """Fluxes through the right faces of row i, and their part in the sum of the step."""
    for k in range(values.size - 4):
        j = k + 2
        flux = _flux(
            a[0, i, j], a[1, i, j], a[2, i, j],
            values[j - 2], values[j - 1], values[j], values[j + 1], values[j + 2],
        )  # fmt: skip
        total = keep * sums[row, j] + share * flux
        fluxes[at, j] = flux
        sums[row, j] = total


@inlined
def _upper_fluxes(values, i, b, fluxes, sums, row, keep, share):
    r0, r1, r2, r3, r4 = (i - 2) & 7, (i - 1) & 7, i & 7, (i + 1) & 7, (i + 2) & 7
    for j in range(1, values.shape[1] - 2):
        flux = _flux(
            b[0, i, j], b[1, i, j], b[2, i, j],
            values[r0, j], values[r1, j], values[r2, j], values[r3, j], values[r4, j],
        )  # fmt: skip
        total = keep * sums[row, j] + share * flux
        fluxes[j] = flux
        sums[row, j] = total


@inlined
def _combine(u, i, target, at, changes, row, s, right_fluxes, upper_fluxes, to_x, to_y):
    """Rates of change of row i in stage s, and the state of the next stage."""
    left, here = (i - 1) & 1, i & 1
    for k in range(u.shape[1] - 4):
        j = k + 2
        changes[s, row, j] = to_x * (right_fluxes[here, j] - right_fluxes[left, j]) + to_y * (
            upper_fluxes[j] - upper_fluxes[j - 1]
        )
    share = _fifth_order.STAGES[s]
    s0, s1, s2, s3, s4 = share[0], share[1], share[2], share[3], share[4]
    for k in range(u.shape[1] - 4):
        j = k + 2
        target[at, j] = u[i, j] - (
            s0 * changes[0, row, j]
            + s1 * changes[1, row, j]
            + (s2 * changes[2, row, j] + s3 * changes[3, row, j])
            + s4 * changes[4, row, j]
        )


@inlined
def _extrapolate(u, ghost, step, wrap):
    """Ghost row from the cubic through the next four rows, in the direction of step."""
    g, one, two = ghost & wrap, (ghost + step) & wrap, (ghost + 2 * step) & wrap
    three, four = (ghost + 3 * step) & wrap, (ghost + 4 * step) & wrap
    for k in range(u.shape[1] - 4):
        j = k + 2
        u[g, j] = 4.0 * (u[one, j] + u[three, j]) - 6.0 * u[two, j] - u[four, j]
    fill_ends(u, g, 5)


@inlined
def _pipeline(u, out, a, b, work, rows, own, begin, stop, to_x, to_y, epsilon):
    """Stages begin..stop of one step for the rows rows[0]..rows[1] of out; see `march`."""
    states, across, faces, along, uppers, changes, sums_x, sums_y, limiter = work
    top = u.shape[0] - 3
    first, last = rows
    whole = stop - begin == 6
    sum_mask = SUMS_KEPT - 1 if whole else -1
    start = max(2, first - (17 if whole else 2))
    for p in range(start, min(top, last + 2) + 1 + LAG * (stop - begin - 1)):
        for s in range(begin, stop):
            i = p - LAG * (s - begin)
            reach = 2 + 3 * (5 - s) if whole else 2
            low, high = max(2, first - reach), min(top, last + reach)
            if i < low or i > high:
                continue
            source = u if s == 0 else states[s - 1]
            wrap = -1 if s == 0 or not whole else VALUES_KEPT - 1
            keep, share = 0.0 if s == 0 else 1.0, SHARES[s]
            values = across[s]
            if i == low:
                if low == 2:
                    for ghost in (1, 0):
                        _extrapolate(source, ghost, 1, wrap)
                for r in range(i - 2, i + 2):
                    _upper_values(source, r & wrap, b, r, values, r & 7, epsilon)
                _right_values(source, i - 1, wrap, a, along, epsilon)
                _right_fluxes(
                    along, a, i - 1, faces[s], (i - 1) & 1, sums_x, (i - 1) & sum_mask, keep, share
                )
            if i == top - 2:
                for ghost in (top + 1, top + 2):
                    _extrapolate(source, ghost, -1, wrap)
            _upper_values(source, (i + 2) & wrap, b, i + 2, values, (i + 2) & 7, epsilon)
            _upper_fluxes(values, i, b, uppers, sums_y, i & sum_mask, keep, share)
            _right_values(source, i, wrap, a, along, epsilon)
            _right_fluxes(along, a, i, faces[s], i & 1, sums_x, i & sum_mask, keep, share)
            if s == 5:
                if first - 2 <= i <= last + 2:
                    finish(i, u, out, sums_x, sums_y, sum_mask, limiter, rows, own, to_x, to_y, 5)
            elif whole or first <= i <= last:
                at = i & (VALUES_KEPT - 1) if whole else i
                row = i & (CHANGES_KEPT - 1) if whole else i
                _combine(u, i, states[s], at, changes, row, s, faces[s], uppers, to_x, to_y)
                fill_ends(states[s], at, 5)


@kernel
def march(u, out, spare, other, a, b, work, first, last, count, begin, stop, to_x, to_y, epsilon):
    """As `kinetic._rows_2d.march`, with six stages and to_x, to_y = dt / dx, dt / dy."""
    top = u.shape[0] - 3
    for k in range(count):
        left = count - 1 - k
        source = u if k == 0 else (other if left % 2 else spare)
        target = out if left == 0 else (spare if left % 2 else other)
        rows = max(2, first - HALO * left), min(top, last + HALO * left)
        _pipeline(source, target, a, b, work, rows, (first, last), begin, stop, to_x, to_y, epsilon)
