"""Targets: activations, networks, their flows, tables and rest points."""

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
    none,
    normal,
    number,
    seed,
    times,
)
from fuzzing.objects import (
    LAW,
    NET,
    NET_CONSTANT,
    NET_OR_PLANE,
    PLANE,
    PLANE_LAW,
    PLANE_LAWS,
    UNUSED_LAW,
    custom,
    laws,
    nets,
)
from fuzzing.registry import results, target
from kinetic import SimResNet, activations, network, push_forward, rest_points

NAMES = ("identity", "relu", "sigmoid", "tanh", "gcu")
ACTIVATION = instance(
    *(lambda name=name: activations.get(name) for name in NAMES),
    custom,
    lambda: activations.sigma_n(0.3, 2.0),
    lambda: activations.sigma_n(0.9, 0.1, form="cited"),
)
ANY = array(normal((0, 4), (1, 3)), any_shape=True)
SHIFTED = array(lambda rng, _: rng.normal(0.0, 3.0, 4), any_shape=True)
INTERVAL = array(
    lambda rng, _: np.sort(rng.uniform(-5.0, 5.0, 2)),
    length=True,
    bads=(constant((2.0, 1.0)), constant((1.0, 1.0)), constant((0.0, np.inf))),
    edges=(constant((-1e300, 1e300)), constant((0.0, 5e-324)), constant((-1e308, 1e308))),
)
RETURNS_NAN = constant(np.nan)
TIME = number((0.0, 1.5), low=0.0)

results(
    "activations.Zeros",
    "activations.Activation",
    "activations.SigmaN",
    "tabulate.EndMap",
    "rest_points.SteadyStates",
    "rest_points.DiracSum",
)

U_OVERFLOWS = ("",)
target("activations.Activation.__call__", self_=ACTIVATION, u=ANY, infinite=("",))
target("activations.Activation.derivative", self_=ACTIVATION, u=ANY, infinite=("",))
target("activations.Activation.zeros", self_=ACTIVATION, interval=INTERVAL)
target(
    "activations.Activation.flow", self_=ACTIVATION, u=ANY, s=number((-2.0, 2.0)), infinite=("",)
)
target(
    "activations.Activation.flow_with_stretch",
    self_=ACTIVATION,
    u=ANY,
    s=number((-2.0, 2.0)),
    infinite=("",),
)
target("activations.SigmaN.rate", self_=instance(lambda: activations.sigma_n(0.3, 2.0)))
target(
    "activations.get",
    infinite=("lipschitz",),
    name=choice(*NAMES, edges=(activations.get("tanh"),)).but(words=("activation",)),
)
target(
    "activations.sigma_n",
    infinite=("lipschitz",),
    delta=number((0.05, 0.95), low=0.0, high=1.0, open_low=True),
    c=number((0.1, 3.0), low=0.0, open_low=True),
    form=choice("printed", "cited"),
)
target(
    "activations.custom",
    infinite=("lipschitz",),
    value=function((np.sin, np.tanh, lambda u: u**3)),
    derivative=function((np.cos,)).or_none(),
    name=choice("mine", "other", edges=("x" * 10_000, "text")).but(
        bads=tuple(map(constant, ("tanh", "sigma_n", "", None, 3, 1j, b"12", ["mine"], {})))
    ),
    lipschitz=number((0.0, 3.0), low=0.0, infinite=True),
)

WEIGHT = array(
    lambda rng, _: rng.normal(0.0, 1.0),
    empty=False,
    any_shape=True,
    bads=(constant([1.0, 2.0]), constant(np.ones((2, 3))), constant(np.zeros((0, 0)))),
)
target(
    "network.SimResNet",
    infinite=("lipschitz",),
    activation=choice(*NAMES, edges=(activations.get("gcu"),)),
    w=WEIGHT.but(edges=(*WEIGHT.edges, constant(lambda t: 1.0))),
    b=WEIGHT.but(
        edges=(*WEIGHT.edges, constant(lambda t: t), constant(np.float32(2.0))),
        bads=(*WEIGHT.bads, constant(lambda t: np.nan)),
    ),
)
ANY_NET = instance(
    *(lambda name=name: SimResNet(name, 0.8, -0.3) for name in NAMES),
    *(
        lambda name=name: SimResNet(name, np.array([[0.5, -1.0], [0.7, 0.2]]), [0.1, 0.2])
        for name in NAMES
    ),
    lambda: SimResNet("tanh", lambda t: np.cos(t), lambda t: t),
    edges=(lambda: SimResNet("identity", 1e300, 1e300), lambda: SimResNet("gcu", 1e200, 1.0)),
)
target("network.SimResNet.parameters", self_=ANY_NET, t=number((0.0, 2.0)))
target(
    "network.SimResNet.velocity",
    self_=ANY_NET,
    x=array(normal(3, lambda a: a["self"].dimension), any_shape=True),
    t=number((0.0, 2.0)),
)

