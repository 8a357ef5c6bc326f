"""What a figure draws is recorded whole, and every visible change of it is found."""

import json

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from kinetic import figures

X = np.linspace(0.0, 5.0, 50)
PLANE = np.meshgrid(np.linspace(0, 1, 30), np.linspace(0, 1, 40))


def drawn(draw, *arguments, **settings):
    """Record the figure that `draw(ax, ...)` draws, as it comes back from a notebook file."""
    fig = Figure()
    ax = fig.subplots()
    draw(ax, *arguments)
    ax.set(**settings)
    return json.loads(json.dumps(figures.record(fig), allow_nan=False))


def curves(ax, factor=1.0, label="energy", color="C1", style="--", second=True):
    ax.plot(X, np.exp(-X), label="mean")
    if second:
        ax.plot(X, factor * np.exp(-2 * X), label=label, color=color, linestyle=style)
    ax.set(xlabel="time", ylabel="moment", ylim=(0, 1.2))


def wave(factor):
    x, y = PLANE
    return factor * np.sin(5 * x) * (y + 0.1)


KINDS = {
    "line": lambda ax, f: ax.plot(X, f * X),
    "PathCollection": lambda ax, f: ax.scatter(X, f * X),
    "PathCollection sizes": lambda ax, f: ax.scatter(X, X, s=f * X),
    "PathCollection colours": lambda ax, f: ax.scatter(X, X, c=f * X),
    "bars": lambda ax, f: ax.bar([1, 2, 3], f * np.array([3, 1, 2]), label="count"),
    "bars of a histogram": lambda ax, f: ax.hist(np.sin(f * X)),
    "Polygon": lambda ax, f: ax.hist(np.sin(f * X), histtype="step"),
    "StepPatch": lambda ax, f: ax.stairs(f * X),
    "fill": lambda ax, f: ax.fill_between(X, f * np.sin(X)),
    "errorbar": lambda ax, f: ax.errorbar(X, X, yerr=f * X, label="spread"),
    "stem": lambda ax, f: ax.stem(X, f * X),
    "mesh": lambda ax, f: ax.pcolormesh(*PLANE, wave(f)),
    "image": lambda ax, f: ax.imshow(wave(f)),
    "contours": lambda ax, f: ax.contour(*PLANE, wave(f), levels=[-0.5, 0.2, 0.7]),
    "contours filled": lambda ax, f: ax.contourf(*PLANE, wave(f), levels=[-2, 0.2, 0.7]),
    "quiver": lambda ax, f: ax.quiver(X, X, f * X, X),
    "line across": lambda ax, f: ax.axhline(f),
    "line with a slope": lambda ax, f: ax.axline((0, 0), slope=f),
    "Rectangle": lambda ax, f: ax.axvspan(0, f),
    "text": lambda ax, f: ax.text(f, 1, "wall"),
    "text with an arrow": lambda ax, f: ax.annotate("wall", (f, 1), (2, 2)),
    "legend": lambda ax, f: ax.legend(ax.plot([1.0]), [f"w = {f:.3g}"]),
    "inset": lambda ax, f: ax.inset_axes([0.5, 0.5, 0.4, 0.4]).plot(X, f * X),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_artist_is_checked(kind):
    """One per cent is found, though the limits stay the same; 1e-9 and nothing at all pass."""
    limits = {"xlim": (0, 6), "ylim": (0, 6)}
    reference = drawn(KINDS[kind], 1.0, **limits)
    assert figures.compare(reference, drawn(KINDS[kind], 1.0, **limits)) == []
    assert figures.compare(reference, drawn(KINDS[kind], 1 + 1e-9, **limits)) == []
    assert figures.compare(reference, drawn(KINDS[kind], 1.01, **limits))


def test_the_message_names_axes_artist_and_largest_deviation():
    (message,) = figures.compare(drawn(curves), drawn(curves, 1.01))
    assert message == (
        "axes 0 (x: 'time', y: 'moment'), line 1 'energy': y off by up to 0.01 (0.01 of its range) "
        "at point 0 of 50 (x = 0): 1.01 instead of 1"
    )


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({"second": False}, {}, "line: 1 ('mean') instead of 2 ('mean', 'energy')"),
        ({"label": "variance"}, {}, "line 1 'energy': label is 'variance' instead of 'energy'"),
        ({"color": "C2"}, {}, "line 1 'energy': color is"),
        ({"style": ":"}, {}, "line 1 'energy': linestyle is ':' instead of '--'"),
        ({}, {"ylim": (0, 1.3)}, "y limits off by up to 0.1 "),
        ({}, {"xlabel": "layer"}, "x label is 'layer' instead of 'time'"),
        ({}, {"yscale": "log", "ylim": (1e-9, 1.2)}, "y scale is 'log' instead of 'linear'"),
        ({}, {"title": "Decay"}, "title is"),
    ],
)
def test_a_changed_word_style_or_limit_is_found(change, settings, message):
    def changed(ax):
        curves(ax, **change)

    found = figures.compare(drawn(curves), drawn(changed, **settings))
    assert any(message in line for line in found), found
    assert all(line.startswith("axes 0 (x: 'time', y: 'moment')") for line in found)


