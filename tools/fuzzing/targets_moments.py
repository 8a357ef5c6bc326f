"""Targets: moments, closures, and the adjoint method of re-training."""

import numpy as np
from scipy import stats

from fuzzing.kinds import (
    Kind,
    array,
    choice,
    constant,
    flag,
    function,
    instance,
    integer,
    number,
    times,
)
from fuzzing.objects import GRID, LAW, LINEAR, LINEAR_CONSTANT, NET, NET_SMOOTH, laws, nets
from fuzzing.registry import results, target
from fuzzing.targets_network import ANY, LEVELS
from kinetic import SimResNet, closures, mean_field, moments
from kinetic.grid import Grid
from kinetic.losses import mollified, target_law

results(
    "moments.Moments",
    "closures.LinearClosure",
    "closures.PartialMoments",
    "closures.Rates",
    "adjoint.GridAdjoint",
    "adjoint.Gradient",
    "retraining.Step",
    "retraining.Retraining",
    "losses.Mollified",
    "losses.Points",
    "losses.Terminal",
)


def _moments(rng, drawn):
    x = rng.normal(rng.uniform(-1, 1), 0.5, 40)
    return np.array([np.mean(x**k) for k in range(int(rng.integers(3, 6)))])


M0 = array(
    _moments,
    bads=(constant([2.0, 0.0, 1.0]), constant([1.0, 2.0, 1.0]), constant([1.0, 0.0, -1.0])),
    length=False,
)
CLOSED = ("central",)
target(
    "moments.solve", net=LINEAR, m0=M0, times=times(), method=choice("formula", "ode"), nan=CLOSED
)
target("moments.exponent", net=NET, times=times(), k=integer((1, 4), low=1, edges=(10**6,)))
target(
    "moments.moment_sequence", name=choice("m0", "m").but(bads=()), m0=M0.but(words=("m", "text"))
)
W = number((-2.0, 2.0)).but(bads=(*number((0, 1)).bads[:6], constant(np.nan), constant(True)))
target("moments.conserving_bias", w=W, mean=number((-2.0, 2.0)))
target(
    "moments.feedback_bias",
    w=number((-2.0, 2.0)),
    gain=number((-2.0, 2.0)),
    mean=number((-2.0, 2.0)),
)


def _result():
    return moments.solve(SimResNet("identity", -1.0, 0.2), [1.0, 0.5, 1.0, 1.2], [0.0, 0.5, 1.0])


RESULT = instance(
    _result,
    lambda: moments.solve(SimResNet("identity", 1.0, 0.0), [1.0, 0.0, 1.0], [0.0, 1.0]),
    lambda: mean_field.solve(SimResNet("tanh", -1.0, 0.0), stats.norm(), Grid(-6, 6, 40), [0, 1.0]),
    edges=(lambda: moments.solve(SimResNet("identity", 1.0, 0.0), [1.0, 0.0], [0.0, 1.0]),),
    words=("result", "k"),
)
for predicate in ("local_energy_bound", "energy_decay", "local_aggregation", "aggregation"):
    target(f"moments.{predicate}", result=RESULT)
MADE = instance(
    _result,
    edges=(lambda: moments.solve(SimResNet("identity", 1.0, 0.0), [1.0, 0.0], [0.0, 1.0]),),
    words=("k",),
)
target("moments.Moments.moment", self_=MADE, k=integer((0, 1), low=0, bads=(4, 2**40)))
for prop in ("mean", "energy", "variance"):
    target(f"moments.Moments.{prop}", self_=MADE)
target("moments.always_energy_decay", net=LINEAR_CONSTANT, m0=M0)
target("moments.always_aggregation", net=LINEAR_CONSTANT, m0=M0)
target(
    "moments.concentration",
    net=LINEAR_CONSTANT,
    m0=M0,
    integral=Kind(lambda rng, _: None, (), (constant(1.0), constant("text"), constant(np.nan))),
)
LEVEL = number((0.1, 2.0), low=0.0, open_low=True)
QUANTITY = choice("energy", "variance")
target(
    "moments.threshold",
    m0=M0,
    level=LEVEL,
    quantity=QUANTITY,
    bias=choice("zero", "conserving"),
    infinite=("",),
)
target(
    "moments.time_to_reach",
    net=nets("identity", bad_names=("tanh",)),
    m0=M0,
    level=LEVEL,
    quantity=QUANTITY,
    horizon=number((1.0, 20.0), low=0.0, open_low=True),
)

SMOOTH_LAW = laws(stats.norm(0.3, 0.8), stats.uniform(-2.0, 4.0), stats.gamma(3.0, -2.0, 0.4))
RELU = nets("relu", bad_names=("tanh", "gcu"))
ORDER = integer((1, 4), low=1, edges=(12,))
target(
    "closures.linearized",
    net=nets("sigmoid", "tanh", bad_names=("relu", "identity", "gcu")),
    infinite=("lipschitz",),
)
target(
    "closures.linear_closure",
    net=nets("sigmoid", "tanh", bad_names=("relu", "gcu")),
    g0=SMOOTH_LAW,
    times=times(),
    order=ORDER,
    nan=CLOSED,
)
target(
    "closures.exact_moments",
    net=NET,
    g0=SMOOTH_LAW,
    times=times(),
    order=ORDER,
    nan=CLOSED,
    infinite=("lipschitz",),
)
target("closures.partial_moments", net=RELU, g0=SMOOTH_LAW, times=times(), order=ORDER)
target(
    "closures.relu_rates",
    net=RELU,
    g0=laws(stats.norm(0.3, 0.8)),
    times=times(start=0.1, low=0.002),
    order=ORDER,
)


