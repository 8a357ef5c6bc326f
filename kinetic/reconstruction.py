"""Samples through an AutoencODE, the cost of reconstruction, and its exact gradient.

With the law mu of the samples (M samples of probability 1 / M, or a quadrature of any law)

    J(theta) = int |x_N - x_0|^2 dmu + lam sum_l dt |theta_l|^2.

The derivative of |x_N - x_0|^2 by x_{l+1} is the adjoint p_{l+1}, which runs backwards:

    p_N = 2 (x_N - x_0),    p_l = Q_l (p_{l+1} + dt W_l^T (p_{l+1} sigma'(W_l y_l + b_l))),

with Q_l = P_l for "project", where a coordinate outside of A_l has no influence, and the identity
for "freeze". The derivative by theta_l is dt int p_{l+1} d_theta sigma dmu + 2 lam dt theta_l:
that of the discrete cost, to rounding.
"""

from typing import NamedTuple

import numpy as np

from kinetic import _autoencode_kernels as kernels
from kinetic import _validate
from kinetic.active_coordinates import AutoencODE

__all__ = [
    "CostGradient",
    "Sweep",
    "cost",
    "decode",
    "encode",
    "forward",
    "gradient",
    "loss",
    "sweep",
]


class CostGradient(NamedTuple):
    """Result of `gradient`.

    cost : J.
    gradient : (size,) its derivative by theta.
    """

    cost: float
    gradient: np.ndarray


class Sweep(NamedTuple):
    """Result of `sweep`.

    states : (N + 1, M, d) x_0, ..., x_N; coordinates outside of A_l are those of y_l.
    adjoints : (N + 1, M, d) p_0, ..., p_N: derivatives of |x_N - x_0|^2 by the states, for a
        fixed second x_0.
    """

    states: np.ndarray
    adjoints: np.ndarray


class Data(NamedTuple):
    """Samples as the kernels take them.

    start, target : (M, d) in the order of coordinates before and after the bottleneck.
    probability : (M,) of sum 1.
    """

    start: np.ndarray
    target: np.ndarray
    probability: np.ndarray


class Stored(NamedTuple):
    """Result of `stored`, in blocks.

    loss, gradient : of the reconstruction error alone.
    states, adjoints : (blocks, N + 1, d, size), the adjoints with the samples' probabilities.
    energies : (N,) int p_{l+1} . sigma(W_l y_l + b_l) dmu, of each layer.
    """

    loss: float
    gradient: np.ndarray
    states: np.ndarray
    adjoints: np.ndarray
    energies: np.ndarray


def forward(model, theta, x):
    """Reconstructions x_N of samples.

    Parameters
    ----------
    model : AutoencODE
    theta : (size,) array_like
    x : (M, d) array_like
        Samples, M >= 1.

    Returns
    -------
    (M, d) ndarray

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a state leaves the range of float64.
    """
    x = _samples(model, x)
    before, after = model.orders
    inner = _transformed(model, theta, 0, model.layers, x[:, before], model.dimension)
    out = np.empty_like(inner)
    out[:, after] = inner
    return out


def encode(model, theta, x):
    """Latent values (M, latent) of samples: the active coordinates at the bottleneck.

    Arguments and errors are those of `forward`; the columns belong to
    ``model.active[model.bottleneck]``.
    """
    x = _samples(model, x)[:, model.orders[0]]
    return _transformed(model, theta, 0, model.bottleneck, x, model.latent)


def decode(model, theta, z):
    """Reconstructions from latent values alone, all other coordinates being zero.

    With deactivation "project" this is what `forward` returns; with "freeze" it is what is left
    without the values that pass beside the bottleneck.

    Parameters
    ----------
    model, theta
        As in `forward`.
    z : (M, latent) array_like

    Returns
    -------
    (M, d) ndarray

    Raises
    ------
    ValueError, TypeError, FloatingPointError
        As in `forward`.
    """
    _check_model(model)
    z = _rows("z", z, model, model.latent)
    inner = _transformed(model, theta, model.bottleneck, model.layers, z, model.dimension)
    out = np.empty_like(inner)
    out[:, model.orders[1]] = inner
    return out


def loss(model, theta, x, *, probabilities=None):
    """Reconstruction error int |x_N - x_0|^2 dmu; arguments and errors are those of `cost`."""
    data = prepared(model, x, probabilities)
    return evaluate(model, model.checked(theta), data, 0.0).cost


