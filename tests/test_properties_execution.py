"""A result depends neither on the compiler nor on the number of threads."""

import importlib
import inspect
import os
import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from calls import CALLS
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import rough

import kinetic
from kinetic import (
    Grid,
    Grid2D,
    SimResNet,
    boltzmann,
    finite_volume,
    finite_volume_2d,
    mean_field,
    mean_field_2d,
    network,
    tabulate,
    two_layer,
)

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def interpreted():
    """Function that runs a call in a process where numba compiles nothing."""
    folders = [str(HERE), str(Path(kinetic.__file__).parent.parent)]
    environment = {
        **os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(folders)
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, str(HERE / "interpreter.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
    ) as process:  # fmt: skip

        def ask(name, seed):
            pickle.dump((name, seed), process.stdin)
            process.stdin.flush()
            return pickle.load(process.stdout)

        yield ask
        process.stdin.close()


@pytest.mark.parametrize("name", CALLS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_compiled_code_agrees_with_interpreted(name, seed, interpreted):
    for ours, theirs in zip(CALLS[name](seed), interpreted(name, seed), strict=True):
        assert ours.dtype == theirs.dtype
        single = ours.dtype == np.float32
        size = np.abs(theirs).max(initial=1e-300)
        np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=(2e-5 if single else 1e-10) * size)


NET = SimResNet("tanh", -1.3, 0.4)
LINE = Grid(-2.0, 2.0, 4000)
PLANE = Grid2D(Grid(-2.0, 2.0, 128), Grid(-2.0, 2.0, 150))
X = np.random.default_rng(1).normal(size=100_003)
ROUGH = rough(LINE.cells, 5) / LINE.dx
ROUGH_PLANE = rough(128 * 150, 5).reshape(128, 150) / PLANE.area


def of_the_plane():
    (xa, ya), (xb, yb) = PLANE.face_points
    return np.sin(3.0 * xa + ya), np.sin(3.0 * yb + xb)


THREADED = {
    network.propagate: [
        lambda n: network.propagate(NET, X, 1.0, threads=n),
        lambda n: network.propagate(NET, X, 1.0, method="rk4", step=0.25, threads=n),
    ],
    tabulate.EndMap.__call__: [
        lambda n: network.end_map(NET, (-6.0, 6.0), 1.0)(X, threads=n)
    ],
    boltzmann.simulate: [
        lambda n, clock=clock: boltzmann.simulate(
            NET, X, [0.0, 0.5], epsilon=0.25, nu=0.5, clock=clock, rng=3, threads=n
        )
        for clock in ("exact", "fast")
    ],
    finite_volume.transport: [
        lambda n, order=order: finite_volume.transport(
            ROUGH, np.cos(3.0 * LINE.faces), LINE, [0.0, 0.03], order=order, threads=n
        ).averages
        for order in (3, 5)
    ],
    finite_volume_2d.transport: [
        lambda n: finite_volume_2d.transport(
            ROUGH_PLANE, of_the_plane(), PLANE, [0.0, 0.05], threads=n
        ).averages
    ],
    mean_field.solve: [
        lambda n: mean_field.solve(NET, ROUGH, LINE, [0.0, 0.03], threads=n).density,
        lambda n: mean_field.solve(
            SimResNet("tanh", [[1.0, 0.5], [-0.7, 0.2]], 0.1), ROUGH_PLANE, PLANE, [0.0, 0.05],
            threads=n,
        ).density,
    ],
    two_layer.train_many: [
        lambda n: two_layer.train_many(
            X[:20], X[20:40], (X[:50], X[50:100]), 50, 40, alpha=0.1, times=[0.0, 2.0], rng=4,
            threads=n,
        ).observed
    ],
}  # fmt: skip
RUNS = [
    (f"{f.__qualname__} {i}", run) for f, runs in THREADED.items() for i, run in enumerate(runs)
]


@pytest.mark.parametrize("run", [run for _, run in RUNS], ids=[name for name, _ in RUNS])
def test_one_thread_and_many_give_the_same_bits(run):
    alone = run(1)
    for count in (2, 3):
        np.testing.assert_array_equal(run(count), alone)


def public_functions():
    """Functions and methods that the public modules of the package define."""
    for entry in pkgutil.iter_modules(kinetic.__path__):
        if entry.name.startswith("_"):
            continue
        module = importlib.import_module(f"kinetic.{entry.name}")
        for name, member in vars(module).items():
            if getattr(member, "__module__", None) != module.__name__ or name.startswith("_"):
                continue
            if inspect.isclass(member):
                yield from (part for part in vars(member).values() if inspect.isfunction(part))
            elif inspect.isfunction(member):
                yield member


def test_every_function_with_threads_is_among_them():
    found = {f for f in public_functions() if "threads" in inspect.signature(f).parameters}
    assert found == {*THREADED, mean_field_2d.solve}  # the last is called by mean_field.solve
