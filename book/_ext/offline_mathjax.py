"""Serve MathJax from the site itself, out of the files in the package sphinx-mathjax-offline."""

import shutil
from importlib.metadata import files
from pathlib import Path

ENTRY = "tex-chtml.js"
NEEDED = (ENTRY, "a11y", "input", "output", "sre", "ui")


def mathjax_folder():
    """Return the folder with MathJax's files as the package was installed."""
    entry = next(f for f in files("sphinx-mathjax-offline") if f.name == ENTRY)
    return Path(entry.locate()).parent


def copy_mathjax(app, exception):
    """Copy what a page may load: the entry, its fonts and what it loads on demand."""
    if exception or app.builder.format != "html":
        return
    source, target = mathjax_folder(), Path(app.outdir) / "_static" / "mathjax"
    for name in NEEDED:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def setup(app):
    """Connect the extension to Sphinx."""
    app.connect("build-finished", copy_mathjax)
    app.config.mathjax_path = f"mathjax/{ENTRY}"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
