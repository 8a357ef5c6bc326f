"""The commands, the files that people and services read first, and what they promise."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import clean
import environment
import launch
import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import book

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
README = (ROOT / "README.md").read_text("utf-8")
PINS = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.M))


def run(*command, cwd=ROOT, **environment):
    """Run a command and return its status and all that it printed."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    return result.returncode, result.stdout


# ---------------------------------------------------------------------------------- make book


@pytest.fixture
def small_book(tmp_path):
    """A book of one page and one chapter, built by the real tools with the real settings."""
    (tmp_path / "book").mkdir()
    for name in ("_config.yml", "tools", "book/_ext", "book/_static", "book/references.bib"):
        source, target = ROOT / name, tmp_path / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
    toc = {
        "format": "jb-book",
        "root": "intro",
        "parts": [{"caption": "Part", "chapters": [{"file": "chapter"}]}],
    }
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(toc), "utf-8")
    (tmp_path / "book" / "intro.md").write_text("# Start\n\nText.\n", "utf-8")
    write_chapter(tmp_path, "print(6 * 7)")
    return tmp_path


def write_chapter(folder, *sources):
    """Write a chapter with these code cells, none of them executed."""
    cells = [nbformat.v4.new_code_cell(text, id=f"c{i}") for i, text in enumerate(sources)]
    title = nbformat.v4.new_markdown_cell("# A chapter", id="title")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[title, *cells], metadata=kernel)
    nbformat.write(notebook, folder / "book" / "chapter.ipynb")


def build(folder, *arguments):
    return run(sys.executable, "tools/book.py", *arguments, cwd=folder, REPOSITORY_URL="")


def test_a_site_is_built_from_outputs_made_now(small_book):
    status, printed = build(small_book, "--execute")
    index = small_book / "_build" / "html" / "index.html"
    assert status == 0, printed
    assert printed.splitlines()[-1] == str(index)
    assert "Executing 1 chapters" in printed
    assert index.exists()
    assert "<span></span>42" in (index.parent / "chapter.html").read_text("utf-8")
    assert "42" not in (small_book / "book" / "chapter.ipynb").read_text("utf-8")


def test_a_preview_executes_nothing(small_book):
    write_chapter(small_book, "raise ValueError('executed')")
    status, printed = build(small_book)
    assert status == 0, printed
    assert "Executing" not in printed


def test_a_failing_chapter_ends_the_build_with_its_traceback(small_book):
    assert build(small_book)[0] == 0
    site = small_book / "_build" / "html"
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*")}
    write_chapter(small_book, "table = {'a': 1}", "table['missing']")
    status, printed = build(small_book, "--execute")
    assert status != 0
    end = printed[printed.index("book/chapter.ipynb: cell 3 of 3 failed") :]
    assert "table['missing']" in end
    assert "KeyError: 'missing'" in end
    assert "No site was built" in end
    assert {path: path.stat().st_mtime_ns for path in site.rglob("*")} == before
    assert [path.name for path in site.parent.iterdir()] == ["html"]


def test_a_dying_kernel_ends_the_build(small_book):
    write_chapter(small_book, "import os", "os._exit(1)")
    status, printed = build(small_book, "--execute")
    assert status != 0
    assert "book/chapter.ipynb: cell 3 of 3 failed" in printed
    assert not (small_book / "_build" / "html").exists()


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("{ref}`nowhere`", "undefined label"),
        ("{cite:t}`nobody1900`", "nobody1900"),
        ("{term}`no such term`", "no such term"),
        ("[](missing.md)", "missing.md"),
        ("```{nonsense}\n```", "nonsense"),
    ],
)
def test_a_warning_ends_the_build(small_book, text, warning):
    (small_book / "book" / "intro.md").write_text(f"# Start\n\n{text}\n", "utf-8")
    status, printed = build(small_book)
    assert status != 0
    assert warning in printed
    assert not (small_book / "_build" / "html").exists()


def test_a_chapter_of_the_contents_that_does_not_exist_ends_the_build(small_book):
    (small_book / "book" / "chapter.ipynb").unlink()
    status, printed = build(small_book, "--execute")
    assert status != 0
    assert "chapter" in printed


@pytest.mark.parametrize("url", ["http://github.com/a/b", "https://github.com/a", "github.com/a/b"])
def test_an_address_that_makes_dead_buttons_is_refused(small_book, url):
    status, printed = run(sys.executable, "tools/book.py", cwd=small_book, REPOSITORY_URL=url)
    assert status != 0
    assert f"REPOSITORY_URL is '{url}'" in printed


def test_every_chapter_is_in_the_contents():
    named = {path.name for path in book.chapters(ROOT / "_toc.yml")}
    assert named == {path.name for path in (ROOT / "book").glob("*.ipynb")}


# ----------------------------------------------------------------------------------- make venv


def test_an_old_python_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 14, "final", 0))
    with pytest.raises(SystemExit, match=r"3\.11 or later is needed.*3\.10\.14"):
        environment.main()


def test_the_lock_names_exact_versions_and_no_host():
    pin = re.compile(r"[\w.-]+==[\w.]+( ; [\w .'<>=!()-]+)?")
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    assert len(lines) > 50
    assert [line for line in lines if not line.startswith("#") and not pin.fullmatch(line)] == []


def ranges():
    extras = PROJECT["optional-dependencies"]
    texts = [*PROJECT["dependencies"], *(text for extra in extras.values() for text in extra)]
    return [Requirement(text) for text in texts if not text.startswith("kinetic")]


