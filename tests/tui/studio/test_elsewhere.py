"""Who is asked to count elsewhere, and what becomes of a question that is never answered."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.protocol import Count, Counted, Died, Failed, Ready
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.server import Server
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep import live
from cliploc.core.sweep.truths import Truths
from cliploc.tui.answers import ScoresReady
from cliploc.tui.state import Source
from cliploc.tui.studio.elsewhere import Elsewhere
from cliploc.tui.studio.heatmaps import Heatmaps
from cliploc.tui.studio.scorer import Scorer

SET: Any = SimpleNamespace(key="k" * 16)
RECIPE = Recipe("gem")
HISTOGRAMS = np.arange(512, dtype=np.uint32).reshape(2, 256)


class StandIn:
    """A worker that keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Count] = []

    def count(self, count: Count) -> None:
        self.asked.append(count)


def ready(device: str) -> Ready:
    return Ready(RECIPE, Identity("f" * 64, "gem"), device)


def asked_of(elsewhere: Elsewhere) -> Future[Any] | None:
    return elsewhere.ask(SET, 5, "toy", ["a", "b"], PostProcess(dilate=9))


@pytest.mark.parametrize(
    ("device", "is_asked"), [("cuda", True), ("cuda:1", True), ("cpu", False), ("mps", False)]
)
def test_only_a_worker_on_a_gpu_is_asked(device: str, is_asked: bool) -> None:
    worker: Any = StandIn()
    elsewhere = Elsewhere(worker)
    assert asked_of(elsewhere) is None, "nobody knows of a worker yet"
    elsewhere.hear(ready(device))
    future = asked_of(elsewhere)
    assert (future is not None) == is_asked == bool(worker.asked)
    if future is not None:
        assert worker.asked == [Count(0, "toy", SET.key, 5, ("a", "b"), PostProcess(dilate=9))]


def test_an_answer_belongs_to_its_question() -> None:
    worker: Any = StandIn()
    elsewhere = Elsewhere(worker)
    elsewhere.hear(ready("cuda"))
    first, second = asked_of(elsewhere), asked_of(elsewhere)
    assert first is not None
    assert second is not None
    elsewhere.hear(Counted(worker.asked[1].number, HISTOGRAMS))
    elsewhere.hear(Counted(99, HISTOGRAMS))
    assert not first.done()
    np.testing.assert_array_equal(second.result(0), HISTOGRAMS)


def test_a_worker_that_cannot_count_one_set_is_asked_for_another() -> None:
    worker: Any = StandIn()
    elsewhere = Elsewhere(worker)
    elsewhere.hear(ready("cuda"))
    future = asked_of(elsewhere)
    assert future is not None
    elsewhere.hear(Counted(0, None))
    assert future.result(0) is None
    assert asked_of(elsewhere) is not None


@pytest.mark.parametrize("end", [Died("killed"), Failed("it died 3 times in a row")])
def test_a_worker_that_died_is_not_asked_again_until_it_is_another(end: Any) -> None:
    worker: Any = StandIn()
    elsewhere = Elsewhere(worker)
    elsewhere.hear(ready("cuda"))
    future = asked_of(elsewhere)
    assert future is not None
    elsewhere.hear(Failed("no such picture", RECIPE, ("a",)))
    assert not future.done(), "another request's failure"
    elsewhere.hear(end)
    assert future.cancelled()
    assert asked_of(elsewhere) is None
    elsewhere.hear(ready("cuda"))
    assert asked_of(elsewhere) is not None


def test_the_dataset_has_the_same_scores_with_a_worker_that_counts(
    toy: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the scorer, the wire's messages and the worker's own server."""
    for name, value in (("ALONE", -1.0), ("WORTH", 0.0), ("FIRST_BLOCK", 2), ("SLICE", 0.0)):
        monkeypatch.setattr(live, name, value)
    monkeypatch.setattr("cliploc.tui.studio.scorer.SOON", 0.0)
    chance = np.random.default_rng(0)
    ids = list(toy.ids)
    np.savez(tmp_path / "x.npz", ids=ids, heatmaps=chance.random((len(ids), 6, 6), np.float32))
    import_npz(HeatmapStore(), tmp_path / "x.npz", toy, "x")
    boards, numbers = [], []
    for counts_elsewhere in (False, True):
        answers: list[object] = []
        heatmaps = Heatmaps(toy, answers.append, "cpu")
        if counts_elsewhere:
            server = Server("cpu", heatmaps._on_event)

            def count(asked: Count, server: Server = server) -> None:
                numbers.append(asked.number)
                server.count(asked)

            monkeypatch.setattr(heatmaps._worker, "count", count)
            heatmaps._elsewhere.hear(ready("cuda"))
        scorer = Scorer(toy, heatmaps, Truths(), answers.append, lambda *_: None)
        scorer.score(Source(stored="x"), PostProcess(dilate=5), lambda: False)
        boards.append([each.board for each in answers if isinstance(each, ScoresReady)][-1])
    assert numbers, "it was asked"
    here, elsewhere = boards
    assert here is not None
    assert elsewhere is not None
    assert here.is_exact
    assert elsewhere.means == here.means
