"""The ledger and the page of corrections say what the chapters store, and follow their changes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import stored_claims
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kinetic.claims import Claim, at_most, close, table

ROOT = Path(__file__).resolve().parent.parent
HELD = Claim("Theorem 1", "the distance <falls> like $M^{-1/2}$", close(-0.493, -0.5, 0.05), "(3)")
MENDED = Claim(
    "Estimate", "growth", at_most(403.4, 1.0), "Theorem 1",
    corrected=at_most(0.75, 1.0), correction="the exponent is $|w|$",
)  # fmt: skip
LOST = Claim("Fig. 8", "the step", close(2.0, 1.0, 0.1), "Sec. 4.3", failure="no start is given")

TOC = """\
format: jb-book
root: ledger
parts:
  - caption: The paper
    chapters: [{file: first}, {file: second}]
  - caption: Other
    chapters: [{file: corrections}, {file: other}]
"""
CONFIGURATION = f"""\
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_nb", "sphinx_external_toc", "evidence"]
nb_execution_mode = "off"
exclude_patterns = ["_build", "jupyter_execute"]
suppress_warnings = ["mystnb.unknown_mime_type"]
"""
PAGES = {
    "ledger": "# Ledger\n```{claims-counts}\n```\n## Items\n```{claims-by-item}\n```\n"
    "## Chapters\n```{claims-by-chapter}\n```\n",
    "corrections": "# Corrections\n```{corrections}\n```\n",
}


def write_chapter(path, *claims):
    """Write a notebook that stores these claims."""
    bundle = json.loads(json.dumps(table(claims)._repr_mimebundle_()))
    shown = new_output("execute_result", bundle, execution_count=1)
    cells = [
        new_markdown_cell(f"# The {path.stem} chapter"),
        new_code_cell("table(claims)", execution_count=1, outputs=[shown]),
    ]
    kernel = {"language_info": {"name": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A folder with three chapters, one of which follows another paper."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "conf.py").write_text(CONFIGURATION, "utf-8")
    (folder / "_toc.yml").write_text(TOC, "utf-8")
    for name, text in PAGES.items():
        (folder / f"{name}.md").write_text(text, "utf-8")
    write_chapter(folder / "first.ipynb", HELD, MENDED)
    write_chapter(folder / "second.ipynb", HELD, LOST, HELD)
    write_chapter(folder / "other.ipynb", MENDED)
    return folder


def build(folder):
    """Build the pages anew where something has changed; return the page of a name."""
    command = [sys.executable, "-m", "sphinx", "-W", "-q", ".", "_build"]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert process.returncode == 0, process.stderr
    pages = {path.stem: path.read_text("utf-8") for path in (folder / "_build").glob("*.html")}
    return {name: BeautifulSoup(text, "html.parser") for name, text in pages.items()}


@pytest.fixture(scope="module")
def pages(book):
    return build(book)


def rows(found):
    """Return the texts of the cells of a table, without blanks."""
    lines = [line.find_all(("th", "td")) for line in found.find_all("tr")]
    return [[" ".join(cell.get_text(" ").split()) for cell in line] for line in lines]


def test_the_counts_are_those_of_the_chapters(pages):
    assert rows(pages["ledger"].find("table")) == [
        ["Chapter", "Claims", "✓", "≈", "✗"],
        ["The first chapter", "2", "1", "1", "0"],
        ["The second chapter", "3", "2", "0", "1"],
        ["The other chapter", "1", "0", "1", "0"],
        ["All chapters", "6", "3", "2", "1"],
    ]


def test_an_item_lists_its_claims_of_the_paper_s_chapters(pages):
    by_item = {row[0].split(" ")[0]: row[1] for row in rows(pages["ledger"].find_all("table")[1])}
    assert by_item["Theorem"] == (
        "The first chapter ✓ Theorem 1 ≈ Estimate The second chapter ✓ Theorem 1 ✓ Theorem 1"
    )
    assert by_item["(3)"].count("Theorem 1") == 3
    assert by_item["(25)"] == "no claim"


def test_links_reach_claims_and_chapters_and_no_anchor_is_double(pages):
    ledger = pages["ledger"]
    anchors = [tag["id"] for tag in ledger.find_all(id=True)]
    assert len(set(anchors)) == len(anchors)
    table = ledger.find_all("table")[1]
    inner = [a["href"][1:] for a in table.find_all("a", href=True) if a["href"][0] == "#"]
    assert {"claim-second-theorem-1", "claim-second-theorem-1-2"} <= set(inner) <= set(anchors)
    target = ledger.find(id="claim-first-estimate")
    assert "403.4" in target.get_text()
    assert {"first.html", "second.html"} <= {a["href"] for a in table.find_all("a", href=True)}


def test_text_is_escaped_and_columns_and_rows_have_headings(pages):
    assert (
        "the distance <falls> like" in pages["ledger"].find(id="claim-first-theorem-1").get_text()
    )
    for found in pages["ledger"].find_all("table", class_="evidence"):
        assert len(found.thead.find_all("th")) == len(found.find("tr").find_all(("th", "td")))
        assert all(line.find("th") for line in found.find_all("tr"))


def test_corrections_stand_beside_the_print(pages):
    page = pages["corrections"]
    assert [rows(found) for found in page.find_all("table")] == [
        [
            ["", "As printed", "As corrected"],
            ["Computed", "403.4", "0.75"],
            ["Stated", "≤ 1", "≤ 1"],
            ["Deviation", "402.4", "0"],
        ],
        [["", "As printed"], ["Computed", "2"], ["Stated", "1 ± 0.1"], ["Deviation", "1"]],
        rows(page.find("table")),
    ]
    text = " ".join(page.get_text(" ").split())
    assert r"Correction: the exponent is \(|w|\)" in text
    assert "Not reproducible as printed: no start is given" in text
    assert page.find(id="correction-first-estimate").find(class_="headerlink")
    assert page.find(id="correction-first-theorem-1") is None


def test_a_changed_claim_changes_the_pages(book, pages):
    changed = Claim("Theorem 1", "growth", close(7.25, 7.0, 0.5), "(4)")
    write_chapter(book / "second.ipynb", changed)
    after = build(book)
    write_chapter(book / "second.ipynb", HELD, LOST, HELD)
    assert rows(after["ledger"].find("table"))[2] == ["The second chapter", "1", "1", "0", "0"]
    assert "7.25" in after["ledger"].find(id="claim-second-theorem-1").get_text()
    assert "no start is given" not in after["corrections"].get_text()


def test_a_chapter_without_claims_or_with_an_unknown_item_is_refused(tmp_path):
    path = tmp_path / "empty.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Empty")]), path)
    with pytest.raises(ValueError, match=r"empty\.ipynb stores no claims; run make notebooks"):
        stored_claims.read(path, follows_paper=True)


def unnamed(chapters):
    """List claims outside the part on the paper that name neither a work nor us as source."""
    named = re.compile(r"\b(19|20)\d\d\b|\bours?\b", re.I)
    return [
        f"{chapter.name}: {record['name']}, {record['source']}"
        for chapter in chapters
        if not chapter.follows_paper
        for record in chapter.records
        if not named.search(record["source"])
    ]


def test_claims_on_neighbouring_theories_name_their_source():
    chapters = stored_claims.read_all(ROOT / "book", ROOT / "_toc.yml")
    assert unnamed(chapters) == []


def test_a_claim_on_a_neighbouring_theory_without_source_is_found(book):
    chapters = stored_claims.read_all(book, book / "_toc.yml")
    assert unnamed(chapters) == ["other: Estimate, Theorem 1"]
