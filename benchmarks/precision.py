"""Work against precision in one dimension: the time to an error in L1 of at most 1e-6.

The problem of transport.py. Each contender takes the coarsest grid, of multiples of ten cells,
with which it is as accurate as that.
"""

import math
import sys

import fifth_order
import floor
import numpy as np
import runner
import transport
from transport import END, LEFT, RIGHT, SPREAD

TARGET = 1e-6
MULTIPLE = 10
MOST_CELLS = 20_000
FIFTH = floor.Work(operations=95, divisions=1, bytes=24, level="near")
"""For a cell and stage of CWENO-Z5 with one value a face, the flux and the sum of fluxes."""


def coarsest(make):
    """Return a contender that builds `make` on the coarsest grid that reaches the target."""

    def build(activation):
        def accuracy(blocks):
            call, describe = make(activation, MULTIPLE * blocks)
            return describe(call())["error"]

        fine = 4
        while not accuracy(fine) <= TARGET:
            fine = math.ceil(1.5 * fine)
            if fine * MULTIPLE > MOST_CELLS:
                raise ValueError(f"no error of {TARGET} with {MOST_CELLS} cells")
        coarse = fine // 2
        while fine - coarse > 1:
            middle = (coarse + fine) // 2
            if accuracy(middle) <= TARGET:
                fine = middle
            else:
                coarse = middle
        cells = MULTIPLE * fine
        call, describe = make(activation, cells)
        return call, lambda result: {**describe(result), "cells": cells}

    return build


def kinetic(order, cfl):
    def make(activation, cells):
        from kinetic import Grid, finite_volume

        dx, velocity, initial, exact = transport.problem(activation, cells)
        grid = Grid(LEFT, RIGHT, cells)

        def call():
            return finite_volume.transport(
                initial, velocity, grid, (0.0, END), cfl=cfl, order=order, threads=1
            )

        stages = 3 if order == 3 else 6
        return call, lambda r: transport.describe(r.averages[-1], r.steps, dx, exact, stages)

    return make


def push_forward(activation):
    """Averages by the exact flow of the activation: no error but rounding."""
    from scipy import stats

    from kinetic import SimResNet, mean_field

    call, describe = coarsest(kinetic(5, transport.CFL))(activation)
    cells = describe(call())["cells"]
    faces = np.linspace(LEFT, RIGHT, cells + 1)
    dx, _, _, exact = transport.problem(activation, cells)
    net, law = SimResNet(activation, 1.0, -5.0), stats.norm(5.0, SPREAD)

    def call():
        return np.diff(mean_field.push_forward(net, law, END).cdf(faces)) / dx

    return call, lambda averages: {
        **transport.describe(averages, 0, dx, exact),
        "cells": cells,
    }


CONTENDERS = {
    "kinetic, order 5": coarsest(kinetic(5, 0.45)),
    "kinetic, order 5, CFL 1": coarsest(kinetic(5, 1.0)),
    "kinetic, order 3": coarsest(kinetic(3, 0.45)),
    "kinetic, push-forward": push_forward,
    "jax.jit, order 5": coarsest(fifth_order.with_jax),
    "jax.jit, order 3": coarsest(transport.jax),
    "numpy, order 5": coarsest(fifth_order.with_numpy),
    "numpy, order 3": coarsest(transport.numpy),
    "SharpClaw WENO5 SSP33": coarsest(transport.sharpclaw("SSP33", 3, 0.45)),
    "SharpClaw WENO5 SSP104": coarsest(transport.sharpclaw("SSP104", 10, 2.45)),
    "SharpClaw WENO17 SSP104": coarsest(transport.sharpclaw("SSP104", 10, 2.45, order=17)),
    "SharpClaw WENO17 SSP104, CFL 1": coarsest(transport.sharpclaw("SSP104", 10, 1.0, order=17)),
}


def main(quick=False):
    about, peak = runner.machine(), floor.peaks()
    cases = [{"activation": name} for name in (("tanh",) if quick else ("tanh", "identity"))]
    results, tables = [], []
    for case, answers in runner.compare(
        "precision.py", list(CONTENDERS), cases, rounds=3 if quick else 7
    ):
        done = {name: answer for name, answer in answers.items() if "seconds" in answer}
        own = done["kinetic, order 5"]
        rows = []
        for name, answer in done.items():
            del answer["values"]
            rows.append(
                [
                    name,
                    answer["cells"],
                    answer["stages"],
                    f"{answer['error']:.1e}",
                    f"{1e3 * answer['seconds']:.3g}",
                    f"{answer['seconds'] / own['seconds']:.2f}",
                ]
            )
        header = ["contender", "cells", "stages", "error in L1", "ms"]
        header += ["times kinetic's order 5"]
        size = own["cells"] * own["stages"]
        least = floor.statement(
            floor.Work(*(size * number for number in FIFTH[:3]), FIFTH.level),
            peak,
            f"solution of order 5 on {own['cells']} cells",
        )
        title = f"sigma = {case['activation']}, one thread"
        tables.append(f"{title}\n\n{runner.table(header, rows)}\n\n{least}")
        print(tables[-1] + "\n", flush=True)
        results.append({**case, "threads": 1, "contenders": answers})
    runner.publish("precision", about, tables, results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        runner.serve(CONTENDERS, sys.argv[2])
    else:
        main(quick="--quick" in sys.argv)
