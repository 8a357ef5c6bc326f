"""The cache of compiled kernels is used again, and never serves stale code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kinetic

SOURCE = Path(kinetic.__file__).parent
PROGRAM = """
import numpy as np
from kinetic import SimResNet, _layers, network
x = network.propagate(SimResNet("{name}", 1.0, 0.0), np.ones(2), 1.0, method="euler", step=1.0)
print(x[0] - 1.0, sum(_layers.euler.stats.cache_hits.values()))
"""
LATE = """
import kinetic
{before}
from kinetic import balance_law
found = balance_law.solve([1, 5, 2, 0, 1], kinetic.Grid(0, 1, 5), [0, 0.01], velocity=[1.0] * 6)
print(*found.averages[-1])
{after}
"""


# A line of a file that no kernel lies in, what to make of it, and sigma(1) before and after.
CHANGES = {
    "callee in another file": (
        "relu", "return 0.0 if u < 0.0 else u", "return 0.0 if u < 0.0 else 3.0 * u", 1.0, 3.0
    ),
    "callee of a callee": ("tanh", "e = _expm1_double(z)\n", "e = _expm1_double(0 * z)\n",
                           np.tanh(1.0), 0.0),
    "constant": ("tanh", "LN2_LOW = 1.64", "LN2_LOW = 1e9 + 1.64", np.tanh(1.0), None),
}  # fmt: skip


def copied(tmp_path):
    """A folder with a copy of the package, without its caches."""
    shutil.copytree(SOURCE, tmp_path / "kinetic", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run(folder, program):
    """The numbers that a program prints which imports the package from a folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment, capture_output=True, text=True, check=True, cwd=folder, timeout=300,
    )  # fmt: skip
    return [float(number) for number in done.stdout.split()]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_another_file_is_seen(change, tmp_path):
    name, line, changed, before, after = CHANGES[change]
    folder, program = copied(tmp_path), PROGRAM.format(name=name)
    callee = folder / "kinetic" / "_elementary.py"
    text = callee.read_text(encoding="utf-8")
    assert text.count(line) == 1
    assert run(folder, program) == pytest.approx([before, 0])
    assert run(folder, program) == pytest.approx([before, 1]), "the cache is not used"
    callee.write_text(text.replace(line, changed), encoding="utf-8")
    value, hits = run(folder, program)
    assert hits == 0
    assert abs(value - before) > 0.1 if after is None else value == pytest.approx(after)
    callee.write_text(text, encoding="utf-8")
    assert run(folder, program) == pytest.approx([before, 1])


def test_kernels_of_modules_imported_after_a_change_are_not_kept(tmp_path):
    # A process that runs while a file is edited must not leave its kernels to those after it.
    folder = copied(tmp_path)
    callee = folder / "kinetic" / "_third_order.py"
    text = callee.read_text(encoding="utf-8")
    changed = text.replace("inverse = 0.5 / (q0", "inverse = 0.7 / (q0")
    assert changed != text
    expected = run(folder, LATE.format(before="", after=""))
    shutil.rmtree(folder / "kinetic" / "__pycache__")
    edit = "from pathlib import Path; Path({!r}).write_text({!r}, encoding='utf-8')"
    before, after = (edit.format(str(callee), version) for version in (changed, text))
    assert run(folder, LATE.format(before=before, after=after)) != expected
    assert run(folder, LATE.format(before="", after="")) == expected


def test_old_generations_of_kernels_are_removed(tmp_path):
    cache = copied(tmp_path) / "kinetic" / "__pycache__"
    for k in range(8):
        (cache / f"kinetic-kernels-{k}").mkdir(parents=True)
    run(tmp_path, PROGRAM.format(name="relu"))
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
