"""Targets: optimal control of residual networks, and autoencoders."""

import numpy as np
from scipy import stats

from fuzzing.kinds import Kind, array, choice, constant, instance, integer, normal, number, seed
from fuzzing.objects import BROKEN
from fuzzing.registry import results, target
from kinetic import Grid, control_density, control_layers
from kinetic.active_coordinates import AutoencODE

results(
    "control_layers.Passes",
    "control_layers.Minimum",
    "shooting.Shooting",
    "control_density.DensityPasses",
    "autoencode_training.Trained",
    "reconstruction.CostGradient",
    "reconstruction.Sweep",
)
LAM, T = number((0.1, 1.0), low=0.0, open_low=True), number((0.5, 1.0), low=0.0, open_low=True)
SMOOTH = choice("tanh", "sigmoid", "identity", bads=("relu",))


def _masses(rng, drawn):
    values = rng.uniform(0.1, 1.0, len(drawn["x"]))
    return values / values.sum()


MASSES = array(_masses, bads=(lambda rng, v: 2.0 * v, lambda rng, v: -v))
target(
    "control_layers.Problem",
    x=array(normal((1, 5)), length=False),
    y=array(lambda rng, a: rng.standard_normal(np.shape(a["x"]))),
    lam=LAM,
    T=T,
    activation=SMOOTH,
    masses=MASSES.or_none(),
)
PROBLEM = instance(
    *(
        lambda name=name: control_layers.Problem([0.3, -1.0, 2.0], [1.0, -1.0, 1.0], 0.3, 1.0, name)
        for name in ("tanh", "sigmoid", "identity")
    ),
    edges=(
        lambda: control_layers.Problem([0.0], [0.0], 1e-300, 1e-300),
        lambda: control_layers.Problem([1e300], [-1e300], 1e300, 1e300),
        lambda: control_layers.Problem([1e8], [-1e8], 1e-8, 10.0),
    ),
    words=("problem", "theta", "lam", "activation"),
)
THETA = array(normal((1, 5)), length=False)
target("control_layers.Problem.tag", self_=PROBLEM)
for name in ("cost", "gradient", "hessian", "passes"):
    target(f"control_layers.{name}", problem=PROBLEM, theta=THETA)
MOST = integer((30, 60), low=1, edges=(1,))
TOL = number((1e-6, 1e-3), low=0.0, open_low=True, extremes=(1e-300, 1e300))
ADJOINT = choice("discrete", "continuous", edges=(Grid(-6, 6, 60), Grid(-1e-3, 1e-3, 5)))
target(
    "control_layers.minimize",
    problem=PROBLEM,
    theta=THETA,
    tol=TOL,
    most_iterations=MOST,
    raises=(RuntimeError,),
)
STATE = array(normal(3))
target(
    "shooting.hamiltonian",
    problem=PROBLEM,
    u=array(normal((1, 3)), any_shape=True),
    x=STATE,
    p=STATE,
)
target("shooting.shooting_step", problem=PROBLEM, theta=THETA, adjoint=ADJOINT)
target("shooting.shooting_derivative", problem=PROBLEM, theta=THETA)
DAMPING = number((0.3, 1.0), low=0.0, open_low=True, high=1.0)
target(
    "shooting.shoot",
    problem=PROBLEM,
    theta=THETA,
    adjoint=ADJOINT,
    damping=DAMPING,
    tol=TOL,
    most_iterations=MOST,
    raises=(RuntimeError,),
)

LAWS = (stats.uniform(-2.0, 1.0), stats.uniform(0.5, 1.0))
target(
    "control_density.Clusters",
    laws=Kind(
        lambda rng, _: list(LAWS),
        (constant(LAWS),),
        (
            constant(None),
            constant(3),
            constant("ab"),
            constant([]),
            constant([stats.norm(), stats.norm()]),
            constant([None, None]),
            *(constant([b, b]) for b in BROKEN),
        ),
    ),
    labels=array(normal(2)),
    masses=array(lambda rng, _: np.array([0.25, 0.75]), bads=(lambda rng, v: 2.0 * v,)).or_none(),
)
CLUSTERS = instance(
    lambda: control_density.Clusters(LAWS, [1.0, -1.0]),
    lambda: control_density.Clusters(LAWS, [1.0, -1.0], [0.25, 0.75]),
    words=("clusters", "M"),
)
target(
    "control_density.Clusters.sample",
    self_=CLUSTERS,
    M=integer((1, 5), low=1),
    rng=seed(),
    prepare=lambda rng, a: a | {"M": 4 * a["M"]},
)
target("control_density.Clusters.quadrature", self_=CLUSTERS, nodes=integer((1, 9), low=1))
WIDE = Kind(
    lambda rng, _: Grid(-9.0, 9.0, int(rng.integers(30, 40))),
    (constant(Grid(-1, 1, 20)), constant(Grid(-1e300, 1e300, 20))),
    (constant(None), constant("text"), constant(3.0)),
    ("grid",),
)
SHORT_THETA = array(normal((1, 2)), length=False)
target(
    "control_density.passes",
    clusters=CLUSTERS,
    theta=SHORT_THETA,
    grid=WIDE,
    lam=LAM,
    T=T,
    activation=SMOOTH,
)
target(
    "control_density.shoot",
    clusters=CLUSTERS,
    theta=SHORT_THETA,
    grid=WIDE,
    lam=LAM.but(good=lambda rng, _: 5.0),
    T=T,
    activation=SMOOTH,
    damping=DAMPING,
    tol=TOL.but(good=lambda rng, _: 0.05),
    most_iterations=integer((1, 3), low=1),
    raises=(RuntimeError,),
)

