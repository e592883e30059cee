"""Grad-CAM (Selvaraju et al., ICCV 2017) and its kin on the last stage of a network.

Grad-CAM++ (Chattopadhay et al., WACV 2018) and LayerCAM (Jiang et al., TIP 2021) weigh the
same gradients in their own ways. The target is a text, or ImageNet classes. The stages run
without gradients; only what lies above the last one is differentiated, once per text. Of a
transformer the layer is the norm before the last attention, as the grad-cam package has it: after
that attention nothing that is read depends on the patches, and all gradients are zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.backbones.imagenet import CLASSES
from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.positions import ANTIALIASED
from cliploc.core.backbones.towers.tower import attend, full_precision, interpolated, precise
from cliploc.core.errors import ParameterError
from cliploc.core.methods.trunk import read

STRIDE = 32


Weigh = Callable[[Tensor, Tensor], Tensor]


def maps(backbone: Backbone, images: Tensor, text: Tensor) -> Tensor:
    """ReLU(sum_k alpha_k A_k), alpha_k the mean gradient of the target over A_k: (B, T, gh, gw).

    text: (T, d) or (B, T, d) unit rows for CLIP, class weights for a classifier. A
    map can be zero everywhere: nothing in the last stage speaks for the text.
    """
    return _cams(backbone, images, text, _by_mean)


def plus_plus(backbone: Backbone, images: Tensor, text: Tensor) -> Tensor:
    """Grad-CAM++: alpha_k the sum of the positive gradients, each weighed by its paper's equation 19."""
    return _cams(backbone, images, text, _by_squares)


def layercam(backbone: Backbone, images: Tensor, text: Tensor) -> Tensor:
    """LayerCAM: ReLU(sum_k ReLU(gradient) A_k), place by place."""
    return _cams(backbone, images, text, lambda gradient, features: gradient.relu() * features)


def _by_mean(gradient: Tensor, features: Tensor) -> Tensor:
    return gradient.mean((2, 3), keepdim=True) * features


def _by_squares(gradient: Tensor, features: Tensor) -> Tensor:
    squared = gradient.square()
    below = 2 * squared + features.sum((2, 3), keepdim=True) * squared * gradient
    share = torch.where(gradient == 0, 0.0, squared / (below + 1e-6))
    return (gradient.relu() * share).sum((2, 3), keepdim=True) * features


def _cams(backbone: Backbone, images: Tensor, text: Tensor, weigh: Weigh) -> Tensor:
    if backbone.kind == "classifier":
        return _classifier_maps(backbone, images, text, weigh)
    if backbone.kind not in ("resnet", "convnet"):
        return _transformer_maps(backbone, images, text, weigh)
    _check_size(images, STRIDE if backbone.kind == "resnet" else _stride(backbone.model.visual))
    if backbone.kind == "resnet":
        return _maps(lambda x: _stages(backbone.model.visual, x), _text_target(backbone), images, text, weigh)
    trunk = backbone.model.visual.trunk
    return _maps(trunk.forward_features, _mean_target(backbone), images, text, weigh)


def _check_size(images: Tensor, stride: int) -> None:
    if images.shape[-1] % stride or images.shape[-2] % stride:
        raise ParameterError(
            f"image size: found {images.shape[-2]} x {images.shape[-1]}, expected a multiple of {stride}"
        )


def _stride(visual: Any) -> int:  # noqa: ANN401  open_clip ships no types
    return int(visual.trunk.feature_info[-1]["reduction"])


def _maps(
    stages: Callable[[Tensor], Tensor],
    target: Callable[[Tensor, Tensor], Tensor],
    images: Tensor,
    text: Tensor,
    weigh: Weigh,
) -> Tensor:
    with torch.no_grad():
        features = stages(images)
    with full_precision(features):
        features = precise(features.detach()).requires_grad_()
        return _weighed(target(features, text), features, lambda each: each, weigh)


def _weighed(scores: Tensor, features: Tensor, as_maps: Callable[[Tensor], Tensor], weigh: Weigh) -> Tensor:
    """The cams (B, T, h, w) of scores (B, T). as_maps: features to (B, C, h, w)."""
    totals = scores.sum(0)
    cams = []
    for index, total in enumerate(totals):
        (gradient,) = torch.autograd.grad(total, features, retain_graph=index + 1 < len(totals))
        cams.append(weigh(as_maps(gradient), as_maps(features.detach())).sum(1).relu())
    return torch.stack(cams, dim=1)


def _transformer_maps(backbone: Backbone, images: Tensor, text: Tensor, weigh: Weigh) -> Tensor:
    tower = read(backbone)
    grid = tower.grid_of(images)
    *before, last = tower.blocks(grid)
    with torch.no_grad():
        x = tower.embed(images)
        for block in before:
            x = block.run(x)
    with full_precision(x):
        x = precise(x.detach())
        h = last.normed(x).detach().requires_grad_()
        tokens = x + last.out(attend(*last.qkv(h)))
        embedding = F.normalize(precise(tower.pooled(tokens + last.mlp(tokens))), dim=-1)
        scores = (text @ embedding[:, :, None]).squeeze(-1)

        def as_maps(each: Tensor) -> Tensor:
            return each[:, tower.prefix :].transpose(1, 2).reshape(len(each), -1, *grid)

        return _weighed(scores, h, as_maps, weigh)


