"""Kernels of the third order of `kinetic.finite_volume`: CWENO3 and SSP-RK3."""

from functools import partial
from typing import NamedTuple

from kinetic import _positivity
from kinetic._compile import kernel, uncontracted


class Third(NamedTuple):
    """Tag of the third order."""


GHOSTS = 1
NODES = (0.0, 1.0, 0.5)
"""Times of the stages in parts of the step."""
REACH = 6
"""Cells that a cell sees on either side in a step: two in each stage. The limiter adds none, as
what leaves a neighbour depends on that neighbour's stencil alone."""
FACE_ROWS = 1


@uncontracted
def deviations(left, right, epsilon):
    """u_j minus the left, and the right face value minus u_j, over one denominator.

    The indicators are four times, their squares sixteen times those of `kinetic.finite_volume`.
    """
    ql = (left + left) * (left + left) + 4.0 * epsilon
    ql *= ql
    qr = (right + right) * (right + right) + 4.0 * epsilon
    qr *= qr
    total = left + right
    curvature = right - left
    q0 = total * total + ((52.0 / 3.0 * curvature) * curvature + 4.0 * epsilon)
    q0 *= q0
    p = ql * qr
    inverse = 0.5 / (q0 * (ql + qr) + (p + p))
    odd = q0 * (qr * left + ql * right) + p * total
    even = (2.0 / 3.0) * (p * curvature)
    return inverse * (odd - even), inverse * (odd + even)


@uncontracted
def fill_ghosts(u):
    """Extrapolate the parabola through the averages of the last three cells."""
    n = u.size - 2
    u[0] = 3.0 * u[1] - 3.0 * u[2] + u[3]
    u[n + 1] = 3.0 * u[n] - 3.0 * u[n - 1] + u[n - 2]


@uncontracted
def _stage(u, v, out, flux, velocity, keep, scale, epsilon):
    """flux = keep flux + F(v), out = u - scale (flux_j - flux_{j-1}), in one loop."""
    n = u.size - 2
    upwind = 0.0
    before = 0.0
    for j in range(1, n + 1):
        center = v[j]
        low, high = deviations(center - v[j - 1], v[j + 1] - center, epsilon)
        left, right = max(center - low, 0.0), max(center + high, 0.0)
        a = velocity[j - 1]
        # All of the cell before the first store: else the loop does not vectorize.
        here = keep * flux[j - 1] + (max(a, 0.0) * upwind + min(a, 0.0) * left)
        flux[j - 1] = here
        out[j - 1] = u[j - 1] - scale * (here - before)
        upwind = right
        before = here
    here = keep * flux[n] + max(velocity[n], 0.0) * upwind
    flux[n] = here
    out[n] = u[n] - scale * (here - before)


@partial(kernel, contract=False)
def advance(cells, faces, velocity, courant, epsilon, steps, outflow):
    """Take steps of SSP-RK3 from cells[0], and leave the result there.

    cells (3, m + 2) and faces (1, m + 1) are for the kernel to use; velocity has one row for
    all stages or one for each; courant is dt / dx; outflow counts sums of u that leave left
    and right.
    """
    n = faces.shape[1] - 1
    u, v, w, flux = cells[0], cells[1], cells[2], faces[0]
    last = velocity.shape[0] - 1
    a0 = velocity[0]
    a1 = velocity[min(1, last)]
    a2 = velocity[min(2, last)]
    third = courant * (2.0 / 3.0)
    for _ in range(steps):
        fill_ghosts(u)
        _stage(u, u, v, flux, a0, 0.0, courant, epsilon)
        fill_ghosts(v)
        _stage(u, v, w, flux, a1, 1.0, courant / 4.0, epsilon)
        fill_ghosts(w)
        _stage(u, w, v, flux, a2, 0.25, third, epsilon)
        _positivity.limit(u, v, flux, w, third, 1)
        outflow[0] -= third * flux[0]
        outflow[1] += third * flux[n]
        u, v = v, u
    if steps % 2:
        for j in range(u.size):
            v[j] = u[j]
