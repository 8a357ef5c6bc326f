"""The command of the large runs, on few particles: it runs, records, and can fail."""

import json
import time

import numpy as np
import pytest
import scale

from kinetic import ensemble, network
from kinetic.summaries import Histogram, Moments


def test_a_small_run_is_recorded(tmp_path):
    record = tmp_path / "records" / "scale.json"
    scale.main(["--particles", "1e6", "--record", str(record)])
    found = json.loads(record.read_text("utf-8"))
    assert found["particles"] == 10**6
    assert [run["equal"] for run in found["runs"]] == [True] * 4
    assert found["runs"][2]["workers_replaced"] == 1
    assert found["runs"][3]["damaged"] == 1
    assert 0 < found["runs"][3]["restored"] < 10**6
    assert 0.0 < found["exact_law"]["chi_squared_p_value"] < 1.0
    assert 0.0 < found["quantiles"]["largest_rank_error"] < 0.02


def test_another_result_is_noticed():
    runs = scale.Runs(scale.classification(), 10**5, time.monotonic() + 60.0)
    runs.add("first")
    runs.problem = ensemble.Problem(runs.problem.initial, None, runs.problem.summaries)
    runs.add("second")
    assert [run["equal"] for run in runs.records] == [True, False]


def test_another_law_is_noticed():
    """Walls and time as they are, but one particle in a thousand is moved by a bin and a half."""
    output = network.end_map(scale.NET, scale.WALLS, scale.TIME, walls=scale.WALLS)

    def wrong(x):
        moved = output(x)
        moved[::1000] += np.where(moved[::1000] < 5.0, 0.015, -0.015)
        return moved

    summaries = {"moments": Moments(), "bins": Histogram(scale.WALLS, 600)}
    right, other = (
        scale.against_the_law(
            ensemble.run(ensemble.Problem(scale.datasets.lengths, f, summaries), 2 * 10**6)
        )
        for f in (output, wrong)
    )
    assert right["chi_squared_p_value"] > scale.LEVEL > other["chi_squared_p_value"]


def test_the_time_is_bounded():
    with pytest.raises(TimeoutError, match="--minutes"):
        scale.main(["--particles", "1e9", "--minutes", "0.0"])
