"""The explorer on a tiny deterministic dataset with an imported heatmap set; no worker, no network."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from textual.pilot import Pilot

from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.heatmaps.terms import TermSet
from cliploc.core.terminal import Terminal
from cliploc.tui import session
from cliploc.tui.actions import ACTIONS
from cliploc.tui.app import ExplorerApp
from cliploc.tui.comparison import Standing
from cliploc.tui.screens.prompts import PromptsScreen
from cliploc.tui.state import ExplorerState, Source
from cliploc.tui.textual_private import forget_drawn
from cliploc.tui.widgets.picture import Picture
from tests.conftest import write_picture
from tests.tui.threaded import ThreadedStudio

CLASSES = {"star": 4, "ring": 3, "heart with a long name": 2}
SIDE = 64
PATIENCE = 60.0
KEYS = {action.name: action.keys for action in ACTIONS}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Textual's pilot waits for the whole process to idle; the studio's thread is none of its business."""
    monkeypatch.setattr("textual.pilot.wait_for_idle", loop_idle)
    monkeypatch.setattr("textual.app.wait_for_idle", loop_idle)
    yield
    # It would keep what every screen of every test has drawn.
    forget_drawn()
    # What is left of an app is looked through for garbage again and again: seconds, each time.
    gc.freeze()


async def loop_idle(_: float = 0, most: float = 1) -> None:
    """Wait until the event loop's thread has next to nothing to do."""
    end = time.monotonic() + most
    while time.monotonic() < end:
        before = time.thread_time()
        await asyncio.sleep(0.004)
        if time.thread_time() - before < 0.0005:
            return


@pytest.fixture
def toy(tmp_path: Path) -> Dataset:
    """Nine samples in three classes, and the heatmap sets `good` and `noisy`."""
    root, rng = tmp_path / "toy", np.random.default_rng(7)
    lines, maps = ["real,mask,prompt"], {"good": {}, "noisy": {}}
    for label, count in CLASSES.items():
        for number in range(count):
            id_ = f"{label.split()[0]}_{number:04}"
            true_mask = disc(number + 2 * len(label), rng)
            image = np.full((SIDE, SIDE, 3), (40, 60, 90), np.uint8)
            image[true_mask > 0] = (200, 150 + 10 * number, 60)
            write_picture(root / f"real/{id_}.png", image[..., ::-1])
            write_picture(root / f"mask/{id_}.png", true_mask)
            lines.append(f"real/{id_}.png,mask/{id_}.png,{label}")
            grid = cv2.resize(true_mask, (8, 8), interpolation=cv2.INTER_AREA) / 255
            maps["good"][id_] = np.clip(grid * 0.8 + 0.2 * rng.random((8, 8)), 0, 1)
            maps["noisy"][id_] = np.clip(grid * 0.4 + 0.6 * rng.random((8, 8)), 0, 1)
    (root / "table.csv").write_text("\n".join(lines) + "\n")
    dataset = open_dataset(str(root))
    for name, heatmaps in maps.items():
        path = tmp_path / f"{name}.npz"
        np.savez(path, ids=list(heatmaps), heatmaps=np.stack(list(heatmaps.values())).astype(np.float32))
        import_npz(HeatmapStore(), path, dataset, name)
    return dataset


