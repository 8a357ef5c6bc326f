"""Mutation testing: change the package in small ways and see which changes the tests notice.

Mutants are made by cosmic-ray in a copy of the tree and drawn at random, every module with its
share. Each is met by the tests that run the changed lines (for compiled code: that can reach
them), quickest first, until one fails or their time is spent. A mutant is killed by a failing
test, or by exceeding ten times the processor time the tests take.
"""

import argparse
import collections
import compileall
import hashlib
import json
import math
import multiprocessing
import os
import queue
import random
import shutil
import signal
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import mutation_worker
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from mutation_reach import Reach

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "book" / "_records" / "mutation.json"
SURVIVORS = ROOT / "tests" / "mutation_survivors.toml"
CONTROLS = 5
"""Mutants of a sample whose places are first tried unchanged: every test must pass."""

KINDS = ("equivalent", "tolerated", "missing")
"""Of a listed survivor: no test can notice it; none should need to; one should be written."""

LEAST_SCORE = 0.85
BUDGET = 8.0
"""Seconds of processor time, unmutated, of the tests that meet one mutant."""

NOT_UNIT_TESTS = (
    "test_chapter_checks", "test_chapters", "test_cluster", "test_commands",
    "test_docstring_citations", "test_fuzz", "test_ledger", "test_mutation", "test_notebooks",
    "test_paper_items", "test_scale", "test_site", "test_tracked_files",
)  # fmt: skip
COPIED = ("kinetic", "tests", "tools", "book", "conftest.py", "pyproject.toml")

PAIRS = {
    "Binary": (
        "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Pow_Mul", "FloorDiv_Mul", "Mod_FloorDiv",
        "BitAnd_BitOr", "BitOr_BitAnd", "BitXor_BitAnd", "LShift_RShift", "RShift_LShift",
    ),
    "Comparison": (
        "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt",
        "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is",
    ),
    "Unary": ("Delete_Not", "Delete_USub"),
}  # fmt: skip
OTHERS = (
    "AddNot", "ExceptionReplacer", "NumberReplacer", "RemoveDecorator", "ReplaceAndWithOr",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ReplaceFalseWithTrue",
    "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ZeroIterationForLoop",
)  # fmt: skip
OPERATORS = (
    *(f"core/Replace{kind}Operator_{pair}" for kind, pairs in PAIRS.items() for pair in pairs),
    *(f"core/{name}" for name in OTHERS),
)
"""cosmic-ray's operators but those that every test notices, such as | for + on floats."""


NO_OPERATION = ("parameters", "param", "argument", "dictorsetmaker")
"""Where a star is no product, but marks arguments or entries."""


@dataclass(frozen=True)
class Mutant:
    """One change: an operator applied at its ``occurrence``-th place in a file."""

    file: str
    operator: str
    occurrence: int
    line: int
    definition: str


