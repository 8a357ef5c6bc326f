"""The defaults of public functions are an interface too: none changes unnoticed."""

import inspect
import json
from pathlib import Path

import fuzzing.targets  # noqa: F401
from fuzzing.registry import TARGETS, signature

STORED = Path(__file__).parent / "defaults.json"


def defaults(name):
    """The default of each parameter that has one, as text."""
    given = signature(name)
    return {
        parameter.name: repr(parameter.default)
        for parameter in given.values()
        if parameter.default is not inspect.Parameter.empty
    }


def test_no_default_of_a_public_function_has_changed():
    """Where a change is meant, change tests/defaults.json too: run this file."""
    stored = json.loads(STORED.read_text("utf-8"))
    now = {name: defaults(name) for name in stored}
    known = {
        name: {argument: now[name].get(argument) for argument in given}
        for name, given in stored.items()
    }
    assert known == stored


if __name__ == "__main__":
    now = {name: found for name in sorted(TARGETS) if (found := defaults(name))}
    STORED.write_text(json.dumps(now, indent=1) + "\n", "utf-8")
