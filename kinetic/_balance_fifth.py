"""The fifth order of `kinetic.balance_law`: quartics in cells, diffusion of sixth order.

The diffusive flux on a face is the derivative there of the quintic through the values of
h = D u in the six nearest centres of cells, and on an open end of the one through the zero on
the end and the five next to it.
"""

import numpy as np

from kinetic import _fifth_order
from kinetic._compile import inlined, kernel
from kinetic.grid import GAUSS_NODES


def _derivative_weights(nodes):
    """Weights of values at the nodes in the derivative at 0 of the polynomial through them."""
    return np.linalg.solve(np.vander(nodes, increasing=True).T, np.eye(len(nodes))[1])


CENTRES = np.arange(6) + 0.5
INNER = _derivative_weights(CENTRES - 3.0)
NEXT = np.array([_derivative_weights(CENTRES - face) for face in (1.0, 2.0)])
"""On the first and the second face from an end, from the six outermost centres."""
END = _derivative_weights(np.append(0.0, CENTRES[:5]))[1:]
"""On an open end, where the value is 0."""
NODES = GAUSS_NODES
AT_NODES = np.array(
    [NODES, NODES**2 - 1 / 12, NODES**3 - 3 / 20 * NODES, NODES**4 - 3 / 14 * NODES**2 + 3 / 560]
)
"""Values of the Legendre polynomials at the Gauss nodes of a cell."""


@kernel
def shapes(u, epsilon, c, sides):
    """Fill c (4, n) with Legendre coefficients, sides with the values beside faces, 0 outside."""
    n = u.size
    v = np.empty(n + 4)
    v[2 : n + 2] = u
    _fifth_order.fill_ghosts(v)
    for j in range(n):
        one, two, three, four = _fifth_order.legendre(
            v[j + 1] - v[j], v[j + 2] - v[j + 1], v[j + 3] - v[j + 2], v[j + 4] - v[j + 3], epsilon
        )
        c[0, j], c[1, j], c[2, j], c[3, j] = one, two, three, four
        even, odd = two / 6.0 + four / 70.0, one / 2.0 + three / 20.0
        sides[0, j + 1] = u[j] + even + odd
        sides[1, j] = u[j] + even - odd


@inlined
def _one_end(h, step, weights, total, face, sign):
    """Subtract the derivative on the face from its flux; h at step 1 or -1 from an end."""
    start = 0 if step > 0 else h.size - 1
    for k in range(weights.size):
        total[face] -= sign * weights[k] * h[start + step * k]


@kernel
def add_diffusion(u, c, diffusion, h, dx, is_open, total):
    """Subtract d_x(D u) on the faces from the fluxes."""
    n = u.size
    for j in range(n):
        centre = u[j] - c[1, j] / 12.0 + 3.0 / 560.0 * c[3, j]
        h[j] = diffusion[j] * centre / dx
    for f in range(3, n - 2):
        total[f] -= (
            INNER[5] * (h[f + 2] - h[f - 3])
            + INNER[4] * (h[f + 1] - h[f - 2])
            + INNER[3] * (h[f] - h[f - 1])
        )
    for k in range(2):
        _one_end(h, 1, NEXT[k], total, 1 + k, 1.0)
        _one_end(h, -1, NEXT[k], total, n - 1 - k, -1.0)
    if is_open:
        _one_end(h, 1, END, total, 0, 1.0)
        _one_end(h, -1, END, total, n, -1.0)
    else:
        total[0], total[n] = 0.0, 0.0


class Scheme:
    """Reconstruction and diffusion; see `kinetic.balance_law`, whose other scheme is alike."""

    nodes, stages = _fifth_order.NODES, [row[: k + 1] for k, row in enumerate(_fifth_order.STAGES)]
    shares = _fifth_order.SHARES

    def __init__(self, n, dx, floor, diffusion, is_open):
        self._floor, self._options = floor, (diffusion, np.empty(n), dx, is_open)
        self._c, self._sides = np.empty((4, n)), np.zeros((2, n + 1))

    def sides(self, u):
        """(2, n + 1) values on the left and on the right of the faces."""
        shapes(u, self._floor, self._c, self._sides)
        return self._sides

    def linear(self, u, velocity):
        """Fluxes on the faces where F = a u."""
        left, right = self.sides(u)
        total = np.maximum(velocity, 0.0) * left + np.minimum(velocity, 0.0) * right
        self.diffuse(u, total)
        return total

    def diffuse(self, u, total):
        """Add the diffusive fluxes."""
        add_diffusion(u, self._c, *self._options, total)

    def at_nodes(self, u):
        """(n, 3) values at the Gauss nodes."""
        return u[:, None] + self._c.T @ AT_NODES
