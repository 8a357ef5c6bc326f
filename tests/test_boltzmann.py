"""Collisions: laws and moments against closed forms, clocks, reproducibility, bad input."""

import re

import numpy as np
import pytest
from scipy import integrate, interpolate, stats

from kinetic import Grid, SimResNet, activations, boltzmann, network
from kinetic.distances import wasserstein

G0 = stats.norm(1.0, 0.5)
DECAY = SimResNet("identity", -1.0, 0.3)
GRID = Grid(-6.0, 7.0, 1500)
NOISES = ("gaussian", "uniform", "two-point")
SURE = 4.5
"""Standard errors that a mean may be off: exceeded once in 150,000."""


def sample(count, seed=1):
    return G0.rvs(count, random_state=np.random.default_rng(seed))


def deviations(powers, expected):
    """How many standard errors the means of samples (M, k) are from what is expected."""
    return abs(powers.mean(axis=0) - expected) / powers.std(axis=0) * len(powers) ** 0.5


def powers(x, order):
    return x[:, None] ** np.arange(1, order + 1)


def poisson_mixture(x, time, epsilon, nu, clock):
    """Law for the identity, K = 1 and Gaussian noise: normal given the number of collisions."""
    w, b = DECAY.parameters(0.0)
    n = np.arange(600)
    a, rest = 1.0 + epsilon * w, -b / w
    means = rest + a**n * (G0.mean() - rest)
    variances = a ** (2 * n) * G0.var() + epsilon * nu**2 * (1 - a ** (2 * n)) / (1 - a * a)
    lam = time / epsilon
    chances = stats.poisson.pmf(n, lam) if clock == "exact" else (n == round(lam)).astype(float)
    return stats.norm.cdf((x[:, None] - means) / np.sqrt(variances)) @ chances


def expectation(law, function):
    """Of a smooth law from its distribution function at the faces, to about 1e-9."""
    x = law.grid.faces
    density = interpolate.CubicSpline(x, law.cdf(x)).derivative()
    return np.trapezoid(function(x) * density(x), x)


# ------------------------------------------------------------------------------- deterministic


@pytest.mark.parametrize("clock", ["exact", "fast"])
@pytest.mark.parametrize(("epsilon", "nu"), [(0.05, 0.8), (0.5, 1.0), (0.9 / 2, 0.1)])
def test_law_is_the_closed_mixture_of_normal_laws(epsilon, nu, clock):
    time = 2 * epsilon if epsilon > 0.1 else 1.0
    law = boltzmann.law(DECAY, G0, GRID, time, epsilon=epsilon, nu=nu, clock=clock)
    expected = poisson_mixture(GRID.faces, time, epsilon, nu, clock)
    assert abs(law.cdf(GRID.faces) - expected).max() < 1e-7


def test_many_collisions_do_not_amplify_rounding_at_the_ends():
    net, epsilon = SimResNet("tanh", -0.5, 0.5), 0.00625
    law = boltzmann.law(
        net, stats.norm(-1.0, 0.5), Grid(-5.0, 4.0, 2400), 2.0, epsilon=epsilon, clock="fast"
    )
    start = np.linspace(-4.5, 2.5, 71)
    end = network.propagate(net, start, 2.0, method="euler", step=epsilon)
    faces = law.grid.faces
    found = interpolate.CubicSpline(faces, law.cdf(faces))(end)
    assert abs(found - stats.norm.cdf(start, -1.0, 0.5)).max() < 1e-8
    assert law.averages[faces[:-1] > 3.5].max() < 1e-10


def test_weak_form_holds_for_any_activation_and_diffusion():
    net, epsilon, nu, h = SimResNet("tanh", -2.0, 0.5), 0.2, 0.4, 1e-3

    def diffusion(x):
        return 1.0 + 0.3 * np.sin(x)

    def phi(x):
        return np.exp(-((x - 0.3) ** 2))

    def mean(time, function):
        law = boltzmann.law(
            net, G0, GRID, time, epsilon=epsilon, nu=nu, diffusion=diffusion, noise="two-point"
        )
        return expectation(law, function)

    def gain(x):
        drift, spread = net.velocity(x), nu * np.sqrt(epsilon) * diffusion(x)
        after = x + epsilon * drift
        return (phi(after + spread) + phi(after - spread)) / 2.0 - phi(x)

    slope = (mean(1.0 + h, phi) - mean(1.0 - h, phi)) / (2.0 * h)
    assert slope == pytest.approx(mean(1.0, gain) / epsilon, abs=1e-6)
    assert abs(slope) > 1e-2


