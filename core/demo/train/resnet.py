"""The demo ResNet: a plain open_clip ModifiedResNet with attention pooling, for Grad-CAM.

Its pooled embedding learns the captions; the places before pooling, through the
pooling's value and output projections, learn the teacher's patch probabilities.
"""

from __future__ import annotations

import torch
from open_clip.modified_resnet import AttentionPool2d, ModifiedResNet
from torch import Tensor, nn
from torch.nn import functional as F

from cliploc.core.demo.train.batches import Scenes, TrainingPlan, descent, draws, half, normalised
from cliploc.core.demo.train.teacher import Log
from cliploc.core.demo.train.vit import SCALE

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
    bias = nn.Parameter(torch.tensor(-4.0, device=plan.device))
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
