"""Targets: grids, finite volumes, the mean-field equation, distances."""

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
    normal,
    number,
    times,
)
from fuzzing.objects import (
    GOOD_LAWS,
    GRID,
    GRID_2D,
    INITIAL,
    LAW,
    NET,
    NET_OR_PLANE,
    laws,
)
from fuzzing.registry import results, target
from fuzzing.targets_network import ANY, LEVELS
from kinetic import Grid, Grid2D, SimResNet, mean_field
from kinetic.grid import CellLaw

results(
    "distances.Estimate",
    "finite_volume.Transport",
    "finite_volume_2d.Transport2D",
    "mean_field.Solution",
    "mean_field_2d.Solution2D",
)
target(
    "grid.Grid", left=number((-3.0, 0.0)), right=number((0.1, 3.0)), cells=integer((5, 60), low=5)
)
A_GRID = instance(
    lambda: Grid(-2.0, 3.0, 17),
    lambda: Grid(0, 1, 5),
    words=("grid",),
    edges=(
        lambda: Grid(1e16, 2e16, 9),
        lambda: Grid(0.0, 1e-300, 9),
        lambda: Grid(-8e307, 8e307, 9),
    ),
)
POWER = number((1.0, 4.0), low=1.0, infinite=True)
FUNCTIONS = (np.cos, np.tanh, lambda x: x * 0.0 + 1.0)
WRONG_FUNCTIONS = (
    lambda x: np.full(np.shape(x), np.nan),
    lambda x: np.full(np.shape(x), np.inf),
    lambda x: 1.0,
    lambda x: "text",
    lambda x: None,
    lambda x: np.ones(3),
    lambda x: np.full(np.shape(x), 1j),
)
for prop in ("dx", "faces", "centers"):
    target(f"grid.Grid.{prop}", self_=A_GRID)
target("grid.Grid.average", self_=A_GRID, function=function(FUNCTIONS, *WRONG_FUNCTIONS))
CELLS = array(normal(lambda a: a["self"].cells))
target("grid.Grid.norm", self_=A_GRID, averages=CELLS, p=POWER)


def _masses(rng, drawn):
    grid = drawn["grid"]
    values = rng.random(grid.cells)
    return values / (values.sum() * grid.dx)


target(
    "grid.CellLaw",
    grid=GRID,
    averages=array(_masses, bads=(lambda rng, v: v * 2.0, lambda rng, v: -v)),
)
CELL_LAW = instance(
    lambda: CellLaw(Grid(-2.0, 2.0, 8), np.full(8, 0.25)),
    lambda: CellLaw(Grid(0.0, 1.0, 5), np.array([0.0, 2.0, 0.0, 0.0, 3.0])),
)
target("grid.CellLaw.breakpoints", self_=CELL_LAW)
target("grid.CellLaw.pdf", self_=CELL_LAW, x=ANY)
target("grid.CellLaw.cdf", self_=CELL_LAW, x=ANY)
target("grid.CellLaw.ppf", self_=CELL_LAW, q=LEVELS)

SIDE = GRID.but(bads=(*GRID.bads[:-1], constant(9)))
target("grid_2d.Grid2D", x=SIDE, y=SIDE)
A_PLANE = instance(
    lambda: Grid2D(Grid(-2.0, 3.0, 7), Grid(0.0, 1.0, 6)),
    words=("grid",),
    edges=(
        lambda: Grid2D(Grid(0.0, 1e-140, 9), Grid(0.0, 1e-140, 9)),
        lambda: Grid2D(Grid(-1e150, 1e150, 9), Grid(-1e150, 1e150, 9)),
    ),
)
target("grid_2d.Grid2D.points_on_faces", self_=A_PLANE, count=integer((1, 5), low=1))
for prop in ("shape", "area", "centers", "face_points"):
    target(f"grid_2d.Grid2D.{prop}", self_=A_PLANE)
target(
    "grid_2d.Grid2D.average",
    self_=A_PLANE,
    function=function(
        (lambda x, y: np.cos(x + y),),
        lambda x, y: np.full(x.shape, np.nan),
        lambda x, y: 1.0,
        lambda x, y: "text",
        lambda x, y: 1j * x,
    ),
)
target(
    "grid_2d.Grid2D.norm",
    self_=A_PLANE,
    averages=array(lambda rng, a: rng.standard_normal(a["self"].shape)),
    p=POWER,
)

