"""The simplified residual network and the propagation of its inputs (eqs. (1), (2); paper).

A layer maps x to x + h sigma(w x + b); h -> 0 with infinitely many layers gives
x' = sigma(w(t) x + b(t)). ``SimResNet`` holds sigma, w and b for every level of
description; ``propagate`` moves M inputs through the layers or along the equation.
Everything is dimensionless.
"""

import math
from numbers import Real

import numpy as np

from kinetic import _layers, _numpy_layers, _parallel, _validate, activations, characteristics
from kinetic.tabulate import tabulate

__all__ = ["SimResNet", "end_map", "propagate"]

LAYERS_AT_ONCE = 4096
EXACT_CHUNK = 1 << 16
SMALLEST_TASK = 4096
MOST_LAYERS = 10**7


class SimResNet:
    """A residual network of constant width d, or its neural differential equation.

    Parameters
    ----------
    activation : str or Activation
        sigma; see `kinetic.activations`.
    w, b : float, array_like or callable
        Weight and bias: numbers (d = 1), arrays of shape (d, d) and (d,), or functions
        of t that return such, defined at t = 0 too. A number b stands for d equal entries.

    Attributes
    ----------
    activation : Activation
    dimension : int
        d.
    autonomous : bool
        Whether w and b are constant.

    Raises
    ------
    ValueError, TypeError
        If the activation is unknown, or w and b are not finite or do not fit together.
    """

    def __init__(self, activation, w, b):
        self.activation = activations.get(activation)
        self.w, self.b = w, b
        self.autonomous = not (callable(w) or callable(b))
        first = w(0.0) if callable(w) else w
        shape = _validate.array("w", first, accepted="finite numbers").shape
        if shape not in ((), (1, 1)) and (len(shape) != 2 or shape[0] != shape[1]):
            raise ValueError(f"w must be a number or a (d, d) matrix; got shape {shape}")
        if shape and shape[0] == 0:
            raise ValueError("w must have at least one row; got shape (0, 0)")
        self.dimension = shape[0] if shape else 1
        self._constant = None
        constant = self.parameters(0.0)
        if self.autonomous:
            self._constant = constant

    def parameters(self, t):
        """(w, b) at time t: floats for d = 1, arrays (d, d) and (d,) otherwise."""
        if not (isinstance(t, float) and math.isfinite(t)):
            t = _validate.number("t", t)
        if self._constant is not None:
            return self._constant
        w = self._evaluated("w", self.w, t, (self.dimension, self.dimension))
        b = self._evaluated("b", self.b, t, (self.dimension,))
        return (w.item(), b.item()) if self.dimension == 1 else (w, b)

    def _evaluated(self, name, parameter, t, shape):
        given = parameter(t) if callable(parameter) else parameter
        if isinstance(given, float) and self.dimension == 1 and math.isfinite(given):
            return np.float64(given)
        label = f"{name}({t})" if callable(parameter) else name
        value = _validate.array(label, given, accepted="finite numbers")
        if value.ndim == 0 and (name == "b" or self.dimension == 1):
            value = np.full(shape, value)
        if value.shape != shape:
            raise ValueError(f"{label} must have shape {shape}, as w has; got shape {value.shape}")
        return value

    def velocity(self, x, t=0.0):
        """sigma(w x + b) at time t for x of any shape (d = 1) or of shape (..., d)."""
        w, b = self.parameters(t)
        x = _validate.array("x", x)
        if self.dimension == 1:
            with np.errstate(over="ignore", invalid="ignore"):
                return self._activated(w * x + b)
        if x.shape[-1:] != (self.dimension,):
            raise ValueError(f"x must have shape (..., {self.dimension}); got {x.shape}")
        with np.errstate(over="ignore", invalid="ignore"):
            return self._activated(x @ w.T + b)

    def _activated(self, u):
        if not np.isfinite(u).all():
            raise FloatingPointError(f"w x + b exceeds the range of float64 for w={self.w!r}")
        values = self.activation(u)
        if not np.isfinite(values).all():
            raise FloatingPointError(
                f"sigma(w x + b) exceeds the range of float64 for w={self.w!r}"
            )
        return values

    def __repr__(self):
        return f"SimResNet({self.activation.name!r}, w={self.w!r}, b={self.b!r})"


