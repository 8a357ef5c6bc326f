"""Steady states of the Fokker-Planck equation against closed forms and other quadratures."""

import itertools
import math
import warnings

import numpy as np
import pytest
from scipy import integrate, special, stats

from kinetic import SimResNet, activations
from kinetic.stationary import steady_state

INF = math.inf
TAILS = np.array([1e-200, 1e-40, 1e-9, 0.01, 0.3, 0.5, 0.9, 0.999])


def unrecognized(sigma):
    """The same activation by another name, so that quadrature is used."""
    return activations.custom(activations.get(sigma), name="unrecognized")


def generalized_gamma(delta, c, k, weight, nu):
    kappa = 2 * k * weight / nu**2 - 1
    theta = c / weight * (nu**2 * delta**2 / (2 * weight)) ** (1 / delta)
    return stats.gengamma(kappa / delta, delta, scale=theta)


def root(x):
    return np.sqrt(x)


def jacobi(x):
    return np.sqrt(x * (1.0 - x))


SIGMA_N = activations.sigma_n(0.5, 2.0)
CITED = activations.sigma_n(0.3, 1.5, form="cited")
NAMED = {
    "normal": (
        ("identity", -0.7, 0.6), {"diffusion": "1", "nu": 1.3},
        stats.norm(0.6 / 0.7, 1.3 / math.sqrt(1.4)),
    ),
    "inverse gamma": (
        ("identity", -1.0, 2.0), {"diffusion": "x", "nu": 0.8},
        stats.invgamma(1 + 2 / 0.64, scale=4 / 0.64),
    ),
    "inverse gamma with w > 0": (
        ("identity", 0.3, 2.0), {"diffusion": "x", "nu": 1.0}, stats.invgamma(0.4, scale=4.0)
    ),
    "pareto": (
        ("relu", -0.5, 1.5), {"diffusion": "x", "nu": 0.9, "support": (3.0, INF)},
        stats.pareto(1.0, scale=3.0),
    ),
    "generalized gamma": (
        (SIGMA_N, -1.5, 0.0), {"diffusion": "x", "nu": 0.9},
        generalized_gamma(0.5, 2.0, 1.0, 1.5, 0.9),
    ),
    "generalized gamma as cited": (
        (CITED, -1.0, 0.0), {"diffusion": "x", "nu": 1.2},
        generalized_gamma(0.3, 1.5, 1 / 0.3, 1.0, 1.2),
    ),
}  # fmt: skip
OTHER = {
    "logistic": (("tanh", -1.0, 0.3), {"nu": 1.0}, stats.logistic(0.3, 0.5)),
    "hyperbolic secant": (
        ("tanh", -1.0, 0.0), {"nu": math.sqrt(2)}, stats.hypsecant(scale=1.0)
    ),
    "gamma": (
        ("identity", -1.0, 0.9), {"diffusion": root, "nu": 1.0, "support": (0.0, INF)},
        stats.gamma(1.8, scale=0.5),
    ),
    "beta": (
        ("identity", -1.0, 0.4), {"diffusion": jacobi, "nu": 0.5, "support": (0.0, 1.0)},
        stats.beta(3.2, 4.8),
    ),
    "truncated normal": (
        ("identity", -1.0, 0.0), {"nu": math.sqrt(2), "support": (-1.0, 2.0)},
        stats.truncnorm(-1.0, 2.0),
    ),
    "normal far from 0": (
        ("identity", -1.0, 1e5), {"nu": 1.0, "support": (-INF, 2e5)},
        stats.norm(1e5, math.sqrt(0.5)),
    ),
}  # fmt: skip


def relative(found, expected):
    known = np.abs(expected) > 1e-280
    return np.max(np.abs(found / np.where(known, expected, 1.0) - 1.0)[known])


