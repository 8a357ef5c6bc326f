"""Targets: wide networks of three and more layers."""

import numpy as np

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
from fuzzing.registry import results, target
from kinetic import multilayer, neuronal_limit

results(
    "multilayer_network.Training",
    "neuronal_embedding.Neurons",
    "neuronal_limit.Limit",
    "neuronal_limit.Distance",
)
Y = array(lambda rng, a: rng.standard_normal(len(a["x"])))
WEIGHT_LIST = Kind(
    lambda rng, _: [
        rng.standard_normal((3, 2)),
        rng.standard_normal((3, 4)),
        rng.standard_normal(4),
    ],
    (
        lambda rng, v: [1e300 * w for w in v],
        lambda rng, v: [0.0 * w for w in v],
        lambda rng, v: [w.tolist() for w in v],
        lambda rng, v: [w.astype(np.float32) for w in v],
        lambda rng, v: [np.asfortranarray(w) for w in v],
    ),
    (
        constant(None),
        constant("text"),
        constant(3.0),
        constant([]),
        lambda rng, v: v[:2],
        lambda rng, v: v[::-1],
        lambda rng, v: [w * np.nan for w in v],
        lambda rng, v: [v[0], v[1], None],
        lambda rng, v: [v[0], v[1], v[2][:-1]],
        lambda rng, v: [v[0], v[1].T, v[2]],
        lambda rng, v: ["a", "b", "c"],
    ),
    ("w_1", "w_2", "w_3"),
)
FOUR = ("tanh", "relu", "identity")
ACTIVATIONS = Kind(
    lambda rng, _: ("tanh", "sigmoid", "identity"),
    (constant(None), constant(list(FOUR))),
    (
        constant("tanh"),
        constant(3),
        constant(("tanh",)),
        constant((1, 2, 3)),
        constant(("gcu",) * 3),
        constant((None,) * 3),
    ),
    ("activation", "activations"),
)
MASSES = Kind(
    lambda rng, _: ("mean-field", "standard")[rng.integers(2)],
    (constant((np.full(3, 1 / 3), np.full(4, 0.25))), constant((np.zeros(3), np.zeros(4)))),
    (
        constant("text"),
        constant(3),
        constant(None),
        constant((np.ones(3),)),
        constant((np.ones(3), np.full(4, np.nan))),
        constant((-np.ones(3), np.ones(4))),
        constant((np.ones(4), np.ones(3))),
    ),
)
target("multilayer_network.Network", weights=WEIGHT_LIST, activations=ACTIVATIONS, masses=MASSES)
WIDTHS = Kind(
    lambda rng, _: [3, 4],
    (constant((1, 1)), constant(np.array([2, 3]))),
    (
        constant(None),
        constant(3),
        constant("text"),
        constant([3]),
        constant([0, 3]),
        constant([1.5, 2]),
        constant([None, 2]),
        constant([-1, 2]),
    ),
    ("widths",),
)
target(
    "multilayer_network.draw",
    widths=WIDTHS,
    dimension=integer((1, 3), low=1),
    mean=number((-1.0, 1.0)),
    deviation=number((0.1, 1.0), low=0.0),
    activations=ACTIVATIONS,
    masses=MASSES.but(edges=()),
    rng=seed(),
)
NET = instance(
    lambda: multilayer.draw([3, 4], 2),
    lambda: multilayer.draw([2, 2, 3], 2, masses="standard"),
    lambda: multilayer.draw([3, 4], 2, activations=("relu", "sigmoid", "tanh")),
    edges=(lambda: multilayer.draw([3, 4], 2, deviation=1e200), lambda: multilayer.draw([1, 1], 2)),
    words=("net", "output", "weights"),
)
target("multilayer_network.Network.dimension", self_=NET)
target("multilayer_network.Network.widths", self_=NET)
target(
    "multilayer_network.Network.with_weights",
    self_=instance(lambda: multilayer.draw([3, 4], 2)),
    weights=WEIGHT_LIST,
)
X2 = array(normal((1, 5), 2), length=False)
HUBER = choice("huber", "squared")
target("multilayer_network.output", net=NET, x=X2)
target("multilayer_network.risk", net=NET, x=X2, y=Y, loss=HUBER)
target("multilayer_network.gradients", net=NET, x=X2, y=Y, loss=HUBER)
RATES = number((0.1, 1.0), low=0.0).but(
    bads=(
        constant("text"),
        constant(-1.0),
        constant([1.0]),
        constant(np.nan),
        constant(lambda t: np.nan),
        constant(lambda t: "text"),
        constant(1j),
    )
)
target(
    "multilayer_network.train",
    net=NET,
    x=X2,
    y=Y,
    epsilon=number((0.05, 0.2), low=0.0, open_low=True),
    times=times(low=0.0),
    batch=integer((1, 3), low=1).or_none(),
    rates=RATES,
    loss=HUBER,
    rng=seed(),
    observe=function((lambda net: net.widths,)).or_none(),
)

