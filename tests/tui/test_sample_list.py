"""The list of samples: as wide as there is room beside its scroll bar, from the first look on."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.widget import Widget

from cliploc.core.datasets import Content, Dataset, Sample
from cliploc.tui import start
from cliploc.tui.__main__ import parser
from cliploc.tui.app import ExplorerApp
from cliploc.tui.browsing import Order
from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.state import ExplorerState, Source
from cliploc.tui.widgets.sample_list import Rows, SampleList
from tests.tui.conftest import settled, until
from tests.tui.test_by_line import by_cell

SAMPLES = [
    Sample(f"star_{number:04}", "star", lambda: np.zeros((1, 1, 3), np.uint8), lambda: np.zeros((1, 1), bool))
    for number in range(300)
]
DATASET = Dataset("stars", "stars", SAMPLES, Content(str, str, str))


def rows(count: int, step: int = 1) -> Rows:
    order = Order.of(range(count)[::step], DATASET.label_column.codes)
    return Rows(DATASET, order, values=[0.25] * len(SAMPLES))


class Lists(App[None]):
    CSS = "SampleList { width: 26; padding: 0; border: round white; }"

    def compose(self) -> ComposeResult:
        yield SampleList(ShownScores(DATASET, ExplorerState("", Source())))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {}


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_list_that_gets_long_has_no_horizontal_scroll_bar(size: tuple[int, int]) -> None:
    app = Lists()
    async with app.run_test(size=size) as pilot:
        samples = app.query_one(SampleList)
        samples.show(rows(3), SAMPLES[0].id)
        await pilot.pause()
        samples.show(rows(300), SAMPLES[150].id)
        await until(lambda: samples.scroll_offset.y > 50, pilot)
        assert samples.show_vertical_scrollbar
        assert not samples.show_horizontal_scrollbar
        width = samples.scrollable_content_region.width
        strips = samples.render_lines(samples.size.region)
        shown = ["".join(segment.text for segment in strip)[1:] for strip in strips[1:-1]]
        assert all(".25" in line[: width + 1] for line in shown)
        assert any(SAMPLES[150].id in line for line in shown)


async def test_lines_are_framed_as_textual_frames_them() -> None:
    app, chance = Lists(), random.Random(5)
    async with app.run_test(size=(60, 24)) as pilot:
        samples = app.query_one(SampleList)
        for turn, count in enumerate((3, 300, 300, 5, 40, 0, 300)):
            samples.show(rows(count), SAMPLES[7 * turn].id)
            await pilot.pause()
            if turn == 4:
                app.theme = "textual-light"
                await pilot.pause()
            for _ in range(10):
                x, y = chance.randrange(20), chance.randrange(20)
                crop = Region(x, y, chance.randrange(1, 27 - x), chance.randrange(1, 25 - y))
                assert by_cell(samples.render_lines(crop)) == by_cell(Widget.render_lines(samples, crop))


async def test_another_order_keeps_the_present_sample_in_view() -> None:
    app = Lists()
    async with app.run_test(size=(80, 24)) as pilot:
        samples = app.query_one(SampleList)
        for step in (1, -1, 1):
            samples.show(rows(300, step), SAMPLES[200].id)
            await until(
                lambda: any(SAMPLES[200].id in row.text for row in samples.render_lines(samples.size.region)),
                pilot,
            )


async def test_the_first_sample_shown_is_the_first_one_listed(
    make_app: Callable[..., ExplorerApp], toy: Dataset
) -> None:
    arguments = parser().parse_args(["--dataset", toy.spec, "--heatmaps", "good", "--fresh"])
    state = start.initial_state(toy, arguments)
    app = make_app(sample=state.sample)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert toy.ids[app.explorer.samples.order.places[0]] == state.sample
        assert toy.samples[0].id != state.sample
