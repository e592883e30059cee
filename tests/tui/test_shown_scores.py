"""Which scores the explorer shows: those of its state, exact ones before estimates."""

from __future__ import annotations

from dataclasses import replace

from cliploc.core.datasets import open_dataset
from cliploc.core.postprocess import PostProcess
from cliploc.tui.answers import PicturesReady, ScoresReady
from cliploc.tui.curves import SCORES, Curves
from cliploc.tui.dataset_scores import DatasetScores
from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.state import ExplorerState, Source

SOURCE, CONFIG = Source(stored="good"), PostProcess(dilate=5)
DATASET = open_dataset("demo")
STATE = ExplorerState(DATASET.samples[0].id, SOURCE, CONFIG)


def curves(value: float, images: int = 1) -> Curves:
    return Curves(images, {name: [value] * 100 for name in SCORES})


def board(images: int, config: PostProcess = CONFIG) -> DatasetScores:
    return DatasetScores(SOURCE, config, "good", images, 9, None, {None: curves(0.5, images)})


def taken(scores: ShownScores, found: DatasetScores) -> bool:
    return scores.take_board(ScoresReady(SOURCE, found.config, found, found.total))


def test_an_estimate_gives_way_to_a_better_one_and_never_to_a_worse() -> None:
    scores = ShownScores(DATASET, STATE)
    assert taken(scores, board(3))
    assert not scores.has_exact_board()
    assert "class" in scores.stale()
    assert "all" not in scores.stale()
    assert taken(scores, board(9))
    assert scores.has_exact_board()
    assert not taken(scores, board(4))
    assert scores.scored == 9


def test_an_estimate_of_the_present_config_replaces_exact_scores_of_another() -> None:
    scores = ShownScores(DATASET, STATE)
    taken(scores, board(9))
    scores.now = STATE.with_(config=CONFIG.with_(dilate=7))
    assert taken(scores, board(3, scores.now.config))
    assert not taken(scores, board(9))


def test_columns_are_those_of_one_threshold_and_means_of_all() -> None:
    scores = ShownScores(DATASET, STATE)
    taken(scores, board(9))
    assert scores.has_fresh_columns()
    scores.now = STATE.with_(config=CONFIG.with_(threshold=0.9))
    assert scores.has_exact_board()
    assert not scores.has_fresh_columns()
    assert taken(scores, board(9, scores.now.config))
    assert scores.has_fresh_columns()


def test_the_samples_baseline_comes_with_its_pictures() -> None:
    scores = ShownScores(DATASET, STATE)
    taken(scores, board(9))
    scores.take_pictures(PicturesReady(1, STATE, {}, curves(0.4), None, ""))
    assert scores.baseline_curves("sample") == curves(0.4)
    scores.now = STATE.with_(config=CONFIG.with_(dilate=7))
    assert scores.baseline_curves("sample") == curves(0.4)
    asked = scores.against
    scores.take_pictures(PicturesReady(2, scores.now, {}, curves(0.6), None, "", asked, curves(0.45)))
    assert scores.baseline_curves("sample") == curves(0.45)
    elsewhere = replace(scores.now, sample=DATASET.samples[1].id)
    scores.now = elsewhere
    assert scores.baseline_curves("sample") is None
