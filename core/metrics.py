"""Scores from exact counts, at all thresholds at once.

Everything is derived from four numbers per image and threshold: pixels
predicted and true (TP), predicted (TP + FP), true (TP + FN) and all. Counts
are integers, so two ways to the same counts give the same scores to the bit.

Conventions, printed with every number:
- mean IoU: foreground IoU of each image, averaged over images; an image whose
  true mask and prediction are both empty scores 1;
- precision: per image, then mean; nothing predicted scores 0 (1 if nothing was there to find);
- recall: per image, then mean; an empty true mask scores 1;
- F1: per image 2 TP / (2 TP + FP + FN), then mean (not the harmonic mean of means);
- pixel accuracy: per image, then mean;
- micro scores: the same formulas on counts summed over all images;
- two-class IoU: mean of the foreground's and the background's IoU, on summed counts;
- average precision: area under precision over recall in steps, at the 100 thresholds;
  per image then mean, or pooled over all pixels of the dataset (PxAP).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from cliploc.core import scores
from cliploc.core.codes import Codes, Float32, Mask, codes_for
from cliploc.core.errors import ParameterError
from cliploc.core.postprocess import THRESHOLDS, PostProcess

Integers = npt.NDArray[np.signedinteger]
Scores = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]

_FLOAT32_EXACT = 1 << 24  # calcHist counts in float32


@dataclass(frozen=True)
class Counts:
    """Pixel counts at all T thresholds, of one image (T,) or of many (n, T).

    tp: predicted and true. predicted: all predicted. area: true, and pixels:
    all, one per image ((1,) or (n, 1), so that they broadcast over thresholds).
    """

    tp: Integers
    predicted: Integers
    area: Integers
    pixels: Integers

    @property
    def fp(self) -> Integers:
        """Predicted but not true."""
        return self.predicted - self.tp

    @property
    def fn(self) -> Integers:
        """True but not predicted."""
        return self.area - self.tp

    @property
    def tn(self) -> Integers:
        """Neither predicted nor true."""
        return self.pixels - self.area - self.fp

    def __getitem__(self, images: int | slice | Integers | Mask) -> Counts:
        """The counts of some images: an index, slice, index array or boolean selection of the first axis."""
        return Counts(self.tp[images], self.predicted[images], self.area[images], self.pixels[images])


def truth_of(true_mask: Mask, ignored: Mask | None = None) -> Codes:
    """The true mask in the form that counting wants: (H, W) uint8, 128 true, 0 false, 255 ignored.

    Codes stay below 128, so `codes | truth` tells code and truth apart in one
    histogram of 256 bins.
    """
    truth: Codes = np.left_shift(true_mask, 7, dtype=np.uint8)
    if ignored is not None:
        truth[ignored] = 255
    return truth


def histogram_of(codes: Codes, truth: Codes, joined: Codes | None = None) -> Floats:
    """Pixels by code | truth: (256,) float32, exact integers. joined: a buffer of the codes' shape."""
    if codes.size >= _FLOAT32_EXACT:
        return np.bincount((codes | truth).ravel(), minlength=256).astype(np.float64)
    joined = cv2.bitwise_or(codes, truth, dst=joined)
    histogram: Floats = cv2.calcHist([joined], [0], None, [256], [0, 256]).ravel()
    return histogram


def counts_from(histograms: Floats) -> Counts:
    """Counts at all thresholds from histograms (..., 256) of `histogram_of`.

    A pixel is predicted at threshold j when its code > j: the reverse
    cumulative sum of the histogram over codes.
    """
    exact = histograms.astype(np.int64)
    bins = len(THRESHOLDS) + 1
    inside, outside = exact[..., 128 : 128 + bins], exact[..., :bins]
    area = inside.sum(axis=-1, keepdims=True)
    return Counts(
        tp=_passing(inside),
        predicted=_passing(inside + outside),
        area=area,
        pixels=area + outside.sum(axis=-1, keepdims=True),
    )


def counts_of(codes: Codes, true_mask: Mask, ignored: Mask | None = None) -> Counts:
    """Count one image at every threshold.

    codes: (H, W) uint8 in 0..100. true_mask: (H, W) bool. ignored: (H, W) bool,
    pixels that are not counted at all.
    """
    return counts_from(histogram_of(codes, truth_of(true_mask, ignored)))


def _passing(histogram: Integers) -> Integers:
    passing: Integers = np.cumsum(histogram[..., ::-1], axis=-1)[..., ::-1][..., 1:]
    return passing


def stacked(counts: Iterable[Counts]) -> Counts:
    """Put the counts of single images (T,) on top of each other: (n, T)."""
    rows = list(counts)
    return Counts(*(np.stack([getattr(row, name) for row in rows]) for name in Counts.__dataclass_fields__))


def _ratio(part: npt.NDArray[np.integer], whole: npt.NDArray[np.integer], empty: Scores | float) -> Scores:
    """part / whole, broadcast; `empty` where the whole is 0."""
    if whole.all():  # nearly always, and half the work
        quotient: Scores = part / whole
        return quotient
    value: Scores = np.where(whole == 0, empty, part / np.maximum(whole, 1))
    return value


def iou(counts: Counts) -> Scores:
    """Foreground IoU, TP / (TP + FP + FN); 1 where there is nothing to find and nothing was found."""
    return _ratio(counts.tp, counts.predicted + counts.fn, 1.0)


