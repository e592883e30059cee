"""The page: one self-contained HTML file, right in light and dark, on a wide screen and on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from cliploc.core.errors import clean
from cliploc.core.report.examples import Example, Gallery, data_uri
from cliploc.core.report.figures import DARK, LIGHT, Figure
from cliploc.core.report.tables import Table, as_html

_LEGEND = (
    '<p class="legend">Left: the image with the outline of the true mask. Middle: the heatmap over it. '
    'Right: the predicted mask at the method\'s best cell;<span class="swatch" style="background:#009e73">'
    '</span>right<span class="swatch" style="background:#d55e00"></span>too much'
    '<span class="swatch" style="background:#0072b2"></span>missed.</p>'
)


@dataclass(frozen=True)
class Pictures:
    """The examples of several galleries by rank."""

    galleries: tuple[Gallery, ...]


@dataclass(frozen=True)
class Commands:
    """Command lines to copy."""

    lines: tuple[str, ...]


Block = str | Table | Figure | Pictures | Gallery | Commands


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it. A string is a paragraph."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def page(title: str, subtitle: str, sections: Sequence[Section], footer: str) -> str:
    """The whole document. Every text from outside is escaped."""
    links = "".join(f'<li><a href="#{part.name}">{escape(part.title)}</a></li>' for part in sections)
    body = "\n".join(_section(part) for part in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(clean(title))}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{escape(clean(title))}</h1>\n"
        f'<p class="subtitle">{escape(clean(subtitle))}</p>\n</header>\n'
        f'<nav aria-label="Contents"><ul>{links}</ul></nav>\n<main>\n{body}\n</main>\n'
        f"<footer>{escape(clean(footer))}</footer>\n</body>\n</html>\n"
    )


def _style() -> str:
    text = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    for mark, palette in (("LIGHT", LIGHT), ("DARK", DARK)):
        text = text.replace(
            f"/*FIGURES-{mark}*/", " ".join(f"{n}: {c};" for n, c in palette.variables().items())
        )
    return text


def _section(part: Section) -> str:
    blocks = "\n".join(_block(block) for block in part.blocks)
    return f'<section id="{part.name}">\n<h2>{escape(part.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block) -> str:
    if isinstance(block, Table):
        return as_html(block)
    if isinstance(block, Figure):
        return _plot(block)
    if isinstance(block, Pictures):
        return _pictures(block)
    if isinstance(block, Gallery):
        return _failures(block)
    if isinstance(block, Commands):
        return f'<pre tabindex="0">{escape(chr(10).join(block.lines))}</pre>'
    return f"<p>{escape(clean(block))}</p>"


def _plot(figure: Figure) -> str:
    return (
        f'<figure class="plot" id="figure-{figure.name}">\n'
        f"<figcaption><strong>{escape(figure.title)}</strong> {escape(figure.caption)}</figcaption>\n"
        f'<div class="scroll" tabindex="0">{figure.markup}</div>\n</figure>'
    )


def _pictures(pictures: Pictures) -> str:
    shown = [_LEGEND]
    for gallery in pictures.galleries:
        for rank, examples in gallery.ranked.items():
            shown.append(f"<h3>{escape(clean(gallery.method))}: {escape(rank)}</h3>{_cards(examples)}")
    return "\n".join(shown)


def _failures(gallery: Gallery) -> str:
    kinds = {kind: examples for kind, examples in gallery.failures.items() if examples}
    return "\n".join(
        f"<h3>{escape(clean(gallery.method))}: {escape(kind)} "
        f"({gallery.counts[kind]:,} of {gallery.images:,} images)</h3>{_cards(examples)}"
        for kind, examples in kinds.items()
    )


def _cards(examples: Sequence[Example]) -> str:
    cards = "".join(
        f'<figure><img loading="lazy" alt="{escape(one.label)}: image, heatmap and predicted mask" '
        f'src="{data_uri(one.picture)}"><figcaption><strong>{escape(one.label)}</strong>, '
        f'IoU <data value="{one.iou!r}">{one.iou:.3f}</data> · {escape(one.id)}</figcaption></figure>'
        for one in examples
    )
    return f'<div class="gallery">{cards}</div>'
