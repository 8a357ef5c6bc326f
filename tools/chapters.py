"""What a chapter must be: its normal form, its structure, and when its outputs have changed.

The notebook tests and `make notebooks` share these rules, so that neither accepts what the other
refuses.
"""

import difflib
import hashlib
import re
from pathlib import Path

import nbformat
from nbval.plugin import coalesce_streams, comment_markers, metadata_tags

from kinetic import claims, figures

BOOK = Path(__file__).resolve().parent.parent / "book"
LINES = 15  # of a code cell

# The paper's figures in the sections that the book has, and the chapters that draw them.
PAPER_FIGURES = {
    "1": "moment_experiments",
    "2": "moment_experiments",
    "3": "classification",
    "4": "classification",
    "5": "regression",
    "6": "regression",
    "7": "forward_training",
    "8": "forward_training",
    "9": "fit_gaussian",
}

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
NOTEBOOK_KEYS = ("html_meta", "kinetic", "mystnb", "orphan")
CELL_KEYS = ("kinetic", "mystnb", "tags")
OPTIONS = ("atol", "paper_figure", "reason", "rtol")


def paths(names=(), book=BOOK):
    """Return the chapters of a folder in alphabetic order, or those named.

    Parameters
    ----------
    names : sequence of str
        Each a chapter's name ("scheme") or the path of a notebook.

    Raises
    ------
    FileNotFoundError
        If a name belongs to no chapter.
    """
    found = sorted(book.glob("*.ipynb"))
    if not names:
        return found
    known = {path.stem: path for path in found}
    wanted = [known.get(name, Path(name)) for name in names]
    for path in wanted:
        if path.suffix != ".ipynb" or not path.exists():
            raise FileNotFoundError(f"no chapter '{path}'; there are {', '.join(known) or 'none'}")
    return wanted


# ----------------------------------------------------------------------------------- normal form


def normalized(notebook):
    """Return a copy of a notebook without what changes from run to run or editor to editor."""
    notebook = nbformat.from_dict(notebook)
    kept = {key: notebook.metadata[key] for key in NOTEBOOK_KEYS if key in notebook.metadata}
    notebook.metadata = {**kept, "kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    used, count = set(), 0
    for position, cell in enumerate(notebook.cells):
        cell.metadata = {key: cell.metadata[key] for key in CELL_KEYS if key in cell.metadata}
        cell.source = cell.source.rstrip()
        digest = hashlib.sha256(f"{position} {cell.source}".encode()).hexdigest()[:8]
        cell.id = digest if cell.get("id") in used or not cell.get("id") else cell.id
        used.add(cell.id)
        if cell.cell_type == "code":
            cell.outputs = [_normalized_output(output) for output in coalesce_streams(cell.outputs)]
            if cell.execution_count is not None:
                count += 1
                cell.execution_count = count
                for output in cell.outputs:
                    if output.output_type == "execute_result":
                        output.execution_count = count
    return nbformat.from_dict(notebook)


def _normalized_output(output):
    output = nbformat.from_dict(output)
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]  # without the paths of a machine
    if "metadata" in output:
        output.metadata = {k: v for k, v in output.metadata.items() if k.startswith("image/")}
    if "data" in output:
        output.data = {k: v for k, v in output.data.items() if "jupyter.widget" not in k}
    return output


def text(notebook):
    """Return the file of a notebook in normal form."""
    return nbformat.writes(normalized(notebook)).rstrip("\n") + "\n"


# --------------------------------------------------------------------------------------- outputs


def tolerance(cell):
    """Return the tolerances that a cell states for its figures and claims, as keywords."""
    options = cell.metadata.get("kinetic", {})
    return {key: options[key] for key in ("rtol", "atol") if key in options}


def output_differences(reference, test, **within):
    """List where the outputs of a cell differ from its stored ones.

    Records of figures and claims are compared with a tolerance, images not at all, everything
    else exactly.

    Parameters
    ----------
    reference, test : list of outputs
        The stored outputs and the ones just made.
    **within
        Tolerances ``rtol`` and ``atol`` of `kinetic.figures.compare`.

    Returns
    -------
    list of str
        One entry a difference; empty if there is none.
    """
    reference, test = coalesce_streams(list(reference)), coalesce_streams(list(test))
    if [_kind(output) for output in reference] != [_kind(output) for output in test]:
        stored, made = (", ".join(map(_kind, outputs)) or "none" for outputs in (reference, test))
        return [f"outputs are {made} instead of {stored}", *_texts(test)]
    found = []
    for old, new in zip(reference, test, strict=True):
        old, new = _content(old), _content(new)
        for key in old:
            if key == figures.MIME:
                found += figures.compare(old[key], new[key], **within)
            elif key == claims.MIME:
                found += claims.compare(old[key], new[key], **within)
            elif old[key] != new[key]:
                found.append(f"{key} differs:\n{_diff(old[key], new[key])}")
    return found