def _stages(visual: Any, images: Tensor) -> Tensor:  # noqa: ANN401  open_clip ships no types
    features: Tensor = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(images)))))
    return features


def pooled_images(backbone: Backbone, images: Tensor) -> Tensor:
    """The embeddings (B, d) of images of any size by a convolutional network, not normalized."""
    visual = backbone.model.visual
    if backbone.kind == "convnet":
        embeddings: Tensor = visual(images)
        return embeddings
    return pooled(visual.attnpool, _stages(visual, images), backbone.positions)


def _mean_target(backbone: Backbone) -> Callable[[Tensor, Tensor], Tensor]:
    """The cosine of the image, the mean of its features through the head, with each text."""
    visual = backbone.model.visual

    def target(features: Tensor, text: Tensor) -> Tensor:
        embedding = F.normalize(precise(visual.head(visual.trunk.forward_head(features))), dim=-1)
        return (text @ embedding[:, :, None]).squeeze(-1)

    return target


def _text_target(backbone: Backbone) -> Callable[[Tensor, Tensor], Tensor]:
    """The cosine of the pooled image with each text: features (B, C, h, w) to (B, T)."""

    def target(features: Tensor, text: Tensor) -> Tensor:
        embedding = F.normalize(
            precise(pooled(backbone.model.visual.attnpool, features, backbone.positions)), dim=-1
        )
        return (text @ embedding[:, :, None]).squeeze(-1)

    return target


def pooled(pool: Any, features: Tensor, positions: str = ANTIALIASED) -> Tensor:  # noqa: ANN401  untyped
    """CLIP's attention pooling of features (B, C, h, w) of any size, for its one query, the mean: (B, d).

    With one query no place needs a key or a value of its own: the query is carried back through the
    keys' weights, and what it gathers goes through the values'. The keys' bias lifts all places alike.
    """
    tokens = features.flatten(2).transpose(1, 2)
    tokens = torch.cat([tokens.mean(1, keepdim=True), tokens], dim=1)
    side = round((len(pool.positional_embedding) - 1) ** 0.5)
    height, width = features.shape[2:]
    tokens = tokens + interpolated(
        pool.positional_embedding, (side, side), (height, width), how=positions
    ).to(tokens.dtype)

    def heads(weight: Tensor) -> Tensor:
        """(H, D / H, …)."""
        return weight.view(pool.num_heads, -1, *weight.shape[1:])

    keys, values = heads(pool.k_proj.weight), heads(pool.v_proj.weight)
    query = pool.q_proj(tokens[:, 0]).view(-1, *keys.shape[:2]) * keys.shape[1] ** -0.5
    attention = (torch.einsum("bhd,hdc->bhc", query, keys) @ tokens.mT).softmax(-1)
    mixed = torch.einsum("bhc,hdc->bhd", attention @ tokens, values) + heads(pool.v_proj.bias)
    embedding: Tensor = pool.c_proj(mixed.flatten(1))
    return embedding


def _classifier_maps(backbone: Backbone, images: Tensor, text: Tensor, weigh: Weigh) -> Tensor:
    _check_size(images, STRIDE)
    rows = text[..., :CLASSES].contiguous()
    classes = _maps(backbone.model.forward_features, _class_target(backbone), images, rows, weigh)
    if backbone.fallback is None:
        return classes
    # Rows without a class carry a text for the fallback network, which has its own mean and std.
    shown = _renormalized(images, backbone, backbone.fallback)
    texts = _cams(backbone.fallback, shown, text[..., CLASSES:].contiguous(), weigh)
    has_class = text[..., :CLASSES].any(-1).expand(len(images), -1)
    return torch.where(has_class[..., None, None], classes, texts)


def _class_target(backbone: Backbone) -> Callable[[Tensor, Tensor], Tensor]:
    """The log of the summed exp of the logits of each row's classes; one class is its own logit."""

    def target(features: Tensor, rows: Tensor) -> Tensor:
        logits: Tensor = precise(backbone.model.forward_head(features))
        # A weight of 0 becomes -87: below float32's resolution beside any class of the row.
        return (logits[:, None] + rows.clamp_min(1e-38).log()).logsumexp(-1)

    return target


def _renormalized(images: Tensor, source: Backbone, target: Backbone) -> Tensor:
    def constants(values: tuple[float, ...]) -> Tensor:
        return torch.tensor(values, device=images.device).view(1, 3, 1, 1)

    pixels = images * constants(source.transform.std) + constants(source.transform.mean)
    return (pixels - constants(target.transform.mean)) / constants(target.transform.std)