def corrections(time, nu, fourth):
    """First order in epsilon of the density, sum of c_k d^k g / dx^k, against the limit."""
    w, b = DECAY.parameters(0.0)

    def limit(t):
        mean = -b / w + np.exp(w * t) * (G0.mean() + b / w)
        return mean, np.exp(2 * w * t) * G0.var() + nu**2 * np.expm1(2 * w * t) / (2 * w)

    def rate(t, c):
        mean, variance = limit(t)
        u = w * mean + b
        sources = (
            (u**2 + w**2 * variance) / 2,
            -u * (w * variance + nu**2 / 2),
            w * variance * (w * variance + nu**2) / 2 + fourth * nu**4 / 24,
        )
        return np.array([2, 3, 4]) * w * c + sources

    return limit(time), integrate.solve_ivp(rate, (0, time), np.zeros(3), rtol=1e-10).y[:, -1]


@pytest.mark.parametrize(
    ("noise", "fourth"), [("gaussian", 3.0), ("uniform", 1.8), ("two-point", 1.0)]
)
def test_distance_to_fokker_planck_is_linear_in_epsilon_with_the_predicted_constant(noise, fourth):
    (mean, variance), c = corrections(1.0, 0.8, fourth)
    limit = stats.norm(mean, np.sqrt(variance))
    strengths = np.array([0.1, 0.05, 0.025])
    laws = [boltzmann.law(DECAY, G0, GRID, 1.0, epsilon=e, nu=0.8, noise=noise) for e in strengths]
    distances = np.array([wasserstein(law, limit) for law in laws])
    order = np.polyfit(np.log(strengths), np.log(distances), 1)[0]
    assert order == pytest.approx(1.0, abs=0.04)

    x, s = GRID.faces, np.sqrt(variance)
    z = (x - mean) / s
    g = limit.pdf(x)
    first, second, third = -z / s * g, (z**2 - 1) / s**2 * g, -(z**3 - 3 * z) / s**3 * g
    constant = np.trapezoid(abs(c[0] * first + c[1] * second + c[2] * third), x)
    extrapolated = 2 * distances[2] / 0.025 - distances[1] / 0.05
    assert extrapolated == pytest.approx(constant, rel=0.005)


def test_mean_field_limit_is_approached_linearly_from_a_smooth_law():
    net, time = SimResNet("identity", -1.0, 0.0), 1.0
    limit = stats.norm(np.exp(-time), 0.5 * np.exp(-time))
    distances = np.array(
        [
            wasserstein(boltzmann.law(net, G0, Grid(-3, 5, 4000), time, epsilon=e), limit)
            for e in (0.04, 0.02, 0.01)
        ]
    )
    x = np.linspace(-3, 5, 8001)
    bend = np.gradient(x**2 * limit.pdf(x), x)
    constant = time / 2 * np.trapezoid(abs(bend), x)
    assert np.log2(distances[:-1] / distances[1:]) == pytest.approx(1.0, abs=0.05)
    assert distances[-1] / 0.01 == pytest.approx(constant, rel=0.02)


# --------------------------------------------------------------------------------- Monte Carlo


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("clock", ["exact", "fast"])
def test_simulated_law_is_the_deterministic_one(noise, clock):
    net = SimResNet("tanh", -2.0, 1.0)
    options = {"epsilon": 0.25, "nu": 0.6, "noise": noise, "clock": clock}
    particles = boltzmann.simulate(net, sample(40000), [0.0, 0.5, 1.5], **options, rng=3)[2]
    law = boltzmann.law(net, G0, GRID, 1.5, **options)
    assert stats.kstest(particles, law.cdf).pvalue > 1e-4
    other = boltzmann.law(net, G0, GRID, 1.5, **{**options, "nu": 0.65})
    assert stats.kstest(particles, other.cdf).pvalue < 1e-4