@pytest.fixture
def photographs(tmp_path: Path) -> Dataset:
    """Three pictures, two things to look for, and the heatmap sets `one` and `other`."""
    folder, rng = tmp_path / "photographs", np.random.default_rng(1)
    for number in range(3):
        write_picture(folder / f"photo_{number}.png", rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
    dataset = open_dataset(f"{folder}?prompt=a red car ; a tree")
    for number, name in enumerate(("one", "other")):
        maps = [cv2.GaussianBlur(rng.random((8, 8)).astype(np.float32), (3, 3), 1 + number) for _ in range(6)]
        ids = [sample.id for sample in dataset.samples]
        np.savez(tmp_path / f"{name}.npz", ids=ids, heatmaps=np.stack(maps))
        import_npz(HeatmapStore(), tmp_path / f"{name}.npz", dataset, name)
    return dataset


@pytest.fixture
def app_alone(photographs: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ExplorerApp]:
    """The app on these pictures, its studio in a thread, and no worker."""
    monkeypatch.setattr("cliploc.tui.app.POLL_SECONDS", 3600.0)
    monkeypatch.setattr("cliploc.tui.studio_client.launched", ThreadedStudio)
    for name in ("request", "request_text"):
        monkeypatch.setattr(f"cliploc.tui.studio.heatmaps.Worker.{name}", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)
    session.mark_hints_seen()
    state = ExplorerState(photographs.samples[0].id, Source(stored="one"))
    made = ExplorerApp(photographs, state, Terminal("halfcell", truecolor=True), KEYS)
    made.animation_level = "none"
    yield made
    made.client.close()


def disc(seed: int, rng: np.random.Generator) -> np.ndarray:
    """A true mask: a disc somewhere."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    centre = (20 + seed % 24, 20 + 3 * seed % 24)
    return cv2.circle(mask, centre, int(rng.integers(8, 18)), 255, -1)


@pytest.fixture
def terms(toy: Dataset) -> TermSet:
    """What the heads of a small network add to the toy dataset: (3, 1) sees the object, the others noise."""
    recipe, rng = Recipe("textspan").completed(toy.name), np.random.default_rng(3)
    made = TermSet(
        Identity(
            toy.pictures, "textspan", recipe.parameters, recipe.backbone, recipe.checkpoint,
            "d" * 64, recipe.template, recipe.size, version=recipe.spec.version,
        )
    )  # fmt: skip
    for sample in toy.samples:
        found = rng.standard_normal((4, 3, 8, 8)).astype(np.float32)
        found[3, 1] = cv2.resize(sample.true_mask().astype(np.float32), (8, 8), interpolation=cv2.INTER_AREA)
        made.write({sample.id: found})
    return made


@pytest.fixture
def make_app(toy: Dataset, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ExplorerApp]]:
    """A maker of the app on the toy dataset, its studio in a thread; runs are polled by the tests alone."""
    monkeypatch.setattr("cliploc.tui.app.POLL_SECONDS", 3600.0)
    monkeypatch.setattr("cliploc.tui.studio_client.launched", ThreadedStudio)
    session.mark_hints_seen()
    made = []

    def make(keys: dict[str, str] = KEYS, **changes: object) -> ExplorerApp:
        state = ExplorerState(toy.samples[0].id, Source(stored="good"))
        app = ExplorerApp(toy, state.with_(**changes), Terminal("halfcell", truecolor=True), keys)
        app.animation_level = "none"
        made.append(app)
        return app

    yield make
    for app in made:
        app.client.close()


async def until(condition: Callable[[], object], pilot: Pilot[int]) -> None:
    """Wait, with an end, until a condition holds and the screen has caught up."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        await asyncio.sleep(0.01)
    await pilot.pause()


async def settled(pilot: Pilot[int]) -> None:
    """Wait until the studio is idle, the newest pictures are shown and nothing waits to be drawn."""
    app = pilot.app
    assert isinstance(app, ExplorerApp)
    # The explorer opens after the first paint, and then asks for its pictures.
    await until(lambda: app.explorer._generation > 0, pilot)
    for _ in range(3):
        await pilot.pause()
        await until(lambda: not app.client.busy, pilot)
        await until(lambda: app.explorer._list_timer is None, pilot)
        await until(lambda: all(is_drawn(p) for p in app.screen.query(Picture)), pilot)


def is_drawn(picture: Picture) -> bool:
    """Whether what the picture was given is what it shows."""
    hidden = picture._shown is None or not picture.display or not picture.size
    return (
        hidden
        or any(not a.display for a in picture.ancestors_with_self)
        or (picture.shown_generation == picture._generation)
    )


def listed(app: ExplorerApp) -> list[str]:
    """The ids of the samples that are listed."""
    return [app.dataset.ids[place] for place in app.explorer.samples.order.places]


def of_prompts(screen: PromptsScreen) -> dict[str, Standing]:
    """How the prompts of a page stand, as far as it is known."""
    return {each.prompt: standing for each, standing in screen.standings.known.items() if each.prompt}
