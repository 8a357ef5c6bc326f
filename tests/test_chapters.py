"""The chapters of the book are whole, and the rules which say so refuse what they should."""

import nbformat
import notebooks
import pytest
from chapters import paths, problems
from nbformat.v4 import new_output
from small_chapter import CLAIMS, chapter, code, figure

from kinetic import claims, figures

PAPER = {"3": "decay"}


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_the_chapter_is_in_normal_form(path):
    assert not notebooks.not_normal(path), "run make notebooks"


def test_the_chapters_are_whole():
    assert problems({path.stem: nbformat.read(path, as_version=4) for path in paths()}) == []


@pytest.fixture
def decay():
    """A chapter without problems, with made-up outputs."""
    notebook = chapter(figure(paper_figure="3"), code(CLAIMS))
    picture = {figures.MIME: {}, "image/png": "", "text/plain": "<Figure>"}
    notebook.cells[2].outputs = [new_output("display_data", picture)]
    notebook.cells[3].outputs = [new_output("execute_result", {claims.MIME: {"claims": []}})]
    for count, cell in enumerate(notebook.cells[1:], 1):
        cell.execution_count = count
    return notebook


def test_a_whole_chapter_passes(decay):
    assert problems({"decay": decay}, PAPER) == []


def never_run(drawing, last):
    last.execution_count = None


def too_long(drawing, last):
    last.source = "\n".join(["x = 1"] * 16)


def ignored_by_tag(drawing, last):
    drawing.metadata.tags = ["nbval-ignore-output"]


def ignored_by_comment(drawing, last):
    drawing.source = "# NBVAL_SKIP\ndraw()"


def captured(drawing, last):
    drawing.source = "%%capture\ndraw()"


def allowed_error(drawing, last):
    drawing.metadata.tags = ["raises-exception"]


def loose(drawing, last):
    drawing.metadata.kinetic["rtol"] = 1e-3


def misspelled(drawing, last):
    drawing.metadata.kinetic["rotl"] = 1e-3


def warned(drawing, last):
    last.outputs.append(new_output("stream", name="stderr", text="old"))


def failed(drawing, last):
    last.outputs.append(new_output("error", ename="E", evalue="", traceback=[]))


def without_record(drawing, last):
    drawing.outputs.append(new_output("display_data", {"image/png": ""}))


def two_figures(drawing, last):
    drawing.outputs.append(drawing.outputs[0])


def without_caption(drawing, last):
    drawing.metadata.mystnb.figure.pop("caption")


def without_name(drawing, last):
    drawing.metadata.mystnb.figure.pop("name")


def without_text(drawing, last):
    drawing.metadata.mystnb.pop("image")


def without_claims(drawing, last):
    last.outputs = []


def undrawn(drawing, last):
    drawing.metadata.kinetic = {}


def unknown_figure(drawing, last):
    drawing.metadata.kinetic["paper_figure"] = "33"


def declared_only(drawing, last):
    last.metadata["kinetic"] = {"paper_figure": "3"}


REFUSED = {
    never_run: "decay, code cell 2 was never run",
    too_long: "decay, code cell 2 has 16 lines; accepted are 15",
    ignored_by_tag: "decay, code cell 1 ignores its output by nbval-ignore-output without a reason",
    ignored_by_comment: "decay, code cell 1 ignores its output by NBVAL_SKIP without a reason",
    captured: "decay, code cell 1 ignores its output by %%capture without a reason",
    allowed_error: "decay, code cell 1 ignores its output by raises-exception without a reason",
    loose: "decay, code cell 1 loosens rtol without a reason",
    misspelled: "decay, code cell 1 has unknown options ['rotl']",
    warned: "decay, code cell 2 wrote to standard error",
    failed: "decay, code cell 2 stores an error",
    without_record: "decay, code cell 1 shows an image without the record of its figure",
    two_figures: "decay, code cell 1 shows more than one figure",
    without_caption: "decay, code cell 1 shows a figure without caption",
    without_name: "decay, code cell 1 shows a figure without name",
    without_text: "decay, code cell 1 shows a figure without alternative text",
    without_claims: "decay: the last code cell shows no claims",
    undrawn: "decay: no cell draws figure 3 of the paper",
    unknown_figure: "decay: figure 33 of the paper is not in PAPER_FIGURES",
    declared_only: "decay, code cell 2 declares figure 3 of the paper, but draws none",
}


@pytest.mark.parametrize("spoil", REFUSED, ids=lambda spoil: spoil.__name__)
def test_what_a_chapter_lacks_is_named(decay, spoil):
    spoil(decay.cells[2], decay.cells[3])
    found = problems({"decay": decay}, PAPER)
    assert any(line.startswith(REFUSED[spoil]) for line in found), found


@pytest.mark.parametrize("spoil", [ignored_by_tag, ignored_by_comment, loose])
def test_a_stated_reason_is_accepted(decay, spoil):
    spoil(decay.cells[2], decay.cells[3])
    decay.cells[2].metadata.kinetic["reason"] = "Monte Carlo"
    assert problems({"decay": decay}, PAPER) == []


def test_two_figures_of_one_name_are_named(decay):
    found = problems({"decay": decay, "growth": decay}, {"3": "growth"})
    name = "growth, code cell 1: the figure's name 'fig-decay' is that of decay, code cell 1"
    assert name in found
