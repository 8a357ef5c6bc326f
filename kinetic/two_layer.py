"""Networks with one hidden layer, trained online (Sirignano and Spiliopoulos 2020).

The network of N neurons theta_i = (c_i, w_i) is an average over its empirical measure mu^N,

    g(x) = (1 / N) sum_i c_i sigma(w_i . x) = <c sigma(w . x), mu^N>,

and each step of stochastic gradient descent on (y - g(x))^2 / 2 sees one fresh sample (x, y):

    c_i += (alpha / N) (y - g(x)) sigma(w_i . x)
    w_i += (alpha / N) (y - g(x)) c_i sigma'(w_i . x) x

with both right-hand sides at the old parameters. N steps are one unit of time: mu^N_t is the
empirical measure after floor(N t) steps. The law of the data is finite, points x with values
y and probabilities, so that expectations are exact; a quadrature stands for a continuous law.
All quantities are dimensionless.

`train` and `train_many` descend. The limit N -> infinity is solved for points with weights by
`limit`, for a density in the plane by `transport` and `density`, tested by `weak_residual`;
`fluctuations` predicts the covariance about it.
"""

from typing import NamedTuple

import numpy as np

from kinetic import _parallel, _two_layer, _validate, activations
from kinetic._data_law import data_law
from kinetic._elementary import SLOPES
from kinetic.two_layer_fluctuations import fluctuations
from kinetic.two_layer_limit import density, limit, quadrature
from kinetic.two_layer_transport import transport
from kinetic.two_layer_weak import weak_residual

__all__ = [
    "Training",
    "Trainings",
    "density",
    "fluctuations",
    "limit",
    "loss",
    "output",
    "quadrature",
    "train",
    "train_many",
    "transport",
    "weak_residual",
]

SAMPLES_AT_ONCE = 1 << 16
RUNS_AT_ONCE = 32
MOST_STEPS = 1 << 40
LARGEST_OUTPUT = 1e10
"""Relative to the data and the first output: beyond it a training has diverged."""
WHOLE = 1e-12


class Training(NamedTuple):
    """One training.

    times : (T,) array.
    steps : (T,) array of the steps taken until then.
    c : (T, N) array.
    w : (T, N) or (T, N, d) array.
    loss : (T,) array of E (y - g(x))^2 / 2 under the law of the data.
    """

    times: np.ndarray
    steps: np.ndarray
    c: np.ndarray
    w: np.ndarray
    loss: np.ndarray


class Trainings(NamedTuple):
    """Independent trainings.

    times : (T,) array.
    steps : (T,) array of the steps taken until then.
    observed : (T, R, ...) array; the last axes are (N, 1 + d), with c before w, unless
        something else was observed.
    """

    times: np.ndarray
    steps: np.ndarray
    observed: np.ndarray


def train(
    x, y, c0, w0, *, alpha, times, activation="tanh", probabilities=None, clock=None, rng=0
):  # fmt: skip
    """Train one network online (law of large numbers; Sirignano and Spiliopoulos 2020).

    Parameters
    ----------
    x : (M,) or (M, d) array_like
        Points of the law of the data.
    y : (M,) array_like
        Their values.
    c0 : (N,) array_like
        Outgoing weights at time 0.
    w0 : (N,) or (N, d) array_like
        Incoming weights at time 0, (N,) for x of shape (M,).
    times : (T,) array_like
        Increasing output times, at least 0.
    alpha : float
        Learning rate, positive; a step has the factor alpha / N.
    activation : {"tanh", "sigmoid", "identity", "relu"}
        The theory asks for bounded derivatives up to the second order, that is, for one of
        the first two.
    probabilities : (M,) array_like, optional
        Of the points; equal by default.
    clock : float, optional
        Steps in a unit of time. By default N; no other power of N has a limit.
    rng : numpy.random.Generator or int
        Source of the samples, or its seed. The samples do not depend on the output times.

    Returns
    -------
    Training

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If the training diverges: the output exceeds 1e10 times the scale of the data. The
        message names the step, the time and alpha.
    """
    law = data_law(x, y, probabilities)
    tag = _tag(activation)
    c0, w0 = _neurons(c0, w0, law)
    neurons = c0.size
    clock, alpha, times, steps = _schedule(times, alpha, clock, neurons)
    generator = _validate.generator("rng", rng)
    largest = _largest(c0, w0, law)
    c, w = _two_layer.pack(c0[None], w0[None])
    out_c, out_w = np.empty((times.size, neurons)), np.empty((times.size, *w0.shape))
    taken = 0
    for i, end in enumerate(steps):
        while taken < end:
            order = _samples(generator, law, min(SAMPLES_AT_ONCE, end - taken))
            stop = _two_layer.descend(
                tag, law.x, law.y, order, alpha / neurons, largest, neurons, c[0], w[0]
            )
            if stop >= 0:
                raise _diverged(taken + stop, clock, alpha, neurons)
            taken += order.size
        (out_c[i],), (out_w[i],) = _two_layer.unpack(c, w, neurons)
    losses = _losses(_outputs(tag, out_c, out_w, law.x), law)
    return Training(times, steps, out_c, out_w[..., 0] if law.flat else out_w, losses)


