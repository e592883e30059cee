"""Figures as SVG and PNG: class histogram, scores over thresholds, kernels, classes.

Drawn with matplotlib (the extra `cliploc[report]`) without its global state. The
same data gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cliploc.core.errors import ResourceError, clean
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.report.findings import SetFindings, Surface
from cliploc.core.scores import POSTERS, TITLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
from dataclasses import fields

_STYLE = {
    "svg.fonttype": "none",  # text stays text: it can be read, searched and restyled
    "svg.hashsalt": "cliploc",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.6,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
}
_REM_PER_INCH = 8.5  # on the page a figure's letters are never larger than the text
_LEGIBLE_REM = 34.0  # narrower than this, a figure scrolls sideways instead of shrinking
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))


@dataclass(frozen=True)
class Figure:
    """One figure in three forms. markup: SVG for inside the page, coloured by CSS variables."""

    name: str
    title: str
    caption: str
    markup: str
    svg: bytes
    png: bytes


def check_matplotlib() -> None:
    """ResourceError with what to install when matplotlib is not there."""
    try:
        import matplotlib.figure  # noqa: F401  asked for before anything is computed
    except ImportError:
        raise ResourceError("figures need matplotlib; pip install 'cliploc[report]'") from None


def drawn(
    name: str,
    title: str,
    caption: str,
    size: tuple[float, float],
    draw: Callable[[Canvas, Palette], None],
) -> Figure:
    """Draw a figure of `size` inches twice: for the page, and on white paper for files."""
    page = _rendered(name, size, draw, PLACEHOLDER, "svg").decode()
    return Figure(
        name,
        title,
        caption,
        markup=_embeddable(inline(page), name, title, size[0]),
        svg=_rendered(name, size, draw, LIGHT, "svg"),
        png=_rendered(name, size, draw, LIGHT, "png"),
    )


def _rendered(
    name: str, size: tuple[float, float], draw: Callable[[Canvas, Palette], None], palette: Palette, form: str
) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    colours = {
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor"), palette.ink),
        **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), palette.muted),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor"), palette.paper),
        "grid.color": palette.grid,
    }
    with matplotlib.rc_context({**_STYLE, **colours, "svg.hashsalt": name}):
        canvas = Canvas(figsize=size, layout="constrained")
        draw(canvas, palette)
        out = io.BytesIO()
        canvas.savefig(out, format=form, dpi=200, metadata={"Date": None} if form == "svg" else None)
    return out.getvalue()


def _embeddable(svg: str, name: str, title: str, inches: float) -> str:
    """The `<svg>` element alone, scalable, named, its ids unique within the page."""
    element = svg[svg.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", element)
    opening, rest = element.split(">", 1)
    opening = re.sub(r'\s(width|height)="[^"]*"', "", opening)
    widest = inches * _REM_PER_INCH
    widths = f"max-width:{widest:.1f}rem; min-width:{min(widest, _LEGIBLE_REM):.1f}rem"
    return f'{opening} role="img" aria-label="{title}" style="{widths}">{rest}'


def class_histogram(counts: Mapping[str, int], dataset: str) -> Figure:
    """How many classes have how many images."""
    sizes = list(counts.values())
    bars = {size: sizes.count(size) for size in range(min(sizes), max(sizes) + 1)}

    def draw(canvas: Canvas, palette: Palette) -> None:
        axes = canvas.subplots()
        axes.bar(list(bars), list(bars.values()), width=0.8, color=palette.colour(0))
        axes.set_xlabel("images in the class")
        axes.set_ylabel("classes")
        axes.set_xlim(0, max(sizes) + 1)
        _whole_numbers(axes)
        _lined(axes, "y")

    caption = f"{len(counts)} classes and {sum(sizes)} images of {clean(dataset)}."
    return drawn("class-histogram", "Images per class.", caption, (6.4, 2.4), draw)


def threshold_curves(sets: Sequence[SetFindings]) -> Figure:
    """The four scores over 100 thresholds: post-processed, and without morphology as a thin line."""
    baselines = {one["name"]: one["mean_iou"] for one in sets[0].summary["baselines"]}
    whole = baselines.get("whole image")

    def draw(canvas: Canvas, palette: Palette) -> None:
        grid = canvas.subplots(2, 2, sharex=True, sharey=True)
        for axes, score in zip(grid.flat, POSTERS, strict=True):
            for place, found in enumerate(sets):
                style = {"color": palette.colour(place), "linestyle": _DASHES[place % len(_DASHES)]}
                if found.raw is not None:
                    axes.plot(THRESHOLDS, found.raw.curves[score], linewidth=0.7, **style)
                axes.plot(THRESHOLDS, found.best.curves[score], label=_plain(found.title), **style)
            if score == "mean_iou" and whole is not None:
                axes.axhline(whole, color=palette.muted, linewidth=0.8)
            axes.set_title(TITLES[score], loc="left")
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1)
            axes.set_xticks((0.2, 0.4, 0.6, 0.8))
            _lined(axes, "both")
        for axes in grid[-1]:
            axes.set_xlabel("threshold")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside upper left", ncols=3, frameon=False)

    caption = (
        f"Over {sets[0].summary['images']:,} images. "
        "Each method with its best prompt and best post-processing (strong line) and, without any "
        "morphology, at its best interpolation (thin line)."
        + (" Grey: the whole image as a mask." if whole is not None else "")
    )
    return drawn("threshold-curves", "Four scores over 100 thresholds.", caption, (7.0, 5.4), draw)


def kernel_surfaces(sets: Sequence[SetFindings]) -> Figure | None:
    """Mean IoU over dilation and erosion, a panel per method; None when no grid has two axes."""
    surfaces = [(found, found.surface) for found in sets if found.surface is not None]
    if not surfaces:
        return None
    columns = min(len(surfaces), 3)
    rows = -(-len(surfaces) // columns)

    def draw(canvas: Canvas, palette: Palette) -> None:
        grid = canvas.subplots(rows, columns, squeeze=False)
        for axes in list(grid.flat)[len(surfaces) :]:
            axes.set_axis_off()
        for axes, (found, surface) in zip(grid.flat, surfaces, strict=False):
            _draw_surface(canvas, axes, surface, palette)
            axes.set_title(_plain(found.title), loc="left")

    caption = (
        f"Mean IoU over {surfaces[0][0].summary['images']:,} images at the best threshold of each pair of "
        "kernels (tuned on these images), at each method's "
        "best interpolation; the ring marks the best pair. Every panel has its own colour scale."
    )
    size = (2.5 * columns + 0.3, 2.6 * rows + 0.2)
    return drawn("kernel-surfaces", "Dilation against erosion.", caption, size, draw)


def _draw_surface(canvas: Canvas, axes: Axes, surface: Surface, palette: Palette) -> None:
    import numpy as np

    mesh = axes.pcolormesh(
        np.ma.masked_invalid(surface.mean_iou), cmap="cividis", edgecolor="face", linewidth=0.2
    )
    row, column = np.unravel_index(np.nanargmax(surface.mean_iou), surface.mean_iou.shape)
    axes.plot(column + 0.5, row + 0.5, "o", markersize=7, markerfacecolor="none", markeredgecolor="#d00000")
    for sides, set_ticks in ((surface.dilates, axes.set_xticks), (surface.erodes, axes.set_yticks)):
        places = range(0, len(sides), max(1, len(sides) // 4))
        set_ticks([place + 0.5 for place in places], [str(sides[place]) for place in places])
    axes.set_xlabel("dilation, px")
    axes.set_ylabel("erosion, px")
    axes.set_aspect("equal")
    bar = canvas.colorbar(mesh, ax=axes, shrink=0.75, pad=0.03)
    if bar.solids is not None:
        bar.solids.set(rasterized=False, edgecolor="face")  # no picture inside the drawing
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7)


def class_bars(sets: Sequence[SetFindings]) -> Figure:
    """Mean IoU by class: bars for the leading method, points for the others."""
    leader, others = sets[0], sets[1:]
    labels = sorted(leader.labels, key=lambda label: leader.labels[label])

    def draw(canvas: Canvas, palette: Palette) -> None:
        axes = canvas.subplots()
        rows = range(len(labels))
        axes.barh(
            rows, [leader.labels[label] for label in labels], height=0.72, color=palette.colour(0),
            alpha=0.75, label=_plain(leader.title),
        )  # fmt: skip
        for place, found in enumerate(others, start=1):
            axes.plot(
                [found.labels.get(label, float("nan")) for label in labels], rows, "oDs^v"[(place - 1) % 5],
                markersize=5, color=palette.colour(place), markeredgecolor=palette.paper,
                markeredgewidth=0.5, label=_plain(found.title),
            )  # fmt: skip
        counts = leader.summary["labels"]
        axes.set_yticks(rows, [f"{_plain(label)} ({counts[label]})" for label in labels])
        axes.tick_params(axis="y", length=0, labelcolor=palette.ink)
        axes.set_ylim(-0.7, len(labels) - 0.3)
        axes.set_xlim(0, 1)
        axes.set_xlabel("mean IoU")
        _lined(axes, "x")
        handles, titles = axes.get_legend_handles_labels()
        leading = titles.index(_plain(leader.title))  # matplotlib lists bars last
        order = [leading, *(place for place in range(len(titles)) if place != leading)]
        canvas.legend(
            [handles[place] for place in order], [titles[place] for place in order],
            loc="outside upper left", ncols=3, frameon=False,
        )  # fmt: skip

    caption = (
        f"Over {leader.summary['images']:,} images, at each method's best cell; in brackets the number of "
        "images of the class."
    )
    size = (7.0, 1.1 + 0.2 * len(labels))
    return drawn("class-bars", "Mean IoU by class.", caption, size, draw)


def _lined(axes: Axes, axis: Any) -> None:  # noqa: ANN401  matplotlib's own literal
    axes.grid(axis=axis, linewidth=0.6)
    axes.set_axisbelow(True)


def _whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _plain(text: str) -> str:
    """Text from outside, safe for matplotlib: a dollar sign would start a formula."""
    return clean(text).replace("$", r"\$")


@dataclass(frozen=True)
class Palette:
    """ink: text and axes; muted: what is secondary; grid: lines behind; paper: the ground; series: data.

    The series stay apart for colour-blind readers (after Okabe and Ito, 2008).
    """

    ink: str
    muted: str
    grid: str
    paper: str
    series: tuple[str, ...]

    def colour(self, place: int) -> str:
        """The colour of the n-th series; they repeat after the last."""
        return self.series[place % len(self.series)]

    def variables(self) -> dict[str, str]:
        """CSS variable -> colour."""
        named = {f"--fig-{f.name}": getattr(self, f.name) for f in fields(self) if f.name != "series"}
        return named | {f"--fig-s{place}": colour for place, colour in enumerate(self.series)}


LIGHT = Palette(
    ink="#1d2329", muted="#5c6670", grid="#dfe3e7", paper="#ffffff",
    series=("#0072b2", "#c4500b", "#00805c", "#a8457d", "#9a6b00", "#4b5bb5"),
)  # fmt: skip
DARK = Palette(
    ink="#e6e9ec", muted="#9aa4ae", grid="#333b43", paper="#14181c",
    series=("#56b4e9", "#ff8c4b", "#35c99b", "#e79ac4", "#e6b73f", "#a3aefb"),
)  # fmt: skip
PLACEHOLDER = Palette(
    ink="#fe0001", muted="#fe0002", grid="#fe0003", paper="#fe0004",
    series=("#fe0010", "#fe0011", "#fe0012", "#fe0013", "#fe0014", "#fe0015"),
)  # fmt: skip


def inline(svg: str) -> str:
    """A figure drawn with PLACEHOLDER, its colours replaced by CSS variables."""
    names = {colour: name for name, colour in PLACEHOLDER.variables().items()}
    return re.sub("|".join(names), lambda found: f"var({names[found[0]]})", svg)
