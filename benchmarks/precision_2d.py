"""Work against precision in two dimensions: the time to an error in L1 of at most 1e-6.

The problem of transport_2d.py, one thread. Each contender takes the coarsest grid, of multiples
of ten cells a side, with which it is as accurate as that. jax, torch and numpy of transport_2d.py
are left out: they need as fine a grid as kinetic's third order, with whose results theirs agree,
and minutes on it.
"""

import sys

import floor
import numpy as np
import runner
import transport_2d
from precision import coarsest
from transport_2d import CFL, END, HALF_SIDE

FIFTH = floor.Work(operations=250, divisions=2, bytes=56, level="near")
"""For a cell and stage of two CWENO-Z5 values, two fluxes along faces and the sums of fluxes."""


def squares(cells):
    from kinetic import Grid, Grid2D

    side = Grid(-HALF_SIDE, HALF_SIDE, cells)
    return Grid2D(side, side)


def kinetic(order):
    def make(_, cells):
        from kinetic import finite_volume_2d

        at, grid, count = transport_2d.problem(cells), squares(cells), (order + 1) // 2
        (xa, ya), (xb, yb) = grid.points_on_faces(count)
        velocity = -0.5 * xa - ya, xb - 0.5 * yb

        def call():
            return finite_volume_2d.transport(
                at.initial, velocity, grid, (0.0, END[cells]), cfl=CFL, order=order, threads=1
            )

        def describe(result):
            found = transport_2d.described(at, result.steps)(result.averages[-1])
            return {**found, "stages": (3 if order == 3 else 6) * result.steps}

        return call, describe

    return coarsest(make)


def exact(activation):
    """Averages of the density along characteristics, on the grid of order 5."""
    from scipy import stats

    from kinetic import SimResNet, mean_field

    call, describe = kinetic(5)(activation)
    cells = describe(call())["cells"]
    at, grid = transport_2d.problem(cells), squares(cells)
    net = SimResNet(activation, [[-0.5, -1.0], [1.0, -0.5]], [0.0, 0.0])
    spread = transport_2d.SPREAD**2 * np.eye(2)
    law = stats.multivariate_normal([transport_2d.CENTRE, 0.0], spread)

    def density(x, y):
        return mean_field.exact(net, law, END[cells], np.stack([x, y], axis=-1))

    return lambda: grid.average(density), lambda averages: {
        **transport_2d.described(at, 0)(averages),
        "cells": cells,
    }


CONTENDERS = {
    "kinetic, order 5": kinetic(5),
    "kinetic, order 3": kinetic(3),
    "kinetic, exact density": exact,
    "SharpClaw WENO5 SSP33": coarsest(lambda _, cells: transport_2d.sharpclaw(cells)),
}


def main(quick=False):
    about, peak = runner.machine(), floor.peaks()
    names = [name for name in CONTENDERS if not (quick and name == "kinetic, order 3")]
    results, tables = [], []
    for case, answers in runner.compare(
        "precision_2d.py", names, [{"activation": "identity"}], rounds=2 if quick else 3
    ):
        done = {name: answer for name, answer in answers.items() if "seconds" in answer}
        own = done["kinetic, order 5"]
        rows = []
        for name, answer in done.items():
            del answer["sample"]
            rows.append(
                [
                    name,
                    f"{answer['cells']} x {answer['cells']}",
                    answer["stages"],
                    f"{answer['error']:.1e}",
                    f"{1e3 * answer['seconds']:.3g}",
                    f"{answer['seconds'] / own['seconds']:.2f}",
                ]
            )
        header = ["contender", "cells", "stages", "error in L1", "ms"]
        header += ["times kinetic's order 5"]
        size = own["cells"] ** 2 * own["stages"]
        least = floor.statement(
            floor.Work(*(size * number for number in FIFTH[:3]), FIFTH.level),
            peak,
            f"solution of order 5 on {own['cells']} x {own['cells']} cells",
        )
        tables.append(f"one thread\n\n{runner.table(header, rows)}\n\n{least}")
        print(tables[-1] + "\n", flush=True)
        results.append({**case, "threads": 1, "contenders": answers})
    runner.publish("precision-2d", about, tables, results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        runner.serve(CONTENDERS, sys.argv[2])
    else:
        main(quick="--quick" in sys.argv)
