"""Seconds from the first import to the first result, in fresh processes."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

import runner

CLASSIFICATION = """
import numpy, numba
lap("its libraries")
from kinetic import Grid, SimResNet, mean_field
lap("itself")
{law}
lap("scipy.stats")
net = SimResNet("tanh", 1.0, -5.0)
solution = mean_field.solve(net, law, Grid(2.0, 8.0, 400), (0.0, 1.0, 2.0))
assert abs(solution.mass[-1] - 1.0) < 1e-12
lap("result")
"""
PARTICLES = """
import numpy, numba
lap("its libraries")
from kinetic import SimResNet, network
lap("itself")
import numpy
x = numpy.linspace(2.0, 8.0, 10_000)
network.propagate(SimResNet("tanh", 1.0, -5.0), x, 1.0, method="euler", step=0.01)
lap("result")
"""
JAX_TRANSPORT = """
import jax
lap("its libraries")
import transport
call, _ = transport.jax("tanh", 400)
call()
lap("result")
"""
JAX_PARTICLES = """
import jax
lap("its libraries")
import particles
particles.PARTICLES = 10_000
call, _ = particles.jax(1, "double")
call()
lap("result")
"""
CLOCK = """
import json, time
laps, last = {}, time.perf_counter()
def lap(name):
    global last
    laps[name] = time.perf_counter() - last
    last = time.perf_counter()
"""
PARTS = ("its libraries", "itself", "scipy.stats", "result")
DENSITY = "law = lambda x: 0 * x + 1 / 6"
UNIFORM = "from scipy import stats; law = stats.uniform(2, 6)"

CONTENDERS = {
    "kinetic, density": CLASSIFICATION.format(law=DENSITY),
    "kinetic, density from scipy.stats": CLASSIFICATION.format(law=UNIFORM),
    "kinetic, 1e4 particles": PARTICLES,
    "jax.jit, density": JAX_TRANSPORT,
    "jax.jit, 1e4 particles": JAX_PARTICLES,
}


def laps(code, cache):
    """Run code in a fresh process; return the seconds of its parts."""
    run = subprocess.run(
        [sys.executable, "-c", f"{CLOCK}{code}\nprint(json.dumps(laps))"],
        env={**runner.environment(os.cpu_count()), "NUMBA_CACHE_DIR": cache},
        cwd=runner.HERE,
        capture_output=True,
        text=True,
    )
    if run.returncode:
        return {"failed": run.stderr.strip().splitlines()[-1]}
    return json.loads(run.stdout)


def main(quick=False):
    about = runner.machine()
    results = {}
    for turn in range(-1, 3 if quick else 7):
        for name, code in CONTENDERS.items():
            with tempfile.TemporaryDirectory() as cache:
                for state in ("empty cache", "warm cache") if "kinetic" in name else ("no cache",):
                    seconds = laps(code, cache)
                    if turn >= 0:
                        results.setdefault((name, state), []).append(seconds)
    rows, record = [], []
    for (name, state), runs in results.items():
        if "failed" in runs[0]:
            print(f"!! LEFT OUT: {name}: {runs[0]['failed']}", flush=True)
            continue
        total = statistics.median(sum(run.values()) for run in runs)
        parts = [statistics.median(run.get(part, 0.0) for run in runs) for part in PARTS]
        rows.append([f"{name}, {state}", f"{total:.2f}", *[f"{part:.2f}" for part in parts]])
        record.append({"name": name, "cache": state, "seconds": total, "runs": runs})
    text = runner.table(["contender", "seconds", *PARTS], rows)
    runner.publish("first_use", about, [text], record)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
