"""What a figure draws, as JSON: the half of `kinetic.figures` that looks into matplotlib.

Arrays of more than `POINTS` numbers are stored as samples together with the means of the blocks
between them, so that a changed number which is not itself a sample is still noticed.
"""

from functools import singledispatch
from importlib.resources import files
from zlib import crc32

import matplotlib as mpl
import numpy as np
from matplotlib.cbook import flatten
from matplotlib.collections import Collection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.contour import ContourSet
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import AxLine, Line2D
from matplotlib.patches import Patch
from matplotlib.quiver import Quiver
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FixedFormatter

POINTS = 256


def record(fig):
    """Describe what a figure draws, as JSON.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        The figure, with two-dimensional axes.

    Returns
    -------
    dict
        ``style`` (checksum of the style file), ``size`` (inches), ``texts``, ``legends`` and
        ``axes``, a list with the labels, scales and limits of ``x`` and ``y``, ``title``,
        ``legend`` and ``artists``. Arrays are stored as text with 12 digits, which keeps infinite
        and missing values.

    Raises
    ------
    TypeError
        If the figure holds something whose data cannot be recorded, hence not be checked.
    """
    fig.draw_without_rendering()  # settles the limits that depend on the aspect
    style = files("kinetic").joinpath("book.mplstyle").read_text(encoding="utf-8")
    parts = [fig, *fig.subfigs]
    return {
        "style": f"{crc32(style.encode()):08x}",
        "size": fig.get_size_inches().tolist(),
        "texts": [text.get_text() for part in parts for text in part.texts],
        "legends": [_legend(legend) for part in parts for legend in part.legends],
        "axes": [_axes(ax) for ax in _with_insets(fig.axes)],
    }


def _with_insets(axes):
    for ax in axes:
        yield ax
        yield from _with_insets(ax.child_axes)


def _axes(ax):
    if ax.name == "3d":
        raise TypeError("figures.record accepts two-dimensional axes; got three-dimensional ones")
    bars = [container for container in ax.containers if isinstance(container, BarContainer)]
    inside = {id(a): container for container in ax.containers for a in flatten(container)}
    frame = [*ax.spines.values(), ax.xaxis, ax.yaxis, ax.patch, *ax.child_axes, ax.get_legend()]
    frame += [ax.title, ax._left_title, ax._right_title, *(bar for group in bars for bar in group)]
    frame = {id(part) for part in frame}
    artists = [{"label": _label(group), **_bars(group)} for group in bars]
    for artist in (a for a in ax.get_children() if id(a) not in frame):
        label = _label(artist) or _label(inside.get(id(artist), artist))
        artists.append({"label": label, **_artist(artist)})
    return {
        **_axis("x", ax.xaxis),
        **_axis("y", ax.yaxis),
        "shown": [ax.get_visible(), ax.axison],
        "title": [ax.get_title(loc) for loc in ("left", "center", "right")],
        "legend": _legend(ax.get_legend()),
        "artists": artists,
    }


def _axis(name, axis):
    ticks = axis.get_major_formatter()
    return {
        f"{name} label": axis.get_label_text(),
        f"{name} scale": axis.get_scale(),
        f"{name} limits": _numbers(axis.get_view_interval()),
        f"{name} ticks": list(ticks.seq) if isinstance(ticks, FixedFormatter) else None,
    }


def _legend(legend):
    if legend is None:
        return None
    return [legend.get_title().get_text(), *(text.get_text() for text in legend.get_texts())]


