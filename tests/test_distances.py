"""The 1-Wasserstein distance against scipy, closed forms and the axioms of a metric."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, stats
from scipy.spatial import distance

from kinetic import Grid, SimResNet, _clusters, _sorted, distances, mean_field
from kinetic.distances import estimate, wasserstein
from kinetic.grid import CellLaw

samples = st.integers(1, 30).flatmap(
    lambda size: arrays(float, size, elements=st.floats(-100.0, 100.0))
)


@settings(deadline=None)  # the first example compiles
@given(samples, samples)
def test_agrees_with_scipy_for_any_sizes(a, b):
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-11)


@pytest.mark.parametrize("sizes", [(30_000, 30_000), (30_000, 21_000), (9_000, 30_001), (7, 9_000)])
def test_agrees_with_scipy_for_large_samples(sizes):
    rng = np.random.default_rng(sum(sizes))
    a, b = rng.normal(size=sizes[0]), rng.gumbel(size=sizes[1])
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-13)


def test_sorting_by_digits_orders_every_kind_of_number():
    rng = np.random.default_rng(4)
    size = 2 * _sorted.FEWEST
    special = np.array([0.0, -0.0, 5e-324, -5e-324, 1.7e308, -1.7e308, 1.0, -1.0])
    for sample in (
        rng.standard_cauchy(size),
        np.round(rng.normal(size=size)),
        1.0 + 1e-15 * rng.integers(0, 50, size),
        rng.choice(special, size),
        np.full(size, -3.0),
    ):
        before = sample.copy()
        assert np.array_equal(_sorted.ascending(sample), np.sort(sample))
        assert np.array_equal(sample, before)


@settings(deadline=None)
@given(samples, samples, samples)
def test_is_a_metric_on_samples(a, b, c):
    assert wasserstein(a, a) == 0.0
    assert wasserstein(a, b) == pytest.approx(wasserstein(b, a), abs=1e-12)
    assert wasserstein(a, c) <= wasserstein(a, b) + wasserstein(b, c) + 1e-11


@settings(deadline=None)
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


@pytest.mark.parametrize("dimension", [2, 3])
def test_in_space_of_unequal_sizes_is_that_of_repeated_points(dimension):
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(9, dimension)), rng.normal(size=(6, dimension))
    repeated = np.repeat(a, 2, axis=0), np.repeat(b, 3, axis=0)
    costs = distance.cdist(*repeated)
    exact = costs[optimize.linear_sum_assignment(costs)].mean()
    assert wasserstein(a, b) == pytest.approx(exact, rel=1e-13)
    assert wasserstein(*repeated) == pytest.approx(exact, rel=1e-13)
    assert wasserstein(1e-200 * a, 1e-200 * b) == pytest.approx(1e-200 * exact, rel=1e-13)


def test_a_distance_out_of_range_is_refused():
    for a, b in (
        (np.full(3, 1.7e308), np.full(3, -1.7e308)),
        (np.full(3, 1.7e308), np.full(2, -1.7e308)),
        (np.full((3, 2), 1.7e308), np.full((2, 2), -1.7e308)),
        (np.full((3, 2), 1.7e308), np.full((1, 2), -1.7e308)),
    ):
        with pytest.raises(FloatingPointError, match="distance exceeds the range"):
            wasserstein(a, b)
    for zeros in (np.zeros(2), np.zeros(3)):
        assert wasserstein([1e308, 1e308], zeros) == pytest.approx(1e308, rel=1e-14)
    point = np.array([[1e200, 1e200]])
    assert wasserstein(point, -point) == pytest.approx(8.0**0.5 * 1e200, rel=1e-14)


# ---------------------------------------------------------------------------------- approximate


@pytest.mark.parametrize("clusters", [2, 16, 100, 512])
@pytest.mark.parametrize("dimension", [2, 3])
def test_an_estimate_is_within_its_error(dimension, clusters):
    rng = np.random.default_rng(clusters)
    a = rng.standard_t(3.0, size=(900, dimension))
    b = rng.normal(0.3, 1.0, size=(700, dimension)) ** 2
    found = estimate(a, b, clusters=clusters)
    error = abs(found.distance - wasserstein(a, b))
    assert 0.0 < error < found.error
    assert error > 1e-3 * found.error


def test_both_bounds_of_an_estimate_hold():
    rng = np.random.default_rng(9)
    for dimension in (2, 3):
        a = rng.normal(size=(800, dimension)).round(1)
        b = 1.2 * rng.normal(size=(600, dimension)) ** 3
        exact = wasserstein(a, b)
        for depth in (1, 4, 8):
            cuts = _clusters.tree(np.concatenate([a, b]), depth)
            own, other = _clusters.gather(a, *cuts), _clusters.gather(b, *cuts)
            pairs = own.centroids, own.shares, other.centroids, other.shares
            _, plan, heights = distances._transport(*pairs)
            potentials = [
                _clusters.mean_potential(c, other.centroids, heights) for c in (own, other)
            ]
            low, high = potentials[0] - potentials[1], _clusters.cost_of_plan(own, other, plan)
            assert low <= exact * (1.0 + 1e-12)
            assert high >= exact * (1.0 - 1e-12)
            every = np.linalg.norm(a[:, None] - other.centroids, axis=2) - heights
            assert potentials[0] == pytest.approx(every.min(axis=1).mean(), rel=1e-12)
        assert high - low < (0.25 if dimension == 2 else 0.45) * exact


def test_cells_hold_each_point_once():
    rng = np.random.default_rng(10)
    points = rng.normal(size=(5000, 3))
    found = _clusters.gather(points, *_clusters.tree(points, 5))
    assert np.array_equal(np.sort(found.points, axis=0), np.sort(points, axis=0))
    assert found.shares == pytest.approx(np.full(32, 1 / 32), abs=0.02)
    parts = np.split(found.points, found.first[1:-1])
    for part, centroid, radius in zip(parts, found.centroids, found.radii, strict=True):
        assert centroid == pytest.approx(part.mean(axis=0), abs=1e-14)
        assert radius == pytest.approx(np.linalg.norm(part - centroid, axis=1).max(), rel=1e-14)


def test_estimates_of_maps_that_are_optimal():
    # Each moves along lines on which a function u of slope 1 grows by the way: x . (0.6, 0.8)
    # for the shift, |x| for the stretching. So mean u(b) - mean u(a) is the distance.
    rng = np.random.default_rng(6)
    a = rng.normal(size=(50_000, 2))
    for b, exact in (
        (rng.permutation(a) + np.array([0.6, 0.8]), 1.0),
        (2.5 * rng.permutation(a), 1.5 * np.linalg.norm(a, axis=1).mean()),
    ):
        found = [estimate(a, b, clusters=clusters) for clusters in (64, 256, 1024)]
        errors = np.array([abs(one.distance - exact) for one in found])
        bounds = np.array([one.error for one in found])
        assert np.all(errors < bounds)
        assert np.all(np.diff(bounds) < 0.0)
        assert errors[-1] < 0.01 * exact
        assert bounds[-1] < 0.03 * exact


def test_in_the_plane_a_large_offset_is_not_rounded():
    a, b = np.round(1024.0 * np.random.default_rng(6).normal(size=(2, 40, 2))) / 1024.0
    offset = 3e8
    for other in (b, b[:1]):
        expected = pytest.approx(wasserstein(a, other), rel=1e-13)
        assert wasserstein(a + offset, other + offset) == expected


def test_an_estimate_of_few_points_is_exact():
    a, b = np.random.default_rng(7).normal(size=(2, 60, 2))
    assert estimate(a, b[:50], clusters=64) == (wasserstein(a, b[:50]), 0.0)


def test_an_estimate_scales_and_knows_equal_points():
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(2, 500, 2))
    one, large = estimate(a, b, clusters=64), estimate(1e300 * a, 1e300 * b, clusters=64)
    assert large == pytest.approx(1e300 * np.array(one), rel=1e-12)
    assert estimate(np.ones((99, 2)), np.ones((70, 2)), clusters=4) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0, 2.0], np.ones((3, 2))), ValueError, r"a must be a sample of shape.*got \(2,\)"),
        ((np.ones((3, 2)), np.ones((3, 3))), ValueError, r"equal dimension.*\(3, 2\) and \(3, 3\)"),
        ((np.ones((3, 2)), np.ones((3, 1))), ValueError, "b must be.*d >= 2"),
        ((np.ones((3, 2)), np.ones((3, 2)), 1), ValueError, "clusters.*at least 2; got 1"),
        ((np.ones((3, 2)), np.ones((3, 2)), 5000), ValueError, "clusters.*4096; got 5000"),
        ((np.ones((3, 2)), np.ones((3, 2)), 64.0), TypeError, "clusters must be an integer"),
        (([[np.nan, 0.0]], np.ones((3, 2))), ValueError, "a must be.*nan"),
    ],
)
def test_an_estimate_names_a_wrong_argument(arguments, error, message):
    a, b, *clusters = arguments
    with pytest.raises(error, match=message):
        estimate(a, b, **({"clusters": clusters[0]} if clusters else {}))


@pytest.mark.parametrize("shapes", [((3, 2), (3, 3)), ((3, 2), (3,))])
def test_samples_in_the_plane_of_other_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match=r"samples? .*got"):
        wasserstein(*map(np.ones, shapes))


def test_too_many_samples_in_space_are_refused():
    with pytest.raises(ValueError, match=r"limited to 4096 points; got 4097: see .*estimate"):
        wasserstein(np.ones((4097, 2)), np.ones((3, 2)))


@pytest.mark.parametrize("t", [30.0, 40.0, 50.0])
def test_a_law_gathered_in_less_than_rounding_is_close_to_its_limit(t):
    net, g0 = SimResNet("gcu", -0.7, 0.3), stats.uniform(-6.0, 10.0)
    limit = mean_field.steady_states(net, (-12.0, 12.0)).limit(g0)
    assert wasserstein(mean_field.push_forward(net, g0, t), limit) < 1e-8
