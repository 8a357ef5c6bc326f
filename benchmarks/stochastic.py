"""A million particles of a stochastic network by the Euler-Maruyama method.

x <- x + h sigma(w x + b) + sqrt(h) nu eta with eta standard normal, h = 1/100, from standard
normal inputs, in double precision. Every contender draws its own numbers, so that the results
are compared by their mean and variance, with those of the law computed without random numbers.
"""

import math
import os
import sys

import floor
import numpy as np
import runner

PARTICLES, STEPS, STEP = 1_000_000, 100, 0.01
WEIGHT, BIAS, NU = -1.0, 0.3, 0.5
SPREAD = NU * math.sqrt(STEP)
BLOCK = 8192
WORK = {
    # xoshiro256++, logarithm, sine and cosine by polynomials: 40 a number, half a root and division
    "identity": floor.Work(45.0, 1.0, 16.0, "near"),
    "tanh": floor.Work(75.0, 2.0, 16.0, "near"),
}


def inputs():
    return np.random.default_rng(0).standard_normal(PARTICLES)


def describe(result):
    result = np.asarray(result)
    if result.dtype != np.float64 or result.shape != (PARTICLES,):
        raise TypeError(f"the result has type {result.dtype} and shape {result.shape}")
    return {"mean": float(result.mean()), "variance": float(result.var())}


def kinetic(activation):
    from kinetic import SimResNet, boltzmann

    net, x = SimResNet(activation, WEIGHT, BIAS), inputs()
    threads = int(os.environ["NUMBA_NUM_THREADS"])
    generator = np.random.default_rng(1)

    def call():
        return boltzmann.simulate(
            net, x, [0.0, STEPS * STEP], epsilon=STEP, nu=NU, clock="fast", rng=generator,
            threads=threads,
        )[-1]  # fmt: skip

    return call, describe


def numpy(bits, block):
    """Whole arrays in place, or blocks that stay in the cache through all steps."""

    def make(activation):
        x = inputs()
        generator = np.random.Generator(bits(1))

        def call():
            result, u, eta = x.copy(), np.empty(block), np.empty(block)
            for start in range(0, PARTICLES, block):
                part = result[start : start + block]
                own_u, own_eta = u[: part.size], eta[: part.size]
                for _ in range(STEPS):
                    generator.standard_normal(out=own_eta)
                    np.multiply(part, WEIGHT, out=own_u)
                    np.add(own_u, BIAS, out=own_u)
                    if activation == "tanh":
                        np.tanh(own_u, out=own_u)
                    np.multiply(own_u, STEP, out=own_u)
                    np.multiply(own_eta, SPREAD, out=own_eta)
                    np.add(part, own_u, out=part)
                    np.add(part, own_eta, out=part)
            return result

        return call, describe

    return make


def jax_numpy():
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax, {"identity": lambda u: u, "tanh": jax.numpy.tanh}


def jax(activation):
    jax, functions = jax_numpy()
    sigma, x, keys = functions[activation], jax.numpy.asarray(inputs()), iter(range(10**9))

    @jax.jit
    def solve(x, key):
        def step(x, key):
            eta = jax.random.normal(key, x.shape, x.dtype)
            return x + STEP * sigma(WEIGHT * x + BIAS) + SPREAD * eta, None

        return jax.lax.scan(step, x, jax.random.split(key, STEPS))[0]

    return lambda: jax.block_until_ready(solve(x, jax.random.key(next(keys)))), describe


def diffrax(activation):
    import diffrax
    import lineax

    jax, functions = jax_numpy()
    sigma, x, keys = functions[activation], jax.numpy.asarray(inputs()), iter(range(10**9))
    structure = jax.ShapeDtypeStruct(x.shape, x.dtype)
    factors = lineax.DiagonalLinearOperator(jax.numpy.full(x.shape, NU))

    @jax.jit
    def solve(x, key):
        noise = diffrax.UnsafeBrownianPath(shape=structure, key=key)
        solution = diffrax.diffeqsolve(
            diffrax.MultiTerm(
                diffrax.ODETerm(lambda t, x, _: sigma(WEIGHT * x + BIAS)),
                diffrax.ControlTerm(lambda t, x, _: factors, noise),
            ),
            diffrax.Euler(),
            t0=0.0,
            t1=STEPS * STEP,
            dt0=STEP,
            y0=x,
            stepsize_controller=diffrax.ConstantStepSize(),
            adjoint=diffrax.DirectAdjoint(),
            max_steps=STEPS + 1,
        )
        return solution.ys[-1], solution.stats["num_steps"]

    taken = int(solve(x, jax.random.key(0))[1])
    if taken != STEPS:
        raise ValueError(f"{taken} steps instead of {STEPS}")
    return lambda: jax.block_until_ready(solve(x, jax.random.key(next(keys)))[0]), describe


