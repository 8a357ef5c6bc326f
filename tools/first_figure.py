"""Time what a reader waits for: the first result in a script, the first figure of each chapter.

Writes book/_records/first_use.json. Meant for a machine that does nothing else. The first result
is measured with the kernels in their cache. A chapter is executed up to its first figure in a
new Jupyter kernel, with empty caches of the package's kernels and of matplotlib's fonts.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from chapters import paths
from execute import execute

RECORD = Path(__file__).resolve().parent.parent / "book" / "_records" / "first_use.json"
MOST_RESULT, MOST_FIGURE = 1.0, 10.0
FIRST_RESULT = """
import time
start = time.perf_counter()
from kinetic import Grid, SimResNet, mean_field
imported = time.perf_counter()
net = SimResNet("tanh", 1.0, -5.0)
mean_field.solve(net, lambda x: 0.0 * x + 1.0 / 6.0, Grid(2, 8, 400), [0.0, 2.0])
print(imported - start, time.perf_counter() - imported)
"""


def first_result(environment, runs):
    """Median seconds of the import and of the first solve, in new processes."""
    command = [sys.executable, "-c", FIRST_RESULT]
    measured = []
    for _ in range(runs + 1):
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        measured.append([float(word) for word in run.stdout.split()])
    parts = [round(statistics.median(part), 3) for part in zip(*measured[1:], strict=True)]
    return dict(zip(("import", "first solve"), parts, strict=True))


def to_first_figure(path):
    """Seconds until a chapter shows its first figure; None if it has none."""
    notebook = nbformat.read(path, as_version=4)
    figures = [k for k, c in enumerate(notebook.cells) if "figure" in c.metadata.get("mystnb", {})]
    if not figures:
        return None
    notebook.cells = notebook.cells[: figures[0] + 1]
    with tempfile.TemporaryDirectory() as folder:
        caches = {"NUMBA_CACHE_DIR": f"{folder}/kernels", "MPLCONFIGDIR": f"{folder}/matplotlib"}
        before = {name: os.environ.get(name) for name in caches}
        os.environ.update(caches)
        start = Path(folder) / path.name
        nbformat.write(notebook, start)
        try:
            return round(execute(start, start.with_suffix(".done.ipynb")), 2)
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def main(arguments=None):
    """Measure, print, and store; the exit status is 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", help="names; all of the book by default")
    parser.add_argument("--runs", type=int, default=9, help="of the first result")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as cache:
        result = first_result({**os.environ, "NUMBA_CACHE_DIR": cache}, options.runs)
    print(f"first result: {result}", flush=True)
    seconds = {}
    for path in paths(options.chapters):
        found = to_first_figure(path)
        if found is not None:
            seconds[path.stem] = found
            print(f"{path.stem}: {found:.2f} s", flush=True)
    slow = [name for name, each in seconds.items() if each > MOST_FIGURE]
    if not options.chapters:
        record = {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "first_result": result,
            "first_figure": seconds,
        }
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8", newline="\n")
    if sum(result.values()) > MOST_RESULT:
        return f"the first result takes more than {MOST_RESULT} s"
    return f"more than {MOST_FIGURE} s to the first figure of {', '.join(slow)}" if slow else 0


if __name__ == "__main__":
    sys.exit(main())