def _parts(rng, arguments):
    share = rng.uniform(0.2, 0.8)
    part = np.array([1.0, 0.5, 0.7])
    arguments["plus0"], arguments["minus0"] = share * part, (1.0 - share) * part * [1.0, -1.0, 1.0]
    return arguments


PART = array(
    lambda rng, _: np.zeros(3), bads=(constant([2.0, 1.0, 1.0]), constant([-1.0, 1.0, 1.0]))
)
target(
    "closures.relu_solve",
    net=nets("relu", functions=False, bad_names=("tanh",)),
    plus0=PART,
    minus0=PART,
    times=times(),
    prepare=_parts,
)
target(
    "closures.LinearClosure.error",
    self_=instance(
        lambda: closures.linear_closure(SimResNet("tanh", 0.5, 0.1), stats.norm(), [0.0, 0.5])
    ),
)

POINTS = array(lambda rng, _: rng.standard_normal(int(rng.integers(1, 6))), length=False)
POINTS = POINTS.but(bads=tuple(bad for bad in POINTS.bads if bad.__name__ != "_flattened"))
TARGET = laws(words=("target", "targets")).but(
    good=lambda rng, d: POINTS.good(rng, d) if rng.random() < 0.4 else LAW.good(rng, d),
    edges=(*LAW.edges, *POINTS.edges, constant(0.5)),
    bads=(*LAW.bads[:6], *LAW.bads[7:13], *LAW.bads[14:], *POINTS.bads),
)
SPAN = number((0.2, 1.0), low=0.0, open_low=True, extremes=(1e-300, 2.0))
"""Long times take minutes with gcu: the map becomes a stair, which no quadrature resolves."""
target(
    "adjoint.adjoint",
    net=NET,
    terminal=function(
        (np.tanh, np.cos), lambda x: np.nan * x, lambda x: 1.0, lambda x: "text", lambda x: None
    ),
    T=number((1.0, 2.0), low=0.0),
    t=number((0.0, 0.9), low=0.0),
    x=ANY,
)
target(
    "adjoint.adjoint_on_grid",
    net=NET,
    grid=GRID,
    terminal=array(lambda rng, a: rng.standard_normal(a["grid"].cells + 1)),
    times=times(end=0.5, most=3),
    cfl=number((0.2, 0.45), low=0.0, open_low=True, high=1.0),
)
LOSS = choice("w2")
target("adjoint.loss", net=NET_SMOOTH, g0=LAW, target=TARGET, T=SPAN, loss=LOSS)
target("adjoint.gradient", net=NET_SMOOTH, g0=LAW, target=TARGET, T=SPAN, loss=LOSS)
target("losses.mollified", target=POINTS, width=number((0.1, 1.0), low=0.0, open_low=True))
MOLLIFIED = instance(
    lambda: mollified([0.0, 1.0], 0.3), edges=(lambda: mollified([0.0, 1e300], 1e-300),)
)
for method in ("pdf", "cdf"):
    target(f"losses.Mollified.{method}", self_=MOLLIFIED, x=ANY)
target("losses.Mollified.ppf", self_=MOLLIFIED, q=LEVELS, infinite=("",))
target("losses.target_law", target=POINTS)
A_TARGET = instance(lambda: target_law([0.0, 0.5, 3.0]))
target("losses.Points.cdf", self_=A_TARGET, x=ANY)
target("losses.Points.ppf", self_=A_TARGET, q=LEVELS)
target("losses.Points.jumps", self_=A_TARGET)
CONSTANT_SMOOTH = nets("tanh", "sigmoid", functions=False, bad_names=("relu",))
target(
    "retraining.algorithm_1",
    net=CONSTANT_SMOOTH,
    g0=LAW,
    target=TARGET,
    T=SPAN,
    grid=GRID,
    gamma=number((0.1, 2.0), low=0.0, open_low=True),
    tol=number((1e-3, 0.1), low=0.0, open_low=True),
    most_steps=integer((0, 2), low=0),
    integrand_at=number((0.0, 0.2), low=0.0).or_none(),
    signed=flag(),
    while_below=flag(),
    infinite=("loss",),
    nan=("gradient",),
)
target(
    "retraining.retrain",
    net=CONSTANT_SMOOTH,
    g0=laws(stats.norm(0.3, 0.8), stats.uniform(-2.0, 4.0)),
    target=TARGET.but(good=lambda rng, _: [float(rng.normal())]),
    T=SPAN,
    loss=LOSS,
    widths=array(
        lambda rng, _: rng.uniform(0.3, 1.0, 1), length=False, bads=(constant([-1.0]),)
    ).or_none(),
    gamma=number((0.1, 2.0), low=0.0, open_low=True),
    tol=number((1e-3, 0.1), low=0.0),
    most_steps=integer((1, 2), low=1),
    method=choice("bfgs", "descent"),
    required=("most_steps", "tol"),
    nan=("gamma",),
)
