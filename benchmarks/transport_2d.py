"""Linear transport in two dimensions by the third-order scheme of kinetic.finite_volume_2d.

d_t u + div(v u) = 0 on [-2, 2]^2 with v(x, y) = (-x / 2 - y, x - y / 2) and walls, from a
Gaussian of standard deviation 1/4 at (0.5, 0). The flow turns and contracts, so that the
density stays Gaussian and its cell averages are products of differences of normal distribution
functions.
"""

import collections
import math
import os
import sys
from typing import NamedTuple

import floor
import numpy as np
import runner
from scipy.special import ndtr

HALF_SIDE, SPREAD, CENTRE, CFL = 2.0, 0.25, 0.5, 0.45
END = collections.defaultdict(lambda: 0.25, {800: 0.03125})
GAUSS = 0.5 / math.sqrt(3.0)
ROWS = {200: 32, 800: 16}
STAGES = 3


class Problem(NamedTuple):
    """Cell width, velocities at the Gauss points of the faces, averages at start and end."""

    dx: float
    a: np.ndarray
    b: np.ndarray
    initial: np.ndarray
    exact: np.ndarray


def gaussian(faces, mean, spread):
    parts = [np.diff(ndtr((faces - m) / spread)) / (faces[1] - faces[0]) for m in mean]
    return np.outer(*parts)


def problem(cells):
    faces = np.linspace(-HALF_SIDE, HALF_SIDE, cells + 1)
    dx, centres = 2.0 * HALF_SIDE / cells, 0.5 * (faces[1:] + faces[:-1])
    points = np.stack([centres - GAUSS * dx, centres + GAUSS * dx])
    a = -0.5 * faces[:, None] - points[:, None, :]
    b = points[:, :, None] - 0.5 * faces
    a[:, [0, -1]] = 0.0
    b[:, :, [0, -1]] = 0.0
    end = END[cells]
    shrunk, turned = math.exp(-0.5 * end), (math.cos(end), math.sin(end))
    mean = [CENTRE * shrunk * part for part in turned]
    exact = gaussian(faces, mean, SPREAD * shrunk)
    return Problem(dx, a, b, gaussian(faces, (CENTRE, 0.0), SPREAD), exact)


def step_count(at, end):
    fastest = max(np.abs(at.a).max(), np.abs(at.b).max())
    return math.ceil(end * fastest / (CFL * at.dx) * (1.0 - 1e-12))


def weight_floor(averages):
    """Return epsilon of the nonlinear weights, as in kinetic.finite_volume_2d."""
    typical = (averages**2).sum() / averages.sum()
    return typical**2 * min(math.sqrt(typical / averages.sum()), 1.0 / 20.0)


def described(at, steps):
    def describe(density):
        density = np.asarray(density)
        return {
            "error": float(np.abs(density - at.exact).sum() * at.dx**2),
            "stages": STAGES * steps,
            "sample": density[::7, ::11].tolist(),
        }

    return describe


def kinetic(cells):
    from kinetic import Grid, Grid2D, finite_volume_2d

    at, side = problem(cells), Grid(-HALF_SIDE, HALF_SIDE, cells)
    grid, threads = Grid2D(side, side), int(os.environ["NUMBA_NUM_THREADS"])

    def call():
        return finite_volume_2d.transport(
            at.initial, (at.a, at.b), grid, (0.0, END[cells]), cfl=CFL, threads=threads
        )

    return call, lambda result: described(at, result.steps)(result.averages[-1])


