"""The limit of infinite width on a neuronal embedding, and how far a network is from it.

`limit` integrates the equations of `kinetic.neuronal_embedding` (Nguyen and Pham 2023), with
expectations over Omega_i as Gauss-Legendre sums, adaptively in time by a method of order eight.
The limit at other points is the Legendre interpolant of w_i(t) - w_i(0), added to w_i(0).
All quantities are dimensionless.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from kinetic import _validate, multilayer_network
from kinetic._multilayer_batch import product
from kinetic.multilayer_network import Network
from kinetic.neuronal_embedding import Embedding, Neurons

RTOL, ATOL = 1e-11, 1e-13
UNRESOLVED = 1e-2
MOST_EVALUATIONS = 20_000


@dataclass(frozen=True, eq=False)
class Limit:
    """Result of `limit`.

    Attributes
    ----------
    embedding : Embedding
    times : (T,) array
    networks : list of Network
        Infinite width: the quadrature network of K neurons a layer at each time.
    loss : (T,) array
        Average loss over the data.
    unresolved : float
        Largest of the last two Legendre coefficients of the increments w_i(t) - w_i(0),
        relative to the largest increment of their layer: the size of the interpolation error.
    """

    embedding: Embedding
    times: np.ndarray
    networks: list
    loss: np.ndarray
    unresolved: float

    def weights(self, i, neurons):
        """Weights at ``times[i]`` of neurons that start as given.

        Parameters
        ----------
        i : int
            Index of a time.
        neurons : Neurons
            From ``embedding.sample`` or ``embedding.at``.

        Returns
        -------
        tuple of ndarray
            With the shapes of ``neurons.network.weights``.

        Raises
        ------
        ValueError, TypeError
            If an argument is not as described.
        """
        last = len(self.networks) - 1
        if _validate.integer("i", i, low=0) > last:
            raise ValueError(f"i must be the index of a time, 0 to {last}; got {i}")
        if not isinstance(neurons, Neurons):
            raise TypeError(f"neurons must be Neurons; got {type(neurons).__name__}")
        given, own = neurons.network, self.networks[0]
        if len(given.weights) != len(own.weights) or given.dimension != own.dimension:
            raise ValueError("neurons must be those of the embedding of the limit")
        to_legendre = _to_legendre(self.networks[0].widths[0])
        values = [
            np.polynomial.legendre.legvander(2.0 * points - 1.0, len(to_legendre) - 1)
            for points in neurons.points
        ]
        first, *inner, last = _increments(self.networks[0], self.networks[i])
        moved = [values[0] @ (to_legendre @ first)]
        for k, w in enumerate(inner):
            coefficients = to_legendre @ w @ to_legendre.T
            moved.append(product(product(values[k], coefficients), values[k + 1].T))
        moved.append(values[-1] @ (to_legendre @ last))
        for w, start in zip(moved, neurons.network.weights, strict=True):
            w += start
        return tuple(moved)


def limit(embedding, x, y, times, *, loss="huber", nodes=64):
    """Solve the equations of infinite width (Nguyen and Pham 2023).

    Parameters
    ----------
    embedding : Embedding
    x : (M, d) array_like
    y : (M,) array_like
        The law of the data: each of the M rows has probability 1 / M.
    times : (T,) array_like
        Increasing times; the initial weights belong to ``times[0]``.
    loss : {"huber", "squared"}
        As for `kinetic.multilayer.gradients`.
    nodes : int
        Quadrature points K of each Omega_i, at least 4.

    Returns
    -------
    Limit

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or the nodes do not resolve the increments.
    FloatingPointError
        If the weights exceed the range of float64, or change too fast to be followed.
    """
    from scipy.integrate import solve_ivp

    if not isinstance(embedding, Embedding):
        raise TypeError(f"embedding must be an Embedding; got {type(embedding).__name__}")
    nodes = _validate.integer("nodes", nodes, low=4)
    times = _validate.times(times)
    start = embedding.quadrature(nodes).network
    ends = np.cumsum([w.size for w in start.weights])[:-1]
    evaluations = 0

    def network(state):
        parts = np.split(state, ends)
        shapes = (w.shape for w in start.weights)
        return start.with_weights([p.reshape(s) for p, s in zip(parts, shapes, strict=True)])

    def rate(t, state):
        nonlocal evaluations
        evaluations += 1
        if evaluations > MOST_EVALUATIONS or not np.isfinite(state).all():
            raise FloatingPointError(f"{evaluations} gradients until t={t:.6g}")
        moved = multilayer_network.gradients(network(state), x, y, loss=loss)
        return -np.concatenate([w.ravel() for w in moved])

    state = np.concatenate([w.ravel() for w in start.weights])
    options = {"method": "DOP853", "rtol": RTOL, "atol": ATOL, "t_eval": times}
    try:
        with np.errstate(over="raise", invalid="raise"):
            found = solve_ivp(rate, (times[0], times[-1]), state, **options)
            if not found.success:
                raise FloatingPointError(f"the time step is too small after t={found.t[-1]:.6g}")
            networks = [start, *map(network, np.transpose(found.y)[1:])]
            losses = [multilayer_network.risk(net, x, y, loss=loss) for net in networks]
    except FloatingPointError as error:
        raise FloatingPointError(
            "the limit cannot be followed, weights or data are too large (embedding, x, y): "
            f"{error}"
        ) from None
    unresolved = max(_unresolved(_increments(start, later)) for later in networks)
    if unresolved > UNRESOLVED:
        raise ValueError(
            f"nodes={nodes} do not resolve the weights of the embedding: the last Legendre "
            f"coefficients are {unresolved:.1g} of the largest value; use more or smoother ones"
        )
    return Limit(embedding, times, networks, np.array(losses), unresolved)


@cache
def _to_legendre(count):
    """(K, K) matrix from values at the Gauss-Legendre nodes to Legendre coefficients."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    vandermonde = np.polynomial.legendre.legvander(nodes, count - 1)
    return (np.arange(count) + 0.5)[:, None] * (vandermonde * weights[:, None]).T


