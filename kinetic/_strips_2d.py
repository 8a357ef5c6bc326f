"""Strips of rows of a plane, one for each thread, for `kinetic.finite_volume_2d`.

A row is computed by the same instructions in any strip, so that the result does not depend on
the number of strips. Between two meetings of the threads a strip takes several steps, with rows of
its neighbours that it computes as well.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kinetic import _rows_2d, _rows_2d_5
from kinetic._limited_2d import GHOSTS

MEETING = 15_000
"""What it costs that the threads meet, in stages of a cell (about 40 microseconds)."""

CALL = 10**8
"""Stages of a cell in a call without meetings, some 0.3 s: to be interrupted between calls."""


class Strips:
    """The state of (nx, ny) cells and its rows shared out; a context that ends its threads.

    Attributes
    ----------
    u : (nx + 4, ny + 4) array
        The state, with ghost cells.
    states : (stages - 1, nx + 4, ny + 4) array
        The states between the stages, unless whole steps are taken.
    lost_x, lost_y : (2, ny + 4), (nx + 4, 2) arrays
        Sums of the state that have left through the sides.
    """

    def __init__(self, averages, order, threads, *, whole):
        nx, ny = averages.shape
        self._kernels = _rows_2d if order == 3 else _rows_2d_5
        halo, stages = self._kernels.HALO, self._kernels.STAGES
        self._steps = max(1, round((2.0 * MEETING / (stages * halo * ny)) ** 0.5))
        count = max(1, min(threads, nx // (2 * halo * self._steps), stages * nx * ny // MEETING))
        if count == 1:
            self._steps = max(1, CALL // (stages * nx * ny))
        cuts = np.linspace(0, nx, count + 1).astype(int) + GHOSTS
        self.rows = list(zip(cuts[:-1], cuts[1:] - 1, strict=True))

        plane = nx + 2 * GHOSTS, ny + 2 * GHOSTS
        self.u, self._out = np.zeros(plane), np.zeros(plane)
        self.u[GHOSTS:-GHOSTS] = extrapolated(averages.T, order).T
        self.states = None if whole else np.zeros((self._kernels.STAGES - 1, *plane))
        self.lost_x, self.lost_y = np.zeros((2, plane[1])), np.zeros((plane[0], 2))
        # Untouched rows of np.zeros take no memory.
        self._spare = [(np.zeros(plane), np.zeros(plane)) for _ in range(count if count > 1 else 0)]
        self.work = [
            self._kernels.buffers(
                plane,
                self.states,
                self._limiter(plane[1]),
            )
            for _ in range(count)
        ]
        self._pool = ThreadPoolExecutor(count - 1) if count > 1 else None

    def _limiter(self, width):
        sure, kept = np.ones((2, 4, width))
        return sure, kept, np.zeros(4, bool), self.lost_x, self.lost_y

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._pool:
            self._pool.shutdown()

    @property
    def nodes(self):
        """Times of the stages in parts of the step."""
        return self._kernels.NODES

    def state(self, s):
        """(nx, ny) averages at the beginning of stage s."""
        padded = self.u if s == 0 else self.states[s - 1]
        return padded[GHOSTS:-GHOSTS, GHOSTS:-GHOSTS]

    def _march(self, faces, count, begin, stop, scales, epsilon):
        def strip(k):
            spare = self._spare[k] if self._spare else (self.u, self._out)
            self._kernels.march(
                self.u, self._out, *spare, faces.a, faces.b, self.work[k], *self.rows[k],
                count, begin, stop, *scales, epsilon,
            )  # fmt: skip

        others = [self._pool.submit(strip, k) for k in range(1, len(self.rows))]
        strip(0)
        for other in others:
            other.result()
        if stop == self._kernels.STAGES:
            self.u, self._out = self._out, self.u

    def advance(self, faces, count, scales, epsilon):
        """Take count steps with velocities that stay; scales: dt / dx and dt / dy."""
        while count > 0:
            steps = min(count, self._steps)
            self._march(faces, steps, 0, self._kernels.STAGES, scales, epsilon)
            count -= steps

    def stage(self, s, faces, scales, epsilon):
        """Stage s of a step alone: from u or states[s - 1] to states[s], the last one to u."""
        self._march(faces, 1, s, s + 1, scales, epsilon)


def extrapolated(u, order):
    """u with GHOSTS extrapolated entries at both ends of its first axis; one, at order three."""
    padded = np.pad(u, [(GHOSTS, GHOSTS)] + [(0, 0)] * (u.ndim - 1))
    for v in (padded, padded[::-1]):
        if order == 3:
            v[1] = 3.0 * v[2] - 3.0 * v[3] + v[4]
        else:
            for k in (1, 0):
                v[k] = 4.0 * (v[k + 1] + v[k + 3]) - 6.0 * v[k + 2] - v[k + 4]
    return padded
