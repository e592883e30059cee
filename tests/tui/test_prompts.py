"""Several prompts side by side: typed in one line, seen together, one of them taken."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Static

from cliploc.core.heatmaps.protocol import Failed, TextComputed
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.sweep.baselines import baseline_table
from cliploc.core.sweep.doubts import NO_NETWORK
from cliploc.core.sweep.statistics import UNIT
from cliploc.tui.app import ExplorerApp
from cliploc.tui.curves import figure
from cliploc.tui.prompts import MOST, edited, prompts_in
from cliploc.tui.screens.explorer import ExplorerScreen
from cliploc.tui.screens.prompts import PromptsScreen
from cliploc.tui.state import Source
from cliploc.tui.widgets.pictures import Pane
from tests.tui.conftest import of_prompts, settled, until

Make = Callable[..., ExplorerApp]
GEM = Source(Recipe("gem").completed("toy"))
SIZE = (120, 40)


@pytest.mark.parametrize(
    ("typed", "prompts"),
    [
        ("one", ("one",)),
        ("one ; two", ("one", "two")),
        ("one;two;;one ;", ("one", "two")),
        ("An image of a zebra's  head; <label>", ("An image of a zebra's head", "owl")),
        ("it is <a label>", ("it is an owl",)),
        (" ; ", ()),
    ],
)
def test_what_is_typed(typed: str, prompts: tuple[str, ...]) -> None:
    assert prompts_in(typed, "owl") == prompts


def test_adding_and_editing() -> None:
    assert edited(("a", "b"), 0, ("x", "y"), added=True) == ("a", "x", "y", "b")
    assert edited(("a", "b"), 0, ("x", "y"), added=False) == ("x", "y", "b")
    assert edited(("a", "b"), 0, ("b",), added=False) == ("b",)
    assert edited((), 0, ("x",), added=True) == ("x",)
    assert len(edited(tuple("abcdefg"), 6, tuple("xyz"), added=True)) == MOST


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The prompts that the worker was asked for. It answers each with a gradient of its length."""
    prompts: list[str] = []

    def request_text(worker, recipe: Recipe, id_: str, prompt: str) -> None:
        prompts.append(prompt)
        heatmap = np.linspace(0, len(prompt) % 7 / 7, 64, dtype=np.float32).reshape(8, 8)
        worker._on_event(TextComputed(recipe, id_, prompt, heatmap))

    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request", lambda *_, **__: None)
    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request_text", request_text)
    return prompts


async def type_prompts(pilot: Pilot[int], text: str) -> PromptsScreen:
    """Open the prompt editor and send a line."""
    await settled(pilot)
    await pilot.press("p", *text, "enter")
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, PromptsScreen)
    await until(lambda: all(p in of_prompts(screen) for p in screen.prompts), pilot)
    await until(lambda: all(s.pictures or s.note for s in of_prompts(screen).values()), pilot)
    await settled(pilot)
    return screen


def rows(screen: PromptsScreen) -> list[list[str]]:
    table = screen.query_one("#prompts", DataTable)
    return [[str(cell) for cell in table.get_row_at(y)] for y in range(table.row_count)]


def captions(screen: PromptsScreen) -> list[str]:
    """The captions of the panes that are shown."""
    panes = [pane for pane in screen.query(Pane) if pane.display]
    return [str(pane.query_one(".caption").render()) for pane in panes]


async def test_each_prompt_has_its_heatmap_and_its_scores(make_app: Make, asked: list[str]) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        screen = await type_prompts(pilot, "a zebra ; its head ; <label>")
        await until(lambda: all(s.pictures for s in of_prompts(screen).values()), pilot)
        await settled(pilot)
        label = app.dataset.samples[0].label
        assert screen.prompts == ("a zebra", "its head", label)
        assert [row[-1].split("  ")[0] for row in rows(screen)] == ["a zebra", "its head", label]
        for prompt, row in zip(screen.prompts, rows(screen), strict=True):
            curves = of_prompts(screen)[prompt].sample
            assert curves is not None
            best = max(curves.values["mean_iou"])
            assert float(row[1]) == pytest.approx(best, abs=0.0006)
            assert curves.values["mean_iou"][round(float(row[2]) * 99)] == best
        assert len(captions(screen)) == 3
        assert sorted(set(asked)) == sorted(asked), "each is computed once"


