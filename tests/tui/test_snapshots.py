"""Every screen at three sizes as text, with where which colours are. Read the difference when one changes."""

from __future__ import annotations

import string
from collections.abc import Awaitable, Callable
from itertools import groupby

import numpy as np
import pytest
from rich.cells import cell_len
from rich.style import Style
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.app import App
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


LETTERS = string.ascii_letters + "".join(map(chr, range(0x100, 0x200)))
Keys = tuple[str | tuple[str, ...], ...]
Compare = Callable[[ExplorerApp, tuple[int, int], Keys], Awaitable[None]]


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
        while before != (before := shown(pilot.app)):
            await pilot.pause(0.1)

    return press


def shown(app: App[int]) -> str:
    """The lines of the screen; below them, for each, the styles of its runs, a letter a style.

    Half-cells are of pictures: they have a letter of their own, `▀`, whatever their colours.
    """
    lines = app.screen._compositor.render_strips()
    names: dict[str, str] = {}
    runs = [
        "".join(
            f"{len(list(cells))}{key}"
            for key, cells in groupby(
                names.setdefault(look, LETTERS[len(names)]) if look else "▀"
                for text, style, _ in line
                for look in ["" if set(text) <= {"▀", "▄"} else look_of(style)]
                for _ in range(cell_len(text))
            )
        )
        for line in lines
    ]
    legend = [f"{letter}: {look}" for look, letter in names.items()]
    return "\n".join([*(line.text.rstrip() for line in lines), "", *runs, "", *legend, ""])


def look_of(style: Style | None) -> str:
    """Colours and attributes; what a click does is left out."""
    if style is None:
        return "plain"
    attributes = {name: getattr(style, name) for name in ("bold", "dim", "italic", "underline", "reverse")}
    return str(Style(color=style.color, bgcolor=style.bgcolor, **attributes))


class Text(SingleFileSnapshotExtension):
    """One text file a screen."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"


@pytest.fixture
def is_as_before(
    snapshot: SnapshotAssertion,
) -> Callable[[ExplorerApp, tuple[int, int], Keys], Awaitable[None]]:
    """Run an app, press keys, compare; --snapshot-update takes what is shown as right."""

    async def compare(app: ExplorerApp, size: tuple[int, int], keys: Keys) -> None:
        async with app.run_test(size=size) as pilot:
            await presser(keys)(pilot)
            text = shown(app)
        assert text == snapshot(extension_class=Text)

    return compare


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
async def test_screen(
    is_as_before: Compare,
    make_app: Callable[..., ExplorerApp],
    keys: Keys,
    size: tuple[int, int],
) -> None:
    await is_as_before(make_app(), size, keys)


@pytest.mark.usefixtures("quiet_worker", "terms")
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("keys", HEADS.values(), ids=HEADS)
async def test_heads(
    is_as_before: Compare,
    make_app: Callable[..., ExplorerApp],
    keys: Keys,
    size: tuple[int, int],
) -> None:
    await is_as_before(make_app(), size, keys)


@pytest.mark.parametrize("theme", ["cliploc-light", "cliploc-contrast", "ansi-dark"])
async def test_theme(is_as_before: Compare, make_app: Callable[..., ExplorerApp], theme: str) -> None:
    app = make_app()
    app.theme = theme
    await is_as_before(app, SIZES["120x40"], ())
