"""The cache of compiled kernels is used again, and never serves stale code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import kinetic

SOURCE = Path(kinetic.__file__).parent
PROGRAM = """
import numpy as np
from kinetic import SimResNet, _layers, network
x = network.propagate(SimResNet("relu", 1.0, 0.0), np.ones(2), 1.0, method="euler", step=1.0)
hits = sum(_layers.euler.stats.cache_hits.values())
print(x[0], hits)
"""


def run(folder):
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment, capture_output=True, text=True, check=True, cwd=folder, timeout=300,
    )  # fmt: skip
    value, hits = done.stdout.split()
    return float(value), int(hits)


def test_a_changed_callee_in_another_file_is_seen(tmp_path):
    shutil.copytree(SOURCE, tmp_path / "kinetic", ignore=shutil.ignore_patterns("__pycache__"))
    assert run(tmp_path) == (2.0, 0)
    assert run(tmp_path) == (2.0, 1)
    callee = tmp_path / "kinetic" / "_elementary.py"
    text = callee.read_text(encoding="utf-8")
    changed = text.replace("return 0.0 if u < 0.0 else u", "return 0.0 if u < 0.0 else 3.0 * u")
    assert changed != text
    callee.write_text(changed, encoding="utf-8")
    assert run(tmp_path) == (4.0, 0)


def test_old_generations_of_kernels_are_removed(tmp_path):
    shutil.copytree(SOURCE, tmp_path / "kinetic", ignore=shutil.ignore_patterns("__pycache__"))
    cache = tmp_path / "kinetic" / "__pycache__"
    for k in range(8):
        (cache / f"kinetic-kernels-{k}").mkdir(parents=True)
    run(tmp_path)
    assert len(list(cache.glob("kinetic-kernels-*"))) == 4


def test_package_works_where_nothing_can_be_written(tmp_path):
    program = (
        "from kinetic import _compile; _compile._usable = lambda directory: False;"
        "print(_compile._cache_directory())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.strip() == "None"


def test_importing_the_package_loads_no_heavy_library():
    heavy = ("matplotlib", "scipy.integrate", "scipy.linalg", "scipy.special", "scipy.stats")
    program = f"import sys, kinetic.mean_field; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.strip() == "[]"
