"""Moment equations and their consequences against closed forms, particles and densities."""

import math
from math import comb

import numpy as np
import pytest
from scipy import stats

from kinetic import Grid, SimResNet, _hierarchy, closures, mean_field, moments, network

NORMAL = stats.norm(1.0, 1.0)
M0 = np.array([1.0, 1.0, 2.0, 4.0, 10.0, 26.0, 76.0, 232.0, 764.0])
"""Moments of N(1, 1)."""


def affine_moments(phi, shift, m0):
    """E (e^phi x + shift)^k by the binomial theorem, which uses neither (10) nor (11)."""
    return np.array(
        [
            sum(comb(k, j) * math.exp(j * phi) * shift ** (k - j) * m0[j] for j in range(k + 1))
            for k in range(len(m0))
        ]
    )


def jump(t):
    return -1.0 if t < 1.3 else 2.0


NETS = {
    "decay": (-1.0, 0.5, 2.0),
    "growth": (1.5, -0.5, 2.0),
    "no weight": (0.0, 0.7, 3.0),
    "stiff": (-300.0, 100.0, 1.0),
    "sign changes": (lambda t: math.cos(3.0 * t), lambda t: 1.0 + t, 4.0),
    "integrable": (lambda t: -1.0 / (1.0 + t) ** 2, lambda t: math.exp(-t), 10.0),
    "fast": (lambda t: 20.0 * math.sin(9.0 * t), lambda t: 5.0 * math.cos(t), 1.5),
    "jump and kink": (jump, lambda t: abs(t - 0.7), 3.0),
}


@pytest.mark.parametrize("name", NETS)
def test_formula_and_ode_agree_to_ten_digits(name):
    w, b, end = NETS[name]
    net, times = SimResNet("identity", w, b), np.linspace(0.0, end, 4)
    formula = moments.solve(net, M0, times)
    ode = moments.solve(net, M0, times, method="ode")
    np.testing.assert_allclose(formula.moments, ode.moments, rtol=1e-10)
    np.testing.assert_allclose(formula.variance, ode.variance, rtol=1e-10)


def test_formula_and_ode_agree_at_order_twenty():
    m0 = np.array([float((4 ** (k + 1) - 1) / (3 * (k + 1))) for k in range(21)])  # U[1, 4]
    net = SimResNet("identity", lambda t: -2.0 + math.sin(t), lambda t: 1.0 + 0.3 * t)
    found = [moments.solve(net, m0, [0.0, 1.0, 5.0], method=m).moments for m in moments.METHODS]
    np.testing.assert_allclose(*found, rtol=1e-10)


@pytest.mark.parametrize("name", ["decay", "growth", "no weight", "stiff"])
def test_formula_is_the_push_forward_by_an_affine_map(name):
    w, b, end = NETS[name]
    shift = math.expm1(w * end) * b / w if w else b * end
    found = moments.solve(SimResNet("identity", w, b), M0, [0.0, end]).moments[1]
    np.testing.assert_allclose(found, affine_moments(w * end, shift, M0), rtol=1e-13)


def test_time_dependent_parameters_against_a_closed_form():
    # w = -1 / (1 + t), b = t: (1 + t) x grows by t + t^2, so x = (x0 + t^2/2 + t^3/3) / (1 + t).
    net, t = SimResNet("identity", lambda t: -1.0 / (1.0 + t), lambda t: t), 2.5
    shift = (t**2 / 2.0 + t**3 / 3.0) / (1.0 + t)
    expected = affine_moments(-math.log1p(t), shift, M0)
    for method in moments.METHODS:
        found = moments.solve(net, M0, [0.0, t], method=method).moments[1]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_normal_law_has_the_moments_of_scipy():
    t, net = 0.7, SimResNet("identity", -1.0, 0.5)
    law = stats.norm(math.exp(-t) + 0.5 * (1.0 - math.exp(-t)), math.exp(-t))
    found = moments.solve(net, M0, [0.0, t]).moments[1]
    np.testing.assert_allclose(found, [law.moment(k) for k in range(9)], rtol=1e-12)


