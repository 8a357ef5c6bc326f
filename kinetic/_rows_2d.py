"""Kernels of `kinetic.finite_volume_2d`: rows of cells that pass through the stages of a step.

A step of SSP-RK3 takes the rows in a pipeline: stage s works LAG rows behind stage s - 1 and the
limiter behind the last stage, so that a row stays in the cache from the first stage to the
end of the step, and only a few rows of the stages between and of the fluxes are kept.
"""

import math

from kinetic._compile import inlined, kernel

GAUSS = 0.5 / math.sqrt(3.0)
"""Distance of the Gauss points of a face from its middle, in parts of its length."""

LAG = 3
"""Rows between two stages: ghost row 0 is extrapolated from the rows 1, 2 and 3."""

HALO = 7
"""Rows on each side on which a row depends after a step: two a stage and one of the limiter."""

VALUES_KEPT = 8
FLUXES_KEPT = 16
"""Rows kept of the states between the stages and of the fluxes; powers of two."""

STRAIGHT, BENT = 0.25 + 13.0 / 3.0, 0.5 - 26.0 / 3.0


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
    ny = v.shape[1] - 2
    lower = 0.0
    for j in range(1, ny + 1):
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
            a[0, i - 1, j - 1], a[1, i - 1, j - 1], middle_x - half_x, tilt_y - twist
        )
        at_right = _positive(a[0, i, j - 1], a[1, i, j - 1], middle_x + half_x, tilt_y + twist)
        at_lower = lower + _negative(
            b[0, i - 1, j - 1], b[1, i - 1, j - 1], middle_y - half_y, tilt_x - twist
        )
        lower = _positive(b[0, i - 1, j], b[1, i - 1, j], middle_y + half_y, tilt_x + twist)
        # All of the cell before the first store: else the loop does not vectorize.
        at_left += keep * fx[left, j]
        at_lower += keep * fy[here, j - 1]
        upwind[s, j] = at_right
        fx[left, j] = at_left
        fy[here, j - 1] = at_lower
    fy[here, ny] = keep * fy[here, ny] + lower


@inlined
def _update(u, out, target, i, fx, fy, left, here, to_x, to_y):
    """Row i of out = u minus the differences of the fluxes, with its two ghost cells."""
    ny = u.shape[1] - 2
    for j in range(1, ny + 1):
        out[target, j] = u[i, j] - (
            to_x * (fx[here, j] - fx[left, j]) + to_y * (fy[here, j] - fy[here, j - 1])
        )
    _fill_ends(out, target)


@inlined
def _fill_ends(u, i):
    ny = u.shape[1] - 2
    u[i, 0] = 3.0 * u[i, 1] - 3.0 * u[i, 2] + u[i, 3]
    u[i, ny + 1] = 3.0 * u[i, ny] - 3.0 * u[i, ny - 1] + u[i, ny - 2]


@inlined
def _extrapolate(u, ghost, one, two, three):
    for j in range(1, u.shape[1] - 1):
        u[ghost, j] = 3.0 * u[one, j] - 3.0 * u[two, j] + u[three, j]
    _fill_ends(u, ghost)


@inlined
def _kept_parts(u, i, fx, fy, left, here, kept, row, to_x, to_y):
    """What part of its fluxes each cell of row i can give; whether one cannot give all."""
    ny, found = u.shape[1] - 2, 0
    for j in range(1, ny + 1):
        found |= _leaving(fx, fy, left, here, j, to_x, to_y) > max(u[i, j], 0.0)
    if found == 0:
        kept[row] = 1.0
        return False
    for j in range(1, ny + 1):
        leaving, held = _leaving(fx, fy, left, here, j, to_x, to_y), max(u[i, j], 0.0)
        part = held / leaving
        kept[row, j] = part if leaving > held else 1.0
    return True


@inlined
def _leaving(fx, fy, left, here, j, to_x, to_y):
    return to_x * (max(fx[here, j], 0.0) + max(-fx[left, j], 0.0)) + to_y * (
        max(fy[here, j], 0.0) + max(-fy[here, j - 1], 0.0)
    )


@inlined
def _limit_x(fx, face, kept, before, after):
    for j in range(1, fx.shape[1] - 1):
        flux, west, east = fx[face, j], kept[before, j], kept[after, j]
        fx[face, j] = flux * (west if flux > 0.0 else east)


@inlined
def _limit_y(fy, row, kept, at):
    for j in range(fy.shape[1] - 1):
        flux, south, north = fy[row, j], kept[at, j], kept[at, j + 1]
        fy[row, j] = flux * (south if flux > 0.0 else north)