METHOD = choice("euler", "rk4", "exact")
STEP = number((0.02, 0.3), low=0.0, open_low=True)
INPUTS = array(
    lambda rng, a: rng.standard_normal(
        (int(rng.integers(1, 9)), a["net"].dimension)[: 1 if a["net"].dimension == 1 else 2]
    ),
    length=False,
)
EITHER = Kind(
    lambda rng, a: (NET, PLANE)[int(rng.random() < 0.3)].good(rng, a),
    NET.edges,
    NET_OR_PLANE.bads,
    NET.words,
)


def _outside_walls(rng, arguments):
    if arguments["net"].dimension > 1:
        arguments["walls"] = None
    elif arguments["walls"] is not None:
        arguments["x0"] = np.clip(arguments["x0"], *arguments["walls"])
    arguments["step"] = None if arguments["method"] == "exact" else arguments["step"]
    if arguments["walls"] is not None and not arguments["net"].autonomous:
        arguments["walls"] = None
    return arguments


WALLS = array(
    lambda rng, _: np.array([-2.0, 2.0]) * rng.uniform(0.5, 2.0),
    bads=(constant((1.0, 1.0)), constant((1.0, -1.0))),
).or_none()
target(
    "network.propagate",
    net=EITHER,
    x0=INPUTS,
    times=times(),
    method=METHOD,
    step=STEP.but(bads=tuple(bad for bad in STEP.bads if bad is not none)),
    walls=WALLS,
    prepare=_outside_walls,
    required=("method", "step", "walls"),
    out=Kind(
        lambda rng, a: None,
        (constant(None),),
        (constant(np.ones(2)), constant("text"), constant([1.0]), constant(np.ones((3, 3, 3, 3)))),
    ),
    threads=integer((1, 3), low=1).or_none(),
)


def _step_for_layers(rng, arguments):
    if arguments["method"] == "exact":
        arguments["step"] = None
    return arguments


target(
    "network.end_map",
    net=nets("identity", "sigmoid", "tanh"),
    interval=INTERVAL.but(good=lambda rng, _: np.array([-1.0, 2.0]) * rng.uniform(0.5, 1.0)),
    time=number((0.1, 1.0), low=0.0),
    method=METHOD,
    step=STEP,
    walls=array(lambda rng, _: np.array([-2.0, 2.5]), bads=(constant((1.0, -1.0)),)).or_none(),
    prepare=_step_for_layers,
    required=("method", "step"),
)
END_MAP = instance(lambda: network.end_map(SimResNet("tanh", 1.0, -0.5), (-2.0, 2.0), 1.0))
target(
    "tabulate.EndMap.__call__",
    self_=END_MAP,
    x=array(
        lambda rng, _: rng.uniform(-2.0, 2.0, int(rng.integers(1, 9))),
        length=False,
        bads=(constant([3.0]), constant([-2.1, 0.0])),
    ),
    out=Kind(lambda rng, _: None, (), (constant(np.ones(99)), constant("text"), constant([1.0]))),
    threads=integer((1, 3), low=1).or_none(),
)

START = number((-1.0, 1.0))
target("characteristics.flow", net=NET, x=ANY, start=START, end=START, infinite=("",))
target(
    "characteristics.paths",
    infinite=("",),
    net=NET,
    x=array(normal((0, 4)), length=False, empty=False),
    start=number((-1.0, 0.0)),
    times=array(lambda rng, _: rng.uniform(0.1, 1.0, 3), length=False),
)
target(
    "push_forward.PushForward",
    net=NET,
    g0=UNUSED_LAW,
    t=TIME,
    walls=WALLS.but(good=lambda rng, a: None),
    infinite=("walls", "lipschitz"),
)
target(
    "push_forward.PushForwardMany",
    net=PLANE,
    g0=PLANE_LAW.but(
        bads=tuple(b for b in PLANE_LAW.bads[:8] if not b.__name__.startswith("function"))
    ),
    t=TIME,
    infinite=("lipschitz",),
)
target(
    "push_forward.push_forward",
    net=NET_OR_PLANE,
    g0=UNUSED_LAW,
    t=TIME,
    walls=WALLS.but(good=lambda rng, a: None),
    infinite=("walls", "lipschitz"),
)
target(
    "push_forward.exact",
    net=NET_OR_PLANE,
    g0=LAW,
    t=TIME,
    x=array(normal((1, 4), (1, 3)), any_shape=True),
    walls=WALLS.but(good=lambda rng, a: None),
)

