"""The teacher: a convolutional network that learns from captions where the classes are.

Every patch gets a logit per class; the image's logit is their log-mean-exp, so
one patch that shows the class is enough and the others stay free to say no.
(Averaging the patches classifies better and localizes worse.)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cliploc.core.demo.train.batches import Scenes, TrainingPlan, descent, draws, half, normalised

SHARPNESS = 4.0
Log = Callable[[str, int, dict[str, float]], None]


class Teacher(nn.Module):
    """Convolutions with a stride of 8 pixels and a view of 25; logits (B, classes, side / 8, side / 8)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        plan = [(3, 48, 5, 2), (48, 64, 3, 2), (64, 128, 3, 1), (128, 192, 3, 2), (192, 192, 1, 1)]
        layers: list[nn.Module] = []
        for inside, outside, kernel, stride in plan:
            layers += [
                nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm2d(outside),
                nn.ReLU(inplace=True),
            ]
        self.features = nn.Sequential(*layers)
        self.head = nn.Conv2d(192, classes, 1)
        nn.init.constant_(self.head.bias, -3.0)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Patch logits."""
        logits: Tensor = self.head(self.features(images))
        return logits


def pooled(logits: Tensor) -> Tensor:
    """Log-mean-exp of patch logits (B, classes, h, w) over the patches: (B, classes)."""
    flat = logits.float().flatten(2)
    return (torch.logsumexp(SHARPNESS * flat, -1) - math.log(flat.shape[-1])) / SHARPNESS


def train_teacher(scenes: Scenes, plan: TrainingPlan, log: Log) -> Teacher:
    """Learn patch logits from the captions' classes alone."""
    torch.manual_seed(plan.seed)
    teacher = Teacher(scenes.targets.shape[1]).to(plan.device)
    descend = descent(teacher.parameters(), plan, decay=0.05)
    for step, (chosen, axes) in enumerate(draws(len(scenes.images), plan)):
        images = normalised(scenes.images[chosen].to(plan.device)).flip(axes)
        targets = scenes.targets[chosen].to(plan.device)
        with half(plan):
            logits = teacher(images.contiguous(memory_format=torch.channels_last))
        loss = F.binary_cross_entropy_with_logits(pooled(logits), targets)
        descend(loss)
        if step % 50 == 0 or step == plan.steps - 1:
            right = ((pooled(logits.detach()) > 0) == (targets > 0)).float().mean()
            log("teacher", step, {"loss": loss.item(), "label_accuracy": right.item()})
    teacher.eval()
    return teacher


@torch.no_grad()
def patch_logits(teacher: Callable[[Tensor], Tensor], scenes: Scenes, plan: TrainingPlan) -> Tensor:
    """The teacher's answer for every scene: (n, classes, side / 8, side / 8) float16 on the CPU."""
    parts = []
    for start in range(0, len(scenes.images), 128):
        images = scenes.images[start : start + 128]
        with half(plan):
            parts.append(teacher(normalised(images.to(plan.device))).to("cpu", torch.float16))
    return torch.cat(parts)
