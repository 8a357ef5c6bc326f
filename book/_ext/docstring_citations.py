"""Which items of the paper the public names of a package say they implement.

A docstring cites in parentheses that end with the word paper: "(eq. (24); paper)",
"(eqs. (10), (11); paper)", "(Theorem 1; paper)". Read from the source, so that nothing is
imported.
"""

import ast
import re
from typing import NamedTuple

from paper_items import ITEMS, items

NOT_IN_CODE = {
    "(5)": "conditions that no function needs; the chapter checks which activations meet them",
}
"""Equations that no function implements, and why."""

ENDING = re.compile(r";\s+paper\)")


class Cited(NamedTuple):
    """A public name that cites: "network.propagate", and its docstring's first sentence."""

    name: str
    summary: str


def citations(docstring):
    """Return the parentheses of a docstring that cite the paper, without their own brackets."""
    found = []
    for ending in ENDING.finditer(docstring):
        depth, start = 1, ending.start()
        while depth and start:
            start -= 1
            depth += {")": 1, "(": -1}.get(docstring[start], 0)
        if depth:
            raise ValueError(f"no parenthesis opens before '; paper)' in: {docstring[:80]}")
        found.append(docstring[start + 1 : ending.start()])
    return found


def cited(package):
    """Map each item of the paper to the public names that cite it.

    Parameters
    ----------
    package : Path
        Folder of a package; modules whose name begins with an underscore are not public.

    Returns
    -------
    dict of str to list of Cited
        For all items, in the order of the paper. A module is listed where none of its
        members is.

    Raises
    ------
    ValueError
        If a docstring cites an item that the paper does not have.
    """
    trees = {p.stem: ast.parse(p.read_text("utf-8")) for p in sorted(package.glob("[!_]*.py"))}
    exported = _exported(trees)
    found = {name: [] for name in ITEMS}
    for module, tree in trees.items():
        cited_by_members = set()
        for path, node in _members(tree):
            docstring = ast.get_docstring(node) or ""
            named = items("; ".join(citations(docstring)))
            home = exported.get((module, path.split(".")[0]), module)
            for item in named:
                found[item].append(Cited(f"{home}.{path}", _summary(docstring)))
            cited_by_members |= set(named)
        docstring = ast.get_docstring(tree) or ""
        for item in items("; ".join(citations(docstring))):
            if item not in cited_by_members:
                found[item].append(Cited(module, _summary(docstring)))
    return found


def _members(node, prefix=""):
    """Yield the public functions, classes and methods, each with its dotted name."""
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield f"{prefix}{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from _members(child, f"{child.name}.")


def _exported(trees):
    """Map (module, name) to the module that offers the name as its own in ``__all__``."""
    exported = {}
    for offering, tree in trees.items():
        lists = [n.value for n in tree.body if isinstance(n, ast.Assign)
                 and getattr(n.targets[0], "id", None) == "__all__"]  # fmt: skip
        offered = {name for value in lists for name in ast.literal_eval(value)}
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kinetic."):
                module = node.module.removeprefix("kinetic.")
                names = {alias.name for alias in node.names} & offered
                exported |= {(module, name): offering for name in names}
    return exported


def _summary(docstring):
    """Return the first paragraph without its citations and its full stop."""
    text = " ".join(docstring.split("\n\n")[0].split())
    for citation in citations(text):
        text = text.replace(f" ({citation}; paper)", "")
    return text.rstrip(".")
