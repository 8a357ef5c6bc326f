"""Interrupted runs continue; damaged and foreign checkpoints are named and not used."""

import errno
import functools
import os
import subprocess
import sys
import textwrap
import types
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from ensemble_problems import classification, gaussian
from scipy import stats

from kinetic import _checkpoint, _ensemble_blocks, _identity, ensemble
from kinetic.datasets import lengths
from kinetic.summaries import Histogram

PARTICLES = 20_000
PROBLEM = classification()
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def reference():
    return ensemble.run(PROBLEM, PARTICLES).digest


def interrupted(folder, problem=PROBLEM, after=9000, **options):
    def stop(done, particles):
        if done >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensemble.run(problem, PARTICLES, checkpoint=folder, progress=stop, **options)


@pytest.mark.parametrize("chunks", [(3, 3), (3, 4), (4, 1), (1, 20)])
def test_a_run_continues_from_its_finished_chunks(tmp_path, reference, chunks):
    interrupted(tmp_path, chunk=chunks[0])
    before = len(list(tmp_path.glob("*.chunk")))
    assert before == -(-9 // chunks[0])
    computed = []
    found = ensemble.run(
        PROBLEM, PARTICLES, chunk=chunks[1], checkpoint=tmp_path,
        progress=lambda done, of: computed.append(done),
    )  # fmt: skip
    assert found.restored == computed[0] == min(before * chunks[0], 20) * 1000
    assert found.digest == reference
    assert found.damaged == ()
    again = ensemble.run(PROBLEM, PARTICLES, checkpoint=tmp_path)
    assert (again.restored, again.digest) == (PARTICLES, reference)


class Counting:
    """Counts its calls, which are no part of what it is."""

    calls = []  # noqa: RUF012

    def __call__(self, x):
        self.calls.append(x.size)
        return x

    def __reduce__(self):
        return (str, ("Counting",))


def test_restored_chunks_are_not_computed_again(tmp_path):
    problem = ensemble.Problem(lengths, Counting(), block=1000)
    interrupted(tmp_path, problem, chunk=3)
    Counting.calls.clear()
    ensemble.run(problem, PARTICLES, checkpoint=tmp_path)
    assert Counting.calls == [1000] * (2 + 11)  # the trial of the first block, and what was left


def cut(content):
    return content[:-7]


def flipped(content):
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


def emptied(content):
    return b""


def headless(content):
    return content[5:]


@pytest.mark.parametrize("damage", [cut, flipped, emptied, headless])
def test_damaged_chunks_are_named_and_computed_again(tmp_path, reference, damage):
    interrupted(tmp_path, chunk=3)
    path = tmp_path / "000000000003-000000000006.chunk"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(RuntimeWarning, match=f"damaged files.*: {path.name}$"):
        found = ensemble.run(PROBLEM, PARTICLES, chunk=3, checkpoint=tmp_path)
    assert found.damaged == (path.name,)
    assert found.restored == 6000
    assert found.digest == reference
    assert ensemble.run(PROBLEM, PARTICLES, checkpoint=tmp_path).restored == PARTICLES


def test_any_changed_byte_is_noticed(tmp_path):
    """Of a chunk file: each of 200 bytes spread over it."""
    store = _checkpoint.Checkpoint(tmp_path, {})
    store.store((0, 2), {(1, 0): [np.arange(3.0)]})
    (path,) = tmp_path.glob("*.chunk")
    content = path.read_bytes()
    for i in np.linspace(0, len(content) - 1, 200).astype(int):
        path.write_bytes(content[:i] + bytes([content[i] ^ 0x10]) + content[i + 1 :])
        nodes, damaged = store.load(1)
        assert (nodes, damaged) == ({}, [path.name]), i
    path.write_bytes(content)
    nodes, damaged = store.load(1)
    assert damaged == []
    np.testing.assert_array_equal(nodes[1, 0][0], np.arange(3.0))
    store.close()


def test_a_chunk_of_another_problem_is_not_used(tmp_path, reference):
    """Of the same sizes, so that nothing but its digest tells."""
    interrupted(tmp_path / "here", chunk=3)
    interrupted(tmp_path / "there", classification(seed=1), chunk=3)
    name = "000000000000-000000000003.chunk"
    (tmp_path / "here" / name).write_bytes((tmp_path / "there" / name).read_bytes())
    with pytest.warns(RuntimeWarning, match=name):
        found = ensemble.run(PROBLEM, PARTICLES, chunk=3, checkpoint=tmp_path / "here")
    assert found.digest == reference


OTHERS = {
    "seed": classification(seed=1),
    "block": classification(block=500),
    "initial": ensemble.Problem(stats.uniform(2, 6), PROBLEM.output, PROBLEM.summaries, block=1000),
    "output": ensemble.Problem(lengths, None, PROBLEM.summaries, block=1000),
    "summaries": ensemble.Problem(
        lengths, PROBLEM.output, PROBLEM.summaries | {"bins": Histogram((2.0, 8.0), 61)}, block=1000
    ),
}


@pytest.mark.parametrize("differs", OTHERS)
def test_the_checkpoint_of_another_problem_is_refused_and_kept(tmp_path, differs):
    interrupted(tmp_path, chunk=3)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=f"belongs to another problem: it differs in {differs} "):
        ensemble.run(OTHERS[differs], PARTICLES, checkpoint=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    with pytest.raises(ValueError, match=r"differs in particles \(20000 there, 20001 here\)"):
        ensemble.run(PROBLEM, PARTICLES + 1, checkpoint=tmp_path)


def test_other_versions_make_another_problem(tmp_path, monkeypatch):
    interrupted(tmp_path, chunk=3)
    monkeypatch.setattr(_identity, "source_digest", lambda: "0123")
    with pytest.raises(ValueError, match=r"differs in kinetic \(\w+ there, 0123 here\)"):
        ensemble.run(PROBLEM, PARTICLES, checkpoint=tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\udcff"])
def test_a_damaged_manifest_is_named(tmp_path, text):
    interrupted(tmp_path, chunk=3)
    (tmp_path / "problem.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"problem.json is damaged"):
        ensemble.run(PROBLEM, PARTICLES, checkpoint=tmp_path)


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ValueError, match=r"checkpoint must be a new or empty folder.*thesis.tex"):
        ensemble.run(PROBLEM, PARTICLES, checkpoint=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_two_runs_do_not_share_a_folder(tmp_path, reference):
    def second(done, of):
        with pytest.raises(RuntimeError, match="in use by another run"):
            ensemble.run(PROBLEM, PARTICLES, checkpoint=tmp_path)

    assert (
        ensemble.run(PROBLEM, PARTICLES, checkpoint=tmp_path, progress=second).digest == reference
    )


def test_a_full_disk_is_reported_and_what_was_written_is_kept(tmp_path, monkeypatch, reference):
    replace, left = os.replace, [4]

    def full(source, target):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"checkpoint cannot be written \(No space left") as raised:
        ensemble.run(PROBLEM, PARTICLES, chunk=2, checkpoint=tmp_path)
    assert raised.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert not list(tmp_path.glob("*.tmp"))
    found = ensemble.run(PROBLEM, PARTICLES, checkpoint=tmp_path)
    assert (found.restored, found.digest) == (6000, reference)


def test_a_killed_process_leaves_a_checkpoint_to_continue_from(tmp_path, reference):
    """Killed while it writes: no warning, no lock and no half file remain."""
    script = textwrap.dedent(f"""
        import os, signal
        from ensemble_problems import classification
        from kinetic import ensemble
        def stop(done, of):
            if done >= 9000:
                open({str(tmp_path / "left.tmp")!r}, "w").write("half")
                os.kill(os.getpid(), signal.SIGKILL)
        options = dict(chunk=3, checkpoint={str(tmp_path)!r})
        ensemble.run(classification(), {PARTICLES}, progress=stop, **options)
    """)
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    ended = subprocess.run([sys.executable, "-c", script], env=env)
    assert ended.returncode == -9
    found = ensemble.run(PROBLEM, PARTICLES, checkpoint=tmp_path)
    assert (found.restored, found.digest) == (9000, reference)
    assert not list(tmp_path.glob("*.tmp"))


def test_nodes_of_overlapping_files_count_once():
    nodes = {(2, 0): "a", (0, 1): "b", (0, 4): "c", (1, 2): "d"}
    kept = _ensemble_blocks.without_overlap(nodes)
    assert kept == {(2, 0): "a", (1, 2): "d"}
    assert _ensemble_blocks.tasks(kept, 9, 2) == [(6, 8), (8, 9)]


# ------------------------------------------------------------------------- what makes a problem


def functions(source, **others):
    """Functions of a module that is not installed."""
    namespace = {"__name__": "__main__", "np": np, **others}
    exec(compile(source, "user.py", "exec"), namespace)
    return namespace


DRAW = "def draw(count, rng):\n    return rng.uniform(LOW, 8.0, count) + shift(1.0)\n"
SHIFT = "LOW = 2.0\ndef shift(x):\n    return x + 0.5\n"
BASE = SHIFT + DRAW


@pytest.mark.parametrize(
    "change",
    [
        BASE.replace("LOW = 2.0", "LOW = 2.1"),
        BASE.replace("8.0", "8.5"),
        BASE.replace("x + 0.5", "x - 0.5"),
        BASE.replace("uniform", "triangular"),
        BASE.replace("def draw(count, rng)", "def draw(count, rng, scale=1)"),
    ],
)
def test_a_change_of_a_function_or_of_what_it_names_is_seen(change):
    first, second = (functions(text)["draw"] for text in (BASE, change))
    assert _identity.digest("initial", first) == _identity.digest(
        "initial", functions(BASE)["draw"]
    )
    assert _identity.digest("initial", first) != _identity.digest("initial", second)


CLASS = """
class Output:
    def __init__(self, a):
        self.a = a
    def __call__(self, x):
        return self.a * x + 1.0
    @property
    def twice(self):
        return 2 * self.a
"""


@pytest.mark.parametrize("change", ["+ 1.0, + 2.0", "2 * self.a, 3 * self.a"])
def test_a_change_of_a_class_or_of_its_state_is_seen(change):
    first = functions(CLASS)["Output"]
    other = functions(CLASS.replace(*change.split(", ")))["Output"]
    assert _identity.digest("output", first(1.0)) == _identity.digest("output", first(1.0))
    assert _identity.digest("output", first(1.0)) != _identity.digest("output", first(1.5))
    assert _identity.digest("output", first(1.0)) != _identity.digest("output", other(1.0))


BEHIND = {
    "a module": "import helper\nhelper.A = {}\ndef f(x): return helper.A * x\n",
    "a module's function": "import helper\nhelper.g = lambda x: {} * x\n"
    "def f(x): return helper.g(x)\n",
    "an import within": "import helper\nhelper.A = {}\ndel helper\n"
    "def f(x):\n    from helper import A\n    return A * x\n",
    "a cache": "@functools.lru_cache\ndef g(x): return {}\ndef f(x): return x + g(1)\n",
    "a decorator": "import contextlib\n@contextlib.contextmanager\ndef f(x): yield {}\n",
    "an attribute of the function": "def f(x): return f.a\nf.a = {}\n",
    "an attribute of the class": "from types import SimpleNamespace\n"
    "class C:\n    a = SimpleNamespace(b={})\nf = C()\n",
    "a cached property": "class C:\n    @functools.cached_property\n"
    "    def a(self): return {}\nf = C()\n",
    "a static method": "class C:\n    @staticmethod\n    def a(): return {}\nf = C()\n",
    "options of numba": "import numba\n@numba.njit(error_model='python' if {} == 1 else 'numpy')\n"
    "def f(x): return x\n",
    "stars": "f = [None, lambda x: x, lambda *x: x][{}]\n",
    "the second of two": "a, b = lambda x: x, lambda x: -x\nf = [a, b, (0, a, b)[{}]]\n",
}


@pytest.mark.parametrize("where", BEHIND)
def test_a_change_is_seen_behind(where, tmp_path, monkeypatch):
    helper = types.ModuleType("helper")
    helper.__file__ = str(tmp_path / "helper.py")
    monkeypatch.setitem(sys.modules, "helper", helper)
    digests = [
        _identity.digest("f", functions(BEHIND[where].format(i), functools=functools)["f"])
        for i in (1, 1, 2)
    ]
    assert digests[0] == digests[1] != digests[2]


def test_modules_that_import_each_other(tmp_path, monkeypatch):
    first, second = types.ModuleType("first"), types.ModuleType("second")
    for module, other in ((first, second), (second, first)):
        module.__file__ = str(tmp_path / f"{module.__name__}.py")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        setattr(module, other.__name__, other)
    f = functions("import first\ndef f(x): return first.second.first.A\n")["f"]
    assert len(_identity.digest("f", f)) == 64


def test_closures_partials_and_recursion():
    def scaled(factor):
        return lambda x: factor * x

    def factorial(n):
        return n * factorial(n - 1) if n > 1 else 1

    assert _identity.digest("f", scaled(2.0)) == _identity.digest("f", scaled(2.0))
    assert _identity.digest("f", scaled(2.0)) != _identity.digest("f", scaled(3.0))
    first, second = (partial(gaussian, count=n) for n in (1, 2))
    assert _identity.digest("f", first) != _identity.digest("f", second)
    assert len(_identity.digest("f", factorial)) == 64


def test_a_law_is_the_same_in_any_process(tmp_path):
    """In spite of the random state that scipy keeps with it, and of the order within sets."""
    script = (
        "import numpy as np; np.random.rand(3)  # noqa: NPY002\n"
        "from scipy import stats\n"
        "from kinetic import _identity\n"
        "names = {'a', 'b', 'c', frozenset('de')}\n"
        "print(_identity.digest('law', (stats.gamma(2.0, scale=3.0), names)))"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    printed = {
        subprocess.run(
            [sys.executable, "-c", script], env=env | {"PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in "12"
    }  # fmt: skip
    names = {"a", "b", "c", frozenset("de")}
    same, other = (_identity.digest("law", (stats.gamma(2.0, scale=s), names)) for s in (3.0, 3.1))
    assert printed == {f"{same}\n"} != {f"{other}\n"}


def test_what_cannot_be_described_is_named():
    with pytest.raises(TypeError, match=r"checkpoint needs to tell output from others.*generator"):
        _identity.digest("output", partial(max, (i for i in range(3))))
