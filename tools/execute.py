"""Execute one chapter in a fresh kernel."""

import re
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ANSI = re.compile(r"\x1b\[[0-9;]*m")
SECONDS_PER_CELL = 600


class ChapterError(Exception):
    """A chapter failed; the message has its name, the cell and the traceback."""


def execute(source, target):
    """Execute the notebook `source`, write it with its new outputs to `target`.

    The kernel runs in the target's folder.

    Returns
    -------
    float
        Seconds that it took.

    Raises
    ------
    ChapterError
        If a cell raised or showed an error, wrote to standard error, ran too long or ended
        the kernel.
    """
    source, target = Path(source), Path(target)
    notebook = nbformat.read(source, as_version=4)
    reached = []
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=SECONDS_PER_CELL,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": target.parent}},
        on_cell_start=lambda cell, cell_index: reached.append(cell_index),
    )
    start = time.perf_counter()
    try:
        client.execute()
    except Exception as error:
        where = f"{source.parent.name}/{source.name}"
        if not reached:
            raise ChapterError(f"{where}: the kernel did not start\n\n{error}") from None
        code = notebook.cells[reached[-1]].source
        what = error.traceback if isinstance(error, CellExecutionError) else str(error)
        raise ChapterError(
            f"{where}: cell {reached[-1] + 1} of {len(notebook.cells)} failed\n\n"
            f"{code}\n\n{ANSI.sub('', what).strip()}"
        ) from None
    refuse_errors(source, notebook)
    nbformat.write(notebook, target)
    return time.perf_counter() - start


def refuse_errors(path, executed):
    """Raise ChapterError if a cell wrote to standard error or showed an error and went on."""
    for index, cell in enumerate(executed.cells):
        expected = "raises-exception" in cell.metadata.get("tags", ())
        for output in cell.get("outputs", ()):
            error = output.output_type == "error" and not expected
            if error or output.get("name") == "stderr":
                what = f"showed {output.evalue}" if error else f"warned:\n\n{output.text.rstrip()}"
                where = f"{path.parent.name}/{path.name}: cell {index + 1} of {len(executed.cells)}"
                raise ChapterError(f"{where} {what}\n\n{cell.source}")