@inlined
def _finish(r, u, out, fx, fy, mask, kept, limited, lost_x, lost_y, rows, own, to_x, to_y):
    """Limit the fluxes of row r, the faces of which are known, and end the step of row r - 1.

    After the last row this one ends, too.
    """
    nx, ny = u.shape[0] - 2, u.shape[1] - 2
    before, at = (r - 1) & 3, r & 3
    if r == max(1, rows[0] - 1):
        limited[before] = False
        kept[before] = 1.0
    limited[at] = _kept_parts(u, r, fx, fy, (r - 1) & mask, r & mask, kept, at, to_x, to_y)
    if limited[before] or limited[at]:
        _limit_x(fx, (r - 1) & mask, kept, before, at)
    if limited[at]:
        _limit_y(fy, r & mask, kept, at)
    if r == nx and limited[at]:
        kept[(r + 1) & 3] = 1.0
        _limit_x(fx, r & mask, kept, at, (r + 1) & 3)
    if r == 1 and own[0] == 1:
        for j in range(1, ny + 1):
            lost_x[0, j] -= to_x * fx[0, j]
    if r == nx and own[1] == nx:
        for j in range(1, ny + 1):
            lost_x[1, j] += to_x * fx[nx & mask, j]
    for i in range(max(r - 1, rows[0]), r + (r == nx)):
        _update(u, out, i, i, fx, fy, (i - 1) & mask, i & mask, to_x, to_y)
        if own[0] <= i <= own[1]:
            lost_y[i, 0] -= to_y * fy[i & mask, 0]
            lost_y[i, 1] += to_y * fy[i & mask, ny]


@inlined
def _pipeline(u, out, a, b, work, rows, own, begin, stop, to_x, to_y, epsilon):
    """Stages begin..stop of one step for the rows rows[0]..rows[1] of out; see `march`."""
    v, w, fx, fy, upwind, kept, limited, lost_x, lost_y = work
    nx, ny = u.shape[0] - 2, u.shape[1] - 2
    first, last = rows
    whole = stop - begin == 3
    mask = FLUXES_KEPT - 1 if whole else -1
    start = max(1, first - (6 if whole else 2))
    for p in range(start, min(nx, last + 2) + 2 + LAG * (stop - begin - 1)):
        for s in range(begin, stop):
            i = p - LAG * (s - begin)
            reach = 2 * (3 - s) if whole else 2
            low, high = max(1, first - reach), min(nx, last + reach)
            if i < low or i > high + (high == nx):
                continue
            source, target = (u, v) if s == 0 else ((v, w) if s == 1 else (w, out))
            wrap = -1 if s == 0 or not whole else VALUES_KEPT - 1
            keep = 0.0 if s == 0 else (1.0 if s == 1 else 0.25)
            if i <= nx:
                below, row, above = (i - 1) & wrap, i & wrap, (i + 1) & wrap
                if i == 1:
                    _extrapolate(source, below, row, above, (i + 2) & wrap)
                if i == nx:
                    _extrapolate(source, above, row, below, (i - 2) & wrap)
                if i == low:
                    upwind[s] = 0.0
                _fluxes(
                    source, below, row, above, i, a, b, upwind, s, fx, fy,
                    (i - 1) & mask, i & mask, keep, epsilon,
                )  # fmt: skip
            else:
                for j in range(1, ny + 1):
                    fx[nx & mask, j] = keep * fx[nx & mask, j] + upwind[s, j]
            i -= 1
            if s == 2:
                if i >= max(1, first - 1) and i <= last + 1:
                    _finish(
                        i, u, out, fx, fy, mask, kept, limited, lost_x, lost_y, rows, own,
                        2.0 / 3.0 * to_x, 2.0 / 3.0 * to_y,
                    )  # fmt: skip
                continue
            if i >= low + (low > 1) if whole else first <= i <= last:
                part = 1.0 if s == 0 else 0.25
                at = i & (VALUES_KEPT - 1) if whole else i
                _update(
                    u, target, at, i, fx, fy, (i - 1) & mask, i & mask, part * to_x, part * to_y
                )


@kernel
def march(u, out, spare, other, a, b, work, first, last, count, begin, stop, to_x, to_y, epsilon):
    """count steps for the rows first..last, from u to out.

    With begin, stop = 0, 3 whole steps with a constant velocity. Between u and out the
    states alternate between other and spare, of which rows outside of first..last are used
    as well; they may be out and u where first..last are all rows. With stop = begin + 1 a
    single stage, where work holds all rows of the states and the fluxes.
    to_x, to_y: dt / (2 dx), dt / (2 dy).
    """
    nx = u.shape[0] - 2
    for k in range(count):
        left = count - 1 - k
        source = u if k == 0 else (other if left % 2 else spare)
        target = out if left == 0 else (spare if left % 2 else other)
        rows = max(1, first - HALO * left), min(nx, last + HALO * left)
        _pipeline(source, target, a, b, work, rows, (first, last), begin, stop, to_x, to_y, epsilon)
