"""Every equation of the paper has a function that cites it, and citations are read right."""

from pathlib import Path

import pytest
from docstring_citations import NOT_IN_CODE, Cited, citations, cited
from paper_items import ITEMS

ROOT = Path(__file__).resolve().parent.parent
SOLVER = '''\
"""Solvers (eqs. (3), (8); paper)."""

from kinetic.exact import follow

__all__ = ["Solution", "follow", "solve"]


class Solution:
    """What `solve` returns."""

    def moment(self, k):
        """The k-th moment (eq. (9); paper)."""

    def _hidden(self):
        """(eq. (17); paper)"""


def solve(net):
    """Solve by ``CWENO3``, at a cost
    that grows like n (eq. (24); paper).

    With an argument (not of the paper), and more (sec. 4.2, (ii) of
    Definition 2, eqs. (3), (23);
    paper).
    """
'''
EXACT = '''\
"""Exact (eq. (2); paper)."""


def follow(net):
    """Follow a path (eq. (2); paper)."""
'''


@pytest.fixture
def package(tmp_path):
    """A package of two public modules and a private one."""
    texts = {"solver": SOLVER, "exact": EXACT, "_kernels": '"""(eq. (17); paper)"""'}
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    return tmp_path


def test_public_names_are_found_with_what_they_say_first(package):
    found = {item: names for item, names in cited(package).items() if names}
    solve = Cited("solver.solve", "Solve by ``CWENO3``, at a cost that grows like n")
    assert found == {
        "(2)": [Cited("solver.follow", "Follow a path")],
        "(3)": [solve],
        "(8)": [Cited("solver", "Solvers")],
        "(9)": [Cited("solver.Solution.moment", "The k-th moment")],
        "Definition 2": [solve],
        "(23)": [solve],
        "(24)": [solve],
    }


@pytest.mark.parametrize(
    ("docstring", "message"),
    [("Solve (eq. (26); paper).", "does not have"), ("Solve 24); paper).", "no parenthesis opens")],
)
def test_a_wrong_citation_is_refused(package, docstring, message):
    (package / "wrong.py").write_text(f'"""{docstring}"""', "utf-8")
    with pytest.raises(ValueError, match=message):
        cited(package)


def test_nested_parentheses_belong_to_the_citation():
    assert citations("A (b) c (eqs. (1), (2); paper), (Theorem 1; paper).") == [
        "eqs. (1), (2)",
        "Theorem 1",
    ]


@pytest.fixture(scope="module")
def implemented():
    return {item for item, names in cited(ROOT / "kinetic").items() if names}


def test_every_item_of_the_paper_but_the_figures_has_a_function_or_a_reason(implemented):
    wanted = [item for item in ITEMS if not item.startswith("Fig.")]
    assert [i for i in wanted if i not in implemented and i not in NOT_IN_CODE] == []


def test_no_reason_is_given_for_what_a_function_implements(implemented):
    assert not implemented & set(NOT_IN_CODE)


def test_citations_have_one_form():
    """None ends in "(paper)" or names the paper in another way that the map would miss."""
    for path in (ROOT / "kinetic").glob("*.py"):
        text = path.read_text("utf-8")
        assert text.count("paper)") == text.count("; paper)") + text.count(";\n    paper)"), path
