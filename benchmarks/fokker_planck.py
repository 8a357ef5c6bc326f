"""The Fokker-Planck equation with drift -x and noise of strength sqrt(2), from a box.

d_t g = d_x(x g + d_x g) on [-5, 5] from the uniform law on [-1, -1/2], with 400 cells, to time 1
and 5. The exact law is that of exp(-t) X + sqrt(1 - exp(-2 t)) Z, Z standard normal, and its cell
averages are known. Every time is that of a whole solution, the set-up of the operator included.
"""

import math
import sys
from functools import partial

import floor
import numpy as np
import runner
from scipy import sparse
from scipy.special import ndtr

LEFT, RIGHT, CELLS = -5.0, 5.0, 400
DX = (RIGHT - LEFT) / CELLS
FACES = np.linspace(LEFT, RIGHT, CELLS + 1)
CENTERS = (FACES[1:] + FACES[:-1]) / 2.0
BOX = (-1.0, -0.5)
START = 2.0 * (np.abs(CENTERS - sum(BOX) / 2.0) < (BOX[1] - BOX[0]) / 2.0)
WORK = floor.Work(operations=600.0, divisions=8.0, bytes=16.0, level="near")
"""For a cell: eight complex systems of five diagonals, factored and solved once."""


def exact(end):
    """Return the cell averages at a time."""
    shrink, spread = math.exp(-end), math.sqrt(-math.expm1(-2.0 * end))

    def twice_integrated(edge):
        z = (FACES - edge * shrink) / spread
        return spread * (z * ndtr(z) + np.exp(-(z**2) / 2.0) / math.sqrt(2.0 * math.pi))

    box = twice_integrated(BOX[0]) - twice_integrated(BOX[1])
    return np.diff(box) / (DX * (BOX[1] - BOX[0]) * shrink)


def rates():
    """Return the rates to the right and to the left through the inner faces: Scharfetter-Gummel."""
    rise = -FACES[1:-1] * DX
    safe = np.where(np.abs(rise) < 1e-9, 1e-9, rise)
    right, left = safe / -np.expm1(-safe), safe / np.expm1(safe)
    return right / DX**2, left / DX**2


def operator():
    right, left = rates()
    diagonal = -np.append(right, 0.0) - np.append(0.0, left)
    return sparse.diags_array([right, diagonal, left], offsets=[-1, 0, 1]).tocsc()


def contender(solve):
    """A contender from a function of the end time that prepares and returns a call."""

    def make(end):
        def describe(density):
            error = np.abs(density - exact(end)).sum() * DX
            return {"error": float(error), "mass": float(density.sum() * DX)}

        call = solve(end)
        call()  # compiles, where something is compiled once
        return call, describe

    return make


def kinetic(end, method):
    from kinetic import Grid, SimResNet, fokker_planck

    net, grid = SimResNet("identity", -1.0, 0.0), Grid(LEFT, RIGHT, CELLS)

    def call():
        found = fokker_planck.solve(net, START, grid, (0.0, end), nu=math.sqrt(2.0), method=method)
        return found.density[-1]

    return call


def pypde(end, compiled):
    import pde
    from scipy.integrate import solve_ivp

    state = pde.ScalarField(pde.CartesianGrid([[LEFT, RIGHT]], CELLS), START)
    equation = pde.PDE({"c": "laplace(c) + d_dx(x * c)"}, bc={"value": 0})
    options = {"method": "LSODA", "rtol": 1e-4, "atol": 1e-5}
    if not compiled:

        def call():
            return equation.solve(state, t_range=end, solver="scipy", tracker=None, **options).data

        return call
    rate = equation.make_pde_rhs(state, backend="numba")

    def call():
        found = solve_ivp(lambda t, u: rate(u, t), (0.0, end), START, lband=1, uband=1, **options)
        return found.y[:, -1]

    return call


def fplanck(end):
    vars(np)["product"] = np.prod  # it needs a numpy before 2
    import fplanck
    from scipy import constants

    def call():
        simulation = fplanck.fokker_planck(
            temperature=1.0 / constants.k, drag=1.0, extent=RIGHT - LEFT, resolution=DX,
            potential=lambda x: x**2 / 2.0,
        )  # fmt: skip
        inside = simulation.propagate(lambda x: ((x > BOX[0]) & (x < BOX[1])) * 1.0, end)
        return inside / DX

    return call


