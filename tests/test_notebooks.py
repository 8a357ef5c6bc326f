"""`make notebooks` stores what changed beyond tolerance, in normal form, and nothing else."""

import base64
import copy

import nbformat
import notebooks
import pytest
from chapters import normalized, paths, text
from execute import execute
from nbformat.v4 import new_notebook, new_output
from small_chapter import CLAIMS, chapter, code, figure, run_tool, write_run

from kinetic import claims, figures


@pytest.fixture(scope="module")
def run_once(tmp_path_factory):
    """A chapter as `make notebooks` left it: its path and its content."""
    path = tmp_path_factory.mktemp("book") / "decay.ipynb"
    write_run(path, chapter(figure(), code("print('a')"), code(CLAIMS)))
    return path, path.read_bytes()


@pytest.fixture
def stored(run_once):
    return nbformat.reads(run_once[1].decode(), as_version=4)


def with_factor(notebook, factor):
    """Return the notebook as if the second curve of its figure were scaled."""
    changed = copy.deepcopy(notebook)
    data = changed.cells[2].outputs[0].data
    curve = data[figures.MIME]["axes"][0]["artists"][1]
    for key in ("values", "means", "range"):
        curve["y"][key] = " ".join(f"{factor * float(y):.12g}" for y in curve["y"][key].split())
    data["image/png"] = "another picture"
    return changed


def test_a_figure_is_stored_with_its_record_and_a_picture_without_date_or_version(stored):
    data, size = stored.cells[2].outputs[0].data, stored.cells[2].outputs[0].metadata["image/png"]
    assert list(size) == ["width"], "with a height the picture would not shrink with the page"
    assert data[figures.MIME]["axes"][0]["artists"][1]["label"] == "energy"
    assert b"tEXt" not in base64.b64decode(data["image/png"])
    assert stored.cells[-1].outputs[0].data[claims.MIME]["claims"][0]["verdict"] == "reproduced"


def test_outputs_within_tolerance_are_kept(stored):
    executed = with_factor(stored, 1 + 1e-9)
    assert text(notebooks.updated(stored, executed)) == text(stored)
    assert text(notebooks.updated(stored, executed, force=True)) == text(executed)


def test_only_the_changed_output_is_replaced(stored):
    executed = with_factor(stored, 1.01)
    executed.cells[-1].outputs[0].data["text/html"] = "another layout"
    result = notebooks.updated(stored, executed)
    assert result.cells[2].outputs[0].data["image/png"] == "another picture"
    assert result.cells[-1] == stored.cells[-1]


def test_of_four_chapters_run_again_only_the_changed_one_is_written(tmp_path, stored):
    same, changed, failing, warning = (copy.deepcopy(stored) for _ in range(4))
    changed.cells[2].source = "draw(1.01)"
    failing.cells[1].source = "1 / 0"
    warning.cells = warning.cells[:2]
    warning.cells[1].source = "import warnings; warnings.warn('old')"
    files = {"same": same, "changed": changed, "failing": failing, "warning": warning}
    chapters = {name: tmp_path / f"{name}.ipynb" for name in files}
    for name, notebook in files.items():
        chapters[name].write_text(nbformat.writes(notebook) + "\n", "utf-8", newline="\n")
    before = {name: (path.read_bytes(), path.stat().st_mtime_ns) for name, path in chapters.items()}
    process = run_tool(*chapters.values())
    after = {name: (path.read_bytes(), path.stat().st_mtime_ns) for name, path in chapters.items()}
    assert process.returncode == 1
    assert [name for name in files if before[name] != after[name]] == ["changed"]
    assert "same.ipynb: unchanged" in process.stdout
    assert "changed.ipynb: stored" in process.stdout
    assert "failing.ipynb: cell 2 of 5 failed" in process.stderr
    assert "ZeroDivisionError: division by zero" in process.stderr
    assert "warning.ipynb: cell 2 of 2 warned" in process.stderr
    assert sorted(tmp_path.iterdir()) == sorted(chapters.values())


def test_normal_form_drops_what_editors_and_runs_leave():
    notebook = chapter(code("1 + 1"))
    cell = notebook.cells[-1]
    cell.metadata = {"collapsed": True, "execution": {"iopub.execute_input": "2024"}, "tags": ["a"]}
    cell.execution_count, cell.id = 41, notebook.cells[0].id
    data = {"text/plain": "2", "application/vnd.jupyter.widget-view+json": {"model_id": "1f"}}
    cell.outputs = [new_output("execute_result", data, execution_count=41)]
    notebook.cells[1].execution_count = 7
    notebook.metadata = {"kernelspec": {"name": "conda-env-x"}, "widgets": {}, "orphan": True}
    result = normalized(notebook)
    assert result.metadata.kernelspec == {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    assert set(result.metadata) == {"kernelspec", "language_info", "orphan"}
    assert result.cells[-1].metadata == {"tags": ["a"]}
    assert [c.execution_count for c in result.cells[1:]] == [1, 2]
    assert result.cells[-1].outputs[0].execution_count == 2
    assert set(result.cells[-1].outputs[0].data) == {"text/plain"}
    assert len({c.id for c in result.cells}) == len(result.cells)
    assert text(nbformat.reads(text(notebook), as_version=4)) == text(notebook)


def test_check_tells_normal_form_without_running(tmp_path, run_once):
    path = tmp_path / "decay.ipynb"
    path.write_bytes(run_once[1])
    assert not notebooks.not_normal(path)
    assert notebooks.main(["--check", str(path)]) == 0
    path.write_bytes(run_once[1].replace(b'"execution_count": 2', b'"execution_count": null'))
    assert "not in normal form: decay.ipynb" in notebooks.main(["--check", str(path)])
    path.write_bytes(run_once[1] + b"\n")
    assert notebooks.not_normal(path)


def test_an_unknown_chapter_is_named(tmp_path):
    (tmp_path / "decay.ipynb").touch()
    with pytest.raises(FileNotFoundError, match="no chapter 'growth'; there are decay"):
        paths(["growth"], tmp_path)
    assert paths(["decay"], tmp_path) == paths((), tmp_path)


def test_what_a_slow_cell_prints_is_one_output(tmp_path):
    slow = code("import time\nfor i in range(3):\n    print(i, flush=True)\n    time.sleep(0.3)")
    nbformat.write(new_notebook(cells=[slow]), tmp_path / "slow.ipynb")
    execute(tmp_path / "slow.ipynb", tmp_path / "run.ipynb")
    outputs = nbformat.read(tmp_path / "run.ipynb", as_version=4).cells[0].outputs
    assert [output.text for output in outputs] == ["0\n1\n2\n"]
