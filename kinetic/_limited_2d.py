"""End of a step of `kinetic.finite_volume_2d`, row by row: positivity, update, ghost cells.

Arrays of states have GHOSTS rows and columns of ghost cells on each side, of which the third order
uses the inner ones. Row i of fx is the faces between the rows i and i + 1, column j of fy
the faces between the columns j and j + 1. Loops over the cells count from zero: of an index that
starts at two the compiler does not see that it is not negative, and does not vectorize.
"""

from kinetic._compile import inlined

GHOSTS = 2


@inlined
def update(u, out, target, i, fx, fy, left, here, to_x, to_y):
    """Row i of out = u minus the differences of the fluxes."""
    for k in range(u.shape[1] - 4):
        j = k + 2
        out[target, j] = u[i, j] - (
            to_x * (fx[here, j] - fx[left, j]) + to_y * (fy[here, j] - fy[here, j - 1])
        )


@inlined
def fill_ends(u, i, order):
    """Ghost cells at both ends of row i."""
    last = u.shape[1] - 3
    if order == 3:
        u[i, 1] = 3.0 * u[i, 2] - 3.0 * u[i, 3] + u[i, 4]
        u[i, last + 1] = 3.0 * u[i, last] - 3.0 * u[i, last - 1] + u[i, last - 2]
        return
    for j in (1, 0):
        u[i, j] = 4.0 * (u[i, j + 1] + u[i, j + 3]) - 6.0 * u[i, j + 2] - u[i, j + 4]
    for j in (last + 1, last + 2):
        u[i, j] = 4.0 * (u[i, j - 1] + u[i, j - 3]) - 6.0 * u[i, j - 2] - u[i, j - 4]


@inlined
def _leaving(fx, fy, left, here, j, to_x, to_y):
    return to_x * (max(fx[here, j], 0.0) + max(-fx[left, j], 0.0)) + to_y * (
        max(fy[here, j], 0.0) + max(-fy[here, j - 1], 0.0)
    )


@inlined
def _sure_parts(u, i, fx, fy, left, here, sure, row, to_x, to_y):
    """What part of its fluxes each cell of row i can give without receiving any.

    Returns whether one cannot give all.
    """
    found = 0
    for k in range(u.shape[1] - 4):
        j = k + 2
        found |= _leaving(fx, fy, left, here, j, to_x, to_y) > max(u[i, j], 0.0)
    if found == 0:
        sure[row] = 1.0
        return False
    for k in range(u.shape[1] - 4):
        j = k + 2
        leaving, held = _leaving(fx, fy, left, here, j, to_x, to_y), max(u[i, j], 0.0)
        part = held / leaving
        sure[row, j] = part if leaving > held else 1.0
    return True


@inlined
def _kept_parts(u, i, fx, fy, left, here, sure, kept, to_x, to_y):
    """What part they give, with what they are sure to receive."""
    before, at, after = (i - 1) & 3, i & 3, (i + 1) & 3
    for k in range(u.shape[1] - 4):
        j = k + 2
        entering = to_x * (
            max(fx[left, j], 0.0) * sure[before, j] + max(-fx[here, j], 0.0) * sure[after, j]
        ) + to_y * (
            max(fy[here, j - 1], 0.0) * sure[at, j - 1] + max(-fy[here, j], 0.0) * sure[at, j + 1]
        )
        leaving, held = _leaving(fx, fy, left, here, j, to_x, to_y), max(u[i, j], 0.0) + entering
        part = held / leaving
        kept[at, j] = part if leaving > held else 1.0


@inlined
def _limit_x(fx, face, kept, before, after):
    for k in range(fx.shape[1] - 4):
        j = k + 2
        flux, west, east = fx[face, j], kept[before, j], kept[after, j]
        fx[face, j] = flux * (west if flux > 0.0 else east)


@inlined
def _limit_y(fy, row, kept, at):
    for j in range(1, fy.shape[1] - 2):
        flux, south, north = fy[row, j], kept[at, j], kept[at, j + 1]
        fy[row, j] = flux * (south if flux > 0.0 else north)


@inlined
def _limit_row(i, u, fx, fy, mask, sure, kept, short, to_x, to_y):
    """Limit the fluxes through the left faces of row i, and within it."""
    before, at = (i - 1) & 3, i & 3
    if short[at]:
        _kept_parts(u, i, fx, fy, (i - 1) & mask, i & mask, sure, kept, to_x, to_y)
    else:
        kept[at] = 1.0
    if short[before] or short[at]:
        _limit_x(fx, (i - 1) & mask, kept, before, at)
    if short[at]:
        _limit_y(fy, i & mask, kept, at)


@inlined
def _end_row(i, u, out, fx, fy, mask, lost_x, lost_y, own, to_x, to_y, order):
    top, right = u.shape[0] - 3, u.shape[1] - 3
    update(u, out, i, i, fx, fy, (i - 1) & mask, i & mask, to_x, to_y)
    fill_ends(out, i, order)
    if i < own[0] or i > own[1]:
        return
    lost_y[i, 0] -= to_y * fy[i & mask, 1]
    lost_y[i, 1] += to_y * fy[i & mask, right]
    for k in range(right - 1):
        j = k + 2
        if i == 2:
            lost_x[0, j] -= to_x * fx[1, j]
        if i == top:
            lost_x[1, j] += to_x * fx[top & mask, j]


@inlined
def finish(r, u, out, fx, fy, mask, limiter, rows, own, to_x, to_y, order):
    """With the faces of row r known, limit the fluxes of row r - 1 and end the step of row r - 2.

    With the last row of all, of this one, too. rows are those to be updated, own those of
    which the loss through the sides is counted.
    """
    sure, kept, short, lost_x, lost_y = limiter
    top, start = u.shape[0] - 3, max(2, rows[0] - 2)
    if r == start:
        short[(r - 1) & 3] = False
        sure[(r - 1) & 3] = 1.0
        kept[(r - 1) & 3] = 1.0
    short[r & 3] = _sure_parts(u, r, fx, fy, (r - 1) & mask, r & mask, sure, r & 3, to_x, to_y)
    if r == top:
        short[(r + 1) & 3] = False
        sure[(r + 1) & 3] = 1.0
    for i in range(max(r - 1, start), r + 2 * (r == top)):
        if i <= top:
            _limit_row(i, u, fx, fy, mask, sure, kept, short, to_x, to_y)
        elif short[top & 3]:
            kept[i & 3] = 1.0
            _limit_x(fx, top & mask, kept, top & 3, i & 3)
        if rows[0] <= i - 1 <= rows[1]:
            _end_row(i - 1, u, out, fx, fy, mask, lost_x, lost_y, own, to_x, to_y, order)
