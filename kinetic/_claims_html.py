"""The table of claims as HTML, from what `kinetic.claims` stores."""

import re
from html import escape

MARKS = {
    "reproduced": "✓",
    "reproduced with a correction": "≈",
    "not reproducible as printed": "✗",
}
HEADS = ("Computed", "Stated", "Deviation")
STYLE = """\
<style>
.kinetic-claims {overflow-x: auto}
.kinetic-claims table {width: 100%; border-collapse: collapse; font-size: 0.9em; margin: 0}
.kinetic-claims tr {background: none}
.kinetic-claims th, .kinetic-claims td {border: 0 !important; background: none; color: inherit;
  padding: 0.15em 0.8em 0.15em 0 !important; text-align: left; vertical-align: baseline;
  font-weight: normal}
.kinetic-claims .number {white-space: nowrap; font-variant-numeric: tabular-nums}
.kinetic-claims tbody {border-top: 1px solid rgba(128, 128, 128, 0.5)}
.kinetic-claims tbody tr:first-child td {padding-top: 0.6em !important}
.kinetic-claims tbody tr:last-child td {padding-bottom: 0.6em !important}
.kinetic-claims small {opacity: 0.85}
</style>
"""


def html(records, ids=None):
    """Render stored claims, of one chapter or of several, as an HTML table.

    Parameters
    ----------
    records : sequence of dict
        The entries of ``claims`` in what a table stores under the type `MIME`.
    ids : sequence of str, optional
        One a claim, for links to it.

    Returns
    -------
    str
        Follows the colours of the page; each claim is a group of rows.
    """
    head = "<td></td>" + "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    targets = [""] * len(records) if ids is None else [f' id="{escape(name)}"' for name in ids]
    body = "\n".join(_claim(*pair) for pair in zip(records, targets, strict=True))
    return (
        f'{STYLE}<div class="kinetic-claims"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"{body}\n</table></div>"
    )


def _claim(record, target):
    name, source, verdict = _words(record["name"]), _words(record["source"]), record["verdict"]
    note = record["correction"] or record["failure"]
    note = f"<br><small>{_words(note)}</small>" if note else ""
    label = "printed" if record["corrected"] or record["failure"] else ""
    rows = [
        _wide(f"<strong>{name}</strong>, {source}: {_words(record['statement'])}"),
        _check(label, record["printed"]),
        _check("corrected", record["corrected"]) if record["corrected"] else "",
        _wide(f"{MARKS[verdict]} <em>{verdict}</em>{note}"),
    ]
    return f"<tbody{target}>\n{''.join(rows)}</tbody>"


def _wide(text):
    return f'<tr><td colspan="4" class="mathjax_process">{text}</td></tr>\n'


def _check(name, check):
    cells = "".join(f'<td class="number">{number}</td>' for number in numbers(check))
    return f'<tr><th scope="row">{name}</th>{cells}</tr>\n'


def numbers(check):
    """Return the computed and the stated number of a stored check and the deviation, as text."""
    margin = f" ± {_format(check['tolerance'])}" if check["tolerance"] else ""
    sign = "" if check["relation"] == "=" else check["relation"] + " "
    stated = f"{sign}{_format(check['stated'])}{margin}"
    return _format(check["computed"]), stated, _format(check["deviation"])


def _format(number):
    return f"{float(number):.4g}".replace("-", "−").replace("inf", "∞")


def _words(text):
    """Escape a text, with mathematics between dollars in the delimiters of MathJax."""
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", escape(text))
