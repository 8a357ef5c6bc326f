"""Targets: data sets, and what judges the book's claims and figures."""

import pathlib
import tempfile

import numpy as np

from fuzzing.kinds import Kind, array, choice, constant, instance, integer, normal, number, seed
from fuzzing.registry import results, target
from fuzzing.targets_network import INTERVAL
from kinetic import claims, figures
from kinetic.datasets import LineLaw

results(
    "datasets.Vehicles",
    "datasets.Measurements",
    "handwriting.Digits",
    "claims.Check",
    "claims.Table",
)
target("datasets.table_1")
target("datasets.lengths", count=integer((1, 20), low=1), rng=seed())
target("datasets.vehicles", count=integer((1, 20), low=1), rng=seed())
target(
    "datasets.regression",
    count=integer((2, 20), low=2),
    interval=INTERVAL,
    slope=number((-2.0, 2.0)),
    intercept=number((-2.0, 2.0)),
    rng=seed(),
)
target(
    "datasets.slopes_and_intercepts",
    position=array(lambda rng, _: np.sort(rng.standard_normal(12))),
    value=array(normal(12)),
    group=integer((2, 4), low=2, bads=(5,)),
    arrangement=choice("spread", "neighbours"),
)
GROUP = integer((2, 4), low=2)
target(
    "datasets.LineLaw",
    interval=INTERVAL,
    group=GROUP,
    slope=number((-2.0, 2.0)),
    intercept=number((-2.0, 2.0)),
)
LINE = instance(
    LineLaw,
    lambda: LineLaw((1.0, 4.0), 3, -1.0, 2.0),
    edges=(
        lambda: LineLaw((0.0, 1e-300)),
        lambda: LineLaw((-1e300, 1e300)),
        lambda: LineLaw((0.0, 1.0), 2, 1e300, 1e300),
    ),
    words=("interval", "x"),
)
for prop in ("mean", "cov"):
    target(f"datasets.LineLaw.{prop}", self_=LINE)
target("datasets.LineLaw.pdf", self_=LINE, x=array(normal((1, 3), 2), any_shape=True))
target("datasets.LineLaw.rvs", self_=LINE, size=integer((0, 9), low=0), random_state=seed())
target("handwriting.digits")
EMPTY = tempfile.gettempdir()
target(
    "handwriting.mnist",
    raises=(FileNotFoundError,),
    folder=choice("/nonexistent/folder", EMPTY, edges=(pathlib.Path(EMPTY), "")).but(
        bads=(
            constant(None),
            constant(3),
            constant(1.5),
            constant([]),
            constant(b"ab"),
            constant("a\0b"),
        )
    ),
    part=choice("train", "test"),
)

COMPUTED = number((0.0, 1.0), infinite=True).but(words=("computed", "tolerance"))
STATED, TOLERANCE = number((0.0, 1.0)), number((0.0, 1.0), low=0.0)
target(
    "claims.close", computed=COMPUTED, stated=STATED, tolerance=TOLERANCE, infinite=("computed",)
)
target(
    "claims.at_most", computed=COMPUTED, bound=STATED, tolerance=TOLERANCE, infinite=("computed",)
)
target(
    "claims.at_least", computed=COMPUTED, bound=STATED, tolerance=TOLERANCE, infinite=("computed",)
)
CHECK = instance(lambda: claims.close(1.0, 1.0, 0.1), lambda: claims.at_most(0.5, 1.0))
FAILING = instance(lambda: claims.close(2.0, 1.0, 0.1))
target("claims.Check.deviation", self_=CHECK)
target("claims.Check.holds", self_=CHECK)
TEXT = choice("Theorem 1", "some text").but(
    bads=(constant(None), constant(3), constant(""), constant("  "), constant([]))
)
CORRECTED = Kind(lambda rng, _: None, (), (constant(3), constant("text")))
WORDS = Kind(lambda rng, _: None, (), (constant(3), constant([1])))
target(
    "claims.Claim",
    name=TEXT,
    statement=TEXT,
    source=TEXT,
    printed=CHECK,
    corrected=CORRECTED,
    correction=WORDS,
    failure=WORDS,
)
CLAIM = instance(
    lambda: claims.Claim("Theorem 1", "it holds", claims.close(1.0, 1.0, 0.1), "Sec. 2")
)
for prop in ("problem", "verdict", "record"):
    target(f"claims.Claim.{prop}", self_=CLAIM)
CLAIMS = Kind(
    lambda rng, d: [CLAIM.good(rng, d)],
    (),
    (constant(None), constant(3), constant([]), constant(["a"]), constant("text")),
    ("table", "claims"),
)
target("claims.table", claims=CLAIMS)


def _stored():
    return {"claims": [CLAIM.good(np.random.default_rng(0), {}).record()]}


STORED = Kind(
    lambda rng, _: _stored(),
    (),
    (constant(None), constant(3), constant("text"), constant({}), constant({"claims": 3})),
)
RTOL = number((0.0, 1e-3), low=0.0)
target("claims.compare", reference=STORED, test=STORED, rtol=RTOL, atol=RTOL.or_none())


def _record():
    import matplotlib.figure

    figure = matplotlib.figure.Figure()
    figure.subplots().plot([0.0, 1.0], [1.0, 2.0])
    return figures.record(figure)


RECORD = instance(_record).but(
    bads=(constant(None), constant(3), constant("text"), constant({}), constant({"axes": 3}))
)
target("figures.compare", reference=RECORD, test=RECORD, rtol=RTOL, atol=RTOL.or_none())
target("figures.use")
