"""Linear transport in one dimension: CWENO3, local Lax-Friedrichs, SSP-RK3, CFL 0.45.

d_t u + d_x(a(x) u) = 0 on [2, 8] with a(x) = sigma(x - 5) and zero flux at both ends, from a
Gaussian of mean 5 and standard deviation 1/4 to time 1/2. The initial cell averages and the exact
ones at the end are differences of the distribution function, which the characteristics carry.
"""

import ctypes
import math
import os
import sys

import floor
import numpy as np
import runner
from scipy.special import ndtr

LEFT, RIGHT, SPREAD, END, CFL = 2.0, 8.0, 0.25, 0.5, 0.45
BACKWARD = {
    "tanh": lambda u: np.arcsinh(math.exp(-END) * np.sinh(u)),
    "identity": lambda u: math.exp(-END) * u,
}
ACTIVATION = {"tanh": np.tanh, "identity": np.positive}


def problem(activation, cells):
    """Return cell width, velocity on the faces, initial averages and exact ones at the end."""
    faces = np.linspace(LEFT, RIGHT, cells + 1)
    dx = (RIGHT - LEFT) / cells
    velocity = ACTIVATION[activation](faces - 5.0)
    velocity[[0, -1]] = 0.0
    initial = np.diff(ndtr((faces - 5.0) / SPREAD)) / dx
    exact = np.diff(ndtr(BACKWARD[activation](faces - 5.0) / SPREAD)) / dx
    return dx, velocity, initial, exact


def weight_floor(initial, dx):
    """Return epsilon of the nonlinear weights, as in kinetic.finite_volume."""
    mass = initial.sum() * dx
    typical = (initial**2).sum() * dx / mass
    return typical**2 * min(dx * typical / mass, 1.0 / 20.0)


def step_count(velocity, dx):
    """Steps of equal length, none longer than CFL dx / max |a|."""
    return math.ceil(END * np.abs(velocity).max() / (CFL * dx) * (1.0 - 1e-12))


def describe(density, steps, dx, exact, stages=3):
    """Return what the tables tell of a result: error in L1, mass, stages; and the density."""
    return {
        "error": float(np.abs(density - exact).sum() * dx),
        "mass": float(density.sum() * dx),
        "stages": int(steps) * stages,
        "values": np.asarray(density).tolist(),
    }


def kinetic(threads=None):
    def make(activation, cells):
        from kinetic import Grid, finite_volume

        dx, velocity, initial, exact = problem(activation, cells)
        grid = Grid(LEFT, RIGHT, cells)
        count = threads or int(os.environ["NUMBA_NUM_THREADS"])

        def call():
            return finite_volume.transport(
                initial, velocity, grid, (0.0, END), cfl=CFL, threads=count
            )

        return call, lambda result: describe(result.averages[-1], result.steps, dx, exact)

    return make


def compiled(library):
    def make(activation, cells):
        dx, velocity, initial, exact = problem(activation, cells)
        array = np.ctypeslib.ndpointer(np.float64, flags="C")
        function = ctypes.CDLL(runner.HERE / "build" / library).transport
        function.argtypes = [ctypes.c_long, array, array, *[ctypes.c_double] * 4]
        function.restype = ctypes.c_long
        eps = weight_floor(initial, dx)

        def call():
            density = initial.copy()
            return density, function(cells, density, velocity, dx, END, CFL, eps)

        return call, lambda result: describe(*result, dx, exact)

    return make


def jax(activation, cells):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    dx, velocity, initial, exact = problem(activation, cells)
    eps = weight_floor(initial, dx)
    velocity, initial = jnp.asarray(velocity), jnp.asarray(initial)

    @jax.jit
    def solve(u, velocity):
        steps = jnp.ceil(END * jnp.max(jnp.abs(velocity)) / (CFL * dx) * (1.0 - 1e-12)).astype(int)
        ratio = END / steps / dx
        rightward, leftward = jnp.maximum(velocity[:-1], 0.0), jnp.minimum(velocity[:-1], 0.0)

        def difference(u):
            jump = u - jnp.roll(u, 1)
            dl = jump.at[0].set(3.0 * u[1] - 2.0 * u[0] - u[2])
            dr = jnp.roll(jump, -1).at[-1].set(2.0 * u[-1] - 3.0 * u[-2] + u[-3])
            d1, d2 = 0.5 * (dl + dr), dr - dl
            bl, br = dl * dl + eps, dr * dr + eps
            b0 = d1 * d1 + 13.0 / 3.0 * d2 * d2 + eps
            wl, wr, w0 = (br * b0) ** 2, (bl * b0) ** 2, 2.0 * (bl * br) ** 2
            scale = 1.0 / (wl + wr + w0)
            odd = 0.5 * scale * (wl * dl + wr * dr + w0 * d1)
            even = u + 1.0 / 6.0 * scale * w0 * d2
            left, right = jnp.maximum(even - odd, 0.0), jnp.maximum(even + odd, 0.0)
            flux = rightward * jnp.roll(right, 1) + leftward * left
            return flux - jnp.roll(flux, -1)

        def step(_, u):
            one = u + ratio * difference(u)
            two = 0.75 * u + 0.25 * (one + ratio * difference(one))
            return 1.0 / 3.0 * u + 2.0 / 3.0 * (two + ratio * difference(two))

        return jax.lax.fori_loop(0, steps, step, u), steps

    def call():
        return jax.block_until_ready(solve(initial, velocity))

    return call, lambda result: describe(*result, dx, exact)


