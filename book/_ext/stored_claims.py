"""The claims of the chapters, as their notebooks store them."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import nbformat
import yaml

from kinetic import claims

PAPER = "The paper"
"""Caption of the part of the table of contents whose chapters follow the paper's sections."""


@dataclass(frozen=True)
class Chapter:
    """A chapter and its claims.

    Attributes
    ----------
    name, title : str
    follows_paper : bool
        Whether the items that its claims name are those of the paper.
    records : list of dict
        Its claims as `kinetic.claims` stores them.
    """

    name: str
    title: str
    follows_paper: bool
    records: list

    @cached_property
    def ids(self):
        """An anchor for each claim, made from its name and from nothing that often changes."""
        words = [re.sub(r"[^a-z0-9]+", "-", r["name"].lower()).strip("-") for r in self.records]
        seen, ids = Counter(), []
        for word in words:
            seen[word] += 1
            count = f"-{seen[word]}" if seen[word] > 1 else ""
            ids.append(f"claim-{self.name}-{word}{count}".replace("_", "-"))
        return ids

    @property
    def verdicts(self):
        """How many claims have each verdict, by the mark of the verdict."""
        return Counter(record["verdict"] for record in self.records)


def read(path, follows_paper):
    """Read a chapter from its notebook.

    Raises
    ------
    ValueError
        If the notebook stores no claims.
    """
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    tables = [
        output.data[claims.MIME] for output in outputs if claims.MIME in output.get("data", {})
    ]
    if not tables:
        raise ValueError(f"{path.name} stores no claims; run make notebooks")
    title = re.search(r"^# (.+)$", notebook.cells[0].source, re.MULTILINE)[1]
    records = [record for table in tables for record in table["claims"]]
    return Chapter(path.stem, title, follows_paper, records)


def read_all(folder, toc):
    """Read the chapters in `folder` that the table of contents names, in its order."""
    parts = yaml.safe_load(toc.read_text("utf-8"))["parts"]
    named = [
        (folder / f"{entry['file']}.ipynb", part) for part in parts for entry in part["chapters"]
    ]
    return [read(path, part["caption"] == PAPER) for path, part in named if path.exists()]
