"""Scores while somebody switches heads off: of one sample's every head, of a dataset for a choice.

All from kept terms, by numpy and cv2; no network is near.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from cliploc.core.codes import Mask, codes_for
from cliploc.core.datasets import Sample
from cliploc.core.heatmaps.terms import Terms, TermSet, heatmap_of
from cliploc.core.methods.head_switches import Kept, kept
from cliploc.core.metrics import counts_of, iou
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import of_itself, raw
from cliploc.core.sweep.live import LiveScores

ByHead = tuple[tuple[float, ...], ...]  # by layer, then head


@dataclass(frozen=True)
class HeadTable:
    """What each head is worth on one sample.

    iou: of the head's map alone, at the config's threshold. inside: the mean of what the
    head adds inside the true mask; empty where nothing is true.
    """

    iou: ByHead
    inside: ByHead


def table_of(terms: Terms, sample: Sample, config: PostProcess) -> HeadTable:
    """Score every head of a sample by itself."""
    true_mask, ignored = sample.true_mask(), sample.ignored()
    layers, heads = terms.shape[:2]
    alone = [
        [
            _iou(terms, kept(layers, heads, layer=layer, head=head), true_mask, ignored, config)
            for head in range(heads)
        ]
        for layer in range(layers)
    ]
    return HeadTable(tuple(map(tuple, alone)), _inside(terms, true_mask))


def iou_of(terms: Terms, chosen: Kept, sample: Sample, config: PostProcess) -> float:
    """The IoU of a sample for a choice of heads."""
    return _iou(terms, chosen, sample.true_mask(), sample.ignored(), config)


def _iou(terms: Terms, chosen: Kept, true_mask: Mask, ignored: Mask | None, config: PostProcess) -> float:
    codes = codes_for(of_itself(heatmap_of(terms, chosen)), true_mask.shape, config)
    return float(iou(counts_of(codes, true_mask, ignored))[config.threshold_index])


def _inside(terms: Terms, true_mask: Mask) -> ByHead:
    height, width = terms.shape[2:]
    # Each cell counts by the share of it that is true.
    weights = cv2.resize(true_mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    if not weights.any():
        return ()
    means = np.tensordot(terms.astype(np.float64), weights / weights.sum(), axes=2)
    return tuple(tuple(row) for row in means.tolist())


class HeadScores:
    """The mean IoU of a dataset for one choice of heads after the other.

    Of the samples whose terms are there: `ids`. cache_bytes: the memory for true masks and
    planes. Call from one thread.
    """

    def __init__(self, terms: TermSet, samples: Sequence[Sample], *, cache_bytes: int = 1 << 29) -> None:
        self.key = terms.key
        self._terms = terms
        self._samples = samples
        self.ids = tuple(terms.present(sample.id for sample in samples))
        self._cache_bytes = cache_bytes
        self._live: LiveScores | None = None
        self._known: OrderedDict[tuple[Kept, PostProcess], tuple[float, ...]] = OrderedDict()

    def mean_iou(
        self, chosen: Kept, config: PostProcess, cancelled: Callable[[], bool] = lambda: False
    ) -> float | None:
        """At the config's threshold: foreground IoU per image, then mean. None when cancelled, or of nothing.

        `cancelled` is asked before every image.
        """
        key = (chosen, replace(config, threshold=0.0))
        if key not in self._known:
            curve = self._curve(chosen, config, cancelled)
            if curve is None:
                return None
            self._known[key] = curve
            if len(self._known) > _KEPT_CURVES:
                self._known.popitem(last=False)
        return self._known[key][config.threshold_index]

    def close(self) -> None:
        """Stop the threads."""
        if self._live is not None:
            self._live.close()

    def _curve(
        self, chosen: Kept, config: PostProcess, cancelled: Callable[[], bool]
    ) -> tuple[float, ...] | None:
        heatmaps = {}
        for id_ in self.ids:
            if cancelled():
                return None
            terms = self._terms.read(id_)
            if terms is not None:
                heatmaps[id_] = heatmap_of(terms, chosen)
        if not heatmaps:
            return None
        if self._live is None:
            self._live = LiveScores(raw(heatmaps), self._samples, cache_bytes=self._cache_bytes)
        else:
            self._live.renew(raw(heatmaps))
        counts = self._live.counts(config, cancelled)
        return None if counts is None else tuple(iou(counts).mean(axis=0).tolist())


_KEPT_CURVES = 256
