"""Targets: wide networks of two layers."""

import numpy as np
from scipy import stats

from fuzzing.kinds import (
    Kind,
    array,
    choice,
    constant,
    function,
    instance,
    integer,
    normal,
    number,
    seed,
    times,
)
from fuzzing.objects import laws
from fuzzing.registry import results, target
from kinetic import Grid, Grid2D, two_layer

results(
    "two_layer.Training",
    "two_layer.Trainings",
    "two_layer_fluctuations.Fluctuations",
    "two_layer_limit.Limit",
    "two_layer_limit.Nodes",
    "two_layer_transport.Density",
    "two_layer_weak.WeakResidual",
)
NAME = choice("tanh", "sigmoid", "identity", "relu", bads=("softmax",))
SMOOTH = choice("tanh", "sigmoid", "identity", bads=("relu", "softmax"))
WITH_RELU = SMOOTH.but(bads=tuple(bad for bad in SMOOTH.bads if "relu" not in bad.__name__))
X = array(normal((2, 6)), length=False)
Y = array(lambda rng, a: rng.standard_normal(len(a["x"])))
C0 = array(normal((1, 6)))
W0 = array(lambda rng, a: rng.standard_normal(np.shape(a["c0"])))
ALPHA = number((0.1, 1.0), low=0.0, open_low=True)
TIMES = times(end=1.0, most=3)


def _chances(key):
    def draw(rng, drawn):
        values = rng.uniform(0.1, 1.0, len(drawn[key]))
        return values / values.sum()

    return array(draw, bads=(lambda rng, v: 2.0 * v, lambda rng, v: -v)).or_none()


PROBABILITIES = _chances("x")
DATA = {"x": X, "y": Y}
CLOCK = number((1.0, 20.0), low=0.0, open_low=True, extremes=(1e-300, 0.5)).or_none()
target(
    "two_layer.train",
    **DATA,
    c0=C0,
    w0=W0,
    alpha=ALPHA,
    times=times(low=0.0),
    activation=NAME,
    probabilities=PROBABILITIES,
    clock=CLOCK,
    rng=seed(),
)


def _draw(generator, n):
    return generator.standard_normal(n), generator.standard_normal(n)


target(
    "two_layer.train_many",
    **DATA,
    initial=function(
        (_draw,),
        lambda g, n: None,
        lambda g, n: (1.0, 2.0),
        lambda g, n: (np.full(n, np.nan), np.ones(n)),
        lambda g, n: ("a", "b"),
    ),
    neurons=integer((1, 6), low=1),
    runs=integer((1, 5), low=1),
    alpha=ALPHA,
    times=times(low=0.0),
    activation=NAME,
    probabilities=PROBABILITIES,
    clock=CLOCK,
    observe=function(
        (lambda c, w: c.mean(axis=1),),
        lambda c, w: None,
        lambda c, w: "text",
        lambda c, w: np.nan * c,
    ).or_none(),
    rng=seed(),
    threads=integer((1, 3), low=1).or_none(),
)
C = array(normal((1, 4)))
W = array(lambda rng, a: rng.standard_normal(np.shape(a["c"])))
target("two_layer.output", c=C, w=W, x=X, activation=NAME)
target("two_layer.loss", c=C, w=W, x=X, y=Y, activation=NAME, probabilities=PROBABILITIES)
NODES_LAW = laws(stats.norm(0.3, 0.8), stats.uniform(-2.0, 4.0))
target("two_layer_limit.quadrature", c=NODES_LAW, w=NODES_LAW, points=integer((24, 30), low=2))
WEIGHTS = _chances("c0")
RTOL = number((1e-8, 1e-4), low=0.0, open_low=True, extremes=(1e-300, 1.0))
target(
    "two_layer_limit.limit",
    **DATA,
    c0=C0,
    w0=W0,
    alpha=ALPHA,
    times=TIMES,
    activation=WITH_RELU,
    probabilities=PROBABILITIES,
    weights=WEIGHTS,
    rtol=RTOL,
    infinite=("lipschitz",),
)
NODES = instance(
    lambda: two_layer.quadrature(stats.norm(), stats.norm(), 9), words=("nodes", "weights")
)


def _normal(c, w):
    return np.exp(-(c**2 + w**2) / 2.0) / (2.0 * np.pi)


