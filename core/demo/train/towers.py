"""The demo's image towers, as open_clip builds them: transformers for GEM and others, a ResNet for Grad-CAM.

A transformer's patches, as its adapter reads them, learn the teacher's patch probabilities; its
embedding, of a class token or of a pooling head, learns the captions. GEM reads a stream that skips
the MLPs of the last blocks. A network that has never run without them gives noise there, however well
it classifies; so in training each of those MLPs is left out of whole batches at random.

The ResNet's pooled embedding learns the captions; the places before pooling, through the
pooling's value and output projections, learn the teacher's patch probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from open_clip.modified_resnet import AttentionPool2d, ModifiedResNet
from torch import Tensor, nn
from torch.nn import functional as F

from cliploc.core.backbones.towers.choice import tower_of
from cliploc.core.backbones.towers.tower import Tower
from cliploc.core.demo.train.batches import Scenes, TrainingPlan, descent, draws, half, normalised
from cliploc.core.demo.train.teacher import Log
from cliploc.core.methods.gem import usual_depth

SCALE = 12.0
# Attention over all patches is dear: most steps see half of them, the last ones all.
KEPT = 0.5
WHOLE = 0.1
PATCH_WEIGHT = 8.0
SKIP = 0.5
# Where a patch that is alike to no class begins, in the logits of a tower and of one that teaches.
BIAS = -4.0


def rows(
    tower: Tower, images: Tensor, kept: Tensor, skipped: frozenset[int] = frozenset()
) -> tuple[Tensor, Tensor]:
    """Unit rows of the images (B, d) and of the patches that are kept (B, kept, d).

    kept: the patches' numbers; the others are not there. skipped: the blocks whose MLPs are left out.
    """
    x = tower.embed(images)
    x = torch.cat([x[:, : tower.prefix], x[:, tower.prefix + kept]], dim=1)
    for index, block in enumerate(tower.blocks(tower.grid_of(images))):
        queries, keys, values = block.qkv(block.normed(x))
        x = x + block.out(_attend(queries * block.scale, keys, values))
        if index not in skipped:
            x = x + block.mlp(x)
    patches = tower.project(x[:, tower.prefix :])
    return F.normalize(tower.pooled(x).float(), dim=-1), F.normalize(patches.float(), dim=-1)


def _attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """softmax(queries keys^T) values in plain products: on processors the fused backward is slower by far."""
    heads = queries.shape[:2]
    query, key, value = (each.flatten(0, 1) for each in (queries, keys, values))
    weights = torch.bmm(query, key.transpose(1, 2)).softmax(-1).to(value.dtype)
    return torch.bmm(weights, value).view(*heads, *value.shape[1:])


def as_teacher(visual: Any, directions: Tensor) -> Callable[[Tensor], Tensor]:  # noqa: ANN401  untyped
    """A trained transformer's patch logits: images to (B, classes, h, w). directions: (classes, d) rows."""
    tower = tower_of(visual)
    assert tower is not None

    def answer(images: Tensor) -> Tensor:
        grid = tower.grid_of(images)
        _, patches = rows(tower, images, torch.arange(math.prod(grid), device=images.device))
        return (SCALE * patches @ directions.T + BIAS).mT.reshape(len(images), -1, *grid)

    return answer