@pytest.mark.parametrize("requirement", ranges(), ids=str)
def test_the_lock_is_within_the_ranges(requirement):
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_all_that_is_locked_is_locked_once():
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()[1:]
    names = [line.split("==")[0] for line in lines]
    assert len(set(names)) == len(names)


# ------------------------------------------------------------------------------- launch buttons


@pytest.fixture
def repository(small_book):
    """The small book, committed."""
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    (small_book / ".github").mkdir()
    (small_book / ".github" / "workflow.yml").touch()
    for command in (("init", "-q"), ("add", "--all"), ("commit", "-q", "-m", "All")):
        assert run(*git, *command, cwd=small_book)[0] == 0
    return small_book


def test_launched_chapters_install_the_package_of_their_commit(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("launch") / "tree"
    url = "https://github.com/someone/some-book"
    status, printed = run(sys.executable, "tools/launch.py", url, folder, cwd=repository)
    assert status == 0, printed
    commit = run("git", "rev-parse", "HEAD", cwd=repository)[1].strip()
    chapter = nbformat.read(folder / "book" / "chapter.ipynb", as_version=4)
    nbformat.validate(chapter)
    assert (
        f'%pip install -q "kinetic[data,figures] @ git+{url}@{commit}"' in chapter.cells[0].source
    )
    assert chapter.cells[1].source == "# A chapter"
    assert (folder / "book" / "intro.md").exists()
    assert not (folder / ".github").exists()


def test_a_launch_tree_overwrites_nothing(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    (folder / "precious").touch()
    status, printed = run(sys.executable, "tools/launch.py", "https://a", folder, cwd=repository)
    assert status != 0
    assert "not empty" in printed
    assert [path.name for path in folder.iterdir()] == ["precious"]


def test_the_install_cell_does_nothing_where_the_package_is(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    result = shell.run_cell(launch.INSTALL.format(url="https://nowhere.invalid", commit="0"))
    result.raise_error()
    assert capsys.readouterr().out == ""


def test_binder_installs_the_lock_and_the_package():
    named = (ROOT / ".binder" / "requirements.txt").read_text("utf-8").split()
    assert named == ["-r", "../requirements.txt"]
    assert "setuptools" in PINS
    post_build = ROOT / ".binder" / "postBuild"
    assert "--no-deps --no-build-isolation ." in post_build.read_text("utf-8")
    assert os.name == "nt" or os.access(post_build, os.X_OK)


# ----------------------------------------------------------------------- files that people read


def test_the_readme_examples_run(tmp_path):
    printed = []
    for example in re.findall(r"```python\n(.*?)```", README, re.S):
        (tmp_path / "example.py").write_text(example, "utf-8")
        status, text = run(sys.executable, "-W", "error", "example.py", cwd=tmp_path)
        assert status == 0, text
        printed.append(text)
    network, noise, training = printed
    numbers = re.findall(r"(?:mass|variance|distance) (\S+)", network)
    mass, variance, distance = map(float, numbers)
    assert mass == pytest.approx(1, abs=1e-12)
    assert 7 < variance < 9
    assert distance < 0.1
    assert "family generalized gamma" in noise
    data, outputs = map(float, re.findall(r"of the (?:data|outputs) (\S+)", noise))
    assert outputs == pytest.approx(data, rel=0.05)
    narrow, _, wide = map(float, re.findall(r"neurons: distance (\S+)", training))
    assert wide < narrow / 3 < 0.03


def test_the_introduction_example_runs(tmp_path):
    text = (ROOT / "book" / "intro.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.S)
    status, printed = run(sys.executable, "-W", "error", "-c", example, cwd=tmp_path)
    assert status == 0, printed


def test_the_readme_explains_every_target():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split()) - {"help", "venv"}
    assert targets
    assert {name for name in targets if f"make {name}" not in README} == set()
    assert {name for name in targets if f'"make {name} ' not in makefile} == set()


def test_files_and_modules_that_the_readme_names_exist():
    paths = re.findall(r"`((?:book|\.github|tools)/[\w./-]+)`", README)
    modules = re.findall(r"^\|.*\| ((?:`\w+`(?:, )?)+) \|$", README, re.M)
    names = {name for cell in modules for name in re.findall(r"`(\w+)`", cell)}
    assert len(paths) > 4
    assert len(names) > 5
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert [name for name in names if not (ROOT / "kinetic" / f"{name}.py").exists()] == []
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', README)
    assert [path for path in pictures if not (ROOT / path).exists()] == []


def test_the_citation_names_the_paper_and_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["preferred-citation"]["doi"] == "10.3934/fods.2022007"


def test_ci_runs_the_readme_test_command():
    script = ROOT / ".ci" / "run"
    text = script.read_text("utf-8")
    assert text.startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
    assert text.splitlines()[-1] == "make test"
    assert os.name == "nt" or os.access(script, os.X_OK)


def test_workflows_test_on_three_systems_and_set_the_address():
    folder = ROOT / ".github" / "workflows"
    test = yaml.safe_load((folder / "test.yml").read_text("utf-8"))
    matrix = test["jobs"]["test"]["strategy"]["matrix"]
    assert {system.split("-")[0] for system in matrix["system"]} == {"ubuntu", "macos", "windows"}
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"
    publish = yaml.safe_load((folder / "publish.yml").read_text("utf-8"))
    assert publish["env"]["REPOSITORY_URL"]


def test_clean_removes_only_what_is_ignored():
    for name in clean.MADE:
        assert run("git", "check-ignore", "-q", f"{name}/")[0] == 0, name