def assert_same_law(found, expected):
    # The quantiles of scipy are not accurate far out, so they only choose the points. Close
    # to an end other than 0 the rounding of x limits any agreement.
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        x = np.unique(np.concatenate([expected.ppf(TAILS), expected.isf(TAILS)]))
    for end in found.support():
        if math.isfinite(end) and end != 0.0:
            x = x[np.abs(x - end) > 1e-4]
    x = x[np.abs(x) < 1e150]
    assert x.size >= 9
    tolerance = max(1e-10, found.error)
    assert relative(found.pdf(x), expected.pdf(x)) < tolerance
    assert relative(found.cdf(x), expected.cdf(x)) < tolerance
    assert relative(found.sf(x), expected.sf(x)) < tolerance
    np.testing.assert_allclose(found.logpdf(x), expected.logpdf(x), atol=tolerance)
    np.testing.assert_allclose(found.ppf(TAILS[2:]), expected.ppf(TAILS[2:]), rtol=1e-6, atol=1e-10)
    assert found.entropy() == pytest.approx(expected.entropy(), abs=1e-10)
    for of in ("mean", "var", "std"):
        ours, theirs = getattr(found, of)(), getattr(expected, of)()
        assert ours == theirs or ours == pytest.approx(theirs, rel=1e-10)


@pytest.mark.parametrize("family", NAMED)
def test_families_of_the_paper_are_recognized_and_have_their_parameters(family):
    net, options, law = NAMED[family]
    state = steady_state(SimResNet(*net), **options)
    assert family.startswith(state.family)
    assert_same_law(state, law)


@pytest.mark.parametrize("family", NAMED)
def test_quadrature_agrees_with_the_families_of_the_paper(family):
    (sigma, w, b), options, law = NAMED[family]
    state = steady_state(SimResNet(unrecognized(sigma), w, b), **options)
    assert state.family == "quadrature"
    assert 0.0 < state.error < 1e-11
    assert_same_law(state, law)


@pytest.mark.parametrize("case", OTHER)
def test_other_closed_forms(case):
    net, options, law = OTHER[case]
    state = steady_state(SimResNet(*net), **options)
    assert_same_law(state, law)
    assert state.support() == pytest.approx(options.get("support", (-INF, INF)))


def test_walls_are_the_ends_through_which_mass_would_leak():
    assert steady_state(SimResNet("identity", -1.0, 0.0), nu=1.0, support=(-1, 2)).walls == (-1, 2)
    assert steady_state(SimResNet("relu", -1.0, 0.0), nu=1.0, support=(-INF, 3)).walls == (3,)
    for case in ("logistic", "gamma", "beta"):
        net, options, _ = OTHER[case]
        assert steady_state(SimResNet(*net), **options).walls == ()
    net, options, _ = NAMED["pareto"]
    assert steady_state(SimResNet(*net), **options).walls == (3.0,)
    assert steady_state(SimResNet(*net), diffusion="x", nu=0.9).walls == ()


@pytest.mark.parametrize(("w", "b", "nu"), [(-1.0, 0.4, 1.0), (-2.0, -1.0, 0.7)])
def test_tanh_has_a_power_of_the_hyperbolic_cosine(w, b, nu):
    state = steady_state(SimResNet("tanh", w, b), nu=nu)
    power = 2.0 / (w * nu**2)
    mass = 2.0 ** (-power - 1.0) * special.beta(-power / 2.0, -power / 2.0) / abs(w)
    x = np.linspace(-4.0, 4.0, 33)
    np.testing.assert_allclose(state.pdf(x), np.cosh(w * x + b) ** power / mass, rtol=1e-12)
    assert state.constant == pytest.approx(1.0 / mass, rel=1e-12)
    assert state.origin == pytest.approx(-b / w)