def test_moments_of_particles():
    x0 = np.array([-1.0, 0.2, 0.5, 3.0])
    net = SimResNet("identity", lambda t: math.cos(t), lambda t: -t)
    times = np.array([0.5, 1.0, 2.0])  # a start that is not 0
    paths = network.propagate(net, x0, times, method="rk4", step=1e-3)
    powers = paths[:, :, None] ** np.arange(6)
    result = moments.solve(net, powers[0].mean(axis=0), times)
    np.testing.assert_allclose(result.moments, powers.mean(axis=1), rtol=1e-9)
    np.testing.assert_allclose(result.variance, paths.var(axis=1), rtol=1e-9)


def test_moments_of_the_finite_volumes():
    net, times = SimResNet("identity", -1.0, lambda t: math.sin(2.0 * t)), [0.0, 0.5, 1.0]
    sol = mean_field.solve(net, NORMAL, Grid(-7.0, 9.0, 800), times)
    result = moments.solve(net, M0[:5], times)
    for k in range(5):
        np.testing.assert_allclose(sol.moment(k), result.moment(k), rtol=3e-5)
    np.testing.assert_allclose(sol.variance, result.variance, rtol=3e-5)


def test_variance_of_a_concentrated_law_keeps_its_digits():
    net = SimResNet("identity", -1.0, 1.0)
    result = moments.solve(net, M0[:3], [0.0, 30.0])
    assert result.energy[1] - result.mean[1] ** 2 == 0.0
    assert result.variance[1] == pytest.approx(math.exp(-60.0), rel=1e-12)


def test_symmetric_laws_keep_their_zero_moments():
    m0 = [1.0, 0.0, 1.0, 0.0, 3.0]
    for method in moments.METHODS:
        found = moments.solve(SimResNet("identity", -2.0, 0.0), m0, [0.0, 3.0], method=method)
        np.testing.assert_array_equal(found.moments[:, [1, 3]], 0.0)
        expected = [math.exp(-12.0), 3.0 * math.exp(-24.0)]
        np.testing.assert_allclose(found.moments[1, [2, 4]], expected, rtol=1e-12)


def test_exponent_is_the_integral_of_the_weight():
    times = np.array([0.0, 1.0, 2.0, 5.0])
    net = SimResNet("tanh", lambda t: math.cos(t), 0.0)
    np.testing.assert_allclose(moments.exponent(net, times, 3), 3.0 * np.sin(times), atol=1e-14)
    step = SimResNet("identity", jump, 0.0)
    np.testing.assert_allclose(moments.exponent(step, times), [0, -1, 0.1, 6.1], atol=1e-12)
    pulse = SimResNet("identity", lambda t: 100.0 * (abs(t - 2.013) < 0.01), 0.0)
    np.testing.assert_allclose(moments.exponent(pulse, [0.0, 4.0]), [0.0, 2.0], atol=1e-11)


# ------------------------------------------------------------------------------------- biases


@pytest.mark.parametrize("w", [-1.0, 0.8, lambda t: math.sin(3.0 * t)])
def test_conserving_bias_conserves_the_mean(w):
    net = SimResNet("identity", w, moments.conserving_bias(w, 1.3))
    result = moments.solve(net, [1.0, 1.3, 2.0], [0.0, 1.0, 3.0], method="ode")
    np.testing.assert_allclose(result.mean, 1.3, rtol=1e-12)


def test_feedback_bias_follows_the_mean_that_it_makes():
    times = np.linspace(0.0, 2.0, 5)
    for w, gain in ((-1.0, -1.0), (-1.0, 1.0), (0.5, 2.0)):
        bias = moments.feedback_bias(w, gain, 1.0)
        result = moments.solve(SimResNet("identity", w, bias), M0, times)
        np.testing.assert_allclose([bias(t) for t in times], gain * result.mean, rtol=1e-12)
    printed = SimResNet("identity", -1.0, moments.feedback_bias(-1.0, -1.0, 1.0))
    result = moments.solve(printed, M0, times)
    np.testing.assert_allclose(result.mean, np.exp(-2.0 * times), rtol=1e-12)
    energy = np.exp(-2.0 * times) + np.exp(-4.0 * times)
    np.testing.assert_allclose(result.energy, energy, rtol=1e-12)