CFL = number((0.2, 0.45), low=0.0, open_low=True, high=1.0, extremes=(1e-300, 1.0))
CFL_2D = CFL.but(bads=(*CFL.bads, constant(0.51)))
BOUNDARY = choice("no-flux", "open")
ORDER = Kind(
    lambda rng, _: int(rng.choice([3, 5])),
    (constant(np.int8(5)),),
    (*integer((3, 3), low=3).bads, constant(4), constant(6)),
)
THREADS = integer((1, 3), low=1).or_none()


def _positive(shape):
    return lambda rng, a: rng.uniform(0.1, 1.0, shape(a))


POSITIVE = array(
    _positive(lambda a: a["grid"].cells),
    bads=(lambda rng, v: v * 0.0, lambda rng, v: v - 10.0),
)


def _velocities(rng, drawn):
    n = drawn["grid"].cells + 1
    a = rng.standard_normal(n)
    return (lambda t: a * np.cos(t)) if rng.random() < 0.2 else a


BAD_VELOCITY = (
    lambda t: np.nan,
    lambda t: "text",
    lambda t: np.ones(3),
    lambda t: None,
)
VELOCITY = array(_velocities, bads=tuple(map(constant, BAD_VELOCITY)))
target(
    "finite_volume.weight_floor",
    averages=array(
        lambda rng, _: rng.random(9),
        length=False,
        any_shape=True,
        bads=(constant(np.zeros(4)), constant([])),
    ),
    order=ORDER,
)
target(
    "finite_volume.reconstruct",
    averages=array(normal((5, 9)), length=False),
    epsilon=number((1e-8, 1.0), low=0.0, open_low=True),
    order=ORDER,
)
target(
    "finite_volume.transport",
    grid=GRID,
    averages=POSITIVE,
    velocity=VELOCITY,
    times=times(end=0.3, most=3, least=2),
    boundary=BOUNDARY,
    cfl=CFL,
    order=ORDER,
    threads=THREADS,
)

POSITIVE_2D = array(
    _positive(lambda a: a["grid"].shape), bads=(lambda rng, v: v * 0.0, lambda rng, v: v - 9.0)
)


def _plane_velocities(rng, drawn):
    nx, ny = drawn["grid"].shape
    k = 2 if drawn["order"] == 3 else 3
    pair = rng.standard_normal((k, nx + 1, ny)), rng.standard_normal((k, nx, ny + 1))
    return (lambda t, u: pair) if rng.random() < 0.2 else pair


PAIR = Kind(
    _plane_velocities,
    (
        lambda rng, v: [1e300 * np.ones(np.shape(part)) for part in v],
        lambda rng, v: [0.0 * part for part in v],
        lambda rng, v: [part.tolist() for part in v],
    ),
    (
        constant(None),
        constant(3.0),
        constant("ab"),
        constant((1.0, 2.0)),
        constant(np.ones(7)),
        lambda rng, v: (v[0], v[0]),
        lambda rng, v: (v[0] * np.nan, v[1]),
        lambda rng, v: v[:1],
        constant(lambda t, u: None),
        constant(lambda t, u: (np.nan, 1.0)),
    ),
)
target(
    "finite_volume_2d.weight_floor",
    averages=array(
        lambda rng, _: rng.random((5, 6)),
        length=False,
        any_shape=True,
        bads=(constant(np.zeros((4, 4))),),
    ),
    order=ORDER,
)
target(
    "finite_volume_2d.reconstruct",
    averages=array(normal((5, 7), (5, 7)), length=False),
    epsilon=number((1e-8, 1.0), low=0.0, open_low=True),
    order=ORDER,
)
target(
    "finite_volume_2d.transport",
    grid=GRID_2D,
    averages=POSITIVE_2D,
    order=ORDER,
    required=("order",),
    velocity=PAIR,
    times=times(end=0.2, most=3, least=2),
    boundary=BOUNDARY,
    cfl=CFL_2D,
    threads=THREADS,
)

