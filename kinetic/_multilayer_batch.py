"""Forward and backward pass of a multilayer network for many samples, by matrix products.

A matrix ``w`` leads from the neurons j below to the neurons k above: ``w[j, k]``. With the
masses rho of the neurons below, H = (values rho) w for all samples, one in a row.
"""

import numpy as np

from kinetic._compile import kernel
from kinetic._multilayer_steps import activate, slope_of_loss


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
        from scipy.linalg.blas import dgemm

        below = x
        for i, w in enumerate(self.weights):
            dgemm(1.0, w.T, below.T, 0.0, self.values[i].T, overwrite_c=True)
            _activated(self.codes[i], self.values[i].ravel(), self.deltas[i].ravel())
            if i < len(self.masses):
                below = np.multiply(self.values[i], self.masses[i], out=self.weighted[i])
        return self.values[-1].ravel()

    def backward(self, x, y, loss, targets, factors):
        """Add to each target its factor times the average gradient.

        The targets are contiguous matrices, and may be the weights themselves.
        """
        from scipy.linalg.blas import dgemm

        top = len(self.weights) - 1
        _slopes_of_loss(loss, self.values[top].ravel(), y, self.deltas[top].ravel())
        for i in range(top, -1, -1):
            if i:
                above = self.deltas[i]
                if i < top:
                    above = np.multiply(above, self.masses[i], out=self.weighted[i])
                out = self.weighted[i - 1]
                dgemm(1.0, self.weights[i].T, above.T, 0.0, out.T, trans_a=True, overwrite_c=True)
                self.deltas[i - 1] *= self.weighted[i - 1]
            below = self.values[i - 1] if i else x
            dgemm(
                factors[i], self.deltas[i].T, below.T, 1.0, targets[i].T,
                trans_b=True, overwrite_c=True,
            )  # fmt: skip