# --------------------------------------------------------------------------------- Definition 2


def test_predicates_on_given_times():
    net, times = SimResNet("identity", lambda t: -math.cos(t), 0.0), np.linspace(0.0, 6.0, 25)
    result = moments.solve(net, M0[:3], times)
    np.testing.assert_array_equal(moments.local_energy_bound(result)[1:], np.sin(times[1:]) > 0)
    np.testing.assert_array_equal(moments.local_aggregation(result)[1:], np.sin(times[1:]) > 0)
    assert not moments.energy_decay(result)
    assert not moments.aggregation(result)
    early = moments.solve(net, M0[:3], times[:6])
    assert moments.energy_decay(early)
    assert moments.aggregation(early)


def test_predicates_take_densities():
    net = SimResNet("tanh", -1.0, 0.0)
    sol = mean_field.solve(net, NORMAL, Grid(-7.0, 9.0, 200), [0.0, 0.5, 1.0])
    assert moments.energy_decay(sol)
    assert moments.aggregation(sol)
    np.testing.assert_array_equal(moments.local_energy_bound(sol), [False, True, True])
    np.testing.assert_array_equal(moments.local_aggregation(sol), [False, True, True])


def test_mean_can_move_so_that_energy_rises_while_the_variance_falls():
    result = moments.solve(SimResNet("identity", -1.0, 3.0), M0[:3], [0.0, 0.5, 1.0])
    assert moments.aggregation(result)
    assert not moments.energy_decay(result)


def test_isolated_zeros_of_the_weight_do_not_stop_the_decay():
    net = SimResNet("identity", lambda t: -((t - 1.0) ** 2), 0.0)
    result = moments.solve(net, M0[:3], np.linspace(0.9, 1.1, 21))
    assert net.parameters(1.0)[0] == 0.0
    assert moments.energy_decay(result)


def test_always_energy_decay_agrees_with_a_fine_sampling():
    rng, times, decided = np.random.default_rng(3), np.linspace(0.0, 60.0, 3001), []
    for _ in range(300):
        w, b = rng.choice([-1.0, -1.0, -1.0, 1.0]) * rng.uniform(0.3, 1.0), rng.uniform(-1.0, 1.0)
        mean, spread = rng.normal(), rng.exponential()
        rest = -b / w
        m1 = rest + (mean - rest) * np.exp(w * times)
        energy = spread * np.exp(2.0 * w * times) + m1**2
        falls = bool((np.diff(energy) < 1e-13).all())
        net, m0 = SimResNet("identity", w, b), [1.0, mean, mean**2 + spread]
        assert moments.always_energy_decay(net, m0) == falls, (w, b, m0)
        assert moments.always_aggregation(net, m0) == (w < 0.0)
        decided.append(falls)
    assert 20 < sum(decided) < 280


def test_energy_always_decays_with_a_conserved_mean_whatever_the_rounding():
    rng = np.random.default_rng(5)
    for w, mean in -rng.random((50, 2)):
        net = SimResNet("identity", w, moments.conserving_bias(w, mean))
        assert moments.always_energy_decay(net, [1.0, mean, mean**2 + 0.1])
        assert not moments.always_energy_decay(net, [1.0, mean, mean**2])


def test_dirac_measures_neither_decay_at_the_origin_nor_aggregate():
    net = SimResNet("identity", -1.0, 0.0)
    assert not moments.always_energy_decay(net, [1.0, 0.0, 0.0])
    assert moments.always_energy_decay(net, [1.0, 2.0, 4.0])
    assert not moments.always_aggregation(net, [1.0, 2.0, 4.0])
    for place in (2.0, 0.3, 1e-3 / 7.0):
        at_a_point = [1.0, place, place * place]
        assert moments.concentration(SimResNet("identity", 1.0, 0.0), at_a_point)


