"""The diffusion function K: names, callables and the errors of both."""

import dataclasses

import numpy as np
import pytest

from kinetic import _diffusion

X = np.array([[-2.0, 0.5, 3.0]])


def test_named_functions():
    np.testing.assert_array_equal(_diffusion.get("1")(X), np.ones((1, 3)))
    np.testing.assert_array_equal(_diffusion.get("x")(X), X)
    assert (_diffusion.get("1").name, _diffusion.get("x").name) == ("1", "x")


def test_a_function_keeps_its_name_and_values():
    diffusion = _diffusion.get(np.cos)
    np.testing.assert_array_equal(diffusion(X), np.cos(X))
    assert diffusion.name == "cos"
    assert _diffusion.get(diffusion) is diffusion


def test_integers_and_numbers_become_floats():
    value = _diffusion.get("x")(3)
    assert value.dtype == float
    assert value.shape == ()
    assert _diffusion.get(lambda x: np.ones(x.shape, int))(X).dtype == float


def test_the_result_is_not_the_argument():
    x = np.ones(3)
    _diffusion.get("x")(x)[:] = 0.0
    _diffusion.get(lambda x: x)(x)[:] = 0.0
    assert x.min() == 1.0


def test_it_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        _diffusion.get("1").name = "x"


@pytest.mark.parametrize(
    ("diffusion", "x", "error", "message"),
    [
        ("x^2", X, ValueError, r"diffusion must be '1', 'x' or a function of x; got 'x\^2'"),
        (1.0, X, TypeError, "diffusion must be.*got 1.0"),
        (None, X, TypeError, "diffusion must be.*got None"),
        (lambda x: 1.0, X, ValueError, r"diffusion.*one value.*shape \(\).*shape \(1, 3\)"),
        (np.ravel, X, ValueError, r"diffusion.*ravel returned shape \(3,\)"),
        (np.sqrt, X, ValueError, "diffusion must be finite; sqrt is nan at x=-2.0"),
        (lambda x: 1.0 / (x - 0.5), X, ValueError, "diffusion must be finite.*inf at x=0.5"),
        (lambda x: 1j * x, X, TypeError, "diffusion must return real numbers"),
        (lambda x: None, X, TypeError, "diffusion must return real numbers.*None"),
        (lambda x: np.sin(x, out=x), X, ValueError, "read-only"),
        ("1", [np.nan], ValueError, "x must be.*nan"),
    ],
)
def test_errors_name_the_argument(diffusion, x, error, message):
    with pytest.raises(error, match=message):
        _diffusion.get(diffusion)(x)
