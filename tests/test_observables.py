"""Observables of the neurons of a two-layer network: their checks, values and gradients."""

import re

import numpy as np
import pytest

from kinetic import _data_law, _observables


class Field:
    """Shows w as the caller gave it."""

    @staticmethod
    def shown(w):
        return w[:, 0]


C, W = np.array([0.5, -2.0, 30.0]), np.array([[1.0], [-1.5], [20.0]])


def test_gradients_of_polynomials_of_degree_four_are_exact():
    quartic = [lambda c, w: c**4 + 2.0 * c * w**3, lambda c, w: w**4 - c]
    found = _observables.gradients(quartic, Field, C, W)
    w = W[:, 0]
    exact = [[4.0 * C**3 + 2.0 * w**3, 6.0 * C * w**2], [np.full(3, -1.0), 4.0 * w**3]]
    np.testing.assert_allclose(found, np.moveaxis(np.array(exact), 1, 2), rtol=1e-8)


def test_steps_of_the_differences_grow_with_the_parameters():
    seen = []
    _observables.gradients([lambda c, w: seen.append(c.copy()) or c], Field, C, W)
    assert max(abs(c - C).max() for c in seen) == pytest.approx(2e-3 * 30.0)
    assert max(abs(c - C)[0] for c in seen) == pytest.approx(2e-3)


def test_observables_are_a_function_or_a_sequence_of_them():
    assert _observables.check(abs) == (abs,)
    assert _observables.check([abs, np.sin]) == (abs, np.sin)
    for given in ([], (), None, [1], [abs, "c"], {abs}):
        with pytest.raises(TypeError, match=r"^observables must be a function f\(c, w\) or a non"):
            _observables.check(given)


def test_a_wrong_value_of_an_observable_is_named_by_its_number():
    good = [lambda c, w: c, lambda c, w: w]
    np.testing.assert_array_equal(_observables.values(good, Field, C, W), [C, W[:, 0]])
    message = "observables[2] must return one number for each neuron; got shape (2,) for 3 neurons"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _observables.values([*good, lambda c, w: c[:2]], Field, C, W)
    with pytest.raises(ValueError, match=r"^observables\[1\] must be finite on the neurons"):
        _observables.values([good[0], lambda c, w: c * np.array([1.0, np.nan, 1.0])], Field, C, W)


def test_law_of_the_data_keeps_or_shares_probabilities():
    law = _data_law.data_law([1.0, 2.0], [3.0, 4.0])
    assert law.flat
    assert law.x.shape == (2, 1)
    assert law.probabilities.tolist() == [0.5, 0.5]
    law = _data_law.data_law(np.ones((2, 3)), [3.0, 4.0], [0.25, 0.75 + 8e-10])
    assert not law.flat
    assert law.x.shape == (2, 3)
    assert law.probabilities.sum() == pytest.approx(1.0, abs=2e-16)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones((2, 2, 2)), [1.0, 2.0], "x must have shape"),
        (1.0, [1.0], "x must have shape"),
        (np.empty((2, 0)), [1.0, 2.0], "x must have shape"),
        ([1.0, 2.0], [1.0], r"y must have shape \(2,\) like the points of x; got \(1,\)"),
        ([1.0, 2.0], [[1.0], [2.0]], r"y must have shape \(2,\) like the points of x; got \(2, 1"),
    ],
)
def test_data_of_another_shape_are_refused(x, y, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        _data_law.data_law(x, y)
