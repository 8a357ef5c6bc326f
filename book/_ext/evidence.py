"""The ledger of all claims and the page of corrections, made from what the chapters store.

Directives without argument or content:

``claims-counts``      how many claims have each verdict, by chapter and in total
``claims-by-item``     every numbered item of the paper with the claims about it
``claims-by-chapter``  every claim with its numbers, and an anchor for links
``corrections``        every claim that fails as printed, beside its correction
``equation-map``       every numbered item but the figures, with the code that implements it
"""

import re
from importlib.util import find_spec
from pathlib import Path

import docstring_citations
import paper_items
import stored_claims
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxDirective

from kinetic import claims
from kinetic._claims_html import HEADS, MARKS, numbers


def words(text):
    """Turn a text with mathematics between dollars into nodes."""
    parts = re.split(r"\$([^$]+)\$", text)
    return [nodes.math(part, part) if i % 2 else nodes.Text(part) for i, part in enumerate(parts)]


def table(*rows):
    """Build a table from rows of cells; a cell is a text or a list of lines of inline nodes.

    The first row has the headings of the columns, the first cell of a row is its heading.
    """
    width = len(rows[0])
    columns = [nodes.colspec(colwidth=1, stub=int(not i)) for i in range(width)]
    head, *body = (nodes.row("", *map(_entry, row)) for row in rows)
    group = nodes.tgroup("", *columns, nodes.thead("", head), nodes.tbody("", *body), cols=width)
    return nodes.table("", group, classes=["evidence"])


def _entry(cell):
    lines = [[nodes.Text(cell)]] if isinstance(cell, str) else cell
    if len(lines) == 1:
        return nodes.entry("", nodes.paragraph("", "", *lines[0]))
    return nodes.entry("", nodes.line_block("", *(nodes.line("", "", *line) for line in lines)))


def section(name, title, *content):
    """Build a section with an anchor."""
    return nodes.section("", nodes.title("", "", *title), *content, ids=[name], names=[name])


class FromClaims(SphinxDirective):
    """A directive whose nodes depend on all chapters."""

    def run(self):
        """Read the chapters, note that the page depends on them, and return the nodes."""
        folder, toc = Path(self.env.srcdir), Path(self.config.external_toc_path)
        try:
            chapters = stored_claims.read_all(folder, toc)
            made = self.made(chapters)
        except ValueError as error:
            raise self.error(str(error)) from error
        for path in (toc, *(folder / f"{chapter.name}.ipynb" for chapter in chapters)):
            self.env.note_dependency(str(path))
        return made

    def link(self, chapter):
        """Link to the page of a chapter."""
        return pending_xref(
            "", nodes.inline("", chapter.title), refdomain="std", reftype="doc",
            reftarget=f"/{chapter.name}", refdoc=self.env.docname, refexplicit=True, refwarn=True,
        )  # fmt: skip


class Counts(FromClaims):
    """How many claims have each verdict."""

    def made(self, chapters):
        """Return one table: a line a chapter, and one for all."""
        marks = [[[nodes.abbreviation("", mark, explanation=word)]] for word, mark in MARKS.items()]
        rows = [[[[self.link(chapter)]], *self.counts([chapter])] for chapter in chapters]
        return [
            table(["Chapter", "Claims", *marks], *rows, ["All chapters", *self.counts(chapters)])
        ]

    def counts(self, chapters):
        """Return the number of claims and how many have each verdict."""
        counts = [sum(chapter.verdicts[verdict] for chapter in chapters) for verdict in MARKS]
        return map(str, (sum(counts), *counts))