def _increments(start, later):
    return [w - v for v, w in zip(start.weights, later.weights, strict=True)]


def _unresolved(increments):
    last = _to_legendre(len(increments[0]))[-2:]
    tails = [[last @ w] for w in increments]
    for tail, w in zip(tails[1:-1], increments[1:-1], strict=True):
        tail.append(w @ last.T)
    sizes = [max(np.abs(part).max() for part in tail) for tail in tails]
    return max(s / max(np.abs(w).max(), ATOL) for s, w in zip(sizes, increments, strict=True))


class Distance(NamedTuple):
    """How far a network is from the limit, layer by layer.

    largest : (L,) array
        Over the neurons (layers 1 and L) or pairs of neurons.
    rms : (L,) array
        Root mean square over them.

    For a neuron of layer 1 the distance is the Euclidean one in R^d.
    """

    largest: np.ndarray
    rms: np.ndarray


def distance(limit, i, neurons, network):
    """Distance between a trained network and the limit at the same time.

    The D_T of Nguyen and Pham (2023) is the maximum of ``largest`` over layers and times.

    Parameters
    ----------
    limit : Limit
    i : int
        The network is that at ``limit.times[i]``.
    neurons : Neurons
        The sample at which the network started.
    network : kinetic.multilayer.Network

    Returns
    -------
    Distance

    Raises
    ------
    ValueError, TypeError
        If the network has not the shape of the sample, or an argument is not as described.
    """
    for name, value, kind in (
        ("limit", limit, Limit), ("neurons", neurons, Neurons), ("network", network, Network),
    ):  # fmt: skip
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be of {kind.__name__}; got {type(value).__name__}")
    shapes = [w.shape for w in network.weights]
    accepted = [w.shape for w in neurons.network.weights]
    if shapes != accepted:
        raise ValueError(f"network must have weights of shapes {accepted}; got {shapes}")
    largest, rms = [], []
    for k, (w, given) in enumerate(zip(limit.weights(i, neurons), network.weights, strict=True)):
        w -= given
        square = np.square(w, out=w)
        if k == 0:
            square = square.sum(axis=1)
        largest.append(np.sqrt(square.max()))
        rms.append(np.sqrt(square.mean()))
    return Distance(np.array(largest), np.array(rms))