def torch_problem(activation):
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.manual_seed(1)
    return torch, torch.from_numpy(inputs())


def torch(block):
    def make(activation):
        torch, x = torch_problem(activation)

        @torch.inference_mode()
        def call():
            result = x.clone()
            for part in result.split(block):
                u, eta = torch.empty_like(part), torch.empty_like(part)
                for _ in range(STEPS):
                    torch.mul(part, WEIGHT, out=u).add_(BIAS)
                    if activation == "tanh":
                        u.tanh_()
                    part.add_(u, alpha=STEP).add_(eta.normal_(), alpha=SPREAD)
            return result

        return call, describe

    return make


def torch_compile(activation):
    torch, x = torch_problem(activation)
    sigma = torch.tanh if activation == "tanh" else torch.clone

    @torch.compile
    def step(x):
        return x + STEP * sigma(WEIGHT * x + BIAS) + SPREAD * torch.randn_like(x)

    @torch.inference_mode()
    def call():
        result = x
        for _ in range(STEPS):
            result = step(result)
        return result

    return call, describe


def torchsde(activation):
    import torchsde

    torch, x = torch_problem(activation)

    class Network(torch.nn.Module):
        noise_type, sde_type = "diagonal", "ito"

        def f(self, t, x):
            u = WEIGHT * x + BIAS
            return torch.tanh(u) if activation == "tanh" else u

        def g(self, t, x):
            return torch.full_like(x, NU)

    network, times = Network(), torch.tensor([0.0, STEPS * STEP], dtype=x.dtype)

    @torch.inference_mode()
    def call():
        ends = torchsde.sdeint(network, x[:, None], times, method="euler", dt=STEP)
        return ends[-1, :, 0]

    return call, describe


CONTENDERS = {
    "kinetic": kinetic,
    "numpy": numpy(np.random.PCG64, PARTICLES),
    "numpy, SFC64, in blocks": numpy(np.random.SFC64, BLOCK),
    "jax.jit": jax,
    "diffrax": diffrax,
    "torch": torch(PARTICLES),
    "torch, in blocks": torch(BLOCK),
    "torch.compile": torch_compile,
    "torchsde": torchsde,
}


def moments_of_the_law(activation):
    """Return mean, variance and fourth central moment at the end, without random numbers."""
    from scipy import stats

    from kinetic import Grid, SimResNet, boltzmann

    law = boltzmann.law(
        SimResNet(activation, WEIGHT, BIAS), stats.norm(), Grid(-9.0, 9.0, 3000), STEPS * STEP,
        epsilon=STEP, nu=NU, clock="fast",
    )  # fmt: skip
    x, chances = law.grid.centers, law.averages * law.grid.dx
    mean = chances @ x
    return mean, chances @ (x - mean) ** 2 - law.grid.dx**2 / 12.0, chances @ (x - mean) ** 4


def main(quick=False):
    about = runner.machine()
    peak = floor.peaks()
    results, tables = [], []
    for threads in (1,) if quick else (1, 2):
        activations = ("tanh",) if quick or threads > 1 else ("tanh", "identity")
        cases = [{"activation": activation} for activation in activations]
        names = [name for name in CONTENDERS if threads == 1 or "numpy" not in name]
        for case, answers in runner.compare(
            "stochastic.py", names, cases, threads=threads, rounds=1 if quick else 3
        ):
            mean, variance, fourth = moments_of_the_law(case["activation"])
            errors = [math.sqrt(v / PARTICLES) for v in (variance, fourth - variance**2)]
            done = {name: a for name, a in answers.items() if "seconds" in a}
            own = done["kinetic"]["seconds"]
            rows = []
            for name, answer in done.items():
                answer["ns_per_particle_and_step"] = 1e9 * answer["seconds"] / (PARTICLES * STEPS)
                answer["mean_in_standard_errors"] = (answer["mean"] - mean) / errors[0]
                answer["variance_in_standard_errors"] = (answer["variance"] - variance) / errors[1]
                rows.append(
                    [
                        name,
                        f"{answer['ns_per_particle_and_step']:.2f}",
                        f"{answer['seconds'] / own:.2f}",
                        f"{answer['mean_in_standard_errors']:.1f}",
                        f"{answer['variance_in_standard_errors']:.1f}",
                    ]
                )
            header = ["contender", "ns a particle and step", "times kinetic"]
            header += ["mean off by, standard errors", "variance"]
            least = floor.statement(WORK[case["activation"]], peak, "particle and step", threads)
            title = f"sigma = {case['activation']}, threads: {threads}"
            tables.append(f"{title}\n\n{runner.table(header, rows)}\n\n{least}")
            print(tables[-1] + "\n", flush=True)
            results.append({**case, "threads": threads, "contenders": answers})
    runner.publish("stochastic", about, tables, results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        runner.serve(CONTENDERS, sys.argv[2])
    else:
        main(quick="--quick" in sys.argv)
