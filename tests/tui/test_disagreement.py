"""Ordering the samples by how much the stored sets disagree about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import cliploc
from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.truths import Truths
from cliploc.tui.app import ExplorerApp
from cliploc.tui.state import Listing
from cliploc.tui.studio.disagreeing import disagreement
from cliploc.tui.studio.tallies import Tallies
from tests.tui.conftest import listed, settled, until

CONFIG = PostProcess(dilate=5, threshold=0.3)


def naive(dataset: Dataset, config: PostProcess) -> dict[str, float]:
    """Standard deviation over the sets of each sample's IoU, scored one map at a time."""
    sets = HeatmapStore().sets()
    spread = {}
    for sample in dataset.samples:
        mask = sample.true_mask()
        scores = [cliploc.score(each.read(sample.id), mask, config)["mean_iou"] for each in sets]
        spread[sample.id] = float(np.std(scores))
    return spread


def test_it_is_the_deviation_of_the_ious(toy: Dataset) -> None:
    found = disagreement(HeatmapStore().sets(), toy, Tallies(toy, Truths()), CONFIG, lambda: False)
    assert found is not None
    ready, spread = found
    assert sorted(ready.sets) == ["good", "noisy"]
    at = spread.at(CONFIG.threshold_index, toy)
    assert dict(zip(toy.ids, at, strict=True)) == pytest.approx(naive(toy, CONFIG))


def test_one_set_disagrees_with_nobody(toy: Dataset) -> None:
    found = disagreement(HeatmapStore().sets()[:1], toy, Tallies(toy, Truths()), CONFIG, lambda: False)
    assert found is not None
    assert not found[0].is_enough()
    assert np.isnan(found[1].at(0, toy)).all()


def test_samples_that_only_one_set_has_are_left_out(toy: Dataset) -> None:
    some = toy.samples[:3]
    fewer = replace(toy, samples=some)
    found = disagreement(HeatmapStore().sets(), fewer, Tallies(fewer, Truths()), CONFIG, lambda: False)
    assert found is not None
    assert set(found[1].ids) == {sample.id for sample in some}


async def test_the_most_disputed_come_first_and_follow_the_config(
    make_app: Callable[..., ExplorerApp], toy: Dataset
) -> None:
    app = make_app(config=CONFIG)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("comma", *"disagr", "enter")
        await until(lambda: app.explorer.samples.disagreement, pilot)
        await settled(pilot)
        assert listed(app) == by_size(naive(toy, CONFIG))
        await pilot.press("d", "d", "T")
        await settled(pilot)
        config = app.explorer.now.config
        await until(lambda: app.explorer.samples.disagreement.config.dilate == config.dilate, pilot)
        await settled(pilot)
        assert listed(app) == by_size(naive(toy, config))


async def test_a_session_that_was_left_in_this_order_starts_in_it(
    make_app: Callable[..., ExplorerApp], toy: Dataset
) -> None:
    app = make_app(config=CONFIG, listing=Listing(sort="disagreement"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.explorer.samples.disagreement, pilot)
        await settled(pilot)
        assert listed(app) == by_size(naive(toy, CONFIG))


async def test_with_one_set_it_says_so(make_app: Callable[..., ExplorerApp], toy: Dataset) -> None:
    store = HeatmapStore()
    store.remove(store.find("noisy"))
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("comma", *"disagr", "enter")
        await until(lambda: any("needs 2 stored sets or more; here: good" in n for n in app.notices), pilot)
        assert len(app.explorer.samples.order) == 9


def by_size(values: dict[str, float]) -> list[str]:
    return sorted(values, key=lambda id_: (-values[id_], id_))
