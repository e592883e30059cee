"""Training end to end, a few steps long: it runs, it is deterministic, it writes a usable folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.towers.choice import tower_of
from cliploc.core.cli import main
from cliploc.core.demo.shapes import LABELS
from cliploc.core.demo.train.batches import (
    TrainingPlan,
    draws,
    normalised,
    read_scenes,
    scenes_at,
    write_scenes,
)
from cliploc.core.demo.train.checkpoint import new_model
from cliploc.core.demo.train.recipe import class_directions
from cliploc.core.demo.train.teacher import Teacher, pooled, train_teacher
from cliploc.core.demo.train.text import sentences
from cliploc.core.demo.train.towers import BIAS, SCALE, as_teacher, features, places, rows

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("model", "kind", "stages"),
    [("vit", "vit", {"teacher", "vit", "text"}), ("pooled", "vit-pooled", {"pooled"})],
)
def test_train_writes_a_checkpoint_a_log_and_scores(
    tmp_path: Path, model: str, kind: str, stages: set[str]
) -> None:
    out = tmp_path / "out"
    command = ["demo", "train", "--out", str(out), "--model", model, "--steps", "2", "--scenes", "8"]
    assert main([*command, "--held-out", "4", "--device", "cpu"]) == 0
    folder = out / model
    assert load_backbone(f"local-dir:{folder}", device="cpu").kind == kind
    lines = (folder / "training.jsonl").read_text().splitlines()
    assert {json.loads(line)["stage"] for line in lines} == stages
    assert json.loads((folder / "scores.json").read_text())["held_out"]["scenes"] == 4


def test_training_scenes_are_images_and_captions_only(tmp_path: Path) -> None:
    write_scenes(tmp_path, seed=1, count=3, workers=1)
    assert {path.name for path in tmp_path.iterdir()} == {"images.npy", "captions.json"}
    images, targets = read_scenes(tmp_path)
    assert images.shape == (3, 256, 256, 3)
    assert targets.shape == (3, len(LABELS))
    assert targets[1, 1] == 1


def test_the_same_seed_trains_the_same_teacher() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (8, 256, 256, 3), dtype=np.uint8)
    scenes = scenes_at(images, np.eye(8, 10, dtype=np.float32), 32)
    plan = TrainingPlan(steps=2, batch=4, rate=1e-3, seed=3, device=CPU)
    first, again = (train_teacher(scenes, plan, lambda *_: None).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], again[key]) for key in first)


def test_draws_pass_over_every_scene_before_any_comes_again() -> None:
    plan = TrainingPlan(steps=6, batch=5, rate=1.0, seed=0, device=CPU)
    numbers = torch.cat([chosen for chosen, _ in draws(10, plan)])
    assert sorted(numbers[:10].tolist()) == list(range(10))
    assert sorted(numbers[10:20].tolist()) == list(range(10))


def test_normalised_is_what_the_backbone_feeds_the_model() -> None:
    images = torch.randint(0, 256, (2, 16, 16, 3), dtype=torch.uint8)
    expected = (images.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5
    assert torch.allclose(normalised(images), expected, atol=1e-6)


def test_log_mean_exp_lies_between_mean_and_maximum() -> None:
    logits = torch.randn(4, 3, 5, 5)
    flat, image = logits.flatten(2), pooled(logits)
    assert bool((image >= flat.mean(-1) - 1e-6).all())
    assert bool((image <= flat.amax(-1) + 1e-6).all())


@pytest.mark.parametrize(("name", "side"), [("vit", 128), ("pooled", 256)])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_the_training_pass_of_a_transformer_is_open_clips(name: str, side: int, share: float) -> None:
    visual = new_model(name).visual.eval()
    tower = tower_of(visual)
    assert tower is not None
    images, patches = torch.randn(2, 3, side, side), torch.arange(int(256 * share))
    with torch.no_grad():
        of_images, of_patches = rows(tower, images, patches)
        assert of_patches.shape == (2, len(patches), 64)
        if share == 1.0:
            assert torch.allclose(of_images, F.normalize(visual(images), dim=-1), atol=1e-5)
        _, without = rows(tower, images, patches, skipped=frozenset({tower.depth - 1}))
        assert not torch.allclose(of_patches, without, atol=1e-3)


def test_a_place_of_the_resnet_is_what_pooling_over_it_alone_would_give() -> None:
    visual = new_model("resnet").visual.eval()
    pool = visual.attnpool
    with torch.no_grad():
        last = features(visual, torch.randn(1, 3, 256, 256))
        row = places(pool, last)[0, 5]
        one = last.flatten(2)[0, :, 5] + pool.positional_embedding[6]
        expected = F.normalize(pool.c_proj(pool.v_proj(one)), dim=-1)
    assert torch.allclose(row, expected, atol=1e-5)


def test_directions_are_orthonormal_and_always_the_same() -> None:
    rows = class_directions()
    assert rows.shape == (len(LABELS) + 1, 64)
    assert torch.allclose(rows @ rows.T, torch.eye(len(rows)), atol=1e-5)
    assert torch.equal(rows, class_directions())


def test_sentences_mean_the_classes_they_name() -> None:
    texts, weights = sentences()
    assert weights.shape == (len(texts), len(LABELS) + 1)
    assert torch.allclose(weights.sum(1), torch.ones(len(texts)))
    star = texts.index("There is a star in this image")
    assert weights[star].argmax() == LABELS.index("star")
    assert weights[texts.index("a photo")].argmax() == len(LABELS)


def test_a_trained_transformer_teaches_with_its_patches() -> None:
    visual, images = new_model("vit").visual.eval(), torch.randn(2, 3, 128, 128)
    tower, directions = tower_of(visual), class_directions()[:-1]
    assert tower is not None
    with torch.no_grad():
        logits = as_teacher(visual, directions)(images)
        _, patches = rows(tower, images, torch.arange(256))
    assert logits.shape == (2, len(LABELS), 16, 16)
    assert torch.allclose(logits[:, :, 3, 5], SCALE * patches[:, 3 * 16 + 5] @ directions.T + BIAS, atol=1e-4)


def test_the_teacher_gives_a_logit_per_class_and_patch() -> None:
    assert Teacher(10)(torch.zeros(1, 3, 128, 128)).shape == (1, 10, 16, 16)
