"""Every numbered item of the paper has a claim, and texts that name items are read right."""

from pathlib import Path

import pytest
import stored_claims
from chapters import PAPER_FIGURES
from paper_items import ITEMS, items, items_of_claim

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def chapters():
    """The chapters of the part that follows the paper, with their stored claims."""
    found = stored_claims.read_all(ROOT / "book", ROOT / "_toc.yml")
    return {chapter.name: chapter for chapter in found if chapter.follows_paper}


def unclaimed(chapters):
    """List the items that no claim of their chapter names."""
    claimed = {
        (name, chapter.name)
        for chapter in chapters.values()
        for record in chapter.records
        for name in items_of_claim(record)
    }
    return [name for name, item in ITEMS.items() if (name, item.chapter) not in claimed]


def test_every_item_of_the_paper_has_a_claim_in_its_chapter(chapters):
    assert unclaimed(chapters) == []


@pytest.mark.parametrize("name", ["Theorem 1", "(2)", "Table 1"])
def test_an_item_without_claim_is_found(chapters, name):
    spoiled = dict(chapters)
    for chapter in chapters.values():
        left = [record for record in chapter.records if name not in items_of_claim(record)]
        spoiled[chapter.name] = stored_claims.Chapter(chapter.name, chapter.title, True, left)
    assert name in unclaimed(spoiled)


def test_all_items_of_the_paper_are_listed():
    counts = {
        "Theorem": 1, "Definition": 2, "Proposition": 3, "Corollary": 2, "Remark": 3,
        "Algorithm": 1, "Table": 1, "Fig.": 9,
    }  # fmt: skip
    expected = {f"{kind} {i + 1}" for kind, count in counts.items() for i in range(count)}
    assert set(ITEMS) == expected | {f"({i + 1})" for i in range(25)}


def test_every_figure_is_claimed_where_it_is_drawn():
    claimed = {str(n): ITEMS[f"Fig. {n}"].chapter for n in range(1, 10)}
    assert claimed == PAPER_FIGURES


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Theorem 1", ["Theorem 1"]),
        ("Sec. 2.2, (5)", ["(5)"]),
        ("(10), (11)", ["(10)", "(11)"]),
        ("(13)-(16)", ["(13)", "(14)", "(15)", "(16)"]),
        ("(13) to (15), (16)", ["(13)", "(14)", "(15)", "(16)"]),
        ("eqs. (1), (2)", ["(1)", "(2)"]),
        ("Propositions 2 and 3", ["Proposition 2", "Proposition 3"]),
        ("Corollaries 1, 2; (12)", ["(12)", "Corollary 1", "Corollary 2"]),
        ("Figs. 1-3", ["Fig. 1", "Fig. 2", "Fig. 3"]),
        ("Fig. 4, 200 cells; Figure 3", ["Fig. 3", "Fig. 4"]),
        ("Definition 2 (ii) and (v), Table 1", ["Definition 2", "Table 1"]),
        ("Algorithm 1, Sec. 4.2.1", ["Algorithm 1"]),
        ("Remark 3 (ours), as $M = 50$", ["Remark 3"]),
        ("Sec. 4.2.1", []),
    ],
)
def test_a_text_names_items(text, named):
    assert items(text) == [name for name in ITEMS if name in named]
    assert set(items(text)) == set(named)


@pytest.mark.parametrize("text", ["(26)", "(0)", "Theorem 2", "Figs. 8-10", "Figures 9 and 10"])
def test_an_item_that_the_paper_does_not_have_is_refused(text):
    with pytest.raises(ValueError, match="which the paper does not have"):
        items(text)
