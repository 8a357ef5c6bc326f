"""The check of the chapters is itself checked: a notebook is changed after it was run."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import nbformat
import pytest
from small_chapter import CLAIMS, ROOT, chapter, code, figure, write_run

SAME = "draw()"
# What each cell was when it was run, what it is when it is tested, and the words of its failure.
CASES = {
    "nothing changed": (figure(), SAME, None),
    "perturbed by 1e-9": (figure(), "draw(1 + 1e-9)", None),
    "scaled by 1.01": (
        figure(),
        "draw(1.01)",
        "axes 0 (x: 'time', y: 'moment'), line 1 'energy': y off by up to 0.01 (0.01 of its range)"
        " at point 0 of 600 (x = 0): 1.01 instead of 1",
    ),
    "curve removed": (figure(), "draw(second=False)", "line: 1 ('mean') instead of 2"),
    "label changed": (
        figure(),
        "draw(label='variance')",
        "label is 'variance' instead of 'energy'",
    ),
    "limit changed": (figure(), "draw(top=1.3)", "y limits off by up to 0.1"),
    "within its own tolerance": (figure(rtol=0.02, reason="random"), "draw(1.01)", None),
    "beyond its own tolerance": (figure(rtol=0.02, reason="random"), "draw(1.1)", "off by up to"),
    "figure gone": (figure(), "pass", "outputs are none instead of application/vnd.kinetic.fig"),
    "figure added": (code("pass"), SAME, "instead of none"),
    "text changed": (code("print('a')"), "print('b')", "-a\n+b"),
    "hidden by a semicolon": (code("1.0;"), "1.0;", None),
    "number changed": (code("1.0"), "1.0000001", "text/plain differs"),
    "warning": (code("pass"), "import warnings; warnings.warn('old')", "standard error"),
    "error": (code("pass"), "1 / 0", "ZeroDivisionError"),
    "never run": (code("pass"), "pass", "the cell was never run"),
    "not recordable": (code("pass"), "plt.subplot(projection='3d');", "two-dimensional axes"),
    "claim changed": (code(CLAIMS), CLAIMS.replace("0.25", "0.26"), "printed computed is 0.26"),
    "claim perturbed": (code(CLAIMS), CLAIMS.replace("0.25", "0.25 + 1e-9"), None),
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """The failure of each case, None where the cell passed, from one run of pytest."""
    folder = tmp_path_factory.mktemp("book")
    notebook = write_run(folder / "decay.ipynb", chapter(*(cell for cell, *_ in CASES.values())))
    for cell, (name, (_, source, _)) in zip(notebook.cells[2:], CASES.items(), strict=True):
        cell.source = source
        cell.execution_count = None if name == "never run" else cell.execution_count
    nbformat.write(notebook, folder / "decay.ipynb")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "chapter_checks",
        "-c",
        ROOT / "pyproject.toml",
    ]
    command += ["--rootdir", folder, "--junit-xml", folder / "results.xml", folder / "decay.ipynb"]
    tools = {**os.environ, "PYTHONPATH": str(ROOT / "tools")}
    process = subprocess.run(command, capture_output=True, text=True, env=tools, check=False)
    assert process.returncode == 1, process.stdout + process.stderr
    cases = ET.parse(folder / "results.xml").getroot().iter("testcase")
    found = [case.find("failure") for case in cases]
    assert len(found) == len(CASES) + 1
    return dict(zip(CASES, (None if f is None else f.text for f in found[1:]), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_cell_fails_exactly_when_its_outputs_changed(failures, name):
    message, failure = CASES[name][2], failures[name]
    if message is None:
        assert failure is None
    else:
        assert message in failure
        assert "decay.ipynb, code cell" in failure