def interior_fluxes(u, forward_a, backward_a, forward_b, backward_b, eps, positive):
    """Return the fluxes through the faces between cells; u has a ring of ghost cells.

    The velocities are split by their sign, of shapes (2, m - 1, n) and (2, m, n - 1).
    """
    c = u[1:-1, 1:-1]
    west, east = c - u[:-2, 1:-1], u[2:, 1:-1] - c
    south, north = c - u[1:-1, :-2], u[1:-1, 2:] - c
    cross = (u[2:, 2:] - u[2:, :-2]) - (u[:-2, 2:] - u[:-2, :-2])
    ww, ee, ss, nn = west * west + eps, east * east + eps, south * south, north * north
    q_ws, q_wn, q_es, q_en = ww + ss, ww + nn, ee + ss, ee + nn
    straight = 0.25 + 13.0 / 3.0
    q_0 = straight * (q_ws + q_en) + (0.5 - 26.0 / 3.0) * (west * east + south * north)
    q_0 = q_0 + 7.0 / 24.0 * cross * cross + (1.0 - 2.0 * straight) * eps
    q_ws, q_wn, q_es, q_en, q_0 = q_ws * q_ws, q_wn * q_wn, q_es * q_es, q_en * q_en, q_0 * q_0
    both_s, both_n = q_ws * q_es, q_wn * q_en
    parabola, q_0 = both_s * both_n, 0.5 * q_0
    weight_w = q_0 * (q_es * both_n + q_en * both_s) + parabola
    weight_e = q_0 * (q_ws * both_n + q_wn * both_s) + parabola
    weight_s = q_0 * (q_ws + q_es) * both_n + parabola
    weight_n = q_0 * (q_wn + q_en) * both_s + parabola
    half = 0.5 / (weight_w + weight_e)
    half_x = half * (weight_w * west + weight_e * east)
    half_y = half * (weight_s * south + weight_n * north)
    quarter = half * parabola
    middle_x = c + 2.0 / 3.0 * quarter * (east - west)
    middle_y = c + 2.0 / 3.0 * quarter * (north - south)
    twist = GAUSS * quarter * cross
    flux_x = flux_y = 0.0
    for point, sign in enumerate((-2.0 * GAUSS, 2.0 * GAUSS)):
        tilt_x, tilt_y, turn = sign * half_x, sign * half_y, math.copysign(1.0, sign) * twist
        right = positive(middle_x + half_x + tilt_y + turn)
        left = positive(middle_x - half_x + tilt_y - turn)
        upper = positive(middle_y + half_y + tilt_x + turn)
        lower = positive(middle_y - half_y + tilt_x - turn)
        flux_x = flux_x + forward_a[point] * right[:-1] + backward_a[point] * left[1:]
        flux_y = flux_y + forward_b[point] * upper[:, :-1] + backward_b[point] * lower[:, 1:]
    return flux_x, flux_y


def split_velocities(at, ratio):
    """Return the velocities between cells by their sign, times half of dt / dx."""
    a, b = 0.5 * ratio * at.a[:, 1:-1], 0.5 * ratio * at.b[:, :, 1:-1]
    return np.maximum(a, 0.0), np.minimum(a, 0.0), np.maximum(b, 0.0), np.minimum(b, 0.0)


def fill_ghosts(u):
    for v in (u[:, 1:-1], u.T):
        v[0] = 3.0 * v[1] - 3.0 * v[2] + v[3]
        v[-1] = 3.0 * v[-2] - 3.0 * v[-3] + v[-4]


def numpy(cells):
    """Strips of rows, whose intermediate arrays stay in the cache."""
    at = problem(cells)
    steps = step_count(at, END[cells])
    forward_a, backward_a, forward_b, backward_b = split_velocities(at, END[cells] / steps / at.dx)
    eps = weight_floor(at.initial)

    def stage(u, v, out, keep):
        """Write keep u + (1 - keep) (v + dt L(v)) into `out`."""
        fill_ghosts(v)
        for first in range(0, cells, ROWS[cells]):
            last = min(first + ROWS[cells], cells)
            low, high = max(first - 1, 0), min(last + 1, cells)
            flux_x, flux_y = interior_fluxes(
                v[low : high + 2], forward_a[:, low : high - 1], backward_a[:, low : high - 1],
                forward_b[:, low:high], backward_b[:, low:high], eps,
                lambda values: np.maximum(values, 0.0, out=values),
            )  # fmt: skip
            flux_y = flux_y[first - low : last - low]
            part = v[first + 1 : last + 1, 1:-1].copy()
            above = min(last, cells - 1) - first
            part[:above] -= flux_x[first - low : first - low + above]
            below = max(first, 1)
            part[below - first :] += flux_x[below - 1 - low : last - 1 - low]
            part[:, :-1] -= flux_y
            part[:, 1:] += flux_y
            part *= 1.0 - keep
            part += keep * u[first + 1 : last + 1, 1:-1]
            out[first + 1 : last + 1, 1:-1] = part

    def call():
        u, one, two = np.zeros((3, cells + 2, cells + 2))
        u[1:-1, 1:-1] = at.initial
        for _ in range(steps):
            stage(u, u, one, 0.0)
            stage(u, one, two, 0.75)
            stage(u, two, one, 1.0 / 3.0)
            u, one = one, u
        return u[1:-1, 1:-1]

    return call, described(at, steps)


