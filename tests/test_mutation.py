"""The mutation tester tells the mutants that tests notice from those they do not."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import mutation
import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOL = ROOT / "tools" / "mutation.py"
LISTED = tomllib.loads(mutation.SURVIVORS.read_text("utf-8"))["survivor"]

CALLEE = """
from kinetic._compile import inlined

SHIFT = 0.0

@inlined
def double(x):
    return 2.0 * x + SHIFT
"""
FILLING = """
from functools import partial
from kinetic._callee import double
from kinetic._compile import kernel

HALF = 0.5

@partial(kernel)
def _fill(out):
    for i in range(out.size):
        out[i] = double(i + HALF)
"""
CALLER = """
import numpy as np

def odd(count):
    from kinetic._filling import _fill

    out = np.empty(count)
    _fill(out)
    return out

def least_power(bound):
    power = 1
    while power < bound:
        power = power + power
    return power

def unused():
    return 1
"""
TESTS = """
from kinetic import caller

def test_no_odd_numbers():
    assert caller.odd(0).size == 0

def test_odd_numbers():
    assert caller.odd(3).tolist() == [1.0, 3.0, 5.0]

def test_power():
    assert caller.least_power(5) == 8

def test_broken():
    assert caller.least_power(5) == caller.unused()
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, TOOL, *arguments], capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def fates(tmp_path_factory):
    """The fate of every mutant of a small package, by (definition, changed line)."""
    root = tmp_path_factory.mktemp("small")
    for name, text in (
        ("pyproject.toml", ""), ("kinetic/__init__.py", ""), ("kinetic/_callee.py", CALLEE),
        ("kinetic/_compile.py", (ROOT / "kinetic" / "_compile.py").read_text("utf-8")),
        ("kinetic/_filling.py", FILLING), ("kinetic/caller.py", CALLER),
        ("tests/test_caller.py", TESTS),
    ):  # fmt: skip
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    done = run("_callee", "_filling", "caller", "--root", root, "--mutants", "100",
               "--results", root / "fates.json", "--record", root / "record.json")  # fmt: skip
    assert "mutants killed" in done.stdout, done.stdout + done.stderr
    assert (root / "kinetic" / "caller.py").read_text("utf-8") == CALLER
    results = json.loads((root / "fates.json").read_text("utf-8"))
    record = json.loads((root / "record.json").read_text("utf-8"))
    return {(r["definition"], r["after"]): r["fate"] for r in results}, record, done


def test_a_change_in_a_compiled_callee_reaches_its_callers(fates):
    assert fates[0]["double", "return 2.0 / x + SHIFT"] == "failed"
    assert fates[0]["double", "return 1.0 * x + SHIFT"] == "failed"


def test_a_change_of_a_constant_of_compiled_code_is_seen(fates):
    assert fates[0]["HALF", "HALF = 1.5"] == "failed"
    assert fates[0]["SHIFT", "SHIFT = 1.0"] == "failed"


def test_an_endless_loop_is_stopped(fates):
    assert fates[0]["least_power", "power = power - power"] == "stopped"


def test_a_change_that_tests_do_not_notice_survives(fates):
    assert fates[0]["least_power", "while power <= bound:"] == "survived"


def test_a_change_that_no_test_runs_is_untested(fates):
    assert fates[0]["unused", "return 2"] == "untested"


def test_a_test_that_fails_anyway_kills_nothing_and_is_named(fates):
    assert fates[1]["tests_left_out"] == ["tests/test_caller.py::test_broken"]


def test_every_mutant_counts(fates):
    results, record, done = fates
    killed = sum(fate in ("failed", "stopped") for fate in results.values())
    assert (record["killed"], record["sampled"]) == (killed, len(results))
    assert record["mutants_in_all"] == len(results)
    assert record["modules"] == {
        name: [sum(fate in ("failed", "stopped") for fate in own), len(own)]
        for name, own in (
            ("_callee.py", [f for (d, _), f in results.items() if d in ("double", "SHIFT")]),
            ("_filling.py", [f for (d, _), f in results.items() if d in ("_fill", "HALF")]),
            (
                "caller.py",
                [f for (d, _), f in results.items() if d in ("odd", "least_power", "unused")],
            ),
        )
    }
    assert done.returncode == (record["score"] < mutation.LEAST_SCORE)


def test_a_sample_of_the_packages_own_mutants_is_killed(tmp_path):
    done = run("grid", "_validate", "--tests", "tests/test_grid.py", "tests/test_validate.py",
               "--mutants", "8", "--work", tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_beginning_of_the_draw_has_each_modules_share():
    population = {"a": list("a" * 300), "b": list("b" * 100)}
    order = mutation.drawn(population, 7)
    assert len(order) == 400
    for k in range(1, 401):
        assert abs(order[:k].count("b") - k / 4) <= 1.5


def test_interval_agrees_with_the_score_test():
    from scipy import stats

    for successes, count in ((0, 10), (17, 20), (300, 300), (271, 311)):
        expected = stats.binomtest(successes, count).proportion_ci(method="wilson")
        assert mutation.interval(successes, count) == pytest.approx(tuple(expected), abs=1e-7)


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: entry["after"])
def test_a_listed_survivor_is_explained(entry):
    assert entry["kind"] in mutation.KINDS
    assert len(entry["why"]) > 15
    assert (ROOT / entry["file"]).exists()
    assert entry["before"] != entry["after"]
