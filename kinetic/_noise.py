"""Random numbers for collisions: many xoshiro256++ generators side by side.

A stream is a group of LANES generators, each with a state of its own, so that the loop
over the lanes vectorizes; without that the noise would cost more than the collision.
Gaussian numbers come in pairs (Box and Muller): with u uniform on (0, 1], an angle
uniform on [-pi/4, pi/4) and a random quarter turn they are sqrt(-2 log u) times the
cosine and the sine. As u has 52 random bits, none exceeds sqrt(104 log 2) = 8.49.
"""

import math

import numpy as np

from kinetic._compile import inlined, kernel

LANES = 64
NOISES = {"gaussian": 0, "uniform": 1, "two-point": 2}
"""Laws of mean 0 and variance 1: normal, uniform on [-sqrt 3, sqrt 3], and -1 or 1."""

EXPONENTIAL = 3

U1, U11, U12, U17, U19, U23, U41, U45, U52, U63 = (
    np.uint64(n) for n in (1, 11, 12, 17, 19, 23, 41, 45, 52, 63)
)
NONE = np.uint64(0)
ONE_BITS = np.uint64(0x3FF0000000000000)
MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
MANTISSA_OF_SQRT2 = np.uint64(0x0006A09E667F3BCD)
BITS_OF_2_52 = np.uint64(0x4330000000000000)
OFFSET = 2.0**52 + 1023.0
LN2 = math.log(2.0)
HALF_PI = math.pi / 2.0
SQRT3 = math.sqrt(3.0)


def new_state(seeds):
    """(4, LANES) state of one stream from a `numpy.random.SeedSequence`."""
    return seeds.generate_state(4 * LANES, np.uint64).reshape(4, LANES)


@inlined
def advance(state, words):
    """One word of 64 random bits from each lane."""
    for p in range(words.size):
        s0, s1, s2, s3 = state[0, p], state[1, p], state[2, p], state[3, p]
        total = s0 + s3
        words[p] = ((total << U23) | (total >> U41)) + s0
        s2 ^= s0
        s3 ^= s1
        state[0, p] = s0 ^ s3
        state[1, p] = s1 ^ s2
        state[2, p] = s2 ^ (s1 << U17)
        state[3, p] = (s3 << U45) | (s3 >> U19)


@inlined
def unit(word):
    """Uniform on (0, 1] from the upper 52 bits."""
    return 2.0 - np.uint64((word >> U12) | ONE_BITS).view(np.float64)


@inlined
def minus_log(u):
    """-log u for u in (0, 1]: u = 2^n m, s = (m - 1) / (m + 1), |s| < 0.18; series of fdlibm."""
    bits = np.float64(u).view(np.uint64)
    mantissa = bits & MANTISSA
    up = U1 if mantissa >= MANTISSA_OF_SQRT2 else NONE
    m = np.uint64(mantissa | (ONE_BITS - (up << U52))).view(np.float64)
    n = np.uint64(((bits >> U52) + up) | BITS_OF_2_52).view(np.float64) - OFFSET
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    z2 = z * z
    even = 0.3999999999940942 + z2 * (0.22222198432149784 + z2 * 0.15313837699209373)
    odd = 0.2857142874366239 + z2 * (0.1818357216161805 + z2 * 0.14798198605116586)
    return -(n * LN2 + s * (2.0 + z * (0.6666666666666735 + z * (even + z * odd))))


@inlined
def sine(a):
    """Sine for |a| <= pi/4; series of fdlibm."""
    z = a * a
    low = -0.16666666666666632 + z * (0.00833333333332249 + z * -0.0001984126982985795)
    high = 2.7557313707070068e-06 + z * (-2.5050760253406863e-08 + z * 1.58969099521155e-10)
    return a + a * z * (low + z * z * z * high)


@inlined
def cosine(a):
    """Cosine for |a| <= pi/4; series of fdlibm."""
    z = a * a
    low = 0.0416666666666666 + z * (-0.001388888888887411 + z * 2.480158728947673e-05)
    high = -2.7557314351390663e-07 + z * (2.087572321298175e-09 + z * -1.1359647557788195e-11)
    return 1.0 - 0.5 * z + z * z * (low + z * z * z * high)


@inlined
def _signed(value, bit):
    """The value, negative if the bit is 1."""
    return np.uint64(np.float64(value).view(np.uint64) ^ (bit << U63)).view(np.float64)


@kernel
def fill(kind, state, out):
    """Fill ``out`` with independent numbers of a law of `NOISES`, or exponential ones."""
    first, second = np.empty(LANES, np.uint64), np.empty(LANES, np.uint64)
    pair = np.empty((2, LANES))
    for start in range(0, out.size, 2 * LANES):
        advance(state, first)
        advance(state, second)
        if kind == 0:
            for p in range(LANES):
                radius = math.sqrt(2.0 * minus_log(unit(first[p])))
                angle = HALF_PI * (unit(second[p]) - 0.5)
                c = _signed(radius * cosine(angle), second[p] & U1)
                s = _signed(radius * sine(angle), second[p] & U1)
                turned = (second[p] >> U1) & U1
                pair[0, p] = s if turned else c
                pair[1, p] = -c if turned else s
        elif kind == 1:
            for p in range(LANES):
                pair[0, p] = SQRT3 * (2.0 * unit(first[p]) - 1.0)
                pair[1, p] = SQRT3 * (2.0 * unit(second[p]) - 1.0)
        elif kind == 2:
            for p in range(LANES):
                pair[0, p] = _signed(1.0, first[p] >> U63)
                pair[1, p] = _signed(1.0, second[p] >> U63)
        else:
            for p in range(LANES):
                pair[0, p] = minus_log(unit(first[p]))
                pair[1, p] = minus_log(unit(second[p]))
        for p in range(min(LANES, out.size - start)):
            out[start + p] = pair[0, p]
        for p in range(min(LANES, out.size - start - LANES)):
            out[start + LANES + p] = pair[1, p]
