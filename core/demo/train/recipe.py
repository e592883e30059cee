"""The whole recipe: scenes, teacher, image tower, text tower, checkpoint, log."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from open_clip import CLIP
from torch import Tensor

from cliploc.core.backbones.load import load_backbone
from cliploc.core.demo.shapes import LABELS
from cliploc.core.demo.train.batches import Scenes, TrainingPlan, read_scenes, scenes_at, write_scenes
from cliploc.core.demo.train.checkpoint import EMBEDDING, VISION, new_model, write_checkpoint
from cliploc.core.demo.train.scores import HELD_OUT_COUNT, scores
from cliploc.core.demo.train.teacher import Log, patch_logits, train_teacher
from cliploc.core.demo.train.text import train_text
from cliploc.core.demo.train.towers import SCALE, as_teacher, train_resnet, train_transformer
from cliploc.core.paths import write_whole

TRAIN_SEED = 1
NETWORK_SEED = 0
TEACHER_SIDE = 128
MODELS = tuple(VISION)
LENGTHS = ("teacher", "vit", "vit_polish", "resnet", "pooled", "pooled_polish", "text")


@dataclass(frozen=True)
class TrainingRecipe:
    """Training and held-out scenes, and every length in steps.

    The defaults made the shipped checkpoints, but for `pooled`, which saw 6,000 scenes.
    """

    scenes: int = 24_000
    teacher: int = 2000
    vit: int = 2500
    vit_polish: int = 800
    resnet: int = 2000
    pooled: int = 700
    pooled_polish: int = 300
    text: int = 600
    seed: int = TRAIN_SEED
    held_out: int = HELD_OUT_COUNT
    device: str = "cpu"

    def plan(self, steps: int, batch: int, rate: float) -> TrainingPlan:
        """One network's share of the recipe; a batch holds no scene twice."""
        return TrainingPlan(steps, min(batch, self.scenes), rate, NETWORK_SEED, torch.device(self.device))


def train(out: Path, models: Sequence[str], recipe: TrainingRecipe, log: Log, workers: int) -> None:
    """Train the named models from nothing; each gets a folder under `out`: weights, training log, scores.

    `pooled` learns from the ViT of the same run, or else from the shipped one.
    """
    lines: list[dict[str, object]] = []
    start = time.monotonic()

    def logged(stage: str, step: int, values: dict[str, float]) -> None:
        rounded = {key: round(value, 5) for key, value in values.items()}
        lines.append({"stage": stage, "step": step, "seconds": round(time.monotonic() - start), **rounded})
        log(stage, step, values)

    def stored(name: str, model: CLIP) -> None:
        with torch.no_grad():
            model.logit_scale.fill_(torch.tensor(SCALE).log())
        write_checkpoint(out / name, name, model)
        _write_lines(out / name / "training.jsonl", map(json.dumps, lines))
        found = scores(out / name, name, recipe.device, recipe.held_out)
        _write_lines(out / name / "scores.json", [json.dumps(found, indent=2)])

    with TemporaryDirectory(prefix="cliploc-demo-") as folder:
        write_scenes(Path(folder), recipe.seed, recipe.scenes, workers)
        images, targets = read_scenes(Path(folder))
        seen = scenes_at(images, targets, TEACHER_SIDE)
        plan = recipe.plan(recipe.teacher, 64, 2e-3)
        taught = [name for name in models if name != "pooled"]
        if taught:
            answers = patch_logits(train_teacher(seen, plan, logged), seen, plan)
        shared = len(lines)
        for name in taught:
            del lines[shared:]
            shown = scenes_at(images, targets, VISION[name]["image_size"])
            stored(name, trained(name, shown, answers, recipe, logged))
        if "pooled" in models:
            lines.clear()
            vit = load_backbone(
                f"local-dir:{out / 'vit'}" if "vit" in models else "demo-vit", device=recipe.device
            )
            shown = scenes_at(images, targets, VISION["pooled"]["image_size"])
            stored("pooled", trained_pooled(vit.model, seen, shown, recipe, logged))


def trained(name: str, scenes: Scenes, answers: Tensor, recipe: TrainingRecipe, log: Log) -> CLIP:
    """An image tower trained towards the teacher's answers, and its text tower."""
    rows = class_directions().to(recipe.device)
    torch.manual_seed(NETWORK_SEED)
    model = new_model(name).to(recipe.device)
    given = (rows[:-1], answers, scenes)
    if name == "vit":
        train_transformer(name, model.visual, *given, recipe.plan(recipe.vit, 64, 1e-3), log)
        # The patches learn faster than the class token, which reads them: a second, gentler round for it.
        polish = recipe.plan(recipe.vit_polish, 64, 5e-4)
        train_transformer(name, model.visual, *given, polish, log, image_weight=4.0)
    else:
        model.visual.to(memory_format=torch.channels_last)
        train_resnet(model.visual, *given, recipe.plan(recipe.resnet, 32, 2e-3), log)
    train_text(model, rows, recipe.plan(recipe.text, 128, 2e-3), log)
    return model


def trained_pooled(vit: CLIP, seen: Scenes, shown: Scenes, recipe: TrainingRecipe, log: Log) -> CLIP:
    """The tower with a pooling head, whose teacher is the ViT, and the ViT's text tower.

    seen, shown: the same scenes at the sides that the ViT and the new tower see.
    """
    rows, plan = class_directions().to(recipe.device)[:-1], recipe.plan(recipe.pooled, 64, 2e-3)
    given = (rows, patch_logits(as_teacher(vit.visual, rows), seen, plan), shown)
    torch.manual_seed(NETWORK_SEED)
    model = new_model("pooled").to(recipe.device)
    train_transformer("pooled", model.visual, *given, plan, log)
    polish = recipe.plan(recipe.pooled_polish, 64, 1e-3)
    train_transformer("pooled", model.visual, *given, polish, log, image_weight=4.0)
    own, theirs = model.state_dict(), vit.state_dict()
    model.load_state_dict({key: (own if key.startswith("visual.") else theirs)[key] for key in own})
    return model


def class_directions() -> Tensor:
    """(classes + 1, d) orthonormal rows: one per class, the last for texts that name none."""
    random = torch.Generator().manual_seed(NETWORK_SEED)
    square = torch.randn(EMBEDDING, EMBEDDING, generator=random)
    orthonormal: Tensor = torch.linalg.qr(square)[0]
    return orthonormal[: len(LABELS) + 1].contiguous()


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    write_whole(path, "".join(line + "\n" for line in lines).encode("utf-8"))
