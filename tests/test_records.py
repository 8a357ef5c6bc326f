"""What the long runs have recorded: it meets the targets, and the book shows it."""

import json
import sys
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parent.parent / "book"
sys.path.append(str(BOOK / "_ext"))

import run_records  # noqa: E402

PRESENT = {path.stem: json.loads(path.read_text("utf-8")) for path in BOOK.glob("_records/*.json")}


def mutation_is_fine(record):
    assert record["sampled"] >= 300
    assert record["score"] >= 0.85


def fuzz_is_fine(record):
    assert record["calls"] >= 100_000
    assert record["verdicts"].keys() <= {"returned", "refused"}


def scale_is_fine(record):
    assert record["particles"] >= 10**9
    assert all(run["equal"] for run in record["runs"])
    for fate in ("losses", "workers_replaced", "restored", "damaged"):
        assert any(run.get(fate, 0) >= 1 for run in record["runs"]), fate


def first_use_is_fine(record):
    assert sum(record["first_result"].values()) <= 1.0
    assert max(record["first_figure"].values()) <= 10.0


FINE = {
    "mutation": mutation_is_fine, "fuzz": fuzz_is_fine, "scale": scale_is_fine,
    "first_use": first_use_is_fine,
}  # fmt: skip


@pytest.mark.parametrize("name", PRESENT)
def test_recorded_run_meets_its_targets(name):
    FINE[name](PRESENT[name])


@pytest.mark.parametrize("name", PRESENT)
def test_recorded_run_is_shown(name):
    shown = "".join(node.astext() for node in run_records.RECORDS[name](PRESENT[name]))
    assert {"scale": "1,000,000,000"}.get(name, "") in shown
    assert f"{{run-record}} {name}" in (BOOK / "verification.ipynb").read_text("utf-8")