def cost(model, theta, x, *, lam, probabilities=None):
    """J(theta), the reconstruction error with Tikhonov's penalty.

    Parameters
    ----------
    model : AutoencODE
    theta : (size,) array_like
    x : (M, d) array_like
        Samples of the law mu, or the nodes of a quadrature of it.
    lam : float
        Tikhonov parameter, positive.
    probabilities : (M,) array_like, optional
        Of the samples: not negative, of sum 1 (up to 1e-9). Default: 1 / M each.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a state leaves the range of float64.
    """
    return gradient(model, theta, x, lam=lam, probabilities=probabilities).cost


def gradient(model, theta, x, *, lam, probabilities=None):
    """J(theta) and its derivative by theta, exact for the layers; as `cost`.

    Returns
    -------
    CostGradient
    """
    data = prepared(model, x, probabilities)
    return evaluate(model, model.checked(theta), data, _validate.positive("lam", lam))


def sweep(model, theta, x):
    """States and adjoints of all layers; arguments and errors are those of `forward`.

    Returns
    -------
    Sweep
    """
    data = prepared(model, x, None)
    count = len(data.start)
    run = stored(model, model.checked(theta), data._replace(probability=np.ones(count)))
    narrow = model.bottleneck
    return Sweep(
        _original(model, run.states, count, narrow),
        _original(model, run.adjoints, count, narrow + 1),
    )


def prepared(model, x, probabilities):
    """Checked samples and probabilities for the kernels."""
    x = _samples(model, x)
    probability = _validate.probabilities("probabilities", probabilities, len(x))
    before, after = model.orders
    start = np.ascontiguousarray(x[:, before])
    same = np.array_equal(before, after)
    target = start if same else np.ascontiguousarray(x[:, after])
    return Data(start, target, probability)


def _check_model(model):
    if not isinstance(model, AutoencODE):
        raise TypeError(f"model must be an AutoencODE; got {type(model).__name__}")


def _samples(model, x):
    _check_model(model)
    return _rows("x", x, model, model.dimension)


def _rows(name, given, model, columns):
    rows = _validate.array(name, given)
    if rows.ndim != 2 or rows.shape[1] != columns or len(rows) == 0:
        raise ValueError(f"{name} must have shape (M, {columns}) with M >= 1; got {rows.shape}")
    return rows


def _transformed(model, theta, begin, end, start, columns):
    out = np.empty((len(start), columns))
    start = np.ascontiguousarray(start)
    kernels.transform(model.tag, model.plan, model.checked(theta), begin, end, start, out)
    if not np.isfinite(out).all():
        raise FloatingPointError("theta or x is too large: a state exceeds the range of float64")
    return out


def evaluate(model, theta, data, lam):
    """J and its derivative for prepared data."""
    slope = np.empty_like(theta)
    value = kernels.objective(model.tag, model.plan, theta, *data, lam, slope)
    if not (np.isfinite(value) and np.isfinite(slope).all()):
        raise FloatingPointError(
            "theta or x is too large: the cost or its gradient exceeds the range of float64"
        )
    return CostGradient(value, slope)


def stored(model, theta, data):
    """Loss, gradient of the loss, states, adjoints and Hamiltonians as `kernels.sweep` has them."""
    d, layers = model.dimension, model.layers
    size = kernels.block_size(len(data.start), d)
    states = np.zeros((-(-len(data.start) // size), layers + 1, d, size))
    adjoints, slope, energies = np.empty_like(states), np.empty_like(theta), np.empty(layers)
    value = kernels.sweep(model.tag, model.plan, theta, *data, slope, states, adjoints, energies)
    if not (np.isfinite(value) and np.isfinite(slope).all()):
        raise FloatingPointError(
            "theta or x is too large: the cost or its gradient exceeds the range of float64"
        )
    return Stored(value, slope, states, adjoints, energies)


def _original(model, blocks, count, turn):
    """Blocks as (N + 1, M, d), coordinates in their own order; ``turn``: first of the second."""
    rows = np.moveaxis(blocks, (0, 3), (1, 2)).reshape(model.layers + 1, -1, model.dimension)
    out = np.empty((model.layers + 1, count, model.dimension))
    before, after = model.orders
    out[:turn, :, before] = rows[:turn, :count]
    out[turn:, :, after] = rows[turn:, :count]
    return out
