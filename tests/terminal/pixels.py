"""A terminal emulator with a plane of pixels: what a person would see of text, sixels and kitty pictures."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyte
from PIL import Image

from cliploc.tui.graphics.diacritics import DIACRITICS, PLACEHOLDER

Pixels = npt.NDArray[np.uint8]
CELL = (10, 20)
GRAPHICS = re.compile(rb"\x1b[P_].*?\x1b\\", re.DOTALL)
# A command that has begun and not ended yet, or may be about to begin.
BEGUN = re.compile(rb"\x1b(?:[P_].*)?$", re.DOTALL)
SIXEL = re.compile(rb"\x1bP[\d;]*q(?:\"[\d;]*)?(.*)\x1b\\", re.DOTALL)
DEFINED = re.compile(rb"#(\d+);2;(\d+);(\d+);(\d+)")
COLOURED = re.compile(rb"(?:#(\d+))?([!\d?-~]*)")
REPEATED = re.compile(rb"!(\d+)(.)", re.DOTALL)
# What a channel may be off, in the mean over a cell: few colours are not the same on every way to them.
NEAR = 14.0


class PixelScreen(pyte.Screen):
    """Text over which sixels are painted; whatever is written or erased wipes the pixels there."""

    def __init__(self, columns: int, rows: int) -> None:
        self.pictures: dict[int, tuple[Pixels, int, int]] = {}
        self._chunks: tuple[dict[str, str], bytes] = ({}, b"")
        super().__init__(columns, rows)
        self._clear()

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """What a real one does to its pixels is not known; the program draws everything anew."""
        super().resize(lines, columns)
        self._clear()

    def draw(self, data: str) -> None:
        """Text wipes the pixels where it is written."""
        x, y = self.cursor.x, self.cursor.y
        super().draw(data)
        self._wipe(self.cursor.y, x if self.cursor.y == y else 0, self.cursor.x)

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        super().erase_in_line(how, private)
        first, last = {0: (self.cursor.x, self.columns), 1: (0, self.cursor.x + 1)}.get(
            how, (0, self.columns)
        )
        self._wipe(self.cursor.y, first, last)

    def erase_in_display(self, how: int = 0, *arguments: object, **options: object) -> None:
        super().erase_in_display(how, *arguments, **options)
        rows = {0: range(self.cursor.y, self.lines), 1: range(self.cursor.y + 1)}.get(how, range(self.lines))
        for row in rows:
            self._wipe(row, 0, self.columns)

    def command(self, data: bytes) -> None:
        """Do what a graphics command says; others (questions) change nothing."""
        if found := SIXEL.fullmatch(data):
            self._paint(found[1])
        elif data.startswith(b"\x1b_G"):
            self._kitty(data[3:-2])

    def _clear(self) -> None:
        self.plane = np.zeros((self.lines * CELL[1], self.columns * CELL[0], 3), np.uint8)
        self.painted = np.zeros(self.plane.shape[:2], bool)

    def _wipe(self, row: int, first: int, last: int) -> None:
        self.painted[row * CELL[1] : (row + 1) * CELL[1], first * CELL[0] : last * CELL[0]] = False

    def _paint(self, data: bytes) -> None:
        """Sixels at the cursor: bands of six rows, and in each band one pass a colour."""
        left, top = self.cursor.x * CELL[0], self.cursor.y * CELL[1]
        palette = {
            int(number): tuple(round(int(part) * 2.55) for part in rgb)
            for number, *rgb in DEFINED.findall(data)
        }
        colour = 0
        for band, passes in enumerate(DEFINED.sub(b"", data).split(b"-")):
            place = np.s_[top + 6 * band : top + 6 * band + 6, left:]
            plane, painted = self.plane[place], self.painted[place]
            for one in passes.split(b"$"):
                x = 0
                for number, run in COLOURED.findall(one):
                    # A colour stays in use until another one is named.
                    colour = int(number or colour)
                    columns = np.frombuffer(REPEATED.sub(_repeat, run), np.uint8) - 63
                    bits = (columns >> np.arange(6, dtype=np.uint8)[:, None] & 1).astype(bool)
                    where = np.s_[:, x : x + len(columns)]
                    bits = bits[: plane.shape[0], : plane[where].shape[1]]
                    plane[where][bits] = palette[colour]
                    painted[where] |= bits
                    x += len(columns)

    def _kitty(self, command: bytes) -> None:
        keys, _, payload = command.partition(b";")
        named = dict(pair.split("=") for pair in keys.decode().split(",") if pair)
        if named.get("a") == "d":
            self.pictures.pop(int(named["i"]), None)
            return
        first, data = (named, b"") if "a" in named else self._chunks
        self._chunks = (first, data + payload)
        if named.get("m", "0") == "0" and first.get("a") == "T":
            picture = Image.open(io.BytesIO(base64.standard_b64decode(self._chunks[1]))).convert("RGB")
            columns, rows = int(first["c"]), int(first["r"])
            scaled = picture.resize((columns * CELL[0], rows * CELL[1]), Image.Resampling.BILINEAR)
            self.pictures[int(first["i"])] = (np.asarray(scaled), columns, rows)


class Emulator:
    """Feeds a screen with what a program writes, graphics commands as well."""

    def __init__(self, screen: PixelScreen) -> None:
        self.screen = screen
        self._stream = pyte.ByteStream(screen)
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """More bytes; a command that is not whole yet waits for its end."""
        data, start = self._rest + data, 0
        for command in GRAPHICS.finditer(data):
            self._stream.feed(data[start : command.start()])
            self.screen.command(command.group(0))
            start = command.end()
        begun = BEGUN.search(data, start)
        end = begun.start() if begun else len(data)
        self._stream.feed(data[start:end])
        self._rest = data[end:]


@dataclass(frozen=True)
class Sight:
    """What is seen: characters with their looks by cell (blank where there are only colours), and pixels."""

    text: list[list[tuple[object, ...]]]
    pixels: Pixels

    def differs_from(self, other: Sight) -> list[str]:
        """Where another sight is not the same, row by row."""
        found, far = [], self._is_far(other)
        for y, (mine, theirs) in enumerate(zip(self.text, other.text, strict=True)):
            columns = [x for x in range(len(mine)) if mine[x] != theirs[x] or far[y, x]]
            if columns:
                line = "".join(str(cell[0]) for cell in mine)
                found.append(f"row {y}, columns {columns[0]} to {columns[-1]}: {line.strip()[:60]!r}")
        return found

    def _is_far(self, other: Sight) -> npt.NDArray[np.bool_]:
        """By cell: whether the pixels differ in the mean by more than is near."""
        off = np.abs(self.pixels.astype(np.int16) - other.pixels)
        rows, columns = len(self.text), len(self.text[0])
        means = off.reshape(rows, CELL[1], columns, CELL[0], 3).mean(axis=(1, 3, 4))
        return means > NEAR


def sight_of(screen: PixelScreen) -> Sight:
    """What a person would see now."""
    covered = screen.painted.reshape(screen.lines, CELL[1], screen.columns, CELL[0]).all(axis=(1, 3))
    halves = np.zeros((2 * screen.lines, screen.columns, 3), np.uint8)
    text, named = [], []
    for y in range(screen.lines):
        row: list[tuple[object, ...]] = []
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            halves[2 * y : 2 * y + 2, x] = _rgb(cell.bg)
            if cell.data == "▀":
                halves[2 * y, x] = _rgb(cell.fg)
            elif cell.data[0] == PLACEHOLDER:
                named.append((y, x, cell))
            plain = cell.data in " ▀" or cell.data[0] == PLACEHOLDER or covered[y, x]
            row.append((" ",) if plain else (cell.data, cell.fg, cell.bg, cell.bold, cell.underscore))
        text.append(row)
    pixels = halves.repeat(CELL[1] // 2, axis=0).repeat(CELL[0], axis=1)
    for y, x, cell in named:
        pixels[y * CELL[1] : (y + 1) * CELL[1], x * CELL[0] : (x + 1) * CELL[0]] = _part(screen, cell)
    pixels[screen.painted] = screen.plane[screen.painted]
    return Sight(text, pixels)


def _part(screen: PixelScreen, cell: pyte.screens.Char) -> Pixels:
    """The part of a kitty picture that a placeholder stands for; the background where it is not there."""
    blank = np.full((CELL[1], CELL[0], 3), _rgb(cell.bg), np.uint8)
    known = screen.pictures.get(int(cell.fg, 16)) if cell.fg != "default" else None
    if known is None:
        return blank
    row, column = _numbers(cell.data)
    picture, columns, rows = known
    if row >= rows or column >= columns:
        return blank
    return picture[row * CELL[1] : (row + 1) * CELL[1], column * CELL[0] : (column + 1) * CELL[0]]


def _numbers(data: str) -> Iterator[int]:
    return (DIACRITICS.index(mark) for mark in data[1:3])


def _repeat(found: re.Match[bytes]) -> bytes:
    return found[2] * int(found[1])


@lru_cache(maxsize=65536)
def _rgb(colour: str) -> tuple[int, ...]:
    if re.fullmatch("[0-9a-f]{6}", colour):
        return tuple(bytes.fromhex(colour))
    return (0, 0, 0)
