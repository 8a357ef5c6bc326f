"""The vehicles of the classification problem, and the lines of the regression problem."""

import numpy as np
import pytest
from scipy import stats

from kinetic import datasets


def test_table_1_is_as_printed():
    data = dict(zip(*map(list, datasets.table_1()), strict=True))
    assert data == {3.0: "car", 3.5: "car", 5.5: "truck", 7.0: "truck", 4.5: "car", 8.0: "truck"}


def test_vehicles_are_uniform_reproducible_and_classified():
    data = datasets.vehicles(5000, rng=3)
    assert stats.kstest(data.length, stats.uniform(2, 6).cdf).pvalue > 1e-3
    np.testing.assert_array_equal(data.classifier == "truck", data.length > 5.0)
    np.testing.assert_array_equal(data.length, datasets.vehicles(5000, rng=3).length)
    generator = np.random.default_rng(3)
    np.testing.assert_array_equal(data.length, datasets.vehicles(5000, generator).length)
    np.testing.assert_array_equal(data.length, datasets.lengths(5000, 3))


def test_measurements_are_at_fixed_positions_with_standard_normal_errors():
    x, y = datasets.regression()
    assert x.size == y.size == 5000
    np.testing.assert_allclose(np.diff(x), 2.0 * np.sqrt(2.0) / 5000)
    np.testing.assert_allclose(x, -x[::-1], atol=1e-14)
    assert stats.kstest(y - x, "norm").pvalue > 1e-3
    np.testing.assert_array_equal(datasets.regression(rng=1).position, x)
    assert (datasets.regression(rng=1).value != y).all()


@pytest.mark.parametrize("arrangement", ["spread", "neighbours"])
@pytest.mark.parametrize("group", [2, 5])
def test_each_group_is_fitted_as_by_polyfit(group, arrangement):
    x, y = datasets.regression(100, (0.0, 4.0), 2.0, -1.0, rng=3)
    found = datasets.slopes_and_intercepts(x, y, group, arrangement)
    assert found.shape == (100 // group, 2)
    chosen = (
        slice(3, None, 100 // group) if arrangement == "spread" else slice(3 * group, 4 * group)
    )
    np.testing.assert_allclose(found[3], np.polyfit(x[chosen], y[chosen], 1), rtol=1e-9)


@pytest.mark.parametrize("interval", [datasets.POSITIONS, (0.5, 3.0)])
@pytest.mark.parametrize("group", [2, 4])
def test_law_of_slopes_and_intercepts(group, interval):
    law = datasets.LineLaw(interval, group, 2.0, -1.0)
    axis = np.linspace(-9.0, 9.0, 401)
    m, q = np.meshgrid(2.0 + axis, -1.0 + 2.0 * axis, indexing="ij")
    g = law.pdf(np.stack([m, q], axis=-1)) * 2.0 * (axis[1] - axis[0]) ** 2
    assert g.sum() == pytest.approx(1.0, abs=1e-6)
    mean = np.array([(g * m).sum(), (g * q).sum()])
    np.testing.assert_allclose(mean, law.mean, atol=1e-6)
    m, q = m - 2.0, q + 1.0
    cov = [[(g * m * m).sum(), (g * m * q).sum()], [(g * m * q).sum(), (g * q * q).sum()]]
    np.testing.assert_allclose(cov, law.cov, atol=1e-5)
    kurtosis_like = (g * m**2 * q**2).sum()

    def check(samples):
        error = 5.0 / np.sqrt(len(samples))
        np.testing.assert_allclose(
            samples.mean(axis=0), law.mean, atol=error * law.cov.max() ** 0.5
        )
        np.testing.assert_allclose(np.cov(samples.T), law.cov, atol=2.0 * error * law.cov.max())
        mixed = ((samples - law.mean) ** 2).prod(axis=1).mean()
        assert mixed == pytest.approx(kurtosis_like, rel=20.0 * error)

    check(law.rvs(100_000, 0))
    data = datasets.regression(200_000, interval, 2.0, -1.0, rng=1)
    check(datasets.slopes_and_intercepts(*data, group))


def test_law_is_smooth_where_its_formula_changes():
    law = datasets.LineLaw()
    m = 1.0 + datasets.SMALLEST_HALF * np.array([1.0 - 1e-9, 1.0 + 1e-9])
    below, above = law.pdf(np.column_stack([m, [0.4, 0.4]]))
    assert above == pytest.approx(below, rel=1e-8)
    assert law.pdf([1.0, 30.0]) == pytest.approx(0.0, abs=1e-300)


BAD = {
    "count": (lambda: datasets.regression(1), ValueError, "count must be an integer of at least 2"),
    "interval": (lambda: datasets.regression(interval=(1.0, 1.0)), ValueError, "a < b"),
    "slope": (lambda: datasets.regression(slope=np.nan), ValueError, "slope must be"),
    "lengths": (
        lambda: datasets.slopes_and_intercepts([1.0, 2.0], [1.0]), ValueError, r"\(2,\) and \(1,\)"
    ),
    "nan": (
        lambda: datasets.slopes_and_intercepts([1.0, 2.0], [1.0, np.nan]), ValueError, "value.*nan"
    ),
    "group of one": (
        lambda: datasets.slopes_and_intercepts([1.0, 2.0], [1.0, 2.0], 1), ValueError, "group.*1"
    ),
    "remainder": (
        lambda: datasets.slopes_and_intercepts(np.arange(5.0), np.ones(5)), ValueError, "divide"
    ),
    "arrangement": (
        lambda: datasets.slopes_and_intercepts([1.0, 2.0], [1.0, 2.0], arrangement="random"),
        ValueError,
        "arrangement must be one of 'spread', 'neighbours'",
    ),
    "equal positions": (
        lambda: datasets.slopes_and_intercepts([1.0, 1.0], [1.0, 2.0]), ValueError, "all equal"
    ),
    "law of one": (lambda: datasets.LineLaw(group=1), ValueError, "group must be"),
    "points": (lambda: datasets.LineLaw().pdf(np.ones(3)), ValueError, r"\(\.\.\., 2\); got"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()