def _kind(output):
    if output.output_type == "stream":
        return output.name
    return "+".join(sorted(output.get("data", {"error": ""})))


def _content(output):
    """Return what of an output is compared, by kind."""
    if output.output_type == "stream":
        return {output.name: output.text}
    if output.output_type == "error":
        return {"error": f"{output.ename}: {output.evalue}"}
    if claims.MIME in output.data:
        return {claims.MIME: output.data[claims.MIME]}
    return {key: value for key, value in output.data.items() if not key.startswith("image/")}


def _diff(old, new):
    lines = [str(value).splitlines() for value in (old, new)]
    return "\n".join(difflib.unified_diff(*lines, "stored", "made now", lineterm=""))


def _texts(outputs):
    return [f"{_kind(o)}: {o.text.rstrip()}" for o in outputs if o.output_type == "stream"]


# ------------------------------------------------------------------------------------- structure


def problems(chapters, paper_figures=PAPER_FIGURES):
    """List what the chapters lack, by name of the chapter and number of the code cell.

    Parameters
    ----------
    chapters : dict of str to notebook
        All chapters by name, with their stored outputs.
    paper_figures : dict of str to str
        The chapter which must draw each figure of the paper.

    Returns
    -------
    list of str
        One sentence a problem; empty if there is none.
    """
    found, names, drawn = [], {}, {}
    for chapter, notebook in chapters.items():
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for index, cell in enumerate(cells):
            where = f"{chapter}, code cell {index}"
            found += [f"{where} {problem}" for problem in cell_problems(cell)]
            name = _figure(cell).get("name")
            if name in names:
                found.append(f"{where}: the figure's name '{name}' is that of {names[name]}")
            if name:
                names[name] = where
            number = cell.metadata.get("kinetic", {}).get("paper_figure")
            if number is not None and _records(cell, figures.MIME):
                drawn[number] = chapter
            elif number is not None:
                found.append(f"{where} declares figure {number} of the paper, but draws none")
        if not cells or not _records(cells[-1], claims.MIME):
            found.append(f"{chapter}: the last code cell shows no claims")
    for number, chapter in paper_figures.items():
        if drawn.pop(number, None) != chapter:
            found.append(f"{chapter}: no cell draws figure {number} of the paper")
    found += [f"{c}: figure {n} of the paper is not in PAPER_FIGURES" for n, c in drawn.items()]
    return found


def cell_problems(cell):
    """List what one code cell lacks, as `problems` does."""
    options = cell.metadata.get("kinetic", {})
    figure, alt = _figure(cell), cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
    unknown = sorted(set(options) - set(OPTIONS))
    tight = {"rtol": figures.RTOL, "atol": 0.0}
    loose = [key for key, value in tight.items() if options.get(key, value) > value]
    reason = str(options.get("reason", "")).strip()
    lines = len(cell.source.splitlines())
    ignored = _markers(cell)
    records, images = len(_records(cell, figures.MIME)), _images(cell)
    stored = {output.get("name", output.output_type) for output in cell.outputs}
    found = [
        ("was never run", cell.execution_count is None),
        (f"has {lines} lines; accepted are {LINES}", lines > LINES),
        (f"has unknown options {unknown}; accepted are {list(OPTIONS)}", unknown),
        (f"ignores its output by {', '.join(ignored)} without a reason", ignored and not reason),
        (f"loosens {' and '.join(loose)} without a reason", loose and not reason),
        ("wrote to standard error", "stderr" in stored),
        ("stores an error", "error" in stored and not ignored),
        ("shows an image without the record of its figure", images > records),
        ("shows more than one figure", records > 1),
        ("shows a figure without caption", records and not figure.get("caption")),
        ("shows a figure without name", records and not figure.get("name")),
        ("shows a figure without alternative text", records and not alt),
    ]
    return [problem for problem, is_so in found if is_so]


def _markers(cell):
    """Return what in a cell makes its output be ignored."""
    comments = re.findall(r"^\s*#\s*(\w+)\s*$", cell.source, re.MULTILINE)
    magics = re.findall(r"^\s*%%(capture|script|bash|sh)\b", cell.source, re.MULTILINE)
    tags = [tag for tag in cell.metadata.get("tags", []) if tag in metadata_tags]
    return [*tags, *(c for c in comments if c in comment_markers), *(f"%%{m}" for m in magics)]


def _figure(cell):
    return cell.metadata.get("mystnb", {}).get("figure", {})


def _records(cell, mime):
    return [output.data[mime] for output in cell.outputs if mime in output.get("data", {})]


def _images(cell):
    kinds = [kind for output in cell.outputs for kind in output.get("data", {})]
    return sum(kind.startswith("image/") for kind in kinds)
