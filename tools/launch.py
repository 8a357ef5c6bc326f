"""Write the tree that the launch buttons open: the committed one, with chapters that stand alone.

Binder installs kinetic when it starts; Colab has no kinetic. So each chapter gets a first cell
that installs it where it is missing, from the very commit that the chapter belongs to.
"""

import argparse
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
INSTALL = """\
# Installs the book's package where it is missing, as on Colab.
import importlib.util

if importlib.util.find_spec("kinetic") is None:
    %pip install -q "kinetic[data,figures] @ git+{url}@{commit}"
"""


def export(folder):
    """Write the files of the last commit but its workflows into a folder; return its hash."""
    command = ["git", "archive", "--format=tar", "HEAD", ":!.github"]
    archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def add_install_cell(path, url, commit):
    """Insert the cell that installs kinetic before all others of one notebook."""
    notebook = nbformat.read(path, as_version=4)
    cell = nbformat.v4.new_code_cell(INSTALL.format(url=url, commit=commit), id="install")
    notebook.cells.insert(0, cell)
    nbformat.write(notebook, path)


def main():
    """Read the command line and write the tree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="address of the repository, as git clones it")
    parser.add_argument("folder", type=Path, help="where to write; must not hold anything")
    arguments = parser.parse_args()
    if arguments.folder.exists() and any(arguments.folder.iterdir()):
        sys.exit(f"{arguments.folder} is not empty; name a new or an empty folder.")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    commit = export(arguments.folder)
    for path in sorted((arguments.folder / "book").glob("*.ipynb")):
        add_install_cell(path, arguments.url, commit)
        print(f"{path.name}: installs kinetic from {arguments.url}")


if __name__ == "__main__":
    main()
