"""The mean-field level against closed forms, particles and itself."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from kinetic import Grid, SimResNet, mean_field, network
from kinetic.distances import wasserstein

ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh", "gcu")


def test_gaussian_stays_gaussian_under_the_identity():
    # x(t) = e^{-t} x0 + b (1 - e^{-t}) for w = -1.
    net, t = SimResNet("identity", -1.0, 0.5), 0.8
    law = stats.norm(math.exp(-t) + 0.5 * (1.0 - math.exp(-t)), math.exp(-t))
    x = np.linspace(-2.0, 3.0, 41)
    pushed = mean_field.push_forward(net, stats.norm(1.0, 1.0), t)
    np.testing.assert_allclose(pushed.pdf(x), law.pdf(x), rtol=1e-12)
    np.testing.assert_allclose(pushed.cdf(x), law.cdf(x), rtol=1e-12)
    np.testing.assert_allclose(pushed.ppf([0.1, 0.5, 0.9]), law.ppf([0.1, 0.5, 0.9]), rtol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("w", "b"), [(-1.0, 0.4), (0.7, 0.1), (0.0, 0.3), (lambda t: np.cos(t), lambda t: t)]
)
def test_exact_density_is_the_derivative_of_its_distribution_function(activation, w, b):
    net = SimResNet(activation, w, b)
    pushed = mean_field.push_forward(net, stats.norm(0.6, 0.3), 0.7)
    x = pushed.ppf(np.array([0.2, 0.45, 0.8]))
    h = 1e-4
    if activation == "relu":
        kink = -b / w if not callable(w) and w else math.nan
        x = x[~(np.abs(x - kink) < 10 * h)]
    slope = (pushed.cdf(x + h) - pushed.cdf(x - h)) / (2 * h)
    np.testing.assert_allclose(pushed.pdf(x), slope, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pushed.cdf(pushed.ppf([0.3, 0.6])), [0.3, 0.6], rtol=1e-9)


def test_exact_accepts_a_plain_density():
    net = SimResNet("tanh", -1.0, 0.0)
    x = np.linspace(-1.0, 1.0, 11)
    np.testing.assert_allclose(
        mean_field.exact(net, stats.norm.pdf, 0.5, x),
        mean_field.exact(net, stats.norm(), 0.5, x),
    )


def test_samples_follow_the_pushed_law():
    net = SimResNet("gcu", 1.0, 0.0)
    pushed = mean_field.push_forward(net, stats.norm(1.0, 0.3), 1.0)
    samples = pushed.rvs(4000, np.random.default_rng(1))
    assert stats.kstest(samples, pushed.cdf).pvalue > 1e-3


def test_atoms_at_walls_have_half_of_the_mass_each():
    net = SimResNet("tanh", 1.0, -5.0)
    pushed = mean_field.push_forward(net, stats.uniform(2, 6), 20.0, walls=(2.0, 8.0))
    np.testing.assert_allclose(pushed.cdf([1.99, 2.0, 4.0, 7.99, 8.0]), [0, 0.5, 0.5, 0.5, 1])
    np.testing.assert_allclose(pushed.pdf([1.0, 2.0, 8.0, 9.0]), 0.0)
    np.testing.assert_allclose(pushed.ppf([0.2, 0.8]), [2.0, 8.0])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_density_and_particles_agree(activation):
    net = SimResNet(activation, -0.8, 0.5)
    g0, rng = stats.norm(0.3, 0.4), np.random.default_rng(5)
    grid = Grid(-4.0, 5.0, 600)
    sol = mean_field.solve(net, g0, grid, [0.0, 1.0])
    size = 40_000
    end = network.propagate(net, g0.rvs(size, random_state=rng), 1.0)
    assert wasserstein(end, sol.law(1)) < 6.0 * 0.4 / math.sqrt(size) * math.e


def test_moments_are_those_of_the_exact_density():
    net, g0 = SimResNet("tanh", -1.0, 0.3), stats.norm(0.5, 0.6)
    pushed, errors = mean_field.push_forward(net, g0, 1.0), []
    exact = [
        integrate.quad(lambda q, k=k: float(pushed.ppf(q)) ** k, 0, 1, epsabs=1e-11)[0]
        for k in (1, 2, 3)
    ]
    for cells in (200, 400, 800):
        sol = mean_field.solve(net, g0, Grid(-6.0, 7.0, cells), [0.0, 1.0])
        assert sol.moment(0)[-1] == pytest.approx(1.0, abs=1e-12)
        errors.append([abs(sol.moment(k)[-1] - exact[k - 1]) for k in (1, 2, 3)])
        assert sol.mean[-1] == pytest.approx(sol.moment(1)[-1], rel=1e-12)
        variance = sol.moment(2)[-1] - sol.moment(1)[-1] ** 2
        assert sol.variance[-1] == pytest.approx(variance, rel=1e-11)
    assert (np.array(errors[-1]) < 2e-6).all()
    assert (np.array(errors[0]) / np.array(errors[-1]) > 4.0**2.5).all()


def test_variance_of_a_concentrated_density_is_not_negative():
    grid = Grid(-3.0, 4.0, 101)
    net = SimResNet("identity", -1.0, 0.37)
    sol = mean_field.solve(net, stats.norm(0.37, 0.3), grid, [0.0, 5.0, 20.0])
    assert (sol.variance > 0.0).all()
    assert (sol.variance[1:] < grid.dx**2).all()


def test_law_density_and_averages_give_the_same_start():
    grid = Grid(-6.0, 6.0, 800)
    g0 = stats.norm(0.2, 0.7)
    net = SimResNet("tanh", -1.0, 0.0)
    starts = [
        mean_field.solve(net, form, grid, [0.0]).density[0]
        for form in (g0, g0.pdf, grid.average(g0.pdf))
    ]
    np.testing.assert_allclose(starts[1], starts[0], atol=1e-9)
    np.testing.assert_array_equal(starts[2], starts[1])


def test_normalize_takes_the_conditional_law():
    grid = Grid(0.0, 3.0, 300)
    net = SimResNet("tanh", -1.0, 0.0)
    sol = mean_field.solve(net, stats.norm(0.0, 1.0), grid, [0.0], normalize=True)
    half_normal = stats.truncnorm(0.0, 3.0)
    np.testing.assert_allclose(sol.density[0], half_normal.pdf(grid.centers), atol=1e-4)
    assert sol.mass[0] == pytest.approx(1.0, abs=1e-14)


def test_stability_factor_printed_and_corrected():
    net = SimResNet("sigmoid", 3.0, 0.0)
    assert mean_field.stability_factor(net, 2.0, as_printed=True) == pytest.approx(math.exp(0.5))
    assert mean_field.stability_factor(net, 2.0) == pytest.approx(math.exp(1.5))
    moving = SimResNet("identity", lambda t: -2.0 * t, 0.0)
    assert mean_field.stability_factor(moving, 1.5) == pytest.approx(math.exp(1.5**2))
    assert mean_field.stability_factor(SimResNet("gcu", 1.0, 0.0), 1.0) == math.inf
    assert mean_field.stability_factor(SimResNet("gcu", 1.0, 0.0), 0.0) == 1.0


def test_printed_stability_estimate_is_exceeded_and_the_corrected_one_holds():
    net = SimResNet("identity", 3.0, 0.0)
    a, b = np.array([0.0, 1.0]), np.array([0.2, 1.5])
    ends = [network.propagate(net, x, 1.0) for x in (a, b)]
    growth = wasserstein(*ends) / wasserstein(a, b)
    assert growth > mean_field.stability_factor(net, 1.0, as_printed=True)
    assert growth <= mean_field.stability_factor(net, 1.0) * (1.0 + 1e-12)


def test_concentrated_density_is_refused_where_it_overflows_and_zero_elsewhere():
    net, g0 = SimResNet("identity", -1.0, 0.0), stats.norm(0.0, 1.0)
    assert mean_field.exact(net, g0, 1000.0, [1.0])[0] == 0.0
    with pytest.raises(FloatingPointError, match=r"t=1000\.0 exceeds"):
        mean_field.exact(net, g0, 1000.0, [0.0, 1.0])


def test_variance_far_from_the_origin_keeps_its_digits():
    net = SimResNet("tanh", -1.0, 1e8 + 0.5)
    sol = mean_field.solve(net, stats.uniform(1e8, 1.0), Grid(1e8, 1e8 + 1.0, 50), [0.0, 5.0])
    assert sol.variance[0] == pytest.approx(1.0 / 12.0, rel=1e-6)
    assert 0.0 < sol.variance[1] < 1e-3


def test_stability_factor_sees_a_pulse_of_the_weight():
    net = SimResNet("identity", lambda t: 100.0 * (abs(t - 5.03) < 0.005), 0.0)
    assert mean_field.stability_factor(net, 10.0) == pytest.approx(math.e, rel=1e-3)


@pytest.mark.parametrize("w", [-1.0, lambda t: -1.0])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_numbers_give_numbers(activation, w):
    pushed = mean_field.push_forward(SimResNet(activation, w, 0.1), stats.norm(), 0.5)
    for method in (pushed.pdf, pushed.cdf, pushed.ppf):
        assert np.shape(method(0.3)) == ()


def test_a_run_can_be_continued_from_its_own_density():
    net, grid = SimResNet("tanh", -1.0, 0.0), Grid(-4.0, 4.0, 100)
    there = mean_field.solve(net, stats.norm(0.0, 0.5), grid, [0.0, 1.0]).density[-1]
    there[0] = -1e-20
    onward = mean_field.solve(net, there, grid, [0.0, 1.0])
    assert onward.density.min() >= -1e-14
    assert onward.mass[-1] == pytest.approx(1.0, abs=1e-6)
    there[0] = -1e-3
    with pytest.raises(ValueError, match="g0 must be non-negative"):
        mean_field.solve(net, there, grid, [0.0, 1.0])