def numpy(activation, cells):
    dx, velocity, initial, exact = problem(activation, cells)
    rightward, leftward = np.maximum(velocity, 0.0)[1:-1], np.minimum(velocity, 0.0)[1:-1]
    steps = step_count(velocity, dx)
    ratio = END / steps / dx
    eps = weight_floor(initial, dx)
    jumps = np.empty(cells + 1)
    dl, dr = jumps[:-1], jumps[1:]
    bl, br, b0, wl, wr, d1, d2, scale = np.empty((8, cells))
    flux, part = np.zeros(cells + 1), np.empty(cells - 1)

    def euler(u, out):
        """Write u + dt L(u) into `out`."""
        np.subtract(u[1:], u[:-1], out=jumps[1:-1])
        jumps[0] = 3.0 * u[1] - 2.0 * u[0] - u[2]
        jumps[-1] = 2.0 * u[-1] - 3.0 * u[-2] + u[-3]
        np.add(dl, dr, out=d1)
        np.multiply(d1, 0.5, out=d1)
        np.subtract(dr, dl, out=d2)
        np.multiply(dl, dl, out=bl)
        np.add(bl, eps, out=bl)
        np.multiply(dr, dr, out=br)
        np.add(br, eps, out=br)
        np.multiply(d2, d2, out=b0)
        np.multiply(b0, 13.0 / 3.0, out=b0)
        np.multiply(d1, d1, out=wl)
        np.add(b0, wl, out=b0)
        np.add(b0, eps, out=b0)
        np.multiply(br, b0, out=wl)
        np.multiply(wl, wl, out=wl)
        np.multiply(bl, b0, out=wr)
        np.multiply(wr, wr, out=wr)
        w0 = np.multiply(bl, br, out=b0)
        np.multiply(w0, w0, out=w0)
        np.multiply(w0, 2.0, out=w0)
        np.add(wl, wr, out=scale)
        np.add(scale, w0, out=scale)
        np.divide(0.5, scale, out=scale)
        odd = np.multiply(wl, dl, out=wl)
        np.multiply(wr, dr, out=wr)
        np.add(odd, wr, out=odd)
        np.multiply(d1, w0, out=d1)
        np.add(odd, d1, out=odd)
        np.multiply(odd, scale, out=odd)
        even = np.multiply(w0, d2, out=w0)
        np.multiply(even, scale, out=even)
        np.multiply(even, 1.0 / 3.0, out=even)
        np.add(even, u, out=even)
        right, left = np.add(even, odd, out=wr), np.subtract(even, odd, out=scale)
        np.maximum(right, 0.0, out=right)
        np.maximum(left, 0.0, out=left)
        np.multiply(rightward, right[:-1], out=flux[1:-1])
        np.multiply(leftward, left[1:], out=part)
        np.add(flux[1:-1], part, out=flux[1:-1])
        np.subtract(flux[1:], flux[:-1], out=out)
        np.multiply(out, -ratio, out=out)
        np.add(out, u, out=out)

    def call():
        u, one, two = initial.copy(), np.empty(cells), np.empty(cells)
        for _ in range(steps):
            euler(u, one)
            euler(one, two)
            two *= 0.25
            np.multiply(u, 0.75, out=one)
            two += one
            euler(two, one)
            one *= 2.0 / 3.0
            u *= 1.0 / 3.0
            u += one
        return u

    return call, lambda density: describe(density, steps, dx, exact)