def test_concentration_is_decided_by_the_integral_of_the_weight():
    def integrable(t):
        return -1.0 / (1.0 + t) ** 2

    net = SimResNet("identity", integrable, moments.conserving_bias(integrable, 1.0))
    assert not moments.concentration(net, M0[:3], integral=-1.0)
    late = moments.solve(net, M0[:3], [0.0, 1e4])
    assert late.variance[1] == pytest.approx(math.exp(-2.0), rel=1e-3)
    harmonic = SimResNet("identity", lambda t: -1.0 / (1.0 + t), 0.0)
    assert moments.concentration(harmonic, M0[:3], integral=-math.inf)
    assert moments.concentration(SimResNet("identity", -0.1, 5.0), M0[:3])
    assert not moments.concentration(SimResNet("identity", 0.0, 0.0), M0[:3])
    assert not moments.concentration(SimResNet("identity", 0.1, 0.0), M0[:3])


# --------------------------------------------------------------------------- levels and times


@pytest.mark.parametrize(
    ("quantity", "bias", "level"),
    [
        ("energy", "zero", 0.3),
        ("energy", "conserving", 2.9),
        ("variance", "zero", 0.3),
        ("variance", "conserving", 0.3),
    ],
)
def test_level_is_reached_when_the_exponent_passes_its_threshold(quantity, bias, level):
    def w(t):
        return -1.0 - 0.5 * math.cos(4.0 * t)

    m0 = [1.0, 1.5, 4.0]
    net = SimResNet("identity", w, 0.0 if bias == "zero" else moments.conserving_bias(w, 1.5))
    t = moments.time_to_reach(net, m0, level, quantity=quantity)
    limit = moments.threshold(m0, level, quantity=quantity, bias=bias)
    assert moments.exponent(net, [0.0, t], 2)[1] == pytest.approx(limit, abs=1e-12)
    around = moments.solve(net, m0, [0.0, t - 1e-6, t + 1e-6])
    before, after = getattr(around, quantity)[1:]
    assert after < level < before


def test_times_of_the_paper():
    # sec. 4.1: N(1, 1), w = -1, so Phi_2 = -2 t.
    for level in (1.5, 0.5, 1e-3):
        net = SimResNet("identity", -1.0, 0.0)
        t = moments.time_to_reach(net, M0, level)
        assert t == pytest.approx(-math.log(level / 2.0) / 2.0, rel=1e-13)
        t = moments.time_to_reach(SimResNet("identity", -1.0, 1.0), M0, 1.0 + level / 2.0)
        assert t == pytest.approx(-math.log(level / 2.0) / 2.0, rel=1e-12)


def test_solver_of_the_equations_gives_up_with_a_reason(monkeypatch):
    monkeypatch.setattr(_hierarchy, "MOST_CALLS", 100)
    with pytest.raises(
        FloatingPointError, match=r"more than 100 evaluations from t=0.0 to t=1.0 \(now"
    ):
        moments.solve(SimResNet("identity", -1.0, 1.0), M0, [0.0, 1.0], method="ode")


def test_first_of_several_times_is_found():
    net = SimResNet("identity", lambda t: -math.cos(t), 0.0)  # Phi_2 = -2 sin t
    t = moments.time_to_reach(net, M0[:3], math.exp(-1.0), quantity="variance")
    assert t == pytest.approx(math.pi / 6.0, rel=1e-12)
    assert moments.time_to_reach(net, M0[:3], 1.0, quantity="variance") == 0.0


def test_level_reached_at_the_horizon_itself():
    for end in np.linspace(0.1, 3.0, 30):
        net = SimResNet("identity", -1.0, 0.0)
        level = moments.solve(net, M0[:3], [0.0, end]).energy[1] * (1.0 + 1e-14)
        t = moments.time_to_reach(net, M0, level, horizon=end)
        assert t == pytest.approx(end, rel=1e-12)


