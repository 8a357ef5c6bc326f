"""Scalar activation functions that vectorize inside a kernel's loop.

A call into the C library for every number costs more than everything else in a
layer and keeps the compiler from using vector instructions. tanh and the sigmoid
are therefore written without branches and without calls. With n the integer next to
z / ln 2 and r = z - n ln 2,

    expm1(z) = 2^n (r + r^2/2 + r^3 q(r)) + (2^n - 1),     |r| <= ln(2) / 2,
    tanh(x)  = expm1(2x) / (expm1(2x) + 2).

q interpolates (expm1(r) - r - r^2/2) / r^3 in Chebyshev points, computed with 40
digits; the relative error of the polynomial is 7e-17 in double and 4.5e-8 in single
precision, and tanh stays within 4 units in the last place (tests/test_activations.py).
"""

import math
from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from kinetic._compile import OPTIONS, inlined

LOG2E = 1.4426950408889634
LN2_HIGH = float.fromhex("0x1.62e42fefa0000p-1")
LN2_LOW = 1.6465949582897082e-12
Q0, Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8 = (
    0.16666666666666666,
    0.04166666666665136,
    0.008333333333332155,
    0.0013888888905881542,
    0.0001984126985433861,
    2.4801536388690766e-05,
    2.755728006701698e-06,
    2.761380686153829e-07,
    2.5095554677111112e-08,
)

F32 = np.float32
ZERO, HALF, ONE, TWO = F32(0), F32(0.5), F32(1), F32(2)
TANH_END, SIGMOID_END = F32(20), F32(80)
LOG2E_F = F32(LOG2E)
LN2_HIGH_F = F32(0.693359375)
LN2_LOW_F = F32(-0.00021219444005469057)
Q0_F, Q1_F, Q2_F, Q3_F = (
    F32(0.16666630810836075),
    F32(0.04166662186183431),
    F32(0.008357204929019698),
    F32(0.0013918719669483097),
)


@inlined
def _expm1_double(z):
    """exp(z) - 1 for 0 <= z < 700."""
    n = np.int32(z * LOG2E + 0.5)
    m = np.float64(n)
    r = (z - m * LN2_HIGH) - m * LN2_LOW
    r2 = r * r
    even = Q0 + r2 * (Q2 + r2 * (Q4 + r2 * (Q6 + r2 * Q8)))
    odd = 0.5 + r2 * (Q1 + r2 * (Q3 + r2 * (Q5 + r2 * Q7)))
    power = np.int64((np.int64(n) + np.int64(1023)) << np.int64(52)).view(np.float64)
    return power * (r + r2 * (odd + r * even)) + (power - 1.0)


@inlined
def _expm1_single(z):
    """exp(z) - 1 for 0 <= z < 80, single precision."""
    n = np.int32(z * LOG2E_F + HALF)
    m = np.float32(n)
    r = (z - m * LN2_HIGH_F) - m * LN2_LOW_F
    p = r + (r * r) * (HALF + r * (Q0_F + r * (Q1_F + r * (Q2_F + r * Q3_F))))
    power = np.int32((n + np.int32(127)) << np.int32(23)).view(np.float32)
    return power * p + (power - ONE)


@inlined
def _tanh_double(u):
    z = abs(u) + abs(u)
    z = 44.0 if z > 44.0 else z
    e = _expm1_double(z)
    return math.copysign(e / (e + 2.0), u)


@inlined
def _tanh_single(u):
    z = abs(u) + abs(u)
    z = TANH_END if z > TANH_END else z
    e = _expm1_single(z)
    return np.float32(math.copysign(e / (e + TWO), u))


@inlined
def _sigmoid_double(u):
    z = abs(u)
    z = 690.0 if z > 690.0 else z
    e = _expm1_double(z) + 1.0
    return (e if u > 0.0 else 1.0) / (1.0 + e)


@inlined
def _sigmoid_single(u):
    z = abs(u)
    z = SIGMOID_END if z > SIGMOID_END else z
    e = _expm1_single(z) + ONE
    return (e if u > ZERO else ONE) / (ONE + e)


@inlined
def _identity(u):
    return u


@inlined
def _relu_double(u):
    return 0.0 if u < 0.0 else u


@inlined
def _relu_single(u):
    return ZERO if u < ZERO else u


@inlined
def _gcu(u):
    return u * math.cos(u)


class Identity(NamedTuple):
    """Tag of the identity."""


class ReLU(NamedTuple):
    """Tag of max(0, u)."""


class Sigmoid(NamedTuple):
    """Tag of 1 / (1 + exp(-u))."""


class Tanh(NamedTuple):
    """Tag of tanh u."""


class GCU(NamedTuple):
    """Tag of the growing cosine unit u cos u."""


SCALARS = {
    (Identity, 64): _identity,
    (Identity, 32): _identity,
    (ReLU, 64): _relu_double,
    (ReLU, 32): _relu_single,
    (Sigmoid, 64): _sigmoid_double,
    (Sigmoid, 32): _sigmoid_single,
    (Tanh, 64): _tanh_double,
    (Tanh, 32): _tanh_single,
    (GCU, 64): _gcu,
    (GCU, 32): _gcu,
}


def sigma(tag, u):
    """sigma(u) for the activation that the type of ``tag`` names; for use in kernels.

    A kernel that takes a tag is compiled once for each activation, with sigma in line.
    """
    return SCALARS[type(tag), 32 if isinstance(u, np.float32) else 64](u)


@overload(sigma, jit_options=OPTIONS, inline="always")
def _sigma_compiled(tag, u):
    scalar = SCALARS[tag.instance_class, 32 if u == types.float32 else 64]
    return lambda tag, u: scalar(u)


def _slope_of_identity(value):
    return 1.0


def _slope_of_relu(value):
    return 1.0 if value > 0.0 else 0.0


def _slope_of_sigmoid(value):
    return value * (1.0 - value)


def _slope_of_tanh(value):
    return 1.0 - value * value


SLOPES = {
    tag: inlined(function)
    for tag, function in (
        (Identity, _slope_of_identity),
        (ReLU, _slope_of_relu),
        (Sigmoid, _slope_of_sigmoid),
        (Tanh, _slope_of_tanh),
    )
}
"""Activations whose derivative is a function of their value."""


def slope(tag, value):
    """sigma'(u) in double precision from the value sigma(u), for the tags of `SLOPES`."""
    return SLOPES[type(tag)](value)


@overload(slope, jit_options=OPTIONS, inline="always")
def _slope_compiled(tag, value):
    scalar = SLOPES[tag.instance_class]
    return lambda tag, value: scalar(value)
