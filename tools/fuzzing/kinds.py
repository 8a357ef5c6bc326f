"""What an argument can be: drawn as accepted, moved to the edge of it, or made wrong.

A kind draws accepted values, given the arguments drawn before it, and holds two lists of
changes of such a value: to one that is extreme or of another form but may be accepted, and to
one that must be refused with an error that names the argument.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Kind:
    """One argument.

    Attributes
    ----------
    good : callable
        ``good(rng, drawn)`` of a generator and a dict of the arguments drawn before.
    edges, bads : tuple of callables
        ``change(rng, value)`` of an accepted value.
    words : tuple of str
        What names the argument in an error, besides its own name: names of its parts.
    """

    good: Callable
    edges: tuple = ()
    bads: tuple = ()
    words: tuple = ()

    def but(self, **changes):
        """The same kind with other attributes."""
        return replace(self, **changes)

    def or_none(self):
        """The kind of an argument that may be None too."""
        good = self.good
        return replace(
            self,
            good=lambda rng, drawn: None if rng.random() < 0.3 else good(rng, drawn),
            edges=tuple(map(_unless_none, self.edges)),
            bads=tuple(_unless_none(bad) for bad in self.bads if bad is not none),
        )


def _unless_none(change):
    return lambda rng, value: object() if value is None else change(rng, value)


class Opaque:
    """Of a type that no function accepts."""

    def __repr__(self):
        return "Opaque()"


def constant(value, name=None):
    """A change to one value, whatever was drawn."""

    def change(rng, old):
        return value

    change.__name__ = name or f"constant {value!r:.40}"
    return change


none = constant(None)
ALIEN = (
    none,
    constant(Opaque(), "opaque"),
    constant("text"),
    constant(b"12"),
    constant(1j),
    constant({}),
    constant(lambda *_, **__: "text", "function of text"),
)
"""Changes to what is neither number, array, choice, network, law nor grid."""

NOT_A_NUMBER = (
    *ALIEN,
    constant([1.0, 2.0]),
    constant(np.ones((2, 2))),
    constant("1.0"),
    constant(np.datetime64("2001-01-01")),
    constant([[1.0], [1.0, 2.0]]),
)
NOT_FINITE = (constant(np.nan), constant(np.inf), constant(-np.inf), constant(10**400))


def _in_form(form):
    def change(rng, value):
        return form(value)

    change.__name__ = f"as {getattr(form, '__name__', form)}"
    return change


def number(good, *, low=None, high=None, open_low=False, extremes=(1e-300, 1e300), infinite=False):
    """A finite real number, within closed bounds unless ``open_low``.

    ``good`` is a pair of ends of what is drawn, or a function of the arguments before.
    """
    bads = [*NOT_A_NUMBER, constant(True)]
    bads += [constant(np.nan)] if infinite else list(NOT_FINITE)
    if low is not None:
        below = -1e300 if low == 0.0 else low - 1.0
        bads += [constant(low if open_low else np.nextafter(low, -np.inf)), constant(below)]
    if high is not None:
        bads += [constant(np.nextafter(high, np.inf)), constant(high + 1e3)]
    ends = [v for v in (low, high) if v is not None]
    edges = [constant(v) for v in (*ends[open_low:], *extremes)]
    edges += [_in_form(form) for form in (np.float32, np.float64, np.longdouble, round)]
    if low is None:
        edges += [constant(0.0), constant(-0.0), _in_form(lambda v: -v)]

    def draw(rng, drawn):
        ends = good(drawn) if callable(good) else good
        return float(rng.uniform(*ends))

    return Kind(draw, tuple(edges), tuple(bads))


def integer(good, *, low, edges=(), bads=()):
    """An integer of at least ``low``, drawn from a range of good ones."""
    wrong = [*NOT_A_NUMBER, *NOT_FINITE[:3], constant(True), constant(low - 1), constant(-(2**70))]
    wrong += [constant(1.5), constant(np.float64(7.0))]
    more = [constant(low), *map(constant, edges)]
    more += [_in_form(form) for form in (np.int8, np.int64, np.uint16)]
    return Kind(
        lambda rng, _: int(rng.integers(*good, endpoint=True)),
        tuple(more),
        tuple(wrong) + tuple(map(constant, bads)),
    )


def choice(*accepted, edges=(), bads=()):
    """One of some strings."""
    wrong = [*ALIEN, constant(3), constant(""), constant([accepted[0]])]
    wrong += [constant(np.array([accepted[0]])), *map(constant, bads)]
    return Kind(
        lambda rng, _: accepted[rng.integers(len(accepted))],
        tuple(map(constant, edges)),
        tuple(wrong),
    )


def flag():
    """True or False."""
    wrong = (constant(np.array([True, False])), constant(np.nan), *ALIEN)
    return Kind(lambda rng, _: bool(rng.integers(2)), (_in_form(np.bool_),), wrong)


def seed():
    """A source of randomness."""
    edges = (
        lambda rng, _: np.random.default_rng(int(rng.integers(9))),
        lambda rng, _: np.random.Generator(np.random.MT19937(3)),
        constant(2**100),
        constant(np.random.SeedSequence(5)),
        constant(np.int8(3)),
    )
    wrong = (constant(-1), constant("seed"), constant(1.5), constant(Opaque()), constant(np.nan))
    return Kind(lambda rng, _: int(rng.integers(2**31)), edges, wrong)


def _with(entry):
    def change(rng, value):
        changed = np.array(value, dtype=float)
        if changed.size == 0 or changed.ndim == 0:
            return entry
        changed.flat[rng.integers(changed.size)] = entry
        return changed

    change.__name__ = f"with {entry}"
    return change


def _scaled(factor):
    def change(rng, value):
        with np.errstate(all="ignore"):
            return np.asarray(value, dtype=float) * factor

    change.__name__ = f"times {factor}"
    return change


def _strided(rng, value):
    value = np.asarray(value)
    if value.ndim == 0:
        return value
    wide = np.repeat(value, 2, axis=-1)
    return wide[..., ::2]


def _read_only(rng, value):
    value = np.array(value)
    value.flags.writeable = False
    return value


def _masked(rng, value):
    value = np.ma.array(value, dtype=float)
    if value.size == 0:
        raise ValueError("nothing to mask")
    return np.ma.masked_where(np.arange(value.size).reshape(value.shape) == 0, value)


def _listed(rng, value):
    return np.asarray(value).tolist()


FORMS = (
    _listed,
    _strided,
    _read_only,
    _in_form(np.asfortranarray),
    _in_form(lambda v: np.asarray(v, dtype=np.float32)),
    _in_form(lambda v: np.asarray(v, dtype=">f8")),
    _in_form(lambda v: np.asarray(v, dtype=np.longdouble)),
    _in_form(lambda v: np.asarray(np.rint(v), dtype=np.int64)),
    _in_form(np.matrix),
    _in_form(np.ma.array),
)
"""The same numbers, or nearly, in another form."""

EXTREME = (
    _scaled(0.0),
    _scaled(-1.0),
    _scaled(1e150),
    _scaled(1e300),
    _scaled(1e-160),
    _scaled(1e-300),
    _with(0.0),
    _with(-1.0),
    _with(1e308),
    _with(-1e308),
    _with(5e-324),
)

NOT_AN_ARRAY = (
    *ALIEN,
    _with(np.nan),
    _with(np.inf),
    _with(-np.inf),
    _masked,
    constant(["a", "b"]),
    constant([[1.0], [1.0, 2.0]]),
    constant([1.0, None]),
    constant(np.array([1j, 2.0])),
    constant(np.array([Opaque()])),
    constant([10**400]),
    constant(np.array(["2001-01-01"], dtype="datetime64[D]")),
    constant([True, False]),
)


def _longer(rng, value):
    value = np.asarray(value, dtype=float)
    return np.concatenate([value, value[:1]]) if value.ndim else np.ones(3)


def _shorter(rng, value):
    return np.asarray(value, dtype=float)[:-1]


def _deeper(rng, value):
    return np.asarray(value, dtype=float)[None, None, ..., None]


def _flattened(rng, value):
    return np.asarray(value, dtype=float).ravel()[:1].reshape(())


def array(good, *, any_shape=False, length=True, empty=True, extreme=EXTREME, bads=(), edges=()):
    """An array of finite numbers.

    ``good(rng, drawn)`` draws it. With ``any_shape`` every shape is accepted, otherwise another
    number of axes is wrong; so is another ``length`` where it must fit something; ``empty`` says
    whether nothing at all is wrong.
    """
    wrong = [*NOT_AN_ARRAY, *bads]
    if not any_shape:
        wrong += [_deeper, _flattened]
        wrong += [_longer, _shorter] if length else []
        wrong += [constant(np.zeros(0)), constant([])] if empty else []
    return Kind(good, (*FORMS, *extreme, *edges), tuple(wrong))


def normal(*shape):
    """Draw an array of normal numbers; a shape's entry may be a function of the arguments."""

    def draw(rng, drawn):
        sizes = [n(drawn) if callable(n) else n for n in shape]
        sizes = [int(n if np.isscalar(n) else rng.integers(*n, endpoint=True)) for n in sizes]
        return rng.standard_normal(sizes)

    return draw