def jax(cells):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    at = problem(cells)
    steps = step_count(at, END[cells])
    velocities = [jnp.asarray(v) for v in split_velocities(at, END[cells] / steps / at.dx)]
    initial, eps = jnp.asarray(at.initial), weight_floor(at.initial)

    def padded(u):
        first, last = 3.0 * (u[:1] - u[1:2]) + u[2:3], 3.0 * (u[-1:] - u[-2:-1]) + u[-3:-2]
        return jnp.concatenate([first, u, last])

    def euler(u, velocities):
        flux_x, flux_y = interior_fluxes(
            padded(padded(u).T).T, *velocities, eps, lambda values: jnp.maximum(values, 0.0)
        )
        flux_x, flux_y = jnp.pad(flux_x, ((1, 1), (0, 0))), jnp.pad(flux_y, ((0, 0), (1, 1)))
        return u - (flux_x[1:] - flux_x[:-1]) - (flux_y[:, 1:] - flux_y[:, :-1])

    @jax.jit
    def solve(u, velocities):
        def step(_, u):
            one = euler(u, velocities)
            two = 0.75 * u + 0.25 * euler(one, velocities)
            return u / 3.0 + 2.0 / 3.0 * euler(two, velocities)

        return jax.lax.fori_loop(0, steps, step, u)

    return lambda: jax.block_until_ready(solve(initial, velocities)), described(at, steps)


def torch(cells):
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    at = problem(cells)
    steps = step_count(at, END[cells])
    velocities = split_velocities(at, END[cells] / steps / at.dx)
    velocities = [torch.from_numpy(np.ascontiguousarray(v)) for v in velocities]
    initial, eps = torch.from_numpy(at.initial), float(weight_floor(at.initial))
    pad = torch.nn.functional.pad

    def padded(u):
        first, last = 3.0 * (u[:1] - u[1:2]) + u[2:3], 3.0 * (u[-1:] - u[-2:-1]) + u[-3:-2]
        return torch.cat([first, u, last])

    def euler(u, velocities):
        flux_x, flux_y = interior_fluxes(
            padded(padded(u).T).T, *velocities, eps, lambda values: values.clamp(min=0.0)
        )
        flux_x, flux_y = pad(flux_x, (0, 0, 1, 1)), pad(flux_y, (1, 1))
        return u - (flux_x[1:] - flux_x[:-1]) - (flux_y[:, 1:] - flux_y[:, :-1])

    @torch.compile
    def step(u, velocities):
        one = euler(u, velocities)
        two = 0.75 * u + 0.25 * euler(one, velocities)
        return u / 3.0 + 2.0 / 3.0 * euler(two, velocities)

    @torch.inference_mode()
    def call():
        u = initial
        for _ in range(steps):
            u = step(u, velocities)
        return u

    return call, described(at, steps)


