"""Half-cells, checked cell by cell in a terminal emulator against the pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from textual.strip import Strip

from cliploc.tui.graphics.cellrow import rows_of
from cliploc.tui.graphics.encode import encode
from cliploc.tui.graphics.frame import Frame
from cliploc.tui.graphics.halfcell import TOLERANCES, difference, grid_from, grid_of
from tests.terminal.emulated import pixels_on
from tests.tui.graphics.jobs import Image, job, picture

CONSOLE = Console(color_system="truecolor", force_terminal=True)


def emulator(columns: int = 24, rows: int = 12) -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(columns, rows)
    return screen, pyte.Stream(screen)


def painted(frame: Frame) -> tuple[pyte.Screen, pyte.Stream]:
    """A screen on which the frame's strips were written, as Textual does."""
    screen, stream = emulator(*frame.size)
    for row, strip in enumerate(rows_of(frame.cells, truecolor=True)):
        stream.feed(f"\x1b[{row + 1};1H{strip.render(CONSOLE)}")
    return screen, stream


def expected(rgb: Image, size: tuple[int, int] = (24, 12)) -> Image:
    return cv2.resize(rgb, (size[0], 2 * size[1]), interpolation=cv2.INTER_AREA)


def test_every_cell_shows_its_two_source_pixels() -> None:
    rgb = picture(1)
    screen, _ = painted(encode(rgb, job()))
    assert (pixels_on(screen) == expected(rgb)).all()


def test_only_changed_cells_are_sent_and_the_screen_ends_up_the_same() -> None:
    first, second = picture(1), picture(1)
    second[10:20, 30:40] = (255, 0, 128)
    before = encode(first, job())
    after = encode(second, job(before=before.cells))
    screen, stream = painted(before)
    stream.feed(after.difference)
    assert (pixels_on(screen) == expected(second)).all()
    changed = int((grid_from(after.cells) != grid_from(before.cells)).any(axis=2).sum())
    assert after.difference.count("▀") + after.difference.count(" ") == changed
    assert changed < 30


