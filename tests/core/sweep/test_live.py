"""Live scores are the scores, whatever was computed before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from cliploc.core.codes import codes_for
from cliploc.core.datasets import Sample
from cliploc.core.metrics import Counts, counts_of, stacked
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.live import LiveScores

SHAPES = [(40, 30), (64, 64), (17, 23), (64, 64)]
WALK = [
    PostProcess(),
    PostProcess(dilate=9, erode=9),
    PostProcess(dilate=9, erode=13),
    PostProcess(dilate=5, erode=13),
    PostProcess(dilate=5, erode=3),
    PostProcess(dilate=13, erode=3, interpolation="bicubic"),
    PostProcess(dilate=13, erode=3, order="erode-dilate"),
    PostProcess(dilate=7, erode=3, kernel="ellipse"),
    PostProcess(dilate=9, erode=3, kernel="ellipse"),
    PostProcess(dilate=9, erode=9),
]


def load_mask(index: int) -> np.ndarray:
    return np.random.default_rng(index).random(SHAPES[index]) < 0.3


@pytest.fixture
def samples() -> list[Sample]:
    def mask(index: int) -> np.ndarray:
        return load_mask(index)

    return [
        Sample(f"s{i}", "cat", image=lambda: np.zeros((1, 1, 3), np.uint8), true_mask=lambda i=i: mask(i))
        for i in range(len(SHAPES))
    ]


@pytest.fixture
def heatmaps() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(9)
    return {f"s{i}": rng.random((6, 6), dtype=np.float32) for i in range(len(SHAPES))}


def expected(heatmaps: dict[str, np.ndarray], config: PostProcess) -> Counts:
    return stacked(
        counts_of(codes_for(heatmaps[f"s{i}"], shape, config), load_mask(i)) for i, shape in enumerate(SHAPES)
    )


@pytest.fixture(params=[1 << 29, 40_000, 10], ids=["roomy", "tight", "nothing fits"])
def live(
    request: pytest.FixtureRequest, heatmaps: dict[str, np.ndarray], samples: list[Sample]
) -> Iterator[LiveScores]:
    scores = LiveScores(heatmaps, samples, threads=2, cache_bytes=request.param)
    yield scores
    scores.close()


def test_a_walk_through_configs_is_right_at_every_stop(
    live: LiveScores, heatmaps: dict[str, np.ndarray]
) -> None:
    for config in WALK:
        counts = live.counts(config)
        assert counts is not None
        wanted = expected(heatmaps, config)
        np.testing.assert_array_equal(counts.tp, wanted.tp)
        np.testing.assert_array_equal(counts.predicted, wanted.predicted)
        np.testing.assert_array_equal(counts.area, wanted.area)


def test_a_threshold_costs_nothing(live: LiveScores) -> None:
    assert live.counts(PostProcess(dilate=9)) is live.counts(PostProcess(dilate=9, threshold=0.9))


def test_other_heatmaps_of_the_same_samples_give_their_own_scores(
    live: LiveScores, heatmaps: dict[str, np.ndarray]
) -> None:
    config = PostProcess(dilate=9)
    live.counts(config)
    other = {id_: 1 - heatmap for id_, heatmap in heatmaps.items()}
    live.renew(other)
    counts = live.counts(config)
    assert counts is not None
    np.testing.assert_array_equal(counts.tp, expected(other, config).tp)


def test_samples_without_a_heatmap_are_left_out(
    heatmaps: dict[str, np.ndarray], samples: list[Sample]
) -> None:
    del heatmaps["s1"]
    scores = LiveScores(heatmaps, samples)
    counts = scores.counts(PostProcess())
    assert scores.ids == ("s0", "s2", "s3")
    assert counts is not None
    assert counts.tp.shape == (3, 100)


def test_no_heatmaps_at_all_are_no_rows(samples: list[Sample]) -> None:
    counts = LiveScores({}, samples).counts(PostProcess())
    assert counts is not None
    assert counts.tp.shape == (0, 100)


def test_a_cancelled_question_has_no_answer_and_spoils_no_other(
    live: LiveScores, heatmaps: dict[str, np.ndarray]
) -> None:
    asked = iter([False, False, True])
    config = PostProcess(dilate=9, erode=9)
    assert live.counts(config, lambda: next(asked, True)) is None
    counts = live.counts(config)
    assert counts is not None
    np.testing.assert_array_equal(counts.tp, expected(heatmaps, config).tp)
