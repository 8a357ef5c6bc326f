"""Targets: stochastic networks, the Fokker-Planck equation, steady states, fits."""

import numpy as np
from scipy import stats

from fuzzing.kinds import (
    array,
    choice,
    constant,
    flag,
    function,
    instance,
    integer,
    normal,
    number,
    seed,
    times,
)
from fuzzing.objects import (
    GRID,
    INITIAL,
    LAW,
    LINEAR,
    NET,
    NET_CONSTANT,
    PLANE,
    laws,
    nets,
)
from fuzzing.registry import results, target
from fuzzing.targets_network import ANY, INTERVAL, LEVELS
from kinetic import Grid, SimResNet, fitting, fokker_planck, stationary

results(
    "fokker_planck.Solution",
    "stationary.SteadyState",
    "fitting.Fit",
    "fitting.OfSamples",
    "fitting.OfLaw",
)
EPSILON = number((0.05, 0.5), low=0.0, open_low=True, high=1.0, extremes=(1e-300, 1e-3))
NU = number((0.1, 1.0), low=0.0)
POSITIVE_NU = number((0.3, 1.5), low=0.0, open_low=True)
WRONG_K = (
    lambda x: "text",
    lambda x: 1.0,
    lambda x: np.nan * x,
    lambda x: None,
    lambda x: 1j * x,
)
K_FUNCTION = function(lambda x: 1.0 + 0.1 * np.cos(x), *WRONG_K)
K = choice("1", "x").but(
    good=lambda rng, d: ("1", "x", K_FUNCTION.good(rng, d))[rng.integers(3)],
    bads=(*choice("1").bads[:-3], *map(constant, WRONG_K), constant(3)),
)
K_NAMED = choice("1", "x")
NOISE = choice("gaussian", "uniform", "two-point")
CLOCK = choice("exact", "fast")
PARTICLES = array(normal((1, 30)), length=False)


def _multiples(rng, arguments):
    if arguments.get("clock") == "fast":
        arguments["epsilon"] = 0.125
        arguments["times"] = np.array([0.0, 0.5, 1.0])
    return arguments


target(
    "boltzmann.simulate",
    net=NET,
    x0=PARTICLES,
    times=times(),
    epsilon=EPSILON,
    diffusion=K,
    nu=NU,
    noise=NOISE,
    clock=CLOCK,
    rng=seed(),
    threads=integer((1, 3), low=1).or_none(),
    prepare=_multiples,
    required=("clock",),
)


def _pairs(rng, drawn):
    m = 2 * int(rng.integers(1, 6))
    return rng.standard_normal((m, 2) if rng.random() < 0.5 else m)


target(
    "boltzmann.simulate_binary",
    net=PLANE,
    x0=array(_pairs, length=False),
    times=times(),
    epsilon=EPSILON,
    clock=CLOCK,
    rng=seed(),
    prepare=_multiples,
    required=("clock", "epsilon"),
)
M0 = array(
    lambda rng, _: np.array([1.0, 0.2, 1.0, 0.5, 3.0])[: int(rng.integers(1, 6))], length=False
)
target(
    "boltzmann.moments",
    net=LINEAR,
    m0=M0,
    times=times(),
    epsilon=EPSILON.but(bads=number((0, 1), low=0.0, high=1.0).bads),
    diffusion=K_NAMED,
    nu=NU,
    noise=NOISE,
)
target(
    "boltzmann.binary_moments",
    net=PLANE.but(
        good=lambda rng, _: SimResNet(
            "identity", rng.standard_normal((2, 2)), rng.standard_normal(2)
        )
    ),
    m0=array(
        lambda rng, _: rng.uniform(0.5, 1.0, (2, 2) if rng.random() < 0.5 else 2), length=False
    ),
    times=times(),
    epsilon=EPSILON.but(bads=number((0, 1), low=0.0, high=1.0).bads),
)
target(
    "boltzmann.law",
    net=nets("tanh", "sigmoid", "identity", functions=False, scale=0.5),
    g0=laws(stats.norm(0, 0.7)),
    grid=GRID,
    time=number((0.0, 0.5), low=0.0),
    epsilon=EPSILON.but(good=lambda rng, _: 0.25),
    diffusion=choice("1").but(bads=K.bads),
    nu=number((0.2, 0.5), low=0.0),
    noise=NOISE,
    clock=CLOCK,
    prepare=lambda rng, a: a | ({"time": 0.5} if a["clock"] == "fast" else {}),
)

target(
    "fokker_planck.solve",
    net=NET,
    g0=INITIAL,
    grid=GRID,
    times=times(end=0.5, most=3),
    nu=POSITIVE_NU,
    diffusion=K.but(good=lambda rng, d: ("1", K_FUNCTION.good(rng, d))[rng.integers(2)]),
    method=choice("implicit", "structure-preserving", "euler", "paper"),
    boundary=choice("no-flux", "open"),
    tolerance=number((1e-4, 1e-2), low=0.0, open_low=True).or_none(),
    step=number((0.05, 0.2), low=0.0, open_low=True).or_none(),
    normalize=flag(),
    prepare=lambda rng, a: _implicit_only(a),
    required=("method", "tolerance", "step"),
    infinite=("lipschitz", "_log_equilibrium"),
)