def fipy(end, steps=200):
    import os

    os.environ["FIPY_SOLVERS"] = "scipy"
    from fipy import (
        CellVariable,
        DiffusionTerm,
        ExponentialConvectionTerm,
        FaceVariable,
        Grid1D,
        TransientTerm,
    )

    def call():
        mesh = Grid1D(nx=CELLS, dx=DX) + np.array([[LEFT]])
        density = CellVariable(mesh=mesh, value=START)
        drift = FaceVariable(mesh=mesh, rank=1, value=-mesh.faceCenters.value)
        equation = TransientTerm() == DiffusionTerm(1.0) - ExponentialConvectionTerm(drift)
        for _ in range(steps):
            equation.solve(density, dt=end / steps)
        return density.value

    return call


def jax(end):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    @jax.jit
    def solve(u, right, left):
        steps = math.ceil(end * 2.0 / DX**2 * 1.01)

        def rate(u):
            flux = jnp.pad(right * u[:-1] - left * u[1:], 1)
            return flux[:-1] - flux[1:]

        def step(_, u):
            one = u + end / steps * rate(u)
            return (u + one + end / steps * rate(one)) / 2.0

        return jax.lax.fori_loop(0, steps, step, u)

    def call():
        return np.asarray(solve(START, *rates()))

    return call


def bdf(end):
    from scipy.integrate import solve_ivp

    def call():
        a = operator()
        found = solve_ivp(
            lambda t, u: a @ u, (0.0, end), START, method="BDF", jac=a, rtol=1e-5, atol=1e-5
        )
        return found.y[:, -1]

    return call


def krylov(end):
    from scipy.sparse.linalg import expm_multiply

    return lambda: expm_multiply(end * operator(), START)


def crank_nicolson(end, steps=50):
    from scipy.sparse.linalg import splu

    def call():
        a, one = operator() * (end / steps / 2.0), sparse.eye_array(CELLS, format="csc")
        factors, other = splu(one - a, permc_spec="NATURAL"), one + a
        u = START
        for _ in range(4):  # half steps of implicit Euler, which damp the jumps
            u = factors.solve(u)
        for _ in range(steps - 2):
            u = factors.solve(other @ u)
        return u

    return call


CONTENDERS = {
    "kinetic, implicit": contender(partial(kinetic, method="implicit")),
    "kinetic, structure-preserving": contender(partial(kinetic, method="structure-preserving")),
    "kinetic, paper (explicit)": contender(partial(kinetic, method="paper")),
    "py-pde, LSODA": contender(partial(pypde, compiled=True)),
    "py-pde, solve": contender(partial(pypde, compiled=False)),
    "fplanck": contender(fplanck),
    "FiPy": contender(fipy),
    "jax.jit, explicit": contender(jax),
    "scipy, BDF": contender(bdf),
    "scipy, expm_multiply": contender(krylov),
    "scipy, by hand": contender(crank_nicolson),
}


def main(quick=False):
    about, peak = runner.machine(), floor.peaks()
    slow = ("py-pde, solve", "fplanck", "FiPy", "scipy, expm_multiply", "kinetic, paper (explicit)")
    names = [name for name in CONTENDERS if not (quick and name in slow)]
    results, tables = [], []
    cases = [{"end": 1.0}, {"end": 5.0}]
    for case, answers in runner.compare(
        "fokker_planck.py", names, cases, rounds=3 if quick else 7, patience=5.0
    ):
        done = {name: answer for name, answer in answers.items() if "seconds" in answer}
        own = done["kinetic, implicit"]["seconds"]
        rows = [
            [
                name,
                f"{1e3 * answer['seconds']:.3g}",
                f"{answer['seconds'] / own:.3g}",
                f"{answer['error']:.1e}",
                f"{abs(answer['mass'] - 1.0):.0e}",
            ]
            for name, answer in done.items()
        ]
        header = ["contender", "ms", "times kinetic", "error in L1", "mass lost or gained"]
        title = f"t = {case['end']:g}, {CELLS} cells, one thread"
        statement = floor.statement(WORK, peak, "cell")
        tables.append(f"{title}\n\n{runner.table(header, rows)}\n\n{statement}")
        print(tables[-1] + "\n", flush=True)
        results.append({**case, "threads": 1, "contenders": answers})
    runner.publish("fokker_planck", about, tables, results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        runner.serve(CONTENDERS, sys.argv[2])
    else:
        main(quick="--quick" in sys.argv)
