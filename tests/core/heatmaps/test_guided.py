"""Heatmaps that a second network takes part in: its weights are part of what a set is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from cliploc.core.backbones.load import load_backbone
from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.forward import heatmaps_of, joined
from cliploc.core.heatmaps.recipe import Recipe

FIRST, SECOND = (("guide", f"vit_tiny_patch16_224:random:{seed}") for seed in (0, 1))


def test_another_guide_is_another_set_and_other_methods_of_the_pass_keep_theirs(
    make_folder: Callable[..., Path], tiny_backbone: str
) -> None:
    dataset = open_dataset(str(make_folder()))
    backbone = load_backbone(tiny_backbone, device="cpu")
    plain = Recipe("naclip", backbone=tiny_backbone, size=64)
    sets, maps = set(), []
    for setting in (FIRST, SECOND):
        guided = Recipe("proxyclip", backbone=tiny_backbone, size=64, parameters=(setting,))
        job = joined([each.completed("toy") for each in (guided, plain)], dataset, backbone)
        sets.add(job.identity(job.recipes[0]).digest)
        assert job.identity(job.recipes[1]).digest == backbone.digest
        sample = dataset.samples[0]
        maps.append(heatmaps_of(replace(job, recipes=job.recipes[:1]), [sample], job.prompts([sample])))
    assert len(sets | {backbone.digest}) == 3
    assert np.isfinite(maps).all()
    assert np.abs(maps[0] - maps[1]).max() > 0.01
