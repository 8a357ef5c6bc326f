"""Gradient descent of a multilayer network: its weights in the form that each method needs."""

import itertools

import numpy as np

from kinetic import _multilayer_steps, _validate
from kinetic._multilayer_batch import Passes
from kinetic._multilayer_steps import ACTIVATIONS, ROWS

DIVERGED = 1e8
"""A run has diverged when its output is this many times larger than the data."""


class Schedule:
    """Learning rates epsilon xi_i(t) of consecutive steps."""

    def __init__(self, rates, layers, epsilon):
        self.rates = [rates] * layers if np.ndim(rates) == 0 else list(rates)
        if len(self.rates) != layers:
            raise ValueError(f"rates must be one or {layers} of them; got {len(self.rates)}")
        self.epsilon = epsilon
        self(0, 1)

    def __call__(self, start, count):
        """(count, L) array."""
        table = np.empty((count, len(self.rates)))
        for i, rate in enumerate(self.rates):
            if callable(rate):
                table[:, i] = [
                    self._checked(i, rate(k * self.epsilon)) for k in range(start, start + count)
                ]
            else:
                table[:, i] = self._checked(i, rate)
        return self.epsilon * table

    @staticmethod
    def _checked(i, value):
        return _validate.number(
            f"rates: rate of layer {i + 1}", value, low=0.0, accepted="a number of at least 0"
        )


class SampleDescent:
    """One sample a step, compiled."""

    def __init__(self, net, x, y, loss):
        self.net, self.x, self.y = net, x, y
        self.largest = DIVERGED * (1.0 + abs(y).max())
        hidden = [-(-n // ROWS) * ROWS for n in net.widths]
        self.widths = np.array([net.dimension, *hidden, 1])
        self.starts = np.concatenate([[0], np.cumsum(self.widths[1:] * self.widths[:-1])])
        self.theta = np.zeros(self.starts[-1])
        for block, w in zip(self._blocks(), net.weights, strict=True):
            block[...] = w if w is net.weights[0] else w.T
        self.masses = np.zeros((len(self.widths) - 1, self.widths.max()))
        for row, mass in zip(self.masses[1:], net.masses, strict=True):
            row[: mass.size] = mass
        self.codes = np.array([*codes(net), loss])
        self.work = np.zeros((4, max(len(self.widths), 7), self.widths.max()))

    def _blocks(self):
        """The matrices in theta, from below to above, without what has been added."""
        sizes = (self.net.dimension, *self.net.widths, 1)
        for i, (below, above) in enumerate(itertools.pairwise(sizes)):
            matrix = self.theta[self.starts[i] : self.starts[i + 1]]
            matrix = matrix.reshape(self.widths[i + 1], self.widths[i])[:above, :below]
            yield matrix[0] if i == len(sizes) - 2 else matrix

    def steps(self, order, rates):
        """Make steps; the number of the one at which the run diverged, or -1."""
        return _multilayer_steps.descend(
            self.theta, self.widths, self.starts, self.masses, self.codes, self.x, self.y,
            order[:, 0], rates, self.largest, self.work,
        )  # fmt: skip

    def current(self):
        """A copy of the weights, as in a `Network`."""
        first, *rest = self._blocks()
        return (first.copy(), *(w.T.copy() for w in rest))


class BatchDescent:
    """Many samples a step, by matrix products."""

    def __init__(self, net, x, y, loss):
        self.net, self.x, self.y, self.loss = net, x, y, loss
        self.largest = DIVERGED * (1.0 + abs(y).max())
        self.weights = [w.copy(order="C") for w in matrices(net)]
        self.passes = None

    def steps(self, order, rates):
        """Make steps; the number of the one at which the run diverged, or -1."""
        if self.passes is None:
            count = len(self.x) if order is None else order.shape[1]
            self.passes = Passes(self.weights, self.net.masses, codes(self.net), count)
        for step, rate in enumerate(rates):
            x, y = (self.x, self.y) if order is None else (self.x[order[step]], self.y[order[step]])
            with np.errstate(all="ignore"):
                if not abs(self.passes.forward(x)).max() <= self.largest:
                    return step
                self.passes.backward(x, y, self.loss, self.weights, -rate)
        return -1

    def current(self):
        """A copy of the weights, as in a `Network`."""
        first, *inner, last = self.weights
        return (first.T.copy(), *(w.copy() for w in inner), last[:, 0].copy())


def codes(net):
    return [ACTIVATIONS.index(name) for name in net.activations]


def matrices(net):
    """Views of all weights as matrices from the neurons below to those above."""
    first, *inner, last = net.weights
    return [first.T, *inner, last[:, None]]
