"""One random call of a target, and what is to be said of its outcome."""

import copy
import dataclasses
import re
import traceback
import warnings
import zlib

import numpy as np

MODES = ("good", "edge", "bad", "mixed")
SHARES = (0.25, 0.25, 0.35, 0.15)
ACCEPTED = (ValueError, TypeError, FloatingPointError)
FOLLOWED = (
    "must",
    "and",
    "or",
    "has",
    "needs",
    "is",
    "to",
    "in",
    "of",
    "at",
    "fit",
    "depends",
    "from",
)
DEEPEST = 6


@dataclasses.dataclass(frozen=True)
class Case:
    """A random call: the arguments, and which of them were made wrong."""

    target: object
    seed: int
    mode: str
    arguments: dict
    wrong: tuple
    changes: tuple

    def __str__(self):
        shown = ", ".join(f"{k}={_short(v)}" for k, v in self.arguments.items())
        changed = (
            f" [{self.mode}: {', '.join(self.changes)}]" if self.changes else f" [{self.mode}]"
        )
        return f"{self.target.name}({shown}){changed}"


def _short(value):
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} without repr: {error}>"
    text = " ".join(text.split())
    return text if len(text) <= 120 else text[:117] + "..."


def draw(target, seed):
    """The case of that seed."""
    rng = np.random.default_rng([zlib.crc32(target.name.encode()), seed])
    mode = str(rng.choice(MODES, p=SHARES))
    arguments = {}
    for name, kind in target.kinds.items():
        arguments[name] = kind.good(rng, arguments)
    if target.prepare:
        arguments = target.prepare(rng, arguments)
    kinds = target.kinds
    wrong, changes = (), []
    if mode == "edge":
        for name in _some(rng, [n for n in arguments if kinds[n].edges], 1, 3):
            _change(rng, kinds[name].edges, arguments, name, changes)
    elif mode in ("bad", "mixed"):
        breakable = [n for n in arguments if n != "self" and kinds[n].bads]
        names = _some(rng, breakable, *((1, 1) if mode == "bad" else (2, 3)))
        wrong = tuple(n for n in names if _change(rng, kinds[n].bads, arguments, n, changes))
    if not changes:
        mode = "good"
    for name in sorted(target.optional):
        if name not in wrong and rng.random() < 0.5:
            del arguments[name]
    return Case(target, seed, mode, arguments, wrong, tuple(changes))


def _some(rng, names, least, most):
    count = min(len(names), int(rng.integers(least, most + 1)))
    return [str(name) for name in rng.choice(names, count, replace=False)] if count else []


def _change(rng, ways, arguments, name, changes):
    """Whether a value could be changed in a randomly chosen way."""
    way = ways[rng.integers(len(ways))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            arguments[name] = way(rng, arguments[name])
        except Exception:  # such a value has no such change: the array of a law, the sign of None
            return False
    changes.append(f"{name} {way.__name__}")
    return True


def judge(case):
    """(verdict, detail): verdict "returned" or "refused" is as it should be."""
    arguments = {name: _own(value) for name, value in case.arguments.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = case.target.called(**arguments)
        except Exception as error:
            return _refusal(case, error)
    if case.wrong:
        return "accepted", f"{', '.join(case.wrong)} wrong, and the result is {_short(value)}"
    bad = not_finite(value, case.target.infinite, case.target.nan)
    return ("not finite", bad) if bad else ("returned", "")


def _own(value):
    """Arrays are copied, so that a call cannot change what the next one is given."""
    return copy.copy(value) if type(value) is np.ndarray and value.flags.writeable else value


def _refusal(case, error):
    message = f"{type(error).__name__}: {error}"
    if type(error) in case.target.raises:
        return "refused", message
    if type(error) not in ACCEPTED:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return "other exception", f"{message} ({last.name}, {last.filename}:{last.lineno})"
    possible = case.wrong or tuple(case.target.kinds)
    words = [word for name in possible for word in (name, *case.target.kinds[name].words)]
    if any(names(str(error), word) for word in words):
        return "refused", message
    return "not named", f"{message} (wrong: {', '.join(case.wrong) or 'nothing'})"


def names(message, word):
    """Whether a message names an argument; a single letter only where it is used as a name."""
    found = rf"(?<![\w.]){re.escape(word)}(?!\w)"
    if len(word) == 1:
        used = rf"\s(?:{'|'.join(FOLLOWED)})\b|['=(\[,:;)\]+*/<>|-]|\s[=<>+*/.-]|\s\w\s[+.]|$"
        found += f"(?={used})"
    return re.search(found, message) is not None


def not_finite(value, infinite, nan, path="", depth=0):
    """Where a result is not finite without its documentation saying so; "" if nowhere."""
    field = path.rpartition(".")[2].partition("[")[0]
    if depth > DEEPEST or value is None or isinstance(value, (str, bytes, bool, int)):
        return ""
    if isinstance(value, (float, complex, np.number, np.ndarray)):
        return _of_numbers(np.asarray(value), field in infinite, field in nan, path, infinite, nan)
    if isinstance(value, dict):
        parts = [(f"{path}.{key}", part) for key, part in value.items()]
    elif hasattr(value, "_fields"):
        parts = [(f"{path}.{key}", getattr(value, key)) for key in value._fields]
    elif isinstance(value, (list, tuple, set)):
        parts = [(f"{path}[{i}]", part) for i, part in enumerate(value)]
    elif type(value).__module__.startswith("kinetic"):
        parts = [(f"{path}.{key}", part) for key, part in vars(value).items() if key[0] != "_"]
    else:
        return ""
    found = (not_finite(part, infinite, nan, name, depth + 1) for name, part in parts)
    return next(filter(None, found), "")


def _of_numbers(value, may_be_infinite, may_be_nan, path, infinite, nan):
    if value.dtype == object:
        parts = enumerate(value.flat)
        found = (not_finite(part, infinite, nan, f"{path}[{i}]", DEEPEST) for i, part in parts)
        return next(filter(None, found), "")
    if value.dtype.kind not in "fc":
        return ""
    if np.isnan(value).any() and not may_be_nan:
        return f"result{path} is NaN: {_short(value)}"
    if np.isinf(value).any() and not may_be_infinite:
        return f"result{path} is infinite: {_short(value)}"
    return ""
