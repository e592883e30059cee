"""The explorer on pictures that have boxes and no true masks: no score, and the way to MaxBoxAcc."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.terminal import Terminal
from cliploc.tui import session
from cliploc.tui.app import ExplorerApp
from cliploc.tui.shown_scores import BOXES_ALONE
from cliploc.tui.state import ExplorerState, Source
from tests.core.datasets.layouts import box_lists
from tests.tui.conftest import KEYS, settled, until
from tests.tui.threaded import ThreadedStudio


@pytest.fixture
def app_boxed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExplorerApp]:
    """The app on two pictures with boxes and a stored set."""
    monkeypatch.setattr("cliploc.tui.app.POLL_SECONDS", 3600.0)
    monkeypatch.setattr("cliploc.tui.studio_client.launched", ThreadedStudio)
    monkeypatch.chdir(tmp_path)
    session.mark_hints_seen()
    box_lists(tmp_path / "made")
    dataset = open_dataset(str(tmp_path / "made"))
    heatmaps = np.random.default_rng(0).random((2, 4, 4)).astype(np.float32)
    np.savez(tmp_path / "maps.npz", ids=np.array(["a", "b"]), heatmaps=heatmaps)
    import_npz(HeatmapStore(), tmp_path / "maps.npz", dataset, "boxed")
    state = ExplorerState("a", Source(stored="boxed"))
    made = ExplorerApp(dataset, state, Terminal("halfcell", truecolor=True), KEYS)
    made.animation_level = "none"
    yield made
    made.client.close()


async def test_nothing_is_scored_and_the_notices_say_what_can_be(app_boxed: ExplorerApp) -> None:
    async with app_boxed.run_test(size=(140, 45)) as pilot:
        await settled(pilot)
        await until(lambda: app_boxed.explorer.scores.has_no_truth, pilot)
        for key in ("b", "equals_sign", "f", "S", "space", "C", "H", "escape", "j"):
            await pilot.press(key)
            await settled(pilot)
        assert app_boxed.explorer.scores.board is None
        assert app_boxed.notices.count(BOXES_ALONE) >= 3
        await pilot.press("X")
        await settled(pilot)
        assert "this dataset has boxes of its own; pictures alone are drawn on" in app_boxed.notices
        assert app_boxed.is_running
