"""A picture between the lines of a command, in whatever way the terminal has.

Sixels are our own: those of others have wrong pixels in xterm's first band. textual-image draws
the rest. By itself it asks the terminal when it is imported, through standard input, which may
be a picture; so it is shown no terminal, and told what the probe knows.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Literal

from cliploc.core.terminal import Terminal

if TYPE_CHECKING:
    from cliploc.core.compose import Image

# Of sixels: so many colours, and how far a pixel may be off for the sake of longer stretches.
COLOURS, TOLERANCE = 240, 2
KITTY_COMMAND = re.compile("\x1b_G[^\x1b]*\x1b\\\\")


def inline(picture: Image, terminal: Terminal, columns: int) -> str:
    """The picture (H, W, 3) uint8 RGB as text for the terminal, `columns` cells wide, with its line ends.

    Shades of grey in plain characters where the terminal shows no pictures (protocol `none`).
    """
    if terminal.protocol == "sixel":
        return _sixel(picture, terminal, columns)
    from PIL import Image as Pillow
    from rich.console import Console

    with _unasked(terminal) as output:
        from textual_image import renderable

        kinds = {
            "kitty": renderable.TGPImage,
            "halfcell": renderable.HalfcellImage,
            "none": renderable.UnicodeImage,
        }
        drawn = kinds[terminal.protocol](Pillow.fromarray(picture), width=columns, height="auto")
        # A placeholder names its picture by a 24-bit colour.
        colours: Literal["truecolor", "256"] = (
            "truecolor" if terminal.truecolor or terminal.protocol == "kitty" else "256"
        )
        Console(
            file=output,
            force_terminal=terminal.protocol != "none",
            color_system=None if terminal.protocol == "none" else colours,
            width=columns,
        ).print(drawn, end="")
        return KITTY_COMMAND.sub(lambda found: terminal.passed(found[0]), output.getvalue())


def _sixel(picture: Image, terminal: Terminal, columns: int) -> str:
    """Room for the picture, then the picture into it, wherever a terminal leaves its cursor after sixels."""
    import cv2

    from cliploc.core.terminal.palette import held, quantize
    from cliploc.core.terminal.sixel_writer import sixels

    height, width = picture.shape[:2]
    wide = columns * terminal.cell_width
    tall = max(1, round(height * wide / width))
    rows: int = -(-tall // terminal.cell_height)
    method = cv2.INTER_AREA if wide < width else cv2.INTER_LINEAR
    scaled = cv2.resize(picture, (wide, tall), interpolation=method)
    indices, palette = quantize(scaled, COLOURS)
    data = sixels(held(scaled, indices, palette, TOLERANCE), palette)
    return "\n" * rows + f"\x1b[{rows}A\x1b7{data}\x1b8\x1b[{rows}B"


@contextmanager
def _unasked(terminal: Terminal) -> Iterator[StringIO]:
    """Where textual-image finds no terminal, a cell of this size, and a place for what it writes."""
    sizes = {"TEXTUAL_CELL_WIDTH": terminal.cell_width, "TEXTUAL_CELL_HEIGHT": terminal.cell_height}
    before = {name: os.environ.get(name) for name in sizes}
    real, output = sys.__stdout__, StringIO()
    os.environ |= {name: str(size) for name, size in sizes.items()}
    sys.__stdout__ = output  # type: ignore[misc, assignment]  # its kitty commands go past Rich
    try:
        with redirect_stdout(output):
            yield output
    finally:
        sys.__stdout__ = real  # type: ignore[misc]
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
