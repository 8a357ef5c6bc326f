"""Targets: wide networks of two and of more layers."""

import numpy as np
from scipy import stats

from fuzzing.kinds import Kind, array, choice, constant, function, instance, integer, normal, number
from fuzzing.kinds import seed, times
from fuzzing.objects import LAW, laws
from fuzzing.registry import results, target
from kinetic import Grid, Grid2D, multilayer, neuronal_limit, two_layer

results("two_layer.Training", "two_layer.Trainings", "two_layer_fluctuations.Fluctuations", "two_layer_limit.Limit", "two_layer_limit.Nodes",
        "two_layer_transport.Density", "two_layer_weak.WeakResidual", "multilayer_network.Training",
        "neuronal_embedding.Neurons", "neuronal_limit.Limit", "neuronal_limit.Distance")  # fmt: skip
NAME = choice("tanh", "sigmoid", "identity", "relu", bads=("softmax",))
SMOOTH = choice("tanh", "sigmoid", "identity", bads=("relu", "softmax"))
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
target("two_layer.train", **DATA, c0=C0, w0=W0, alpha=ALPHA, times=times(low=0.0), activation=NAME, probabilities=PROBABILITIES,
       clock=CLOCK, rng=seed())  # fmt: skip


def _draw(generator, n):
    return generator.standard_normal(n), generator.standard_normal(n)


target(
    "two_layer.train_many", **DATA,
    initial=function((_draw,), lambda g, n: None, lambda g, n: (1.0, 2.0), 
                     lambda g, n: (np.full(n, np.nan), np.ones(n)), lambda g, n: ("a", "b")),
    neurons=integer((1, 6), low=1), runs=integer((1, 5), low=1), alpha=ALPHA, times=times(low=0.0), activation=NAME,
    probabilities=PROBABILITIES, clock=CLOCK,
    observe=function((lambda c, w: c.mean(axis=1),), lambda c, w: None, lambda c, w: "text",
                     lambda c, w: np.nan * c).or_none(),
    rng=seed(), threads=integer((1, 3), low=1).or_none(),
)  # fmt: skip
C = array(normal((1, 4)))
W = array(lambda rng, a: rng.standard_normal(np.shape(a["c"])))
target("two_layer.output", c=C, w=W, x=X, activation=NAME)
target("two_layer.loss", c=C, w=W, x=X, y=Y, activation=NAME, probabilities=PROBABILITIES)
NODES_LAW = laws(stats.norm(0.3, 0.8), stats.uniform(-2.0, 4.0))
target("two_layer_limit.quadrature", c=NODES_LAW, w=NODES_LAW, points=integer((8, 12), low=2))
WEIGHTS = _chances("c0")
RTOL = number((1e-8, 1e-4), low=0.0, open_low=True, extremes=(1e-300, 1.0))
target("two_layer_limit.limit", **DATA, c0=C0, w0=W0, alpha=ALPHA, times=TIMES, activation=SMOOTH.but(bads=SMOOTH.bads[1:]),
       probabilities=PROBABILITIES, weights=WEIGHTS, rtol=RTOL, infinite=("lipschitz",))  # fmt: skip
NODES = instance(lambda: two_layer.quadrature(stats.norm(), stats.norm(), 9), words=("nodes", "weights"))


def _normal(c, w):
    return np.exp(-(c**2 + w**2) / 2.0) / (2.0 * np.pi)


P0 = function((_normal,), lambda c, w: None, lambda c, w: "text", lambda c, w: np.nan * c, lambda c, w: -_normal(c, w),
              lambda c, w: 1.0)  # fmt: skip
target("two_layer_limit.density", **DATA, p0=P0, nodes=NODES, c=C, w=W, alpha=ALPHA, time=number((0.0, 0.5), low=0.0), activation=SMOOTH,
       probabilities=PROBABILITIES, rtol=RTOL)  # fmt: skip
LIMIT = instance(
    lambda: two_layer.limit([0.0, 1.0], [1.0, 0.5], [0.5, 1.0], [0.3, -0.4], alpha=1.0, times=[0.0, 0.5]),
    lambda: two_layer.limit([[0.0, 1.0]], [1.0], [0.5], [[0.3, 0.1]], alpha=1.0, times=[0.0]),
)  # fmt: skip
target("two_layer_limit.Limit.outputs", self_=LIMIT, x=array(
    lambda rng, a: rng.standard_normal((3,) if a["self"].w.ndim == 2 else (3, 2)), length=False, empty=False))  # fmt: skip
for prop in ("loss", "dissipation"):
    target(f"two_layer_limit.Limit.{prop}", self_=LIMIT)
OBSERVABLES = function(
    (lambda c, w: c**2, lambda c, w: np.cos(c), [lambda c, w: c, lambda c, w: c**3]),
    lambda c, w: None, lambda c, w: "text", lambda c, w: np.nan * c, lambda c, w: 1.0, [], [None],
)  # fmt: skip
target("two_layer_limit.Limit.mean", self_=LIMIT, observables=OBSERVABLES)
target("two_layer_fluctuations.fluctuations", **DATA, c0=C0, w0=W0, alpha=ALPHA, time=number((0.0, 0.5), low=0.0), observables=OBSERVABLES,
       activation=SMOOTH, probabilities=PROBABILITIES, weights=WEIGHTS, rtol=RTOL)  # fmt: skip
