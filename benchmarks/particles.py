"""A million particles through a hundred layers x <- x + h tanh(w x + b), h = 1/100."""

import os
import sys

import floor
import numpy as np
import runner

PARTICLES, LAYERS = 1_000_000, 100
STEP = 1.0 / LAYERS
PRECISION = {"double": np.float64, "single": np.float32}
SAMPLE = slice(None, None, 997)


def problem(dimension, precision):
    """Return w (d, d), b (d,) and the inputs, (M,) for d = 1 and (M, d) otherwise."""
    rng = np.random.default_rng(dimension)
    w = rng.standard_normal((dimension, dimension)) / np.sqrt(dimension)
    b, x = rng.standard_normal(dimension), rng.standard_normal((PARTICLES, dimension))
    if dimension == 1:
        w, b, x = w[0, 0], b[0], x[:, 0]
    dtype = PRECISION[precision]
    return w.astype(dtype), b.astype(dtype), x.astype(dtype)


def work(dimension, precision):
    """Return the floor's count for a particle and layer; single precision counts half.

    A tanh is 30 operations and a division; a particle stays in the cache for all layers.
    """
    unit = {"double": 1.0, "single": 0.5}[precision]
    operations = dimension * (2 * dimension + 30 + 2)
    return floor.Work(*(unit * n for n in (operations, dimension, 16 * dimension / LAYERS)), "far")


def layer_argument(x, w, b):
    return x * w + b if x.ndim == 1 else x @ w.T + b


def compared(dimension, precision):
    """Return a function that holds a result against double precision."""
    w, b, x = problem(dimension, precision)
    w, b, x = w.astype(float), b.astype(float), x[SAMPLE].astype(float)
    for _ in range(LAYERS):
        x = x + STEP * np.tanh(layer_argument(x, w, b))

    def describe(result):
        result = np.asarray(result)
        if result.dtype != PRECISION[precision]:
            raise TypeError(f"the result has type {result.dtype}")
        return {"difference": float(np.abs(result[SAMPLE] - x).max())}

    return describe


def kinetic(dimension, precision):
    from kinetic import SimResNet, network

    w, b, x = problem(dimension, precision)
    net = SimResNet("tanh", np.float64(w), np.float64(b))
    threads = int(os.environ["NUMBA_NUM_THREADS"])

    def call():
        return network.propagate(net, x, 1.0, method="euler", step=STEP, threads=threads)

    return call, compared(dimension, precision)


def kinetic_end_map(dimension, precision):
    from kinetic import SimResNet, network

    w, b, x = problem(dimension, precision)
    net = SimResNet("tanh", float(w), float(b))
    threads = int(os.environ["NUMBA_NUM_THREADS"])

    def call():
        table = network.end_map(net, (x.min(), x.max()), 1.0, method="euler", step=STEP)
        return table(x, threads=threads)

    return call, compared(dimension, precision)


def jax_problem(dimension, precision):
    import jax

    jax.config.update("jax_enable_x64", precision == "double")
    return jax, [jax.numpy.asarray(array) for array in problem(dimension, precision)]


def jax(dimension, precision):
    jax, (w, b, x) = jax_problem(dimension, precision)

    @jax.jit
    def layers(x):
        def layer(_, x):
            return x + STEP * jax.numpy.tanh(layer_argument(x, w, b))

        return jax.lax.fori_loop(0, LAYERS, layer, x)

    return lambda: jax.block_until_ready(layers(x)), compared(dimension, precision)


def diffrax(dimension, precision):
    import diffrax

    jax, (w, b, x) = jax_problem(dimension, precision)
    term = diffrax.ODETerm(lambda t, x, _: jax.numpy.tanh(layer_argument(x, w, b)))

    @jax.jit
    def solve(x):
        solution = diffrax.diffeqsolve(
            term,
            diffrax.Euler(),
            t0=0.0,
            t1=1.0,
            dt0=STEP,
            y0=x,
            stepsize_controller=diffrax.ConstantStepSize(),
            max_steps=LAYERS + 1,
        )
        return solution.ys[-1], solution.stats["num_steps"]

    assert solve(x)[1] == LAYERS
    return lambda: jax.block_until_ready(solve(x)[0]), compared(dimension, precision)


def torch(dimension, precision):
    import torch

    w, b, x = (torch.as_tensor(array) for array in problem(dimension, precision))

    @torch.inference_mode()
    def call():
        y = x.clone()
        for _ in range(LAYERS):
            z = torch.addcmul(b, y, w) if dimension == 1 else torch.addmm(b, y, w.T)
            y.add_(z.tanh_(), alpha=STEP)
        return y

    return call, compared(dimension, precision)


def torchdiffeq(dimension, precision):
    import torch
    from torchdiffeq import odeint

    w, b, x = (torch.as_tensor(array) for array in problem(dimension, precision))
    options = {"grid_constructor": lambda *_: torch.linspace(0.0, 1.0, LAYERS + 1, dtype=x.dtype)}

    def velocity(t, x):
        return torch.tanh(layer_argument(x, w, b))

    @torch.inference_mode()
    def call():
        times = torch.tensor([0.0, 1.0], dtype=x.dtype)
        return odeint(velocity, x, times, method="euler", options=options)[-1]

    return call, compared(dimension, precision)


def numpy(dimension, precision):
    w, b, x = problem(dimension, precision)
    step = x.dtype.type(STEP)

    def call():
        y, z = x.copy(), np.empty_like(x)
        for _ in range(LAYERS):
            np.multiply(y, w, out=z) if dimension == 1 else np.matmul(y, w.T, out=z)
            np.add(z, b, out=z)
            np.tanh(z, out=z)
            np.multiply(z, step, out=z)
            np.add(y, z, out=y)
        return y

    return call, compared(dimension, precision)


CONTENDERS = {
    "kinetic": kinetic,
    "jax.jit": jax,
    "diffrax": diffrax,
    "torch": torch,
    "torchdiffeq": torchdiffeq,
    "numpy": numpy,
    "kinetic end_map": kinetic_end_map,
}


def main(quick=False):
    about = runner.machine()
    peak = floor.peaks()
    results, tables = [], []
    for threads in (1, 2):
        for dimension in (1, 2, 16):
            names = [n for n in CONTENDERS if dimension == 1 or n != "kinetic end_map"]
            cases = [{"dimension": dimension, "precision": p} for p in PRECISION]
            for case, answers in runner.compare(
                "particles.py", names, cases, threads=threads, rounds=2 if quick else 5
            ):
                done = {name: a for name, a in answers.items() if "seconds" in a}
                own = done["kinetic"]["seconds"]
                rows = []
                for name, answer in done.items():
                    answer["ns_per_particle_and_layer"] = (
                        1e9 * answer["seconds"] / (PARTICLES * LAYERS)
                    )
                    rows.append(
                        [
                            name,
                            f"{answer['ns_per_particle_and_layer']:.3f}",
                            f"{answer['seconds'] / own:.2f}",
                            f"{answer['difference']:.0e}",
                        ]
                    )
                header = ["contender", "ns a particle and layer", "times kinetic", "error"]
                title = f"d = {dimension}, {case['precision']} precision, threads: {threads}"
                least = floor.statement(work(**case), peak, "particle and layer", threads)
                tables.append(f"{title}\n\n{runner.table(header, rows)}\n\n{least}")
                print(tables[-1] + "\n", flush=True)
                results.append({**case, "threads": threads, "contenders": answers})
    runner.publish("particles", about, tables, results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        runner.serve(CONTENDERS, sys.argv[2])
    else:
        main(quick="--quick" in sys.argv)
