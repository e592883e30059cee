"""Kitty graphics: a small PNG that the terminal scales. Its text is in `placeholders`."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import cv2
from PIL import Image

from cliploc.core.terminal.palette import held, quantize
from cliploc.tui.graphics.diacritics import DIACRITICS
from cliploc.tui.graphics.fit import Box, fit
from cliploc.tui.graphics.frame import Detail, Frame, Job
from cliploc.tui.graphics.halfcell import cells_from, grid_of

if TYPE_CHECKING:
    from cliploc.tui.graphics.frame import Pixels

CHUNK = 4096
# (colours, tolerance) from fine to coarse: the first that stays inside the budget is sent.
# Without a tolerance there are no streaks, but it must be comfortable for the link.
FINEST_LEVEL = (256, 0)
LEVELS = ((192, 8), (96, 10), (48, 12))
COARSE_LEVEL = (48, 12)
# Base64 bytes for a picture of 256 x 256; larger pictures get as much for each pixel.
BUDGET = 44_000
BUDGET_PIXELS = 256 * 256


def encode(rgb: Pixels, job: Job) -> Frame:
    """A picture as one transmission."""
    box = fit(rgb.shape[:2], job.size, job.terminal, most=len(DIACRITICS))
    grid = grid_of(rgb, box, job.background, truecolor=job.terminal.truecolor, grey=job.grey)
    png = _png(_shrunk(rgb, box, job), job)
    pixels = "".join(job.terminal.passed(command) for command in transmission(png, job.identity, box))
    cells = cells_from(grid)
    return Frame(
        "kitty",
        job.generation,
        job.size,
        Detail.COARSE if job.coarse else Detail.ALL,
        box,
        cells,
        job.background,
        "",
        pixels,
    )


def _shrunk(rgb: Pixels, box: Box, job: Job) -> Pixels:
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
    shrunk: Pixels = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return shrunk


def _png(rgb: Pixels, job: Job) -> bytes:
    """A palette PNG within the budget, or the coarsest one."""
    if job.coarse:
        return _encoded(rgb, COARSE_LEVEL)
    budget = round(BUDGET * max(1.0, rgb.shape[0] * rgb.shape[1] / BUDGET_PIXELS))
    data = b""
    for level, limit in ((FINEST_LEVEL, min(budget, job.budget)), *((level, budget) for level in LEVELS)):
        data = _encoded(rgb, level)
        if len(data) * 4 / 3 <= limit:
            break
    return data


def _encoded(rgb: Pixels, level: tuple[int, int]) -> bytes:
    """A PNG of so many colours, each pixel within the tolerance."""
    colours, tolerance = level
    indices, palette = quantize(rgb, colours)
    if tolerance:
        indices = held(rgb, indices, palette, tolerance)
    image = Image.fromarray(indices, "P")
    image.putpalette(palette.tobytes())
    file = io.BytesIO()
    image.save(file, "png", compress_level=6)
    return file.getvalue()


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
