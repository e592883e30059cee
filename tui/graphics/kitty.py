"""Kitty graphics: a small PNG that the terminal scales, standing in text as placeholders.

A placeholder cell names the picture by its colour and its own row and column by two
combining characters, so it clips, scrolls and is covered like any text, and a new picture
under the same id needs no new text. https://sw.kovidgoyal.net/kitty/graphics-protocol/
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.graphics.fit import Box, fit
from tui.graphics.frame import Frame, Job
from tui.graphics.halfcell import cells_of
from tui.graphics.palette import held, quantize

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLACEHOLDER = "\U0010eeee"
CHUNK = 4096
# (colours, tolerance) from fine to coarse: the first that stays inside the budget is sent.
LEVELS = ((192, 8), (96, 10), (48, 12))
COARSE_LEVEL = (48, 12)
# Base64 bytes for a picture of 256 x 256; larger pictures get as much for each pixel.
BUDGET = 44_000
BUDGET_PIXELS = 256 * 256

# The combining characters that count 0, 1, 2, … in a placeholder, as the protocol lists them:
# first and last code point of each run, in hexadecimal.
DIACRITIC_RUNS = (
    "305 30d-30e 310 312 33d-33f 346 34a-34c 350-352 357 35b 363-36f 483-487 592-595 597-599 59c-5a1 "
    "5a8-5a9 5ab-5ac 5af 5c4 610-617 657-65b 65d-65e 6d6-6dc 6df-6e2 6e4 6e7-6e8 6eb-6ec 730 732-733 "
    "735-736 73a 73d 73f-741 743 745 747 749-74a 7eb-7f1 7f3 816-819 81b-823 825-827 829-82d 951 "
    "953-954 f82-f83 f86-f87 135d-135f 17dd 193a 1a17 1a75-1a7c 1b6b 1b6d-1b73 1cd0-1cd2 1cda-1cdb "
    "1ce0 1dc0-1dc1 1dc3-1dc9 1dcb-1dcc 1dd1-1de6 1dfe 20d0-20d1 20d4-20d7 20db-20dc 20e1 20e7 20e9 "
    "20f0 2cef-2cf1 2de0-2dff a66f a67c-a67d a6f0-a6f1 a8e0-a8f1 aab0 aab2-aab3 aab7-aab8 aabe-aabf "
    "aac1 fe20-fe26 10a0f 10a38 1d185-1d189 1d1aa-1d1ad 1d242-1d244"
)


def _diacritics(runs: str) -> str:
    ends = [[int(end, 16) for end in run.split("-")] for run in runs.split()]
    return "".join(chr(code) for run in ends for code in range(run[0], run[-1] + 1))


DIACRITICS = _diacritics(DIACRITIC_RUNS)


def encode(job: Job) -> Frame:
    """A picture as one transmission, and the placeholder text that shows it."""
    box = fit(job.rgb.shape[:2], job.size, job.terminal, most=len(DIACRITICS))
    cells = cells_of(job.rgb, box, job.background, truecolor=job.terminal.truecolor, grey=job.grey)
    png = _png(_shrunk(job.rgb, box, job), job.coarse)
    pixels = "".join(job.terminal.passed(command) for command in transmission(png, job.identity, box))
    strips = placeholders(job, box)
    if job.before is not None and job.before.strips == strips:
        # The very same list tells the widget that the text on the screen may stay.
        strips = job.before.strips
    return Frame("kitty", job.generation, job.size, job.coarse, box, cells, strips, "", pixels)


def _shrunk(rgb: NDArray[np.uint8], box: Box, job: Job) -> NDArray[np.uint8]:
    """No more pixels than the box has on the screen; half of them when coarse."""
    height, width = rgb.shape[:2]
    most = min(
        1.0,
        box.columns * job.terminal.cell_width / width,
        box.rows * job.terminal.cell_height / height,
    )
    scale = most / 2 if job.coarse else most
    if scale == 1.0:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrunk: NDArray[np.uint8] = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return shrunk


def _png(rgb: NDArray[np.uint8], coarse: bool) -> bytes:
    """A palette PNG within the budget, or the coarsest one."""
    budget = BUDGET * max(1.0, rgb.shape[0] * rgb.shape[1] / BUDGET_PIXELS)
    data = b""
    for colours, tolerance in (COARSE_LEVEL,) if coarse else LEVELS:
        indices, palette = quantize(rgb, colours)
        indices = held(rgb, indices, palette, tolerance)
        image = Image.fromarray(indices, "P")
        image.putpalette(palette.tobytes())
        file = io.BytesIO()
        image.save(file, "png", compress_level=6)
        data = file.getvalue()
        if len(data) * 4 / 3 <= budget:
            break
    return data


def transmission(png: bytes, identity: int, box: Box) -> list[str]:
    """The commands that give the terminal a picture under an id and place it, unseen, on its box's cells.

    Sending an id again replaces its picture wherever the placeholders are.
    """
    text = base64.standard_b64encode(png).decode("ascii")
    chunks = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    keys = f"a=T,U=1,q=2,f=100,i={identity},c={box.columns},r={box.rows}"
    pieces = []
    for number, chunk in enumerate(chunks):
        more = int(number < len(chunks) - 1)
        pieces.append(
            f"\x1b_G{keys},m={more};{chunk}\x1b\\" if number == 0 else f"\x1b_Gm={more};{chunk}\x1b\\"
        )
    return pieces


def deletion(identity: int) -> str:
    """Free a picture and its placements: the capital I also frees the data."""
    return f"\x1b_Ga=d,d=I,i={identity},q=2\x1b\\"


def placeholders(job: Job, box: Box) -> list[Strip]:
    """The text of each of the widget's rows while the picture is shown."""
    around = Style(bgcolor=Color.from_rgb(*job.background))
    identity = Color.from_rgb(job.identity >> 16, job.identity >> 8 & 255, job.identity & 255)
    style = Style(color=identity, bgcolor=around.bgcolor)
    right = box.widget_columns - box.x - box.columns
    rows = []
    for row in range(box.widget_rows):
        if not box.y <= row < box.y + box.rows:
            rows.append(Strip([Segment(" " * box.widget_columns, around)], box.widget_columns))
            continue
        mark = DIACRITICS[row - box.y]
        text = "".join(PLACEHOLDER + mark + DIACRITICS[column] for column in range(box.columns))
        segments = [Segment(" " * box.x, around), Segment(text, style), Segment(" " * right, around)]
        rows.append(Strip([segment for segment in segments if segment.text], box.widget_columns))
    return rows
