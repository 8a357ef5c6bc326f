"""Rows of an array shared among threads; kernels run without the GIL."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

from kinetic import _validate

_ALONE = ContextVar("alone", default=False)


@contextmanager
def one_thread():
    """Let `thread_count` say 1 where nobody asked for more: for workers side by side."""
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)


def thread_count(threads):
    """The number of threads asked for; None: all cores that this process may use."""
    if threads is not None:
        return _validate.integer("threads", threads, low=1)
    if _ALONE.get():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def over_rows(work, rows, threads, chunk):
    """Call ``work(slice)`` for consecutive slices of at most ``chunk`` rows."""
    slices = [slice(k, min(k + chunk, rows)) for k in range(0, rows, chunk)]
    if threads == 1 or len(slices) == 1:
        for entry in slices:
            work(entry)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, slices))