def train_many(
    x, y, initial, neurons, runs, *, alpha, times, activation="tanh", probabilities=None,
    clock=None, observe=None, rng=0, threads=None,
):  # fmt: skip
    """Independent trainings, each with an initialization and samples of its own.

    Parameters
    ----------
    x, y, probabilities, times, alpha, activation, clock
        As in `train`.
    initial : callable or (c0, w0)
        ``initial(generator, n)`` draws n independent neurons and returns arrays (n,) and
        (n,) or (n, d). Two arrays, as in `train`, are the same start for each run.
    neurons : int
        N.
    runs : int
        R.
    observe : callable, optional
        What to keep of the parameters at each time: a function of c (r, N) and w (r, N) or
        (r, N, d), of r runs at a time, that returns an array of r rows. It is called in
        several threads. By default all parameters are kept.
    rng : numpy.random.Generator or int
        Source of randomness, or its seed.
    threads : int, optional
        Default: all cores this process may use. The result does not depend on it.

    Returns
    -------
    Trainings

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a training diverges; the message names the run, the step, the time and alpha.
    """
    law = data_law(x, y, probabilities)
    tag = _tag(activation)
    neurons = _validate.integer("neurons", neurons, low=1)
    runs = _validate.integer("runs", runs, low=1)
    draw = _initial(initial, neurons, law)
    clock, alpha, times, steps = _schedule(times, alpha, clock, neurons)
    if observe is None:
        observe = _parameters
    elif not callable(observe):
        raise TypeError(f"observe must be a function of c and w; got {observe!r:.80}")
    streams = _validate.generator("rng", rng).spawn(-(-runs // RUNS_AT_ONCE))
    threads = _parallel.thread_count(threads)
    kept = [None] * len(streams)

    def work(rows):
        size = rows.stop - rows.start
        part = rows.start // RUNS_AT_ONCE
        starting, sampling = streams[part].spawn(2)
        c0, w0 = draw(starting, size)
        largest = _largest(c0, w0, law)
        c, w = _two_layer.pack(c0, w0)
        ends, seen, taken = np.empty(size, np.int64), [], 0
        for end in steps:
            while taken < end:
                count = min(SAMPLES_AT_ONCE // RUNS_AT_ONCE, end - taken)
                orders = _samples(sampling, law, (count, size))
                _two_layer.descend_many(
                    tag, law.x, law.y, orders, alpha / neurons, largest, neurons, c, w, ends
                )
                if ends.max() >= 0:
                    run = int(np.argmax(ends >= 0))
                    raise _diverged(
                        taken + ends[run], clock, alpha, neurons, f" of run {rows.start + run}"
                    )
                taken += count
            seen.append(_observed(observe, *_two_layer.unpack(c, w, neurons), law.flat))
        kept[part] = np.stack(seen)

    _parallel.over_rows(work, runs, threads, RUNS_AT_ONCE)
    return Trainings(times, steps, np.concatenate(kept, axis=1))


def output(c, w, x, activation="tanh"):
    """g(x) = <c sigma(w . x), mu^N>, of one network or of many.

    Parameters
    ----------
    c : (..., N) array_like
    w : (..., N) or (..., N, d) array_like
    x : (M,) or (M, d) array_like
        (M,) where w has the shape of c.
    activation : {"tanh", "sigmoid", "identity", "relu"}

    Returns
    -------
    (..., M) ndarray

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a value leaves the range of float64.
    """
    x = _validate.array("x", x)
    law = data_law(x, np.zeros(len(x) if x.ndim else 0))
    c, w = _stacked(c, w, law)
    found = _outputs(_tag(activation), c, w, law.x)
    if not np.isfinite(found).all():
        raise FloatingPointError("an output exceeds the range of float64: c, w or x is too large")
    return found


def loss(c, w, x, y, *, activation="tanh", probabilities=None):
    """E (y - g(x))^2 / 2 under the law of the data.

    Parameters
    ----------
    c, w, x, activation
        As in `output`.
    y, probabilities
        As in `train`.

    Returns
    -------
    (...) ndarray
        Its shape is that of c without the neurons.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a value leaves the range of float64.
    """
    law = data_law(x, y, probabilities)
    c, w = _stacked(c, w, law)
    return _losses(_outputs(_tag(activation), c, w, law.x), law)


def _tag(activation):
    sigma = activations.get(activation)
    if type(sigma.tag) not in SLOPES:
        raise ValueError(
            f"activation must be one of 'tanh', 'sigmoid', 'identity', 'relu'; got {sigma.name!r}"
        )
    return sigma.tag


def _stacked(c, w, law):
    """c (..., N) and w (..., N, d)."""
    c, w = _validate.array("c", c), _validate.array("w", w)
    if c.ndim == 0 or c.shape[-1] == 0:
        raise ValueError(f"c must have shape (..., N) with N >= 1; got {c.shape}")
    expected = c.shape if law.flat else (*c.shape, law.x.shape[1])
    if w.shape != expected:
        points = f"({len(law.x)},)" if law.flat else law.x.shape
        raise ValueError(
            f"w must have shape {expected} for c of shape {c.shape} and x of shape {points}; "
            f"got {w.shape}"
        )
    return c, w.reshape(*c.shape, -1)


def _neurons(c0, w0, law):
    """c (N,) and w (N, d) of one network."""
    c0, w0 = _validate.array("c0", c0), _validate.array("w0", w0)
    if c0.ndim != 1 or c0.size == 0:
        raise ValueError(f"c0 must have shape (N,) with N >= 1; got {c0.shape}")
    expected = c0.shape if law.flat else (c0.size, law.x.shape[1])
    if w0.shape != expected:
        raise ValueError(f"w0 must have shape {expected} for this c0 and x; got {w0.shape}")
    return c0, w0.reshape(c0.size, -1)


def _initial(initial, neurons, law):
    """Function of a generator and r that returns c (r, N) and w (r, N, d)."""
    if callable(initial):

        def draw(generator, runs):
            drawn = initial(generator, runs * neurons)
            if not (isinstance(drawn, tuple | list) and len(drawn) == 2):
                raise TypeError(f"initial must return two arrays, c0 and w0; got {drawn!r:.80}")
            try:
                c, w = _neurons(*drawn, law)
            except (TypeError, ValueError) as error:
                raise type(error)(f"initial must return c0 and w0: {error}") from None
            if c.size != runs * neurons:
                raise ValueError(
                    f"initial must return {runs * neurons} neurons when asked for that many; "
                    f"got {c.size}"
                )
            return c.reshape(runs, neurons), w.reshape(runs, neurons, -1)

        return draw
    if not (isinstance(initial, tuple | list) and len(initial) == 2):
        raise TypeError(
            f"initial must be a function of a generator and n, or (c0, w0); got {initial!r:.80}"
        )
    c0, w0 = _neurons(*initial, law)
    if c0.size != neurons:
        raise ValueError(f"initial must hold neurons={neurons} neurons; got {c0.size}")
    return lambda _, runs: (
        np.broadcast_to(c0, (runs, neurons)),
        np.broadcast_to(w0, (runs, *w0.shape)),
    )


def _schedule(times, alpha, clock, neurons):
    """Clock, learning rate, times and the steps until then."""
    times = _validate.times(times)
    if times[0] < 0.0:
        raise ValueError(f"times must be at least 0; got {times[0]}")
    alpha = _validate.positive("alpha", alpha)
    clock = float(neurons) if clock is None else _validate.positive("clock", clock)
    if not clock * times[-1] <= MOST_STEPS:
        raise ValueError(
            f"times must need at most {MOST_STEPS} steps; got {clock * times[-1]:.3g} until "
            f"t={times[-1]}"
        )
    return clock, alpha, times, np.floor(clock * times * (1.0 + WHOLE)).astype(np.int64)


def _samples(generator, law, size):
    """Indices of samples from the law of the data."""
    uniform = generator.random(size)
    cumulative = np.cumsum(law.probabilities)
    found = np.searchsorted(cumulative[:-1], uniform.ravel() * cumulative[-1], side="right")
    return found.reshape(uniform.shape)


def _largest(c, w, law):
    """The bound, from the data and a bound of the first output for any activation."""
    reach = np.linalg.norm(law.x, axis=1).max()
    first = np.mean(np.abs(c) * (1.0 + reach * np.linalg.norm(w, axis=-1)), axis=-1)
    return LARGEST_OUTPUT * max(1.0, np.abs(law.y).max(), first.max())


def _outputs(tag, c, w, x):
    """(..., M) outputs for c (..., N) and w (..., N, d)."""
    out = np.empty((*c.shape[:-1], len(x)))
    rows = c.reshape(-1, c.shape[-1]), w.reshape(-1, *w.shape[-2:])
    _two_layer.outputs(tag, *rows, np.ascontiguousarray(x.T), out.reshape(-1, len(x)))
    return out


def _losses(g, law):
    with np.errstate(over="ignore", invalid="ignore"):
        found = ((g - law.y) ** 2 / 2.0) @ law.probabilities
    if not np.isfinite(found).all():
        raise FloatingPointError("the loss exceeds the range of float64: y, c or w is too large")
    return found


def _parameters(c, w):
    return np.concatenate([c[..., None], w.reshape(*c.shape, -1)], axis=-1)


def _observed(observe, c, w, flat):
    found = np.asarray(observe(c, w[..., 0] if flat else w))
    if found.ndim == 0 or len(found) != len(c) or found.dtype.kind not in "iufb":
        raise ValueError(
            f"observe must return an array of one row for each of {len(c)} runs; got shape "
            f"{found.shape}"
        )
    if not np.isfinite(found).all():
        raise ValueError("observe must return finite numbers; it does not")
    return found


def _diverged(step, clock, alpha, neurons, run=""):
    return FloatingPointError(
        f"the training{run} diverges: its output exceeds {LARGEST_OUTPUT:g} times the scale of "
        f"the data after step {step} (t={step / clock:.6g}) with alpha={alpha:g} and N={neurons}; "
        "lower alpha"
    )
