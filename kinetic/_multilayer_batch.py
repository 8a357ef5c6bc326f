"""Forward and backward pass of a multilayer network for many samples, by matrix products.

A matrix ``w`` leads from the neurons j below to the neurons k above: ``w[j, k]``. With the
masses rho of the neurons below, H = (values rho) w for all samples, one in a row.
"""

import numpy as np

from kinetic._compile import kernel
from kinetic._multilayer_steps import activate, slope_of_loss

ONE_THREAD = 1 << 18
"""Multiplications up to which OpenBLAS uses one thread; the others would wait, not work."""
FEWEST_ROWS = 8


@kernel
def _activated(code, u, slope):
    activate(code, u, slope, 0, u.size)


@kernel
def _slopes_of_loss(loss, output, y, slope):
    """Turn the derivatives of the last activation into those of the average loss."""
    for p in range(output.size):
        slope[p] *= slope_of_loss(loss, output[p] - y[p]) / output.size


class Passes:
    """Both passes for a fixed number of samples, in arrays that are used again.

    Attributes
    ----------
    values : list of (count, n_i) arrays
        The layers, the last of width 1, after `forward`.
    deltas : list of such arrays
        Delta_i, after `backward`.
    """

    def __init__(self, weights, masses, codes, count):
        self.weights, self.masses, self.codes = weights, masses, codes
        sizes = [w.shape[1] for w in weights]
        self.values = [np.empty((count, n)) for n in sizes]
        self.deltas = [np.empty((count, n)) for n in sizes]
        self.weighted = [np.empty((count, n)) for n in sizes]

    def forward(self, x):
        """The output (count,) for samples x (count, d)."""
        below = x
        for i, w in enumerate(self.weights):
            _multiply(below, w, self.values[i])
            _activated(self.codes[i], self.values[i].ravel(), self.deltas[i].ravel())
            if i < len(self.masses):
                below = np.multiply(self.values[i], self.masses[i], out=self.weighted[i])
        return self.values[-1].ravel()

    def backward(self, x, y, loss, targets, factors):
        """Add to each target its factor times the average gradient.

        The targets are contiguous matrices, and may be the weights themselves.
        """
        top = len(self.weights) - 1
        _slopes_of_loss(loss, self.values[top].ravel(), y, self.deltas[top].ravel())
        for i in range(top, -1, -1):
            if i:
                above = self.deltas[i]
                if i < top:
                    above = np.multiply(above, self.masses[i], out=self.weighted[i])
                _multiply_back(above, self.weights[i], self.weighted[i - 1])
                self.deltas[i - 1] *= self.weighted[i - 1]
            below = self.values[i - 1] if i else x
            _add_product(factors[i], below, self.deltas[i], targets[i])


def product(a, b):
    """The matrix a b, by one thread."""
    out = np.empty((len(a), b.shape[1]))
    rows = max(1, ONE_THREAD // b.size)
    for k in range(0, len(a), rows):
        np.matmul(a[k : k + rows], b, out=out[k : k + rows])
    return out


def _pieces(w, count):
    """Rows of w at once, so that a product with `count` samples stays on one thread."""
    rows = ONE_THREAD // (count * w.shape[1])
    rows = rows if rows >= FEWEST_ROWS else len(w)
    return (slice(k, k + rows) for k in range(0, len(w), rows))


def _multiply(below, w, out):
    """Out = below w."""
    from scipy.linalg.blas import dgemm

    for rows in _pieces(w, len(below)):
        added = 1.0 if rows.start else 0.0
        dgemm(1.0, w[rows].T, below[:, rows].T, added, out.T, overwrite_c=True)


def _multiply_back(above, w, out):
    """Out = above w^T."""
    from scipy.linalg.blas import dgemm

    for rows in _pieces(w, len(above)):
        out[:, rows] = dgemm(1.0, w[rows].T, above.T, trans_a=True).T


def _add_product(factor, below, delta, target):
    """Target += factor below^T delta."""
    from scipy.linalg.blas import dgemm

    for rows in _pieces(target, len(below)):
        dgemm(
            factor, delta.T, below[:, rows].T, 1.0, target[rows].T, trans_b=True, overwrite_c=True
        )  # fmt: skip