def precision(counts: Counts) -> Scores:
    """TP / (TP + FP); nothing predicted scores 0, or 1 where there was nothing to find."""
    return _ratio(counts.tp, counts.predicted, (counts.area == 0).astype(np.float64))


def recall(counts: Counts) -> Scores:
    """TP / (TP + FN); 1 where there is nothing to find."""
    return _ratio(counts.tp, counts.area, 1.0)


def f1(counts: Counts) -> Scores:
    """2 TP / (2 TP + FP + FN); 1 where there is nothing to find and nothing was found."""
    return _ratio(2 * counts.tp, counts.predicted + counts.area, 1.0)


def pixel_accuracy(counts: Counts) -> Scores:
    """(TP + TN) / all pixels."""
    return _ratio(counts.tp + counts.tn, counts.pixels, 1.0)


def two_class_iou(counts: Counts) -> Scores:
    """Mean of foreground and background IoU, meant for summed counts (CLIP interpretability papers' mIoU).

    The background's IoU is TN / (TN + FP + FN); 1 where there is no background and none was found.
    """
    background: Scores = _ratio(counts.tn, counts.pixels - counts.tp, 1.0)
    return (iou(counts) + background) / 2


def average_precision(counts: Counts) -> Scores:
    """Step-wise area under precision over recall, thresholds descending: counts (..., T) -> (...).

    Sum of precision_k (recall_k - recall_k-1), as in scikit-learn; on summed
    counts it is PxAP (Choe et al., 2020, as a fraction). 1 where there is nothing to find.
    """
    gained = -np.diff(counts.tp, axis=-1, append=0)  # new true pixels at each threshold, coming from above
    found = _ratio(counts.tp, counts.predicted, 0.0) * gained
    area = counts.area[..., 0]
    value: Scores = np.where(area == 0, 1.0, found.sum(axis=-1) / np.maximum(area, 1))
    return value


def pooled(counts: Counts) -> Counts:
    """Sum over images, (n, T) -> (T,): every score of the result is a micro score."""
    return Counts(*(getattr(counts, name).sum(axis=0) for name in Counts.__dataclass_fields__))


# Per-image scores whose mean over images is the reported number, by column name.
SCORES: dict[str, Callable[[Counts], Scores]] = {
    score.name: globals()[score.function] for score in scores.SCORES
}


def mean_scores(counts: Counts) -> dict[str, Scores]:
    """Every score averaged over the images, at all thresholds: name -> (T,)."""
    return {name: np.atleast_2d(of(counts)).mean(axis=0) for name, of in SCORES.items()}


def summed_scores(total: Counts) -> dict[str, Scores]:
    """Every score of counts that were summed over images, by column name: `micro_iou`, …, `two_class_iou`."""
    micro = {f"micro_{name.removeprefix('mean_')}": of(total) for name, of in SCORES.items()}
    return {**micro, "two_class_iou": two_class_iou(total)}


def score(
    heatmap: Float32, true_mask: Mask, config: PostProcess, ignored: Mask | None = None
) -> dict[str, float]:
    """All five scores of one heatmap under one config, at the config's threshold, each in [0, 1].

    heatmap: (h, w) floats in [0, 1]. true_mask: (H, W) bool, or whole numbers 0 and 1, or 0 and 255.
    ignored: likewise, pixels that do not count. ParameterError for anything else.

    >>> true_mask = np.zeros((256, 256), bool)
    >>> true_mask[64:128, 64:128] = True
    >>> heatmap = np.zeros((4, 4), np.float32)
    >>> heatmap[1, 1:3] = 1.0
    >>> score(heatmap, true_mask, PostProcess(interpolation="nearest"))["mean_iou"]
    0.5
    """
    truth = _as_mask(true_mask, "true_mask")
    void = None if ignored is None else _as_mask(ignored, "ignored")
    if void is not None and void.shape != truth.shape:
        raise ParameterError(f"ignored: found shape {void.shape}, expected {truth.shape} of the true mask")
    counts = counts_of(codes_for(_as_heatmap(heatmap), truth.shape, config), truth, void)
    return {name: float(of(counts)[config.threshold_index]) for name, of in SCORES.items()}


def _as_heatmap(given: object) -> Float32:
    found = np.asarray(given)
    if found.dtype.kind != "f" or found.ndim != 2 or not found.size:
        raise ParameterError(
            f"heatmap: found {found.dtype} of shape {found.shape}, expected floats of shape (h, w)"
        )
    if found.min() < 0 or found.max() > 1:  # NaN and infinity are told by who reads codes
        raise ParameterError(
            f"heatmap: found values from {found.min():.3g} to {found.max():.3g}, expected [0, 1]; "
            "`normalize` stretches maps"
        )
    return found.astype(np.float32)


def _as_mask(given: object, name: str) -> Mask:
    found = np.asarray(given)
    if found.ndim != 2 or not found.size or found.dtype.kind not in "bui":
        raise ParameterError(f"{name}: found {found.dtype} of shape {found.shape}, expected a mask (H, W)")
    values = set(np.unique(found).tolist())
    if not (values <= {0, 1} or values <= {0, 255}):
        shown = ", ".join(map(str, sorted(values)[:4]))
        raise ParameterError(f"{name}: found values {shown}, expected 0 and 1, or 0 and 255; choose with ==")
    mask: Mask = found != 0
    return mask