def _numbers(values):
    """Store an array of any shape as text: all of it, or samples and block means."""
    values = np.ma.masked_array(values, dtype=float).filled(np.nan)
    flat = values.ravel()
    stored = {"shape": list(values.shape)}
    if flat.size <= POINTS:
        return {**stored, "values": _text(flat)}
    starts = np.arange(POINTS // 2) * flat.size // (POINTS // 2)
    finite = np.isfinite(flat)
    totals = np.add.reduceat(np.where(finite, flat, 0.0), starts)
    extent = flat[finite] if finite.any() else np.zeros(1)
    return {
        **stored,
        "values": _text(flat[starts]),
        "means": _text(totals / np.diff(starts, append=flat.size)),
        "range": _text([extent.min(), extent.max()]),
        "finite": int(finite.sum()),
    }


def _text(numbers):
    return " ".join(f"{number:.12g}" for number in numbers)


def _points(x, y, kind=""):
    return {f"x{kind}": _numbers(x), f"y{kind}": _numbers(y)}


def _color(colors):
    """One colour as a name, several as numbers of shape (n, 4)."""
    rgba = mpl.colors.to_rgba_array(colors)
    return to_hex(rgba[0], keep_alpha=True) if len(rgba) == 1 else _numbers(rgba)


def _label(artist):
    label = str(artist.get_label() or "")
    return "" if label.startswith("_") else label


def _bars(container):
    boxes = [(b.get_x(), b.get_y(), b.get_width(), b.get_height()) for b in container]
    x, y, width, height = np.array(boxes, dtype=float).reshape(-1, 4).T
    data = {**_points(x, y), **_points(width, height, " size")}
    style = {
        "face": _color([bar.get_facecolor() for bar in container]),
        "hatch": [bar.get_hatch() or "" for bar in container],
    }
    return {"kind": "bars", **data, **style}


@singledispatch
def _artist(artist):
    raise TypeError(
        "figures.record accepts lines, collections, contours, quivers, patches, bars, images, "
        f"texts and legends; got {type(artist).__name__}"
    )


@_artist.register
def _(line: Line2D):
    style = {
        name: getattr(line, f"get_{name}")()
        for name in ("linestyle", "linewidth", "drawstyle", "markersize", "alpha", "visible")
    }
    style["marker"] = str(line.get_marker())
    style["color"] = _color(line.get_color())
    style["fill"] = _color(line.get_markerfacecolor())
    data = _points(line.get_xdata(orig=False), line.get_ydata(orig=False))
    if isinstance(line, AxLine):
        slope = np.nan if line.get_slope() is None else line.get_slope()
        data = {**_points(*line.get_xy1()), "slope": _numbers(slope)}
        if line.get_xy2() is not None:
            data |= _points(*line.get_xy2(), " end")
    return {"kind": "line", **data, **style}


@_artist.register
def _(collection: Collection):
    vertices = np.vstack([path.vertices for path in collection.get_paths()] or [np.empty((0, 2))])
    data = _points(*vertices.T)
    return {"kind": type(collection).__name__, **data, **_collection_style(collection)}


@_artist.register
def _(mesh: QuadMesh):
    corners = mesh.get_coordinates()
    data = _points(corners[..., 0], corners[..., 1])
    return {"kind": "mesh", **data, **_collection_style(mesh)}


@_artist.register
def _(quiver: Quiver):
    data = {**_points(quiver.X, quiver.Y), "u": _numbers(quiver.U), "v": _numbers(quiver.V)}
    return {"kind": "quiver", **data, **_collection_style(quiver)}


@_artist.register
def _(contours: ContourSet):
    """Lengths and centres of the level lines: the number of their vertices may hang on rounding."""
    length, x, y = [], [], []
    for path in contours.get_paths():
        lines = path.to_polygons(closed_only=False)
        steps = np.vstack([np.diff(line, axis=0) for line in lines] or [np.empty((0, 2))])
        middles = np.vstack([(line[1:] + line[:-1]) / 2 for line in lines] or [np.empty((0, 2))])
        weights = np.hypot(*steps.T)
        length.append(weights.sum())
        total = weights.sum() or 1.0
        x.append(weights @ middles[:, 0] / total)
        y.append(weights @ middles[:, 1] / total)
    data = {"levels": _numbers(contours.levels), "length": _numbers(length), **_points(x, y)}
    return {"kind": "contours", **data, **_collection_style(contours)}


def _collection_style(collection):
    style = {"hatch": collection.get_hatch(), "visible": collection.get_visible()}
    style["linewidth"] = _numbers(collection.get_linewidth())
    style |= _points(*np.ma.atleast_2d(collection.get_offsets()).T, " offset")
    if hasattr(collection, "get_sizes"):
        style["sizes"] = _numbers(collection.get_sizes())
    if collection.get_array() is not None:
        return {**style, **_mapped(collection)}
    face, edge = _color(collection.get_facecolor()), _color(collection.get_edgecolor())
    return {**style, "face": face, "edge": edge}


def _mapped(artist):
    limits = [np.nan if limit is None else limit for limit in artist.get_clim()]
    norm = type(artist.norm).__name__
    values = {"colours": _numbers(artist.get_array()), "colour limits": _numbers(limits)}
    return {**values, "norm": norm, "map": artist.get_cmap().name}


@_artist.register
def _(patch: Patch):
    vertices = patch.get_path().transformed(patch.get_patch_transform()).vertices
    style = {name: getattr(patch, f"get_{name}")() for name in ("hatch", "linestyle", "visible")}
    colors = {"face": _color(patch.get_facecolor()), "edge": _color(patch.get_edgecolor())}
    return {"kind": type(patch).__name__, **_points(*vertices.T), **style, **colors}


@_artist.register
def _(image: AxesImage):
    style = {"origin": image.origin, "interpolation": image.get_interpolation()}
    return {"kind": "image", "extent": _numbers(image.get_extent()), **style, **_mapped(image)}


@_artist.register
def _(text: Text):
    target = _points(*text.xy, " target") if isinstance(text, Annotation) else {}
    style = {"text": text.get_text(), "color": _color(text.get_color())}
    return {"kind": "text", **_points(*text.get_position()), **target, **style}


@_artist.register
def _(legend: Legend):
    return {"kind": "legend", "texts": _legend(legend)}