FIRST = function(
    (lambda c: np.column_stack([np.cos(c), c]),),
    lambda c: None,
    lambda c: "text",
    lambda c: 1.0,
    lambda c: np.full((len(c), 2), np.nan),
)
INNER = Kind(
    lambda rng, _: [lambda a, b: a * b],
    (constant((lambda a, b: 1.0,)),),
    (
        constant(None),
        constant([]),
        constant(3),
        constant([None]),
        constant([lambda a, b: None]),
        constant([lambda a, b: np.nan * a * b]),
        constant("ab"),
    ),
)
LAST = function(
    (np.sin, lambda c: 1.0),
    lambda c: None,
    lambda c: "text",
    lambda c: np.nan * c,
    lambda c: np.ones(77),
)
target(
    "neuronal_embedding.Embedding",
    first=FIRST,
    inner=INNER,
    last=LAST,
    activations=ACTIVATIONS,
    noise=number((0.0, 1.0), low=0.0),
)


def _embedding():
    return multilayer.Embedding(
        lambda c: np.column_stack([np.cos(c), c]), [lambda a, b: a * b], np.sin
    )


EMBEDDING = instance(_embedding, words=("embedding", "first", "inner", "last"))
POINTS = Kind(
    lambda rng, _: [rng.random(3), rng.random(2)],
    (constant([[0.0], [1.0]]), constant([[0.5, 0.5], [0, 1]])),
    (
        constant(None),
        constant(3),
        constant("text"),
        constant([]),
        constant([[0.5]]),
        constant([[2.0], [0.5]]),
        constant([[np.nan], [0.5]]),
        constant([[], []]),
        constant([None, None]),
    ),
)
target("neuronal_embedding.Embedding.hidden", self_=EMBEDDING)
target("neuronal_embedding.Embedding.at", self_=EMBEDDING, points=POINTS)
target("neuronal_embedding.Embedding.sample", self_=EMBEDDING, widths=WIDTHS, rng=seed())
target("neuronal_embedding.Embedding.quadrature", self_=EMBEDDING, nodes=integer((2, 9), low=2))
target(
    "neuronal_limit.limit",
    embedding=EMBEDDING,
    x=X2,
    y=Y,
    times=times(end=0.3, most=2),
    loss=HUBER,
    nodes=integer((10, 12), low=4),
)


def _limit():
    return neuronal_limit.limit(
        _embedding(), [[0.5, 1.0], [1.0, 0.2]], [1.0, 0.0], [0.0, 0.2], nodes=12
    )


THE_LIMIT = instance(_limit, words=("limit", "i", "neurons"))
NEURONS = instance(
    lambda: _embedding().sample([3, 4]), edges=(lambda: _embedding().at([[0.1], [0.3]]),)
)
INDEX = integer((0, 1), low=0, bads=(2, 10**9))
target("neuronal_limit.Limit.weights", self_=THE_LIMIT, i=INDEX, neurons=NEURONS)
target(
    "neuronal_limit.distance",
    limit=THE_LIMIT,
    i=INDEX,
    neurons=NEURONS.but(edges=()),
    network=instance(lambda: _embedding().sample([3, 4]).network),
)
