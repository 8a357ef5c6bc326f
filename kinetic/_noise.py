"""Random numbers for collisions: many xoshiro256++ generators side by side.

A stream is a group of LANES generators, each with a state of its own, so that the loop
over the lanes vectorizes; without that the noise would cost more than the collision.
Gaussian numbers come in pairs (Box and Muller): with u uniform on (0, 1], an angle
uniform on (-pi/4, pi/4] and a random quarter turn they are sqrt(-2 log u) times the
cosine and the sine. As u has 52 random bits, none exceeds sqrt(104 log 2) = 8.49.

The polynomials interpolate in Chebyshev points, computed with 40 digits; their relative
errors are 7e-16 (logarithm), 4e-18 (sine) and 5e-17 (cosine).
"""

import math
from typing import NamedTuple

import numpy as np
from numba.extending import overload

from kinetic._compile import OPTIONS, inlined, kernel

LANES = 64

U2, U12, U17, U19, U23, U41, U45, U52, U63 = (
    np.uint64(n) for n in (2, 12, 17, 19, 23, 41, 45, 52, 63)
)
ONE_BITS = np.uint64(0x3FF0000000000000)
MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
SQRT_HALF_BITS = np.uint64(0x3FE6A09E667F3BCD)
SHIFT = ONE_BITS - SQRT_HALF_BITS
BITS_OF_2_52 = np.uint64(0x4330000000000000)
OFFSET = 2.0**52 + 1023.0
MINUS_2_LN2 = -2.0 * math.log(2.0)
SQRT3 = math.sqrt(3.0)
L0, L1, L2, L3, L4, L5 = (
    -1.3333333333332416,
    -0.8000000002241301,
    -0.5714284827664832,
    -0.4444572456021743,
    -0.36280387605731984,
    -0.33243634305717856,
)
S0, S1, S2, S3, S4, S5, S6 = (
    1.5707963267948966,
    -0.6459640975062443,
    0.07969262624604301,
    -0.004681754132340976,
    0.0001604411507421909,
    -3.59864335298231e-06,
    5.633933781537854e-08,
)
C1, C2, C3, C4, C5, C6 = (
    -1.2337005501361513,
    0.25366950789986475,
    -0.02086348073494657,
    0.000919259950041661,
    -2.520013526428479e-05,
    4.6552961874867623e-07,
)


def new_state(seeds):
    """(4, LANES) state of one stream from a `numpy.random.SeedSequence`."""
    return seeds.generate_state(4 * LANES, np.uint64).reshape(4, LANES)


@inlined
def copy(state, out):
    """Copy a state (4, LANES); of a kernel's own arrays the compiler knows that none overlap."""
    for i in range(4):
        for p in range(LANES):
            out[i, p] = state[i, p]


@inlined
def advance(s0, s1, s2, s3):
    """A word of 64 random bits from a generator, and its next state."""
    total = s0 + s3
    word = ((total << U23) | (total >> U41)) + s0
    s2 ^= s0
    s3 ^= s1
    return word, s0 ^ s3, s1 ^ s2, s2 ^ (s1 << U17), (s3 << U45) | (s3 >> U19)


@inlined
def unit(word):
    """Uniform on (0, 1] from the upper 52 bits."""
    return 2.0 - np.uint64((word >> U12) | ONE_BITS).view(np.float64)


@inlined
def minus_2_log(u):
    """-2 log u for u in (0, 1]: u = 2^n m, 1/2 <= m^2 < 2, s = (m - 1) / (m + 1), |s| < 0.18."""
    bits = np.float64(u).view(np.uint64) + SHIFT
    m = np.uint64((bits & MANTISSA) + SQRT_HALF_BITS).view(np.float64)
    n = np.uint64((bits >> U52) | BITS_OF_2_52).view(np.float64) - OFFSET
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    z2 = z * z
    even = L0 + z2 * (L2 + z2 * L4)
    odd = L1 + z2 * (L3 + z2 * L5)
    return n * MINUS_2_LN2 + s * (z * (even + z * odd) - 4.0)


@inlined
def sine(f):
    """Sine of f quarter turns, |f| <= 1/2."""
    z = f * f
    return f * (S0 + z * (S1 + z * (S2 + z * (S3 + z * (S4 + z * (S5 + z * S6))))))


@inlined
def cosine(f):
    """Cosine of f quarter turns, |f| <= 1/2."""
    z = f * f
    return 1.0 + z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6)))))


@inlined
def _normal_pair(word, other):
    """The last bits of ``other`` choose the quarter turn."""
    radius = np.float64(math.sqrt(minus_2_log(unit(word))))
    radius = np.uint64(radius.view(np.uint64) ^ (other << U63)).view(np.float64)
    fraction = unit(other) - 0.5
    c, s = radius * cosine(fraction), radius * sine(fraction)
    turned = (other & U2) != 0
    return (s, -c) if turned else (c, s)


@inlined
def _uniform_pair(word, other):
    return SQRT3 * (2.0 * unit(word) - 1.0), SQRT3 * (2.0 * unit(other) - 1.0)


@inlined
def _coins(word, other):
    return 1.0 - 2.0 * np.float64(word >> U63), 1.0 - 2.0 * np.float64(other >> U63)


@inlined
def _waiting_times(word, other):
    return 0.5 * minus_2_log(unit(word)), 0.5 * minus_2_log(unit(other))


class Gaussian(NamedTuple):
    """Tag of the normal law."""


class Uniform(NamedTuple):
    """Tag of the uniform law on [-sqrt 3, sqrt 3]."""


class TwoPoint(NamedTuple):
    """Tag of the law of -1 and 1 with equal probability."""


class Exponential(NamedTuple):
    """Tag of the exponential law of mean 1."""


NOISES = {"gaussian": Gaussian(), "uniform": Uniform(), "two-point": TwoPoint()}
"""Laws of mean 0 and variance 1."""

PAIRS = {
    Gaussian: _normal_pair,
    Uniform: _uniform_pair,
    TwoPoint: _coins,
    Exponential: _waiting_times,
}


def pair(law, word, other):
    """Two independent numbers of the law that the type of ``law`` names; for use in kernels."""
    return PAIRS[type(law)](word, other)


@overload(pair, jit_options=OPTIONS, inline="always")
def _pair_compiled(law, word, other):
    numbers = PAIRS[law.instance_class]
    return lambda law, word, other: numbers(word, other)


@inlined
def draw(law, state, out):
    """Fill an array (2 LANES,) with the next numbers of a stream."""
    for p in range(LANES):
        word, s0, s1, s2, s3 = advance(state[0, p], state[1, p], state[2, p], state[3, p])
        other, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
        state[0, p], state[1, p], state[2, p], state[3, p] = s0, s1, s2, s3
        out[p], out[LANES + p] = pair(law, word, other)


@kernel
def fill(law, state, out):
    """Fill ``out`` with independent numbers, in blocks of 2 LANES."""
    own, numbers = np.empty((4, LANES), np.uint64), np.empty(2 * LANES)
    copy(state, own)
    whole = out.size // (2 * LANES) * (2 * LANES)
    for start in range(0, whole, 2 * LANES):
        draw(law, own, numbers)
        for p in range(2 * LANES):
            out[start + p] = numbers[p]
    if whole < out.size:
        draw(law, own, numbers)
        for p in range(out.size - whole):
            out[whole + p] = numbers[p]
    copy(own, state)
