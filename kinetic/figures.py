"""The book's matplotlib style, and a check of what a figure draws.

Pictures differ between machines by fonts and anti-aliasing, so their bytes prove nothing. What a
figure draws does not differ: `record` turns a figure into JSON (per axes the labels, limits and
scales, per artist its data, label, colours and line styles), `compare` lists where two records
part, and `use` makes IPython store the record beside every picture, under the type `MIME`.
"""

import math
import sys
from importlib.resources import as_file, files
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from kinetic import _validate
from kinetic._record import record

__all__ = ["MIME", "RTOL", "compare", "record", "use"]

MIME = "application/vnd.kinetic.figure+json"
RTOL = 1e-6
ROUNDING = 1e-13  # what dimensionless numbers of order one may lose to rounding; never reported


def use():
    """Set the book's style; within IPython also store a record beside every figure shown.

    Outside IPython only the style is set, so a script may call it too.
    """
    with as_file(files("kinetic").joinpath("book.mplstyle")) as path:
        style.use(path)
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return
    if "inline" in mpl.get_backend():
        import matplotlib_inline.backend_inline  # noqa: F401  registers formatters of its own, once

        shell.display_formatter.formatters["image/png"].for_type(Figure, _png)
    # The bundle formatter, because changing the inline formats empties every other one.
    shell.display_formatter.mimebundle_formatter.for_type(Figure, lambda fig: {MIME: record(fig)})


def _png(fig):
    """Draw at twice the resolution; only the width is fixed, so that narrow pages can shrink it."""
    from IPython.core.pylabtools import retina_figure

    drawn = retina_figure(fig, base64=True, metadata={"Software": None})
    return drawn and (drawn[0], {"width": drawn[1]["width"]})


def compare(reference, test, *, rtol=RTOL, atol=None):
    """List where two records differ by more than a tolerance.

    Parameters
    ----------
    reference, test : dict
        What `record` returned.
    rtol : float
        Largest deviation accepted, relative to the number and to the range of its array.
    atol : float, optional
        Largest deviation accepted besides, instead of `rtol` times the range of the array. On a
        logarithmic axis, where small numbers show as well as large ones, the range plays no part.

    Returns
    -------
    list of str
        One sentence a deviation, naming axes, artist and the largest deviation; empty if none.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    for name, given in (("reference", reference), ("test", test)):
        if not isinstance(given, dict) or not isinstance(given.get("axes"), list):
            raise TypeError(f"{name} must be the record of a figure; got {given!r:.80}")
    within = _Tolerance(*_validate.tolerances(rtol, atol))
    old, new = reference["axes"], test["axes"]
    found = _differences("figure", reference, test, within)
    if len(old) != len(new):
        return [*found, f"figure: {len(new)} axes instead of {len(old)}"]
    for index, (one, other) in enumerate(zip(old, new, strict=True)):
        labels = [f"{k}: '{one[f'{k} label']}'" for k in "xy" if one[f"{k} label"]]
        name = f"axes {index}" + (f" ({', '.join(labels)})" if labels else "")
        log = "".join(k for k in "xy" if one[f"{k} scale"] == "log")
        found += _differences(name, one, other, within, log)
        found += _artist_differences(name, one["artists"], other["artists"], within, log)
    return found


class _Tolerance(NamedTuple):
    rtol: float
    atol: float | None

    def accepted(self, numbers, span, logarithmic):
        atol = self.atol
        if atol is None:
            atol = ROUNDING if logarithmic else self.rtol * span + ROUNDING
        return self.rtol * np.abs(numbers) + atol


def _artist_differences(name, old, new, within, log):
    found = []
    old, new = _by_kind(old), _by_kind(new)
    for kind in dict.fromkeys([*old, *new]):
        ours, theirs = old.get(kind, []), new.get(kind, [])
        if len(ours) != len(theirs):
            counts = [f"{len(group)} ({_labels(group)})" for group in (theirs, ours)]
            found.append(f"{name}, {kind}: {counts[0]} instead of {counts[1]}")
            continue
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            label = f" '{one['label']}'" if one["label"] else ""
            found += _differences(f"{name}, {kind} {index}{label}", one, other, within, log)
    return found


def _by_kind(artists):
    groups = {}
    for artist in artists:
        groups.setdefault(artist["kind"], []).append(artist)
    return groups


def _labels(artists):
    return ", ".join(f"'{a['label']}'" if a["label"] else "no label" for a in artists) or "none"


def _differences(name, old, new, within, log=""):
    """Compare the entries of a figure, of axes or of an artist; `log` names the log axes."""
    found = []
    for key in dict.fromkeys([*old, *new]):
        one, other = old.get(key), new.get(key)
        if key in ("axes", "artists") or one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            where = old.get("x") if key == "y" else None
            message = _deviation(one, other, within, key[0] in log, where)
            found += [f"{name}: {key} {message}"] if message else []
        else:
            found.append(f"{name}: {key} is {other!r} instead of {one!r}")
    return found


def _deviation(old, new, within, logarithmic, where):
    """Describe the largest deviation of a stored array, or return None if all are accepted."""
    if old["shape"] != new["shape"]:
        return f"has shape {new['shape']} instead of {old['shape']}"
    low, high = _extent(old)
    for part in [part for part in ("values", "means", "range") if part in old]:
        a, b = _parse(old[part]), _parse(new[part])
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(invalid="ignore"):
            excess = np.abs(b - a) / within.accepted(a, high - low, logarithmic)
        excess = np.where(same, 0.0, np.nan_to_num(excess, nan=np.inf))
        if excess.max(initial=0.0) > 1:
            at = int(excess.argmax())
            return _sentence(part, at, a, b, high - low, old["shape"], where)
    if old.get("finite") != new.get("finite"):
        return f"has {new['finite']} finite numbers instead of {old['finite']}"
    return None


def _sentence(part, at, a, b, span, shape, where):
    size = math.prod(shape)
    step = size / len(a)
    place = {
        "values": f"point {int(at * step)} of {size}",
        "means": f"the mean of points {int(at * step)} to {int((at + 1) * step) - 1} of {size}",
        "range": f"the {('smallest', 'largest')[at % 2]} of {size} points",
    }[part]
    if part == "values" and where and where["shape"] == shape:
        place += f" (x = {_parse(where['values'])[at]:.6g})"
    deviation = abs(b[at] - a[at])
    share = f" ({deviation / span:.2g} of its range)" if span else ""
    return f"off by up to {deviation:.3g}{share} at {place}: {b[at]:.9g} instead of {a[at]:.9g}"


def _extent(stored):
    numbers = _parse(stored.get("range", stored["values"]))
    finite = numbers[np.isfinite(numbers)]
    return (finite.min(), finite.max()) if finite.size else (0.0, 0.0)


def _parse(text):
    return np.array(text.split(), dtype=float)