P0 = function(
    (_normal,),
    lambda c, w: None,
    lambda c, w: "text",
    lambda c, w: np.nan * c,
    lambda c, w: -_normal(c, w),
    lambda c, w: 1.0,
)
target(
    "two_layer_limit.density",
    **DATA,
    p0=P0,
    nodes=NODES,
    c=C,
    w=W,
    alpha=ALPHA,
    time=number((0.0, 0.5), low=0.0),
    activation=SMOOTH,
    probabilities=PROBABILITIES,
    rtol=RTOL,
)
LIMIT = instance(
    lambda: two_layer.limit(
        [0.0, 1.0], [1.0, 0.5], [0.5, 1.0], [0.3, -0.4], alpha=1.0, times=[0.0, 0.5]
    ),
    lambda: two_layer.limit([[0.0, 1.0]], [1.0], [0.5], [[0.3, 0.1]], alpha=1.0, times=[0.0]),
)
target(
    "two_layer_limit.Limit.outputs",
    self_=LIMIT,
    x=array(
        lambda rng, a: rng.standard_normal((3,) if a["self"].w.ndim == 2 else (3, 2)),
        length=False,
        empty=False,
    ),
)
for prop in ("loss", "dissipation"):
    target(f"two_layer_limit.Limit.{prop}", self_=LIMIT)
OBSERVABLES = function(
    (lambda c, w: c**2, lambda c, w: np.cos(c), [lambda c, w: c, lambda c, w: c**3]),
    lambda c, w: None,
    lambda c, w: "text",
    lambda c, w: np.nan * c,
    lambda c, w: 1.0,
    [],
    [None],
)
target("two_layer_limit.Limit.mean", self_=LIMIT, observables=OBSERVABLES)
target(
    "two_layer_fluctuations.fluctuations",
    **DATA,
    c0=C0,
    w0=W0,
    alpha=ALPHA,
    time=number((0.0, 0.5), low=0.0),
    observables=OBSERVABLES,
    activation=SMOOTH,
    probabilities=PROBABILITIES,
    weights=WEIGHTS,
    rtol=RTOL,
)
FOUND = instance(
    lambda: two_layer.fluctuations(
        [0.0, 1.0],
        [1.0, 0.5],
        [0.5, 1.0],
        [0.3, -0.4],
        alpha=1.0,
        time=0.1,
        observables=lambda c, w: c,
    )
)
for prop in ("covariance", "dependence"):
    target(f"two_layer_fluctuations.Fluctuations.{prop}", self_=FOUND)
PLANE = Kind(
    lambda rng, _: Grid2D(Grid(-7.0, 7.0, 28), Grid(-7.0, 7.0, 28)),
    (
        constant(Grid2D(Grid(-1, 1, 9), Grid(-1, 1, 9))),
        constant(Grid2D(Grid(-1e300, 1e300, 9), Grid(-1, 1, 9))),
    ),
    (constant(None), constant("text"), constant(Grid(0, 1, 9))),
    ("grid",),
)
target(
    "two_layer_transport.transport",
    x=X,
    y=Y,
    p0=P0,
    grid=PLANE,
    alpha=ALPHA,
    times=times(end=0.1, most=2),
    activation=WITH_RELU,
    probabilities=PROBABILITIES,
    cfl=number((0.3, 0.45), low=0.0, open_low=True, high=0.5, extremes=(1e-300,)),
    infinite=("lipschitz",),
)
DENSITY = instance(
    lambda: two_layer.transport(
        [0.0, 1.0],
        [1.0, 0.5],
        _normal,
        Grid2D(Grid(-7.0, 7.0, 28), Grid(-7.0, 7.0, 28)),
        alpha=0.5,
        times=[0.0, 0.1],
    )
)
for prop in ("mass", "weights", "c", "w", "loss", "marginals"):
    target(f"two_layer_transport.Density.{prop}", self_=DENSITY)
target("two_layer_transport.Density.mean", self_=DENSITY, observables=OBSERVABLES)
SORTED = times(start=-2.0, end=2.0).but(edges=())
target(
    "two_layer_transport.Density.at",
    self_=DENSITY,
    index=integer((0, 1), low=-2, edges=(-1,), bads=(2, 10**9)),
    c=SORTED,
    w=SORTED,
)


def _odd(rng, arguments):
    arguments["times"] = np.array([0.0, 0.5, 1.0])
    arguments["c"] = rng.standard_normal((3, 4))
    arguments["w"] = rng.standard_normal((3, 4))
    arguments["weights"] = None
    return arguments


target(
    "two_layer_weak.weak_residual",
    **DATA,
    c=C,
    w=W,
    alpha=ALPHA,
    times=TIMES,
    observables=OBSERVABLES,
    activation=SMOOTH,
    probabilities=PROBABILITIES,
    weights=_chances("c").but(edges=()),
    prepare=_odd,
)
