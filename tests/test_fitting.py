"""Fits recover known laws, judge others, and the fitted networks generate their samples."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from kinetic import SimResNet, activations, generation
from kinetic.characteristics import flow
from kinetic.fitting import fit
from kinetic.generation import generate
from kinetic.stationary import steady_state

STATES = {
    "normal": steady_state(SimResNet("identity", -1.0, 0.7), nu=1.2),
    "inverse gamma": steady_state(SimResNet("identity", -1.0, 0.7), diffusion="x", nu=1.2),
    "pareto": steady_state(
        SimResNet("relu", -1.0, 0.7), diffusion="x", nu=1.0, support=(0.7, math.inf)
    ),
    "relu": steady_state(SimResNet("relu", -1.0, 0.7), diffusion="x", nu=1.2),
    "generalized gamma": steady_state(
        SimResNet(activations.sigma_n(0.5, 2.0), -1.0, 0.0), diffusion="x", nu=0.9
    ),
}
HEAVY = steady_state(SimResNet("identity", 0.2, 0.7), diffusion="x", nu=1.0)


@pytest.mark.parametrize("family", STATES)
def test_fit_to_a_law_of_the_family_finds_its_parameters(family):
    state = STATES[family]
    found = fit(state)
    assert found.family == family
    w, b = found.network.parameters(0.0)
    accuracy = 2e-5 if family == "relu" else 1e-7  # the density of "relu" has a kink
    assert (w, b) == pytest.approx(state.network.parameters(0.0), abs=accuracy)
    assert found.nu == pytest.approx(state.nu, abs=accuracy)
    assert found.diffusion == state.diffusion.name
    if family == "generalized gamma":
        assert found.network.activation.delta == pytest.approx(0.5, abs=1e-6)
        assert found.network.activation.c == pytest.approx(2.0, abs=1e-5)
    assert abs(found.goodness.relative_entropy) < 1e-10
    assert found.goodness.l1 < 1e-5
    assert found.goodness.wasserstein < 1e-6 or state.mean() == math.inf


@pytest.mark.parametrize("family", STATES)
def test_fit_to_samples_finds_the_family_and_beats_its_own_law(family):
    sample = STATES[family].rvs(2000, 1)
    found = fit(sample)
    assert found.family == family
    assert found.goodness.log_likelihood >= STATES[family].logpdf(sample).sum()
    assert found.goodness.ks < 0.03
    assert found.goodness.ks == pytest.approx(stats.kstest(sample, found.law.cdf).statistic)
    assert found.criteria[family] == found.goodness.aic == min(found.criteria.values())


@pytest.mark.parametrize("family", STATES)
def test_likelihood_falls_in_every_direction_from_the_fit(family):
    sample = STATES[family].rvs(500, 2)
    found = fit(sample, family=family)
    w, b = found.network.parameters(0.0)

    def likelihood(b=b, nu=found.nu, delta=None, c=None):
        sigma = found.network.activation
        if delta or c:
            sigma = activations.sigma_n(delta or sigma.delta, c or sigma.c)
        support = (b, math.inf) if family == "pareto" else None
        net = SimResNet(sigma, w, b)
        state = steady_state(net, diffusion=found.diffusion, nu=nu, support=support)
        return state.logpdf(sample).sum()

    best = found.goodness.log_likelihood
    assert likelihood() == pytest.approx(best, rel=1e-12)
    for factor in (0.999, 1.001):
        if family == "generalized gamma":
            assert likelihood(delta=factor * found.network.activation.delta) < best
            assert likelihood(c=factor * found.network.activation.c) < best
        else:
            assert likelihood(b=factor * b) < best
        if family != "pareto":
            assert likelihood(nu=factor * found.nu) < best


def test_inverse_gamma_with_infinite_mean_has_a_positive_weight():
    found = fit(HEAVY)
    assert found.family == "inverse gamma"
    assert found.network.parameters(0.0) == pytest.approx((0.2, 0.7), abs=1e-9)
    assert found.nu == 1.0
    assert found.goodness.wasserstein == math.inf
    assert "infinite" in found.refused["normal"]


def test_goodness_for_a_law_of_no_family_agrees_with_quadrature():
    target = stats.gamma(3.0)
    found = fit(target, family="normal")
    law = found.law
    assert (law.mean(), law.var()) == pytest.approx((3.0, 3.0), rel=1e-10)

    def entropy(x):
        return target.pdf(x) * (target.logpdf(x) - float(law.logpdf(x)))

    def gap(x):
        return abs(target.pdf(x) - float(law.pdf(x)))

    points = (-20.0, 0.0, 1.0, 3.0, 6.0, 40.0)
    entropy, l1 = (
        sum(
            integrate.quad(function, *ends, limit=200)[0]
            for ends in zip(points[start:-1], points[start + 1 :], strict=True)
        )
        for function, start in ((entropy, 1), (gap, 0))
    )
    assert found.goodness.relative_entropy == pytest.approx(entropy, rel=1e-7)
    assert found.goodness.l1 == pytest.approx(l1, abs=1e-5)
    assert fit(target).goodness.relative_entropy < found.goodness.relative_entropy


def test_p_value_accounts_for_estimated_parameters():
    """For normal samples it is about uniform; the one that ignores the fit is too large."""
    rng = np.random.default_rng(5)
    fitted, naive = [], []
    for _ in range(20):
        sample = rng.normal(2.0, 3.0, 60)
        found = fit(sample, family="normal", resamples=60, rng=rng)
        fitted.append(found.goodness.p_value)
        naive.append(stats.kstest(sample, found.law.cdf).pvalue)
    assert 0.3 < np.mean(fitted) < 0.7
    assert np.mean(naive) > np.mean(fitted) + 0.15
    wrong = fit(rng.exponential(size=300), family="normal", resamples=99, rng=1)
    assert wrong.goodness.p_value == 0.01
    assert fit(rng.normal(size=50), family="normal").goodness.p_value is None


@pytest.mark.parametrize(
    ("family", "time"), [("normal", 8.0), ("inverse gamma", 8.0), ("relu", 12.0), ("pareto", 60.0)]
)
def test_fitted_network_generates_the_law(family, time):
    found = fit(STATES[family], family=family)
    start = np.full(20_000, 1.0)
    sample = found.generate(start, time, step=0.1, rng=3)
    assert stats.kstest(sample, STATES[family].cdf).statistic < 0.0136  # 0.1 per cent level
    assert np.array_equal(sample, found.generate(start, time, step=0.1, rng=3))
    assert stats.kstest(start * 1.001, STATES[family].cdf).statistic > 0.3


def test_generated_variance_has_the_stated_bias():
    """The chain for the identity and K = 1 is Gaussian: h / sinh h, seen at h = 1."""
    net = SimResNet("identity", -1.0, 0.5)
    sample = generate(net, np.zeros(100_000), 10.0, nu=math.sqrt(2), step=1.0, rng=1)
    assert sample.mean() == pytest.approx(0.5, abs=0.015)
    assert sample.var() == pytest.approx(1.0 / math.sinh(1.0), rel=0.02)


def test_mean_of_the_multiplicative_chain_is_exact_for_any_step():
    net = SimResNet("identity", -1.0, 2.0)
    sample = generate(
        net, np.full(200_000, 5.0), 1.0, diffusion="x", nu=0.3, step=0.5, rng=1
    )  # fmt: skip
    assert sample.mean() == pytest.approx(2.0 + 3.0 * math.exp(-1.0), abs=0.01)
    assert sample.min() > 0.0


def test_wall_reflects_exactly_in_one_long_layer():
    """|B| for K = 1; the law after one layer does not depend on the number of layers."""
    still = SimResNet("relu", 0.0, -1.0)
    sample = generate(still, np.zeros(20_000), 4.0, nu=0.5, step=4.0, rng=2, wall=0.0)
    assert stats.kstest(sample, stats.halfnorm(scale=1.0).cdf).pvalue > 0.01
    one, many = (
        generate(
            still, np.full(20_000, 1.3), 2.0, diffusion="x", nu=0.7, step=step, rng=4, wall=1.0
        )
        for step in (2.0, 0.02)
    )
    assert stats.ks_2samp(one, many).pvalue > 0.01


@pytest.mark.parametrize("step", [1.0, 0.5, 0.3, 0.25, 0.7])
@pytest.mark.parametrize("diffusion", ["1", "x"])
def test_data_with_vanishing_noise_follow_the_drift(step, diffusion):
    net, start = SimResNet("tanh", -1.0, 2.0), np.array([0.5, 1.0, 4.0])
    sample = generate(net, start, 1.0, diffusion=diffusion, nu=1e-9, step=step, rng=1)
    moved = flow(net, start, 0.0, 1.0)[0]
    np.testing.assert_allclose(sample, moved, rtol=1e-8)
    assert start.tolist() == [0.5, 1.0, 4.0]


@pytest.mark.parametrize(("step", "layers"), [(1.0, 1), (0.5, 2), (1.0 / 3.0, 3), (0.3, 4)])
def test_the_drift_is_halved_in_the_first_layer_and_at_the_end(step, layers, monkeypatch):
    lengths = []

    def drift(net, x, h, *options):
        lengths.append(h)
        return x

    monkeypatch.setattr(generation, "_drift", drift)
    generate(NET, [1.0], 1.0, nu=1.0, step=step, rng=1)
    whole = [1.0 / layers] * (layers - 1)
    assert lengths == pytest.approx([0.5 / layers, *whole, 0.5 / layers], rel=1e-14)


def test_data_may_start_at_the_wall():
    sample = generate(NET, [0.0, 1.0], 1.0, nu=1e-9, step=1.0, rng=1, wall=0.0)
    np.testing.assert_allclose(sample, [1.0 - math.exp(-1.0), 1.0], atol=1e-8)


GOOD = np.linspace(0.5, 2.0, 40)
NET = SimResNet("identity", -1.0, 1.0)
BAD = {
    "nan": (lambda: fit([*GOOD, math.nan]), ValueError, r"target must be.*nan at index \(40\)"),
    "too few": (lambda: fit(GOOD[:5]), ValueError, r"at least 10 samples.*\(5,\)"),
    "table": (lambda: fit(np.ones((20, 2))), ValueError, r"samples \(M,\).*\(20, 2\)"),
    "constant": (lambda: fit(np.ones(20)), ValueError, "not be constant; all samples are 1.0"),
    "words": (lambda: fit(["a"] * 20), TypeError, "target must be"),
    "family": (lambda: fit(GOOD, family="beta"), ValueError, "family must be one of 'best'"),
    "outside": (
        lambda: fit(GOOD - 1.0, family="inverse gamma"),
        ValueError,
        r"target does not suit the family 'inverse gamma'.*x > 0.*-0.5",
    ),
    "outside the Pareto law": (
        lambda: fit(stats.gamma(2.0), family="pareto"), ValueError, "begins at a > 0"
    ),
    "infinite variance": (
        lambda: fit(stats.t(2.0), family="normal"), ValueError, r"x\^2 is infinite"
    ),
    "no family": (lambda: fit(stats.cauchy()), ValueError, "suits no family.*normal.*infinite"),
    "too close": (
        lambda: fit(1.0 + 1e-9 * GOOD, family="inverse gamma"), ValueError, "too close"
    ),
    "resamples of a law": (lambda: fit(stats.norm(), resamples=3), ValueError, "for samples"),
    "resamples": (lambda: fit(GOOD, resamples=-1), ValueError, "resamples must be.*-1"),
    "x0": (
        lambda: generate(NET, [1.0, -1.0], 1.0, diffusion="x", nu=1.0, step=0.1, rng=1),
        ValueError,
        "x0 must be.*minimum -1",
    ),
    "below the wall": (
        lambda: generate(NET, [1.0, -1.0], 1.0, nu=1.0, step=0.1, rng=1, wall=0.0),
        ValueError,
        "above 0.*minimum -1",
    ),
    "step": (
        lambda: generate(NET, [1.0], 1.0, nu=1.0, step=0.0, rng=1), ValueError, "step must be"
    ),
    "layers": (
        lambda: generate(NET, [1.0], 1.0, nu=1.0, step=1e-9, rng=1), ValueError, "at most 1000000"
    ),
    "K": (
        lambda: generate(NET, [1.0], 1.0, diffusion=np.sqrt, nu=1.0, step=0.1, rng=1),
        ValueError,
        "'1' or 'x'.*sqrt",
    ),
    "drift out of the support": (
        lambda: generate(
            SimResNet("identity", -1.0, -1.0), [1.0], 9.0, diffusion="x", nu=1.0, step=1.0, rng=1
        ),
        FloatingPointError,
        "takes positive data x0 to -",
    ),
    "huge": (lambda: fit(np.linspace(1.0, 2.0, 20) * 1e200), ValueError, "size.*e.200.*unit"),
    "tiny": (lambda: fit(np.linspace(1.0, 2.0, 20) * 1e-200), ValueError, "size.*e-200.*unit"),
    "huge law": (lambda: fit(stats.norm(1e200, 1e199)), ValueError, "size.*e.200.*unit"),
    "close to 0": (
        lambda: fit(np.append(1e-200, np.linspace(1.0, 2.0, 20)), family="inverse gamma"),
        ValueError,
        "close to 0",
    ),
    "a number as data": (
        lambda: generate(SimResNet("tanh", -1.0, 0.0), 1.0, 9.0, nu=1.0, step=1.0, rng=1),
        ValueError,
        r"non-empty vector; got shape \(\)",
    ),
    "time-dependent": (
        lambda: generate(SimResNet("tanh", np.cos, 0.0), [1.0], 9.0, nu=1.0, step=1.0, rng=1),
        ValueError,
        "constant w and b",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case):
    act, error, message = BAD[case]
    with pytest.raises(error, match=message):
        act()