FOUND = instance(lambda: two_layer.fluctuations([0.0, 1.0], [1.0, 0.5], [0.5, 1.0], [0.3, -0.4], alpha=1.0, time=0.1,
                                                observables=lambda c, w: c))  # fmt: skip
for prop in ("covariance", "dependence"):
    target(f"two_layer_fluctuations.Fluctuations.{prop}", self_=FOUND)
PLANE = Kind(lambda rng, _: Grid2D(Grid(-7.0, 7.0, 28), Grid(-7.0, 7.0, 28)),
             (constant(Grid2D(Grid(-1, 1, 9), Grid(-1, 1, 9))), constant(Grid2D(Grid(-1e300, 1e300, 9), Grid(-1, 1, 9)))),
             (constant(None), constant("text"), constant(Grid(0, 1, 9))), ("grid",))  # fmt: skip
target("two_layer_transport.transport", x=X, y=Y, p0=P0, grid=PLANE, alpha=ALPHA, times=times(end=0.1, most=2),
       activation=SMOOTH, probabilities=PROBABILITIES, cfl=number((0.3, 0.45), low=0.0, open_low=True, high=0.5, extremes=(1e-300,)),
       infinite=("lipschitz",))  # fmt: skip
DENSITY = instance(lambda: two_layer.transport([0.0, 1.0], [1.0, 0.5], _normal, Grid2D(Grid(-7.0, 7.0, 28), Grid(-7.0, 7.0, 28)),
                                               alpha=0.5, times=[0.0, 0.1]))  # fmt: skip
for prop in ("mass", "weights", "c", "w", "loss", "marginals"):
    target(f"two_layer_transport.Density.{prop}", self_=DENSITY)
target("two_layer_transport.Density.mean", self_=DENSITY, observables=OBSERVABLES)
SORTED = times(start=-2.0, end=2.0).but(edges=())
target("two_layer_transport.Density.at", self_=DENSITY, index=integer((0, 1), low=-2, edges=(-1,), bads=(2, 10**9)), c=SORTED, w=SORTED)


def _odd(rng, arguments):
    arguments["times"] = np.array([0.0, 0.5, 1.0])
    arguments["c"] = rng.standard_normal((3, 4))
    arguments["w"] = rng.standard_normal((3, 4))
    arguments["weights"] = None
    return arguments


target("two_layer_weak.weak_residual", **DATA, c=C, w=W, alpha=ALPHA, times=TIMES, observables=OBSERVABLES, activation=SMOOTH,
       probabilities=PROBABILITIES, weights=_chances("c").but(edges=()), prepare=_odd)  # fmt: skip

WEIGHT_LIST = Kind(
    lambda rng, _: [rng.standard_normal((3, 2)), rng.standard_normal((3, 4)), rng.standard_normal(4)],
    (lambda rng, v: [1e300 * w for w in v], lambda rng, v: [0.0 * w for w in v], lambda rng, v: [w.tolist() for w in v],
     lambda rng, v: [w.astype(np.float32) for w in v], lambda rng, v: [np.asfortranarray(w) for w in v]),
    (constant(None), constant("text"), constant(3.0), constant([]), lambda rng, v: v[:2], lambda rng, v: v[::-1],
     lambda rng, v: [w * np.nan for w in v], lambda rng, v: [v[0], v[1], None], lambda rng, v: [v[0], v[1], v[2][:-1]],
     lambda rng, v: [v[0], v[1].T, v[2]], lambda rng, v: ["a", "b", "c"]), ("w_1", "w_2", "w_3"),
)  # fmt: skip
FOUR = ("tanh", "relu", "identity")
ACTIVATIONS = Kind(lambda rng, _: ("tanh", "sigmoid", "identity"), (constant(None), constant(list(FOUR))),
                   (constant("tanh"), constant(3), constant(("tanh",)), constant((1, 2, 3)), constant(("gcu",) * 3),
                    constant((None,) * 3)), ("activation", "activations"))  # fmt: skip
MASSES = Kind(lambda rng, _: ("mean-field", "standard")[rng.integers(2)],
              (constant((np.full(3, 1 / 3), np.full(4, 0.25))), constant((np.zeros(3), np.zeros(4)))),
              (constant("text"), constant(3), constant(None), constant((np.ones(3),)), constant((np.ones(3), np.full(4, np.nan))),
               constant((-np.ones(3), np.ones(4))), constant((np.ones(4), np.ones(3)))))  # fmt: skip
target("multilayer_network.Network", weights=WEIGHT_LIST, activations=ACTIVATIONS, masses=MASSES)
WIDTHS = Kind(lambda rng, _: [3, 4], (constant((1, 1)), constant(np.array([2, 3]))),
              (constant(None), constant(3), constant("text"), constant([3]), constant([0, 3]), constant([1.5, 2]), constant([None, 2]),
               constant([-1, 2])), ("widths",))  # fmt: skip