def test_the_clocks_and_the_noises_differ_and_the_tests_see_it():
    options = {"epsilon": 0.5, "nu": 0.8}
    exact = boltzmann.law(DECAY, G0, GRID, 1.0, **options)
    fast = boltzmann.law(DECAY, G0, GRID, 1.0, **options, clock="fast")
    coin = boltzmann.law(DECAY, G0, GRID, 1.0, **options, noise="two-point")
    assert wasserstein(exact, fast) > 0.03
    assert wasserstein(exact, coin) > 0.005


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("diffusion", ["1", "x"])
def test_moments_of_particles_follow_the_closed_system(noise, diffusion):
    options = {"epsilon": 0.2, "nu": 0.5, "noise": noise, "diffusion": diffusion}
    times, start = [0.0, 0.4, 1.0], [G0.moment(k) if k else 1.0 for k in range(5)]
    expected = boltzmann.moments(DECAY, start, times, **options)
    particles = boltzmann.simulate(DECAY, sample(100_000), times, **options, rng=4)
    for states, moments in zip(particles, expected, strict=True):
        assert deviations(powers(states, 4), moments[1:]).max() < SURE


def test_a_callable_diffusion_gives_what_its_name_gives():
    for name, function in (("1", lambda x: np.ones(x.shape)), ("x", lambda x: 1.0 * x)):
        runs = [
            boltzmann.simulate(DECAY, sample(1000), [0, 1], epsilon=0.1, nu=0.5, diffusion=k)
            for k in (name, function)
        ]
        assert np.allclose(*runs, rtol=1e-14, atol=0)


def test_parameters_that_depend_on_time_are_read_at_the_collisions():
    net = SimResNet("identity", lambda t: -1.0 - t, lambda t: np.cos(3.0 * t))
    times = [0.0, 1.0, 2.0]
    expected = boltzmann.moments(net, [1.0, 1.0, 1.25], times, epsilon=0.3, nu=0.4)
    particles = boltzmann.simulate(net, sample(100_000), times, epsilon=0.3, nu=0.4, rng=5)
    for states, moments in zip(particles, expected, strict=True):
        assert deviations(powers(states, 2), moments[1:]).max() < SURE
    still = boltzmann.moments(
        SimResNet("identity", -1.5, 0.0), [1.0, 1.0, 1.25], times, epsilon=0.3
    )
    assert deviations(powers(particles[1], 2), still[1, 1:]).max() > 3 * SURE


@pytest.mark.parametrize("b", [1.0, lambda t: 1.0], ids=["rounds", "waits"])
@pytest.mark.parametrize("epsilon", [0.5, 0.03])
def test_collisions_are_counted_by_a_poisson_law(b, epsilon):
    net = SimResNet("identity", 0.0, b)
    moved = boltzmann.simulate(net, np.zeros(40000), [0.0, 0.6, 1.2], epsilon=epsilon, rng=6)[2]
    counts = np.rint(moved / epsilon).astype(int)
    assert abs(moved - epsilon * counts).max() < 1e-12
    seen = np.bincount(counts)
    expected = stats.poisson.pmf(np.arange(seen.size), 1.2 / epsilon) * counts.size
    common = expected > 5
    assert stats.chisquare(
        [*seen[common], seen[~common].sum()],
        [*expected[common], counts.size - expected[common].sum()],
    ).pvalue > 1e-4  # fmt: skip


def test_times_of_collisions_are_uniform_given_their_number():
    net = SimResNet("identity", 0.0, lambda t: t)
    x = boltzmann.simulate(net, np.zeros(100_000), [0.0, 1.0], epsilon=0.5, rng=7)[1]
    # Compound Poisson: the times have mean 1/2 and square 1/3, two collisions are expected.
    expected = np.array([0.5 * 2 / 2, 0.25 * 2 / 3 + 0.25])
    assert deviations(powers(x, 2), expected).max() < SURE


