"""Tables of the long runs, made from the records in ``_records`` that the runs have left.

The directive ``run-record`` takes one of the names

``mutation``   `make mutation`: changes of the package and how many the tests notice
``fuzz``       `make fuzz`: random calls of the public functions and how they end
``scale``      `make scale`: a billion particles on workers of which one is killed
``first_use``  `make first-figure`: seconds to the first result and the first figures
"""

import json
from pathlib import Path

from docutils import nodes
from evidence import table
from sphinx.util.docutils import SphinxDirective


def mutation(record):
    """Return one table: a line a group of mutants."""
    low, high = record["interval_95"]
    rows = [
        ("possible changes", f"{record['mutants_in_all']:,}"),
        ("modules", f"{record['modules_in_all']}"),
        ("tried, at random, each module with its share", f"{record['sampled']:,}"),
        ("noticed by a failing test", f"{record['killed_by_a_failing_test']:,}"),
        ("noticed by an endless test", f"{record['killed_by_the_limit']:,}"),
        ("not noticed", f"{record['sampled'] - record['killed']:,}"),
        ("share noticed", f"{record['score']:.1%}"),
        ("95 per cent interval for all changes", f"{low:.1%} to {high:.1%}"),
    ]
    return [table(("Changes of the source", "Number"), *rows)]


def fuzz(record):
    """Return one table: a line a verdict."""
    rows = [("calls", f"{record['calls']:,}"), ("functions and classes", f"{record['targets']}")]
    rows += [(f"... {verdict}", f"{count:,}") for verdict, count in record["verdicts"].items()]
    for key, value in record.items():
        if key.startswith("findings ") and key != "findings by target":
            rows.append((key, "; ".join(value) if isinstance(value, list) else f"{value}"))
    return [table(("Random calls", "Number"), *rows)]


def scale(record):
    """Return one table: a line a run of the same problem."""
    rows = [
        (
            run["name"], f"{run['seconds']:.1f}", f"{run['particles_per_second'] / 1e6:.1f}",
            f"{run['losses'] + run.get('workers_replaced', 0)}",
            f"{run['restored']:,}", f"{run['damaged']}", "yes" if run["equal"] else "no",
        )
        for run in record["runs"]
    ]  # fmt: skip
    head = (
        "Run", "Seconds", "Million particles a second", "Workers lost", "Particles restored",
        "Files damaged", "Equal",
    )  # fmt: skip
    return [table(head, *rows), nodes.paragraph("", "", *_said(record))]


def _said(record):
    law = record["exact_law"]
    yield nodes.Text(
        f"{record['particles']:,} particles, {record['cores']} cores. Against the exact law: the "
        f"mean is off by {law['mean_in_standard_errors']:.2f} standard errors, the variance by "
        f"{law['variance_in_standard_errors']:.2f}; the histogram has the p-value "
        f"{law['chi_squared_p_value']:.2f}."
    )


def first_use(record):
    """Return two tables: the first result in a script, and the first figure of each chapter."""
    result, figures = record["first_result"], record["first_figure"]
    rows = [(name, f"{seconds:.2f}") for name, seconds in result.items()]
    rows.append(("together", f"{sum(result.values()):.2f}"))
    chapters = sorted(figures.items(), key=lambda item: -item[1])
    return [
        table(("First result in a script, kernels cached", "Seconds"), *rows),
        table(
            ("First figure of a chapter, caches empty", "Seconds"),
            *((name, f"{seconds:.1f}") for name, seconds in chapters),
        ),
    ]


RECORDS = {made.__name__: made for made in (mutation, fuzz, scale, first_use)}


class RunRecord(SphinxDirective):
    """The record of a long run as a table."""

    required_arguments = 1

    def run(self):
        """Read the record, note that the page depends on it, and return the nodes."""
        name = self.arguments[0]
        if name not in RECORDS:
            raise self.error(f"run-record takes one of {', '.join(RECORDS)}; got {name!r}")
        path = Path(self.env.srcdir, "_records", f"{name}.json")
        self.env.note_dependency(str(path))
        if not path.exists():
            return [nodes.paragraph("", f"There is no record of this run: {path.name} is missing.")]
        return RECORDS[name](json.loads(path.read_text("utf-8")))


def setup(app):
    """Connect the extension to Sphinx."""
    app.add_directive("run-record", RunRecord)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
