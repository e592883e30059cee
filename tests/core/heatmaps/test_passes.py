"""What a long computation pays once and not with every batch, and what halving does to its bits."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.decoding import decoded
from cliploc.core.heatmaps.extract import compute
from cliploc.core.heatmaps.forward import ForwardPass, joined, load
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore


def casts_of_weights(job: ForwardPass, pixels: torch.Tensor, prompts: Sequence[str]) -> int:
    """How often a matrix that multiplies on the image side is cast to half precision in one pass."""
    weights = dict(job.backbone.model.visual.named_parameters())
    shapes = [
        list(each.shape) for name, each in weights.items() if name.endswith("weight") and each.dim() > 1
    ]
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as seen:
        job.heatmaps(pixels, prompts)
    casts = [event for event in seen.events() or () if event.name == "aten::_to_copy"]
    return sum(event.input_shapes[0] in shapes for event in casts)


@pytest.mark.parametrize("method", ["gem", "naclip", "textspan"])
def test_weights_are_cast_once_for_all_passes_inside_an_open_autocast(
    method: str, recipe: Recipe, toy: Dataset
) -> None:
    completed = Recipe(method, recipe.backbone, precision="bfloat16").completed(toy.name)
    job = joined([completed], toy, load(completed, "cpu"))
    # Three pictures: no activation has the shape of a matrix.
    pixels = torch.cat([job.pixels(sample) for sample in toy.samples[:3]])
    prompts = job.prompts(toy.samples[:3])
    alone = job.heatmaps(pixels, prompts)[completed]
    assert casts_of_weights(job, pixels, prompts) > 0
    with job.autocast():
        job.heatmaps(pixels, prompts)
        assert casts_of_weights(job, pixels, prompts) == 0
        torch.testing.assert_close(job.heatmaps(pixels, prompts)[completed], alone, rtol=0, atol=0)


def test_texts_are_as_precise_inside_an_open_autocast(recipe: Recipe, toy: Dataset) -> None:
    completed = recipe.completed(toy.name)
    plain, inside = (load(completed, "cpu") for _ in range(2))
    with torch.autocast("cpu", torch.bfloat16):
        found = inside.encode_text(["a cat", "a dog"])
    torch.testing.assert_close(found, plain.encode_text(["a cat", "a dog"]), rtol=0, atol=0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_was_halved_has_the_bits_of_the_smaller_batch(
    precision: str,
    recipe: Recipe,
    toy: Dataset,
    store: HeatmapStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Recipe(recipe.method, recipe.backbone, precision=precision)
    (smaller,) = compute([asked], toy, HeatmapStore(tmp_path / "smaller"), device="cpu", batch=2)
    original, told = ForwardPass.heatmaps, list[str]()

    def small(job: ForwardPass, pixels: torch.Tensor, prompts: Sequence[str]) -> dict[Recipe, torch.Tensor]:
        if len(pixels) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return original(job, pixels, prompts)

    monkeypatch.setattr(ForwardPass, "heatmaps", small)
    (halved,) = compute([asked], toy, store, device="cpu", batch=4, notice=told.append)
    for id_, values in smaller.values().items():
        np.testing.assert_array_equal(halved.values()[id_], values)
    said = "cpu has too little memory for 4 images at once: from here on 2, to the same bits as --batch 2"
    assert told.count(said) == 1


def test_pictures_are_decoded_by_as_many_threads_as_are_given(toy: Dataset) -> None:
    together = threading.Barrier(12, timeout=60)

    def pixels(_: object) -> torch.Tensor:
        together.wait()  # all twelve are in here at once, or none comes out
        return torch.zeros(1, 3, 2, 2, dtype=torch.uint8)

    (batch,) = decoded(pixels, [[toy.samples[0]] * 12], pinned=False, threads=12)
    assert batch.shape == (12, 3, 2, 2)
