"""Scores while a knob is turned: an estimate first, the exact ones after, one threshold's columns."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

import cliploc
from cliploc.core.datasets import Dataset
from cliploc.core.errors import StoreError
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.truths import Truths
from cliploc.tui.answers import ScoresReady
from cliploc.tui.dataset_scores import DatasetScores
from cliploc.tui.state import Source
from cliploc.tui.studio import exports
from cliploc.tui.studio.heatmaps import Heatmaps
from cliploc.tui.studio.lister import Facts
from cliploc.tui.studio.scorer import Scorer
from cliploc.tui.widgets.scores import progress_of

SOURCE, CONFIG = Source(stored="good"), PostProcess(dilate=5, threshold=0.3)


@dataclass
class Said:
    """A board, and the IoUs that were told with it."""

    board: DatasetScores
    iou: list[float]


MakeScorer = Callable[[], tuple[Scorer, list[Said]]]


@pytest.fixture
def make_scorer(toy: Dataset, monkeypatch: pytest.MonkeyPatch) -> MakeScorer:
    """A scorer that says what it knows after every sample, and what it has said."""
    monkeypatch.setattr("cliploc.tui.studio.scorer.FIRST", -1.0)
    monkeypatch.setattr("cliploc.tui.studio.scorer.SOON", -1.0)
    monkeypatch.setattr("cliploc.tui.studio.scorer.WORTH_FROM", 0)
    monkeypatch.setattr("cliploc.tui.studio.scorer.SAID_EVERY", -1.0)
    monkeypatch.setattr("cliploc.tui.studio.scorer.SAYING", math.inf)
    monkeypatch.setattr("cliploc.core.sweep.live.SLICE", -1.0)

    def make() -> tuple[Scorer, list[Said]]:
        said: list[Said] = []

        def post(answer: object) -> None:
            if isinstance(answer, ScoresReady) and answer.board is not None:
                said.append(Said(answer.board, []))

        def know(facts: Facts) -> None:
            assert (facts.source, facts.config) == (said[-1].board.source, said[-1].board.config)
            said[-1].iou = facts.iou.tolist()

        return Scorer(toy, Heatmaps(toy, post, "cpu"), Truths(), post, know), said

    return make


def naive(dataset: Dataset, config: PostProcess) -> list[float]:
    """Every sample's IoU, in the dataset's order."""
    stored = HeatmapStore().find("good")
    return [cliploc.score(stored.read(s.id), s.true_mask(), config)["mean_iou"] for s in dataset.samples]


def never() -> bool:
    return False


def test_estimates_grow_to_the_exact_scores(toy: Dataset, make_scorer: MakeScorer) -> None:
    scorer, said = make_scorer()
    scorer.score(SOURCE, CONFIG, never)
    wanted = naive(toy, CONFIG)
    sizes = [each.board.images for each in said]
    assert len(sizes) > 1
    assert all(later >= 4 * before for before, later in pairwise(sizes[:-1]))
    for each in said:
        board, seen = each.board, [value for value in each.iou if not math.isnan(value)]
        assert len(seen) == board.images
        mean = board.curves()
        assert mean is not None
        assert mean.at("mean_iou", CONFIG.threshold_index) == pytest.approx(statistics.fmean(seen))
        assert board.is_exact == (each is said[-1])
    assert said[-1].iou == pytest.approx(wanted)
    assert said[-1].board.reach == 0.0


def test_where_the_exact_scores_come_soon_no_estimate_is_said(
    toy: Dataset, make_scorer: MakeScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cliploc.tui.studio.scorer.SOON", math.inf)
    scorer, said = make_scorer()
    scorer.score(SOURCE, CONFIG, lambda: True)
    assert [each.board.is_exact for each in said] == [True]
    assert said[0].iou == pytest.approx(naive(toy, CONFIG))


def test_class_means_are_over_what_is_seen_of_the_class(toy: Dataset, make_scorer: MakeScorer) -> None:
    scorer, said = make_scorer()
    scorer.score(SOURCE, CONFIG, never)
    for each in said:
        for label, mean in each.board.by_class("mean_iou", CONFIG.threshold_index).items():
            pairs = zip(toy.samples, each.iou, strict=True)
            members = [value for sample, value in pairs if sample.label == label and not math.isnan(value)]
            assert mean == pytest.approx(statistics.fmean(members))


def test_a_newer_request_is_heard_after_the_first_estimate_and_nothing_is_lost(
    toy: Dataset, make_scorer: MakeScorer
) -> None:
    scorer, said = make_scorer()
    scorer.score(SOURCE, CONFIG, lambda: True)
    assert [each.board.is_exact for each in said] == [False]
    scorer.score(SOURCE, CONFIG.with_(dilate=9), lambda: True)
    scorer.score(SOURCE, CONFIG, lambda: True)
    assert said[2].board.images >= said[0].board.images
    scorer.score(SOURCE, CONFIG, never)
    assert said[-1].iou == pytest.approx(naive(toy, CONFIG))


def test_another_threshold_brings_its_own_column_at_once(toy: Dataset, make_scorer: MakeScorer) -> None:
    scorer, said = make_scorer()
    scorer.score(SOURCE, CONFIG, never)
    said.clear()
    other = CONFIG.with_(threshold=0.6)
    scorer.score(SOURCE, other, lambda: True)
    (found,) = said
    assert found.iou == pytest.approx(naive(toy, other))
    assert found.board.config == other


def test_the_means_have_the_same_bits_however_they_came(
    make_scorer: MakeScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_sample, said = make_scorer()
    by_sample.score(SOURCE, CONFIG, never)
    monkeypatch.setattr("cliploc.core.sweep.live.SLICE", 60.0)
    at_once, other = make_scorer()
    at_once.score(SOURCE, CONFIG, never)
    assert other[-1].board.means == said[-1].board.means


def test_only_the_scores_of_the_state_are_exported(make_scorer: MakeScorer, tmp_path: Path) -> None:
    scorer, _ = make_scorer()
    scorer.score(SOURCE, CONFIG, lambda: True)
    with pytest.raises(StoreError, match="once more"):
        exports.of_state(scorer.latest, SOURCE, CONFIG)
    scorer.score(SOURCE, CONFIG, never)
    exports.write_samples(exports.of_state(scorer.latest, SOURCE, CONFIG), CONFIG, tmp_path / "scores.csv")
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 10
    with pytest.raises(StoreError, match="once more"):
        exports.of_state(scorer.latest, SOURCE, CONFIG.with_(dilate=7))


def test_an_estimate_is_said_with_its_interval_and_the_exact_score_without(
    make_scorer: MakeScorer,
) -> None:
    scorer, said = make_scorer()
    scorer.score(SOURCE, CONFIG, never)
    exact = said[-1].board
    assert progress_of(exact) == ""
    estimate = replace(exact, images=400, total=13807, reach=0.0141)
    mean = exact.curves()
    assert mean is not None
    value = f"{mean.at('mean_iou', CONFIG.threshold_index):.3f}".removeprefix("0")
    assert progress_of(estimate) == f"mean IoU {value} ± .014, 400 of 13,807"
    assert progress_of(replace(estimate, reach=None)) == f"mean IoU {value}, 400 of 13,807"
