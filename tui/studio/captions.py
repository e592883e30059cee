"""Words around exported pictures, so that a file says what it shows without the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image as Drawing
from PIL import ImageDraw, ImageFont

from cliploc.core.compose import OUTCOME_COLOURS, Colour, Image, side_by_side
from cliploc.tui.studio.outlines import WHITE

GAP, MARGIN, SIZE, LINE = 4, 8, 13, 18
INK, BACKGROUND = (225, 225, 225), (24, 24, 24)
NAMES = {"truth": "true mask"}
# What the colours of the masks mean, filled and as outlines.
LEGEND: dict[bool, dict[str, Colour]] = {
    False: OUTCOME_COLOURS,
    True: {"mask": WHITE, "true mask": OUTCOME_COLOURS["hit"]},
}


def captioned(pictures: Mapping[str, Image], about: Sequence[str], outlines: bool) -> Image:
    """Pictures in a row, each with its name under it, then a legend of the masks, then lines of text.

    outlines: masks are outlines, not filled.
    """
    row, font = side_by_side(list(pictures.values()), GAP), ImageFont.load_default(SIZE)
    names = [NAMES.get(name, name) for name in pictures]
    legend = LEGEND[outlines] if "mask" in pictures else {}
    lines = 1 + bool(legend) + len(about)
    width = max(row.shape[1], *(round(font.getlength(line)) + 2 * MARGIN for line in about))
    canvas = Drawing.new("RGB", (width, row.shape[0] + lines * LINE + MARGIN), BACKGROUND)
    canvas.paste(Drawing.fromarray(row), (0, 0))
    draw, y, x = ImageDraw.Draw(canvas), row.shape[0] + 2, 0
    for name, picture in zip(names, pictures.values(), strict=True):
        side = round(picture.shape[1] * row.shape[0] / picture.shape[0])
        draw.text((x + side / 2, y), name, INK, font, anchor="ma")
        x += side + GAP
    if legend:
        y, x = y + LINE, MARGIN
        for name, colour in legend.items():
            draw.rectangle((x, y + 3, x + SIZE - 3, y + SIZE), colour)
            draw.text((x + LINE, y), name, INK, font)
            x += round(font.getlength(name)) + 3 * LINE // 2 + MARGIN
    for line in about:
        y += LINE
        draw.text((MARGIN, y), line, INK, font)
    return np.asarray(canvas)