def _equal_times(rng, value):
    value = np.atleast_1d(np.array(value, dtype=float))
    return np.append(value, value[-1])


def _decreasing(rng, value):
    value = np.atleast_1d(np.array(value, dtype=float))
    return np.append(value, value[-1] - 1.0)


def times(*, start=0.0, end=1.0, low=None, most=4, least=1):
    """Increasing times from ``start``; ``low`` is the smallest accepted, if there is one."""

    def draw(rng, drawn):
        inner = np.sort(rng.uniform(start, end, rng.integers(least - 1, most)))
        return np.concatenate([[start], inner])

    wrong = [*NOT_AN_ARRAY, _equal_times, _decreasing, _deeper, constant([]), constant(1j)]
    if low is not None:
        wrong.append(lambda rng, value: np.append(low - 1.0, value))
    edges = [_listed, _strided, _in_form(lambda v: np.asarray(v, dtype=">f8"))]
    edges += [constant([0.0]), constant([0, 1]), constant([0.0, 1e-300]), constant([0.0, 5e-324])]
    edges += [constant([0.0, 1e300]), constant([1e300, 1.1e300]), constant([-1e308, 1e308])]
    edges += [constant([0.0, 1e-9, 1e-3])]
    return Kind(draw, tuple(edges), tuple(wrong))


def function(good, *wrong, edges=()):
    """A function, one of ``good``; each of ``wrong`` returns what it should not."""
    drawn = good if isinstance(good, tuple) else (good,)
    bads = [none, constant(Opaque(), "opaque"), constant("text"), constant(3.0), constant([1.0])]
    bads += map(constant, wrong)
    return Kind(
        lambda rng, _: drawn[rng.integers(len(drawn))], tuple(map(constant, edges)), tuple(bads)
    )


def instance(*makers, edges=(), bads=(), words=()):
    """An object of the package, made by one of ``makers`` once in a process."""
    made = {}

    def good(rng, drawn):
        index = int(rng.integers(len(makers)))
        if index not in made:
            made[index] = makers[index]()
        return made[index]

    late = [lambda rng, value, edge=edge: edge() for edge in edges]
    wrong = [*ALIEN, constant(3.0), constant([1.0]), constant(np.ones(3))]
    wrong += [lambda rng, value, bad=bad: bad() for bad in bads]
    return Kind(good, tuple(late), tuple(wrong), words)
