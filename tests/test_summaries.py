"""Summaries of blocks, merged in any way, against direct computation and exact laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from kinetic.summaries import Histogram, Moments, Quantiles

RNG = np.random.default_rng(5)


def merged(summary, x, parts):
    states = [summary.measure(part) for part in np.array_split(x, parts)]
    while len(states) > 1:
        states.append(summary.merge(states.pop(0), states.pop(0)))
    return summary.estimate(states[0])


def direct_moments(x):
    """By rational arithmetic, for the exact mean too."""
    from fractions import Fraction

    exact = [Fraction(float(v)) for v in x]
    mean = sum(exact) / len(exact)
    central = [float(sum((v - mean) ** k for v in exact) / len(exact)) for k in range(5)]
    return float(mean), np.array(central)


@pytest.mark.parametrize("shift", [0.0, 1e6])
@pytest.mark.parametrize("parts", [1, 2, 7, 50])
def test_moments_of_parts_are_those_of_the_whole(shift, parts):
    x = shift + RNG.gamma(2.0, size=333)
    found = merged(Moments(), x, parts)
    mean, central = direct_moments(x)
    assert found.count == x.size
    assert (found.minimum, found.maximum) == (x.min(), x.max())
    assert found.mean == pytest.approx(mean, rel=1e-15)
    # A deviation from a mean that is rounded at 1e6 is off by 1e-10 at most.
    np.testing.assert_allclose(found.central, central, rtol=1e-13 if shift == 0.0 else 1e-9)
    assert found.variance == found.central[2]


@given(arrays(float, st.integers(2, 40), elements=st.floats(-1e3, 1e3)), st.integers(1, 40))
def test_moments_merge_wherever_they_are_cut(x, cut):
    cut = min(cut, x.size - 1)
    summary = Moments()
    state = summary.merge(summary.measure(x[:cut]), summary.measure(x[cut:]))
    mean, central = direct_moments(x)
    found = summary.estimate(state)
    scale = max(abs(x).max(), 1e-300)
    assert abs(found.mean - mean) <= 1e-14 * scale
    assert (abs(found.central - central) <= 1e-12 * scale ** np.arange(5)).all()


def test_equal_particles_have_no_variance():
    found = merged(Moments(), np.full(1000, 0.1), 3)
    assert found.mean == pytest.approx(0.1, rel=1e-15)
    assert found.variance <= 1e-30


def test_standard_errors_are_those_of_the_estimates():
    x = stats.expon.rvs(size=(2000, 500), random_state=1)
    found = [merged(Moments(), row, 2) for row in x]
    for value, error in (("mean", "mean_error"), ("variance", "variance_error")):
        spread = np.std([getattr(entry, value) for entry in found])
        claimed = np.mean([getattr(entry, error) for entry in found])
        assert claimed == pytest.approx(spread, rel=0.1)


@pytest.mark.parametrize("parts", [1, 5])
def test_histogram_is_that_of_numpy_and_counts_what_is_beyond(parts):
    edges = np.linspace(-1.0, 2.0, 38)
    x = np.concatenate([RNG.uniform(-1.5, 2.5, 4000), edges, np.nextafter(edges, -9.0)])
    found = merged(Histogram((-1.0, 2.0), 37), x, parts)
    np.testing.assert_array_equal(found.counts, np.histogram(x, edges)[0])
    assert (found.below, found.above) == ((x < -1.0).sum(), (x > 2.0).sum())
    assert found.count == x.size
    np.testing.assert_allclose(found.cdf[:-1], [(x < e).mean() for e in edges[:-1]], atol=1e-15)
    inside = found.counts.sum() / x.size
    assert np.sum(found.density * np.diff(edges)) == pytest.approx(inside, rel=1e-14)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(1, 2000))
def test_a_bin_is_found_by_its_edges(left, width, bins):
    summary = Histogram((left, left + width), bins)
    edges = summary.edges
    x = np.concatenate([edges, np.nextafter(edges[1:], -np.inf), np.nextafter(edges[:-1], np.inf)])
    found = summary.estimate(summary.measure(x))
    np.testing.assert_array_equal(found.counts, np.histogram(x, edges)[0])


def test_quantiles_of_merged_digests_have_small_rank_errors():
    x = RNG.standard_normal(200_000)
    found = merged(Quantiles(), x, 64)
    q = np.array([1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0 - 1e-4])
    # The library states no bound; over 24 such digests 0.02 q (1 - q) was the largest error.
    bound = 0.02 * q * (1.0 - q) + 5.0 / x.size
    reached = np.array([(x < value).mean() for value in found.quantile(q)])
    assert (abs(reached - q) < bound).all()
    assert (abs(found.rank(np.quantile(x, q)) - q) < bound).all()
    assert found.quantile([0.0, 1.0]).tolist() == [x.min(), x.max()]
    assert found.count == x.size


def test_quantiles_increase():
    found = merged(Quantiles(20), RNG.standard_normal(5000), 4)
    assert (np.diff(found.quantile(np.linspace(0.0, 1.0, 501))) >= 0.0).all()


def test_components_of_vectors():
    x = RNG.standard_normal((1000, 3)) + np.arange(3.0)
    for k in range(3):
        alone = Moments().measure(np.ascontiguousarray(x[:, k]))
        np.testing.assert_array_equal(Moments(component=k).measure(x), alone)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Moments(component=-1), ValueError, "component must be.*-1"),
        (lambda: Moments().measure(np.ones((4, 2))), ValueError, r"\(4, 2\).*component="),
        (lambda: Moments(component=2).measure(np.ones((4, 2))), ValueError, "component 2.*exist"),
        (lambda: Moments().measure([1.0, np.nan]), ValueError, "x must be.*nan"),
        (lambda: Moments().measure([]), ValueError, "x must hold at least one"),
        (lambda: Histogram((0.0, 1.0), 0), ValueError, "bins must be.*0"),
        (lambda: Histogram((0.0, 1.0), 10**8), ValueError, "bins must be at most"),
        (lambda: Histogram((1.0, 0.0), 5), ValueError, "interval must be.*a < b"),
        (lambda: Histogram((1.0, 1.0 + 1e-15), 5), ValueError, "interval .* too short"),
        (lambda: Histogram((0.0, 1e-310), 1), ValueError, "interval .* too short"),
        (
            lambda: Moments().merge(*(Moments().measure([x, x]) for x in (-1e77, 1e77))),
            FloatingPointError,
            r"particles x from -1e\+77 to 1e\+77 exceed float64",
        ),
        (lambda: Quantiles(5), ValueError, "size must be.*10"),
        (lambda: Quantiles(10**6), ValueError, "size must be at most 65535"),
        (
            lambda: Quantiles().estimate(Quantiles().measure([1.0])).quantile(1.5),
            ValueError,
            r"q must be.*\[0, 1\]",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
