"""Strips of rows of a plane, one for each thread, for `kinetic.finite_volume_2d`.

A row is computed by the same instructions in any strip, so that the result does not depend on
the number of strips. Between two meetings of the threads a strip takes several steps, with rows of
its neighbours that it computes as well.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kinetic import _rows_2d

MEETING = 5000
"""What it costs that the threads meet, in updates of a cell (about 40 microseconds)."""

CALL = 10**7
"""Updates of a cell in a call without meetings, some 0.1 s: to be interrupted between calls."""


class Strips:
    """The state of (nx, ny) cells and its rows shared out; a context that ends its threads.

    Attributes
    ----------
    u : (nx + 2, ny + 2) array
        The state, with ghost cells.
    v, w : (nx + 2, ny + 2) arrays
        Where a step is taken stage by stage, the states between.
    lost_x, lost_y : (2, ny + 2), (nx + 2, 2) arrays
        Sums of the state that have left through the sides.
    """

    def __init__(self, averages, threads, *, whole):
        nx, ny = averages.shape
        depth = _rows_2d.HALO
        self.steps = max(1, round((2.0 * MEETING / (depth * ny)) ** 0.5))
        count = max(1, min(threads, nx // (2 * depth * self.steps), nx * ny // MEETING))
        if count == 1:
            self.steps = max(1, CALL // (nx * ny))
        cuts = np.linspace(0, nx, count + 1).astype(int)
        self._rows = list(zip(cuts[:-1] + 1, cuts[1:], strict=True))

        plane = nx + 2, ny + 2
        self.u, self._out = np.zeros(plane), np.zeros(plane)
        self.u[1:-1, 1:-1] = averages
        for ghost, one, two, three in ((0, 1, 2, 3), (-1, -2, -3, -4)):
            self.u[:, ghost] = 3.0 * self.u[:, one] - 3.0 * self.u[:, two] + self.u[:, three]
        self.v, self.w = (None, None) if whole else (np.zeros(plane), np.zeros(plane))
        self.lost_x, self.lost_y = np.zeros((2, ny + 2)), np.zeros((nx + 2, 2))
        # Untouched rows of np.zeros take no memory.
        self._spare = [(np.zeros(plane), np.zeros(plane)) for _ in range(count if count > 1 else 0)]
        self._work = [self._buffers(whole, plane) for _ in range(count)]
        self._pool = ThreadPoolExecutor(count - 1) if count > 1 else None

    def _buffers(self, whole, plane):
        if whole:
            v, w = np.zeros((2, _rows_2d.VALUES_KEPT, plane[1]))
            fx, fy = np.zeros((2, _rows_2d.FLUXES_KEPT, plane[1]))
        else:
            v, w = self.v, self.w
            fx, fy = np.zeros(plane), np.zeros(plane)
        upwind, kept, limited = np.zeros((3, plane[1])), np.ones((4, plane[1])), np.zeros(4, bool)
        return v, w, fx, fy, upwind, kept, limited, self.lost_x, self.lost_y

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._pool:
            self._pool.shutdown()

    def _march(self, faces, count, begin, stop, scales, epsilon):
        def strip(k):
            spare = self._spare[k] if self._spare else (self.u, self._out)
            _rows_2d.march(
                self.u, self._out, *spare, faces.a, faces.b, self._work[k], *self._rows[k],
                count, begin, stop, *scales, epsilon,
            )  # fmt: skip

        others = [self._pool.submit(strip, k) for k in range(1, len(self._rows))]
        strip(0)
        for other in others:
            other.result()
        if stop == 3:
            self.u, self._out = self._out, self.u

    def advance(self, faces, count, scales, epsilon):
        """Take count steps with velocities that stay; scales: dt / (2 dx), dt / (2 dy)."""
        while count > 0:
            steps = min(count, self.steps)
            self._march(faces, steps, 0, 3, scales, epsilon)
            count -= steps

    def stage(self, s, faces, scales, epsilon):
        """Stage s of a step alone: from u, v or w to the next of them, at last to u."""
        self._march(faces, 1, s, s + 1, scales, epsilon)
