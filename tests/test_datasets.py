"""The vehicles of the classification problem."""

import numpy as np
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
