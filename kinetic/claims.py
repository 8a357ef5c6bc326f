"""A chapter's claims: what the paper states, what was computed, and the verdict between them.

A claim is one checked statement of the paper, as printed and, where the print fails, as corrected.
The verdict follows from the numbers; a claim that fails without saying so, or that says so and
holds, raises an error, so that a chapter cannot show a verdict which its run does not support.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import NoneType

from kinetic import _validate
from kinetic._claims_html import MARKS, html

__all__ = [
    "MIME",
    "Check",
    "Claim",
    "Table",
    "at_least",
    "at_most",
    "close",
    "compare",
    "html",
    "table",
]

MIME = "application/vnd.kinetic.claims+json"
RTOL = 1e-6
ROUNDING = 1e-13  # what dimensionless numbers of order one may lose to rounding; never reported

REPRODUCED, CORRECTED, NOT_REPRODUCIBLE = MARKS


@dataclass(frozen=True)
class Check:
    """A computed number beside the stated one; made by `close`, `at_most` or `at_least`."""

    computed: float
    relation: str
    stated: float
    tolerance: float

    @property
    def deviation(self):
        """How far the computed number is from where it should be; 0 if a bound is kept."""
        difference = self.computed - self.stated
        if self.relation == "=":
            return abs(difference)
        return max(difference if self.relation == "≤" else -difference, 0.0)

    @property
    def holds(self):
        """Whether the deviation is within the tolerance."""
        return self.deviation <= self.tolerance

    def __str__(self):
        """Return both numbers in words."""
        margin = f" ± {self.tolerance:.4g}" if self.tolerance else ""
        return f"computed {self.computed:.6g}, stated {self.relation} {self.stated:.6g}{margin}"


def close(computed, stated, tolerance):
    """Check that a computed number is within an absolute tolerance of the stated one.

    Parameters
    ----------
    computed, stated : float
        Dimensionless numbers; `computed` may be infinite (a run that blows up), never NaN.
    tolerance : float
        Largest absolute deviation accepted; finite and not negative.

    Raises
    ------
    TypeError, ValueError
        If one of the three is not such a number.
    """
    return _check(computed, "=", "stated", stated, tolerance)


def at_most(computed, bound, tolerance=0.0):
    """Check that a computed number does not exceed a bound by more than a tolerance.

    Parameters and errors are those of `close`.
    """
    return _check(computed, "≤", "bound", bound, tolerance)


def at_least(computed, bound, tolerance=0.0):
    """Check that a computed number does not fall below a bound by more than a tolerance.

    Parameters and errors are those of `close`.
    """
    return _check(computed, "≥", "bound", bound, tolerance)


def _check(computed, relation, name, stated, tolerance):
    computed, stated = _number("computed", computed), _number(name, stated)
    tolerance = _number("tolerance", tolerance)
    if math.isnan(computed):
        raise ValueError("computed must be a number; got nan, which supports no verdict")
    if not math.isfinite(stated):
        raise ValueError(f"{name} must be a finite number; got {stated}")
    if not 0 <= tolerance < math.inf:
        raise ValueError(f"tolerance must be finite and not negative; got {tolerance}")
    return Check(computed, relation, stated, tolerance)


def _json(number):
    return number if math.isfinite(number) else str(number)


def _number(name, value):
    shape = getattr(value, "shape", ())
    if shape != ():
        raise TypeError(f"{name} must be one number; got an array of shape {shape}")
    if isinstance(value, str | bytes | NoneType) or type(value).__name__ in ("bool", "bool_"):
        raise TypeError(f"{name} must be a number; got {value!r}")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} must be a real number; got {value!r:.80}") from None


@dataclass(frozen=True)
class Claim:
    """A statement of the paper and its check.

    Parameters
    ----------
    name : str
        What is claimed: "Theorem 1", "Fig. 3", "Sec. 4.1".
    statement : str
        The statement in one's own words; mathematics between dollar signs.
    printed : Check
        The check of the statement as it is printed.
    source : str
        Where the paper says so: "Sec. 2.2", "(5)".
    corrected : Check, optional
        The check of the corrected statement, where the print fails.
    correction : str, optional
        What was corrected and why; given together with `corrected`.
    failure : str, optional
        Why the statement cannot be reproduced as printed, where no correction is known.
    """

    name: str
    statement: str
    printed: Check
    source: str
    corrected: Check | None = None
    correction: str | None = None
    failure: str | None = None

    def __post_init__(self):
        """Check the kinds and the combination of the arguments."""
        for field in ("name", "statement", "source"):
            value = getattr(self, field)
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"claim {self.name!r}: {field} must be a text; got {value!r}")
        for field in ("correction", "failure"):
            value = getattr(self, field)
            if not isinstance(value, str | NoneType):
                raise TypeError(f"claim {self.name!r}: {field} must be a text; got {value!r}")
        for field in ("printed", "corrected"):
            value = getattr(self, field)
            if not isinstance(value, Check) and (field == "printed" or value is not None):
                raise TypeError(
                    f"claim {self.name!r}: {field} must come from close, at_most or at_least; "
                    f"got {value!r}"
                )
        if (self.corrected is None) != (not self.correction):
            raise ValueError(f"claim {self.name!r}: corrected and correction belong together")
        if self.corrected is not None and self.failure:
            raise ValueError(f"claim {self.name!r}: either a correction or a failure, not both")

    @property
    def problem(self):
        """Why the numbers do not support what the claim declares, or None if they do."""
        if self.printed.holds:
            if self.corrected is not None or self.failure:
                return f"declared to fail as printed, but it holds: {self.printed}"
            return None
        if self.corrected is not None:
            return None if self.corrected.holds else f"fails as corrected: {self.corrected}"
        return None if self.failure else f"fails as printed: {self.printed}"

    @property
    def verdict(self):
        """What the numbers say: one of the three verdicts.

        Raises
        ------
        AssertionError
            If the numbers do not support what the claim declares.
        """
        if self.problem:
            raise AssertionError(f"claim '{self.name}' ({self.statement}): {self.problem}")
        if self.printed.holds:
            return REPRODUCED
        return CORRECTED if self.corrected is not None else NOT_REPRODUCIBLE

    def record(self):
        """Return the claim with its verdict and deviations as a dict fit for JSON."""
        fields = {**asdict(self), "verdict": self.verdict}
        for key in ("printed", "corrected"):
            check = getattr(self, key)
            if check is not None:
                computed, deviation = _json(check.computed), _json(check.deviation)
                derived = {"computed": computed, "deviation": deviation, "holds": check.holds}
                fields[key] |= derived
        return fields


class Table:
    """The claims of a chapter, shown as a table and stored as JSON under the type `MIME`."""

    def __init__(self, claims):
        self.records = [claim.record() for claim in claims]

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {
            MIME: {"claims": self.records},
            "text/html": html(self.records),
            "text/plain": str(self),
        }

    def __str__(self):
        """Return one line a claim."""
        verdicts = [record["verdict"] for record in self.records]
        names = [f"{record['name']} ({record['source']})" for record in self.records]
        lines = zip(verdicts, names, strict=True)
        return "\n".join(f"{MARKS[verdict]} {name}: {verdict}" for verdict, name in lines)


def table(claims):
    """Judge the claims of a chapter and show them; the last cell of every chapter.

    Parameters
    ----------
    claims : sequence of Claim
        At least one.

    Returns
    -------
    Table
        Displays itself in a notebook.

    Raises
    ------
    AssertionError
        If the numbers do not support what a claim declares; names every such claim.
    """
    listed = isinstance(claims, Sequence) and len(claims) > 0
    if not listed or not all(isinstance(claim, Claim) for claim in claims):
        raise TypeError(f"claims must be a sequence of at least one Claim; got {claims!r:.80}")
    problems = [f"claim '{c.name}' ({c.statement}): {c.problem}" for c in claims if c.problem]
    if problems:
        raise AssertionError("\n".join(problems))
    return Table(claims)


def compare(reference, test, *, rtol=RTOL, atol=None):
    """List where two stored tables of claims differ: words exactly, numbers with a tolerance.

    Parameters
    ----------
    reference, test : dict
        What a table stores under the type `MIME`.
    rtol : float
        Largest deviation accepted, relative to the number and to the tolerance of the claim.
    atol : float, optional
        Largest deviation accepted besides; rounding by default.

    Returns
    -------
    list of str
        One sentence a difference; empty if there is none.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    for name, record in (("reference", reference), ("test", test)):
        if not isinstance(record, dict) or not isinstance(record.get("claims"), list):
            raise TypeError(f"{name} must be a stored table of claims; got {record!r:.80}")
    rtol, atol = _validate.tolerances(rtol, atol)
    old, new = reference["claims"], test["claims"]
    if len(old) != len(new):
        return [f"claims: {len(new)} instead of {len(old)}"]
    slack = ROUNDING if atol is None else atol
    found = []
    for index, (one, other) in enumerate(zip(old, new, strict=True)):
        one, other = _flat(one), _flat(other)
        for key in dict.fromkeys([*one, *other]):
            ours, theirs = one.get(key), other.get(key)
            if ours == theirs or key.endswith("deviation"):
                continue
            if isinstance(ours, float) and isinstance(theirs, float):
                tolerance = one[key.rpartition(" ")[0] + " tolerance"]
                if abs(theirs - ours) <= rtol * (abs(ours) + tolerance) + slack:
                    continue
            found.append(f"claim {index} '{one['name']}': {key} is {theirs!r} instead of {ours!r}")
    return found


def _flat(record):
    """Turn a record with two checks into one level of keys, numbers as float."""
    flat = {key: value for key, value in record.items() if not isinstance(value, dict)}
    for part in ("printed", "corrected"):
        for key, value in (record[part] or {}).items():
            number = key in ("computed", "stated", "tolerance", "deviation")
            flat[f"{part} {key}"] = float(value) if number else value
    return flat
