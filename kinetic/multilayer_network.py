"""Networks of three and more layers with the scaling of the mean-field limit.

A network of L layers with hidden widths n_1, ..., n_{L-1} maps x in R^d to y:

    H_1(j) = <w_1(j), x>
    H_i(k) = sum_j rho_{i-1}(j) w_i(j, k) phi_{i-1}(H_{i-1}(j)),    i = 2, ..., L - 1
    H_L    = sum_j rho_{L-1}(j) w_L(j) phi_{L-1}(H_{L-1}(j)),       y = phi_L(H_L).

rho_i(j) is the mass of a neuron: 1 / n_i in a network of the mean-field scaling; weights of a
quadrature rule turn the same sums into those of the limit; 1 gives the standard scaling. With

    Delta_L = loss'(y) phi_L'(H_L)
    Delta_i(j) = phi_i'(H_i(j)) sum_k rho_{i+1}(k) w_{i+1}(j, k) Delta_{i+1}(k)

(the sum is Delta_L w_L(j) for i = L - 1) the gradient of the loss divided by the masses of the
neurons at both ends of a weight, its mean-field gradient, is

    Grad_i(j, k) = phi_{i-1}(H_{i-1}(j)) Delta_i(k),    phi_0(H_0) = x,

and a step of gradient descent at time t is w_i <- w_i - epsilon xi_i(t) E[Grad_i] (Nguyen and
Pham 2023). E is the average over one sample, a batch, or the whole law of the data. A neuron
of mass zero is carried along: the others move it, and it does not act on them. All
quantities are dimensionless.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinetic import _validate
from kinetic._multilayer_batch import Passes
from kinetic._multilayer_descent import BatchDescent, SampleDescent, Schedule, codes, matrices
from kinetic._multilayer_steps import ACTIVATIONS, LOSSES

STEPS_AT_ONCE = 4096
MOST_STEPS = 2**53
CLOCK = 1e-9
"""Output times may be this fraction of a step too small, by rounding."""


@dataclass(frozen=True, eq=False)
class Network:
    """A network of L >= 3 layers (Nguyen and Pham 2023).

    Attributes
    ----------
    weights : tuple of ndarray
        w_1 (n_1, d), then w_i (n_{i-1}, n_i), at last w_L (n_{L-1},).
    activations : tuple of str
        Names of phi_1, ..., phi_L out of "identity", "relu", "sigmoid", "tanh". By default
        "tanh" for all but the last, which is "identity".
    masses : tuple of ndarray, or str
        rho_1 (n_1,), ..., rho_{L-1}, at least 0. "mean-field": 1 / n_i each, the default;
        "standard": 1 each.

    Raises
    ------
    ValueError, TypeError
        If widths do not fit together, or an argument is not as described.
    """

    weights: tuple
    activations: tuple = None
    masses: tuple = "mean-field"

    def __post_init__(self):
        weights = _checked_weights(self.weights)
        names = self.activations
        if names is None:
            names = ("tanh",) * (len(weights) - 1) + ("identity",)
        if isinstance(names, str) or not isinstance(names, Sequence) or len(names) != len(weights):
            raise ValueError(f"activations must be {len(weights)} names; got {names!r}")
        for i, name in enumerate(names, start=1):
            _validate.choice(f"activation {i}", name, ACTIVATIONS)
        widths = [len(w) for w in weights[1:]]
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "activations", tuple(names))
        object.__setattr__(self, "masses", _checked_masses(self.masses, widths))

    @property
    def dimension(self):
        """d."""
        return self.weights[0].shape[1]

    @property
    def widths(self):
        """(n_1, ..., n_{L-1})."""
        return tuple(len(w) for w in self.weights[1:])

    def with_weights(self, weights):
        """The same network with other weights of the same shapes."""
        return Network(weights, self.activations, self.masses)


def _checked_weights(weights):
    if isinstance(weights, np.ndarray) or not isinstance(weights, Sequence) or len(weights) < 3:
        raise ValueError("weights must be a sequence of at least three arrays, one for a layer")
    last = len(weights)
    checked = [_validate.array(f"w_{i}", w) for i, w in enumerate(weights, start=1)]
    for i, w in enumerate(checked, start=1):
        if w.ndim != (1 if i == last else 2) or 0 in w.shape:
            expected = "(n,)" if i == last else "(n_1, d)" if i == 1 else "(n, n')"
            raise ValueError(f"w_{i} must have shape {expected}, none empty; got {w.shape}")
        below = checked[i - 2].shape[0 if i == 2 else -1] if i > 1 else None
        if i > 1 and w.shape[0] != below:
            raise ValueError(f"w_{i} must have {below} rows, as w_{i - 1} says; got {w.shape}")
    return tuple(checked)


def _checked_masses(masses, widths):
    if isinstance(masses, str):
        scaling = _validate.choice("masses", masses, ("mean-field", "standard"))
        return tuple(np.full(n, 1.0 / n if scaling == "mean-field" else 1.0) for n in widths)
    if not isinstance(masses, Sequence) or len(masses) != len(widths):
        raise ValueError(f"masses must be {len(widths)} arrays, one for a hidden layer")
    checked = [_validate.array(f"masses of layer {i}", m) for i, m in enumerate(masses, start=1)]
    for i, (mass, n) in enumerate(zip(checked, widths, strict=True), start=1):
        if mass.shape != (n,):
            raise ValueError(f"masses of layer {i} must have shape ({n},); got {mass.shape}")
        if mass.min() < 0.0 or not mass.any():
            raise ValueError(f"masses of layer {i} must be at least 0, and not all 0")
    return tuple(checked)


class Training(NamedTuple):
    """A run of gradient descent.

    times : (T,) output times.
    networks : the network at each, or what ``observe`` made of it.
    loss : (T,) average loss over the law of the data.
    steps : (T,) number of steps made until then, floor(t / epsilon).
    """

    times: np.ndarray
    networks: list
    loss: np.ndarray
    steps: np.ndarray


def draw(
    widths, dimension, *, mean=0.0, deviation=1.0, activations=None, masses="mean-field", rng=0
):
    """A network with independent normal weights (i.i.d. initialization; Nguyen and Pham 2023).

    Parameters
    ----------
    widths : sequence of int
        n_1, ..., n_{L-1}; at least two.
    dimension : int
        d.
    mean, deviation : float or sequence of L floats
        Of the weights, the same for all layers or one for each.
    activations, masses
        See `Network`. With the masses "standard" the weights are divided by the square root
        of the number of neurons below.
    rng : numpy.random.Generator or int
        Source of randomness, or its seed.

    Returns
    -------
    Network

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    if not isinstance(widths, (Sequence, np.ndarray)) or len(widths) < 2:
        raise ValueError(f"widths must be at least two integers; got {widths!r}")
    widths = [_validate.integer("each of widths", n, low=1) for n in widths]
    sizes = [_validate.integer("dimension", dimension, low=1), *widths, 1]
    mean = _per_layer("mean", mean, len(sizes) - 1)
    deviation = _per_layer("deviation", deviation, len(sizes) - 1)
    if deviation.min() < 0.0:
        raise ValueError(f"deviation must be at least 0; got {deviation.min()}")
    generator = _validate.generator("rng", rng)
    standard = isinstance(masses, str) and masses == "standard"
    weights = []
    for i, (below, above) in enumerate(itertools.pairwise(sizes)):
        w = generator.normal(mean[i], deviation[i], (above, below) if i == 0 else (below, above))
        weights.append(w / math.sqrt(below) if standard else w)
    weights[-1] = weights[-1][:, 0]
    return Network(weights, activations, masses)