def test_energy_under_any_bias():
    # m_2 = e^{-2t} + (3 - 2 e^{-t})^2 at m_1(0) = 1: with q = e^{-t}, 5 q^2 - 12 q + 9 = level.
    net = SimResNet("identity", -1.0, -3.0)
    m0, level = [1.0, 4.0, 17.0], 5.0
    q = (42.0 - math.sqrt(42.0**2 - 4.0 * 50.0 * (9.0 - level))) / 100.0
    second = (42.0 + math.sqrt(42.0**2 - 4.0 * 50.0 * (9.0 - level))) / 100.0
    t = moments.time_to_reach(net, m0, level)
    assert t == pytest.approx(-math.log(max(q, second)), rel=1e-11)


def test_thresholds_are_necessary_too():
    rng = np.random.default_rng(4)
    for _ in range(200):
        mean, spread, phi = rng.normal(), rng.exponential() + 0.01, rng.normal()
        m0 = [1.0, mean, mean**2 + spread]
        level = mean**2 + rng.exponential()
        net = SimResNet("identity", phi, moments.conserving_bias(phi, mean))
        below = moments.solve(net, m0, [0.0, 1.0]).energy[1] < level
        assert below == (2.0 * phi < moments.threshold(m0, level, bias="conserving"))


# ------------------------------------------------------------------------------------- closures


@pytest.mark.parametrize("activation", ["identity", "relu", "sigmoid", "tanh", "gcu"])
def test_exact_moments_are_those_of_the_finite_volumes(activation):
    net, g0, times = SimResNet(activation, -0.8, 0.3), stats.norm(0.5, 0.6), [0.0, 0.4, 1.0]
    exact = closures.exact_moments(net, g0, times, 3)
    sol = mean_field.solve(net, g0, Grid(-5.0, 6.0, 800), times)
    for k in range(4):
        np.testing.assert_allclose(sol.moment(k), exact.moment(k), atol=5e-5)
    np.testing.assert_allclose(exact.variance, exact.energy - exact.mean**2, rtol=1e-12)


@pytest.mark.parametrize("law", [stats.uniform(2, 6), stats.expon(), stats.lognorm(0.5), NORMAL])
def test_exact_moments_of_several_laws(law):
    net = SimResNet("identity", -0.5, 1.0)
    exact = closures.exact_moments(net, law, [0.0, 1.0], 4)
    m0 = np.array([law.moment(k) for k in range(5)])
    np.testing.assert_allclose(exact.moments[0], m0, rtol=1e-9)
    np.testing.assert_allclose(exact.moments, moments.solve(net, m0, [0, 1]).moments, rtol=1e-9)


def test_linearized_networks():
    net = closures.linearized(SimResNet("sigmoid", -2.0, lambda t: t))
    assert net.parameters(3.0) == (-0.5, 0.5 + 0.75)
    assert closures.linearized(SimResNet("tanh", -2.0, 1.0)).parameters(0.0) == (-2.0, 1.0)


