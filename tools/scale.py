"""Run a billion particles on processes and on a local cluster, killing workers and interrupting.

Every run must give the same result, bit by bit, and that result must agree with the exact law.
Writes book/_records/scale.json, which the book shows; ends with an error if a run differs.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from scipy import integrate, stats

from kinetic import SimResNet, datasets, ensemble, mean_field, network
from kinetic.summaries import Histogram, Moments, Quantiles

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "book" / "_records" / "scale.json"
NET, WALLS, TIME = SimResNet("tanh", 1.0, -5.0), (2.0, 8.0), 2.0
LENGTHS = stats.uniform(2.0, 6.0)
"""The law of `datasets.lengths`."""

LEVEL = 1e-4
"""Of the tests against the exact law: once in 10,000 seeds a right program fails one."""


def classification():
    """The classification problem of the book at t = 2: moments and 600 bins."""
    output = network.end_map(NET, WALLS, TIME, walls=WALLS)
    summaries = {"moments": Moments(), "bins": Histogram(WALLS, 600)}
    return ensemble.Problem(datasets.lengths, output, summaries)


class Watch:
    """Progress that kills a process or interrupts, and ends a run that takes too long."""

    def __init__(self, deadline, share=1.0, action=None):
        self.deadline, self.share, self.action = deadline, share, action
        self.line = ensemble.Line()

    def __call__(self, done, particles):
        """Act once, when the share is done."""
        self.line(done, particles)
        if self.action is not None and done >= self.share * particles:
            action, self.action = self.action, None
            action()
        if time.monotonic() > self.deadline:
            raise TimeoutError("the time allowed by --minutes is over")


def kill(pid):
    """End a process at once."""
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def interrupt():
    """What Ctrl-C does."""
    raise KeyboardInterrupt


class Runs:
    """Runs of one problem, timed, each compared with the first."""

    def __init__(self, problem, particles, deadline):
        self.problem, self.particles, self.deadline = problem, particles, deadline
        self.reference, self.records = None, []

    def add(self, name, *, share=1.0, action=None, **options):
        """Run, and record time, losses and whether the result is that of the first run."""
        print(name, flush=True)
        watch = Watch(self.deadline, share, action)
        begin = time.perf_counter()
        found = ensemble.run(self.problem, self.particles, progress=watch, **options)
        seconds = time.perf_counter() - begin
        self.reference = self.reference or found
        self.records.append(
            {
                "name": name,
                "seconds": round(seconds, 3),
                "particles_per_second": round((found.particles - found.restored) / seconds),
                "losses": found.losses,
                "restored": found.restored,
                "damaged": len(found.damaged),
                "equal": found.digest == self.reference.digest,
            }
        )
        return found


def on_processes(runs, workers):
    """All well, then with a worker that is killed after a third."""
    runs.add(f"{workers} processes", executor=ensemble.processes(workers))
    pools, make = [], ensemble.processes(workers)

    def recorded():
        pools.append(make())
        return pools[-1]

    runs.add(
        f"{workers} processes, one killed after a third", executor=recorded,
        share=1 / 3, action=lambda: kill(next(iter(pools[0]._processes))),
    )  # fmt: skip


def on_a_cluster(runs, workers):
    """With a worker that is killed after a third, then interrupted, damaged and continued."""
    from distributed import Client, LocalCluster

    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=workers, silence_logs=50, **options) as cluster,
        Client(cluster) as client,
    ):
        executor, pids = client.get_executor(), client.run(os.getpid)
        runs.add(
            f"dask.distributed, {workers} worker processes, one killed after a third",
            executor=executor, share=1 / 3, action=lambda: kill(next(iter(pids.values()))),
        )  # fmt: skip
        runs.records[-1]["workers_replaced"] = len(set(pids.values()) - set(_pids(client)))
        with contextlib.suppress(KeyboardInterrupt):
            runs.add("", executor=executor, checkpoint=folder, share=1 / 2, action=interrupt)
        path = min(Path(folder).glob("*.chunk"))
        path.write_bytes(path.read_bytes()[:-1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # says that the file is damaged
            runs.add(
                "the same cluster, interrupted half way, one file cut short, continued",
                executor=executor, checkpoint=folder,
            )  # fmt: skip


def _pids(client):
    return client.run(os.getpid).values()


def against_the_law(found):
    """Deviations from the exact law in standard errors, and the chi-squared test of the bins."""
    law = mean_field.push_forward(NET, LENGTHS, TIME, walls=WALLS)
    moments, bins = found["moments"], found["bins"]
    variance = integrate.quad(lambda u: (law.ppf(u) - 5.0) ** 2, 0.0, 1.0, limit=200)[0]
    below = np.concatenate([[0.0], law.cdf(np.nextafter(bins.edges[1:-1], 0.0)), [1.0]])
    return {
        "mean_in_standard_errors": (moments.mean - 5.0) / moments.mean_error,
        "variance_in_standard_errors": (moments.variance - variance) / moments.variance_error,
        "chi_squared_p_value": stats.chisquare(
            bins.counts, np.diff(below) * found.particles
        ).pvalue,
    }


def sketched(particles, workers, deadline):
    """Quantiles of a free network, whose law has no atoms, against the exact ones."""
    output = network.end_map(NET, WALLS, TIME)
    problem = ensemble.Problem(datasets.lengths, output, {"quantiles": Quantiles(1000)})
    print("quantile sketch", flush=True)
    begin = time.perf_counter()
    found = ensemble.run(
        problem, particles, executor=ensemble.processes(workers), progress=Watch(deadline)
    )
    seconds = time.perf_counter() - begin
    law, q = mean_field.push_forward(NET, LENGTHS, TIME), np.linspace(0.001, 0.999, 999)
    return {
        "particles": particles,
        "seconds": round(seconds, 3),
        "largest_rank_error": float(np.abs(law.cdf(found["quantiles"].quantile(q)) - q).max()),
    }


def peak_memory():
    """Largest memory of any process so far in MiB, this one or a worker; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(who).ru_maxrss for who in whose)
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


def main(arguments=None):
    """Run everything and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--particles", type=float, default=1e9)
    parser.add_argument("--minutes", type=float, default=15.0, help="end with an error after them")
    parser.add_argument("--record", type=Path, default=RECORD)
    options = parser.parse_args(arguments)
    particles, workers = int(options.particles), os.cpu_count()
    deadline = time.monotonic() + 60.0 * options.minutes
    runs = Runs(classification(), particles, deadline)
    on_processes(runs, workers)
    on_a_cluster(runs, max(3, workers))
    law = against_the_law(runs.reference)
    record = {
        "particles": particles,
        "processor": platform.processor() or platform.machine(),
        "cores": workers,
        "digest": runs.reference.digest,
        "peak_memory_mib": peak_memory(),
        "runs": runs.records,
        "exact_law": {name: round(float(value), 4) for name, value in law.items()},
        "quantiles": sketched(max(particles // 10, 1000), workers, deadline),
    }
    options.record.parent.mkdir(exist_ok=True)
    options.record.write_text(json.dumps(record, indent=1) + "\n", "utf-8", newline="\n")
    print(json.dumps(record, indent=1))
    far = stats.norm.isf(LEVEL / 2.0)
    deviations = [law["mean_in_standard_errors"], law["variance_in_standard_errors"]]
    if not all(entry["equal"] for entry in runs.records):
        sys.exit("runs of the same problem differ")
    if law["chi_squared_p_value"] < LEVEL or max(map(abs, deviations)) > far:
        sys.exit("the result does not agree with the exact law")


if __name__ == "__main__":
    main()