class ByItem(FromClaims):
    """The numbered items of the paper and what was found about each."""

    def made(self, chapters):
        """Return one table: a line an item."""
        chapters = [chapter for chapter in chapters if chapter.follows_paper]
        rows = []
        for name, item in paper_items.ITEMS.items():
            heading = [[nodes.strong("", name)], words(item.content)]
            lines = [line for chapter in chapters for line in self.claims_about(name, chapter)]
            rows.append([heading, lines or "no claim"])
        return [table(["Item", "Claims, by chapter"], *rows)]

    def claims_about(self, name, chapter):
        """Return lines: the chapter, and its claims about an item by verdict and name."""
        lines = [
            [
                nodes.reference(
                    "", "", *words(f"{MARKS[record['verdict']]} {record['name']}"), refid=target
                )
            ]
            for record, target in zip(chapter.records, chapter.ids, strict=True)
            if name in paper_items.items_of_claim(record)
        ]
        return [[self.link(chapter)], *lines] if lines else []


class ByChapter(FromClaims):
    """Every claim with its numbers."""

    def made(self, chapters):
        """Return one section a chapter."""
        return [
            section(
                f"claims-{chapter.name}".replace("_", "-"),
                [self.link(chapter)],
                nodes.raw("", claims.html(chapter.records, chapter.ids), format="html"),
            )
            for chapter in chapters
        ]


class Corrections(FromClaims):
    """Every claim that does not hold as printed."""

    def made(self, chapters):
        """Return one section a chapter that has such claims, with one section each."""
        sections = []
        for chapter in chapters:
            pairs = zip(chapter.records, chapter.ids, strict=True)
            found = [pair for pair in pairs if pair[0]["verdict"] != claims.REPRODUCED]
            if found:
                name = f"corrections-{chapter.name}".replace("_", "-")
                parts = [self.correction(*pair) for pair in found]
                sections.append(section(name, [self.link(chapter)], *parts))
        return sections

    def correction(self, record, target):
        """Return the section on one claim."""
        checks = {"As printed": record["printed"], "As corrected": record["corrected"]}
        columns = {head: numbers(check) for head, check in checks.items() if check}
        rows = zip(HEADS, *columns.values(), strict=True)
        note = words(record["correction"] or record["failure"])
        kind = "Correction: " if record["corrected"] else f"{record['verdict'].capitalize()}: "
        return section(
            target.replace("claim-", "correction-", 1),
            words(f"{record['name']}, {record['source']}"),
            nodes.paragraph("", "Claim: ", *words(record["statement"])),
            table(["", *columns], *rows),
            nodes.paragraph("", "", nodes.strong("", kind), *note),
        )


class EquationMap(FromClaims):
    """The numbered items of the paper and the names in `kinetic` that implement them."""

    def made(self, chapters):
        """Return one table: a line an item."""
        package = Path(find_spec("kinetic").origin).parent
        for path in package.glob("*.py"):
            self.env.note_dependency(str(path))
        chapters = [chapter for chapter in chapters if chapter.follows_paper]
        rows = []
        for item, names in docstring_citations.cited(package).items():
            if item.startswith("Fig."):
                continue
            where = [[self.link(chapter)] for chapter in chapters if claimed(item, chapter)]
            heading = [[nodes.strong("", item)], words(paper_items.ITEMS[item].content), *where]
            code = [described(cited) for cited in names]
            rows.append([heading, code or docstring_citations.NOT_IN_CODE.get(item, "no function")])
        return [table(["Item", "In kinetic"], *rows)]


def claimed(item, chapter):
    """Whether a claim of a chapter names an item."""
    return any(item in paper_items.items_of_claim(record) for record in chapter.records)


def described(cited):
    """Return a name and what its docstring says first."""
    parts = f"``{cited.name}`` {cited.summary}".split("``")
    return [nodes.literal(p, p) if i % 2 else nodes.Text(p) for i, p in enumerate(parts)]


def setup(app):
    """Connect the extension to Sphinx."""
    app.add_directive("claims-counts", Counts)
    app.add_directive("claims-by-item", ByItem)
    app.add_directive("claims-by-chapter", ByChapter)
    app.add_directive("corrections", Corrections)
    app.add_directive("equation-map", EquationMap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
