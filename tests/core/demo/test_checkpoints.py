"""The shipped checkpoints are plain open_clip models that know the demo classes."""

from __future__ import annotations

import json

import numpy as np
import open_clip
import pytest
import torch

from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.demo.scenes import Scene, scene
from cliploc.core.demo.shapes import LABELS
from cliploc.core.demo.train.checkpoint import VISION
from cliploc.core.demo.train.scores import METHODS, scored
from cliploc.core.paths import embedded_dir
from cliploc.core.prompts import prompt_for

SHIPPED = embedded_dir() / "demo"
POSTER = ("An image of a <label>", "There is a <label> in this image")
MEGABYTES = 12
# Well under the accuracies of scores.json, which are of all scenes; the pooling head learned for less long.
NAMED = {"vit": 0.75, "resnet": 0.75, "pooled": 0.4}

pytestmark = pytest.mark.parametrize("name", tuple(VISION))


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """The first shipped scenes, four of each class."""
    return [scene(0, index) for index in range(4 * len(LABELS))]


@pytest.fixture
def backbone(name: str) -> Backbone:
    return load_backbone(f"local-dir:{SHIPPED / name}", device="cpu")


def test_plain_open_clip_loads_it(name: str) -> None:
    folder = f"local-dir:{SHIPPED / name}"
    model, _, preprocess = open_clip.create_model_and_transforms(folder)
    tokens = open_clip.get_tokenizer(folder)(["a star", "An image of a ring"])
    assert type(model) is open_clip.CLIP
    assert tokens.shape == (2, model.context_length)
    side = VISION[name]["image_size"]
    image_row, text_rows, scale = model.eval()(torch.zeros(1, 3, side, side), tokens)
    assert image_row.shape == (1, text_rows.shape[1])
    assert text_rows.norm(dim=1).tolist() == pytest.approx([1, 1], abs=1e-4)
    assert scale > 1
    assert preprocess is not None


def test_it_is_small_and_carries_its_log_and_scores(name: str) -> None:
    folder = SHIPPED / name
    assert (folder / "open_clip_model.safetensors").stat().st_size < MEGABYTES * 1e6
    lines = [json.loads(line) for line in (folder / "training.jsonl").read_text().splitlines()]
    # The one with a pooling head learned from the ViT, and has its text side.
    assert {line["stage"] for line in lines} == ({name} if name == "pooled" else {"teacher", name, "text"})
    scores = json.loads((folder / "scores.json").read_text())
    assert all(set(METHODS[name]) <= set(scores[series]) for series in ("held_out", "shipped"))


@pytest.mark.parametrize(
    "template", [*POSTER, "<label>", "a photo of <a label>.", "the biggest <label> of all"]
)
def test_the_text_side_tells_the_classes_apart(backbone: Backbone, template: str) -> None:
    names = backbone.encode_text(list(LABELS))
    prompts = backbone.encode_text([prompt_for(template, label) for label in LABELS])
    cosines = prompts @ names.T
    assert cosines.argmax(1).tolist() == list(range(len(LABELS)))
    assert float(cosines.diagonal().min()) > 0.9
    assert float((cosines - torch.eye(len(LABELS))).abs().max()) < 0.3


def test_a_text_about_nothing_it_knows_is_no_class(backbone: Backbone) -> None:
    cosines = (
        backbone.encode_text(["a photo of a dog", "", "an image"]) @ backbone.encode_text(list(LABELS)).T
    )
    assert float(cosines.max()) < 0.5


def test_it_classifies_and_localizes_the_shipped_scenes(
    name: str, backbone: Backbone, scenes: list[Scene]
) -> None:
    found = scored(backbone, METHODS[name][:1], scenes)
    assert found["accuracy_named"] > NAMED[name]
    method = found[METHODS[name][0]]
    assert method["pointing"] > 0.6
    assert method["no_morphology"]["bilinear"]["mean_iou"] > found["all_foreground_mean_iou"] + 0.15
    assert np.isfinite(method["closing_bilinear"]["mean_iou"])
