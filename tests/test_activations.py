"""Activation functions: values, derivatives, zeros and exact flows against independent ones."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from kinetic import activations
from kinetic._compile import kernel
from kinetic._elementary import sigma

NAMES = tuple(activations.ACTIVATIONS)
FORMULAS = {
    "identity": lambda u: u,
    "relu": lambda u: max(mpmath.mpf(0), u),
    "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
    "tanh": mpmath.tanh,
    "gcu": lambda u: u * mpmath.cos(u),
}
LARGE = (-1e3, -710.0, -30.0, -1.5, -1e-9, 0.0, 1e-9, 0.7, 2.0, 30.0, 710.0, 1e3)


@kernel
def apply(tag, u, out):
    for i in range(u.size):
        out[i] = sigma(tag, u[i])


@pytest.mark.parametrize("name", NAMES)
def test_value_agrees_with_high_precision(name):
    for u in LARGE:
        exact = float(FORMULAS[name](mpmath.mpf(u)))
        assert float(activations.get(name)(u)) == pytest.approx(exact, rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("name", NAMES)
def test_derivative_agrees_with_high_precision_differences(name):
    for u in LARGE:
        if name == "relu" and abs(u) < 1e-6:
            continue
        with mpmath.workdps(60):
            exact = float(mpmath.diff(FORMULAS[name], mpmath.mpf(u), h=mpmath.mpf("1e-20")))
        assert float(activations.get(name).derivative(u)) == pytest.approx(
            exact, rel=1e-12, abs=1e-280
        )


@pytest.mark.parametrize("name", NAMES)
def test_lipschitz_constant_bounds_and_is_attained_by_the_derivative(name):
    activation = activations.get(name)
    slopes = np.abs(activation.derivative(np.linspace(-50.0, 50.0, 200_001)))
    if name == "gcu":
        assert activation.lipschitz == math.inf
        assert slopes.max() > 48.0
    else:
        assert slopes.max() == pytest.approx(activation.lipschitz, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_compiled_activation_is_within_four_units_in_the_last_place(name, dtype):
    rng = np.random.default_rng(1)
    # The library's own cosine is within 4 units only of its value, not of a product near zero.
    spread = rng.normal(size=20_000) * 10.0 ** rng.integers(-9, 2, 20_000)
    u = np.concatenate([np.linspace(-30.0, 30.0, 20_001), spread]).astype(dtype)
    out = np.empty_like(u)
    apply(activations.get(name).tag, u, out)
    with mpmath.workdps(30):
        exact = np.array([float(FORMULAS[name](mpmath.mpf(float(v)))) for v in u[::7]])
    unit = np.spacing(np.abs(exact).astype(dtype)).astype(float)
    assert np.max(np.abs(out[::7] - exact) / unit) <= 4.0


@pytest.mark.parametrize("name", NAMES)
def test_compiled_activation_agrees_with_interpreted(name):
    u = np.linspace(-40.0, 40.0, 401)
    compiled, interpreted = np.empty_like(u), np.empty_like(u)
    apply(activations.get(name).tag, u, compiled)
    apply.py_func(activations.get(name).tag, u, interpreted)
    np.testing.assert_allclose(compiled, interpreted, rtol=1e-15, atol=1e-300)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_compiled_activation_keeps_limits_and_nan(name, dtype):
    u = np.array([-1e3, 1e3, np.nan], dtype)
    out = np.empty_like(u)
    apply(activations.get(name).tag, u, out)
    np.testing.assert_allclose(out[:2], activations.get(name)(u[:2]), rtol=1e-6, atol=1e-30)
    assert np.isnan(out[2])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("s", [-2.0, 0.3, 5.0])
def test_flow_solves_its_equation(name, s):
    activation = activations.get(name)
    u = np.array([-6.0, -2.0, -0.3, 0.0, 1e-7, 0.4, 1.0, 4.0])
    reference = solve_ivp(
        lambda _, v: activation(v), (0.0, s), u, method="LSODA", rtol=1e-12, atol=1e-13
    ).y[:, -1]
    np.testing.assert_allclose(activation.flow(u, s), reference, rtol=2e-9, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_stretch_is_the_logarithm_of_the_flow_s_derivative(name):
    activation = activations.get(name)
    u, h, s = np.array([-3.0, -0.5, 0.2, 1.0, 3.0]), 1e-5, 0.8
    slope = (activation.flow(u + h, s) - activation.flow(u - h, s)) / (2 * h)
    np.testing.assert_allclose(np.exp(activation.flow_with_stretch(u, s)[1]), slope, rtol=1e-8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("s", [-700.0, -1.0, 1.0, 700.0])
def test_flow_of_large_arguments_is_not_nan(name, s):
    activation = activations.get(name)
    if name == "gcu":
        s = math.copysign(1.0, s)  # integrated: each unit of time at u = 1e3 costs 1e3 steps
    flowed, stretch = activation.flow_with_stretch(np.array(LARGE), s)
    assert not np.isnan(flowed).any()
    assert not np.isnan(stretch).any()
    assert (np.diff(flowed) >= -1e-9 * np.abs(flowed[1:])).all()


finite = st.floats(-20.0, 20.0)
times = st.floats(-3.0, 3.0)


@pytest.mark.parametrize("name", ["identity", "relu", "sigmoid", "tanh"])
@given(u=finite, s=times, r=times)
def test_flow_is_a_group(name, u, s, r):
    flow = activations.get(name).flow
    together = float(flow(u, s + r))
    assert float(flow(flow(u, s), r)) == pytest.approx(together, rel=1e-10, abs=1e-11)


@pytest.mark.parametrize(
    ("name", "interval", "points", "intervals"),
    [
        ("identity", (-1, 2), [0.0], []),
        ("identity", (1, 2), [], []),
        ("tanh", (-1, 2), [0.0], []),
        ("sigmoid", (-9, 9), [], []),
        ("relu", (-2, 3), [], [(-2.0, 0.0)]),
        ("relu", (1, 3), [], []),
        ("gcu", (-2, 5), [-math.pi / 2, 0.0, math.pi / 2, 3 * math.pi / 2], []),
    ],
)
def test_zeros(name, interval, points, intervals):
    zeros = activations.get(name).zeros(interval)
    np.testing.assert_allclose(zeros.points, points, atol=1e-15)
    np.testing.assert_allclose(zeros.intervals, np.reshape(intervals, (-1, 2)))


@pytest.mark.parametrize("name", ["identity", "tanh", "gcu"])
def test_zeros_are_where_the_sign_changes(name):
    activation = activations.get(name)
    u = np.linspace(-20.003, 20.0, 100_000)
    changes = np.flatnonzero(np.diff(np.sign(activation(u))))
    np.testing.assert_allclose(activation.zeros((-20.003, 20.0)).points, u[changes], atol=5e-4)


def test_tanh_flow_of_tiny_arguments_for_a_long_time():
    u = [1e-300, 1e-17, 1e-10]
    with mpmath.workdps(400):
        exact = [float(mpmath.asinh(mpmath.exp(700) * mpmath.sinh(mpmath.mpf(v)))) for v in u]
    np.testing.assert_allclose(activations.get("tanh").flow(u, 700.0), exact, rtol=1e-13)


@pytest.mark.parametrize("s", [-1e3, 1e3])
def test_growing_cosine_flows_to_attracting_zeros(s):
    u = np.array([1e3, -1e3, 5.0, -5.0, 1e-3, 2.0])
    gcu = activations.get("gcu")
    flowed, stretch = gcu.flow_with_stretch(u, s)
    assert np.abs(gcu(flowed)).max() < 1e-9
    assert (s * gcu.derivative(flowed) < 0.0).all()
    # Once there, the stretch grows at the rate of the zero.
    np.testing.assert_allclose(stretch, s * gcu.derivative(flowed), rtol=0.02)