@pytest.mark.parametrize("nu", [0.3, 1.0, 2.0])
def test_relu_without_wall_continues_below_the_pareto_tail(nu):
    w, b = -0.8, 1.2
    a, s = -b / w, -2 * w / nu**2
    state = steady_state(SimResNet("relu", w, b), diffusion="x", nu=nu)
    body = math.exp(s) * s ** (-s - 1) * special.gamma(1 + s) * special.gammaincc(1 + s, s)
    assert float(state.sf(a)) == pytest.approx(1 / (1 + body), rel=1e-12)
    x = a * np.array([1.0, 1.5, 30.0])
    np.testing.assert_allclose(state.pdf(x), a / (1 + body) / x**2, rtol=1e-12)
    x = a * np.array([0.3, 0.7, 0.99])
    below = (x / a) ** -s * np.exp(-s * (a / x - 1))
    np.testing.assert_allclose(state.pdf(x), a / (1 + body) / x**2 * below, rtol=1e-11)
    assert state.mean() == INF


def test_a_kink_close_to_the_mode_is_resolved():
    """Phi of ReLU with K^2 = 1 + x^2 in closed form; its kink is at 0.001, the mode at 0."""
    w, b, nu = 0.4859494251752237, -0.0005885295776832069, 2.1479876152040513
    kink = -b / w

    def exponent(x):
        log = np.log((1 + x**2) / (1 + kink**2))
        above = 2 / nu**2 * (w / 2 * log + b * (np.arctan(x) - np.arctan(kink)))
        return np.where(x > kink, above, 0.0)

    state = steady_state(SimResNet("relu", w, b), diffusion=lambda x: np.sqrt(1 + x**2), nu=nu)
    x = np.array([-3.0, 0.0, 0.1, 2.0, 50.0])
    found = state.logpdf(x) + np.log(1 + x**2)
    np.testing.assert_allclose(found - found[0], exponent(x), atol=1e-13)


