"""Steps of a one-dimensional scheme on blocks of cells, shared among threads.

In a chunk of steps a block is taken on alone, with a halo on either side as wide as what
its own cells can see during the chunk. What the ends of the halo make of their missing
neighbours never reaches the block, so that the result has the same bits for any blocks.
Two arrays of the state alternate: a chunk reads one, writes the other, and starts when
all blocks of the chunk before are done. Threads wait for each other by counters of finished
chunks within the kernel, and after `PATIENCE` looks return to Python for a nap.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from kinetic import _fifth_order, _third_order
from kinetic._compile import OPTIONS, inlined, kernel
from kinetic._fifth_order import Fifth
from kinetic._third_order import Third

PATIENCE = 20_000
NAPS = 5e-5, 1e-3
"""The first nap in a row, in seconds, and the longest; each is twice as long as the last."""
CACHE_LINE = 8
HALO = 1 / 40
"""Largest width of a halo in parts of the block; it sets the steps between two meetings."""
FEWEST_CELLS = 1_000
"""A block is not smaller."""
LEAST_WORK = 300_000
"""Cells times stages from which on threads are worth starting."""
CALL = 10**8
"""Cells times stages in a call of kernels, some 0.1 s: to be interrupted between calls."""

KERNELS = {Third: _third_order, Fifth: _fifth_order}
SCHEMES = {3: Third(), 5: Fifth()}


class Plan(NamedTuple):
    """Numbers of a block: its cells are from first to end, with the halo from low to high."""

    courant: float
    epsilon: float
    steps: int
    chunk: int
    chunks: int
    first: int
    end: int
    low: int
    high: int
    ghosts: int


def advance(scheme, cells, faces, velocity, courant, epsilon, steps, outflow):
    """Take steps by the scheme that the type of the tag names; for use in kernels."""
    kernels = KERNELS[type(scheme)]
    kernels.advance(cells, faces, velocity, courant, epsilon, steps, outflow)


@overload(advance, jit_options=OPTIONS)
def _advance_compiled(scheme, cells, faces, velocity, courant, epsilon, steps, outflow):
    found = KERNELS[scheme.instance_class].advance

    def compiled(scheme, cells, faces, velocity, courant, epsilon, steps, outflow):
        found(cells, faces, velocity, courant, epsilon, steps, outflow)

    return compiled


def _place(context, builder, signature, arguments):
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    kind = signature.args[0]
    return cgutils.get_item_pointer(context, builder, kind, array, [arguments[1]], wraparound=False)


@intrinsic
def _published(typing_context, counters, index):
    """counters[index]; all that its writer has written before can be read."""

    def generate(context, builder, signature, arguments):
        return builder.load_atomic(_place(context, builder, signature, arguments), "acquire", 8)

    return types.int64(counters, index), generate


@intrinsic
def _publish(typing_context, counters, index, value):
    """Set counters[index], after all that has been written before."""

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, signature, arguments)
        builder.store_atomic(arguments[2], place, "release", 8)
        return context.get_dummy_value()

    return types.void(counters, index, types.int64), generate


@inlined
def _all_have_done(counters, threads, chunk):
    for _ in range(PATIENCE):
        behind = 0
        for k in range(threads):
            behind += _published(counters, k * CACHE_LINE) < chunk
        if behind == 0:
            return True
    return False


@kernel
def _take(
    scheme, states, cells, faces, velocity, plan, done, me, counters, outflow
):  # fmt: skip
    """Take the chunks of a block from `done` on; return how many are done.

    Fewer than all are done where another thread keeps this one waiting.
    """
    threads = counters.size // CACHE_LINE
    u = cells[0]
    for chunk in range(done, plan.chunks):
        if threads > 1 and not _all_have_done(counters, threads, chunk):
            return chunk
        steps = min(plan.chunk, plan.steps - chunk * plan.chunk)
        before, after = states[chunk % 2], states[(chunk + 1) % 2]
        for j in range(plan.low, plan.high):
            u[j - plan.low + plan.ghosts] = before[j]
        advance(scheme, cells, faces, velocity, plan.courant, plan.epsilon, steps, outflow)
        for j in range(plan.first, plan.end):
            after[j] = u[j - plan.low + plan.ghosts]
        if threads > 1:
            _publish(counters, me * CACHE_LINE, chunk + 1)
    return plan.chunks


def stage_times(order):
    """Times of the stages in parts of a step."""
    return KERNELS[type(SCHEMES[order])].NODES


def take_steps(order, averages, velocity, courant, epsilon, steps, outflow, threads):
    """Averages after a number of steps; see `kinetic.finite_volume`.

    Parameters
    ----------
    order : {3, 5}
    averages : (n,) array
        In units in which they are of size 1.
    velocity : (1, n + 1) or (stages, n + 1) array
        On the faces, for all stages or for each.
    courant : float
        dt / dx.
    epsilon : float
        Floor of the smoothness indicators.
    steps : int
    outflow : (2,) array
        Sums of averages that have left through the ends; added to.
    threads : int
        Largest number of threads.
    """
    scheme = SCHEMES[order]
    kernels, n = KERNELS[type(scheme)], averages.size
    work = n * len(kernels.NODES)
    threads = min(threads, n // FEWEST_CELLS, work * steps // LEAST_WORK)
    at_once = max(1, CALL // work)
    cells, faces = _arrays(kernels, n) if threads <= 1 else (None, None)
    for taken in range(0, steps, at_once):
        rest = courant, epsilon, min(at_once, steps - taken), outflow
        if threads > 1:
            averages = _in_threads(scheme, kernels, averages, velocity, *rest, threads)
        else:
            own = cells[0, kernels.GHOSTS : -kernels.GHOSTS]
            own[:] = averages
            kernels.advance(cells, faces, velocity, *rest)
            averages = own
    return averages


def _arrays(kernels, cells):
    return np.zeros((3, cells + 2 * kernels.GHOSTS)), np.zeros((kernels.FACE_ROWS, cells + 1))


def _in_threads(scheme, kernels, averages, velocity, courant, epsilon, steps, outflow, threads):
    n = averages.size
    chunk = min(steps, max(1, int(HALO * n / (threads * kernels.REACH))))
    chunks, halo = -(-steps // chunk), chunk * kernels.REACH
    edges = [n * k // threads for k in range(threads + 1)]
    states = np.array([averages, averages])
    counters = np.zeros(threads * CACHE_LINE, dtype=np.int64)
    given_up = Event()

    def take(me):
        try:
            first, end = edges[me : me + 2]
            low, high = max(first - halo, 0), min(end + halo, n)
            plan = Plan(
                courant, epsilon, steps, chunk, chunks, first, end, low, high, kernels.GHOSTS
            )  # fmt: skip
            own = np.ascontiguousarray(velocity[:, low : high + 1])
            arrays = *_arrays(kernels, high - low), own
            left, done, nap = outflow.copy(), 0, NAPS[0]
            while not given_up.is_set():
                before = done
                done = _take(scheme, states, *arrays, plan, done, me, counters, left)
                if done == chunks:
                    break
                nap = NAPS[0] if done > before else min(2.0 * nap, NAPS[1])
                time.sleep(nap)
            return left
        except BaseException:
            given_up.set()
            raise

    with ThreadPoolExecutor(threads - 1) as pool:
        try:
            others = [pool.submit(take, me) for me in range(1, threads)]
            first = take(0)
            last = [other.result() for other in others][-1]
        finally:  # an interrupt may come before a block is begun
            given_up.set()
    outflow[:] = first[0], last[1]
    return states[chunks % 2]
