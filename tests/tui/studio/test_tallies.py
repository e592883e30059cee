"""Tallies of a set that grows: what is counted once is not counted again, unless its range became another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.evaluate import evaluate
from cliploc.core.sweep.truths import Truths
from cliploc.tui.studio.tallies import Tallies


def test_a_wider_range_counts_for_those_that_were_counted_before(make_folder: Callable[..., Path]) -> None:
    dataset = open_dataset(str(make_folder({"cat": 3})))
    found = HeatmapStore().open(Identity(dataset.pictures, "gem", raw=True))
    rng, tallies = np.random.default_rng(0), Tallies(dataset, Truths())
    for config in (PostProcess(), PostProcess(stretch="none")):
        for width, sample in enumerate(dataset.samples, 1):
            found.write({sample.id: (rng.random((4, 4)) * width - 1).astype(np.float32)})
            tally = tallies.of(found, config, lambda: False)
            assert tally is not None
            expected = evaluate(found.read_all(), dataset.samples, config).counts
            order = [tally.ids.index(each.id) for each in dataset.samples if each.id in tally.ids]
            np.testing.assert_array_equal(tally.counts.tp[order], expected.tp)
        HeatmapStore().remove(found)
        found = HeatmapStore().open(Identity(dataset.pictures, "naclip", raw=True))