def mutants(file, text, source):
    """All mutants of one file."""
    nodes = list(ast_nodes(get_ast(text)))
    found = []
    for name in OPERATORS:
        operator = plugins.get_operator(name)()
        places = ((node, start) for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, (node, (line, _)) in enumerate(places):
            if node.parent.type not in NO_OPERATION:
                definition = source.definition(line)[0]
                found.append(Mutant(file, name, occurrence, line, definition))
    return found


def drawn(population, seed):
    """The mutants in a random order of which every beginning has each file's share.

    Parameters
    ----------
    population : dict of str to list of Mutant
        By file.
    seed : int

    Returns
    -------
    list of Mutant
    """
    generator = random.Random(seed)
    keyed = []
    for file in sorted(population):
        shuffled = generator.sample(population[file], len(population[file]))
        start = generator.random()
        keyed += [((rank + start) / len(shuffled), m) for rank, m in enumerate(shuffled)]
    return [mutant for _, mutant in sorted(keyed, key=lambda pair: pair[0])]


def interval(successes, count, z=1.959964):
    """Wilson's 95 per cent interval of a probability."""
    if count == 0:
        return 0.0, 1.0
    p, z2 = successes / count, z * z / count
    centre, half = p + z2 / 2, z * math.sqrt(p * (1 - p) / count + z2 / (4 * count))
    return (centre - half) / (1 + z2), (centre + half) / (1 + z2)


class Laboratory:
    """A copy of the tree in which mutants are made, and what its tests do unmutated.

    Attributes
    ----------
    tests : list of str
        Test files.
    seconds : dict of str to float
        Processor time of each test.
    lines : dict of (file, line) to set of str
        The tests that run each line of plain Python.
    left_out : list of str
        Tests that fail without a mutant; none of the others does.
    """

    def __init__(self, root, folder, tests, jobs):
        self.warm, self.tests, self.jobs = folder / "kernels", tests, jobs
        trees = [folder / f"tree-{number}" for number in range(jobs)]
        self.tree, self.free = trees[0], queue.SimpleQueue()
        for tree in trees:
            copy(root, tree)
            self.free.put(tree)
        self.reach = Reach(self.tree, tests)
        start = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        self.context = multiprocessing.get_context(start)
        if start == "forkserver":
            self.context.set_forkserver_preload(["__main__", *mutation_worker.PRELOADED])
        self._baseline(folder / "baseline.json")

    def _baseline(self, file):
        """Run every test file once, compiling; known until it or the package changes."""
        known = json.loads(file.read_text("utf-8")) if file.exists() else {}
        package = digest(self.tree, *sorted((self.tree / "kinetic").glob("*.py")))
        if known.get("package") != package:
            shutil.rmtree(self.warm, ignore_errors=True)
            known = {"package": package, "files": {}}
        contents = {name: digest(self.tree, self.tree / name) for name in self.tests}
        missing = [
            name
            for name, content in contents.items()
            if known["files"].get(name, {}).get("digest") != content
        ]
        with ThreadPoolExecutor(self.jobs) as pool:
            for name, done in zip(missing, pool.map(self._unmutated, missing), strict=True):
                _, seconds, failed, lines = done or (None, {}, [name], {})
                print(f"unmutated {name}" + f" fails: {failed}" * bool(failed), flush=True)
                entry = {"seconds": seconds, "failed": failed, "lines": lines}
                known["files"][name] = {"digest": contents[name], **entry}
                file.write_text(json.dumps(known), "utf-8")
        self.seconds, self.lines, self.left_out = {}, {}, []
        for name in self.tests:
            entry = known["files"][name]
            self.left_out += entry["failed"]
            passed = entry["seconds"].keys() - set(entry["failed"])
            self.seconds.update({test: entry["seconds"][test] for test in passed})
            for test in passed:
                for place in entry["lines"].get(test, ()):
                    self.lines.setdefault(tuple(place), set()).add(test)

    def _unmutated(self, name):
        with self.borrowed() as tree:
            return self.run(tree, [name], None, set(), 600.0, trace=True)

    @contextmanager
    def borrowed(self):
        """A tree that nobody else uses."""
        tree = self.free.get()
        try:
            yield tree
        finally:
            self.free.put(tree)

    def run(self, tree, files, order, affected, seconds, trace=False):
        """What `mutation_worker.run` sends, or None if its process died or was stopped."""
        fresh = tree.with_name(tree.name.replace("tree", "fresh"))
        shutil.rmtree(fresh, ignore_errors=True)
        receiver, sender = self.context.Pipe(duplex=False)
        caches = (self.warm, fresh, affected)
        process = self.context.Process(
            target=mutation_worker.run,
            args=(sender, tree, files, order, caches, seconds, trace),
        )
        process.start()
        sender.close()
        done = None
        if receiver.poll(5 * seconds + 60):
            with suppress(EOFError):
                done = receiver.recv()
        process.join(5)
        with suppress(AttributeError, OSError):
            os.killpg(process.pid, signal.SIGKILL)  # and what it started
        process.kill()
        process.join()
        return done

    def tests_of(self, mutant, affected):
        """The tests that meet a mutant, in their order.

        Half of the budget each is for the quickest of all and for the quickest of files that
        import the module, which come first where compiling is the cost.
        """
        source = self.reach.sources[mutant.file]
        found, interpreted = set(), self._interpreted(mutant)
        for line in source.statement(mutant.line) if interpreted else ():
            found |= self.lines.get((mutant.file, line), set())
        if not interpreted:
            for file, name in affected:
                if file.startswith("tests/"):
                    prefix = f"{file}::{name}"
                    found |= {t for t in self.seconds if t.split("[")[0] == prefix}
                elif (file, name) not in self.reach.compiled:
                    users = self.reach.sources[file]
                    for first, last, names in users.spans:
                        if name in names:
                            for line in filter(users.in_body, range(first, last + 1)):
                                found |= self.lines.get((file, line), set())
        importing = tuple(f"{file}::" for file in self.reach.importing(mutant.file))
        ordered = sorted(found, key=lambda t: (self.seconds[t], t))
        own = [t for t in ordered if t.startswith(importing)]
        chosen = []
        for tests in (ordered, own) if interpreted else (own, ordered):
            total = 0.0
            for test in (t for t in tests if t not in chosen):
                total += self.seconds[test]
                if chosen and total > BUDGET / 2:
                    break
                chosen.append(test)
        return chosen

    def verdict(self, mutant, control=False):
        """How one mutant fares, or, as a control, the unchanged code in its place.

        Returns
        -------
        dict
            ``fate`` ("failed", "stopped", "survived" or "untested"), ``by`` the test that failed,
            ``before`` and ``after`` the changed line, ``cost`` in seconds.
        """
        with self.borrowed() as tree:
            return self._verdict_in(tree, mutant, control)

    def _verdict_in(self, tree, mutant, control):
        started = time.perf_counter()
        path = tree / mutant.file
        text, status = path.read_text("utf-8"), path.stat()
        operator = plugins.get_operator(mutant.operator)()
        changed = text if control else mutate_code(text, operator, mutant.occurrence)
        pairs = zip(text.splitlines(), changed.splitlines(), strict=False)
        before, after = next(((a, b) for a, b in pairs if a != b), ("", ""))
        affected = self.reach.affected(mutant.file, mutant.line)
        compiled = affected & self.reach.compiled
        changes_kernels = not self._interpreted(mutant)
        tests = self.tests_of(mutant, affected)
        result = {
            "file": mutant.file, "line": mutant.line, "definition": mutant.definition,
            "operator": mutant.operator.removeprefix("core/"),
            "before": before.strip(), "after": after.strip(), "tests": len(tests),
        }  # fmt: skip
        if not tests:
            return result | {"fate": "untested"}
        expected = sum(self.seconds[t] for t in tests)
        limit = 10 * expected + (30 if changes_kernels and compiled else 4)
        files = list(dict.fromkeys(t.split("::")[0] for t in tests))
        try:
            path.write_text(changed, "utf-8")
            done = self.run(tree, files, tests, compiled if changes_kernels else set(), limit)
        finally:
            path.write_text(text, "utf-8")
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        cost = {"cost": round(time.perf_counter() - started, 2)}
        if done is None:
            return result | cost | {"fate": "stopped"}
        if done[2]:
            return result | cost | {"fate": "failed", "by": done[2][0]}
        return result | cost | {"fate": "survived"}

    def _interpreted(self, mutant):
        """Whether the change is in what tests were seen to run in Python, in a function's body."""
        source = self.reach.sources[mutant.file]
        compiled = (mutant.file, mutant.definition) in self.reach.compiled
        traced = any((mutant.file, n) in self.lines for n in source.statement(mutant.line))
        return traced and not compiled and source.in_body(mutant.line)


def copy(root, target):
    """Copy what the tests need."""
    shutil.rmtree(target, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", ".venv", "_build", ".hypothesis")
    for name in COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        elif source.exists():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    compileall.compile_dir(target, quiet=1)


def digest(tree, *paths):
    """Digest of files of a tree, in short."""
    state = hashlib.sha256()
    for path in paths:
        state.update(path.relative_to(tree).as_posix().encode() + b"\0" + path.read_bytes())
    return state.hexdigest()[:16]


def explained(path=SURVIVORS):
    """The listed survivors: (file, definition, before, after) -> (kind, why)."""
    if not path.exists():
        return {}
    entries = tomllib.loads(path.read_text("utf-8"))["survivor"]
    return {
        (e["file"], e["definition"], e["before"], e["after"]): (e["kind"], e["why"])
        for e in entries
    }


def summary(results, population, seed):
    """The record of a run, for the book."""
    fates = collections.Counter(r["fate"] for r in results)
    killed, count = fates["failed"] + fates["stopped"], len(results)
    known = explained()
    alive = [r for r in results if r["fate"] in ("survived", "untested")]
    kinds = collections.Counter(known.get(key(r), ("unlisted",))[0] for r in alive)
    modules = {}
    for r in results:
        entry = modules.setdefault(r["file"].removeprefix("kinetic/"), [0, 0])
        entry[0] += r["fate"] in ("failed", "stopped")
        entry[1] += 1
    low, high = interval(killed, count)
    return {
        "mutants_in_all": sum(map(len, population.values())),
        "modules_in_all": len(population),
        "seed": seed,
        "controls_passed": min(CONTROLS, count),
        "sampled": count,
        "killed": killed,
        "killed_by_a_failing_test": fates["failed"],
        "killed_by_the_limit": fates["stopped"],
        "survived": fates["survived"],
        "untested": fates["untested"],
        "score": killed / max(count, 1),
        "interval_95": [low, high],
        "survivors_by_kind": dict(kinds),
        "score_without_equivalent": killed / max(count - kinds["equivalent"], 1),
        "modules": {name: modules[name] for name in sorted(modules)},
    }


def key(result):
    """What identifies a survivor in the list, wherever its line has moved."""
    return result["file"], result["definition"], result["before"], result["after"]


def as_toml(result):
    """An entry for the list of survivors, to be completed."""
    lines = ["[[survivor]]"]
    for name in ("file", "definition", "before", "after"):
        lines.append(f"{name} = {json.dumps(result[name], ensure_ascii=False)}")
    return "\n".join([*lines, 'kind = ""', 'why = ""'])


def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("modules", nargs="*", help="names of modules; all without")
    add("--mutants", type=int, default=400, help="size of the sample")
    add("--seconds", type=float, default=3600.0, help="no further mutant after this time")
    add("--seed", type=int, default=1)
    add("--jobs", type=int, default=os.cpu_count(), help="mutants at a time")
    add("--tests", nargs="*", help="test files; all unit tests without")
    add("--root", type=Path, default=ROOT, help="the repository")
    add("--work", type=Path, help="folder of the copy and its compiled kernels")
    add("--record", type=Path, help="JSON file for the summary")
    add("--results", type=Path, help="JSON file for the fate of every mutant")
    return parser.parse_args()


def main():
    """Run a sample; exit with an error if the score is below the target."""
    given = arguments()
    names = given.tests or sorted(
        f"tests/{p.name}" for p in (given.root / "tests").glob("test_*.py")
        if p.stem not in NOT_UNIT_TESTS and "kinetic" in p.read_text("utf-8")
    )  # fmt: skip
    work = given.work or given.root / "_build" / "mutation"
    work.mkdir(parents=True, exist_ok=True)
    laboratory = Laboratory(given.root, work, names, given.jobs)
    population = {}
    for path in sorted((laboratory.tree / "kinetic").glob("*.py")):
        if not given.modules or path.stem in given.modules:
            file = f"kinetic/{path.name}"
            source = laboratory.reach.sources[file]
            if found := mutants(file, path.read_text("utf-8"), source):
                population[file] = found
    sample = drawn(population, given.seed)[: given.mutants]
    deadline, known, results = time.monotonic() + given.seconds, explained(), []

    def judged(number, mutant):
        if number <= CONTROLS:
            control = laboratory.verdict(mutant, control=True)
            if control["fate"] not in ("survived", "untested"):
                raise SystemExit(f"tests fail without a mutant: {control}")
        return laboratory.verdict(mutant) if time.monotonic() < deadline else None

    with ThreadPoolExecutor(given.jobs) as pool:
        for number, result in enumerate(pool.map(judged, range(1, len(sample) + 1), sample), 1):
            if result is None:
                print("time is up")
                break
            results.append(result)
            print(f"{number} {result['fate']} {result['file']}:{result['line']} "
                  f"{result.get('cost', 0)} s {result.get('by', '')}", flush=True)  # fmt: skip
            if result["fate"] in ("survived", "untested"):
                kind, why = known.get(key(result), (None, None))
                print(f"    {kind}: {why}" if kind else as_toml(result), flush=True)
            if given.results:
                given.results.write_text(json.dumps(results, indent=1), "utf-8")
    for file, _, before, after in known:
        path = given.root / file
        if not path.exists() or before not in map(str.strip, path.read_text("utf-8").splitlines()):
            print(f"listed as a survivor, but no longer in {file}: {after}")
    record = summary(results, population, given.seed) | {"tests_left_out": laboratory.left_out}
    if given.record:
        given.record.parent.mkdir(exist_ok=True)
        given.record.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    low, high = record["interval_95"]
    print(f"{record['killed']} of {record['sampled']} mutants killed, {100 * record['score']:.1f} "
          f"per cent, 95 per cent interval {100 * low:.1f} to {100 * high:.1f}")  # fmt: skip
    return 0 if record["score"] >= LEAST_SCORE else 1


if __name__ == "__main__":
    sys.exit(main())
