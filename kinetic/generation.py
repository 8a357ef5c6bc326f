"""Samples of a steady state by the layers of a stochastic network (sec. 3.1; paper).

A layer of the rule (20) with epsilon = h moves the data by the drift h sigma(w x + b) and by
the noise sqrt(h) K(x) nu xi with standard normal xi. Here both are taken exactly, in the order
half a drift, noise, half a drift: the drift by the flow of the network, the noise of K = 1 by
addition and that of K = x by the factor exp(nu sqrt(h) xi - nu^2 h / 2), so that positive data
stay positive. The law after many layers differs from the steady state (22) of (21) by O(h^2),
that of the rule (20) by O(h): for the identity with w = -1 and K = 1 the variances are nu^2 / 2
times h / sinh h and 1 / (1 - h / 2).
"""

import math

import numpy as np

from kinetic import _diffusion, _validate, characteristics
from kinetic.network import check_network

MOST_LAYERS = 10**6


def generate(net, x0, time, *, diffusion="1", nu, step, rng, wall=None):
    """Send data through the layers of a stochastic network (eqs. (20), (21); paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one, with constant w and b.
    x0 : (M,) array_like
        Data at time 0; positive for K = x.
    time : float
        Positive.
    diffusion : {"1", "x"}
        K.
    nu : float
        Positive.
    step : float
        Largest length h of a layer, positive; the time is divided into equal layers.
    rng : numpy.random.Generator or int
        Source of randomness, or its seed.
    wall : float, optional
        Reflects the noise, which comes from above; exact where the drift vanishes.

    Returns
    -------
    (M,) ndarray

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described; if data are not above the wall.
    FloatingPointError
        If the drift takes data out of the range of float64, or positive ones below zero.
    """
    check_network(net, 1)
    if not net.autonomous:
        raise ValueError("net must have constant w and b; got functions of t")
    multiplicative = _checked_diffusion(diffusion)
    nu, step, time = (
        _validate.positive(name, value)
        for name, value in (("nu", nu), ("step", step), ("time", time))
    )
    lowest = _lowest(multiplicative, wall)
    x = _validate.array("x0", x0).copy()
    if x.ndim != 1 or x.size == 0 or x.min() < lowest or (multiplicative and x.min() <= 0.0):
        raise ValueError(
            "x0 must be a non-empty vector"
            + (f" above {lowest:g}" if lowest > -math.inf else "")
            + f"; got shape {x.shape}"
            + (f" and minimum {x.min():g}" if x.size else "")
        )
    if not time / step <= MOST_LAYERS:
        raise ValueError(f"step must give at most {MOST_LAYERS} layers; got {step} for time {time}")
    layers = max(1, math.ceil(time / step * (1.0 - 1e-12)))
    h = time / layers
    rng = _validate.generator("rng", rng)
    for layer in range(layers):
        x = _drift(net, x, h / 2.0 if layer == 0 else h, lowest, multiplicative)
        x = _noise(x, nu * math.sqrt(h), multiplicative, wall, rng)
    return _drift(net, x, h / 2.0, lowest, multiplicative)


def _checked_diffusion(diffusion):
    name = _diffusion.get(diffusion).name
    if name not in ("1", "x"):
        raise ValueError(
            f"diffusion must be '1' or 'x', whose noise is exact; got {name} "
            "(for another K use boltzmann.simulate)"
        )
    return name == "x"


def _lowest(multiplicative, wall):
    if wall is None:
        return 0.0 if multiplicative else -math.inf
    return _validate.positive("wall", wall) if multiplicative else _validate.number("wall", wall)


def _drift(net, x, h, lowest, multiplicative):
    if not np.isfinite(x).all():
        raise FloatingPointError("the noise takes data x0 out of the range of float64: lower nu")
    moved = characteristics.flow(net, x, 0.0, h)[0]
    if not np.isfinite(moved).all():
        raise FloatingPointError("the drift takes data x0 out of the range of float64")
    if multiplicative and moved.min() <= 0.0:
        raise FloatingPointError(
            f"the drift takes positive data x0 to {moved.min():g} in a layer; K = x needs a drift "
            "that is not negative at 0"
        )
    return np.maximum(moved, lowest)


def _noise(x, size, multiplicative, wall, rng):
    """x with noise; a wall reflects the path of the noise exactly."""
    moved = size * rng.standard_normal(x.size)
    if multiplicative:
        moved -= size**2 / 2.0
    if wall is not None:
        # The lowest point of a Brownian path of which both ends are known.
        spread = 2.0 * size**2 * rng.standard_exponential(x.size)
        least = (moved - np.sqrt(moved**2 + spread)) / 2.0
        height = np.log(x / wall) if multiplicative else x - wall
        moved += np.maximum(-(height + least), 0.0)
        return np.maximum(x * np.exp(moved) if multiplicative else x + moved, wall)
    return x * np.exp(moved) if multiplicative else x + moved