def test_error_of_the_linear_closure_of_tanh_grows_like_the_fourth_power_of_the_spread():
    # x = e^{-t} x0 + e^{-t} (1 - e^{-2t}) x0^3 / 6 + O(x0^5) for w = -1, b = 0.
    t, net, errors = 0.8, SimResNet("tanh", -1.0, 0.0), []
    for spread in (0.1, 0.05):
        closure = closures.linear_closure(net, stats.norm(0.0, spread), [0.0, t])
        leading = math.exp(-2.0 * t) * (1.0 - math.exp(-2.0 * t)) * spread**4
        errors.append(closure.error[1, 2] / -leading - 1.0)
        assert abs(closure.error[0]).max() < 1e-15
    assert abs(errors[0]) < 0.05
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize(("w", "b"), [(-1.0, 0.4), (1.2, 0.3), (-0.7, 0.0)])
def test_partial_moments_of_relu_close_for_a_constant_boundary(w, b):
    net, g0, times = SimResNet("relu", w, b), stats.norm(0.2, 1.0), np.array([0.0, 0.5, 1.5])
    exact = closures.partial_moments(net, g0, times, 4)
    closed = closures.relu_solve(net, exact.plus[0], exact.minus[0], times)
    np.testing.assert_allclose(closed.plus, exact.plus, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(closed.minus, exact.minus, rtol=1e-11, atol=1e-13)
    above = g0.sf(-b / w)
    assert exact.plus[0, 0] == pytest.approx(above if w > 0.0 else 1.0 - above, rel=1e-12)
    whole = closures.exact_moments(net, g0, times, 4).moments
    np.testing.assert_allclose(exact.plus + exact.minus, whole, rtol=1e-12)


@pytest.mark.parametrize(
    ("w", "b"),
    [(1.0, lambda t: -t), (lambda t: -1.0 - 0.3 * t, lambda t: 0.5 + 0.6 * math.sin(t))],
)
def test_partial_moments_change_by_what_crosses_a_moving_boundary(w, b):
    net, g0 = SimResNet("relu", w, b), stats.norm(0.2, 1.0)
    nodes, weights = np.polynomial.legendre.leggauss(7)
    rates = closures.relu_rates(net, g0, 0.6 + 0.3 * nodes, 3)
    exact = closures.partial_moments(net, g0, [0.0, 0.3, 0.9], 3)
    for part in ("plus", "minus"):
        gained = 0.3 * weights @ getattr(rates, part)
        change = np.diff(getattr(exact, part), axis=0)[1]
        np.testing.assert_allclose(gained, change, atol=2e-9)
        assert np.abs(change).max() > 0.02
    assert np.abs(rates.boundary).max() < 1e-14


def test_relu_without_bias_is_not_the_identity():
    net, times = SimResNet("relu", -1.0, 0.0), [0.0, 30.0]
    exact = closures.exact_moments(net, stats.norm(), times)
    assert exact.energy[1] == pytest.approx(0.5, rel=1e-12)
    identity = moments.solve(SimResNet("identity", -1.0, 0.0), [1.0, 0.0, 1.0], times)
    assert identity.energy[1] < 1e-25


# ------------------------------------------------------------------------------------ bad input

NET = SimResNet("identity", -1.0, 0.0)
MOVING = SimResNet("identity", lambda t: -1.0, 0.0)
RELU = SimResNet("relu", 1.0, 0.0)

CASES = {
    "net of another type": (lambda: moments.solve(3, M0, [0, 1]), TypeError, "net.*int"),
    "another activation": (
        lambda: moments.solve(SimResNet("tanh", 1.0, 0.0), M0, [0, 1]), ValueError, "'tanh'"
    ),
    "two dimensions": (
        lambda: moments.solve(SimResNet("identity", np.eye(2), 0.0), M0, [0, 1]),
        ValueError, "dimension 1; got 2",
    ),
    "one moment": (lambda: moments.solve(NET, [1.0], [0, 1]), ValueError, r"K >= 1.*\(1,\)"),
    "a table of moments": (
        lambda: moments.solve(NET, np.ones((2, 2)), [0, 1]), ValueError, r"\(2, 2\)"
    ),
    "mass two": (lambda: moments.solve(NET, [2.0, 0.0], [0, 1]), ValueError, "m_0 = 1; got 2"),
    "nan": (lambda: moments.solve(NET, [1.0, np.nan], [0, 1]), ValueError, r"m0.*nan.*\(1\)"),
    "strings": (lambda: moments.solve(NET, ["a", "b"], [0, 1]), TypeError, "m0"),
    "negative variance": (
        lambda: moments.solve(NET, [1.0, 2.0, 3.0], [0, 1]), ValueError, "m_2 >= m_1"
    ),
    "huge mean": (
        lambda: moments.solve(NET, [1.0, 1e200, 1e300], [0, 1]), ValueError, "m_2 >= m_1"
    ),
    "not a moment sequence": (
        lambda: moments.solve(NET, [1.0, 0.0, 1.0, 0.0, 0.5], [0, 1]), ValueError, "Hankel.*0.414"
    ),
    "odd moment of two points": (
        lambda: moments.solve(NET, [1, 0, 1, 0, 1, 0.5], [0, 1]),
        ValueError, r"m_0, ..., m_4 are .*at most 2 points, which do not have m_5 = 0\.5$",
    ),
    "times fall": (lambda: moments.solve(NET, M0, [1, 0]), ValueError, "times must increase"),
    "times nan": (lambda: moments.solve(NET, M0, [0, np.nan]), ValueError, "times.*nan"),
    "method": (lambda: moments.solve(NET, M0, [0, 1], method="rk4"), ValueError, "method.*'rk4'"),
    "overflow": (
        lambda: moments.solve(SimResNet("identity", 9.0, 0.0), M0, [0, 30]),
        FloatingPointError, "m_3 exceeds float64 at t=30",
    ),
    "too stiff": (
        lambda: moments.solve(SimResNet("identity", -1e6, 0.0), M0, [0, 1]),
        ValueError, "more than 65536 intervals.*K=8",
    ),
    "order of a moment": (
        lambda: moments.solve(NET, M0[:2], [0, 1]).moment(2), ValueError, "at most.*1; got 2"
    ),
    "variance without m_2": (
        lambda: moments.local_aggregation(moments.solve(NET, M0[:2], [0, 1])),
        ValueError, "at most.*1; got 2",
    ),
    "k of the exponent": (lambda: moments.exponent(NET, [0, 1], 0), ValueError, "k must be"),
    "mean nan": (lambda: moments.conserving_bias(-1.0, np.nan), ValueError, "mean.*nan"),
    "gain": (lambda: moments.feedback_bias(-1.0, "1", 1.0), TypeError, "gain.*'1'"),
    "w of the feedback": (lambda: moments.feedback_bias(abs, 1.0, 1.0), TypeError, "w must be"),
    "decay at one time": (
        lambda: moments.energy_decay(moments.solve(NET, M0, [0])), ValueError, "two or more"
    ),
    "aggregation at one time": (
        lambda: moments.aggregation(moments.solve(NET, M0, [0])), ValueError, "two or more"
    ),
    "always for functions of time": (
        lambda: moments.always_energy_decay(MOVING, M0), ValueError, "must be constant"
    ),
    "always without m_2": (
        lambda: moments.always_aggregation(NET, M0[:2]), ValueError, "m_0, m_1, m_2.*got 2"
    ),
    "no integral": (lambda: moments.concentration(MOVING, M0), ValueError, "integral="),
    "superfluous integral": (
        lambda: moments.concentration(NET, M0, integral=-1.0), ValueError, "both are constant"
    ),
    "integral nan": (
        lambda: moments.concentration(MOVING, M0, integral=math.nan), ValueError, "nan"
    ),
    "integral text": (
        lambda: moments.concentration(MOVING, M0, integral="x"), TypeError, "integral.*'x'"
    ),
    "level zero": (lambda: moments.threshold(M0, 0.0), ValueError, "level.*positive.*0"),
    "level below the mean": (
        lambda: moments.threshold(M0, 1.0, bias="conserving"), ValueError, r"never.*m_1\(0\)\^2"
    ),
    "quantity": (lambda: moments.threshold(M0, 1.0, quantity="mass"), ValueError, "quantity"),
    "bias": (lambda: moments.threshold(M0, 1.0, bias="one"), ValueError, "bias.*'one'"),
    "time to a level below the mean": (
        lambda: moments.time_to_reach(SimResNet("identity", -1.0, 1.0), M0, 0.9),
        ValueError, r"never falls below level=0.9.*stays above m_1\(0\)\^2 = 1.0$",
    ),
    "level not reached": (
        lambda: moments.time_to_reach(NET, M0, 1e-9, horizon=2.0),
        ValueError, "until horizon=2.0; its smallest value is 0.0366",
    ),
    "horizon": (lambda: moments.time_to_reach(NET, M0, 1.0, horizon=0), ValueError, "horizon"),
    "level past float64": (
        lambda: moments.time_to_reach(SimResNet("identity", 5.0, 0.0), M0, 1.0),
        FloatingPointError, "energy exceeds float64",
    ),
    "relu linearized": (lambda: closures.linearized(RELU), ValueError, "'sigmoid' or 'tanh'"),
    "linearized number": (lambda: closures.linearized(1.0), TypeError, "net.*float"),
    "a density for a law": (
        lambda: closures.exact_moments(NET, stats.norm.pdf, [0, 1]), TypeError, "pdf and ppf"
    ),
    "order zero": (lambda: closures.exact_moments(NET, NORMAL, [0, 1], 0), ValueError, "order"),
    "density with a pole": (
        lambda: closures.exact_moments(NET, stats.beta(0.5, 0.5), [0, 1]), ValueError, "smooth"
    ),
    "partial moments of tanh": (
        lambda: closures.partial_moments(SimResNet("tanh", 1.0, 0.0), NORMAL, [0, 1]),
        ValueError, "'relu'; got 'tanh'",
    ),
    "moving boundary": (
        lambda: closures.relu_solve(
            SimResNet("relu", 1.0, lambda t: t), [1, 1, 2], [0, 0, 0], [0, 1]
        ),
        ValueError, "a = -b / w must be constant",
    ),
    "weight of two signs": (
        lambda: closures.relu_solve(
            SimResNet("relu", lambda t: 0.5 - t, 0.0), [1, 1, 2], [0, 0, 0], [0, 1]
        ),
        ValueError, "one sign",
    ),
    "parts of unequal length": (
        lambda: closures.relu_solve(RELU, [1, 1, 2], [0, 0], [0, 1]), ValueError, "equal length"
    ),
    "parts of mass two": (
        lambda: closures.relu_solve(RELU, [1, 1], [1, 1], [0, 1]), ValueError, "mass 2"
    ),
    "moments without mass": (
        lambda: closures.relu_solve(RELU, [1, 1], [0, 1], [0, 1]), ValueError, "minus0 must be zero"
    ),
    "part not a moment sequence": (
        lambda: closures.relu_solve(RELU, [0.5, 1, 1], [0.5, 0, 1], [0, 1]),
        ValueError, "plus0 / m_0.*m_2",
    ),
    "rates at time zero": (lambda: closures.relu_rates(RELU, NORMAL, [0.0]), ValueError, "0.002"),
    "rates without a boundary": (
        lambda: closures.relu_rates(SimResNet("relu", 0.0, 1.0), NORMAL, [0.5]),
        ValueError, "w != 0",
    ),
}  # fmt: skip


def test_a_bias_that_keeps_the_mean_only_from_time_zero_on_conserves_it():
    net = SimResNet("identity", lambda t: -1.0, lambda t: 1.0 if t >= 0.0 else 9.0)
    with pytest.raises(ValueError, match=r"never falls below level=0.9: the mean is conserved"):
        moments.time_to_reach(net, M0, 0.9)


def test_rates_and_exact_moments_are_of_order_two_unless_told():
    net, times = SimResNet("relu", 1.0, 0.5), [0.25, 0.5]
    given, plain = (closures.relu_rates(net, NORMAL, times, *k) for k in ((2,), ()))
    for one, other in zip(given, plain, strict=True):
        np.testing.assert_array_equal(one, other)
    assert closures.exact_moments(NET, NORMAL, times).moments.shape == (2, 3)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_bad_input_is_named(case):
    call, error, message = case
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("law", "order"), [(stats.cauchy(), 1), (stats.t(2), 2), (stats.lognorm(2), 8)]
)
def test_moments_of_a_law_that_its_far_tails_decide_are_refused(law, order):
    net = SimResNet("identity", -1.0, 0.0)
    with pytest.raises(ValueError, match=f"order {order} of g0 is infinite or not resolved"):
        closures.exact_moments(net, law, [0.0, 1.0], order)


def test_heavy_tails_are_integrated_where_the_moment_is_finite():
    exact = closures.exact_moments(SimResNet("identity", -1.0, 0.0), stats.t(3), [0.0, 1.0])
    assert exact.energy[1] == pytest.approx(3.0 * math.exp(-2.0), rel=1e-9)


def test_feedback_bias_beyond_float64_is_refused_by_the_network():
    net = SimResNet("identity", 1.0, moments.feedback_bias(1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match=r"b.1000.*finite"):
        net.parameters(1000.0)