async def test_one_is_taken_to_the_explorer_and_the_others_are_remembered(
    make_app: Make, asked: list[str]
) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        await type_prompts(pilot, "one ; two ; three")
        await pilot.press("j", "enter")
        await settled(pilot)
        assert isinstance(app.screen, ExplorerScreen)
        assert app.explorer.now.prompt == "two"
        await pilot.press("u")
        assert app.explorer.now.prompt == ""
        await pilot.press("p", "semicolon", "enter")
        await settled(pilot)
        assert app.screen.prompts == ("one", "two", "three")


async def test_a_single_text_goes_straight_to_the_explorer(make_app: Make, asked: list[str]) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("p", *"a zebra", "enter")
        await settled(pilot)
        assert isinstance(app.screen, ExplorerScreen)
        assert app.explorer.now.prompt == "a zebra"


async def test_the_line_takes_every_key_at_once(make_app: Make, asked: list[str]) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        screen = await type_prompts(pilot, "the sky ; b")
        # Without a pause between them, as a slow link delivers them.
        for key in ["e", *"Dqxa", "enter"]:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await settled(pilot)
        assert screen.prompts == ("the skyDqxa", "b")


async def test_add_remove_and_give_up(make_app: Make, asked: list[str]) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        screen = await type_prompts(pilot, "one ; two")
        await pilot.press("a", *"three;four", "enter")
        await settled(pilot)
        assert screen.prompts == ("one", "three", "four", "two")
        await pilot.press("D")
        await settled(pilot)
        assert screen.prompts == ("one", "four", "two")
        await pilot.press("a", *"five", "escape")
        await settled(pilot)
        assert not screen.query_one(Input).display
        assert screen.prompts == ("one", "four", "two")
        await pilot.press("D", "D", "D")
        await settled(pilot)
        assert screen.prompts == ()
        await pilot.press("enter", "e", "D", "a", *"six", "enter")
        await settled(pilot)
        assert screen.prompts == ("six",)


async def test_no_more_than_there_are_panes_for(make_app: Make, asked: list[str]) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=(200, 60)) as pilot:
        screen = await type_prompts(pilot, "a;b;c;d;e;f;g;h;i")
        assert len(screen.prompts) == len(captions(screen)) == MOST
        await pilot.press("a")
        assert not screen.query_one(Input).display
        assert any("D removes one" in notice for notice in app.notices)


async def test_panes_follow_the_cursor_where_not_all_fit(make_app: Make, asked: list[str]) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        screen = await type_prompts(pilot, "a;b;c;d;e;f")
        assert [caption[-1] for caption in captions(screen)] == ["a", "b", "c", "d"]
        await pilot.press("j", "j", "j", "j", "j")
        await settled(pilot)
        assert [caption[-1] for caption in captions(screen)] == ["c", "d", "e", "f"]


async def test_the_reason_stands_where_the_picture_would(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def request_text(worker, recipe: Recipe, id_: str, prompt: str) -> None:
        worker._on_event(Failed("the weights are not here", recipe, (id_,)))

    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request", lambda *_, **__: None)
    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request_text", request_text)
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        screen = await type_prompts(pilot, "one ; two")
        await until(lambda: all("weights" in s.note for s in of_prompts(screen).values()), pilot)
        await settled(pilot)
        notes = [str(pane.query_one(".note").render()) for pane in screen.query(Pane) if pane.display]
        assert notes == ["the weights are not here"] * 2


async def test_a_stored_set_has_no_prompts(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("p", *"one ; two", "enter")
        await settled(pilot)
        assert isinstance(app.screen, ExplorerScreen)
        assert any("a stored set has no prompt" in notice for notice in app.notices)


async def test_what_needs_no_network_is_said_beside_the_prompts(make_app: Make, asked: list[str]) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        screen = await type_prompts(pilot, "a zebra ; its head")
        await until(lambda: sum(bool(c.baseline) for c in screen.standings.known) == len(NO_NETWORK), pilot)
        await until(lambda: all(s.pictures for s in of_prompts(screen).values()), pilot)
        await settled(pilot)
        table = baseline_table([app.dataset.samples[0]]).totals[0].reshape(len(NO_NETWORK), -1) / UNIT
        said = str(screen.query_one("#prompt-baselines", Static).render())
        for name, scores in zip(NO_NETWORK, table, strict=True):
            assert f"{name} {figure(scores.max())}" in said
        for prompt, row in zip(screen.prompts, rows(screen), strict=True):
            best = max(of_prompts(screen)[prompt].sample.values["mean_iou"])
            assert ("no better than the whole image" in row[-1]) == (best <= table[0].max())