def sharpclaw(cells):
    import logging

    from clawpack import pyclaw

    sys.path.insert(0, str(runner.HERE / "build"))
    import riemann_transport_2d

    logging.getLogger("pyclaw").setLevel(logging.CRITICAL)
    at = problem(cells)
    x = np.linspace(-HALF_SIDE, HALF_SIDE, cells + 1)
    middle = 0.5 * (x[1:] + x[:-1])
    fastest = max(np.abs(at.a).max(), np.abs(at.b).max())
    sides = [pyclaw.Dimension(-HALF_SIDE, HALF_SIDE, cells, name=name) for name in "xy"]
    domain = pyclaw.Domain(sides)
    taken = []

    def wall(state, dimension, t, q, aux, ghosts):
        if dimension.name == "x":
            aux[0, -ghosts:] = 0.0
        else:
            aux[1, :, -ghosts:] = 0.0

    def call():
        solver = pyclaw.SharpClawSolver2D(riemann_transport_2d)
        solver.tfluct_solver, solver.tfluct = True, riemann_transport_2d
        solver.num_waves = solver.num_eqn = 1
        solver.time_integrator, solver.weno_order = "SSP33", 5
        solver.cfl_desired, solver.cfl_max = CFL, 1.02 * CFL
        solver.fwave, solver.max_steps = False, 10**6
        solver.dt = CFL * at.dx / fastest
        solver.all_bcs = pyclaw.BC.extrap
        solver.aux_bc_lower = [pyclaw.BC.extrap] * 2
        solver.aux_bc_upper = [pyclaw.BC.custom] * 2
        solver.user_aux_bc_upper = wall
        state = pyclaw.State(domain, 1, 4)
        state.q[0] = at.initial
        state.aux[0] = at.a.mean(axis=0)[:-1]
        state.aux[1] = at.b.mean(axis=0)[:, :-1]
        state.aux[2] = -0.5 * middle[:, None] - middle
        state.aux[3] = middle[:, None] - 0.5 * middle
        solution = pyclaw.Solution(state, domain)
        taken[:] = [solver.evolve_to_time(solution, END[cells])["numsteps"]]
        return solution.q[0].copy()

    return call, lambda density: described(at, taken[0])(density)


CONTENDERS = {
    "kinetic": kinetic,
    "jax.jit": jax,
    "torch.compile": torch,
    "numpy, in strips": numpy,
    "SharpClaw WENO5 SSP33": sharpclaw,
}
TWO_THREADS = ("kinetic", "jax.jit", "torch.compile")


def main(quick=False):
    about = runner.machine()
    peak = floor.peaks()
    results, tables = [], []
    for threads in (1, 2):
        names = list(CONTENDERS if threads == 1 else TWO_THREADS)
        cases = [{"cells": cells} for cells in ((200,) if quick else (200, 800))]
        for case, answers in runner.compare(
            "transport_2d.py", names, cases, threads=threads, rounds=2 if quick else 5
        ):
            done = {name: a for name, a in answers.items() if "seconds" in a}
            samples = {name: np.array(a.pop("sample")) for name, a in done.items()}
            bulk = samples["kinetic"] > 0.01 * samples["kinetic"].max()
            own = done["kinetic"]["seconds"] / done["kinetic"]["stages"]
            rows = []
            for name, answer in done.items():
                each = answer["seconds"] / answer["stages"]
                answer["ns_per_cell_and_stage"] = 1e9 * each / case["cells"] ** 2
                gap = np.abs(samples[name] - samples["kinetic"])[bulk]
                answer["difference"] = float(gap.max())
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
            header += ["error in L1", "differs from kinetic by"]
            # A state, four velocities at two points and two fluxes a cell.
            size = 8 * 9 * case["cells"] ** 2
            work = floor.Work(150.0, 1.0, 8.0 * (1 + 4 + 1), floor.level(size))
            least = floor.statement(work, peak, "cell and stage", threads)
            title = f"{case['cells']} x {case['cells']} cells, threads: {threads}"
            tables.append(f"{title}\n\n{runner.table(header, rows)}\n\n{least}")
            print(tables[-1] + "\n", flush=True)
            results.append({**case, "threads": threads, "contenders": answers})
    runner.publish("transport-2d", about, tables, results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        runner.serve(CONTENDERS, sys.argv[2])
    else:
        main(quick="--quick" in sys.argv)
