"""Particle ensembles larger than memory: the law of the outputs of eq. (2) from M inputs.

The particles of a `Problem` come in blocks. Each block is drawn with a random stream of its own,
moved, reduced to summaries (`kinetic.summaries`) and forgotten; summaries are merged along a
binary tree of blocks. So the result is the same, bit by bit, for any chunk size, executor,
number of workers and order, on processors of one type and with the same versions of the libraries.
Everything is dimensionless.
"""

import contextlib
import hashlib
import os
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from kinetic import _dispatch, _ensemble_blocks, _identity, _validate
from kinetic._checkpoint import Checkpoint
from kinetic.summaries import Moments

__all__ = ["Problem", "Result", "processes", "run"]

BLOCK = 1 << 17
CHUNKS = 512
"""As many, unless given: few enough to be submitted at once, many enough to share them out."""

MOST_BLOCKS = 2**40
SECONDS_BETWEEN_LINES = 0.5


@dataclass(frozen=True)
class Problem:
    """Particles, what happens to them, and what is kept.

    Parameters
    ----------
    initial : law or callable
        An object with ``rvs(size=, random_state=)``, as frozen distributions of `scipy.stats` have,
        or a function of (count, rng) with all its randomness from rng, a
        `numpy.random.Generator`. Returns ``count`` particles, of shape (count,) or (count, d).
    output : callable, optional
        Function of these particles that returns as many, for instance a
        `kinetic.network.end_map`. It may compute with one thread, as `kinetic` then does by
        itself. Default: the particles as they are.
    summaries : dict of str to summary, optional
        See `kinetic.summaries`; default: ``{"moments": Moments()}``.
    seed : int
        At least 0. Block i has the stream ``numpy.random.SeedSequence(seed, spawn_key=(i,))``.
    block : int
        Particles in a block. A part of the problem: another size draws other particles.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """

    initial: Any
    output: Callable | None = None
    summaries: dict = field(default_factory=lambda: {"moments": Moments()})
    seed: int = 0
    block: int = BLOCK

    def __post_init__(self):
        if not (hasattr(self.initial, "rvs") or callable(self.initial)):
            raise TypeError(
                "initial must be a law with rvs or a function of (count, rng); "
                f"got {self.initial!r:.80}"
            )
        if not (self.output is None or callable(self.output)):
            raise TypeError(f"output must be a function of particles; got {self.output!r:.80}")
        if not isinstance(self.summaries, dict) or not self.summaries:
            raise TypeError(f"summaries must be a dict of at least one; got {self.summaries!r:.80}")
        for name, summary in self.summaries.items():
            methods = ("measure", "merge", "estimate")
            if not isinstance(name, str) or not all(
                callable(getattr(summary, m, None)) for m in methods
            ):
                raise TypeError(
                    "summaries must have names and the methods measure, merge and estimate; "
                    f"got {name!r}: {summary!r:.80}"
                )
        object.__setattr__(self, "summaries", dict(self.summaries))
        object.__setattr__(self, "seed", _validate.integer("seed", self.seed, low=0))
        object.__setattr__(self, "block", _validate.integer("block", self.block, low=1))


@dataclass(frozen=True)
class Result:
    """What `run` found; ``result[name]`` is the estimate of a summary.

    Attributes
    ----------
    particles : int
    summaries : mapping of str to estimate
    digest : str
        Of the states of all summaries: equal where these are, bit by bit.
    restored : int
        Particles whose chunks came from the checkpoint.
    damaged : tuple of str
        Files of the checkpoint that were found damaged and computed again.
    losses : int
        How often chunks were lost with a worker and given out again by `run`. What a cluster
        repeats by itself is not counted.
    """

    particles: int
    summaries: MappingProxyType
    digest: str
    restored: int
    damaged: tuple
    losses: int

    def __getitem__(self, name):
        return self.summaries[name]


