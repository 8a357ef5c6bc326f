"""The 1-Wasserstein distance against scipy, closed forms and the axioms of a metric."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from kinetic import Grid, SimResNet, mean_field
from kinetic.distances import wasserstein
from kinetic.grid import CellLaw

samples = st.integers(1, 30).flatmap(
    lambda size: arrays(float, size, elements=st.floats(-100.0, 100.0))
)


@given(samples, samples)
def test_agrees_with_scipy_for_any_sizes(a, b):
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-11)


@given(samples, samples, samples)
def test_is_a_metric_on_samples(a, b, c):
    assert wasserstein(a, a) == 0.0
    assert wasserstein(a, b) == pytest.approx(wasserstein(b, a), abs=1e-12)
    assert wasserstein(a, c) <= wasserstein(a, b) + wasserstein(b, c) + 1e-11


@given(samples, st.floats(-50.0, 50.0), st.floats(0.1, 10.0))
def test_translates_and_scales(a, shift, scale):
    assert wasserstein(a, a + shift) == pytest.approx(abs(shift), abs=1e-12)
    assert wasserstein(scale * a, scale * a + shift) == pytest.approx(abs(shift), abs=1e-11)


def test_between_smooth_laws_of_known_distance():
    assert wasserstein(stats.norm(0, 1), stats.norm(2, 1)) == pytest.approx(2.0, rel=1e-8)
    # W1(N(0,1), N(0,4)) = E|Z| since the optimal map is x -> 2x.
    exact = np.sqrt(2.0 / np.pi)
    assert wasserstein(stats.norm(0, 1), stats.norm(0, 2)) == pytest.approx(exact, rel=1e-6)


def test_from_a_point_to_a_uniform_law():
    assert wasserstein(np.array([0.3]), stats.uniform(0, 1)) == pytest.approx(
        (0.3**2 + 0.7**2) / 2.0, rel=1e-7
    )


def test_of_cell_laws_is_exact():
    grid = Grid(0.0, 1.0, 5)
    first, last = np.eye(5)[0] / grid.dx, np.eye(5)[4] / grid.dx
    assert wasserstein(CellLaw(grid, first), CellLaw(grid, last)) == pytest.approx(0.8, rel=1e-14)
    # The first cell is uniform on [0, 0.2]: its distance to the point 0 is half a cell.
    assert wasserstein(CellLaw(grid, first), np.zeros(3)) == pytest.approx(0.1, rel=1e-14)


def test_crossing_distribution_functions_are_integrated_exactly():
    grid = Grid(0.0, 1.0, 5)
    hat = CellLaw(grid, np.array([0.0, 0.0, 5.0, 0.0, 0.0]))
    flat = CellLaw(grid, np.ones(5))
    # |F - G| is two triangles of base 0.5 and height 0.4 ... with F steep in the middle cell.
    assert wasserstein(hat, flat) == pytest.approx(2 * 0.5 * 0.5 * 0.4, rel=1e-13)


def test_of_a_large_sample_to_its_law_is_of_the_predicted_size():
    rng = np.random.default_rng(3)
    size = 100_000
    # E W1 -> sqrt(2 / (pi M)) int sqrt(G (1 - G)) = sqrt(2 / (pi M)) pi / 8 for U[0, 1].
    predicted = np.sqrt(2.0 / (np.pi * size)) * np.pi / 8.0
    mean = np.mean([wasserstein(rng.random(size), stats.uniform()) for _ in range(20)])
    assert mean == pytest.approx(predicted, rel=0.25)


@pytest.mark.parametrize("t", [8.0, 16.0])
def test_of_a_nearly_atomic_law_agrees_with_its_quantiles(t):
    net = SimResNet("gcu", np.pi / 6, -5 * np.pi / 6)
    law = mean_field.push_forward(net, stats.uniform(2, 6), t)
    ends = law.ppf((np.arange(20_000) + 0.5) / 20_000)
    nearest = np.abs(ends - np.where(ends < 5.0, 2.0, 8.0)).mean()
    assert wasserstein(law, [2.0, 8.0]) == pytest.approx(nearest, rel=1e-2)


def test_of_a_law_with_one_dominant_atom():
    class Mixture:
        """An atom of mass 0.9995 at 0, the rest standard normal."""

        def cdf(self, x):
            return 0.9995 * (np.asarray(x) >= 0.0) + 0.0005 * stats.norm.cdf(x)

        def ppf(self, q):
            q = np.asarray(q)
            below, above = stats.norm.ppf(np.clip(np.array([q, q - 0.9995]) / 0.0005, 0.0, 1.0))
            return np.where(q < 0.00025, below, np.where(q > 0.99975, above, 0.0))

    exact = 0.0005 * np.sqrt(2.0 / np.pi)
    assert wasserstein(Mixture(), [0.0]) == pytest.approx(exact, rel=1e-6)


def test_in_the_plane_is_the_best_of_all_assignments():
    a, b = np.random.default_rng(0).normal(size=(2, 5, 2))
    costs = [np.linalg.norm(a - b[list(p)], axis=1).mean() for p in permutations(range(5))]
    assert wasserstein(a, b) == pytest.approx(min(costs), rel=1e-14)
    assert min(costs) < costs[0]


def test_in_the_plane_reduces_to_the_line():
    a, b = np.random.default_rng(1).normal(size=(2, 40))
    lifted = [np.column_stack([x, 3.0 + 0.0 * x]) for x in (a, b)]
    assert wasserstein(*lifted) == pytest.approx(wasserstein(a, b), rel=1e-12)


def test_to_a_dirac_is_the_mean_distance():
    a = np.random.default_rng(2).normal(size=(7, 3))
    point = np.array([[1.0, 2.0, 3.0]])
    exact = np.sqrt(((a - point) ** 2).sum(axis=1)).mean()
    assert wasserstein(a, point) == pytest.approx(exact, rel=1e-14)
    assert wasserstein(point, a) == pytest.approx(exact, rel=1e-14)
    assert wasserstein(a, np.repeat(point, 7, axis=0)) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize("shapes", [((3, 2), (4, 2)), ((3, 2), (3, 3)), ((3, 2), (3,))])
def test_samples_in_the_plane_of_other_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match=r"samples? .*got"):
        wasserstein(*map(np.ones, shapes))


def test_too_many_samples_to_assign_are_refused():
    with pytest.raises(ValueError, match="limited to 4096 points; got 4097"):
        wasserstein(np.ones((4097, 2)), np.ones((4097, 2)))


@pytest.mark.parametrize("t", [30.0, 40.0, 50.0])
def test_a_law_gathered_in_less_than_rounding_is_close_to_its_limit(t):
    net, g0 = SimResNet("gcu", -0.7, 0.3), stats.uniform(-6.0, 10.0)
    limit = mean_field.steady_states(net, (-12.0, 12.0)).limit(g0)
    assert wasserstein(mean_field.push_forward(net, g0, t), limit) < 1e-8