def train_transformer(
    name: str,
    visual: Any,  # noqa: ANN401  open_clip ships no types
    directions: Tensor,
    answers: Tensor,
    scenes: Scenes,
    plan: TrainingPlan,
    log: Log,
    image_weight: float = 1.0,
) -> None:
    """Fit the tower in place: its embedding to the captions, its patches to the teacher.

    name: of the stage in the log. directions: (classes, d) unit rows, what the text tower will answer
    to the class names. answers: the teacher's patch logits, (n, classes, h, w), a patch of the tower
    each. image_weight: how much the embedding's loss counts.
    """
    torch.manual_seed(plan.seed)
    bias = nn.Parameter(torch.tensor(BIAS, device=plan.device))
    descend = descent([*visual.parameters(), bias], plan, decay=0.05, clip=1.0)
    tower = tower_of(visual)
    assert tower is not None
    last, patches = usual_depth(tower.depth), answers[0, 0].numel()
    random = torch.Generator().manual_seed(plan.seed)
    for step, (chosen, axes) in enumerate(draws(len(scenes.images), plan)):
        images = normalised(scenes.images[chosen].to(plan.device)).flip(axes)
        targets = scenes.targets[chosen].to(plan.device)
        answer = answers[chosen].to(plan.device).float().flip(axes).flatten(2).transpose(1, 2)
        dice = torch.rand(last, generator=random)
        skipped = frozenset(tower.depth - 1 - i for i in range(last) if dice[i] < SKIP)
        seen = patches if step >= (1 - WHOLE) * plan.steps else int(KEPT * patches)
        kept = torch.randperm(patches, generator=random)[:seen].sort().values.to(plan.device)
        with half(plan):
            of_images, of_patches = rows(tower, images, kept, skipped)
            image, patch = of_images @ directions.T, of_patches @ directions.T
        image_loss = F.cross_entropy(SCALE * image, targets / targets.sum(1, keepdim=True))
        patch_loss = F.binary_cross_entropy_with_logits(SCALE * patch + bias, answer[:, kept].sigmoid())
        descend(image_weight * image_loss + PATCH_WEIGHT * patch_loss)
        if step % 100 == 0 or step == plan.steps - 1:
            right = targets.gather(1, image.argmax(1, keepdim=True)).mean()
            values = {"image": image_loss.item(), "patches": patch_loss.item(), "accuracy": right.item()}
            log(name, step, values)


PLACE_WEIGHT = 4.0


def features(visual: ModifiedResNet, images: Tensor) -> Tensor:
    """What the last stage gives, (B, channels, side / 32, side / 32)."""
    x: Tensor = visual.stem(images)
    for stage in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
        x = stage(x)
    return x


def places(pool: AttentionPool2d, last: Tensor) -> Tensor:
    """Each place as if the pooling attended to it alone: unit rows (B, places, d)."""
    x = last.flatten(2).transpose(1, 2) + pool.positional_embedding[1:]
    return F.normalize(pool.c_proj(pool.v_proj(x)).float(), dim=-1)


def train_resnet(
    visual: ModifiedResNet, directions: Tensor, answers: Tensor, scenes: Scenes, plan: TrainingPlan, log: Log
) -> None:
    """Fit the tower in place: its embedding to the captions, its places to the teacher.

    directions: (classes, d) unit rows. answers: the teacher's patch logits, (n, classes, h, w).
    """
    torch.manual_seed(plan.seed)
    bias = nn.Parameter(torch.tensor(BIAS, device=plan.device))
    descend = descent([*visual.parameters(), bias], plan, decay=0.05, clip=1.0)
    visual.train()
    for step, (chosen, axes) in enumerate(draws(len(scenes.images), plan)):
        images = normalised(scenes.images[chosen].to(plan.device)).flip(axes)
        targets = scenes.targets[chosen].to(plan.device)
        answer = answers[chosen].to(plan.device).float().flip(axes).sigmoid()
        with half(plan):
            last = features(visual, images.contiguous(memory_format=torch.channels_last))
            image = F.normalize(visual.attnpool(last).float(), dim=-1) @ directions.T
            place = places(visual.attnpool, last) @ directions.T
        wanted = F.adaptive_avg_pool2d(answer, last.shape[-1]).flatten(2).transpose(1, 2)
        of_image = F.cross_entropy(SCALE * image, targets / targets.sum(1, keepdim=True))
        of_places = F.binary_cross_entropy_with_logits(SCALE * place + bias, wanted)
        loss = of_image + PLACE_WEIGHT * of_places
        descend(loss)
        if step % 100 == 0 or step == plan.steps - 1:
            right = targets.gather(1, image.argmax(1, keepdim=True)).mean()
            values = {"image": of_image.item(), "places": of_places.item(), "accuracy": right.item()}
            log("resnet", step, values)
    visual.eval()
