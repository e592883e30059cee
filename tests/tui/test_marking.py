"""The truth is drawn by keys and by mouse, kept at once, scored, and there after a restart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

import cliploc
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.datasets.segmentations import drawn
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.tui.actions import ACTIONS
from cliploc.tui.app import ExplorerApp
from cliploc.tui.marking import BOX, BRUSH, POLYGON, TOOLS, Marking, Shape
from cliploc.tui.screens.explorer import ExplorerScreen
from cliploc.tui.screens.marking import MarkingScreen
from cliploc.tui.studio.marks import segmentation_of
from cliploc.tui.widgets.picture import Picture
from tests.tui.conftest import SIDE, settled, until
from tests.tui.test_pictures_alone import SIZE, text_of

MADE = Marking(64, 48, 10, 10, step=4, radius=4)


def mask_of(shape: Shape, width: int = 64, height: int = 48) -> np.ndarray:
    return drawn(segmentation_of(shape, width, height), height, width)


def test_a_box_is_two_corners_both_inside_it() -> None:
    begun, none = MADE.pressed()
    done, shape = begun.moved(2, 1).pressed()
    assert (none, done.points) == (None, ())
    assert shape == Shape(BOX, ((10, 10), (18, 14)))
    mask = mask_of(shape)
    assert mask[10:15, 10:19].all()
    assert mask.sum() == 5 * 9


def test_a_polygon_is_its_corners() -> None:
    marking = MADE.retooled()
    for place in ((10, 10), (30, 10), (30, 30), (10, 30)):
        marking, shape = marking.at(*place).pressed()
        assert shape is None
    marking, shape = marking.finished()
    assert shape == Shape(POLYGON, ((10, 10), (30, 10), (30, 30), (10, 30)))
    assert abs(int(mask_of(shape).sum()) - 400) <= 40
    assert marking.points == ()


def test_a_polygon_of_two_corners_is_none() -> None:
    marking = MADE.retooled().pressed()[0].moved(3, 0)
    assert marking.finished() == (marking, None)


def test_a_brush_draws_while_it_is_down() -> None:
    marking = MADE.retooled().retooled()
    marking = marking.moved(1, 0).pressed()[0].moved(2, 0).moved(0, 2)
    marking, shape = marking.pressed()
    assert shape == Shape(BRUSH, ((14, 10), (22, 10), (22, 18)), 4)
    mask = mask_of(shape)
    assert mask[10, 14:23].all()
    assert mask[10:19, 22].all()
    assert not mask[30:].any()


@given(
    st.lists(
        st.sampled_from(["moved", "pressed", "finished", "dropped", "retooled", "stepping"]), max_size=30
    ),
    st.integers(1, 70),
    st.integers(1, 70),
)
def test_whatever_is_pressed_stays_inside_the_picture(keys: list[str], width: int, height: int) -> None:
    marking = Marking.begun(width, height)
    for number, key in enumerate(keys):
        arguments = {"moved": (number % 3 - 1, number % 5 - 2), "stepping": (1,)}.get(key, ())
        found = getattr(marking, key)(*arguments)
        marking, shape = found if isinstance(found, tuple) else (found, None)
        assert marking.tool in TOOLS
        assert all(0 <= x < width and 0 <= y < height for x, y in (*marking.points, (marking.x, marking.y)))
        if shape is not None:
            assert mask_of(shape, width, height).shape == (height, width)


async def opened(pilot: Pilot[int]) -> MarkingScreen:
    await settled(pilot)
    await pilot.press("X")
    screen = pilot.app.screen
    await until(lambda: isinstance(pilot.app.screen, MarkingScreen), pilot)
    screen = pilot.app.screen
    assert isinstance(screen, MarkingScreen)
    await until(lambda: screen.marking is not None, pilot)
    return screen


def truth_of(dataset: Dataset, id_: str) -> np.ndarray:
    return open_dataset(dataset.spec).by_id(id_).true_mask()


async def test_drawn_by_keys_scored_and_there_after_a_restart(
    app_alone: ExplorerApp,
    photographs: Dataset,
) -> None:
    id_ = photographs.samples[0].id
    async with app_alone.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        assert screen.marking == Marking.begun(SIDE, SIDE)
        await pilot.press("space", *"lll", *"jjjj", "space")
        await until(lambda: screen.shapes == 1, pilot)
        x = y = SIDE // 2
        assert truth_of(photographs, id_).sum() == (3 * 2 + 1) * (4 * 2 + 1)
        assert truth_of(photographs, id_)[y, x]
        await pilot.press("space", "l", "space")
        await until(lambda: screen.shapes == 2, pilot)
        await pilot.press("escape")
        await settled(pilot)
        explorer = app_alone.explorer
        await until(lambda: explorer.scores.curves("sample") is not None, pilot)
        await until(lambda: explorer.scores.board is not None, pilot)
        assert explorer.scores.board is not None
        (place,) = (place for place, iou in enumerate(explorer.samples.listed.values) if iou == iou)
        assert photographs.samples[place].id == id_
        # A score against another truth would be no baseline.
        assert explorer.scores.baseline is explorer.scores.board
        await settled(pilot)
        assert "What is known" not in text_of(app_alone)
    assert open_dataset(photographs.spec).scorable[0].id == id_


async def test_drawn_by_mouse(app_alone: ExplorerApp, photographs: Dataset) -> None:
    async with app_alone.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        picture = screen.query_one(Picture)
        await until(lambda: picture.frame is not None, pilot)
        assert picture.frame is not None
        box = picture.frame.box
        first, second = (box.x + 4, box.y + 3), (box.x + 20, box.y + 12)
        await pilot.mouse_down(picture, offset=first)
        await pilot.hover(picture, offset=second)
        await pilot.mouse_up(picture, offset=second)
        await until(lambda: screen.shapes == 1, pilot)
        rows, columns = np.nonzero(truth_of(photographs, photographs.samples[0].id))
        for found, cells, size in ((columns, (4, 20), box.columns), (rows, (3, 12), box.rows)):
            for pixel, cell in zip((found.min(), found.max()), cells, strict=True):
                assert pixel == int((cell + 0.5) / size * SIDE)


async def test_undo_takes_shapes_away_and_all_scores_with_the_last(app_alone: ExplorerApp) -> None:
    async with app_alone.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        await pilot.press("space", "l", "j", "space", "l", "l", "space", "l", "j", "space")
        await until(lambda: screen.shapes == 2, pilot)
        await pilot.press("space", "l", "u")
        assert screen.marking is not None
        assert screen.marking.points == ()
        await pilot.press("u")
        await until(lambda: screen.shapes == 1, pilot)
        await pilot.press("u")
        await until(lambda: screen.shapes == 0, pilot)
        await pilot.press("escape")
        await settled(pilot)
        await until(lambda: app_alone.explorer.scores.has_no_truth, pilot)


CASES: dict[str, Callable[[Marking], object]] = {
    "mark.right": lambda marking: marking.x > SIDE // 2,
    "mark.left": lambda marking: marking.x < SIDE // 2,
    "mark.press": lambda marking: marking.points,
    "mark.tool": lambda marking: marking.tool == POLYGON,
    "mark.longer": lambda marking: marking.step == 4,
    "mark.shorter": lambda marking: marking.step == 1,
    "mark.wider": lambda marking: marking.radius == 4,
    "mark.narrower": lambda marking: marking.radius == 1,
}
OF_SHAPES = {"mark.finish": 2, "mark.undo": 0, "mark.clear": 0}


def test_every_action_has_an_expectation() -> None:
    assert {*CASES, *OF_SHAPES} == {action.name for action in ACTIONS if action.scope == "marking"}


@pytest.mark.parametrize(
    ("name", "key"),
    [(a.name, key) for a in ACTIONS if a.scope == "marking" for key in a.keys.split(",")],
)
async def test_key(app_alone: ExplorerApp, name: str, key: str) -> None:
    async with app_alone.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        if name in OF_SHAPES:
            await pilot.press("space", "l", "space")
            await until(lambda: screen.shapes == 1, pilot)
            if name == "mark.finish":
                await pilot.press("space", "l")
            await pilot.press(key)
            await until(lambda: screen.shapes == OF_SHAPES[name], pilot)
            return
        await pilot.press(key)
        await until(lambda: screen.marking is not None and CASES[name](screen.marking), pilot)


async def test_escape_drops_a_shape_first_and_then_goes_back(app_alone: ExplorerApp) -> None:
    async with app_alone.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        await pilot.press("space", "l", "escape")
        assert screen.marking is not None
        assert screen.marking.points == ()
        await pilot.press("escape")
        await until(lambda: isinstance(app_alone.screen, ExplorerScreen), pilot)


def test_a_sweep_uses_what_is_drawn(photographs: Dataset) -> None:
    assert photographs.drawing is not None
    for sample in photographs.samples[:2]:
        photographs.drawing.add(sample.id, [[8, 8, 40, 8, 40, 40, 8, 40]], (SIDE, SIDE))
    grid = Grid().with_({"dilate": "1,5", "erode": "1"})
    cliploc.sweep("one", grid, dataset=photographs.spec, executor="threads", workers=1)
    run = Ledger().runs()[0]
    assert run.state == "done"
    assert run.best is not None
    assert run.best.mean_iou > 0
