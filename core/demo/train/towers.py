"""The demo's image towers, plain open_clip ones: a ViT for GEM and ClipTextSpan, a ResNet for Grad-CAM.

The ViT learns the teacher's patch probabilities. GEM reads a stream that skips the MLPs of the
last blocks. A network that has never run without them gives noise there, however well it
classifies; so in training each of those MLPs is left out of whole batches at random.

The ResNet's pooled embedding learns the captions; the places before pooling, through the
pooling's value and output projections, learn the teacher's patch probabilities.
"""

from __future__ import annotations

import torch
from open_clip.modified_resnet import AttentionPool2d, ModifiedResNet
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from cliploc.core.backbones.open_clip_private import EMBEDS, private
from cliploc.core.demo.train.batches import Scenes, TrainingPlan, descent, draws, half, normalised
from cliploc.core.demo.train.teacher import Log

SCALE = 12.0
# Attention over all patches is dear: most steps see half of them, the last ones all.
KEPT = 0.5
WHOLE = 0.1
PATCH_WEIGHT = 8.0
LAST_BLOCKS = 3
SKIP = 0.5


def tokens(visual: VisionTransformer, images: Tensor, kept: Tensor, skipped: frozenset[int]) -> Tensor:
    """Projected unit tokens (B, 1 + kept patches, d), class token first.

    kept: the patches' numbers; skipped: the blocks whose MLPs are left out.
    """
    x = private(EMBEDS)(visual, images)
    x = torch.cat([x[:, :1], x[:, 1 + kept]], dim=1)
    for index, block in enumerate(visual.transformer.resblocks):
        x = x + _attention(block.attn, block.ln_1(x))
        if index not in skipped:
            x = x + block.mlp(block.ln_2(x))
    return F.normalize((visual.ln_post(x) @ visual.proj).float(), dim=-1)


def _attention(layer: nn.MultiheadAttention, x: Tensor) -> Tensor:
    """What `layer` computes, in plain products: on processors the fused backward is four times slower."""
    batch, count, width = x.shape
    heads = layer.num_heads
    joint = F.linear(x, layer.in_proj_weight, layer.in_proj_bias)
    parts = joint.view(batch, count, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    query, key, value = parts.flatten(1, 2)
    weights = torch.bmm(query * (width // heads) ** -0.5, key.transpose(1, 2)).softmax(-1).to(value.dtype)
    mixed = torch.bmm(weights, value).view(batch, heads, count, -1).transpose(1, 2)
    out: Tensor = layer.out_proj(mixed.reshape(batch, count, width))
    return out


def train_vit(
    visual: VisionTransformer,
    directions: Tensor,
    answers: Tensor,
    scenes: Scenes,
    plan: TrainingPlan,
    log: Log,
    image_weight: float = 1.0,
) -> None:
    """Fit the tower in place: its class token to the captions, its patches to the teacher.

    directions: (classes, d) unit rows, what the text tower will answer to the class names.
    answers: the teacher's patch logits, (n, classes, h, w), a patch of the tower each.
    image_weight: how much the class token's loss counts.
    """
    torch.manual_seed(plan.seed)
    bias = nn.Parameter(torch.tensor(-4.0, device=plan.device))
    descend = descent([*visual.parameters(), bias], plan, decay=0.05, clip=1.0)
    count = len(visual.transformer.resblocks)
    random = torch.Generator().manual_seed(plan.seed)
    for step, (chosen, axes) in enumerate(draws(len(scenes.images), plan)):
        images = normalised(scenes.images[chosen].to(plan.device)).flip(axes)
        targets = scenes.targets[chosen].to(plan.device)
        answer = answers[chosen].to(plan.device).float().flip(axes).flatten(2).transpose(1, 2)
        dice = torch.rand(LAST_BLOCKS, generator=random)
        skipped = frozenset(count - 1 - i for i in range(LAST_BLOCKS) if dice[i] < SKIP)
        patches = visual.grid_size[0] * visual.grid_size[1]
        seen = patches if step >= (1 - WHOLE) * plan.steps else int(KEPT * patches)
        kept = torch.randperm(patches, generator=random)[:seen].sort().values.to(plan.device)
        with half(plan):
            cosine = tokens(visual, images, kept, skipped) @ directions.T
        wanted = answer[:, kept].sigmoid()
        of_image = F.cross_entropy(SCALE * cosine[:, 0], targets / targets.sum(1, keepdim=True))
        of_patches = F.binary_cross_entropy_with_logits(SCALE * cosine[:, 1:] + bias, wanted)
        loss = image_weight * of_image + PATCH_WEIGHT * of_patches
        descend(loss)
        if step % 100 == 0 or step == plan.steps - 1:
            right = targets.gather(1, cosine[:, 0].argmax(1, keepdim=True)).mean()
            log(
                "vit",
                step,
                {"image": of_image.item(), "patches": of_patches.item(), "accuracy": right.item()},
            )


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
