"""The time below which no program can stay: operations and bytes against measured peaks."""

import json
import subprocess
from typing import NamedTuple

import runner

PROGRAM = runner.HERE / "build" / "floor"
LEVELS = {"near": "320 kB", "middle": "8 MB", "far": "320 MB"}


class Work(NamedTuple):
    """What an algorithm cannot do without, for one unit (a cell and stage, a particle and layer).

    operations : additions and multiplications, in double precision.
    divisions : divisions and square roots.
    bytes : read and written.
    level : "near", "middle" or "far", where the data of the problem lie.
    """

    operations: float
    divisions: float
    bytes: float
    level: str


def peaks():
    """Return the measured peaks of one core, or None where there is no C compiler."""
    if not PROGRAM.exists():
        return None
    return json.loads(subprocess.run([PROGRAM], capture_output=True, check=True).stdout)


def level(size):
    """Return the level of so many bytes of data."""
    return "near" if size < 1e6 else "middle" if size < 16e6 else "far"


def nanoseconds(work, peak, threads=1):
    """Return the floor for one unit in ns: the slower of arithmetic and memory traffic.

    Arithmetic is shared by the threads, the traffic of "far" is not.
    """
    arithmetic = (work.operations / peak["flops"] + work.divisions * peak["division"]) / threads
    traffic = work.bytes / peak[work.level] / (1 if work.level == "far" else threads)
    return 1e9 * max(arithmetic, traffic)


def statement(work, peak, unit, threads=1):
    """Return a line for a table: what one unit needs and its floor."""
    if peak is None:
        return "No floor was measured: there is no gcc."
    least = nanoseconds(work, peak, threads)
    operations, divisions, size = (_rounded(number) for number in work[:3])
    return (
        f"Floor: {operations} operations, {divisions} divisions and {size} bytes "
        f"for a {unit} take at least {_rounded(least)} ns."
    )


def _rounded(number):
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def main():
    peak = peaks()
    if peak:
        bands = ", ".join(f"{1e-9 * peak[k]:.0f} GB/s for {size}" for k, size in LEVELS.items())
        print(
            f"one core: {1e-9 * peak['flops']:.0f} GFLOP/s in multiply-adds, "
            f"{1e9 * peak['division']:.2f} ns a division; {bands} (double precision)"
        )


if __name__ == "__main__":
    main()
