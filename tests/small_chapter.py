"""A chapter small enough for tests, and the commands that run it."""

import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent

SETUP = """\
import matplotlib.pyplot as plt
import numpy as np
from kinetic import figures
from kinetic.claims import Claim, close, table

figures.use()
def draw(factor=1.0, label="energy", top=1.2, second=True):
    x = np.linspace(0, 5, 600)
    ax = plt.figure(figsize=(3, 2), dpi=50).add_subplot(ylim=(0, top))
    ax.set(xlabel="time", ylabel="moment")
    ax.plot(x, np.exp(-x), label="mean")
    if second:
        ax.plot(x, factor * np.exp(-2 * x), label=label)
    ax.legend();"""

CLAIMS = 'table([Claim("Fig. 1", "the mean decays", close(0.25, 0.3, 0.1), "Sec. 4.1")])'


def code(source, **metadata):
    return new_code_cell(source, metadata=metadata)


def figure(source="draw()", name="fig-decay", **kinetic):
    mystnb = {"figure": {"caption": "Decay.", "name": name}, "image": {"alt": "Two curves fall."}}
    return code(source, mystnb=mystnb, **({"kinetic": kinetic} if kinetic else {}))


def chapter(*cells):
    """Return a notebook which was never run."""
    return new_notebook(cells=[new_markdown_cell("# Decay"), code(SETUP), *cells])


def run_tool(*arguments):
    """Run tools/notebooks.py and return the finished process."""
    command = [sys.executable, ROOT / "tools" / "notebooks.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def write_run(path, notebook):
    """Write a notebook with the outputs that `make notebooks` stores, and return it."""
    nbformat.write(notebook, path)
    process = run_tool(path)
    assert process.returncode == 0, process.stdout + process.stderr
    return nbformat.read(path, as_version=4)