def _per_layer(name, value, layers):
    given = _validate.array(name, value, accepted=f"a number or {layers} numbers")
    if given.shape not in ((), (layers,)):
        raise ValueError(f"{name} must be a number or {layers} numbers; got shape {given.shape}")
    return np.broadcast_to(given, (layers,))


def output(net, x):
    """The outputs of a network.

    Parameters
    ----------
    net : Network
    x : (M, d) array_like

    Returns
    -------
    (M,) ndarray

    Raises
    ------
    ValueError, TypeError
        If x is not as described.
    FloatingPointError
        If an output is not finite.
    """
    x = _checked_inputs(net, x)
    return _finite("output", _passes(net, len(x)).forward(x))


def risk(net, x, y, *, loss="huber"):
    """The average loss over data.

    Parameters
    ----------
    net, x, y, loss
        As for `gradients`.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If the loss is not finite.
    """
    x, y = _checked_data(net, x, y)
    return _risk(net, x, y, LOSSES.index(_validate.choice("loss", loss, LOSSES)))


def gradients(net, x, y, *, loss="huber"):
    """The mean-field gradients of the average loss (Nguyen and Pham 2023).

    Parameters
    ----------
    net : Network
    x : (M, d) array_like
    y : (M,) array_like
        Data; the average is over all of them.
    loss : {"huber", "squared"}
        r^2 / 2 of r = output - y; "huber": |r| - 1/2 where |r| > 1.

    Returns
    -------
    tuple of ndarray
        E[Grad_i], with the shapes of ``net.weights``: the plain gradients divided by the
        masses of the neurons at both ends of each weight.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a gradient is not finite.
    """
    x, y = _checked_data(net, x, y)
    code = LOSSES.index(_validate.choice("loss", loss, LOSSES))
    passes = _passes(net, len(x))
    passes.forward(x)
    found = [np.zeros(w.shape) for w in passes.weights]
    with np.errstate(over="ignore", invalid="ignore"):
        passes.backward(x, y, code, found, np.ones(len(found)))
    for i, w in enumerate(found, start=1):
        _finite(f"gradient of layer {i}", w)
    return (np.ascontiguousarray(found[0].T), *found[1:-1], found[-1][:, 0])