target("multilayer_network.draw", widths=WIDTHS, dimension=integer((1, 3), low=1), mean=number((-1.0, 1.0)),
       deviation=number((0.1, 1.0), low=0.0), activations=ACTIVATIONS, masses=MASSES.but(edges=()), rng=seed())  # fmt: skip
NET = instance(
    lambda: multilayer.draw([3, 4], 2), lambda: multilayer.draw([2, 2, 3], 2, masses="standard"),
    lambda: multilayer.draw([3, 4], 2, activations=("relu", "sigmoid", "tanh")),
    edges=(lambda: multilayer.draw([3, 4], 2, deviation=1e200), lambda: multilayer.draw([1, 1], 2)), words=("net", "output", "weights"),
)  # fmt: skip
target("multilayer_network.Network.dimension", self_=NET)
target("multilayer_network.Network.widths", self_=NET)
target("multilayer_network.Network.with_weights", self_=instance(lambda: multilayer.draw([3, 4], 2)), weights=WEIGHT_LIST)
X2 = array(normal((1, 5), 2), length=False)
HUBER = choice("huber", "squared")
target("multilayer_network.output", net=NET, x=X2)
target("multilayer_network.risk", net=NET, x=X2, y=Y, loss=HUBER)
target("multilayer_network.gradients", net=NET, x=X2, y=Y, loss=HUBER)
RATES = number((0.1, 1.0), low=0.0).but(bads=(constant("text"), constant(-1.0), constant([1.0]), constant(np.nan), constant(lambda t: np.nan),
                                              constant(lambda t: "text"), constant(1j)))  # fmt: skip
target("multilayer_network.train", net=NET, x=X2, y=Y, epsilon=number((0.05, 0.2), low=0.0, open_low=True), times=times(low=0.0),
       batch=integer((1, 3), low=1).or_none(), rates=RATES, loss=HUBER, rng=seed(),
       observe=function((lambda net: net.widths,)).or_none())  # fmt: skip

FIRST = function((lambda c: np.column_stack([np.cos(c), c]),), lambda c: None, lambda c: "text", lambda c: 1.0,
                 lambda c: np.full((len(c), 2), np.nan))  # fmt: skip
INNER = Kind(lambda rng, _: [lambda a, b: a * b], (constant((lambda a, b: 1.0,)),),
             (constant(None), constant([]), constant(3), constant([None]), constant([lambda a, b: None]),
              constant([lambda a, b: np.nan * a * b]), constant("ab")))  # fmt: skip
LAST = function((np.sin, lambda c: 1.0), lambda c: None, lambda c: "text", lambda c: np.nan * c, lambda c: np.ones(77))
target("neuronal_embedding.Embedding", first=FIRST, inner=INNER, last=LAST, activations=ACTIVATIONS, noise=number((0.0, 1.0), low=0.0))


def _embedding():
    return multilayer.Embedding(lambda c: np.column_stack([np.cos(c), c]), [lambda a, b: a * b], np.sin)


EMBEDDING = instance(_embedding, words=("embedding", "first", "inner", "last"))
POINTS = Kind(lambda rng, _: [rng.random(3), rng.random(2)], (constant([[0.0], [1.0]]), constant([[0.5, 0.5], [0, 1]])),
              (constant(None), constant(3), constant("text"), constant([]), constant([[0.5]]), constant([[2.0], [0.5]]),
               constant([[np.nan], [0.5]]), constant([[], []]), constant([None, None])))  # fmt: skip
target("neuronal_embedding.Embedding.hidden", self_=EMBEDDING)
target("neuronal_embedding.Embedding.at", self_=EMBEDDING, points=POINTS)
target("neuronal_embedding.Embedding.sample", self_=EMBEDDING, widths=WIDTHS, rng=seed())
target("neuronal_embedding.Embedding.quadrature", self_=EMBEDDING, nodes=integer((2, 9), low=2))
target("neuronal_limit.limit", embedding=EMBEDDING, x=X2, y=Y, times=times(end=0.3, most=2), loss=HUBER, nodes=integer((10, 12), low=4))


def _limit():
    return neuronal_limit.limit(_embedding(), [[0.5, 1.0], [1.0, 0.2]], [1.0, 0.0], [0.0, 0.2], nodes=12)


THE_LIMIT = instance(_limit, words=("limit", "i", "neurons"))
NEURONS = instance(lambda: _embedding().sample([3, 4]), edges=(lambda: _embedding().at([[0.1], [0.3]]),))
INDEX = integer((0, 1), low=0, bads=(2, 10**9))
target("neuronal_limit.Limit.weights", self_=THE_LIMIT, i=INDEX, neurons=NEURONS)
target("neuronal_limit.distance", limit=THE_LIMIT, i=INDEX, neurons=NEURONS.but(edges=()),
       network=instance(lambda: _embedding().sample([3, 4]).network))  # fmt: skip
