"""Variables s in R that run through an open interval and resolve its ends evenly in log x."""

import math

import numpy as np


class Line:
    """x = origin + length sinh s."""

    def __init__(self, origin, length):
        self.origin, self.length = origin, length

    def x(self, s):
        """X at s."""
        return self.origin + self.length * np.sinh(s)

    def s(self, x):
        """The variable at x."""
        return np.arcsinh((x - self.origin) / self.length)

    def log_slope(self, s):
        """Logarithm of dx/ds."""
        return math.log(self.length / 2.0) + abs(s) + np.log1p(np.exp(-2.0 * abs(s)))


class HalfLine:
    """x = end + sign e^(sign s), with the sign of the side on which the support lies."""

    def __init__(self, end, sign):
        self.end, self.sign = end, sign

    def x(self, s):
        """X at s."""
        return self.end + self.sign * np.exp(self.sign * s)

    def s(self, x):
        """The variable at x."""
        with np.errstate(divide="ignore"):
            return self.sign * np.log(self.sign * (x - self.end))

    def log_slope(self, s):
        """Logarithm of dx/ds."""
        return self.sign * s


class Interval:
    """x = a + (b - a) / (1 + e^-s)."""

    def __init__(self, a, b):
        self.a, self.b = a, b

    def x(self, s):
        """X at s."""
        part = (self.b - self.a) / (1.0 + np.exp(abs(s)))
        return np.where(s < 0.0, self.a + part, self.b - part)

    def s(self, x):
        """The variable at x."""
        with np.errstate(divide="ignore"):
            return np.log(x - self.a) - np.log(self.b - x)

    def log_slope(self, s):
        """Logarithm of dx/ds."""
        return math.log(self.b - self.a) - abs(s) - 2.0 * np.log1p(np.exp(-abs(s)))
