"""Extraction: the right maps, resumable, the same bytes however it was interrupted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cliploc.core.backbones.load import load_backbone
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.errors import CheckpointError, ClipLocError, DatasetError, ParameterError, ResourceError
from cliploc.core.heatmaps import extract
from cliploc.core.heatmaps.extract import Progress, compute
from cliploc.core.heatmaps.forward import ForwardPass, grouped, in_memory, joined, load
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore
from cliploc.core.methods.compute import compute_maps
from cliploc.core.prompts import prompt_for


def contents(heatmap_set: HeatmapSet) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in heatmap_set.folder.iterdir()}


def test_every_sample_gets_the_map_of_its_own_label(
    recipe: Recipe, toy: Dataset, store: HeatmapStore
) -> None:
    (made,) = compute([recipe], toy, store, device="cpu", batch=3)
    assert made.complete(toy)
    backbone = load_backbone(recipe.backbone, device="cpu")
    template = made.identity.template
    for sample in toy.samples:
        images = backbone.preprocess([sample.image()])
        text = backbone.encode_text([prompt_for(template, sample.label)])
        expected = compute_maps("gem", backbone, images, text)[0, 0]
        np.testing.assert_allclose(made.values()[sample.id], expected.numpy(), atol=1e-5)


def test_the_identity_tells_how_the_set_was_made(recipe: Recipe, toy: Dataset, store: HeatmapStore) -> None:
    (made,) = compute([recipe], toy, store, device="cpu")
    backbone = load_backbone(recipe.backbone, device="cpu")
    assert made.identity.pictures == toy.pictures
    assert made.identity.digest == backbone.digest
    assert made.identity.size == backbone.image_size
    assert made.identity.precision == "float32"
    assert made.dataset().labels == toy.labels
    assert store.find(made.name).key == made.key
    assert recipe.completed(toy.name).matches(made.identity)


def test_what_is_stored_is_not_computed_again(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    original = ForwardPass.heatmaps

    def counted(job: ForwardPass, pixels: torch.Tensor, prompts: Sequence[str]) -> dict[Recipe, torch.Tensor]:
        seen.append(len(pixels))
        return original(job, pixels, prompts)

    monkeypatch.setattr(ForwardPass, "heatmaps", counted)
    compute([recipe], toy, store, device="cpu", batch=3)
    assert seen == [3, 3, 1]
    compute([recipe], toy, store, device="cpu", batch=3)
    assert seen == [3, 3, 1]


def test_a_set_of_two_places_with_other_true_masks_asks_which_is_meant(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, tmp_path: Path
) -> None:
    """The same pictures: one set. Whose masks score it must be said once there are two of them."""
    compute([recipe], toy, store, device="cpu")
    copy = tmp_path / "mended"
    shutil.copytree(toy.spec, copy)
    compute([recipe], open_dataset(str(copy)), store, device="cpu")
    (found,) = store.sets()
    assert found.dataset().truth == toy.truth  # equal masks: nothing to choose
    mask = next((copy / "mask").iterdir())
    Image.open(mask).transpose(Image.Transpose.ROTATE_180).save(mask)
    mended = open_dataset(str(copy))
    assert mended.truth != toy.truth
    with pytest.raises(ParameterError, match="say which is meant, --dataset") as error:
        found.dataset()
    assert all(place in str(error.value) for place in (toy.spec, str(copy)))
    assert found.dataset(str(copy)).truth == mended.truth
    assert found.dataset(toy.spec).truth == toy.truth
    shutil.rmtree(copy)
    assert found.dataset().truth == toy.truth


@pytest.mark.parametrize("stop", [1, 2])
def test_interrupted_and_resumed_gives_the_same_bytes(
    recipe: Recipe,
    toy: Dataset,
    store: HeatmapStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop: int,
) -> None:
    (whole,) = compute([recipe], toy, HeatmapStore(tmp_path / "other"), device="cpu", batch=3)
    original, calls = ForwardPass.heatmaps, []

    def interrupted(
        job: ForwardPass, pixels: torch.Tensor, prompts: Sequence[str]
    ) -> dict[Recipe, torch.Tensor]:
        if len(calls) == stop:
            raise KeyboardInterrupt
        calls.append(len(pixels))
        return original(job, pixels, prompts)

    with monkeypatch.context() as patch:
        patch.setattr(ForwardPass, "heatmaps", interrupted)
        with pytest.raises(KeyboardInterrupt):
            compute([recipe], toy, store, device="cpu", batch=3)
    partial = store.open(whole.identity)
    assert len(partial.ids()) == 3 * stop
    # A single heatmap that the screen asked for meanwhile does not show in the end.
    odd = np.zeros_like(partial.values()[partial.ids()[0]])
    partial.write({toy.samples[-2].id: odd})
    (resumed,) = compute([recipe], toy, store, device="cpu", batch=3)
    assert contents(resumed) == contents(whole)


def test_progress_counts_what_is_in_the_store(recipe: Recipe, toy: Dataset, store: HeatmapStore) -> None:
    seen: list[Progress] = []
    compute([recipe], toy, store, device="cpu", batch=3, report=seen.append)
    assert [progress.done for progress in seen] == [0, 3, 6, 7]
    assert {(progress.methods, progress.total) for progress in seen} == {("gem", 7)}
    seen.clear()
    compute([recipe], toy, store, device="cpu", batch=3, report=seen.append)
    assert [progress.done for progress in seen] == [7]


def test_several_devices_share_the_work(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, tmp_path: Path
) -> None:
    (alone,) = compute([recipe], toy, HeatmapStore(tmp_path / "other"), device="cpu", batch=2)
    seen: list[Progress] = []
    (shared,) = compute([recipe], toy, store, device="cpu,cpu", batch=2, report=seen.append)
    assert shared.key == alone.key
    assert shared.ids() == alone.ids()
    for id_, heatmap in alone.values().items():
        np.testing.assert_allclose(shared.values()[id_], heatmap, atol=1e-5)
    assert seen[-1].done == 7


def test_the_batch_is_halved_until_it_fits(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    completed = recipe.completed(toy.name)
    job = joined([completed], toy, load(completed, "cpu"))
    pixels = torch.cat([job.pixels(sample) for sample in toy.samples])
    expected = job.heatmaps(pixels, [[prompt] for prompt in job.prompts(toy.samples)])[job.recipes[0]]
    original = ForwardPass.heatmaps

    def small(job: ForwardPass, pixels: torch.Tensor, prompts: Sequence[str]) -> dict[Recipe, torch.Tensor]:
        if len(pixels) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return original(job, pixels, prompts)

    monkeypatch.setattr(ForwardPass, "heatmaps", small)
    maps, at_once = in_memory(job, pixels, [[prompt] for prompt in job.prompts(toy.samples)], 7)
    assert at_once == 1
    torch.testing.assert_close(maps[job.recipes[0]], expected, atol=1e-5, rtol=0)
    (made,) = compute([recipe], toy, store, device="cpu", batch=4)
    assert made.complete(toy)


def test_too_little_memory_for_one_image_is_said(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(job: ForwardPass, pixels: torch.Tensor, prompts: Sequence[str]) -> dict[Recipe, torch.Tensor]:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB\nand more")

    monkeypatch.setattr(ForwardPass, "heatmaps", never)
    with pytest.raises(ResourceError, match=r"one image of 32 x 32 .*20\.00 GiB\); a smaller --size"):
        compute([recipe], toy, store, device="cpu", batch=4)
    assert store.sets() == []


def test_recipes_share_a_pass_only_when_they_are_alike() -> None:
    gem, small = Recipe("gem", "a"), Recipe("gem", "a", size=96)
    other, naclip = Recipe("gem", "b"), Recipe("naclip", "a")
    deeper = Recipe("gem", "a", parameters=(("depth", 3),))
    assert grouped([gem, small, naclip, other, gem]) == [[gem, naclip], [small], [other]]
    assert grouped([gem, deeper, naclip]) == [[gem, naclip], [deeper]]


def test_half_precision_is_another_set(recipe: Recipe, toy: Dataset, store: HeatmapStore) -> None:
    full, half = compute([recipe, replace(recipe, precision="bfloat16")], toy, store, device="cpu")
    assert half.identity.precision == "bfloat16"
    assert half.key != full.key
    assert half.complete(toy)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"method": "gum"}, ParameterError),
        ({"parameters": (("depth", 1000),)}, ParameterError),
        ({"parameters": (("width", 3),)}, ParameterError),
        ({"template": "no place for a name"}, ParameterError),
        ({"size": 33}, ParameterError),
        ({"size": -1}, ParameterError),
        ({"precision": "float8"}, ParameterError),
        ({"backbone": "ViT-B-99"}, ParameterError),
        ({"checkpoint": "/nowhere/weights.safetensors"}, CheckpointError),
    ],
)
def test_bad_recipes_leave_the_store_untouched(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, change: dict[str, object], error: type[ClipLocError]
) -> None:
    with pytest.raises(error):
        compute([replace(recipe, **change)], toy, store, device="cpu")  # type: ignore[arg-type]
    assert not store.root.exists()


def test_a_classifier_leaves_out_what_it_does_not_know_when_told_so(
    make_folder: Callable[..., Path], store: HeatmapStore
) -> None:
    dataset = open_dataset(str(make_folder({"cat": 2, "giraffe": 1, "pizza": 1})))
    recipe = Recipe("gradcam", "resnet50-imagenet", "random:0", size=64)
    with pytest.raises(ParameterError, match=r"no ImageNet class for 1 of 3 .*giraffe"):
        compute([recipe], dataset, store, device="cpu")
    assert store.sets() == []
    (made,) = compute(
        [replace(recipe, parameters=(("no_class", "skip"),))], dataset, store, device="cpu", batch=3
    )
    assert made.ids() == ["cat_0", "cat_1", "pizza_0"]
    assert not made.complete(dataset)
    assert not list(made.folder.glob("part-*"))


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "all", ""])
def test_devices_that_are_not_there_are_refused(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, device: str
) -> None:
    if torch.cuda.is_available() and device == "all":
        pytest.skip("there is a CUDA device")
    with pytest.raises(ParameterError, match="device"):
        compute([recipe], toy, store, device=device)


def test_a_broken_picture_stops_the_work_and_keeps_what_was_done(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.pictures  # noqa: B018  read while the pictures are whole
    broken = Path(toy.spec) / "real" / f"{toy.samples[-1].id}.png"
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.raises(DatasetError, match="truncated"):
        compute([recipe], toy, store, device="cpu", batch=2)
    assert len(store.sets()[0].ids()) == 6


def test_the_usual_batch_depends_on_the_kind_of_device_alone() -> None:
    assert set(extract.BATCH) == {"cpu", "cuda", "mps"}