@pytest.mark.parametrize("epsilon", [1.0, 0.125])
def test_without_noise_the_fast_clock_is_the_network(epsilon):
    net = SimResNet("tanh", lambda t: 1.0 - t, lambda t: 0.5 * t)
    x0, times = sample(1000), [0.0, 1.0, 3.0]
    layers = network.propagate(net, x0, times, method="euler", step=epsilon)
    particles = boltzmann.simulate(net, x0, times, epsilon=epsilon, clock="fast")
    assert np.allclose(particles, layers, rtol=1e-14, atol=1e-15)


def test_threads_do_not_matter_and_seeds_do():
    x0 = sample(20000)
    for net in (DECAY, SimResNet("tanh", lambda t: -t, 0.1)):
        runs = [
            boltzmann.simulate(net, x0, [0, 1], epsilon=0.1, nu=0.5, rng=8, threads=k)
            for k in (1, 3)
        ]
        assert np.array_equal(*runs)
    generator = np.random.default_rng(8)
    first, second = (
        boltzmann.simulate(DECAY, x0, [0, 1], epsilon=0.1, nu=0.5, rng=generator) for _ in range(2)
    )
    repeated = boltzmann.simulate(
        DECAY, x0, [0, 1], epsilon=0.1, nu=0.5, rng=np.random.default_rng(8)
    )
    assert np.array_equal(first, repeated)
    assert (first[1] != second[1]).mean() > 0.99
    noise = (first[1] - first[1].mean())[: 2 * boltzmann.CHUNK].reshape(2, -1)
    assert abs(np.corrcoef(noise)[0, 1]) < SURE / boltzmann.CHUNK**0.5


def test_an_activation_without_compiled_form_gives_the_same_particles():
    plain = activations.custom(np.tanh, name="hyperbolic")
    for w, b in ((-1.0, 0.3), (lambda t: -t, 0.3)):
        runs = [
            boltzmann.simulate(SimResNet(s, w, b), sample(500), [0, 1], epsilon=0.1, nu=0.5)
            for s in ("tanh", plain)
        ]
        assert np.allclose(*runs, rtol=1e-12, atol=1e-13)
    w = [[-1.0, 0.5], [0.2, -0.7]]
    for x0 in (sample(60), sample(60).reshape(30, 2)):
        runs = [
            boltzmann.simulate_binary(SimResNet(s, w, [0.1, 0.2]), x0, [0, 2], epsilon=0.5)
            for s in ("tanh", plain)
        ]
        assert np.allclose(*runs, rtol=1e-12, atol=1e-13)


# ------------------------------------------------------------------------------------- moments


def test_second_moment_has_the_term_of_order_epsilon():
    w, b, epsilon, nu, h = -1.3, 0.4, 0.3, 0.7, 1e-4
    m1, m2 = 0.8, 1.9
    net = SimResNet("identity", w, b)
    for diffusion, square in (("1", 1.0), ("x", m2)):
        found = boltzmann.moments(
            net, [1.0, m1, m2], [0.0, h, 2 * h], epsilon=epsilon, nu=nu, diffusion=diffusion
        )
        slope = (4 * found[1] - 3 * found[0] - found[2]) / (2 * h)
        u_squared = w**2 * m2 + 2 * w * b * m1 + b**2
        expected = 2 * (w * m2 + b * m1) + nu**2 * square + epsilon * u_squared
        assert slope == pytest.approx([0.0, w * m1 + b, expected], abs=1e-6)


def test_symmetric_noises_part_at_the_fourth_moment():
    start = [1.0, 0.3, 0.8, 0.5, 1.7]
    found = [
        boltzmann.moments(DECAY, start, [0.0, 1.0], epsilon=0.2, nu=0.6, noise=n)[1] for n in NOISES
    ]
    assert np.allclose(found[0][:4], found[1][:4], rtol=1e-13)
    assert np.allclose(found[0][:4], found[2][:4], rtol=1e-13)
    # d m4 = epsilon nu^4 (3 - kurtosis) int exp(lambda_4 (1 - s)) ds, lambda_4 = (a^4 - 1)/epsilon
    growth = ((1 - 0.2) ** 4 - 1) / 0.2
    for other, kurtosis in zip(found[1:], (1.8, 1.0), strict=True):
        gap = 0.2 * 0.6**4 * (3 - kurtosis) * np.expm1(growth) / growth
        assert found[0][4] - other[4] == pytest.approx(gap, rel=1e-10)


