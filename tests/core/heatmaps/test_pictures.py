"""A picture is decoded and seen once, whatever its samples; where each has one, nothing changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cliploc.core.datasets import Dataset, Sample, open_dataset
from cliploc.core.heatmaps.extract import batches_of, compute, slices
from cliploc.core.heatmaps.forward import ForwardPass, joined, load, pictures_of
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore

LABELS = {0: ("cat",), 1: ("cat", "dog", "red car"), 2: ("dog", "red car"), 3: ("dog",), 4: ("cat", "dog")}


@pytest.fixture
def coco(tmp_path: Path) -> Dataset:
    """Nine samples in five pictures."""
    random, names = np.random.default_rng(0), ["cat", "dog", "red car"]
    (tmp_path / "images").mkdir()
    for picture in LABELS:
        pixels = random.integers(0, 255, (48, 48, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{picture:03d}.png")
    boxes = [(picture, label) for picture, labels in LABELS.items() for label in labels]
    content = {
        "images": [{"id": n, "file_name": f"{n:03d}.png", "height": 48, "width": 48} for n in LABELS],
        "categories": [{"id": n, "name": name} for n, name in enumerate(names)],
        "annotations": [
            {
                "id": n, "image_id": picture, "category_id": names.index(label), "iscrowd": 0,
                "segmentation": [[4, 4, 30, 4, 30, 30 - n, 4, 30]],
            }
            for n, (picture, label) in enumerate(boxes)
        ],
    }  # fmt: skip
    (tmp_path / "instances.json").write_text(json.dumps(content))
    return open_dataset(f"coco:{tmp_path / 'images'}:{tmp_path / 'instances.json'}")


def counting(seen: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Note how many pictures each pass has."""
    whole = ForwardPass.heatmaps

    def noted(self: ForwardPass, pixels: object, prompts: list[list[str]]) -> object:
        seen.append(len(prompts))
        return whole(self, pixels, prompts)  # type: ignore[arg-type]

    monkeypatch.setattr(ForwardPass, "heatmaps", noted)


@pytest.mark.parametrize("method", ["gem", "legrad"])
def test_every_sample_has_the_heatmap_of_its_own_pass(
    coco: Dataset, tiny_backbone: str, store: HeatmapStore, method: str
) -> None:
    recipe = Recipe(method, tiny_backbone)
    (made,) = compute([recipe], coco, store, device="cpu", batch=2)
    completed = recipe.completed(coco.name)
    job = joined([completed], coco, load(completed, "cpu"))
    for sample in coco.samples:
        alone = job.heatmaps(job.pixels(sample), [job.prompts([sample])])[completed][0]
        np.testing.assert_allclose(made.values()[sample.id], alone.numpy(), rtol=0, atol=1e-5)


def test_a_picture_is_decoded_and_seen_once(
    coco: Dataset, recipe: Recipe, store: HeatmapStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    decoded: list[str] = []
    counting(seen, monkeypatch)
    pixels = ForwardPass.pixels
    monkeypatch.setattr(
        ForwardPass, "pixels", lambda self, sample: decoded.append(sample.id) or pixels(self, sample)
    )
    compute([recipe], coco, store, device="cpu", batch=2)
    assert sum(seen) == len(decoded) == len(LABELS)
    assert max(seen) == 2


def test_pictures_with_as_many_samples_are_together(coco: Dataset) -> None:
    pictures = pictures_of(coco.samples)
    assert [len(picture) for picture in pictures] == [1, 1, 2, 2, 3]
    assert {sample.id for picture in pictures for sample in picture} == {s.id for s in coco.samples}
    assert all(len({sample.path for sample in picture}) == 1 for picture in pictures)
    assert [len(pictures_of(batch)) for batch in batches_of(coco.samples, 2)] == [2, 2, 1]


def test_where_each_sample_has_a_picture_batches_are_what_they_were(toy: Dataset) -> None:
    assert batches_of(toy.samples, 3) == [list(batch) for batch in slices(toy.samples, 3)]


def test_samples_without_a_file_have_a_picture_each(toy: Dataset) -> None:
    samples: list[Sample] = [replace(sample, path=None) for sample in toy.samples]
    assert [len(picture) for picture in pictures_of(samples)] == [1] * len(samples)