def train(
    net, x, y, *, epsilon, times, batch=1, rates=1.0, loss="huber", rng=0, observe=None
):  # fmt: skip
    """Gradient descent with step epsilon and clock t = k epsilon (Nguyen and Pham 2023).

    Parameters
    ----------
    net : Network
        At time 0; it is not changed.
    x : (M, d) array_like
    y : (M,) array_like
        The law of the data: each of the M rows has probability 1 / M.
    epsilon : float
        Step, positive.
    times : (T,) array_like
        Increasing output times, at least 0. The network at t has made floor(t / epsilon)
        steps.
    batch : int or None
        Fresh samples a step, drawn with replacement; None: all the data, so that a step is
        one of Euler's method for the expected gradient. Runs of the same seed, batch and
        number of steps draw the same samples, whatever their widths.
    rates : float, callable, or sequence of L of them
        xi_i: numbers or functions of t, at least 0; a single one holds for all layers.
    loss : {"huber", "squared"}
        See `gradients`.
    rng : numpy.random.Generator or int
        Source of randomness, or its seed.
    observe : callable, optional
        Called with the network at each output time; its values take the place of the
        networks in the result, which saves their memory.

    Returns
    -------
    Training

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If the run diverges: the output is not finite or larger than 1e8 (1 + max |y|). The
        message names the step, the time and epsilon.

    Notes
    -----
    With the Huber loss and bounded activations weights grow no faster than a power of t, so
    that too large a step shows as a loss that does not fall.
    """
    x, y = _checked_data(net, x, y)
    epsilon = _validate.positive("epsilon", epsilon)
    times = _validate.times(times)
    if times[0] < 0.0:
        raise ValueError(f"times must be at least 0; got {times[0]}")
    if batch is not None:
        batch = _validate.integer("batch", batch, low=1)
    if observe is not None and not callable(observe):
        raise TypeError(f"observe must be a function of a network; got {observe!r}")
    if times[-1] / epsilon > MOST_STEPS:
        raise ValueError(f"epsilon={epsilon} needs more than {MOST_STEPS} steps to {times[-1]}")
    schedule = Schedule(rates, len(net.weights), epsilon)
    code = LOSSES.index(_validate.choice("loss", loss, LOSSES))
    generator = _validate.generator("rng", rng)
    descent = (SampleDescent if batch == 1 else BatchDescent)(net, x, y, code)
    steps = np.floor(times / epsilon + CLOCK).astype(np.int64)
    done, networks, losses = 0, [], []
    for step in steps:
        while done < step:
            count = min(STEPS_AT_ONCE, step - done)
            order = None if batch is None else generator.integers(len(x), size=(count, batch))
            at = descent.steps(order, schedule(done, count))
            if at >= 0:
                raise _divergence(done + at, epsilon)
            done += count
        weights = descent.current()
        if not all(np.isfinite(w).all() for w in weights):
            raise _divergence(done, epsilon)
        current = net.with_weights(weights)
        networks.append(current if observe is None else observe(current))
        losses.append(_risk(current, x, y, code))
    return Training(times, networks, np.array(losses), steps)


def _divergence(step, epsilon):
    return FloatingPointError(
        f"the run diverged at step {step}, t={step * epsilon:.6g}, with epsilon={epsilon}; "
        "choose a smaller epsilon or smaller rates"
    )


def _passes(net, count):
    return Passes(matrices(net), net.masses, codes(net), count)


def _finite(name, value):
    if not np.isfinite(value).all():
        raise FloatingPointError(f"the {name} exceeds float64: weights or data are too large")
    return value


def _risk(net, x, y, code):
    with np.errstate(over="ignore", invalid="ignore"):
        residual = abs(_passes(net, len(x)).forward(x) - y)
        square = 0.5 * residual**2
        if LOSSES[code] == "huber":
            square = np.where(residual > 1.0, residual - 0.5, square)
        return _finite("loss", np.mean(square))


def _checked_inputs(net, x):
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network; got {net!r:.80}")
    x = _validate.array("x", x)
    if x.ndim != 2 or x.shape[1] != net.dimension or len(x) == 0:
        raise ValueError(f"x must have shape (M, {net.dimension}) with M >= 1; got {x.shape}")
    return x


def _checked_data(net, x, y):
    x = _checked_inputs(net, x)
    y = _validate.array("y", y)
    if y.shape != (len(x),):
        raise ValueError(f"y must have shape ({len(x)},), as x has {len(x)} rows; got {y.shape}")
    return x, y