PUSHED = instance(
    *(
        lambda name=name, law=law: push_forward.push_forward(SimResNet(name, 0.8, -0.3), law, 0.7)
        for name in NAMES
        for law in (stats.norm(0.3, 0.8), stats.uniform(-2.0, 4.0))
    ),
    lambda: push_forward.push_forward(
        SimResNet("tanh", lambda t: np.cos(t), 0.1), stats.norm(), 1.0
    ),
    lambda: push_forward.push_forward(
        SimResNet("tanh", 1.0, 0.0), stats.uniform(-1, 2), 1.0, (-1.5, 2)
    ),
    edges=(
        lambda: push_forward.push_forward(SimResNet("identity", 300.0, 0.0), stats.norm(), 2.0),
        lambda: push_forward.push_forward(SimResNet("identity", -300.0, 0.0), stats.norm(), 2.0),
        lambda: push_forward.push_forward(SimResNet("tanh", 1e300, 0.0), stats.norm(), 1.0),
    ),
)
LEVELS = array(
    lambda rng, _: rng.uniform(0.01, 0.99, int(rng.integers(1, 5))),
    any_shape=True,
    bads=(constant(1.5), constant([-0.1, 0.5]), constant([0.5, 2.0])),
    extreme=(constant(0.0), constant(1.0), constant([0.0, 1.0]), constant([1e-300, 5e-324])),
)
SIZE = integer((0, 9), low=0, edges=(0, 1))
target("push_forward.PushForward.pdf", self_=PUSHED, x=ANY)
target("push_forward.PushForward.cdf", self_=PUSHED, x=ANY)
target("push_forward.PushForward.ppf", self_=PUSHED, q=LEVELS, infinite=("",))
target("push_forward.PushForward.rvs", self_=PUSHED, size=SIZE, rng=seed())
PUSHED_PLANE = instance(
    *(
        lambda name=name, law=law: push_forward.push_forward(
            SimResNet(name, np.array([[0.5, -1.0], [0.7, 0.2]]), [0.1, 0.2]), law, 0.5
        )
        for name in NAMES
        for law in PLANE_LAWS[:1]
    ),
)
target(
    "push_forward.PushForwardMany.pdf",
    self_=PUSHED_PLANE,
    x=array(normal((1, 4), 2), any_shape=True),
)
target(
    "push_forward.PushForwardMany.rvs", self_=PUSHED_PLANE, size=integer((1, 5), low=0), rng=seed()
)

target(
    "rest_points.steady_states",
    net=NET_CONSTANT.but(bads=tuple(b for b in NET_CONSTANT.bads if "other" not in b.__name__)),
    box=INTERVAL,
    infinite=("lipschitz",),
)
REST = instance(
    lambda: rest_points.steady_states(SimResNet("tanh", 1.0, 0.3), (-6, 6)),
    lambda: rest_points.steady_states(SimResNet("gcu", -1.0, 0.3), (-6, 6)),
    lambda: rest_points.steady_states(SimResNet("identity", -2.0, 0.3), (-6, 6)),
    edges=(
        lambda: rest_points.steady_states(SimResNet("relu", 1.0, 0.3), (-6, 6)),
        lambda: rest_points.steady_states(SimResNet("sigmoid", 1.0, 0.3), (-6, 6)),
        lambda: rest_points.steady_states(SimResNet("tanh", -np.eye(2), [0.1, 0.0]), (-6, 6)),
    ),
)
target("rest_points.SteadyStates.stable", self_=REST)
target("rest_points.SteadyStates.unstable", self_=REST)
INSIDE = laws(stats.uniform(-2.0, 4.0), stats.norm(0.0, 0.5), words=("g0", "basins", "sigma"))
target("rest_points.SteadyStates.weights", self_=REST, g0=INSIDE)
target("rest_points.SteadyStates.limit", self_=REST, g0=INSIDE)
target(
    "rest_points.SteadyStates.shares",
    self_=REST,
    x=array(normal((1, 9)), length=False),
    tolerance=number((0.1, 2.0), low=0.0, open_low=True),
)
DIRACS = instance(lambda: REST.good(np.random.default_rng(0), {}).limit(stats.norm(0, 0.3)))
target("rest_points.DiracSum.cdf", self_=DIRACS, x=ANY)
target("rest_points.DiracSum.ppf", self_=DIRACS, q=LEVELS)