def test_legend_and_number_of_axes_are_found():
    with_legend = drawn(lambda ax: (curves(ax), ax.legend()))
    assert "legend is None instead of" in figures.compare(with_legend, drawn(curves))[0]
    fig = Figure()
    fig.subplots(1, 2)
    assert figures.compare(drawn(curves), figures.record(fig))[-1] == "figure: 2 axes instead of 1"


def test_a_changed_number_between_the_samples_is_found():
    numbers = np.sin(np.linspace(0, 50, 100_000))
    reference = drawn(lambda ax: ax.plot(numbers))
    noisy = numbers * (1 + 1e-9 * np.cos(np.arange(numbers.size)))
    assert figures.compare(reference, drawn(lambda ax: ax.plot(noisy))) == []
    changed = numbers.copy()
    changed[12_345] += 0.01
    (message,) = figures.compare(reference, drawn(lambda ax: ax.plot(changed)))
    assert "the mean of points 11718 to 12499 of 100000" in message


def test_missing_and_infinite_numbers_are_kept():
    def gaps(ax, hole=np.nan):
        ax.plot(np.ma.masked_greater(X, 4.0), X)
        ax.plot(X, [hole, np.inf, *X[2:]])

    assert figures.compare(drawn(gaps), drawn(gaps)) == []
    assert "nan" in figures.compare(drawn(gaps), drawn(gaps, 0.0))[0]
    assert figures.compare(drawn(gaps), drawn(gaps, np.inf))


def test_a_missing_number_between_the_samples_is_found():
    def gap(ax, place):
        ax.plot(np.where(np.arange(10_000) == place, np.nan, 0.0), np.zeros(10_000))

    reference = drawn(lambda ax: ax.plot(np.zeros(10_000), np.zeros(10_000)))
    assert "9999 finite numbers instead of 10000" in figures.compare(reference, drawn(gap, 7))[0]


def test_rounding_noise_about_zero_passes_and_small_numbers_on_a_log_axis_count():
    noise = 1e-15 * np.sin(1e3 * X)
    assert (
        figures.compare(drawn(lambda ax: ax.plot(noise)), drawn(lambda ax: ax.plot(-noise))) == []
    )

    def errors(ax, last):
        ax.loglog([1, 2, 4], [1.0, 1e-4, last])
        ax.set_ylim(1e-9, 1)

    assert (
        "1.01e-08 instead of 1e-08"
        in figures.compare(drawn(errors, 1e-8), drawn(errors, 1.01e-8))[0]
    )


def test_tolerances_can_be_loosened():
    reference, test = drawn(curves), drawn(curves, 1.01)
    assert figures.compare(reference, test, rtol=1e-2) == []
    assert figures.compare(reference, test, atol=0.011) == []
    assert figures.compare(reference, test, atol=0.009)


def test_what_cannot_be_recorded_is_refused():
    with pytest.raises(TypeError, match="got Table"):
        drawn(lambda ax: ax.table([["1"]]))
    fig = Figure()
    fig.add_subplot(projection="3d")
    with pytest.raises(TypeError, match="two-dimensional axes"):
        figures.record(fig)


def test_outside_ipython_only_the_style_is_set():
    with mpl.rc_context():
        figures.use()
        assert mpl.rcParams["figure.facecolor"] == "white"
        assert not mpl.rcParams["axes.spines.top"]
        colors = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
        assert len(set(colors)) == len(colors) == 7
