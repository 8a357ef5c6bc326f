"""Targets: ensembles of particles and their summaries."""

import numpy as np
from scipy import stats

from fuzzing.kinds import Kind, array, constant, function, instance, integer, normal
from fuzzing.registry import results, target
from fuzzing.targets_network import ANY, INTERVAL, LEVELS
from kinetic import ensemble, summaries

results(
    "ensemble.Result",
    "summaries.MomentEstimate",
    "summaries.HistogramEstimate",
    "summaries.QuantileEstimate",
)
BLOCK = integer((2, 9), low=1)
INITIAL = Kind(
    lambda rng, _: stats.norm() if rng.random() < 0.5 else _drawn,
    (constant(stats.cauchy()), constant(stats.norm(1e300, 1.0))),
    (constant(None), constant(3.0), constant("text"), constant([1.0])),
)


def _drawn(count, rng):
    return rng.standard_normal(count)


OUTPUT = function(np.tanh).or_none()
NAMED = Kind(
    lambda rng, _: {"m": summaries.Moments(), "h": summaries.Histogram((-2.0, 2.0), 4)},
    (constant({"q": summaries.Quantiles(20)}),),
    (
        constant(None),
        constant({}),
        constant(3),
        constant("text"),
        constant({"m": None}),
        constant({3: summaries.Moments()}),
        constant([summaries.Moments()]),
    ),
)
target(
    "ensemble.Problem",
    initial=INITIAL,
    output=OUTPUT,
    summaries=NAMED,
    seed=integer((0, 99), low=0, edges=(2**70,)),
    block=BLOCK,
)
PROBLEM = instance(
    lambda: ensemble.Problem(stats.norm(), block=5),
    lambda: ensemble.Problem(_drawn, np.tanh, {"h": summaries.Histogram((-2.0, 2.0), 4)}, 3, 4),
    edges=(
        lambda: ensemble.Problem(lambda count, rng: np.full(count, np.nan), block=5),
        lambda: ensemble.Problem(lambda count, rng: "text", block=5),
        lambda: ensemble.Problem(lambda count, rng: np.ones(2), block=5),
        lambda: ensemble.Problem(stats.norm(0.0, 1e200), block=5),
        lambda: ensemble.Problem(stats.norm(), lambda x: x[:-1], block=5),
        lambda: ensemble.Problem(stats.norm(), lambda x: None, block=5),
    ),
    words=("problem", "initial", "output", "summaries", "particles"),
)
CALLS = (constant("text"), constant(3), constant([1]))
target(
    "ensemble.run",
    problem=PROBLEM,
    particles=integer((1, 30), low=1),
    executor=Kind(lambda rng, _: None, (), CALLS),
    chunk=integer((1, 4), low=1).or_none(),
    checkpoint=Kind(lambda rng, _: None, (), (constant(3), constant([1]), constant(1.5))),
    progress=Kind(lambda rng, _: None if rng.random() < 0.5 else _ignored, (), CALLS),
)


def _ignored(done, particles):
    pass


target("ensemble.processes", workers=integer((1, 3), low=1).or_none())

COMPONENT = integer((0, 1), low=0)
VECTOR = array(normal((1, 9)), length=False)
ROWS = array(normal((1, 9), 2), length=False)
SUMMARIES = {
    "Moments": (summaries.Moments, {}),
    "Histogram": (
        lambda **more: summaries.Histogram((-2.0, 2.0), 4, **more),
        {"interval": INTERVAL, "bins": integer((1, 9), low=1, bads=(10**8,))},
    ),
    "Quantiles": (
        lambda **more: summaries.Quantiles(20, **more),
        {"size": integer((10, 99), low=10)},
    ),
}
STATE_BADS = (
    constant(None),
    constant("text"),
    constant(3.0),
    constant([]),
    constant(b"ab"),
    constant(np.full(7, np.nan)),
    constant(np.zeros(3)),
    constant({}),
)


def _measured(rng, drawn):
    return drawn["self"].measure(rng.standard_normal(int(rng.integers(1, 9))))


for _name, (_make, _arguments) in SUMMARIES.items():
    _self = instance(_make)
    _state = Kind(_measured, (), STATE_BADS)
    target(f"summaries.{_name}", **_arguments, component=COMPONENT.or_none())
    target(f"summaries.{_name}.measure", self_=_self, x=VECTOR)
    target(f"summaries.{_name}.merge", self_=_self, a=_state, b=_state)
    target(f"summaries.{_name}.estimate", self_=_self, state=_state)
target("summaries.Histogram.edges", self_=instance(SUMMARIES["Histogram"][0]))


def _estimate(name, x):
    made = SUMMARIES[name][0]()
    return made.estimate(made.measure(x))


def _estimates(name):
    return instance(lambda: _estimate(name, [0.5, 1.0, -1.0]), lambda: _estimate(name, [0.5]))


for _name, _properties in (
    ("Moment", ("variance", "mean_error", "variance_error")),
    ("Histogram", ("count", "density", "cdf")),
):
    for _property in _properties:
        target(
            f"summaries.{_name}Estimate.{_property}",
            self_=_estimates("Moments" if _name == "Moment" else _name),
        )
target("summaries.QuantileEstimate.rank", self_=_estimates("Quantiles"), x=ANY)
target("summaries.QuantileEstimate.quantile", self_=_estimates("Quantiles"), q=LEVELS)
