"""Calls every public function of kinetic with random arguments, and lists what it should not do.

Run by `make fuzz`. Each call happens in a child process with a limit of processor time, of wall
time and of memory, so that a crash or a hang ends that process alone. A call is given by the
name of what is called and a seed: `tools/fuzz.py --case NAME SEED` repeats one and shows it.
"""

import argparse
import collections
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
RECORD = TOOLS.parent / "book" / "_records" / "fuzz.json"
FINE = ("returned", "refused")
SECONDS = 10
"""Of processor time for a call. A valid call takes milliseconds, and compiling a kernel seconds."""
LISTED = 3
"""Cases shown of each finding."""
FEWEST = 60
"""Calls of a target."""
CHEAP = 0.003
"""Seconds of processor time of a call."""
AT_ONCE = 2000
"""Cases for a child: many, because starting one takes seconds."""


def judged(cases, modules=("fuzzing.targets",), seconds=SECONDS):
    """Yield (name, seed, verdict, detail, mode, seconds) for cases (name, seed), in their order.

    The calls are made in child processes, a new one after each crash or hang. A case that ran
    out of time is run a second time: what it compiled the first time is then in the cache.
    """
    waiting, late = collections.deque(cases), set()
    while waiting:
        with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as errors:
            given.writelines(f"{name} {seed}\n" for name, seed in waiting)
            given.seek(0)
            child = subprocess.Popen(
                [sys.executable, "-m", "fuzzing.worker", str(seconds), *modules],
                stdin=given, stdout=subprocess.PIPE, stderr=errors, text=True,
                env=os.environ | {"PYTHONPATH": _path()},
            )  # fmt: skip
            with child:
                for line in child.stdout:
                    yield (*waiting.popleft(), *json.loads(line))
            if not waiting:
                break
            errors.seek(0)
            text = errors.read()
        if child.returncode == 1 and "Traceback" in text:
            raise RuntimeError(f"the fuzzer itself fails at {waiting[0]}:\n{text}")
        hang = "Timeout" in text or child.returncode == -getattr(signal, "SIGPROF", 0)
        if hang and waiting[0] not in late:
            late.add(waiting[0])
            continue
        yield (*waiting.popleft(), "hang" if hang else "crash", text[-3000:], "", 0.0)


def _path():
    given = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(TOOLS), *([given] if given else [])])


def cases(names, calls, seed):
    """As many calls of each target, up to one; their seeds follow each other."""
    return [(names[i % len(names)], seed + i // len(names)) for i in range(calls)]


def dealt(names, calls, seed, judge_all):
    """Judge so many calls, of which costly targets get few.

    First each target is called ``FEWEST`` times, where the calls suffice; the others go in equal
    parts to the targets whose calls took less than ``CHEAP`` seconds on average.
    """
    first = min(calls, FEWEST * len(names))
    found = judge_all(cases(names, first, seed))
    spent = collections.defaultdict(list)
    for name, *_, seconds in found:
        spent[name].append(seconds)
    cheap = [n for n in names if n in spent and statistics.median(spent[n]) < CHEAP] or names
    if first < calls and len(found) == first:
        found += judge_all(cases(cheap, calls - first, seed + FEWEST))
    return found


def run(chosen, jobs, end=math.inf, tell=print):
    """Judge cases in several child processes at a time; a list of what `judged` yields.

    What is waiting when the clock (`time.monotonic`) reaches ``end`` is left out.
    """
    parts = [chosen[k : k + AT_ONCE] for k in range(0, len(chosen), AT_ONCE)]
    waiting, found, lock = collections.deque(parts), [], threading.Lock()

    def work():
        while time.monotonic() < end:
            try:
                part = waiting.popleft()
            except IndexError:
                return
            results = list(judged(part))
            with lock:
                found.extend(results)
                for name, seed, verdict, *_ in results:
                    if verdict not in FINE:
                        tell(f"{verdict}: --case {name} {seed}")
                tell(f"{len(found):,} of {len(chosen):,} calls", flush=True)

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(found) < len(chosen) and time.monotonic() < end:
        raise RuntimeError("a child could not be run; see the error above")
    return found


def summary(found):
    """Numbers of calls by verdict, by mode, and how long the longest took."""
    counts = collections.Counter(entry[0] for entry in found)
    return {
        "calls": len(found),
        "targets": len(counts),
        "fewest calls of a target": min(counts.values()),
        "verdicts": dict(sorted(collections.Counter(e[2] for e in found).items())),
        "modes": dict(sorted(collections.Counter(e[4] for e in found if e[4]).items())),
        "longest call in seconds of processor time": round(max(e[5] for e in found), 2),
    }


def report(found, tell=print):
    """Print the findings, a few cases for each target and verdict."""
    groups = collections.defaultdict(list)
    for entry in found:
        if entry[2] not in FINE:
            groups[entry[0], entry[2]].append(entry)
    for (name, verdict), entries in sorted(groups.items()):
        tell(f"\n{name}: {verdict}, {len(entries)} times")
        for entry in entries[:LISTED]:
            tell(f"  --case {name} {entry[1]}: {entry[3]}")


def costs(found, count=10):
    """The targets whose calls took most of the time: name and mean seconds."""
    spent = collections.defaultdict(list)
    for entry in found:
        spent[entry[0]].append(entry[5])
    most = sorted(spent.items(), key=lambda item: -sum(item[1]))[:count]
    return [(name, round(sum(each) / len(each), 4)) for name, each in most]


def show(name, seed):
    """Repeat one case in this process, without limits."""
    import fuzzing.targets  # noqa: F401
    from fuzzing.judge import draw, judge
    from fuzzing.registry import TARGETS

    case = draw(TARGETS[name], seed)
    print(case)
    print(*judge(case), sep=": ")


def main():
    """Run what the command line asks for; the exit status is 1 if there are findings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100_000, help="number of calls")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="child processes at a time"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="longest time")
    parser.add_argument("--only", default="", help="only targets whose name begins so")
    parser.add_argument("--record", action="store_true", help=f"store the numbers in {RECORD.name}")
    parser.add_argument("--case", nargs=2, metavar=("NAME", "SEED"), help="repeat one call")
    options = parser.parse_args()
    if options.case:
        return show(options.case[0], int(options.case[1]))

    import fuzzing.targets  # noqa: F401
    from fuzzing.registry import TARGETS

    started = time.perf_counter()
    names = sorted(name for name in TARGETS if name.startswith(options.only))
    end = time.monotonic() + 60.0 * options.minutes
    found = dealt(names, options.calls, options.seed, lambda chosen: run(chosen, options.jobs, end))
    report(found)
    numbers = summary(found) | {"seed": options.seed}
    print(json.dumps(numbers, indent=1))
    print("mean seconds of a call:", *(f"{name} {mean}" for name, mean in costs(found)), sep="\n  ")
    print(f"{time.perf_counter() - started:.0f} s")
    if options.record:
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(numbers, indent=1) + "\n")
    if len(found) < options.calls:
        print(f"only {len(found):,} of {options.calls:,} calls in {options.minutes:g} minutes")
    return int(len(found) < options.calls or any(entry[2] not in FINE for entry in found))


if __name__ == "__main__":
    sys.exit(main())
