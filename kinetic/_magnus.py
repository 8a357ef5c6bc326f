r"""d_t u = A(t) u for a banded A in flux form that changes, by two exponentials a step.

The commutator-free method of order four (Blanes and Moan 2006),

    u(t + h) = exp(h (a_- A_1 + a_+ A_2)) exp(h (a_+ A_1 + a_- A_2)) u(t),

with A_1 and A_2 at the Gauss nodes t + (1/2 -+ sqrt(3)/6) h and a_+- = 1/4 +- sqrt(3)/6. Each
step is taken at once and in two halves; the result of the halves is kept where both agree.
Where the drift changes at a wall that carries mass, the order of long steps is about 2.5.
"""

import math

import numpy as np

from kinetic._exponential import Exponential

ORDER = 4
SAFETY, SMALLEST_GROWTH, LARGEST_GROWTH = 0.9, 0.2, 5.0
MOST_STEPS = 10**5
FEWEST_STEPS = 16.0
"""Between two outputs, with six evaluations of A each, so that no change of A is missed."""
_NODES = 0.5 - math.sqrt(3.0) / 6.0, 0.5 + math.sqrt(3.0) / 6.0
_WEIGHTS = 0.25 + math.sqrt(3.0) / 6.0, 0.25 - math.sqrt(3.0) / 6.0


def _cross(u, t, h, fluxes, dx):
    """One step from t, and what leaves through the left and the right end."""
    one, two = (fluxes(t + c * h) for c in _NODES)
    left = 0.0
    for a, b in (_WEIGHTS, _WEIGHTS[::-1]):
        u, leaving = Exponential(a * one + b * two, dx).times(u, h)
        left = left + leaving
    return u, left


def advance(u, start, end, fluxes, dx, tolerance, accepts=None):
    """The solution at end from u at start.

    Parameters
    ----------
    u : (n,) array
    start, end : float
    fluxes : callable
        W of `kinetic._exponential`, a function of t.
    dx : float
    tolerance : float
        Largest accepted difference, as dx sum |.|, of a step and its two halves.
    accepts : callable, optional
        Of u before and after a step; where it is false, the result is None. It may correct
        the latter by rounding.

    Returns
    -------
    (u, what has left through the ends, number of steps), or None: where steps become shorter
    than rounding or too many, or are not accepted.
    """
    t, left, taken, tried = start, np.zeros(2), 0, 0
    longest = h = (end - start) / FEWEST_STEPS
    with np.errstate(all="ignore"):
        while t < end:
            count = np.ceil((end - t) / min(h, longest) * (1.0 - 1e-9))
            tried += 1
            if not tried + count <= MOST_STEPS:
                return None
            h = (end - t) / max(count, 1.0)
            if t + h == t:
                return None
            whole, _ = _cross(u, t, h, fluxes, dx)
            half, first = _cross(u, t, h / 2.0, fluxes, dx)
            after, second = _cross(half, t + h / 2.0, h / 2.0, fluxes, dx)
            difference = dx * np.abs(after - whole).sum()
            growth = SMALLEST_GROWTH
            if math.isfinite(difference):
                growth = SAFETY * (tolerance / max(difference, 1e-300)) ** (1.0 / (ORDER + 1))
            if difference <= tolerance:
                if accepts is not None and not accepts(u, after):
                    return None
                t = end if count <= 1.0 else t + h
                u, left, taken = after, left + first + second, taken + 2
            h *= min(max(growth, SMALLEST_GROWTH), LARGEST_GROWTH)
    return u, left, taken
