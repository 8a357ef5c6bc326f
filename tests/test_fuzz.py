"""The fuzzer reaches every public name, sees each kind of fault, and a sample finds none."""

import importlib

import fuzz
import numpy as np
import pytest
from fuzzing import judge, kinds, registry, targets  # noqa: F401

NAMES = sorted(registry.TARGETS)


@pytest.fixture
def faulty(monkeypatch):
    """Targets with one fault each, in place of all others."""
    monkeypatch.setattr(registry, "TARGETS", {})
    importlib.reload(importlib.import_module("faulty_targets"))
    return registry.TARGETS


def test_every_public_name_is_fuzzed():
    lacking, strange = registry.missing()
    assert not lacking, f"without a target in tools/fuzzing: {lacking}"
    assert not strange, f"targets that are not public: {strange}"
    assert not registry.incomplete()


def test_a_new_public_function_would_be_missed(monkeypatch):
    from kinetic import grid

    def unheard_of():
        pass

    unheard_of.__module__ = "kinetic.grid"
    monkeypatch.setattr(grid, "unheard_of", unheard_of, raising=False)
    assert registry.missing()[0] == ["grid.unheard_of"]


def test_a_seed_gives_the_same_call_again():
    for name in ("finite_volume.transport", "network.SimResNet", "distances.wasserstein"):
        first, again, other = (str(judge.draw(registry.TARGETS[name], s)) for s in (3, 3, 4))
        assert first == again
        assert first != other


@pytest.mark.parametrize("fault", ["crash", "hang"])
def test_a_crash_and_a_hang_end_the_child_alone(fault, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(fuzz.TOOLS.parent / "tests"), prepend=":")
    cases = [("fine", 1), (fault, 1), ("fine", 2)]
    found = list(fuzz.judged(cases, ["faulty_targets"], seconds=0.5))
    assert [(e[0], e[1]) for e in found] == cases
    assert [e[2] for e in found][1] == fault
    assert found[0][2] in fuzz.FINE
    assert found[2][2] in fuzz.FINE
    assert f"_{fault}" in found[1][3], "the stack of the call is shown"


@pytest.mark.parametrize("fault", ["not finite", "other exception", "not named", "accepted"])
def test_each_fault_is_seen(fault, faulty):
    entry = faulty[fault.replace(" ", "-")]
    seen = {judge.judge(judge.draw(entry, seed))[0] for seed in range(40)}
    assert fault in seen


def test_what_is_right_has_no_findings(faulty):
    cases = [judge.draw(faulty["fine"], seed) for seed in range(100)]
    assert {case.mode for case in cases} == set(judge.MODES)
    assert {judge.judge(case)[0] for case in cases} == {"returned", "refused"}


@pytest.mark.parametrize(
    ("message", "word", "named"),
    [
        ("cfl must be a number", "cfl", True),
        ("the cflag is wrong", "cfl", False),
        ("a must be a sample", "a", True),
        ("there is a problem", "a", False),
        ("grid.cells is 3", "cells", False),
        ("w x + b exceeds float64 for w=1e300", "w", True),
    ],
)
def test_a_message_names_an_argument(message, word, named):
    assert judge.names(message, word) is named


def test_numbers_that_are_not_finite_are_found_where_they_are():
    nested = {"a": [1.0, (np.ones(2), np.array([1.0, np.nan]))]}
    assert judge.not_finite(nested, (), ()) == "result.a[1][1] is NaN: array([ 1., nan])"
    assert judge.not_finite({"a": np.inf}, ("a",), ()) == ""
    assert "infinite" in judge.not_finite({"a": np.inf}, (), ("a",))


def test_a_sample_of_calls_finds_nothing():
    found = fuzz.run(fuzz.cases(NAMES, len(NAMES), 77_000), 1, tell=lambda *_, **__: None)
    lines = []
    fuzz.report(found, lines.append)
    assert not lines, "\n".join(lines)
    assert fuzz.summary(found)["targets"] == len(NAMES)
