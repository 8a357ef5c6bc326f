"""The checks of arguments accept exactly what their messages say."""

import math

import numpy as np
import pytest

from kinetic import _validate


@pytest.mark.parametrize("value", [-1.0, 1.0, 0, np.float32(0.5), np.int64(1)])
def test_number_accepts_both_ends(value):
    given = _validate.number("a", value, low=-1.0, high=1.0)
    assert type(given) is float
    assert given == value


@pytest.mark.parametrize("value", [-1.0000001, 1.0000001, math.nan, math.inf, -math.inf, 10**400])
def test_number_refuses_what_lies_outside(value):
    with pytest.raises(ValueError, match=r"^a must be between; got"):
        _validate.number("a", value, low=-1.0, high=1.0, accepted="between")


@pytest.mark.parametrize("value", [True, np.True_, "1", None, 1j, [1.0], np.ones(1)])
def test_number_refuses_what_is_no_real_number(value):
    with pytest.raises(TypeError, match=r"^a must be a finite number; got"):
        _validate.number("a", value)


def test_any_finite_number_is_accepted_without_bounds():
    assert _validate.number("a", 1e308) == 1e308
    assert _validate.number("a", -1e308) == -1e308


def test_positive_starts_above_zero():
    assert _validate.positive("a", 5e-324) == 5e-324
    for value in (0.0, -0.0, -1.0):
        with pytest.raises(ValueError, match=r"^a must be a positive number; got"):
            _validate.positive("a", value)


def test_integer_starts_at_its_bound():
    assert _validate.integer("n", 3, low=3) == 3
    assert type(_validate.integer("n", np.int8(4), low=3)) is int
    with pytest.raises(ValueError, match=r"^n must be an integer of at least 3; got 2"):
        _validate.integer("n", 2, low=3)


@pytest.mark.parametrize("value", [True, np.False_, 3.0, "3", None])
def test_integer_refuses_other_types(value):
    with pytest.raises(TypeError, match=r"^n must be an integer of at least 0; got"):
        _validate.integer("n", value, low=0)


def test_array_keeps_shape_and_single_precision_where_asked():
    scalar = _validate.array("x", 2)
    assert scalar.shape == ()
    assert scalar.dtype == float
    assert _validate.array("x", np.ones((2, 3), np.float32)).dtype == np.float64
    assert _validate.array("x", np.ones(2, np.float32), dtype=None).dtype == np.float32
    assert _validate.array("x", np.ones(2), dtype=None).dtype == np.float64
    assert _validate.array("x", np.ones(2, np.float16), dtype=None).dtype == np.float64
    assert _validate.array("x", [1, 2], dtype=None).dtype == np.float64
    assert _validate.array("x", np.ones((4, 3)).T).flags.c_contiguous


def test_array_names_the_first_entry_that_is_not_finite():
    with pytest.raises(ValueError, match=r"^x must be .* numbers; got nan at index \(1, 2\)$"):
        _validate.array("x", [[0.0, 1.0, 2.0], [3.0, 4.0, math.nan]])
    with pytest.raises(ValueError, match=r"got -inf at index \(0\)$"):
        _validate.array("x", [-math.inf, math.nan])
    with pytest.raises(ValueError, match=r"got nan at index \(\)$"):
        _validate.array("x", math.nan)


def test_array_accepts_finite_entries_whose_sum_is_not_finite():
    assert _validate.array("x", [1.7e308, 1.7e308]).tolist() == [1.7e308, 1.7e308]


@pytest.mark.parametrize("value", [["a"], [None], [1j], [True], np.array(["2020"], "M8[Y]")])
def test_array_refuses_other_types(value):
    with pytest.raises(TypeError, match=r"^x must be an array of finite numbers; got"):
        _validate.array("x", value)


def test_array_refuses_masked_and_ragged_input():
    with pytest.raises(ValueError, match=r"^x must be .*masked entries"):
        _validate.array("x", np.ma.array([1.0, 2.0], mask=[False, True]))
    assert _validate.array("x", np.ma.array([1.0, 2.0], mask=[False, False])).sum() == 3.0
    with pytest.raises(ValueError, match=r"^x must be .*rows of unequal length"):
        _validate.array("x", [[1.0], [1.0, 2.0]])


def test_interval_has_two_increasing_ends_and_a_finite_length():
    assert _validate.interval("i", (-1, 5e-324)) == (-1.0, 5e-324)
    assert _validate.interval("i", [0.0, 5e-324]) == (0.0, 5e-324)
    for value in ((1.0, 1.0), (2.0, 1.0), (-1.7e308, 1.7e308), (1.0,), (1.0, 2.0, 3.0), 1.0):
        with pytest.raises(ValueError, match=r"^i must be two numbers \(a, b\) with a < b; got"):
            _validate.interval("i", value)


def test_times_increase_strictly():
    assert _validate.times([0.5]).tolist() == [0.5]
    assert _validate.times([0.0, 5e-324]).tolist() == [0.0, 5e-324]
    with pytest.raises(ValueError, match=r"^times must increase; got 2\.0 followed by 2\.0"):
        _validate.times([0.0, 1.0, 2.0, 2.0])
    with pytest.raises(ValueError, match=r"^t must increase; got 1\.0 followed by 0\.5"):
        _validate.times([0.0, 1.0, 0.5, 3.0], name="t")
    with pytest.raises(ValueError, match=r"^times must be a one-dim.*got shape \(1, 1\)"):
        _validate.times([[0.0]])
    with pytest.raises(ValueError, match=r"^times must be a one-dim.*got shape \(0,\)"):
        _validate.times([])
    with pytest.raises(ValueError, match=r"^times must span a finite time; got -1.7e\+308 to"):
        _validate.times([-1.7e308, 0.0, 1.7e308])