def test_moments_agree_with_the_law():
    law = boltzmann.law(DECAY, G0, GRID, 1.0, epsilon=0.1, nu=0.2, diffusion="x", noise="uniform")
    start = [G0.moment(k) if k else 1.0 for k in range(5)]
    found = boltzmann.moments(
        DECAY, start, [0.0, 1.0], epsilon=0.1, nu=0.2, diffusion="x", noise="uniform"
    )[1]
    computed = [expectation(law, lambda x, k=k: x**k) for k in range(5)]
    assert computed == pytest.approx(found, rel=1e-7)


def test_moments_with_functions_of_time_agree_with_constant_ones():
    times, start = np.array([0.5, 1.0, 3.0]), [1.0, 1.0, 2.0, 3.0]
    moving = SimResNet("identity", lambda t: -1.0, lambda t: 0.3)
    options = {"epsilon": 0.2, "nu": 0.6}
    assert np.allclose(
        boltzmann.moments(DECAY, start, times, **options),
        boltzmann.moments(moving, start, times, **options),
        rtol=1e-10,
    )


# ---------------------------------------------------------------------------------- two particles

PLANE = SimResNet("identity", [[-1.0, 0.5], [0.7, -2.0]], [0.3, -0.2])
MOVING = SimResNet(
    "identity", lambda t: np.array([[-1.0, 0.5 * t], [0.7, -2.0]]), lambda t: np.array([0.3, -t])
)


@pytest.mark.parametrize("net", [PLANE, MOVING], ids=["constant", "moving"])
@pytest.mark.parametrize("populations", [1, 2])
def test_binary_collisions_follow_their_moments(net, populations):
    x0 = np.random.default_rng(9).normal(1.0, 1.0, (100_000, 2))
    x0[:, 1] -= 0.8 * x0[:, 0]
    x0 = x0[:, 0] if populations == 1 else x0
    times = [0.0, 0.7, 2.0]
    start = np.stack([x0.mean(axis=0), (x0**2).mean(axis=0)], axis=-1)
    expected = boltzmann.binary_moments(net, start, times, epsilon=0.5).reshape(3, -1, 2)
    states = boltzmann.simulate_binary(net, x0, times, epsilon=0.5, rng=10)
    for found, moments in zip(states.reshape(3, len(x0), -1), expected, strict=True):
        for column, pair in zip(found.T, moments, strict=True):
            assert deviations(powers(column, 2), pair).max() < SURE


def test_a_collision_of_two_is_the_rule_of_the_remark():
    net = SimResNet("tanh", [[1.0, -2.0], [0.5, 3.0]], [0.1, -0.4])
    x, y = 0.7, -0.2
    after = boltzmann.simulate_binary(net, [[x, y], [x, y]], [0.0, 1.0], clock="fast")[1]
    expected = [
        x + np.tanh((1.0 * x - 2.0 * y) / 2 + 0.1), y + np.tanh((3.0 * y + 0.5 * x) / 2 - 0.4)
    ]  # fmt: skip
    assert after == pytest.approx(np.array([expected] * 2), rel=1e-14)


def test_the_fast_clock_of_pairs_approaches_the_exact_one():
    x0 = np.random.default_rng(12).normal(1.0, 1.0, (40000, 2))
    start = np.stack([x0.mean(axis=0), (x0**2).mean(axis=0)], axis=-1)
    expected = boltzmann.binary_moments(PLANE, start, [0.0, 1.0], epsilon=0.0)[1]
    errors = []
    for epsilon in (0.5, 0.125):
        states = boltzmann.simulate_binary(PLANE, x0, [0.0, 1.0], epsilon=epsilon, clock="fast")[1]
        errors.append(abs((states**2).mean(axis=0) - expected[:, 1]).max())
    assert errors[0] / errors[1] == pytest.approx(4.0, abs=1.5)


# ------------------------------------------------------------------------------------- bad input


def run(net=DECAY, x0=(1.0, 2.0), times=(0.0, 1.0), epsilon=0.5, **options):
    return boltzmann.simulate(net, x0, times, epsilon=epsilon, **options)


