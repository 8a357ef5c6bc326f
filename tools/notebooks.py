"""Execute chapters and store their outputs in normal form, where they changed beyond tolerance."""

import argparse
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
from chapters import cell_problems, normalized, output_differences, paths, text, tolerance
from execute import ChapterError, execute


def updated(stored, executed, force=False):
    """Return a notebook that has an executed cell's outputs only where they changed.

    Parameters
    ----------
    stored, executed : notebook
        The same cells with the outputs stored before and made now.
    force : bool
        Take all outputs made now.

    Returns
    -------
    notebook
        In normal form.
    """
    stored, result = normalized(stored), normalized(executed)
    for old, new in zip(stored.cells, result.cells, strict=True):
        if new.cell_type != "code" or old.execution_count is None or force:
            continue
        if not output_differences(old.outputs, new.outputs, **tolerance(new)):
            new.outputs = old.outputs
    return normalized(result)


def run(path, force=False):
    """Execute a chapter and replace its file if it changed.

    Returns
    -------
    str
        What was done, in one line, and what the structure of the chapter still lacks.

    Raises
    ------
    ChapterError
        If a cell failed or wrote to standard error; the file is then as it was.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / path.name
        seconds = execute(path, target)
        executed = nbformat.read(target, as_version=4)
    result = updated(nbformat.read(path, as_version=4), executed, force)
    done = "unchanged"
    if text(result) != path.read_text("utf-8"):
        replace(path, text(result))
        done = "stored"
    code = [cell for cell in result.cells if cell.cell_type == "code"]
    lines = [f"{path.name}: {done} ({seconds:.1f} s)"]
    for index, cell in enumerate(code):
        lines += [f"    code cell {index} {problem}" for problem in cell_problems(cell)]
    return "\n".join(lines)


def replace(path, content):
    """Write a file such that it is the old one or the new one at any moment."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(content, "utf-8", newline="\n")
    os.replace(new, path)


def not_normal(path):
    """Return whether a file differs from the normal form of its notebook, or has cells to run."""
    notebook = nbformat.read(path, as_version=4)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    return None in counts or text(notebook) != path.read_text("utf-8")


def main(arguments=None):
    """Read the command line, execute and store; the exit status is 1 if a chapter failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapters", nargs="*", help="names or paths; all of the book by default")
    parser.add_argument("--check", action="store_true", help="run nothing, test the normal form")
    parser.add_argument("--force", action="store_true", help="store unchanged outputs too")
    options = parser.parse_args(arguments)
    try:
        chosen = paths(options.chapters)
    except FileNotFoundError as error:
        return str(error)
    if options.check:
        wrong = [path.name for path in chosen if not_normal(path)]
        return f"not in normal form: {', '.join(wrong)}; run make notebooks" if wrong else 0
    print(f"Executing {len(chosen)} chapters", flush=True)
    failures = []
    with ProcessPoolExecutor(2) as pool:
        for future in [pool.submit(run, path, options.force) for path in chosen]:
            try:
                print("  " + future.result(), flush=True)
            except ChapterError as error:
                failures.append(f"{error}\n\nThe chapter is as it was.")
    return "\n\n".join(failures) or 0


if __name__ == "__main__":
    sys.exit(main())
