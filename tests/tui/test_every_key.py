"""Every key of every preset, pressed on its own screen: what was not so before is so after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import DataTable, Input, Static

import cliploc
from cliploc.core.datasets import Dataset
from cliploc.core.methods import METHODS
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.tui import keymap
from cliploc.tui.actions import ACTIONS
from cliploc.tui.app import ExplorerApp
from cliploc.tui.curves import SCORES
from cliploc.tui.screens.choice import ChoiceScreen
from cliploc.tui.screens.compare import CompareScreen
from cliploc.tui.screens.compose import ComposeScreen
from cliploc.tui.screens.explorer import ExplorerScreen
from cliploc.tui.screens.help import HelpScreen
from cliploc.tui.screens.inside import INSIDE, TITLES, InsideScreen
from cliploc.tui.screens.paired import PairedScreen
from cliploc.tui.screens.prompts import PromptsScreen
from cliploc.tui.screens.statistics import StatisticsScreen
from cliploc.tui.screens.sweeps import SweepsScreen
from cliploc.tui.widgets.iou_curves import ScoreCurves
from cliploc.tui.widgets.lines import StatusLine
from cliploc.tui.widgets.pictures import PictureGrid
from tests.tui.conftest import KEYS, settled, until

Look = Callable[[ExplorerApp], Any]
SIZE = (120, 40)
START = "ring_0001"
GRID = Grid(("nearest", "bilinear"), dilates=(1, 5, 9), erodes=(1, 5))
# The keys that open the screen of a scope, from the explorer.
WAY = {
    "explorer": (),
    "app": (),
    "page": ("s",),
    "sweeps": ("s",),
    "compare": ("v",),
    "prompts": ("M", "p", *"a;b", "enter"),
    "inside": ("w",),
}
WAY["paired"] = ("s", "asterisk", "j", "c")


@dataclass(frozen=True)
class Case:
    """What an action changes: `look` gives `then` after it, and something else before. first: keys before."""

    look: Look
    then: Any
    first: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """What an action asks for about runs: what begins with these words."""

    words: tuple[str, ...]
    first: tuple[str, ...] = ()


def sample(app: ExplorerApp) -> str:
    return app.explorer.now.sample


def config(app: ExplorerApp) -> PostProcess:
    return app.explorer.now.config


def heading(app: ExplorerApp) -> str:
    return str(app.explorer.parameters.border_title)


def compared(app: ExplorerApp) -> PostProcess | None:
    """The post-processing under which candidates are compared."""
    return app.screen.state.config if isinstance(app.screen, CompareScreen) else None


def title(app: ExplorerApp) -> str:
    """The source that the explorer shows."""
    return app.explorer.now.source.title


def screen(app: ExplorerApp) -> type:
    return type(app.screen)


def shown(app: ExplorerApp) -> tuple[str, ...]:
    return app.explorer.query_one(PictureGrid).shown()


def dialog(app: ExplorerApp) -> str:
    """The title of the dialog on top."""
    return str(app.screen.query_one("Vertical").border_title) if isinstance(app.screen, ChoiceScreen) else ""


def view(name: str) -> Look:
    return lambda app: getattr(app.explorer.now.view, name)


def row(app: ExplorerApp) -> int:
    return app.screen.query(DataTable).first().cursor_row


def text_of(selector: str) -> Callable[[ExplorerApp], str]:
    """The text of a part of the screen on top."""
    return lambda app: str(app.screen.query_one(selector, Static).render())


def has(look: Callable[[ExplorerApp], str], part: str) -> Look:
    return lambda app: part in look(app)


def marks_of_runs(app: ExplorerApp) -> list[bool]:
    """Which runs of the list are marked."""
    table = app.screen.query_one("#runs", DataTable)
    return [str(table.get_row_at(n)[0]).startswith("*") for n in range(table.row_count)]


def facts(app: ExplorerApp) -> str:
    return " ".join(app.screen.query_one(StatusLine).left)


def border_of(selector: str) -> Callable[[ExplorerApp], str]:
    """The title in the border of a part of the screen on top."""
    return lambda app: str(app.screen.query_one(selector).border_title)


def typed(app: ExplorerApp) -> str | None:
    """What is in the line that is typed into; None while there is none."""
    return app.focused.value if isinstance(app.focused, Input) else None


def prompts(app: ExplorerApp) -> tuple[str, ...]:
    """Those that are looked at side by side."""
    return app.screen.prompts if isinstance(app.screen, PromptsScreen) else ()


def notice(part: str) -> Look:
    return lambda app: any(part in text for text in app.notices)


def at_best(app: ExplorerApp) -> bool:
    """Whether the threshold is the one with the best mean IoU over all samples."""
    curves = app.explorer.scores.curves("all")
    assert curves is not None
    return config(app).threshold_index == curves.best("mean_iou")


def best_of_newest(app: ExplorerApp) -> bool:
    """Whether the explorer has the best cell of the newest run."""
    best = Ledger().runs()[0].best
    return best is not None and config(app) == best.config and isinstance(app.screen, ExplorerScreen)


def taken_head(app: ExplorerApp) -> tuple[Any, Any]:
    """Layer and head that the explorer shows."""
    values = dict(app.explorer.now.source.recipe.parameters)
    return values.get("layer"), values.get("head")


def words(app: ExplorerApp) -> str:
    """The place in the model that is looked at."""
    return text_of("#words")(app).splitlines()[0]


def heads(app: ExplorerApp) -> str:
    """The heads whose map is shown."""
    return app.screen.board.title if isinstance(app.screen, InsideScreen) else ""


DEFAULT = PostProcess()
HIGH = ("9", "9", "t")
LAST_METHOD = list(METHODS.values())[-1].title
DEEPEST = 23  # the last layer of the usual network, ViT-L/14

EXPLORER = {
    "sample.next": Case(sample, "ring_0002"),
    "sample.previous": Case(sample, "ring_0000"),
    "class.next": Case(sample, "star_0000"),
    "class.previous": Case(sample, "heart_0000"),
    "page.down": Case(sample, "star_0003"),
    "page.up": Case(sample, "heart_0000"),
    "sample.first": Case(sample, "heart_0000"),
    "sample.last": Case(sample, "star_0003"),
    "prefix.g": Case(sample, "heart_0000", ("g",)),
    "jump.back": Case(sample, START, ("G",)),
    "jump.forward": Case(sample, "star_0003", ("G", "ctrl+o")),
    "failure.next": Case(sample, "ring_0002", HIGH),
    "failure.previous": Case(sample, "ring_0000", HIGH),
    "filter": Case(lambda app: getattr(app.focused, "id", ""), "filter"),
    "match.next": Case(sample, "ring_0002", ("slash", *"ring", "enter")),
    "match.previous": Case(sample, "ring_0000", ("slash", *"ring", "enter")),
    "mark": Case(lambda app: app.explorer.now.marks, frozenset({START})),
    "mark.next": Case(sample, START, ("asterisk", "G")),
    "sort": Case(dialog, "Order the samples by"),
    "facet": Case(dialog, "List only"),
    "rank": Case(dialog, "Rank the pictures by"),
    "fold.open": Case(lambda app: app.explorer.samples.opened, True),
    "fold.close": Case(lambda app: app.explorer.samples.opened, False, ("l",)),
    "threshold.up": Case(config, DEFAULT.stepped("threshold", 1)),
    "threshold.down": Case(config, DEFAULT.stepped("threshold", -1)),
    "dilate.up": Case(config, PostProcess(dilate=5)),
    "dilate.down": Case(config, PostProcess(dilate=5), ("d", "d")),
    "erode.up": Case(config, PostProcess(erode=5)),
    "erode.down": Case(config, PostProcess(erode=5), ("e", "e")),
    "interpolation.next": Case(config, PostProcess(interpolation="bicubic")),
    "interpolation.previous": Case(config, PostProcess(interpolation="nearest")),
    "order.next": Case(config, PostProcess(order="erode-dilate")),
    "order.previous": Case(config, PostProcess(order="erode")),
    "kernel.next": Case(config, PostProcess(kernel="ellipse")),
    "stretch.next": Case(config, PostProcess(stretch="map")),
    "published": Case(heading, "Post-processing, as published", ("M",)),
    "best": Case(at_best, True, HIGH),
    "scope": Case(lambda app: app.explorer.now.scope, "sample"),
    "baseline": Case(lambda app: app.explorer.scores.baseline is app.explorer.scores.board, True, ("9", "d")),
    "undo": Case(config, PostProcess(dilate=5), ("d", "e")),
    "redo": Case(config, PostProcess(dilate=5, erode=5), ("d", "e", "u")),
    "reset": Case(config, DEFAULT, ("d", "e", "t")),
    "presets": Case(dialog, "Presets"),
    "method.next": Case(title, "noisy"),
    "method.previous": Case(title, LAST_METHOD),
    "prompt": Case(dialog, "Prompt"),
    "compute": Case(notice("computing the heatmaps of all 9 samples"), True, ("M",)),
    "inside": Case(screen, InsideScreen),
    "picture.1": Case(shown, ("heatmap", "mask", "truth")),
    "picture.2": Case(shown, ("image", "mask", "truth")),
    "picture.3": Case(shown, ("image", "heatmap", "truth")),
    "picture.4": Case(shown, ("image", "heatmap", "mask")),
    "layout": Case(shown, ("heatmap",)),
    "single": Case(shown, ("heatmap",)),
    "zoom.in": Case(view("zoom"), 1.5),
    "zoom.out": Case(view("zoom"), 1.5, ("plus", "plus")),
    "zoom.off": Case(view("zoom"), 1.0, ("plus", "plus")),
    "pan.left": Case(view("x"), 0.375, ("plus", "plus")),
    "pan.right": Case(view("x"), 0.625, ("plus", "plus")),
    "pan.up": Case(view("y"), 0.375, ("plus", "plus")),
    "pan.down": Case(view("y"), 0.625, ("plus", "plus")),
    "outlines": Case(view("outlines"), True),
    "crop": Case(view("crop"), True),
    "peek": Case(lambda app: app.explorer.looking.peeking, True),
    "blink": Case(shown, ("heatmap",)),
    "colours": Case(view("colours"), "viridis"),
    "opacity.up": Case(view("opacity"), 0.7),
    "opacity.down": Case(view("opacity"), 0.5),
    "sweeps": Case(screen, SweepsScreen),
    "sweep.new": Case(screen, ComposeScreen),
    "sweep.apply": Case(best_of_newest, True),
    "compare": Case(screen, CompareScreen),
    "marking": Case(notice("this dataset has true masks of its own"), True),
    "data": Case(dialog, "Data"),
    "flip": Case(notice("picture=fake needs the column fake"), True),
    "statistics": Case(screen, StatisticsScreen),
    "copy": Case(lambda app: app.clipboard.startswith("cliploc-tui --dataset "), True),
    "export": Case(dialog, "Export"),
}
EVERYWHERE = {
    "help": Case(screen, HelpScreen),
    "palette": Case(dialog, "Commands"),
    "theme": Case(dialog, "Theme"),
    "notices": Case(dialog, "Notifications"),
    "redraw": Case(notice("redrawn"), True),
    "quit": Case(lambda app: app.return_value, 0),
}
PAGES = {
    "row.down": Case(row, 1),
    "row.up": Case(row, 0, ("j",)),
    "close": Case(screen, ExplorerScreen),
    "run.compose": Case(screen, ComposeScreen),
    "run.apply": Case(best_of_newest, True),
    "run.cancel": Case(lambda app: dialog(app).startswith("Run "), True),
    "run.resume": Command(("detach",)),
    "run.delete": Case(lambda app: dialog(app).startswith("Delete run "), True),
    "run.export": Command(("export",)),
    "run.mark": Case(marks_of_runs, [True, False]),
    "run.compare": Case(screen, PairedScreen, ("asterisk", "j")),
    "paired.export": Case(lambda _: Path("runs-compared.csv").exists(), True),
    "run.score": Case(
        lambda app: str(app.screen.query_one("#run").border_title).partition(" · ")[2], "precision"
    ),
    "run.view": Case(has(text_of("#run-text"), "d╲e"), True),
    "compare.threshold.up": Case(compared, DEFAULT.stepped("threshold", 1)),
    "compare.threshold.down": Case(compared, DEFAULT.stepped("threshold", -1)),
    "compare.dilate.up": Case(compared, PostProcess(dilate=5)),
    "compare.dilate.down": Case(compared, PostProcess(dilate=5), ("d", "d")),
    "compare.erode.up": Case(compared, PostProcess(erode=5)),
    "compare.erode.down": Case(compared, PostProcess(erode=5), ("e", "e")),
    "compare.what": Case(dialog, "Compare"),
    "compare.compute": Case(dialog, "Compute the missing heatmaps of", ("m", "down", "enter")),
    "compare.scope": Case(has(border_of("#score-curves"), "this sample"), True),
    "compare.picture": Case(has(border_of("#candidate-pictures"), "heatmaps"), True),
    "compare.table": Case(lambda app: getattr(app.focused, "id", ""), "changes"),
    "compare.score": Case(lambda app: app.screen.query_one(ScoreCurves).score, SCORES[1]),
    "compare.by": Case(
        lambda app: str(app.screen.query_one("#changes").border_title).endswith("by sample"), True
    ),
    "compare.go": Case(lambda app: (screen(app), title(app)), (ExplorerScreen, "noisy"), ("j",)),
    "compare.export": Case(lambda _: Path("compare-by-class.csv").exists(), True),
    "prompts.add": Case(typed, ""),
    "prompts.edit": Case(typed, "a"),
    "prompts.remove": Case(prompts, ("b",)),
    "prompts.picture": Case(has(border_of("#prompt-pictures"), "masks"), True),
    "prompts.take": Case(lambda app: (screen(app), app.explorer.now.prompt), (ExplorerScreen, "a")),
    "head.next": Case(words, f"layer {DEEPEST}, head 1"),
    "head.previous": Case(words, f"layer {DEEPEST}, head 0", ("l",)),
    "head.switch": Case(heads, "all heads but 1"),
    "layer.switch": Case(heads, "all heads but 16"),
    "heads.reset": Case(heads, "all heads", ("space",)),
    "head.layer": Case(heads, f"layer {DEEPEST}, all heads"),
    "head.all": Case(heads, "all heads"),
    "head.table": Case(lambda app: str(app.screen.query_one("#heads").border_title), TITLES[INSIDE]),
    "head.take": Case(taken_head, (DEEPEST - 1, 1), ("j", "l")),
    "head.describe": Command(("describe",)),
}
CASES: dict[str, Case | Command] = {**EXPLORER, **EVERYWHERE, **PAGES}


def presses() -> list[Any]:
    """(preset, action, key): all keys of the default, and those that another preset adds."""
    found = []
    for preset, changes in keymap.PRESETS.items():
        for action in (action for action in ACTIONS if action.scope != ELSEWHERE):
            keys = changes.get(action.name, "" if changes else action.keys).split(",")
            known = action.keys.split(",") if changes else ()
            found += [
                pytest.param(preset, action.name, action.scope, key, id=f"{preset}-{action.name}-{key}")
                for key in keys
                if key and key not in known
            ]
    return found


# Its keys want pictures alone: see test_marking.py.
ELSEWHERE = "marking"


@pytest.fixture
def runs(toy: Dataset, request: pytest.FixtureRequest) -> int:
    """How many finished runs are in the ledger: two where a key is about them."""
    about_runs = request.node.callspec.params["scope"] in ("page", "sweeps", "paired")
    if not about_runs and request.node.callspec.params["name"] != "sweep.apply":
        return 0
    for name in ("noisy", "good"):
        cliploc.sweep(name, GRID, dataset=toy.spec, executor="threads", workers=1)
    return 2


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """What was asked for about runs, and with what; nothing is started, and no worker is."""
    asked: list[list[str]] = []

    def noted(name: str, answer: object = None) -> Callable[..., object]:
        def note(*arguments: object, **_: object) -> object:
            asked.append([name, *(one for one in arguments if isinstance(one, str))])
            return answer

        return note

    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request", lambda *_, **__: None)
    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request_text", lambda *_: None)
    for name in ("detach", "export", "awaken"):
        monkeypatch.setattr(f"cliploc.tui.studio.runs.{name}", noted(name))
    monkeypatch.setattr("cliploc.tui.studio.runs.Runs.describe", noted("describe"))
    monkeypatch.chdir(tmp_path)
    return asked


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """What ends by itself lasts, however slow the machine; a digit alone means a picture at once."""
    monkeypatch.setattr("cliploc.tui.screens.looking.PEEK_SECONDS", 3600.0)
    monkeypatch.setattr("cliploc.tui.widgets.pictures.BLINK_SECONDS", 3600.0)
    alone = request.node.callspec.params["name"].startswith(("picture.", "zoom.off"))
    monkeypatch.setattr("cliploc.tui.widgets.count.COUNT_PATIENCE", 0.01 if alone else 3600.0)


def test_every_action_has_an_expectation_and_the_other_way_round() -> None:
    assert set(CASES) == {action.name for action in ACTIONS if action.scope != ELSEWHERE}


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("preset", "name", "scope", "key"), presses())
async def test_key(
    make_app: Callable[..., ExplorerApp],
    runs: int,
    started: list[list[str]],
    preset: str,
    name: str,
    scope: str,
    key: str,
) -> None:
    case = CASES[name]
    app = make_app(KEYS | keymap.PRESETS[preset], sample=START)

    def holds() -> bool:
        if isinstance(case, Command):
            return any(command[: len(case.words)] == [*case.words] for command in started)
        return bool(case.look(app) == case.then)

    async with app.run_test(size=SIZE) as pilot:
        app.client.studio.runs.poll()
        for press in (*WAY[scope], *case.first):
            await settled(pilot)
            await pilot.press(press)
        await settled(pilot)
        await until(lambda: len(app.runs) == runs and app.client.imported, pilot)
        assert not holds()
        await pilot.press(key)
        await until(holds, pilot)
