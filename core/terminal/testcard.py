"""A small test picture in each protocol, from the standard library alone.

It proves that the protocol works at all, so it shares no code with the encoders that
the explorer uses.
"""

from __future__ import annotations

import base64
import colorsys

from cliploc.core.terminal import Terminal

COLUMNS, ROWS = 48, 6
SIXEL_BAND = 6
# Kitty's name for the test picture, and what counts its rows.
IDENTITY = 0xC11B0C
PLACEHOLDER = "\U0010eeee"
ROW_MARKS = "\u0305\u030d\u030e\u0310\u0312\u033d"


def testcard(terminal: Terminal) -> str:
    """A rainbow with a bright half, COLUMNS x ROWS cells, as bytes for the terminal."""
    if terminal.protocol == "kitty":
        return _kitty(terminal)
    if terminal.protocol == "sixel":
        return _sixel(COLUMNS * terminal.cell_width, ROWS * terminal.cell_height)
    if terminal.protocol == "halfcell":
        return _half_cells(terminal.truecolor)
    return "(pictures are off)"


def _colour(x: float, y: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(0.8 * x, 1 - 0.7 * y, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def _half_cells(truecolor: bool) -> str:
    lines = []
    for row in range(ROWS):
        cells = []
        for column in range(COLUMNS):
            upper, lower = (_colour(column / COLUMNS, (2 * row + half) / (2 * ROWS)) for half in (0, 1))
            cells.append(f"\x1b[{_code(38, upper, truecolor)};{_code(48, lower, truecolor)}m▀")
        lines.append("".join(cells) + "\x1b[0m")
    return "\n".join(lines)


def _code(ground: int, colour: tuple[int, int, int], truecolor: bool) -> str:
    if truecolor:
        return f"{ground};2;" + ";".join(str(channel) for channel in colour)
    red, green, blue = (round(channel / 51) for channel in colour)
    return f"{ground};5;{16 + 36 * red + 6 * green + blue}"


def _kitty(terminal: Terminal) -> str:
    """Raw 24-bit pixels, shown by the placeholders that the explorer needs too.

    A row's first cell says which row; each next cell counts on by itself.
    """
    width, height = COLUMNS, 2 * ROWS
    pixels = bytes(
        channel for y in range(height) for x in range(width) for channel in _colour(x / width, y / height)
    )
    text = base64.standard_b64encode(pixels).decode("ascii")
    keys = f"a=T,U=1,q=2,f=24,i={IDENTITY},s={width},v={height},c={COLUMNS},r={ROWS}"
    red, green, blue = IDENTITY.to_bytes(3, "big")
    lines = [f"\x1b[38;2;{red};{green};{blue}m" + PLACEHOLDER + mark for mark in ROW_MARKS]
    cells = "\n".join(line + PLACEHOLDER * (COLUMNS - 1) + "\x1b[0m" for line in lines)
    return terminal.passed(f"\x1b_G{keys};{text}\x1b\\") + cells


def _sixel(width: int, height: int) -> str:
    """Bars of COLUMNS colours; each band of six rows draws them one after the other."""
    step = width // COLUMNS
    definitions = []
    for number in range(COLUMNS):
        red, green, blue = (round(channel / 2.55) for channel in _colour(number / COLUMNS, 0.3))
        definitions.append(f"#{number};2;{red};{green};{blue}")
    band = "".join(f"#{number}!{step}~" for number in range(COLUMNS)) + "$-"
    bands = height // SIXEL_BAND
    size = f'"1;1;{step * COLUMNS};{bands * SIXEL_BAND}'
    return f"\x1bP0;0;0q{size}{''.join(definitions)}{band * bands}\x1b\\"