def propagate(
    net, x0, times, *, method="exact", step=None, walls=None, out=None, threads=None
):  # fmt: skip
    """Propagate M inputs through the network (eqs. (1), (2); paper).

    Parameters
    ----------
    net : SimResNet
    x0 : (M,) or (M, d) array_like
        Inputs at the first time; float32 is kept, everything else becomes float64.
    times : float or (T,) array_like
        Increasing output times, the first of which belongs to x0; or a number T > 0, to
        get only the state at T of inputs given at 0.
    method : {"exact", "rk4", "euler"}
        "euler": layers of length ``step``, eq. (1); "rk4": the classical Runge-Kutta
        method for eq. (2); "exact": closed flows, or integration to 1e-12.
    step : float, optional
        Largest step, required for "euler" and "rk4". Each interval between output times
        is divided into equal steps.
    walls : (float, float), optional
        d = 1: particles stop at these two points, as mass does at no-flux ends.
    out : ndarray, optional
        Array for the result; for a number T it may be x0 itself.
    threads : int, optional
        Default: all cores this process may use. The result does not depend on it.

    Returns
    -------
    (T, M) or (T, M, d) ndarray, or (M,) or (M, d) for a number T
        States at the times. No more memory is used than for this and small buffers.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described; nothing is written then.
    FloatingPointError
        If a state leaves the range of floating point.
    """
    check_network(net)
    x0 = _validate.array("x0", x0, dtype=None)
    d = net.dimension
    if x0.ndim not in (1, 2) or (x0.shape[1] if x0.ndim == 2 else 1) != d or len(x0) == 0:
        accepted = "(M,) or (M, 1)" if d == 1 else f"(M, {d})"
        raise ValueError(f"x0 must have shape {accepted} with M >= 1; got {x0.shape}")
    final_only = isinstance(times, (Real, np.number)) and not isinstance(times, bool)
    if final_only:
        times = [0.0, _validate.number("times", times, low=0.0, accepted="a time T > 0")]
    times = _validate.times(times)
    step = _checked_step(method, step)
    if step is not None and np.diff(times).max(initial=0.0) > MOST_LAYERS * step:
        raise ValueError(
            f"step must divide an interval of times into at most {MOST_LAYERS} layers; "
            f"got step={step} for an interval of {np.diff(times).max()}"
        )
    walls = _validated_walls(net, x0, walls, method)
    threads = _parallel.thread_count(threads)
    shape = x0.shape if final_only else (times.size, *x0.shape)
    if out is None:
        out = np.empty(shape, x0.dtype)
    elif not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != x0.dtype:
        raise ValueError(
            f"out must be a {x0.dtype} array of shape {shape}; "
            f"got {getattr(out, 'dtype', type(out).__name__)} of shape {np.shape(out)}"
        )
    elif not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError("out must be C-contiguous and writeable")
    elif np.may_share_memory(x0, out) and not (final_only and x0.ctypes.data == out.ctypes.data):
        x0 = x0.copy()
    if not final_only:
        out[0] = x0
    advance = _advance_exactly if method == "exact" else _advance_by_layers
    for i in range(1, times.size):
        start = x0 if i == 1 else out[i - 1]
        end = out if final_only else out[i]
        advance(
            net, start.reshape(-1, d), end.reshape(-1, d), times[i - 1], times[i],
            method, step, walls, threads,
        )  # fmt: skip
        if not np.isfinite(end.sum(dtype=float)) and not np.isfinite(end).all():
            raise FloatingPointError(
                f"a state exceeds the range of {x0.dtype} between t={times[i - 1]} and "
                f"t={times[i]}; shorten the time, the step or scale w and b"
            )
    return out