target(
    "mean_field.solve",
    net=NET_OR_PLANE,
    g0=INITIAL,
    grid=GRID,
    times=times(end=0.5, most=3),
    boundary=BOUNDARY,
    cfl=CFL,
    normalize=flag(),
    order=ORDER,
    threads=THREADS,
    infinite=("lipschitz",),
)
target(
    "mean_field.stability_factor",
    net=NET,
    t=number((0.0, 2.0), low=0.0),
    as_printed=flag(),
    infinite=("",),
)
K = integer((0, 4), low=0, edges=(30,))


def _solution(boundary="no-flux", **options):
    return mean_field.solve(
        SimResNet("tanh", 1.0, -0.5),
        stats.norm(),
        Grid(-8, 8, 40),
        [0.0, 0.5, 1.0],
        boundary=boundary,
        **options,
    )


SOLUTION = instance(_solution, lambda: _solution("open"))
for prop in ("mass", "mean", "variance"):
    target(f"mean_field.Solution.{prop}", self_=SOLUTION)
target("mean_field.Solution.moment", self_=SOLUTION, k=K)
target(
    "mean_field.Solution.law",
    self_=SOLUTION,
    i=integer((0, 2), low=-3, edges=(-1,), bads=(3, 10**9)),
)


def _solution_2d():
    net = SimResNet("tanh", np.array([[0.5, -1.0], [0.7, 0.2]]), [0.1, 0.2])
    grid = Grid2D(Grid(-6, 6, 9), Grid(-6, 6, 9))
    return mean_field.solve(
        net, stats.multivariate_normal([0, 0]), grid, [0.0, 0.2], normalize=True
    )


SOLUTION_2D = instance(_solution_2d)
for prop in ("mass", "mean", "covariance"):
    target(f"mean_field_2d.Solution2D.{prop}", self_=SOLUTION_2D)
target("mean_field_2d.Solution2D.moment", self_=SOLUTION_2D, p=K, q=K)
target("mean_field_2d.Solution2D.distance_to", self_=SOLUTION_2D, point=array(normal(2)))

target(
    "balance_law.solve",
    grid=GRID,
    order=ORDER,
    averages=array(lambda rng, a: rng.standard_normal(a["grid"].cells)),
    times=times(end=0.1, most=3, least=2),
    velocity=VELOCITY.or_none(),
    flux=function(
        lambda u, t, x: u**2 / 2.0, lambda u, t, x: "text", lambda u, t, x: u * np.nan
    ).or_none(),
    speed=function(lambda u, t, x: u, lambda u, t, x: "text", lambda u, t, x: u * np.nan).or_none(),
    diffusion=array(
        lambda rng, a: rng.uniform(0.0, 0.1),
        empty=False,
        any_shape=True,
        bads=(constant(-1.0), constant(np.ones(3))),
    ),
    source=function(
        lambda u, t, x: -u, lambda u, t, x: "text", lambda u, t, x: u * np.nan
    ).or_none(),
    boundary=BOUNDARY,
    cfl=CFL,
    prepare=lambda rng, a: _one_flux(rng, a),
    required=("velocity", "flux", "speed"),
)


def _one_flux(rng, arguments):
    if rng.random() < 0.5:
        arguments["flux"] = arguments["speed"] = None
        if arguments["velocity"] is None:
            arguments["velocity"] = np.ones(arguments["grid"].cells + 1)
    else:
        arguments["velocity"] = None
        arguments["flux"], arguments["speed"] = lambda u, t, x: u**2 / 2.0, lambda u, t, x: u
    return arguments


LAWS_AND_SAMPLES = laws().but(
    good=lambda rng, _: (
        GOOD_LAWS[rng.integers(len(GOOD_LAWS))]
        if rng.random() < 0.1
        else rng.standard_normal(int(rng.integers(1, 30)))
    ),
    edges=(*LAW.edges, *ANY.edges, constant([1.0]), constant([1e308, -1e308])),
    bads=(*ANY.bads, constant([]), constant(np.ones((2, 2, 2))), constant(3.0)),
)
target("distances.wasserstein", a=LAWS_AND_SAMPLES, b=LAWS_AND_SAMPLES)
POINTS = array(normal((1, 40), 2), length=False)
target(
    "distances.estimate",
    a=POINTS,
    b=POINTS,
    clusters=integer((2, 20), low=2, edges=(4096,), bads=(4097,)),
)
