"""The table of claims as HTML, from what `kinetic.claims` stores."""

import re
from html import escape

MARKS = {
    "reproduced": "✓",
    "reproduced with a correction": "≈",
    "not reproducible as printed": "✗",
}
STYLE = """\
<style>
.kinetic-claims {width: 100%; border-collapse: collapse; font-size: 0.9em; text-align: left}
.kinetic-claims th, .kinetic-claims td {padding: 0.5em 0.8em 0.5em 0; vertical-align: top;
  text-align: left; white-space: normal; background: none; color: inherit; border: 0;
  border-bottom: 1px solid rgba(128, 128, 128, 0.4)}
.kinetic-claims small {display: block; opacity: 0.85}
.kinetic-claims .number {font-variant-numeric: tabular-nums}
.kinetic-claims .number span {display: block}
@media (max-width: 40em) {
  .kinetic-claims thead {display: none}
  .kinetic-claims tr, .kinetic-claims td {display: block; width: auto}
  .kinetic-claims td {border: 0; padding: 0.1em 0}
  .kinetic-claims tr {padding: 0.6em 0; border-bottom: 1px solid rgba(128, 128, 128, 0.4)}
  .kinetic-claims td[data-label]::before {content: attr(data-label) ": "; opacity: 0.85}
  .kinetic-claims .number span {display: inline; margin-right: 0.8em}
}
</style>
"""


def html(records):
    """Render stored claims, of one chapter or of several, as an HTML table.

    Parameters
    ----------
    records : sequence of dict
        The entries of ``claims`` in what a table stores under the type `MIME`.

    Returns
    -------
    str
        Follows the colours of the page; on narrow screens each claim becomes a block.
    """
    heads = ("The paper states", "Computed", "Stated", "Deviation", "Verdict")
    head = "".join(f'<th scope="col">{head}</th>' for head in heads)
    body = "\n".join(_row(record) for record in records)
    return (
        f'{STYLE}<table class="kinetic-claims">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>"
    )


def _row(record):
    checks = [record["printed"], *([record["corrected"]] if record["corrected"] else [])]
    words = ("as printed ", "as corrected ") if record["corrected"] else ("",)
    computed = [f"{w}{_format(c['computed'])}" for w, c in zip(words, checks, strict=True)]
    stated = []
    for check in checks:
        margin = f" ± {_format(check['tolerance'])}" if check["tolerance"] else ""
        sign = "" if check["relation"] == "=" else check["relation"] + " "
        stated.append(f"{sign}{_format(check['stated'])}{margin}")
    deviations = [_format(check["deviation"]) for check in checks]
    note = record["correction"] or record["failure"]
    note = f"<small>{_words(note)}</small>" if note else ""
    return (
        f'<tr><td class="mathjax_process"><strong>{_words(record["name"])}</strong> '
        f"({_words(record['source'])})<br>{_words(record['statement'])}{note}</td>"
        f'<td class="number" data-label="Computed">{_lines(computed)}</td>'
        f'<td class="number" data-label="Stated">{_lines(stated)}</td>'
        f'<td class="number" data-label="Deviation">{_lines(deviations)}</td>'
        f'<td data-label="Verdict">{MARKS[record["verdict"]]} {record["verdict"]}</td></tr>'
    )


def _lines(texts):
    return "".join(f"<span>{text}</span>" for text in texts)


def _format(number):
    return f"{float(number):.4g}".replace("-", "−").replace("inf", "∞")


def _words(text):
    """Escape a text, with mathematics between dollars in the delimiters of MathJax."""
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", escape(text))