def binary(x0=((1.0, 2.0), (0.0, 1.0)), net=PLANE, times=(0.0, 1.0), **options):
    return boltzmann.simulate_binary(net, x0, times, **options)


def law(net=DECAY, g0=G0, grid=GRID, time=1.0, epsilon=0.1, **options):
    return boltzmann.law(net, g0, grid, time, epsilon=epsilon, **options)


def moments(net=DECAY, m0=(1.0, 0.0, 1.0), times=(0.0, 1.0), epsilon=0.1, **options):
    return boltzmann.moments(net, m0, times, epsilon=epsilon, **options)


TANH = SimResNet("tanh", 1.0, 0.0)
GROWING = SimResNet("identity", 400.0, 0.0)
CASES = {
    "not a network": (lambda: run(net="tanh"), TypeError, "net must be a kinetic.SimResNet"),
    "network in the plane": (lambda: run(net=PLANE), ValueError, "dimension 1; got 2"),
    "x0 a matrix": (lambda: run(x0=np.ones((3, 2))), ValueError, r"x0.*\(M,\).*\(3, 2\)"),
    "x0 empty": (lambda: run(x0=[]), ValueError, "M >= 1"),
    "x0 with nan": (lambda: run(x0=[1.0, np.nan]), ValueError, r"x0.*nan at index \(1\)"),
    "times decrease": (lambda: run(times=[0.0, -1.0]), ValueError, "times must increase"),
    "epsilon zero": (lambda: run(epsilon=0.0), ValueError, r"epsilon.*\(0, 1\]; got 0.0"),
    "epsilon above one": (lambda: run(epsilon=1.5), ValueError, r"epsilon.*\(0, 1\]; got 1.5"),
    "epsilon negative": (lambda: run(epsilon=-0.1), ValueError, "epsilon"),
    "epsilon a text": (lambda: run(epsilon="small"), TypeError, "epsilon.*'small'"),
    "epsilon tiny": (lambda: run(epsilon=1e-9), ValueError, "epsilon=1e-09 asks for 1e.09"),
    "nu negative": (lambda: run(nu=-1.0), ValueError, "nu must be.*at least 0; got -1.0"),
    "nu nan": (lambda: run(nu=np.nan), ValueError, "nu must be"),
    "unknown noise": (lambda: run(noise="cauchy"), ValueError, "noise must be one of 'gaussian'"),
    "unknown clock": (lambda: run(clock="slow"), ValueError, "clock must be one of 'exact'"),
    "unknown K": (lambda: run(diffusion="x^2"), ValueError, "diffusion must be '1', 'x'"),
    "K of wrong shape": (lambda: run(diffusion=lambda x: x[:1]), ValueError, "one value for each"),
    "K nan": (lambda: run(diffusion=lambda x: x * np.nan), ValueError, "diffusion must be finite"),
    "K nan later": (
        lambda: run(diffusion=lambda x: np.where(x < 0.9, np.nan, 1.0), nu=0.1, times=[0.0, 30.0]),
        ValueError,
        "diffusion must be finite",
    ),
    "times between steps": (
        lambda: run(times=[0.0, 0.5, 1.2], clock="fast"), ValueError,
        "multiples of epsilon=0.5 apart; got 0.5 followed by 1.2",
    ),
    "negative seed": (lambda: run(rng=-1), ValueError, "rng must be.*at least 0; got -1"),
    "seed a text": (lambda: run(rng="a"), TypeError, "rng must be a numpy.random.Generator.*'a'"),
    "threads zero": (lambda: run(threads=0), ValueError, "threads"),
    "divergence": (
        lambda: run(net=GROWING, times=[0.0, 1.0, 2000.0]), FloatingPointError,
        "float64 between t=1.0 and t=2000.0",
    ),
    "divergence with a callable K": (
        lambda: run(net=GROWING, times=[0.0, 2000.0], nu=1.0, diffusion=lambda x: 1.0 + 0 * x),
        FloatingPointError, "float64 between t=0.0 and t=2000.0",
    ),
    "divergence in NumPy": (
        lambda: run(
            net=SimResNet(activations.custom(lambda u: u, name="line"), 400.0, 0.0),
            times=[0.0, 2000.0],
        ),
        FloatingPointError, "float64 between t=0.0 and t=2000.0",
    ),
    "binary of one particle": (lambda: binary(x0=[1.0]), ValueError, "M >= 2"),
    "binary of triples": (lambda: binary(x0=np.ones((4, 3))), ValueError, r"\(M, 2\).*\(4, 3\)"),
    "binary on the line": (lambda: binary(net=DECAY), ValueError, "dimension 2; got 1"),
    "binary epsilon": (lambda: binary(epsilon=2.0), ValueError, r"epsilon.*\(0, 1\]"),
    "odd number to match": (
        lambda: binary(x0=[1.0, 2.0, 3.0], clock="fast"), ValueError, "M must be even; got M=3"
    ),
    "binary divergence": (
        lambda: binary(net=SimResNet("identity", 400.0 * np.eye(2), 0.0), times=[0.0, 1e3]),
        FloatingPointError, "between t=0.0 and t=1000.0",
    ),
    "binary divergence in NumPy": (
        lambda: binary(
            net=SimResNet(activations.custom(lambda u: u, name="line"), 400.0 * np.eye(2), 0.0),
            times=[0.0, 1e3],
        ),
        FloatingPointError, "between t=0.0 and t=1000.0",
    ),
    "binary moments of three": (
        lambda: boltzmann.binary_moments(PLANE, np.ones((3, 2)), [0, 1]), ValueError, r"\(2, 2\)"
    ),
    "binary moments of tanh": (
        lambda: boltzmann.binary_moments(SimResNet("tanh", np.eye(2), 0.0), [1.0, 1.0], [0, 1]),
        ValueError, "identity, for which moments close; got 'tanh'",
    ),
    "moments of tanh": (
        lambda: moments(net=TANH),
        ValueError, "identity, for which moments close; got 'tanh'",
    ),
    "moments with another K": (lambda: moments(diffusion=np.sin), ValueError, "'1' and 'x' only"),
    "no moments": (lambda: moments(m0=[]), ValueError, "m0 must have shape"),
    "moments epsilon": (lambda: moments(epsilon=-0.1), ValueError, r"epsilon.*\[0, 1\]"),
    "moments grow": (lambda: moments(net=GROWING, times=[0.0, 9.0]), FloatingPointError, "range"),
    "moments with a large nu": (
        lambda: moments(m0=np.ones(5), nu=1e200), FloatingPointError, "coefficient.*lower w, b, nu"
    ),
    "law without values": (
        lambda: law(g0=type("Law", (), {"cdf": lambda s, x: 0.5})()), ValueError,
        r"g0 must be.*got shape \(\) for \(1501,\)",
    ),
    "law with nan": (
        lambda: law(g0=type("Law", (), {"cdf": lambda s, x: x * np.nan})()), ValueError,
        "g0 must be.*got nan",
    ),
    "law on few cells": (
        lambda: law(grid=Grid(-8, 8, 20)), ValueError, "more than 20 cells.*negative"
    ),
    "law of a moving network": (
        lambda: law(net=SimResNet("tanh", np.cos, 0.0)), ValueError, "constant w and b"
    ),
    "law from a density": (lambda: law(g0=G0.pdf), TypeError, "g0 must be a law with cdf"),
    "law without grid": (lambda: law(grid=100), TypeError, "grid must be a kinetic.Grid"),
    "law out of the grid": (lambda: law(grid=Grid(0, 1, 50)), ValueError, "must hold the law"),
    "law of a folding map": (
        lambda: law(net=SimResNet("identity", -3.0, 0.0), epsilon=0.5), ValueError,
        "not an increasing map",
    ),
    "law of a rough start": (
        lambda: law(g0=stats.norm(1.0, 1e-6), nu=0.5), ValueError, "g0 must be smooth"
    ),
    "negative time": (lambda: law(time=-1.0), ValueError, "time of at least 0; got -1.0"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_wrong_argument(name):
    call, error, message = CASES[name]
    with pytest.raises(error) as caught:
        call()
    assert re.search(message, str(caught.value)), str(caught.value)
