r"""Neuronal embeddings: networks of all widths on one probability space (Nguyen and Pham 2023).

A neuronal embedding is a fixed probability space Omega_1 x ... x Omega_{L-1} with initial
weights w_1(c_1), w_2(c_1, c_2), ..., w_L(c_{L-1}) on it: c_i names a neuron of layer i. A
network of widths n_1, ..., n_{L-1} is a sample, with neurons at independent points
C_i(1), ..., C_i(n_i) of Omega_i. In the limit of large widths the sums over neurons of
`kinetic.multilayer_network` become expectations over Omega_i, and gradient descent a flow:

    d/dt w_i(t, c, c') = -E[phi_{i-1}(H_{i-1}(c)) Delta_i(c')],

the average being over the data (`kinetic.neuronal_limit`).

Here Omega_i = [0, 1] with the uniform law; another law on the line enters through its
quantile function, inside w_i. An expectation is then a Gauss-Legendre sum, spectrally accurate
for smooth weights: infinite width is a network whose neurons sit at the nodes and have the
weights of the rule as masses.

`noise` adds independent normal numbers to the initial inner weights, one for each pair of
neurons, because no square-integrable w_2(c, c') gives independent weights. Were they so, with
mean 0, the product around a cycle, w_2(C, D) w_2(C, D') w_2(C', D) w_2(C', D'), would have mean
0; but this mean is the sum of the fourth powers of the singular values of w_2. Expectations
over a layer see the mean of the noise only. So w_i(t) - w_i(0) is in the limit what it is
without noise.
All quantities are dimensionless.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinetic import _validate
from kinetic.multilayer_network import Network


class Neurons(NamedTuple):
    """Neurons of an embedding.

    points : tuple of (n_i,) arrays
        C_i for the hidden layers i = 1..L-1.
    network : Network
        With their initial weights.
    """

    points: tuple
    network: Network


@dataclass(frozen=True)
class Embedding:
    """A neuronal embedding with Omega_i = [0, 1] (Nguyen and Pham 2023).

    Parameters
    ----------
    first : callable
        w_1: points (n,) to weights (n, d).
    inner : sequence of callables
        w_2, ..., w_{L-1}: points (n, 1) and (1, m) to weights (n, m), or to one number.
    last : callable
        w_L: points (n,) to weights (n,), or to one number.
    activations : tuple of str, optional
        phi_1, ..., phi_L, as for `kinetic.multilayer.Network`.
    noise : float
        Standard deviation of the normal numbers that `sample` adds to the inner weights.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described; later, if a function does not return what it
        should.
    """

    first: Callable
    inner: tuple
    last: Callable
    activations: tuple = None
    noise: float = 0.0

    def __post_init__(self):
        """Check the arguments."""
        if not isinstance(self.inner, Sequence) or not self.inner:
            raise TypeError(
                f"inner must be a sequence of at least one function; got {self.inner!r}"
            )
        object.__setattr__(self, "inner", tuple(self.inner))
        functions = {"first": self.first, "last": self.last}
        functions |= {f"inner[{i}]": function for i, function in enumerate(self.inner)}
        for name, function in functions.items():
            if not callable(function):
                raise TypeError(f"{name} must be a function of points in [0, 1]; got {function!r}")
        noise = _validate.number("noise", self.noise, low=0.0, accepted="a number of at least 0")
        object.__setattr__(self, "noise", noise)
        self.at([[0.5]] * self.hidden)

    @property
    def hidden(self):
        """Number of hidden layers, L - 1."""
        return len(self.inner) + 1

    def at(self, points):
        """Neurons at given points, of equal masses and without noise.

        Parameters
        ----------
        points : sequence of (n_i,) array_like
            Numbers in [0, 1] for each hidden layer.

        Returns
        -------
        Neurons

        Raises
        ------
        ValueError, TypeError
            If the points are not as described, or a weight is not finite.
        """
        return self._neurons(points, 0.0, None, "mean-field")

    def sample(self, widths, rng=0):
        """Neurons at independent points.

        Parameters
        ----------
        widths : sequence of int
            n_1, ..., n_{L-1}, each at least 1; they need not be equal.
        rng : numpy.random.Generator or int
            Source of randomness, or its seed.

        Returns
        -------
        Neurons

        Raises
        ------
        ValueError, TypeError
            If an argument is not as described, or a weight is not finite.
        """
        rng = _validate.generator("rng", rng)
        if not isinstance(widths, (Sequence, np.ndarray)) or len(widths) != self.hidden:
            raise ValueError(
                f"widths must be {self.hidden} integers, one a hidden layer; got {widths!r}"
            )
        widths = [_validate.integer("each of widths", n, low=1) for n in widths]
        return self._neurons([rng.random(n) for n in widths], self.noise, rng, "mean-field")

    def quadrature(self, nodes):
        """Infinite width: neurons at Gauss-Legendre nodes, with the weights as masses.

        Parameters
        ----------
        nodes : int
            Number of neurons of each hidden layer, at least 2.

        Returns
        -------
        Neurons

        Raises
        ------
        ValueError, TypeError
            If an argument is not as described, or a weight is not finite.
        """
        nodes = _validate.integer("nodes", nodes, low=2)
        points, masses = np.polynomial.legendre.leggauss(nodes)
        points, masses = (points + 1.0) / 2.0, masses / 2.0
        return self._neurons([points] * self.hidden, 0.0, None, (masses,) * self.hidden)

    def _neurons(self, points, noise, rng, masses):
        if not isinstance(points, (Sequence, np.ndarray)) or len(points) != self.hidden:
            raise ValueError(
                f"points must be {self.hidden} arrays, one a hidden layer; got {points!r:.80}"
            )
        points = tuple(_checked_points(f"points[{i}]", entry) for i, entry in enumerate(points))
        weights = [_validate.array("weights from first", self.first(points[0]))]
        if weights[0].ndim != 2 or len(weights[0]) != points[0].size or not weights[0].size:
            raise ValueError(
                f"first must return weights of shape (n, d) for n={points[0].size} points; "
                f"got shape {weights[0].shape}"
            )
        for i, function in enumerate(self.inner):
            pair = points[i][:, None], points[i + 1][None, :]
            w = _filled(f"inner[{i}]", function(*pair), (pair[0].size, pair[1].size))
            weights.append(w + noise * rng.standard_normal(w.shape) if noise else w)
        weights.append(_filled("last", self.last(points[-1]), points[-1].shape))
        return Neurons(points, Network(tuple(weights), self.activations, masses))


def _checked_points(name, value):
    accepted = "a non-empty array of numbers in [0, 1]"
    points = _validate.array(name, value, accepted=accepted)
    if points.ndim != 1 or points.size == 0:
        raise ValueError(f"{name} must be {accepted}; got shape {points.shape}")
    if points.min() < 0.0 or points.max() > 1.0:
        raise ValueError(f"{name} must be {accepted}; got {points.min()} to {points.max()}")
    return points


def _filled(name, value, shape):
    """Weights that a function returned, one number standing for a constant."""
    value = _validate.array(f"weights from {name}", value)
    if value.shape not in ((), shape):
        raise ValueError(
            f"{name} must return weights of shape {shape} or a number; got shape {value.shape}"
        )
    return np.full(shape, value) if value.shape == () else value