@given(seeds=st.lists(st.integers(0, 50), min_size=2, max_size=4), x=st.integers(0, 5), y=st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_differences_in_a_row_equal_painting_the_last_picture(seeds: list[int], x: int, y: int) -> None:
    frames: list[Frame] = []
    for seed in seeds:
        before = frames[-1].cells if frames else None
        frames.append(encode(picture(seed), job(before=before, origin=(x, y), size=(20, 8))))
    screen, stream = emulator(26, 14)
    for row, strip in enumerate(rows_of(frames[0].cells, truecolor=True)):
        stream.feed(f"\x1b[{y + row + 1};{x + 1}H{strip.render(CONSOLE)}")
    for frame in frames[1:]:
        stream.feed(frame.difference)
    shown = pixels_on(screen)[2 * y : 2 * y + 16, x : x + 20]
    last, _ = painted(encode(picture(seeds[-1]), job(size=(20, 8))))
    assert (shown == pixels_on(last)).all()


def test_the_cursor_and_the_colours_are_left_as_they_were() -> None:
    screen, stream = emulator()
    stream.feed("\x1b[3;4H\x1b[31m")
    before = encode(picture(1), job())
    stream.feed(encode(picture(2), job(before=before.cells)).difference)
    assert (screen.cursor.x, screen.cursor.y) == (3, 2)
    assert screen.cursor.attrs.fg == "red"


def test_nothing_changed_sends_nothing() -> None:
    before = encode(picture(1), job())
    assert encode(picture(1), job(before=before.cells)).difference == ""


def test_the_strips_read_the_same_through_segments() -> None:
    """What a dialog tints and a container cuts is built from segments, not from the ready text."""
    frame = encode(picture(3), job())
    for strip in rows_of(frame.cells, truecolor=True):
        first, second = emulator(24, 1), emulator(24, 1)
        first[1].feed(strip.render(CONSOLE))
        second[1].feed(Strip(list(strip), strip.cell_length).render(CONSOLE))
        assert (pixels_on(first[0]) == pixels_on(second[0])).all()


@given(seed=st.integers(0, 50), start=st.integers(0, 24), end=st.integers(0, 24))
@settings(max_examples=30, deadline=None)
def test_a_part_of_a_row_shows_what_the_row_shows_there(seed: int, start: int, end: int) -> None:
    row = rows_of(encode(picture(seed), job()).cells, truecolor=True)[5]
    whole = Strip(list(row), row.cell_length)
    assert list(row.crop(start, end)) == list(whole.crop(start, end).simplify())
    cuts = sorted({start, end, 24} - {0})
    assert [list(part) for part in row.divide(cuts)] == [list(part) for part in whole.divide(cuts)]


def test_a_wide_picture_is_centred_on_the_background() -> None:
    screen, _ = painted(encode(picture(1, 32, 128), job()))
    shown = pixels_on(screen)
    assert (shown[0] == (1, 2, 3)).all()
    assert (shown[-1] == (1, 2, 3)).all()
    assert not (shown[12] == (1, 2, 3)).all()


def test_without_colour_the_luminance_stays() -> None:
    screen, _ = painted(encode(picture(1), job(grey=True)))
    shown = pixels_on(screen)
    assert (shown[..., 0] == shown[..., 1]).all()
    assert len(np.unique(shown)) > 8


def test_256_colours_are_the_nearest_of_the_palette() -> None:
    rgb = np.zeros((24, 24, 3), np.uint8)
    rgb[:, :8], rgb[:, 8:16], rgb[:, 16:] = (255, 0, 0), (128, 128, 128), (95, 135, 175)
    frame = encode(rgb, job())
    grid = grid_of(rgb, frame.box, (0, 0, 0), truecolor=False)
    assert grid[6, [2, 12, 22], 0].tolist() == [196, 244, 67]


rectangles = st.tuples(st.integers(0, 23), st.integers(0, 11), st.integers(1, 30), st.integers(1, 15))


@given(
    seed=st.integers(2, 50), covered=st.lists(rectangles, max_size=3), budget=st.sampled_from([2_000, 10**9])
)
@settings(max_examples=40, deadline=None)
def test_what_lies_over_a_picture_is_left_alone(
    seed: int, covered: list[tuple[int, int, int, int]], budget: int
) -> None:
    before = encode(picture(1), job())
    after = encode(picture(seed), job(before=before.cells, covered=tuple(covered), budget=budget))
    hidden = np.zeros((24, 24), bool)
    for x, y, width, height in covered:
        hidden[2 * y : 2 * (y + height), x : x + width] = True
    screen, stream = painted(before)
    stream.feed(after.difference)
    shown = pixels_on(screen)
    assert (shown[hidden] == expected(picture(1))[hidden]).all()
    assert (shown[~hidden] == pixels_on(painted(after)[0])[~hidden]).all()


def furthest(shown: Image, rgb: Image) -> int:
    """How far the worst channel is off, 0 to 255."""
    return int(np.abs(shown.astype(int) - expected(rgb)).max())


@given(seed=st.integers(2, 50), budget=st.integers(50, 8000))
@settings(max_examples=30, deadline=None)
def test_steps_under_a_budget_come_nearer_until_nothing_can_be_seen(seed: int, budget: int) -> None:
    target = picture(seed)
    frame = encode(picture(1), job())
    screen, stream = painted(frame)
    errors = []
    for _ in TOLERANCES:
        frame = encode(target, job(before=frame.cells, budget=budget))
        stream.feed(frame.difference)
        assert (pixels_on(screen) == pixels_on(painted(frame)[0])).all()
        errors.append(furthest(pixels_on(screen), target))
        if not frame.coarse:
            break
    assert not frame.coarse
    assert errors[0] <= TOLERANCES[-1]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] <= TOLERANCES[0]


@pytest.mark.parametrize("part", [0.35, 0.45])
def test_a_step_costs_what_it_may(part: float) -> None:
    corners = np.random.default_rng(7).integers(0, 256, (3, 3, 3)).astype(np.uint8)
    target = cv2.resize(corners, (64, 64), interpolation=cv2.INTER_CUBIC)
    before = encode(picture(1), job())
    budget = int(part * len(encode(target, job(before=before.cells)).difference))
    frame = encode(target, job(before=before.cells, budget=budget))
    assert frame.coarse
    assert 0.6 * budget <= len(frame.difference) <= 1.1 * budget


def test_what_is_affordable_is_exact() -> None:
    before, target = encode(picture(1), job()), picture(7)
    size = len(encode(target, job(before=before.cells)).difference)
    frame = encode(target, job(before=before.cells, budget=size))
    assert not frame.coarse
    assert frame.cells == encode(target, job()).cells


def test_difference_never_writes_outside_its_rows() -> None:
    before = encode(picture(1), job())
    after = encode(picture(9), job())
    text = difference(grid_from(after.cells), grid_from(before.cells), (5, 7))
    screen, stream = emulator(40, 30)
    stream.feed(text)
    touched = [row for row in range(30) for column in range(40) if screen.buffer[row][column].bg != "default"]
    assert min(touched) == 7
    assert max(touched) == 18
