"""Grad-CAM (Selvaraju et al., ICCV 2017) on the last stage of a ResNet.

The target is a text (CLIP's attention-pooled ResNets) or ImageNet classes. The
stages run without gradients; only what lies above the last one is differentiated,
once per text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.backbones.imagenet import CLASSES
from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.towers.tower import full_precision, interpolated
from cliploc.core.errors import ParameterError

STRIDE = 32


def maps(backbone: Backbone, images: Tensor, text: Tensor) -> Tensor:
    """ReLU(sum_k alpha_k A_k), alpha_k the mean gradient of the target over A_k: (B, T, S / 32, S / 32).

    text: (T, d) or (B, T, d) unit rows for CLIP, class weights for a classifier. A
    map can be zero everywhere: nothing in the last stage speaks for the text.
    """
    if images.shape[-1] % STRIDE or images.shape[-2] % STRIDE:
        raise ParameterError(
            f"image size: found {images.shape[-2]} x {images.shape[-1]}, expected a multiple of {STRIDE}"
        )
    if backbone.kind == "classifier":
        return _classifier_maps(backbone, images, text)
    return _maps(lambda x: _stages(backbone.model.visual, x), _text_target(backbone), images, text)


def _maps(
    stages: Callable[[Tensor], Tensor],
    target: Callable[[Tensor, Tensor], Tensor],
    images: Tensor,
    text: Tensor,
) -> Tensor:
    with torch.no_grad():
        features = stages(images)
    with full_precision(features):
        features = features.detach().float().requires_grad_()
        scores = target(features, text).sum(0)
        cams = []
        for index, score in enumerate(scores):
            (gradient,) = torch.autograd.grad(score, features, retain_graph=index + 1 < len(scores))
            alpha = gradient.mean((2, 3), keepdim=True)
            cams.append((alpha * features.detach()).sum(1).relu())
        return torch.stack(cams, dim=1)


def _stages(visual: Any, images: Tensor) -> Tensor:  # noqa: ANN401  open_clip ships no types
    features: Tensor = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(images)))))
    return features


def pooled_images(backbone: Backbone, images: Tensor) -> Tensor:
    """The embeddings (B, d) of images of any size, not normalized."""
    visual = backbone.model.visual
    return pooled(visual.attnpool, _stages(visual, images))


def _text_target(backbone: Backbone) -> Callable[[Tensor, Tensor], Tensor]:
    """The cosine of the pooled image with each text: features (B, C, h, w) to (B, T)."""

    def target(features: Tensor, text: Tensor) -> Tensor:
        embedding = F.normalize(pooled(backbone.model.visual.attnpool, features).float(), dim=-1)
        return (text @ embedding[:, :, None]).squeeze(-1)

    return target


def pooled(pool: Any, features: Tensor) -> Tensor:  # noqa: ANN401  open_clip ships no types
    """CLIP's attention pooling of features (B, C, h, w) of any size, for its one query, the mean: (B, d)."""
    tokens = features.flatten(2).transpose(1, 2)
    tokens = torch.cat([tokens.mean(1, keepdim=True), tokens], dim=1)
    side = round((len(pool.positional_embedding) - 1) ** 0.5)
    height, width = features.shape[2:]
    tokens = tokens + interpolated(pool.positional_embedding, (side, side), (height, width)).to(tokens.dtype)

    def heads(x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], pool.num_heads, -1).transpose(1, 2)

    mixed = F.scaled_dot_product_attention(
        heads(pool.q_proj(tokens[:, :1])), heads(pool.k_proj(tokens)), heads(pool.v_proj(tokens))
    )
    embedding: Tensor = pool.c_proj(mixed.transpose(1, 2).flatten(2)).squeeze(1)
    return embedding


def _classifier_maps(backbone: Backbone, images: Tensor, text: Tensor) -> Tensor:
    classes = _maps(
        backbone.model.forward_features, _class_target(backbone), images, text[..., :CLASSES].contiguous()
    )
    if backbone.fallback is None:
        return classes
    # Rows without a class carry a text for the fallback network, which has its own mean and std.
    shown = _renormalized(images, backbone, backbone.fallback)
    texts = maps(backbone.fallback, shown, text[..., CLASSES:].contiguous())
    has_class = text[..., :CLASSES].any(-1).expand(len(images), -1)
    return torch.where(has_class[..., None, None], classes, texts)


def _class_target(backbone: Backbone) -> Callable[[Tensor, Tensor], Tensor]:
    """The log of the summed exp of the logits of each row's classes; one class is its own logit."""

    def target(features: Tensor, rows: Tensor) -> Tensor:
        logits: Tensor = backbone.model.forward_head(features).float()
        # A weight of 0 becomes -87: below float32's resolution beside any class of the row.
        return (logits[:, None] + rows.clamp_min(1e-38).log()).logsumexp(-1)

    return target


def _renormalized(images: Tensor, source: Backbone, target: Backbone) -> Tensor:
    def constants(values: tuple[float, ...]) -> Tensor:
        return torch.tensor(values, device=images.device).view(1, 3, 1, 1)

    pixels = images * constants(source.transform.std) + constants(source.transform.mean)
    return (pixels - constants(target.transform.mean)) / constants(target.transform.std)
