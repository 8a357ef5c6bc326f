"""A chunk of independent particles with its own randomness, moved by one of three clocks."""

import math
from functools import cached_property

import numpy as np

from kinetic import _collisions, _diffusion, _noise

ONE, LINEAR = _diffusion.get("1"), _diffusion.get("x")


class Chunk:
    """Particles ``x`` (n,) under the collisions of `kinetic.boltzmann.simulate`.

    The methods advance ``x`` over a span of time, with the parameters given as arrays
    ``weights`` and ``biases`` (P,); they raise FloatingPointError where a state leaves the
    range of float64.
    """

    def __init__(self, sigma, x, epsilon, diffusion, nu, noise, seeds):
        self.seeds = seeds.spawn(2)
        self.state = _noise.new_state(self.seeds[1])
        self.blocks = np.zeros((-(-x.size // (2 * _noise.LANES)), 2 * _noise.LANES))
        self.x = self.blocks.reshape(-1)[: x.size]
        self.x[:] = x
        self.sigma, self.epsilon, self.diffusion = sigma, epsilon, diffusion
        self.law, self.spread = _noise.NOISES[noise], nu * math.sqrt(epsilon)

    @cached_property
    def generator(self):
        return np.random.default_rng(self.seeds[0])

    @cached_property
    def kick(self):
        return np.full(self.x.size, self.spread)

    @cached_property
    def numbers(self):
        return np.zeros(self.x.size)

    def steps(self, span, weights, biases):
        """Every particle collides once with each of the first P - 1 parameters."""
        weights, biases = weights[:-1], biases[:-1]
        if self.sigma.tag is not None and self.diffusion in (ONE, LINEAR):
            factors = (self.spread, 0.0) if self.diffusion == ONE else (0.0, self.spread)
            _collisions.collide_in_steps(
                self.sigma.tag, self.law, self.state, self.blocks, weights, biases,
                self.epsilon, *factors,
            )  # fmt: skip
        else:
            for w, b in zip(weights, biases, strict=True):
                self._collide(self.x, w, b)
        check_range(self.x)

    def rounds(self, span, weights, biases):
        """Poisson numbers of collisions; constant parameters need no times.

        Particles are sorted by their number, so that those left in a round are the first.
        """
        counts = self.generator.poisson(span / self.epsilon, self.x.size)
        most = counts.max()
        order = np.argsort((most - counts).astype(np.min_scalar_type(most)), kind="stable")
        x = self.x[order]
        for left in x.size - np.cumsum(np.bincount(counts))[:-1]:
            self._collide(x[:left], weights[0], biases[0])
        self.x[order] = x
        check_range(x)

    def waits(self, span, weights, biases):
        """Exponential waiting times; P values at equal distances over the span."""
        left, clock = np.arange(self.x.size), np.zeros(self.x.size)
        w, b = np.empty((2, self.x.size))
        while left.size:
            waiting = self.numbers[: left.size]
            _noise.fill(_noise.Exponential(), self.state, waiting)
            clock += self.epsilon * waiting
            left, clock = left[clock < span], clock[clock < span]
            x, positions = self.x[left], clock * ((weights.size - 1) / span)
            _collisions.interpolate(weights, positions, w)
            _collisions.interpolate(biases, positions, b)
            self._collide(x, w[: left.size], b[: left.size])
            self.x[left] = x
        check_range(self.x)

    def _collide(self, x, w, b):
        """One collision of each particle in x; w and b are numbers or arrays like x."""
        kick, numbers = self._noise(x)
        if self.sigma.tag is not None:
            collide = _collisions.collide_each if np.ndim(w) else _collisions.collide
            collide(self.sigma.tag, x, w, b, self.epsilon, kick, numbers)
            return
        with np.errstate(over="ignore", invalid="ignore"):
            u = w * x + b
            check_range(u)
            x += self.epsilon * self.sigma(u) + kick * numbers

    def _noise(self, x):
        """sqrt(epsilon) nu K and eta / nu for particles at x."""
        kick, numbers = self.kick[: x.size], self.numbers[: x.size]
        if self.spread == 0.0:
            numbers[:] = 0.0
            return kick, numbers
        if self.diffusion == LINEAR:
            np.multiply(self.spread, x, out=kick)
        elif self.diffusion != ONE:
            check_range(x)
            np.multiply(self.spread, self.diffusion(x), out=kick)
        _noise.fill(self.law, self.state, numbers)
        return kick, numbers


def check_range(x):
    """Raise FloatingPointError where particles have left the range of float64."""
    if not np.isfinite(x).all():
        raise FloatingPointError("a particle exceeds the range of float64")