@pytest.mark.parametrize("value", ["c", None, 1, ["a"]])
def test_choice_lists_what_is_accepted(value):
    assert _validate.choice("m", "a", ("a", "b")) == "a"
    with pytest.raises(ValueError, match=r"^m must be one of 'a', 'b'; got"):
        _validate.choice("m", value, ("a", "b"))


def test_probabilities_are_equal_where_none_are_given():
    assert _validate.probabilities("p", None, 4).tolist() == [0.25] * 4


def test_probabilities_sum_to_one_up_to_rounding():
    assert _validate.probabilities("p", [0.0, 1.0], 2).tolist() == [0.0, 1.0]
    _validate.probabilities("p", [0.5, 0.5 + 9e-10], 2)
    _validate.probabilities("p", [0.5, 0.5 - 9e-10], 2)
    for value in ([0.5, 0.5 + 1.1e-9], [0.5, 0.5 - 1.1e-9], [-1e-12, 1.0 + 1e-12]):
        with pytest.raises(ValueError, match=r"^p must be at least 0 and of sum 1; got minimum"):
            _validate.probabilities("p", value, 2)
    with pytest.raises(ValueError, match=r"^p must have shape \(3,\); got \(2,\)"):
        _validate.probabilities("p", [0.5, 0.5], 3)


def test_generator_is_taken_as_it_is_or_made_from_a_seed():
    own = np.random.default_rng(1)
    assert _validate.generator("rng", own) is own
    assert _validate.generator("rng", 3).random() == np.random.default_rng(3).random()
    for value, error in ((-1, ValueError), ("a", TypeError), (1.5, TypeError)):
        with pytest.raises(error, match=r"^rng must be a numpy.random.Generator or a seed"):
            _validate.generator("rng", value)


def test_flag_is_true_or_false():
    for value in (True, np.True_):
        assert _validate.flag("f", value) is True
    assert _validate.flag("f", np.False_) is False
    for value in (1, 0.0, "yes", None, np.array([True])):
        with pytest.raises(TypeError, match=r"^f must be True or False; got"):
            _validate.flag("f", value)


def test_index_counts_from_both_ends():
    for value in (-3, -1, 0, 2, np.int8(2)):
        assert _validate.index("i", value, 3) == value
    assert type(_validate.index("i", np.int8(2), 3)) is int
    for value in (-4, 3):
        with pytest.raises(ValueError, match=f"^i must be an index of 3 entries; got {value}$"):
            _validate.index("i", value, 3)
    for value in (True, np.False_, 1.0, None, "0"):
        with pytest.raises(TypeError, match=r"^i must be an integer; got"):
            _validate.index("i", value, 3)


def test_quantiles_include_both_ends():
    assert _validate.quantiles("q", [0.0, 0.5, 1.0]).tolist() == [0.0, 0.5, 1.0]
    assert _validate.quantiles("q", []).size == 0
    for value in ([-1e-16, 0.5], [0.5, 1.0 + 3e-16]):
        with pytest.raises(ValueError, match=r"^q must be numbers in \[0, 1\]; got values from"):
            _validate.quantiles("q", value)
    with pytest.raises(ValueError, match=r"got values from -1\.0 to 2\.0$"):
        _validate.quantiles("q", [2.0, 0.5, -1.0])


def test_function_says_what_is_accepted():
    assert _validate.function("g", abs, "a function of x") is abs
    with pytest.raises(TypeError, match=r"^g must be a function of x; got 3$"):
        _validate.function("g", 3, "a function of x")


def test_real_numbers_of_a_function_need_not_be_finite():
    assert _validate.real("g", [1, np.inf]).tolist() == [1.0, np.inf]
    assert _validate.real("g", np.array([True, False])).tolist() == [1.0, 0.0]
    assert _validate.real("g", np.uint8(3)).dtype == float
    with pytest.raises(ValueError, match=r"^g must return numbers; got rows of unequal length$"):
        _validate.real("g", [[1.0], [1.0, 2.0]])
    for value in ("text", 1j, None):
        with pytest.raises(TypeError, match=r"^g must return real numbers; got .* values$"):
            _validate.real("g", value)


def test_returned_numbers_are_finite_and_of_their_shape():
    assert _validate.returned("g", [1, 2], (2,)).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"^g must return an array of shape \(3,\); got \(2,\)$"):
        _validate.returned("g", [1.0, 2.0], (3,))
    with pytest.raises(ValueError, match=r"^g must be a function that returns finite numbers; got"):
        _validate.returned("g", [1.0, np.nan], (2,))


def test_law_names_the_methods_it_lacks():
    class Law:
        pdf, ppf = abs, 3

    assert _validate.law("g0", Law, "pdf") is Law
    message = r"^g0 must be a law with pdf and ppf and cdf; type has no ppf and no cdf$"
    with pytest.raises(TypeError, match=message):
        _validate.law("g0", Law, "pdf", "ppf", "cdf")


def test_tolerances_start_at_zero():
    assert _validate.tolerances(0, None) == (0.0, None)
    assert _validate.tolerances(1e-6, 0.0) == (1e-6, 0.0)
    for name, given in (("rtol", (-1e-9, None)), ("atol", (0.0, -1e-9))):
        with pytest.raises(ValueError, match=f"^{name} must be a number of at least 0; got"):
            _validate.tolerances(*given)