def _implicit_only(arguments):
    if arguments["method"] == "paper":
        arguments["tolerance"] = arguments["step"] = None
    if arguments["step"] is not None:
        arguments["tolerance"] = None
    return arguments


SOLUTION = instance(
    lambda: fokker_planck.solve(
        SimResNet("identity", -1.0, 0.0), stats.norm(0.5, 0.7), Grid(-6, 6, 60), [0.0, 0.5], nu=1.0
    ),
    edges=(
        lambda: fokker_planck.solve(
            SimResNet("identity", -1.0, 0.0),
            stats.norm(0.5, 0.7),
            Grid(-6, 6, 60),
            [0.0, 0.5],
            nu=1.0,
            boundary="open",
        ),
    ),
    words=("boundary", "steady", "ends"),
)
target("fokker_planck.Solution.relative_entropy", self_=SOLUTION)
SUPPORT = INTERVAL.but(bads=tuple(b for b in INTERVAL.bads if "inf" not in b.__name__))
target(
    "stationary.steady_state",
    net=NET_CONSTANT.but(
        good=lambda rng, _: SimResNet("tanh", -float(rng.uniform(0.5, 2)), float(rng.normal()))
    ),
    diffusion=K.but(good=lambda rng, d: ("1", K_FUNCTION.good(rng, d))[rng.integers(2)]),
    nu=POSITIVE_NU,
    support=SUPPORT.or_none(),
    infinite=("constant", "lipschitz", "walls"),
    nan=("origin",),
)
STATES = instance(
    lambda: stationary.steady_state(SimResNet("identity", -1.0, 0.3), nu=1.0),
    lambda: stationary.steady_state(SimResNet("tanh", -1.0, 0.3), nu=1.0),
    lambda: stationary.steady_state(SimResNet("identity", -1.0, 0.5), diffusion="x", nu=0.5),
    lambda: stationary.steady_state(SimResNet("sigmoid", 1.0, 0.3), nu=1.0, support=(-2.0, 3.0)),
    lambda: stationary.steady_state(
        SimResNet("identity", -1.0, 0.3), nu=1.0, support=(0.0, np.inf)
    ),
    edges=(
        lambda: stationary.steady_state(SimResNet("identity", -1e8, 0.3), nu=1e-3),
        lambda: stationary.steady_state(
            SimResNet("tanh", -1.0, 0.0), diffusion=lambda x: 1.0 + x**2, nu=2.0
        ),
    ),
)
for method in ("pdf", "logpdf", "cdf", "sf"):
    target(
        f"stationary.SteadyState.{method}",
        self_=STATES,
        x=ANY,
        infinite=("",) if method == "logpdf" else (),
    )
for method in ("ppf", "isf"):
    target(f"stationary.SteadyState.{method}", self_=STATES, q=LEVELS, infinite=("",))
target(
    "stationary.SteadyState.rvs", self_=STATES, size=integer((0, 9), low=0).or_none(), rng=seed()
)
for method in ("mean", "var", "std", "entropy", "support"):
    target(
        f"stationary.SteadyState.{method}",
        self_=STATES,
        infinite=("", ""),
        nan=("",) if method == "mean" else (),
    )
target(
    "stationary.SteadyState.moment",
    self_=STATES,
    k=integer((0, 4), low=0, edges=(20,)),
    infinite=("",),
    nan=("",),
)

SAMPLES = array(
    lambda rng, _: rng.gamma(2.0, 1.0, int(rng.integers(12, 40))) + 0.1,
    length=False,
    bads=(constant([1.0] * 20), constant(np.arange(5.0))),
)
FAMILIES = ("normal", "inverse gamma", "pareto", "generalized gamma", "best")
target(
    "fitting.fit",
    target=SAMPLES.but(
        edges=(
            *SAMPLES.edges,
            constant(stats.norm(0, 1)),
            constant(stats.cauchy()),
            constant(stats.gamma(2.0)),
        ),
        bads=(*SAMPLES.bads, *LAW.bads[8:]),
    ),
    family=choice(*FAMILIES),
    resamples=integer((0, 2), low=0),
    rng=seed(),
    infinite=("constant", "wasserstein", "lipschitz", "walls"),
    nan=("origin",),
)
FITS = instance(
    lambda: fitting.fit(stats.gamma(2.0).rvs(40, random_state=1), family="inverse gamma"),
    lambda: fitting.fit(stats.norm(2.0).rvs(40, random_state=1), family="normal"),
    lambda: fitting.fit(1.0 + stats.pareto(2.0).rvs(40, random_state=1), family="pareto"),
)
X_POSITIVE = array(lambda rng, _: rng.uniform(3.0, 4.0, int(rng.integers(1, 9))), length=False)
LENGTH = number((0.2, 1.0), low=0.0, open_low=True)
LAYER = number((0.02, 0.2), low=0.0, open_low=True)
target("fitting.Fit.generate", self_=FITS, x0=X_POSITIVE, time=LENGTH, step=LAYER, rng=seed())
target(
    "generation.generate",
    net=NET_CONSTANT.but(
        good=lambda rng, _: SimResNet("identity", -1.0, float(rng.uniform(0.5, 1)))
    ),
    x0=X_POSITIVE,
    time=LENGTH,
    diffusion=K_NAMED,
    nu=POSITIVE_NU,
    step=LAYER,
    rng=seed(),
    wall=number((0.0, 1.0)).or_none(),
)