def sharpclaw(integrator, stages, courant, order=5):
    def make(activation, cells):
        import logging

        from clawpack import pyclaw

        sys.path.insert(0, str(runner.HERE / "build"))
        import riemann_transport

        logging.getLogger("pyclaw").setLevel(logging.CRITICAL)
        dx, velocity, initial, exact = problem(activation, cells)
        faces = np.linspace(LEFT, RIGHT, cells + 1)
        centres = ACTIVATION[activation](0.5 * (faces[1:] + faces[:-1]) - 5.0)
        domain = pyclaw.Domain(pyclaw.Dimension(LEFT, RIGHT, cells, name="x"))

        def wall(state, dimension, t, q, aux, ghosts):
            aux[:, -ghosts:] = 0.0

        def call():
            solver = pyclaw.SharpClawSolver1D(riemann_transport)
            solver.tfluct_solver, solver.tfluct = True, riemann_transport
            solver.num_waves = solver.num_eqn = 1
            solver.time_integrator, solver.weno_order = integrator, order
            solver.cfl_desired, solver.cfl_max = courant, 1.02 * courant
            solver.fwave, solver.max_steps = False, 10**6
            solver.dt = courant * dx / np.abs(velocity).max()
            solver.all_bcs = pyclaw.BC.extrap
            solver.aux_bc_lower[0] = pyclaw.BC.extrap
            solver.aux_bc_upper[0] = pyclaw.BC.custom
            solver.user_aux_bc_upper = wall
            state = pyclaw.State(domain, 1, 2)
            state.q[0], state.aux[0], state.aux[1] = initial, velocity[:-1], centres
            solution = pyclaw.Solution(state, domain)
            status = solver.evolve_to_time(solution, END)
            return solution.q[0].copy(), status["numsteps"]

        return call, lambda result: describe(*result, dx, exact, stages)

    return make


CONTENDERS = {
    "kinetic": kinetic(),
    "kinetic, one thread": kinetic(threads=1),
    "C -O3 -march=native -ffast-math": compiled("transport_fast.so"),
    "C -O3 -march=native": compiled("transport_strict.so"),
    "jax.jit": jax,
    "numpy": numpy,
    "SharpClaw WENO5 SSP33": sharpclaw("SSP33", 3, CFL),
    "SharpClaw WENO5 SSP104": sharpclaw("SSP104", 10, 2.45),
}


PARALLEL = ["kinetic", "kinetic, one thread", "jax.jit"]
"""What there is to compare with two threads; the others know one only."""


def work(cells):
    """Return the floor's count for a cell and stage; six arrays of cells are at work."""
    return floor.Work(operations=50, divisions=1, bytes=24, level=floor.level(48 * cells))


def measured(threads, cases, rounds, peak):
    """Yield each case with its results and its table."""
    names = [n for n in CONTENDERS if n != PARALLEL[1]] if threads == 1 else PARALLEL
    for case, answers in runner.compare(
        "transport.py", names, cases, threads=threads, rounds=rounds
    ):
        done = {name: answer for name, answer in answers.items() if "seconds" in answer}
        densities = {name: np.array(answer.pop("values")) for name, answer in done.items()}
        against = "numpy" if threads == 1 else "kinetic, one thread"
        own = done["kinetic"]["seconds"] / done["kinetic"]["stages"]
        rows = []
        for name, answer in done.items():
            each = answer["seconds"] / answer["stages"]
            answer["ns_per_cell_and_stage"] = 1e9 * each / case["cells"]
            answer["difference"] = float(np.abs(densities[name] - densities[against]).max())
            rows.append(
                [
                    name,
                    f"{answer['ns_per_cell_and_stage']:.2f}",
                    f"{each / own:.2f}",
                    f"{1e3 * answer['seconds']:.3g}",
                    answer["stages"],
                    f"{answer['error']:.1e}",
                    f"{answer['difference']:.0e}",
                ]
            )
        header = ["contender", "ns a cell and stage", "times kinetic", "ms", "stages"]
        header += ["error in L1", f"differs from {against} by"]
        title = f"sigma = {case['activation']}, {case['cells']} cells, threads: {threads}"
        least = floor.statement(work(case["cells"]), peak, "cell and stage", threads)
        yield (
            {**case, "threads": threads, "contenders": answers},
            f"{title}\n\n{runner.table(header, rows)}\n\n{least}",
        )


def main(quick=False):
    about, peak = runner.machine(), floor.peaks()
    rounds = 3 if quick else 7
    cells = {1: (400,), 2: (6400,)} if quick else {1: (400, 1600, 6400), 2: (6400, 25600)}
    results, tables = [], []
    for threads, sizes in cells.items():
        cases = [{"activation": s, "cells": n} for s in ("tanh", "identity") for n in sizes]
        for result, table in measured(threads, cases, rounds, peak):
            print(table + "\n", flush=True)
            results.append(result)
            tables.append(table)
    runner.publish("transport", about, tables, results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        runner.serve(CONTENDERS, sys.argv[2])
    else:
        main(quick="--quick" in sys.argv)
