"""Time contenders beside each other: a process for each, one at work at a time, in rounds.

A contender's process answers two requests: ``build`` a case, answered with what its result is
like, and ``time`` it, answered with the seconds of one call. While one works the others are
stopped by a signal, so that no thread pool spins beside it. A round asks every contender once,
so that a busy moment of the machine hits all alike.
"""

import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
THREAD_COUNTS += ("NPROC",)  # XLA
PEERS = (
    "kinetic",
    "numba",
    "numpy",
    "scipy",
    "jax",
    "diffrax",
    "torch",
    "torchdiffeq",
    "torchsde",
    "POT",
    "clawpack",
)
PEERS += ("py-pde", "fplanck", "FiPy")


def environment(threads):
    """Return an environment in which every library keeps to that number of threads."""
    return {
        **os.environ,
        **dict.fromkeys(THREAD_COUNTS, str(threads)),
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}",
    }


def serve(contenders, name):
    """Answer requests; `contenders` maps a name to a function of a case that returns two others.

    The first computes the result, which is timed; the second describes it in a dictionary.
    """
    answers, sys.stdout = sys.stdout, sys.stderr
    call = None
    for line in sys.stdin:
        request = json.loads(line)
        now = getattr(time, request["clock"])
        try:
            if "build" in request:
                call = None
                call, describe = contenders[name](**request["build"])
                start = now()
                result = call()
                answer = {"first": now() - start, **describe(result)}
                del result
            else:
                answer = {"seconds": seconds_a_call(call, request["time"], now)}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}".partition("\n")[0]}
        print(json.dumps(answer), file=answers, flush=True)


def seconds_a_call(call, least, now):
    """Return the mean over calls that take `least` seconds together, after one to warm up.

    A single call that is longer than that is its own warm-up.
    """
    start = now()
    call()
    once = now() - start
    if once > least:
        return once
    count = max(1, round(least / once))
    start = now()
    for _ in range(count):
        call()
    return (now() - start) / count


class Contender:
    """A contender's process, stopped while it is not asked."""

    def __init__(self, script, name, threads):
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, HERE / script, "--serve", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(threads),
            cwd=HERE / "build",
        )
        self.process.send_signal(signal.SIGSTOP)

    def ask(self, **request):
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            return {"failed": f"the process ended with status {self.process.wait()}"}
        self.process.send_signal(signal.SIGSTOP)
        return json.loads(answer)

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.communicate()


def compare(script, names, cases, *, threads=1, rounds=7, least=0.1, patience=10.0):
    """Time the contenders on each case and yield (case, {name: answer}) as they are done.

    With one thread, the processor time of the process is taken, which is the time that a clock
    on the wall shows on an idle machine; with more, the clock on the wall.
    An answer holds what the contender said of its result, ``seconds``, the median over rounds,
    and ``rounds``; or ``failed``, why it has no result. A contender that has taken `patience`
    seconds on a case is not asked again; if its first call took as long, that one counts.
    """
    clock = "process_time" if threads == 1 else "perf_counter"
    (HERE / "build").mkdir(exist_ok=True)
    contenders = [Contender(script, name, threads) for name in names]
    try:
        for case in cases:
            answers = {
                contender.name: contender.ask(build=case, clock=clock) for contender in contenders
            }
            for name, answer in answers.items():
                if "failed" in answer:
                    print(f"!! LEFT OUT: {name} on {case}: {answer['failed']}", flush=True)
            running = [one for one in contenders if "failed" not in answers[one.name]]
            for one in running:
                first = answers[one.name]["first"]
                answers[one.name]["rounds"] = [first] if first > patience else []
            for turn in range(rounds):
                shift = turn % len(running)
                for contender in running[shift:] + running[:shift]:
                    taken = answers[contender.name]["rounds"]
                    if sum(taken) < patience:
                        taken.append(contender.ask(time=least, clock=clock)["seconds"])
            for contender in running:
                answer = answers[contender.name]
                answer["seconds"] = statistics.median(answer["rounds"])
            yield case, answers
    finally:
        for contender in contenders:
            contender.close()


def machine():
    """Return what the numbers depend on: processor, load, versions."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((x.partition(": ")[2] for x in lines if "model name" in x), processor)
    compiler = subprocess.run(["gcc", "--version"], capture_output=True, text=True).stdout
    versions = {"python": platform.python_version(), "gcc": compiler.partition("\n")[0]}
    for package in PEERS:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "absent"
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "load": [round(x, 2) for x in os.getloadavg()],
        "versions": versions,
    }


def table(header, rows):
    """Return a Markdown table."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def publish(problem, about, tables, results):
    """Print the tables with the machine that they were measured on; store all in results/."""
    after = [round(x, 2) for x in os.getloadavg()]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    text = "\n\n".join(
        [
            f"## {problem}",
            f"{about['processor']}, {about['cores']} cores; "
            f"load average {about['load'][0]} before, {after[0]} after.\n{versions}.",
            *tables,
        ]
    )
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{problem}.md").write_text(text + "\n")
    record = {"problem": problem, **about, "load_after": after, "results": results}
    (folder / f"{problem}.json").write_text(json.dumps(record, indent=1) + "\n")
    print(text, flush=True)
