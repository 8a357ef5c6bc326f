"""Targets that do what the fuzzer is to find; read by a child process of `test_fuzz`."""

import ctypes

import numpy as np
from fuzzing import registry
from fuzzing.kinds import number

X = {"x": number((0.0, 1.0), low=0.0, extremes=())}


def _crash(x):
    ctypes.string_at(0)


def _hang(x):
    while True:
        pass


def _not_finite(x):
    return {"field": [np.full(2, np.nan)]}


def _other_exception(x):
    raise KeyError(x)


def _not_named(x):
    raise ValueError("something is out of range")


def _accepted(x):
    return 0.0


def _fine(x):
    if not (
        isinstance(x, (int, float, np.floating)) and not isinstance(x, bool) and 0.0 <= x < 9.0
    ):
        raise ValueError(f"x must be a number from 0 to 9; got {x!r}")
    return float(x)


for _call in (_crash, _hang, _not_finite, _other_exception, _not_named, _accepted, _fine):
    _name = _call.__name__[1:].replace("_", "-")
    registry.TARGETS[_name] = registry.Target(_name, _call, X)
