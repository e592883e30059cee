"""Counts and scores against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import cliploc
from cliploc.core import scores
from cliploc.core.codes import codes_for
from cliploc.core.errors import ParameterError
from cliploc.core.metrics import SCORES, Counts, counts_of, mean_scores, score, stacked
from cliploc.core.postprocess import INTERPOLATIONS, KERNELS, ORDERS, THRESHOLDS, PostProcess
from tests.core.test_codes import odd_sides, values
from tests.oracles import naive_counts, naive_scores

configs = st.builds(
    PostProcess,
    interpolation=st.sampled_from(INTERPOLATIONS),
    order=st.sampled_from(ORDERS),
    kernel=st.sampled_from(KERNELS),
    dilate=odd_sides,
    erode=odd_sides,
    threshold=st.sampled_from(THRESHOLDS),
)
heatmaps = st.one_of(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=values),
    st.sampled_from([0.0, 0.5, 1.0]).map(lambda value: np.full((3, 3), value, np.float32)),
)
masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=32))


@given(heatmaps, masks, configs)
@settings(max_examples=150, deadline=None)
def test_counts_equal_the_naive_ones_at_every_threshold(
    heatmap: np.ndarray, mask: np.ndarray, config: PostProcess
) -> None:
    counts = counts_of(codes_for(heatmap, mask.shape, config), mask)
    tp, predicted = naive_counts(heatmap, mask, config)
    assert counts.tp.tolist() == tp
    assert counts.predicted.tolist() == predicted
    assert counts.area.tolist() == [mask.sum()]
    assert counts.pixels.tolist() == [mask.size]
    total = counts.tp + counts.fp + counts.fn + counts.tn
    assert (total == mask.size).all()


@given(heatmaps, masks, configs)
@settings(max_examples=60, deadline=None)
def test_scores_follow_their_definitions(heatmap: np.ndarray, mask: np.ndarray, config: PostProcess) -> None:
    counts = counts_of(codes_for(heatmap, mask.shape, config), mask)
    j = config.threshold_index
    expected = naive_scores(int(counts.tp[j]), int(counts.predicted[j]), int(mask.sum()), mask.size)
    assert score(heatmap, mask, config) == pytest.approx(expected, abs=1e-15)
    assert all(((of(counts) >= 0) & (of(counts) <= 1)).all() for of in SCORES.values())


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_ignored_pixels_count_for_nothing(data: st.DataObject) -> None:
    mask = data.draw(masks)
    codes = data.draw(hnp.arrays(np.uint8, mask.shape, elements=st.integers(0, 100)))
    ignored = data.draw(hnp.arrays(np.bool_, mask.shape))
    counts = counts_of(codes, mask, ignored)
    kept = ~ignored
    assert counts.area.tolist() == [int(mask[kept].sum())]
    assert counts.pixels.tolist() == [int(kept.sum())]
    for j in (0, 50, 99):
        assert counts.tp[j] == ((codes > j) & mask & kept).sum()
        assert counts.predicted[j] == ((codes > j) & kept).sum()


def test_an_empty_true_mask_rewards_finding_nothing() -> None:
    nothing = np.zeros((4, 4), bool)
    silent = counts_of(np.zeros((4, 4), np.uint8), nothing)
    loud = counts_of(np.full((4, 4), 100, np.uint8), nothing)
    assert {name: float(of(silent)[0]) for name, of in SCORES.items()} == dict.fromkeys(SCORES, 1.0)
    assert float(SCORES["mean_iou"](loud)[0]) == 0
    assert float(SCORES["recall"](loud)[0]) == 1


def test_the_mean_is_over_images_not_over_pixels() -> None:
    small = Counts(*(np.array([v], np.int64) for v in (1, 1, 1, 10)))
    large = Counts(*(np.array([v], np.int64) for v in (0, 500, 500, 1000)))
    assert mean_scores(stacked([small, large]))["mean_iou"].tolist() == [0.5]


def test_a_large_image_is_counted_exactly() -> None:
    codes = np.full((4096, 4097), 100, np.uint8)  # more pixels than float32 counts exactly
    mask = np.zeros(codes.shape, bool)
    mask[0, 0] = True
    counts = counts_of(codes, mask)
    assert counts.predicted.tolist() == [codes.size] * 100
    assert counts.tp.tolist() == [1] * 100


def test_every_score_is_declared_with_its_function_and_fits_where_it_is_named() -> None:
    assert tuple(SCORES) == tuple(score.name for score in scores.SCORES)
    assert all(len(score.narrow) <= 10 and len(score.short) <= 4 for score in scores.SCORES)


MASK = np.zeros((8, 8), bool)
MASK[2:5, 2:6] = True
MAP = np.random.default_rng(3).random((4, 4), dtype=np.float32)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("top", [1, 255])
def test_masks_of_numbers_and_maps_of_any_float_score_as_bool_and_float32(dtype: type, top: int) -> None:
    config, ignored = PostProcess(), np.eye(8, dtype=bool)
    heatmap = MAP.astype(dtype)
    numbers = [np.where(mask, top, 0).astype(np.uint8) for mask in (MASK, ignored)]
    expected = cliploc.score(heatmap.astype(np.float32), MASK, config, ignored)
    assert cliploc.score(heatmap, numbers[0], config, numbers[1]) == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"true_mask": MASK * np.uint8(2)}, "true_mask: found values 0, 2"),
        ({"true_mask": np.arange(64).reshape(8, 8) % 3}, "true_mask: found values 0, 1, 2"),
        ({"true_mask": MASK.astype(float)}, "true_mask: found float64"),
        ({"true_mask": MASK[None]}, "true_mask: found bool of shape"),
        ({"ignored": MASK[:4]}, "ignored: found shape"),
        ({"heatmap": MAP * 255}, r"heatmap: found values from .* expected \[0, 1\]"),
        ({"heatmap": MAP * 2 - 1}, "heatmap: found values from -"),
        ({"heatmap": (MAP * 255).astype(np.uint8)}, "heatmap: found uint8"),
        ({"heatmap": MAP[None]}, "heatmap: found float32 of shape"),
        ({"heatmap": MAP * np.nan}, "NaN or infinity"),
    ],
)
def test_what_cannot_be_scored_is_a_sentence(changes: dict[str, np.ndarray], words: str) -> None:
    arguments = {"heatmap": MAP, "true_mask": MASK, "config": PostProcess()} | changes
    with pytest.raises(ParameterError, match=words):
        cliploc.score(**arguments)
