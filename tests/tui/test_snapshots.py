"""Every screen at three sizes, half-cells, as SVG. Look at the pictures when one changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from cliploc.core.heatmaps.client import Worker
from cliploc.core.heatmaps.protocol import TextComputed
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.tui.app import ExplorerApp
from tests.tui.conftest import settled

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}
SCREENS = {
    "explorer": (),
    "tuned": ("9", "d", "9", "e", "equals_sign"),
    "sheet": ("L", "L", "L", "L"),
    "help": ("question_mark",),
    "sort": ("comma",),
    "prompt": ("p",),
    "compose": ("S",),
    "sweeps": ("s",),
    "compare": ("v",),
    "compare-methods": ("v", "m", "down", "enter", "j", "j", "j"),
    "prompts": ("M", "p", tuple("a star ; its tip ; the sky ; paper"), "enter", "j"),
    "statistics": ("H",),
    "inside": ("w",),
}

# Inside a network whose heads were computed.
HEADS = {"switched": ("w", "space", "j", "X", "k", "l"), "inside-mask": ("w", "l", "space", "v")}


Keys = tuple[str | tuple[str, ...], ...]


def presser(keys: Keys) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Press keys one by one, each on a settled screen; those of a word at once."""

    async def press(pilot: Pilot[int]) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(*((key,) if isinstance(key, str) else key))
            await settled(pilot)
        # Which notices are still up depends on the time.
        pilot.app.clear_notifications()
        await settled(pilot)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        before = ""
        while before != (before := pilot.app.export_screenshot()):
            await pilot.pause(0.1)

    return press


@pytest.fixture
def quiet_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker process: what it would say depends on the machine. Free text gets a gradient."""

    def request_text(worker: Worker, recipe: Recipe, id_: str, prompt: str) -> None:
        heatmap = np.linspace(0, 1 - len(prompt) / 20, 64, dtype=np.float32).reshape(8, 8)
        worker._on_event(TextComputed(recipe, id_, prompt, heatmap))

    # Between two keys the screen settles, which may take longer than a count waits.
    monkeypatch.setattr("cliploc.tui.widgets.count.COUNT_KEPT", 60.0)
    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request", lambda *_, **__: None)
    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request_text", request_text)


@pytest.mark.usefixtures("quiet_worker")
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("keys", SCREENS.values(), ids=SCREENS)
def test_screen(
    snap_compare: Callable[..., bool],
    make_app: Callable[..., ExplorerApp],
    keys: Keys,
    size: tuple[int, int],
) -> None:
    assert snap_compare(make_app(), terminal_size=size, run_before=presser(keys))


@pytest.mark.usefixtures("quiet_worker", "terms")
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("keys", HEADS.values(), ids=HEADS)
def test_heads(
    snap_compare: Callable[..., bool],
    make_app: Callable[..., ExplorerApp],
    keys: Keys,
    size: tuple[int, int],
) -> None:
    assert snap_compare(make_app(), terminal_size=size, run_before=presser(keys))


@pytest.mark.parametrize("theme", ["cliploc-light", "cliploc-contrast", "ansi-dark"])
def test_theme(snap_compare: Callable[..., bool], make_app: Callable[..., ExplorerApp], theme: str) -> None:
    app = make_app()
    app.theme = theme
    assert snap_compare(app, terminal_size=SIZES["120x40"], run_before=presser(()))
