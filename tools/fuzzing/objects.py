"""The package's own objects as arguments: networks, grids, laws."""

import numpy as np
from scipy import stats

from fuzzing.kinds import ALIEN, Kind, Opaque, constant
from kinetic import Grid, Grid2D, SimResNet, activations

NET_WORDS = ("net", "w", "b", "activation", "sigma")
EXTREME_WEIGHTS = (0.0, 1e-300, -1e-160, 1e8, 1e150, 1e300, -1e300, 5e-324)
EXTREME_BIASES = (0.0, 1e-300, 1e8, -1e150, 1e300)


def custom(name="cubic"):
    """An activation of NumPy alone."""
    return activations.custom(lambda u: np.sin(u) + u / 2.0, name=name)


def nets(*names, d=1, functions=True, scale=1.0, bad_names=()):
    """Networks of one dimension with one of the activations; of another one they are wrong."""

    def parameters(rng):
        if d == 1:
            return float(rng.normal(0.0, scale)), float(rng.normal(0.0, scale))
        return rng.normal(0.0, scale, (d, d)), rng.normal(0.0, scale, d)

    def good(rng, drawn):
        name = names[rng.integers(len(names))]
        name = {"custom": custom, "sigma_n": lambda: activations.sigma_n(0.5, 1.0)}.get(
            name, lambda: name
        )()
        w, b = parameters(rng)
        if functions and rng.random() < 0.2:
            return SimResNet(name, lambda t: w * np.cos(t), lambda t: b * (1.0 + 0.1 * t))
        return SimResNet(name, w, b)

    def extreme(rng, value):
        w, b = parameters(rng)
        if rng.random() < 0.7:
            w = w * 0.0 + rng.choice(EXTREME_WEIGHTS)
        if rng.random() < 0.5:
            b = b * 0.0 + rng.choice(EXTREME_BIASES)
        if functions and rng.random() < 0.2:
            return SimResNet(value.activation, lambda t: w, b)
        return SimResNet(value.activation, w, b)

    def breaking(rng, value):
        w, b = parameters(rng)
        last = [np.nan, np.inf, "text", np.ones((7, 7)), None][rng.integers(5)]
        return SimResNet(value.activation, lambda t: w if t == 0.0 else last, b)

    def other_dimension(rng, value):
        n = 2 if d == 1 else 1
        return SimResNet("identity", np.eye(n), np.zeros(n))

    wrong = [*ALIEN, constant(3.0), other_dimension, constant(SimResNet, "class SimResNet")]
    if not functions:
        wrong.append(
            lambda rng, value: SimResNet(
                value.activation, lambda t: parameters(rng)[0], parameters(rng)[1]
            )
        )
    wrong += [lambda rng, value, name=name: SimResNet(name, *parameters(rng)) for name in bad_names]
    edges = (extreme, extreme, breaking) if functions else (extreme,)
    return Kind(good, edges, tuple(wrong), NET_WORDS)


ALL = ("identity", "relu", "sigmoid", "tanh", "gcu", "custom")
"""Without sigma_n, whose flow leaves float64 in finite time."""
NET = nets(*ALL)
NET_OR_PLANE = NET.but(bads=tuple(bad for bad in NET.bads if "other" not in bad.__name__))
"""As an argument of what takes networks of any dimension."""
NET_SMOOTH = nets("identity", "sigmoid", "tanh", "gcu", bad_names=("relu",))
NET_CONSTANT = nets(*ALL, functions=False)
PLANE = nets("identity", "relu", "sigmoid", "tanh", "gcu", d=2)
LINEAR = nets("identity", bad_names=("tanh", "relu"))
LINEAR_CONSTANT = nets("identity", functions=False, bad_names=("tanh", "relu"))


def _grid(rng, drawn):
    left = rng.uniform(-11.0, -8.0)
    return Grid(float(left), float(rng.uniform(8.0, 11.0)), int(rng.integers(40, 80)))


GRID = Kind(
    _grid,
    (
        constant(Grid(-8.0, 8.0, 5)),
        constant(Grid(1e3, 1e3 + 1.0, 20)),
        constant(Grid(-1e300, 1e300, 20)),
        constant(Grid(0.0, 1e-300, 20)),
        constant(Grid(-1e8, 1e8, 30)),
        constant(Grid(0, 6, 33)),
    ),
    (
        *ALIEN,
        constant(3.0),
        constant((0.0, 1.0, 9)),
        constant(Grid2D(Grid(0, 1, 5), Grid(0, 1, 5))),
    ),
    ("grid", "cells", "dx"),
)


def _plane_grid(rng, drawn):
    sizes = rng.integers(8, 14, 2)
    return Grid2D(Grid(-6.0, 6.0, int(sizes[0])), Grid(-5.0, 7.0, int(sizes[1])))