CASES = {
    "sigmoid, x": (("sigmoid", 0.6, -0.4), {"diffusion": "x", "nu": 0.8}),
    "tanh, x": (("tanh", 2.0, 0.5), {"diffusion": "x", "nu": 1.5}),
    "tanh, x, b = 0": (("tanh", 1.0, 0.0), {"diffusion": "x", "nu": 1.0}),
    "gcu between walls": (("gcu", 1.0, 0.5), {"nu": 2.0, "support": (-4.0, 9.0)}),
    "gcu, x, walls": (("gcu", 1.0, 0.5), {"diffusion": "x", "nu": 0.7, "support": (0.0, 40.0)}),
    "relu, 1, wall": (("relu", -1.0, 0.3), {"nu": 0.8, "support": (-INF, 2.0)}),
    "sigmoid, 1, wall": (("sigmoid", -2.0, 0.3), {"nu": 0.8, "support": (-INF, 2.0)}),
    "negative half": (
        ("identity", -1.0, -1.0), {"diffusion": "x", "nu": 0.9, "support": (-INF, 0.0)}
    ),
    "tanh, growing K": (
        ("tanh", -1.0, 0.2), {"diffusion": lambda x: np.sqrt(1.0 + x**2), "nu": 0.7}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_flux_vanishes_and_mass_is_one_by_other_means(case):
    net, options = CASES[case]
    state = steady_state(SimResNet(*net), **options)
    x = state.ppf([0.02, 0.2, 0.45, 0.7, 0.95])
    h = 1e-4 * np.abs(x)

    def diffused(x):
        return state.nu**2 / 2.0 * state.diffusion(x) ** 2 * state.pdf(x)

    gradient = (
        8 * (diffused(x + h) - diffused(x - h)) - (diffused(x + 2 * h) - diffused(x - 2 * h))
    ) / (12 * h)
    drift = state.network.velocity(x) * state.pdf(x)
    size = np.abs(drift).max() + diffused(x).max() / state.std() if state.std() < INF else 1.0
    assert np.abs(gradient - drift).max() < 1e-8 * size
    parts = state.ppf([1e-6, 0.1, 0.3, 0.5, 0.7, 0.9, 1 - 1e-6])
    masses = [
        integrate.quad(lambda y: float(state.pdf(y)), *ends, epsabs=1e-13, epsrel=1e-12)[0]
        for ends in itertools.pairwise(parts)
    ]
    np.testing.assert_allclose(masses, np.diff(state.cdf(parts)), atol=1e-11)
    assert sum(masses) == pytest.approx(1 - 2e-6, abs=1e-10)
    where = state.origin
    assert state.constant == pytest.approx(
        float(state.pdf(where) * state.diffusion(np.array(where)) ** 2), rel=1e-12
    )


@pytest.mark.parametrize("case", [*CASES, "generalized gamma"])
def test_quantiles_invert_both_tails(case):
    net, options = CASES[case] if case in CASES else NAMED[case][:2]
    state = steady_state(SimResNet(*net), **options)
    if case == "generalized gamma":  # scipy's, whose quantiles lose digits far out
        q = np.array([1e-5, 0.3, 0.9])
    elif not state.walls:
        q = np.array([1e-100, 1e-10, 0.2, 0.5, 0.9])
    else:  # close to a wall the position itself has few digits
        q = np.array([1e-3, 0.2, 0.5, 0.9])
    np.testing.assert_allclose(state.sf(state.isf(q)), q, rtol=1e-9)
    if case == "generalized gamma":
        q = q[1:]
    np.testing.assert_allclose(state.cdf(state.ppf(q)), q, rtol=1e-9)
    assert tuple(state.ppf([0.0, 1.0])) == state.support()


def test_samples_follow_the_law():
    for net, options in (CASES["gcu between walls"], CASES["sigmoid, x"], NAMED["normal"][:2]):
        state = steady_state(SimResNet(*net), **options)
        sample = state.rvs(20_000, 3)
        assert stats.kstest(sample, state.cdf).pvalue > 0.01
        assert np.array_equal(sample, state.rvs(20_000, np.random.default_rng(3)))


@pytest.mark.parametrize("family", NAMED)
def test_limits_at_the_ends_do_not_warn(family):
    net, options, _ = NAMED[family]
    state = steady_state(SimResNet(*net), **options)
    with np.errstate(all="raise", under="ignore"):
        assert float(state.cdf(5e-324)) < 1.0
        assert float(state.sf(1e308)) < 1e-6 or "w > 0" in family
        assert float(state.pdf(-1e308)) == 0.0
        assert tuple(state.ppf([0.0, 1.0])) == state.support()


def test_constant_of_the_families():
    identity = SimResNet("identity", -1.0, 1.0)
    assert steady_state(identity, diffusion="x", nu=1.0).constant == pytest.approx(4.0, rel=1e-14)
    w, b, nu = -0.7, 0.6, 1.3
    mass = integrate.quad(lambda x: np.exp((w * x**2 + 2 * b * x) / nu**2), -INF, INF)[0]
    normal = steady_state(SimResNet("identity", w, b), nu=nu)
    assert normal.constant == pytest.approx(1 / mass, rel=1e-9)
    b, nu = 2.0, 0.8
    mass = integrate.quad(
        lambda x: x ** (2 * w / nu**2 - 2) * np.exp(-2 * b / (nu**2 * x)), 0, INF
    )[0]
    inverse = steady_state(SimResNet("identity", w, b), diffusion="x", nu=nu)
    assert inverse.constant == pytest.approx(1 / mass, rel=1e-8)
    net, options, law = NAMED["generalized gamma"]
    state = steady_state(SimResNet(*net), **options)
    kappa = 2 * 1.5 / 0.81 - 1
    x = law.mean()
    inside = np.exp(-2 * 1.5 / (0.81 * 0.25) * math.sqrt(1.5 * x / 2.0))
    assert state.constant * x ** (kappa - 1) * inside == pytest.approx(float(law.pdf(x)))


@pytest.mark.parametrize("factor", [1e-12, 1e9])
def test_units_of_length_do_not_matter(factor):
    def well(x):
        return x / factor - (x / factor) ** 3

    one = steady_state(
        SimResNet(activations.custom(lambda u: u - u**3, name="well"), 1.0, 0.0), nu=0.5
    )
    scaled = steady_state(
        SimResNet(activations.custom(lambda u: factor * well(u), name="well"), 1.0, 0.0),
        nu=0.5 * factor,
    )
    q = np.array([1e-9, 0.1, 0.4, 0.8])
    np.testing.assert_allclose(scaled.ppf(q), factor * one.ppf(q), rtol=1e-10)
    assert scaled.std() == pytest.approx(factor * one.std(), rel=1e-10)


def test_every_smooth_positive_law_is_a_steady_state():
    def score(x):
        near, far = np.exp(-((x + 1.5) ** 2) / 0.5), np.exp(-((x - 1.0) ** 2) / 2.0)
        slopes = -(x + 1.5) / 0.25 * near / 0.5 - (x - 1.0) * far
        return slopes / (near / 0.5 + far)

    def density(x):
        return 0.5 * stats.norm(-1.5, 0.5).pdf(x) + 0.5 * stats.norm(1.0, 1.0).pdf(x)

    def value(x):  # beyond 20 the narrow part is nothing, and both underflow
        return np.where(abs(x) < 20.0, score(np.clip(x, -20.0, 20.0)), 1.0 - x)

    state = steady_state(SimResNet(activations.custom(value, name="score"), 1.0, 0.0), nu=2**0.5)
    x = np.linspace(-5.0, 5.0, 41)
    np.testing.assert_allclose(state.pdf(x), density(x), rtol=1e-11)


IDENTITY = SimResNet("identity", -1.0, 1.0)
REFUSED = {
    "identity, w = 0": (("identity", 0.0, 0.0), {"nu": 1.0}, r"x -> -inf.*\|x\|\^0"),
    "identity, w > 0": (("identity", 1.0, 0.0), {"nu": 1.0}, "faster than every power"),
    "tanh, w > 0": (("tanh", 1.0, 0.0), {"nu": 1.0}, "not integrable as x -> -inf"),
    "relu, w > 0": (("relu", 1.0, 0.0), {"nu": 1.0}, "not integrable"),
    "relu, w < 0": (("relu", -1.0, 0.0), {"nu": 1.0}, r"x -> inf.*\|x\|\^0"),
    "sigmoid": (("sigmoid", -1.0, 0.0), {"nu": 1.0}, "not integrable as x -> inf"),
    "gcu": (("gcu", 1.0, 0.0), {"nu": 1.0}, "oscillates without end.*give a finite support"),
    "gcu, x": (("gcu", 1.0, 0.5), {"diffusion": "x", "nu": 1.0}, "oscillates without end"),
    "inverse gamma, b < 0": (
        ("identity", -1.0, -1.0), {"diffusion": "x", "nu": 1.0}, "not integrable as x -> 0"
    ),
    "inverse gamma, b = 0": (
        ("identity", -1.0, 0.0), {"diffusion": "x", "nu": 1.0}, r"x -> 0.*\|x\|\^-4"
    ),
    "inverse gamma, large w": (
        ("identity", 0.5, 1.0), {"diffusion": "x", "nu": 1.0}, r"x -> inf.*\|x\|\^-1"
    ),
    "slow decay": (
        (unrecognized("identity"), 0.499, 1.0), {"diffusion": "x", "nu": 1.0}, "decays so slowly"
    ),
    "relu, x, b < 0": (("relu", -1.0, -1.0), {"diffusion": "x", "nu": 1.0}, r"x -> 0.*\^-2"),
    "printed sign": ((SIGMA_N, 1.0, 0.0), {"diffusion": "x", "nu": 1.0}, "not integrable"),
    "too much noise": ((SIGMA_N, -1.0, 0.0), {"diffusion": "x", "nu": 2**0.5}, "x -> 0"),
    "two wells far apart": (
        (activations.custom(lambda u: u - u**3, name="well"), 1.0, 0.0),
        {"nu": 0.01},
        "rises again",
    ),
    "drift that oscillates to infinity": (
        (activations.custom(lambda u: u * np.cos(u), name="cosine"), 1.0, 0.5),
        {"diffusion": "x", "nu": 1.0},
        "changes too often.*give a finite support|resolved",
    ),
    "singular drift": (
        (activations.custom(lambda u: -np.sign(u) / abs(u), name="pole"), 1.0, 0.0),
        {"nu": 1.0, "support": (-1.0, 1.5)},
        "singular.*at x = |not integrable|cannot be computed",
    ),
    "K = x on the line": (
        ("identity", -1.0, 1.0), {"diffusion": "x", "nu": 1.0, "support": (-1.0, 1.0)},
        "K = x does at 0",
    ),
    "K with a zero": (
        ("identity", -1.0, 1.0), {"diffusion": lambda x: x - 0.3, "nu": 1.0},
        "must not vanish.*between x = ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_states_that_are_not_integrable_are_refused_with_the_reason(case):
    net, options, reason = REFUSED[case]
    with pytest.raises(ValueError, match=reason):
        steady_state(SimResNet(*net), **options)


BAD = {
    "net": (lambda: steady_state("identity", nu=1.0), TypeError, "net must be a kinetic.SimResNet"),
    "dimension": (
        lambda: steady_state(SimResNet("tanh", np.eye(2), 0.0), nu=1.0),
        ValueError,
        "dimension 1",
    ),
    "time": (
        lambda: steady_state(SimResNet("tanh", lambda t: -1.0, 0.0), nu=1.0),
        ValueError,
        "constant w and b",
    ),
    "nu": (lambda: steady_state(IDENTITY, nu=-1.0), ValueError, "nu must be a positive.*-1.0"),
    "nu = 0": (lambda: steady_state(IDENTITY, nu=0.0), ValueError, "nu must be a positive.*0.0"),
    "nu too small": (lambda: steady_state(IDENTITY, nu=1e-200), ValueError, "nu must be.*1e-150"),
    "nu nan": (lambda: steady_state(IDENTITY, nu=math.nan), ValueError, "nu must be.*nan"),
    "diffusion": (lambda: steady_state(IDENTITY, diffusion="y", nu=1.0), ValueError, "'1', 'x'"),
    "support": (
        lambda: steady_state(IDENTITY, nu=1.0, support=(1.0, 1.0)),
        ValueError,
        "support.*a < b",
    ),
    "support of strings": (
        lambda: steady_state(IDENTITY, nu=1.0, support="ab"),
        TypeError,
        "support.*'ab'",
    ),
    "x": (lambda: steady_state(IDENTITY, nu=1.0).pdf([math.nan]), ValueError, "x must be.*nan"),
    "q": (lambda: steady_state(IDENTITY, nu=1.0).ppf(1.5), ValueError, "q must be.*1.5"),
    "k": (lambda: steady_state(IDENTITY, nu=1.0).moment(-1), ValueError, "k must be.*-1"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_arguments_are_refused(case):
    act, error, message = BAD[case]
    with pytest.raises(error, match=message):
        act()


def test_infinite_moments_of_named_families_are_infinite():
    inverse = steady_state(SimResNet("identity", -1.0, 1.0), diffusion="x", nu=1.0)
    assert [inverse.moment(k) for k in range(5)] == pytest.approx([1, 1, 2, math.inf, math.inf])
    pareto = steady_state(
        SimResNet("relu", -1.0, 1.0), diffusion="x", nu=1.0, support=(2.0, math.inf)
    )
    assert [pareto.moment(k) for k in range(3)] == [1.0, math.inf, math.inf]


@pytest.mark.parametrize(("delta", "c"), [(0.01, 1.0), (0.5, 1e-160)])
def test_a_scale_beyond_float64_is_refused(delta, c):
    net = SimResNet(activations.sigma_n(delta, c), -1.0, 0.0)
    with pytest.raises(ValueError, match=r"scale theta = e.*delta"):
        steady_state(net, diffusion="x", nu=0.5)
