"""Activation functions: values, derivatives, zeros and exact flows against independent ones."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import solve_ivp

from kinetic import Grid, SimResNet, activations, mean_field, network
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


@pytest.mark.parametrize("form", ["printed", "cited"])
def test_sigma_n_is_the_formula_for_positive_numbers_and_odd(form):
    delta, c = 0.3, 2.5
    sigma_n = activations.sigma_n(delta, c, form=form)
    for u in (1e-9, 0.4, 2.5, 1e3):
        power = (mpmath.mpf(u) / c) ** delta
        bracket = power / delta - 1 if form == "printed" else (power - 1) / mpmath.mpf(delta)
        assert float(sigma_n(u)) == pytest.approx(float(bracket * u), rel=1e-13)
        assert float(sigma_n(-u)) == -float(sigma_n(u))
    u, h = np.array([-3.0, 0.5, 2.0, 40.0]), 1e-5
    slope = (sigma_n(u + h) - sigma_n(u - h)) / (2 * h)
    np.testing.assert_allclose(sigma_n.derivative(u), slope, rtol=1e-8)
    assert np.abs(sigma_n(sigma_n.zeros((-30.0, 30.0)).points)).max() < 1e-14
    assert sigma_n.zeros((-30.0, 30.0)).points.size == 3


@pytest.mark.parametrize("form", ["printed", "cited"])
@pytest.mark.parametrize("s", [-3.0, -0.1, 0.1])
def test_flow_of_sigma_n_solves_its_equation(form, s):
    sigma_n = activations.sigma_n(0.5, 2.0, form=form)
    u = np.array([-6.0, -0.4, 0.0, 1e-7, 0.3, 1.0, 4.0])
    reference = solve_ivp(
        lambda _, v: sigma_n(v), (0.0, s), u, method="LSODA", rtol=1e-12, atol=1e-14
    ).y[:, -1]
    flowed, stretch = sigma_n.flow_with_stretch(u, s)
    np.testing.assert_allclose(flowed, reference, rtol=1e-9, atol=1e-12)
    h = 1e-6
    slope = (sigma_n.flow(u[4:] + h, s) - sigma_n.flow(u[4:] - h, s)) / (2 * h)
    np.testing.assert_allclose(np.exp(stretch[4:]), slope, rtol=1e-6)
    assert stretch[2] == pytest.approx(-sigma_n.rate * s)


def test_flow_of_sigma_n_is_infinite_after_it_blows_up():
    sigma_n = activations.sigma_n(0.5, 1.0)
    u0 = 1.0  # (u0 / zero)^-delta = 1/2, so that it blows up at ln(2) / delta
    assert np.isfinite(sigma_n.flow(u0, 2.0 * math.log(2.0) - 1e-6))
    assert sigma_n.flow(u0, 2.0 * math.log(2.0) + 1e-6) == math.inf


def test_custom_activation_agrees_with_the_built_in_one_at_every_level():
    mine = SimResNet(activations.custom(np.tanh, name="mine"), 1.0, -0.5)
    known = SimResNet("tanh", 1.0, -0.5)
    x0 = np.linspace(-2.0, 2.0, 9)
    for options in ({"method": "euler", "step": 0.1}, {"method": "rk4", "step": 0.1}, {}):
        np.testing.assert_allclose(
            network.propagate(mine, x0, 1.0, **options),
            network.propagate(known, x0, 1.0, **options),
            rtol=1e-11, atol=1e-12,
        )  # fmt: skip
    grid, g0 = Grid(-4.0, 4.0, 60), stats.norm(0.0, 0.5)
    np.testing.assert_allclose(
        mean_field.solve(mine, g0, grid, [0.0, 0.5]).density,
        mean_field.solve(known, g0, grid, [0.0, 0.5]).density,
        atol=1e-13,
    )
    np.testing.assert_allclose(
        mean_field.exact(mine, g0, 0.5, x0), mean_field.exact(known, g0, 0.5, x0), rtol=1e-9
    )


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_layers_without_compiled_form_take_walls_and_weights_that_depend_on_time(method):
    def weight(t):
        return np.array([[1.0, t], [-t, 0.5]])

    x0 = np.random.default_rng(1).normal(size=(6, 2))
    tanh = activations.custom(np.tanh, name="mine")
    results = [
        network.propagate(SimResNet(sigma, weight, 0.3), x0, 1.0, method=method, step=0.1)
        for sigma in (tanh, "tanh")
    ]
    np.testing.assert_allclose(*results, rtol=1e-13)
    walled = [
        network.propagate(
            SimResNet(sigma, 1.0, 0.3), x0[:, 0], 3.0, method=method, step=0.1, walls=(-3.0, 3.0)
        )
        for sigma in (tanh, "tanh")
    ]
    np.testing.assert_allclose(*walled, rtol=1e-13)
    assert (walled[0] == 3.0).any()


def test_custom_activation_differentiates_and_finds_zeros():
    sine = activations.custom(np.sin, name="sine")
    u = np.linspace(-30.0, 30.0, 101)
    np.testing.assert_allclose(sine.derivative(u), np.cos(u), atol=1e-6)
    np.testing.assert_allclose(sine.derivative(u[45:56]), np.cos(u[45:56]), atol=1e-10)
    np.testing.assert_allclose(sine.zeros((-4.0, 7.0)).points, np.pi * np.arange(-1, 3), atol=1e-14)
    dead = activations.custom(lambda u: np.maximum(abs(u) - 1.0, 0.0), name="dead zone")
    assert dead.zeros((-2.0, 2.0)).intervals.tolist() == [[-1.0, 1.0]]
    assert dead.zeros((-2.0, 2.0)).points.size == 0


def test_zeros_at_the_very_ends_of_an_interval_count():
    half = math.pi / 2.0
    gcu = activations.get("gcu")
    assert gcu.zeros((half, 3.0 * half)).points.tolist() == [half, 3.0 * half]
    assert gcu.zeros((-half, 0.0)).points.tolist() == [-half, 0.0]
    for name in ("identity", "tanh"):
        assert activations.get(name).zeros((0.0, 1.0)).points.tolist() == [0.0]
        assert activations.get(name).zeros((-1.0, 0.0)).points.tolist() == [0.0]
    relu = activations.get("relu")
    assert relu.zeros((0.0, 1.0)).points.tolist() == [0.0]
    assert relu.zeros((-2.0, -1.0)).intervals.tolist() == [[-2.0, -1.0]]
    assert relu.zeros((-2.0, 0.0)).intervals.tolist() == [[-2.0, 0.0]]
    assert relu.zeros((1.0, 2.0)).points.size == relu.zeros((1.0, 2.0)).intervals.size == 0
    sigma_n = activations.sigma_n(0.5, 2.0)
    zero = sigma_n.zeros((-30.0, 30.0)).points[2]
    assert sigma_n.zeros((-zero, zero)).points.tolist() == [-zero, 0.0, zero]


def test_zeros_found_between_the_points_of_the_search_are_exact():
    def value(u):
        return np.where(u < -1.0, u + 1.0, np.where(u > 1.0, u - 1.0, 0.0))

    found = activations.custom(value, name="gap").zeros((-2.0, 2.0))
    assert found.points.size == 0
    assert found.intervals.tolist() == [[-1.0, 1.0]]
    found = activations.custom(lambda u: u * (u - 1.0 / 3.0), name="two").zeros((-1.0, 1.0))
    assert found.intervals.size == 0
    np.testing.assert_allclose(found.points, [0.0, 1.0 / 3.0], rtol=1e-15)


def test_a_zero_number_of_zeros_and_too_many_are_told_apart():
    gcu = activations.get("gcu")
    assert gcu.zeros((2.0, 3.0)).points.size == 0
    most = math.pi * 1_000_000
    assert gcu.zeros((1.0, 1.0 + most)).points.size == 1_000_000
    with pytest.raises(ValueError, match=r"interval must hold at most 1000000 zeros; got \(1\.0"):
        gcu.zeros((1.0, 1.0 + most + 2.0 * math.pi))


@pytest.mark.parametrize("s", [0.5, -2.0, 30.0])
def test_rest_stays_at_rest_and_stretches_at_the_slope_there(s):
    for activation in (activations.get("gcu"), activations.get("identity")):
        flowed, stretch = activation.flow_with_stretch([0.0], s)
        assert flowed[0] == 0.0
        assert stretch[0] == pytest.approx(s, rel=1e-12)
    sigma_n = activations.sigma_n(0.5, 2.0, form="cited")
    assert sigma_n.rate == 2.0
    assert activations.sigma_n(0.5, 2.0).rate == 1.0
    flowed, stretch = sigma_n.flow_with_stretch([0.0], s)
    assert (flowed[0], stretch[0]) == (0.0, -2.0 * s)


@pytest.mark.parametrize("given", [0.0, 1.0])
def test_the_end_of_delta_is_refused(given):
    with pytest.raises(ValueError, match=r"^delta must be a number in \(0, 1\); got"):
        activations.sigma_n(given, 1.0)


def test_names_and_bounds_of_custom_activations():
    assert activations.custom(np.sin, name="sine", lipschitz=0.0).lipschitz == 0.0
    assert activations.custom(np.sin, name="sine").lipschitz == math.inf
    assert repr(activations.get("tanh")) == "<activation tanh>"
    for name in ("", "sigma_n", "relu", None):
        with pytest.raises(
            ValueError, match=r"^name must be a text that names no other activation"
        ):
            activations.custom(np.sin, name=name)


BAD_ACTIVATIONS = {
    "delta": (lambda: activations.sigma_n(1.0, 1.0), ValueError, r"delta.*\(0, 1\); got 1.0"),
    "c": (lambda: activations.sigma_n(0.5, -1.0), ValueError, "c must be a positive.*-1.0"),
    "form": (lambda: activations.sigma_n(0.5, 1.0, form="x"), ValueError, "form.*'printed'.*'x'"),
    "name in use": (
        lambda: activations.custom(np.tanh, name="tanh"), ValueError, "name.*no other.*'tanh'"
    ),
    "not a function": (lambda: activations.custom(3, name="three"), TypeError, "value.*got 3"),
    "derivative": (
        lambda: activations.custom(np.tanh, 1.0, name="mine"), TypeError, "derivative.*got 1.0"
    ),
    "lipschitz": (
        lambda: activations.custom(np.tanh, name="mine", lipschitz=-1.0),
        ValueError,
        "lipschitz.*at least 0; got -1.0",
    ),
    "shape": (
        lambda: activations.custom(np.sum, name="sum")(np.ones(3)), TypeError, r"sum.*\(3,\)"
    ),
    "not finite": (
        lambda: activations.custom(np.log, name="log")([1.0, -1.0]),
        FloatingPointError,
        "log is nan at u=-1.0",
    ),
    "layers out of range": (
        lambda: network.propagate(
            SimResNet(activations.custom(np.square, name="square"), 1.0, 0.0),
            [10.0], 100.0, method="euler", step=1.0,
        ),
        FloatingPointError,
        "range of float64|square is inf",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_ACTIVATIONS)
def test_wrong_parameters_of_activations_are_refused(case):
    act, error, message = BAD_ACTIVATIONS[case]
    with pytest.raises(error, match=message):
        act()
