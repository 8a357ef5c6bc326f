"""The 1-Wasserstein distance of laws: a metric, its dual, and what a network does to it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import lines, moving_lines, normal_laws, numbers, rough
from scipy.integrate import quad

from kinetic import Grid, mean_field, network
from kinetic.distances import wasserstein
from kinetic.grid import CellLaw

SEEDS = st.integers(0, 10**6)


def cell_law(seed, cells=30):
    """A random law on a random grid."""
    rng = np.random.default_rng(seed)
    left = rng.normal()
    grid = Grid(left, left + 0.5 + 3.0 * rng.random(), cells)
    return CellLaw(grid, rough(cells, seed) / grid.dx)


def sample(seed, points=8):
    return np.random.default_rng(seed).normal(size=(points, 2)) ** 3


LAWS = st.builds(cell_law, SEEDS)
POINTS = st.builds(sample, SEEDS)


@pytest.mark.parametrize("kind", [LAWS, POINTS], ids=["laws on the line", "points in the plane"])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_is_a_metric(kind, data):
    a, b, c = (data.draw(kind) for _ in range(3))
    assert wasserstein(a, a) == pytest.approx(0.0, abs=1e-13)
    assert wasserstein(a, b) == pytest.approx(wasserstein(b, a), rel=1e-12)
    assert wasserstein(a, c) <= wasserstein(a, b) + wasserstein(b, c) + 1e-11
    assert wasserstein(a, b) >= 0.0


@given(LAWS, LAWS)
@settings(max_examples=40, deadline=None)
def test_is_the_integral_of_the_difference_of_quantiles(a, b):
    shares = np.unique(np.concatenate([a._at_faces, b._at_faces]))
    middles = (shares[1:] + shares[:-1]) / 2.0
    # Between these shares the quantiles are linear; their difference may change its sign.
    steps = np.diff(shares)
    inner = steps[:, None] * np.array([-0.4999999, 0.4999999]) + middles[:, None]
    left, right = (a.ppf(inner) - b.ppf(inner)).T
    crossing = left * right < 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        across = (left**2 + right**2) / (np.abs(left) + np.abs(right)) / 2.0
    pieces = np.where(crossing, across, (np.abs(left) + np.abs(right)) / 2.0)
    assert wasserstein(a, b) == pytest.approx(float(steps @ pieces), rel=1e-5, abs=1e-9)


@given(POINTS, POINTS, SEEDS)
@settings(max_examples=40, deadline=None)
def test_bounds_the_difference_of_means_of_lipschitz_functions(a, b, seed):
    rng = np.random.default_rng(seed)
    anchors, heights = rng.normal(size=(6, 2)), rng.normal(size=6)

    def mean(x):
        distances = np.linalg.norm(x[:, None] - anchors, axis=2)
        return (heights + distances).min(axis=1).mean()

    assert abs(mean(a) - mean(b)) <= wasserstein(a, b) + 1e-12


@given(POINTS, POINTS, numbers(0.0, 3.2), numbers(-3.0, 3.0), numbers(0.1, 5.0))
@settings(max_examples=20, deadline=None)
def test_does_not_see_motions_of_the_plane_and_scales(a, b, angle, shift, scale):
    c, s = np.cos(angle), np.sin(angle)
    turned = [scale * x @ np.array([[c, s], [-s, c]]) + shift for x in (a, b)]
    assert wasserstein(*turned) == pytest.approx(scale * wasserstein(a, b), rel=1e-11)


@given(lines(("identity", "relu", "sigmoid", "tanh")), SEEDS, SEEDS, numbers(0.01, 1.5))
@settings(max_examples=40, deadline=None)
def test_grows_at_most_by_the_stability_factor_under_a_network(net, first, second, t):
    a, b = (sample(seed, 40)[:, 0] for seed in (first, second))
    ends = [network.propagate(net, x, t) for x in (a, b)]
    bound = mean_field.stability_factor(net, t) * wasserstein(a, b)
    assert wasserstein(*ends) <= bound * (1.0 + 1e-9) + 1e-12


@given(moving_lines(("identity",)), normal_laws, normal_laws, numbers(0.0, 1.0))
@settings(max_examples=8, deadline=None)
def test_grows_by_the_derivative_of_the_flow_of_the_identity(net, a, b, t):
    rate = quad(lambda s: net.parameters(s)[0], 0.0, t)[0]
    pushed = [mean_field.push_forward(net, law, t) for law in (a, b)]
    expected = np.exp(rate) * wasserstein(a, b)
    assert wasserstein(*pushed) == pytest.approx(expected, rel=1e-5, abs=1e-9)