def end_map(net, interval, time, *, method="exact", step=None, walls=None):
    """Tabulate the map of all layers of a one-dimensional network (eqs. (1), (2); paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one.
    interval : (float, float)
        Range of the inputs.
    time : float
        End time T; inputs are given at 0.
    method, step
        As in `propagate`.
    walls : (float, float), optional
        As in `propagate`, around the interval; for ``method="exact"`` and constant w and b.

    Returns
    -------
    kinetic.tabulate.EndMap
        Callable on inputs of shape (M,), at a cost that does not depend on the number
        of layers, and equal to `propagate` to rounding.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or the map has kinks (ReLU) or is too steep
        for a table.
    """
    check_network(net)
    if net.dimension != 1:
        raise ValueError(f"net must have dimension 1 for a table; got {net.dimension}")
    ends = _validate.interval("interval", interval)
    step = _checked_step(method, step)
    time = _validate.positive("time", time)
    if walls is not None and not (method == "exact" and net.autonomous):
        raise ValueError("walls can be tabulated for method='exact' and constant w and b only")
    walls = _validated_walls(net, np.array(ends), walls, method, "interval")

    def states(x):
        return propagate(net, x, time, method=method, step=step)

    table = tabulate(states, *ends)
    # A path of an autonomous equation that has passed a wall does not return.
    table.walls = walls
    return table


def check_network(net, dimension=None):
    """Refuse what is not a network, or not one of a dimension."""
    if not isinstance(net, SimResNet):
        raise TypeError(f"net must be a kinetic.SimResNet; got {type(net).__name__}")
    if dimension is not None and net.dimension != dimension:
        raise ValueError(f"net must have dimension {dimension}; got {net.dimension}")


def _checked_step(method, step):
    _validate.choice("method", method, ("exact", *_layers.METHODS))
    if step is None and method != "exact":
        raise ValueError(f"method {method!r} needs step=, the largest length of a layer")
    if step is not None:
        step = _validate.positive("step", step)
    return None if method == "exact" else step


def _validated_walls(net, x0, walls, method, name="x0"):
    if walls is None:
        return None
    ends = _validate.interval("walls", walls)
    if net.dimension != 1:
        raise ValueError(f"walls are for d = 1; net has d = {net.dimension}")
    if method == "exact" and not net.autonomous:
        raise ValueError("walls with w or b that depend on time need method='rk4' or 'euler'")
    if x0.min() < ends[0] or x0.max() > ends[1]:
        raise ValueError(
            f"{name} must lie between the walls {ends}; got values from {x0.min()} to {x0.max()}"
        )
    return ends


def _advance_exactly(net, start, end, t0, t1, method, step, walls, threads):
    def work(rows):
        if net.dimension == 1:
            end[rows] = characteristics.flow(net, start[rows], t0, t1)[0]
        else:
            end[rows] = characteristics.flow_many(net, start[rows], t0, t1)
        if walls is not None:
            np.clip(end[rows], *walls, out=end[rows])

    _parallel.over_rows(work, len(start), threads, EXACT_CHUNK)


def _advance_by_layers(net, start, end, t0, t1, method, step, walls, threads):
    run, samples = _layers.METHODS[method]
    sigma = net.activation.tag
    if sigma is None:
        run, sigma = _numpy_layers.METHODS[method], net.activation
    total = max(1, int(np.ceil((t1 - t0) / step * (1.0 - 1e-12))))
    h = (t1 - t0) / total
    number = start.dtype.type
    low, high = (number(0.0), number(0.0)) if walls is None else map(number, walls)
    source = start
    for first in range(0, total, total if net.autonomous else LAYERS_AT_ONCE):
        layers = total if net.autonomous else min(LAYERS_AT_ONCE, total - first)
        weights, biases = _parameter_table(net, t0 + first * h, h / samples, layers * samples)
        weights, biases = weights.astype(start.dtype), biases.astype(start.dtype)

        def work(rows, source=source, weights=weights, biases=biases, layers=layers):
            run(
                sigma, source[rows], weights, biases, int(not net.autonomous),
                number(h), layers, walls is not None, low, high, end[rows],
            )  # fmt: skip

        _parallel.over_rows(
            work, len(start), threads, max(SMALLEST_TASK, -(-len(start) // threads))
        )
        source = end


def _parameter_table(net, start, spacing, count):
    """w (P, d, d) and b (P, d) at start + k spacing, k = 0..count; P = 1 where constant."""
    moments = [start] if net.autonomous else start + spacing * np.arange(count + 1)
    pairs = [net.parameters(float(t)) for t in moments]
    d = net.dimension
    weights = np.array([w for w, _ in pairs]).reshape(-1, d, d)
    return weights, np.array([b for _, b in pairs]).reshape(-1, d)