def run(problem, particles, *, executor=None, chunk=None, checkpoint=None, progress=None):
    """Summarize M particles, in memory that does not grow with M (eq. (2); paper).

    Parameters
    ----------
    problem : Problem
        Picklable, where the executor has other processes.
    particles : int
        M, at least 1.
    executor : Executor or callable, optional
        Any `concurrent.futures.Executor`: threads, processes, ``client.get_executor()`` of
        dask.distributed, ``mpi4py.futures.MPIPoolExecutor()``. Or a function that makes one,
        such as `processes`: it is shut down in the end, and replaced if a killed worker
        breaks it. Default: this thread.
    chunk : int, optional
        Blocks in a task; the result does not depend on it. Default: at most 512 tasks.
    checkpoint : str or path, optional
        Folder for finished chunks. A run that was interrupted continues from them if it is
        called again with the same problem and M, and any chunk.
    progress : callable or True, optional
        Called as ``progress(done, particles)`` after each chunk. True: prints a line.

    Returns
    -------
    Result

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, ``initial`` does not take its randomness from
        rng, a particle is not finite, or the checkpoint belongs to another problem. What the
        functions of the problem raise is raised with the blocks that it happened in.
    RuntimeError
        If another run uses the checkpoint, or workers are lost again and again.
    OSError
        If the checkpoint cannot be written. What was written before is kept.

    Warns
    -----
    RuntimeWarning
        If a file of the checkpoint is damaged. It is renamed and its chunk computed again.
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must be an ensemble.Problem; got {type(problem).__name__}")
    particles = _validate.integer("particles", particles, low=1)
    blocks = -(-particles // problem.block)
    if blocks > MOST_BLOCKS:
        raise ValueError(f"particles must fill at most 2^40 blocks; got {blocks}: enlarge block")
    chunk = -(-blocks // CHUNKS) if chunk is None else _validate.integer("chunk", chunk, low=1)
    if not (executor is None or isinstance(executor, Executor) or callable(executor)):
        raise TypeError(
            "executor must be a concurrent.futures.Executor or a function that makes one; "
            f"got {executor!r:.80}"
        )
    if not (checkpoint is None or isinstance(checkpoint, str | os.PathLike)):
        raise TypeError(f"checkpoint must be a path; got {checkpoint!r:.80}")
    if not (progress is None or progress is True or callable(progress)):
        raise TypeError(f"progress must be a function, True or None; got {progress!r:.80}")
    progress = Line() if progress is True else progress
    _check_reproducible(problem, particles)
    with contextlib.ExitStack() as stack:
        store, nodes, damaged = None, {}, []
        if checkpoint is not None:
            store = Checkpoint(checkpoint, _identify(problem, particles))
            stack.callback(store.close)
            nodes, damaged = _restored(store, problem)
        tasks = _ensemble_blocks.tasks(nodes, blocks, chunk)
        restored = done = particles - sum(_size(problem, particles, task) for task in tasks)
        if progress and done:
            progress(done, particles)
        work, losses = partial(_ensemble_blocks.measure, problem, particles), 0
        found = stack.enter_context(contextlib.closing(_dispatch.completed(work, tasks, executor)))
        for task, measured, lost in found:
            if store is not None:
                store.store(task, measured)
            for node, states in measured.items():
                _ensemble_blocks.add(nodes, node, states, problem.summaries)
            losses, done = lost, done + _size(problem, particles, task)
            if progress:
                progress(done, particles)
    states = _ensemble_blocks.total(nodes, problem.summaries)
    pairs = zip(problem.summaries.items(), states, strict=True)
    return Result(
        particles,
        MappingProxyType({name: summary.estimate(state) for (name, summary), state in pairs}),
        _digest(states),
        restored,
        tuple(damaged),
        losses,
    )


def processes(workers=None):
    """A function that makes pools of processes, for `run` to replace one that breaks.

    The processes are started afresh (not forked), as on all systems and beside threads is safe:
    a script must start its work under ``if __name__ == "__main__":``, and the functions of the
    problem must be importable.

    Parameters
    ----------
    workers : int, optional
        Default: the number of cores.

    Returns
    -------
    callable
    """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    if workers is not None:
        workers = _validate.integer("workers", workers, low=1)
    return partial(ProcessPoolExecutor, workers, mp_context=get_context("spawn"))


class Line:
    """Progress as one line that is written over, at most twice a second."""

    def __init__(self):
        self._begin, self._written, self._restored = time.monotonic(), -np.inf, None

    def __call__(self, done, particles):
        """Show how much is done, how fast, and what is left."""
        now = time.monotonic()
        if self._restored is None:
            self._restored = done
        if now - self._written < SECONDS_BETWEEN_LINES and done < particles:
            return
        self._written = now
        rate = (done - self._restored) / max(now - self._begin, 1e-9)
        left = f"{(particles - done) / rate:.0f} s left" if rate else "starting"
        end = "\n" if done == particles else ""
        line = f"{done / particles:6.1%} of {particles:.3g} particles, {rate:.3g} a second, {left}"
        print(f"\r{line:<72}", end=end, flush=True)


def _check_reproducible(problem, particles):
    """Measure the first block twice; here, so that errors show before any worker starts."""
    first, second = (
        _ensemble_blocks.measure(problem, min(particles, problem.block), 0, 1) for _ in "12"
    )
    if _digest(first[0, 0]) != _digest(second[0, 0]):
        raise ValueError(
            "initial must take all its randomness from rng (and output have none): "
            "the first block came out differently when it was drawn again"
        )


def _identify(problem, particles):
    return {
        "particles": particles,
        "block": problem.block,
        "seed": problem.seed,
        "initial": _identity.digest("initial", problem.initial),
        "output": _identity.digest("output", problem.output),
        "summaries": _identity.digest("summaries", problem.summaries),
        **_identity.versions(),
    }


def _restored(store, problem):
    loaded, damaged = store.load(len(problem.summaries))
    if damaged:
        warnings.warn(
            f"checkpoint {store.folder} has damaged files, which are computed again: "
            f"{', '.join(damaged)}",
            RuntimeWarning,
            stacklevel=3,
        )
    nodes = {}
    for node, states in _ensemble_blocks.without_overlap(loaded).items():
        _ensemble_blocks.add(nodes, node, states, problem.summaries)
    return nodes, damaged


def _size(problem, particles, task):
    """Particles in a range of blocks."""
    first, last = task
    return min(last * problem.block, particles) - first * problem.block


def _digest(states):
    digest = hashlib.sha256()
    for state in states:
        digest.update(f"{state.dtype.str} {state.shape} ".encode() + state.tobytes())
    return digest.hexdigest()
