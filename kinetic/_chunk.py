"""A chunk of independent particles with its own randomness, moved by one of three clocks."""

import math

import numpy as np

from kinetic import _collisions, _diffusion, _noise

ONE, LINEAR = _diffusion.get("1"), _diffusion.get("x")


class Chunk:
    """Particles ``x`` (n,) under the rule x <- x + epsilon sigma(w x + b) + kick noise.

    The methods advance ``x`` over a span of time with the parameters given as arrays
    ``weights`` and ``biases`` (P,). ``x`` may become infinite or NaN; the caller checks.
    """

    def __init__(self, tag, x, epsilon, diffusion, nu, noise, seeds):
        first, second = seeds.spawn(2)
        self.generator = np.random.default_rng(first)
        self.state = _noise.new_state(second)
        self.x = x.copy()
        self.tag, self.epsilon, self.diffusion = tag, epsilon, diffusion
        self.law, self.spread = _noise.NOISES[noise], nu * math.sqrt(epsilon)
        self.kick, self.numbers = np.full(x.size, self.spread), np.zeros(x.size)

    def steps(self, span, weights, biases):
        """Every particle collides once with each of the first P - 1 parameters."""
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            _collisions.collide(self.tag, self.x, w, b, self.epsilon, *self._noise(self.x))

    def rounds(self, span, weights, biases):
        """Poisson numbers of collisions; constant parameters need no times.

        Particles are sorted by their number, so that those left in a round are the first.
        """
        counts = self.generator.poisson(span / self.epsilon, self.x.size)
        order = np.argsort(-counts, kind="stable")
        x = self.x[order]
        for left in x.size - np.cumsum(np.bincount(counts))[:-1]:
            moving = x[:left]
            noise = self._noise(moving)
            _collisions.collide(self.tag, moving, weights[0], biases[0], self.epsilon, *noise)
        self.x[order] = x

    def waits(self, span, weights, biases):
        """Exponential waiting times; P values at equal distances over the span."""
        left, clock = np.arange(self.x.size), np.zeros(self.x.size)
        while True:
            waiting = self.numbers[: left.size]
            _noise.fill(_noise.EXPONENTIAL, self.state, waiting)
            clock += self.epsilon * waiting
            left, clock = left[clock < span], clock[clock < span]
            if left.size == 0:
                return
            x, positions = self.x[left], clock * ((weights.size - 1) / span)
            noise = self._noise(x)
            _collisions.collide_at(self.tag, x, positions, weights, biases, self.epsilon, *noise)
            self.x[left] = x

    def _noise(self, x):
        """sqrt(epsilon) nu K and eta / nu for particles at x."""
        kick, numbers = self.kick[: x.size], self.numbers[: x.size]
        if self.spread == 0.0:
            numbers[:] = 0.0
            return kick, numbers
        if self.diffusion == LINEAR:
            np.multiply(self.spread, x, out=kick)
        elif self.diffusion != ONE:
            np.multiply(self.spread, self.diffusion(x), out=kick)
        _noise.fill(self.law, self.state, numbers)
        return kick, numbers