ACTIVE = Kind(
    lambda rng, _: None,
    (constant([[0, 1, 2], [0], [0, 1, 2]]), constant(np.array([[0], [0], [0]]))),
    (
        constant("text"),
        constant(3),
        constant([[0, 1], [2], [0]]),
        constant([[0, 0], [0], [0]]),
        constant([[7], [7], [7]]),
        constant([[0.5], [0.5], [0.5]]),
        constant([[], [], []]),
        constant([None, None, None]),
        constant([[-1], [-1], [-1]]),
    ),
)
target(
    "active_coordinates.AutoencODE",
    dimension=integer((2, 5), low=1),
    latent=integer((1, 2), low=1),
    layers=integer((3, 3), low=1),
    depth=number((0.5, 2.0), low=0.0, open_low=True),
    active=ACTIVE,
    deactivation=choice("project", "freeze"),
    activation=choice("tanh", "identity", bads=("relu",)),
)
MODEL = instance(
    *(
        lambda how=how, name=name: AutoencODE(3, 1, 3, 1.0, None, how, name)
        for how in ("project", "freeze")
        for name in ("tanh", "identity")
    ),
    edges=(
        lambda: AutoencODE(1, 1, 1),
        lambda: AutoencODE(3, 3, 2, 1e300),
        lambda: AutoencODE(3, 1, 3, 1e-300),
    ),
    words=("model", "theta", "x", "z"),
)
for prop in ("widths", "bottleneck", "step", "size", "tag"):
    target(f"active_coordinates.AutoencODE.{prop}", self_=MODEL)
OWN_THETA = array(normal(lambda a: a["self"].size))
MODEL_THETA = array(normal(lambda a: a["model"].size))
target("active_coordinates.AutoencODE.parameters", self_=MODEL, theta=OWN_THETA)
target("active_coordinates.AutoencODE.checked", self_=MODEL, theta=OWN_THETA)
target(
    "active_coordinates.AutoencODE.initial",
    self_=MODEL,
    scale=number((0.0, 1.0), low=0.0),
    rng=seed(),
)
SAMPLES = array(normal((1, 5), lambda a: a["model"].dimension), length=False)
for name in ("forward", "encode", "sweep"):
    target(f"reconstruction.{name}", model=MODEL, theta=MODEL_THETA, x=SAMPLES)
target(
    "reconstruction.decode",
    model=MODEL,
    theta=MODEL_THETA,
    z=array(normal((1, 5), lambda a: a["model"].latent), length=False),
)
CHANCES = MASSES.or_none()
target("reconstruction.loss", model=MODEL, theta=MODEL_THETA, x=SAMPLES, probabilities=CHANCES)
target(
    "reconstruction.cost", model=MODEL, theta=MODEL_THETA, x=SAMPLES, lam=LAM, probabilities=CHANCES
)
target(
    "reconstruction.gradient",
    model=MODEL,
    theta=MODEL_THETA,
    x=SAMPLES,
    lam=LAM,
    probabilities=CHANCES,
)
target(
    "autoencode_training.train",
    model=MODEL,
    x=SAMPLES,
    lam=LAM,
    method=choice("lbfgs", "adam", "descent", "hamiltonian"),
    theta=MODEL_THETA.or_none(),
    probabilities=CHANCES,
    iterations=integer((1, 5), low=1),
    tolerance=TOL,
    learning_rate=number((0.01, 0.1), low=0.0, open_low=True),
    batch=integer((1, 3), low=1).or_none(),
    tau=number((0.1, 1.0), low=0.0, open_low=True),
    rng=seed(),
)
