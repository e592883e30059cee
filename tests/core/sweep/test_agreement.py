"""Our scores against public implementations of the same definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as rle

from cliploc.core.metrics import (
    average_precision,
    counts_of,
    f1,
    iou,
    pixel_accuracy,
    pooled,
    precision,
    recall,
    stacked,
    two_class_iou,
)
from cliploc.core.sweep.localization import box_accuracy, contour_boxes, hits, mask_box, overlap

SHAPE = (24, 32)
codes_planes = hnp.arrays(np.uint8, SHAPE, elements=st.integers(0, 100))
true_masks = hnp.arrays(np.bool_, SHAPE).filter(lambda mask: mask.any() and not mask.all())
thresholds = st.integers(0, 99)


@given(codes_planes, true_masks, thresholds)
@settings(max_examples=40, deadline=None)
def test_iou_is_pycocotools_mask_iou(codes: np.ndarray, mask: np.ndarray, threshold: int) -> None:
    predicted = codes > threshold
    runs = [rle.encode(np.asfortranarray(plane.astype(np.uint8))) for plane in (predicted, mask)]
    expected = rle.iou([runs[0]], [runs[1]], [0])[0, 0]
    assert iou(counts_of(codes, mask))[threshold] == pytest.approx(expected, abs=1e-12)


@given(codes_planes, true_masks)
@settings(max_examples=40, deadline=None)
def test_average_precision_is_scikit_learns(codes: np.ndarray, mask: np.ndarray) -> None:
    from sklearn.metrics import average_precision_score

    codes = np.maximum(codes, 1)  # every value passes the threshold 0
    expected = average_precision_score(mask.ravel(), codes.ravel())
    assert float(average_precision(counts_of(codes, mask))) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.tuples(codes_planes, true_masks), min_size=1, max_size=4))
@settings(max_examples=20, deadline=None)
def test_pooled_average_precision_is_scikit_learns_over_all_pixels(
    images: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    from sklearn.metrics import average_precision_score

    images = [(np.maximum(codes, 1), mask) for codes, mask in images]
    total = pooled(stacked(counts_of(codes, mask) for codes, mask in images))
    expected = average_precision_score(
        np.concatenate([mask.ravel() for _, mask in images]),
        np.concatenate([codes.ravel() for codes, _ in images]),
    )
    assert float(average_precision(total)) == pytest.approx(expected, abs=1e-12)


@given(codes_planes, true_masks, thresholds)
@settings(max_examples=40, deadline=None)
def test_precision_recall_f1_and_accuracy_are_scikit_learns(
    codes: np.ndarray, mask: np.ndarray, threshold: int
) -> None:
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    predicted = (codes > threshold).ravel()
    expected = precision_recall_fscore_support(mask.ravel(), predicted, average="binary", zero_division=0)
    counts = counts_of(codes, mask)
    assert precision(counts)[threshold] == pytest.approx(expected[0], abs=1e-12)
    assert recall(counts)[threshold] == pytest.approx(expected[1], abs=1e-12)
    assert f1(counts)[threshold] == pytest.approx(expected[2], abs=1e-12)
    assert pixel_accuracy(counts)[threshold] == pytest.approx(accuracy_score(mask.ravel(), predicted))


def test_micro_and_two_class_iou_are_torchmetrics() -> None:
    torch = pytest.importorskip("torch")
    classification = pytest.importorskip("torchmetrics.classification")
    rng = np.random.default_rng(0)
    images = [
        (rng.integers(0, 101, SHAPE, dtype=np.uint8), rng.random(SHAPE) < share) for share in (0.1, 0.4, 0.9)
    ]
    total = pooled(stacked(counts_of(codes, mask) for codes, mask in images))
    micro = classification.BinaryJaccardIndex()
    both = classification.MulticlassJaccardIndex(num_classes=2, average="macro")
    for codes, mask in images:
        predicted, target = torch.tensor(codes > 40).int(), torch.tensor(mask).int()
        micro.update(predicted, target)
        both.update(predicted, target)
    assert iou(total)[40] == pytest.approx(micro.compute().item(), abs=1e-6)
    assert two_class_iou(total)[40] == pytest.approx(both.compute().item(), abs=1e-6)


def test_the_pointing_game_counts_pixels_strictly_nearer_than_15() -> None:
    mask = np.zeros((60, 60), bool)
    mask[:, 40:] = True
    for column, expected in (
        (40, (True, True)),
        (39, (False, True)),
        (26, (False, True)),
        (25, (False, False)),
    ):
        map_ = np.zeros((60, 60), np.float32)
        map_[30, column] = 1
        assert tuple(hits(map_, mask).values()) == expected
    assert hits(np.zeros((60, 60), np.float32), np.zeros((60, 60), bool)) == {0: False, 15: False}


def test_the_pointing_game_takes_the_first_of_equal_maxima() -> None:
    mask = np.zeros((40, 40), bool)
    mask[0, 0] = True
    assert hits(np.ones((40, 40), np.float32), mask) == {0: True, 15: True}


def test_box_overlap_counts_both_ends() -> None:
    first, second = np.array([[0, 0, 9, 9]]), np.array([[5, 0, 14, 9], [20, 20, 29, 29], [0, 0, 9, 9]])
    np.testing.assert_allclose(overlap(first, second), [[50 / 150, 0, 1]])


def test_boxes_are_around_contours_the_largest_first() -> None:
    mask = np.zeros((40, 40), bool)
    mask[2:6, 3:9] = True
    mask[10:30, 10:35] = True
    assert contour_boxes(mask).tolist() == [[10, 10, 34, 29], [3, 2, 8, 5]]
    assert mask_box(mask).tolist() == [[3, 2, 34, 29]]
    assert contour_boxes(np.zeros((5, 5), bool)).tolist() == [[0, 0, 0, 0]]


def test_max_box_acc_takes_the_best_threshold_and_v2_any_contour() -> None:
    true_boxes = np.array([[0, 0, 9, 9]])
    codes = np.zeros((40, 40), np.uint8)
    codes[0:10, 0:10] = 30  # the object
    codes[20:40, 20:40] = 60  # something larger and hotter
    found = box_accuracy([(codes, true_boxes)])
    assert found.max_box_acc == 0.0
    assert found.max_box_acc_v2 == 1.0
    codes[20:40, 20:40] = 20  # larger, but cooler: the right threshold tells them apart
    found = box_accuracy([(codes, true_boxes)])
    assert found.max_box_acc == 1.0
    assert found.largest.tolist() == [0.0] * 20 + [1.0] * 10 + [0.0] * 70