GRID_2D = Kind(
    _plane_grid,
    (
        constant(Grid2D(Grid(-6, 6, 5), Grid(-6, 6, 5))),
        constant(Grid2D(Grid(-1e300, 1e300, 9), Grid(-6, 6, 9))),
        constant(Grid2D(Grid(0.0, 1e-300, 9), Grid(-6, 6, 9))),
        constant(Grid2D(Grid(-1e140, 1e140, 9), Grid(-1e140, 1e140, 9))),
    ),
    (*ALIEN, constant(3.0), constant(Grid(0.0, 1.0, 9))),
    ("grid", "cells"),
)


class Broken:
    """A law whose methods return what they should not."""

    def __init__(self, result, only=("pdf", "cdf", "ppf", "rvs")):
        self.result = result
        for name in only:
            setattr(self, name, self._answer)

    def _answer(self, x=None, **_):
        given = self.result(np.asarray(x, dtype=float)) if callable(self.result) else self.result
        return given

    def support(self):
        """Of no use."""
        return self.result, self.result

    def __repr__(self):
        return f"Broken({self.result!r})"


BROKEN = (
    Broken(np.nan),
    Broken(lambda x: np.full(x.shape, np.nan)),
    Broken(lambda x: np.ones((3, 7))),
    Broken("text"),
    Broken(None),
    Broken(lambda x: np.full(x.shape, 1j)),
    Broken(lambda x: np.full(x.shape, -1.0)),
    Broken(lambda x: np.full(x.shape, np.inf)),
)
"""Laws that any function which evaluates them must refuse."""

GOOD_LAWS = (
    stats.norm(0.3, 0.8),
    stats.uniform(-2.0, 4.0),
    stats.logistic(0.0, 0.3),
    stats.gamma(3.0, -2.0, 0.4),
)
EXTREME_LAWS = (
    stats.norm(0.0, 1e-9),
    stats.norm(1e300, 1.0),
    stats.norm(0.0, 1e200),
    stats.cauchy(),
    stats.uniform(0.0, 1e-300),
    stats.beta(0.5, 0.5),
    stats.pareto(0.5),
    stats.norm(1e8, 1e-8),
)


def laws(*good, edges=EXTREME_LAWS, bads=(), words=()):
    """One-dimensional laws with pdf, cdf and ppf."""
    good = good or GOOD_LAWS
    wrong = (*ALIEN[:-1], constant(3.0), *map(constant, BROKEN), *bads)
    return Kind(
        lambda rng, _: good[rng.integers(len(good))], tuple(map(constant, edges)), wrong, words
    )


LAW = laws()
UNUSED_LAW = LAW.but(bads=tuple(bad for bad in LAW.bads if "Broken" not in bad.__name__))
"""As an argument of what only keeps the law: what it returns is seen later."""

DENSITY_VALUES = constant(lambda x: np.full(np.shape(x), np.nan), "density nan")
INITIAL = LAW.but(
    good=lambda rng, drawn: (
        (lambda x: np.exp(-(x**2) / 2.0) / np.sqrt(2.0 * np.pi))
        if rng.random() < 0.2
        else GOOD_LAWS[rng.integers(len(GOOD_LAWS))]
    ),
    edges=(*LAW.edges, lambda rng, _: rng.random(5), constant(np.ones(50)), constant(np.zeros(50))),
    bads=(
        *LAW.bads,
        DENSITY_VALUES,
        constant([np.nan] * 50),
        constant(np.ones((2, 2))),
        constant(lambda x: -np.ones(np.shape(x)), "negative density"),
        constant(lambda x: 1.0, "scalar density"),
        constant("no argument"),
    ),
)
"""Initial laws as the solvers take them: a law, a density, or cell averages."""


def plane_density(x, y):
    """A normal density."""
    return np.exp(-(x**2 + y**2) / 2.0) / (2.0 * np.pi)


PLANE_LAWS = (stats.multivariate_normal([0.3, -0.2], [[1.0, 0.3], [0.3, 0.8]]), plane_density)
PLANE_LAW = Kind(
    lambda rng, _: PLANE_LAWS[rng.integers(2)],
    (
        constant(stats.multivariate_normal([1e8, 0.0])),
        constant(stats.multivariate_normal([0, 0], 1e-18)),
    ),
    (
        *ALIEN,
        constant(3.0),
        constant(Opaque()),
        *map(constant, BROKEN[:5]),
        constant(lambda x, y: np.full(np.shape(x), np.nan), "nan in the plane"),
        constant(lambda x, y: 1.0, "scalar"),
    ),
)
