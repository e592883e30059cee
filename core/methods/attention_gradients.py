"""Methods that ask how a score changes with the attention of the last blocks of a ViT.

LeGrad (Bousselham et al., ICCV 2025) takes each block's own score; Chefer et al.
(ICCV 2021) carry the final score back and multiply relevances through the blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.towers.tower import Block, Tower, full_precision, openly, precise
from cliploc.core.methods.text import stacked
from cliploc.core.methods.trunk import read

_LEGRAD_BLOCKS = 2
_CHEFER_BLOCKS = 1
_EMPTY = "a photo of a"


def legrad(backbone: Backbone, images: Tensor, text: Tensor, *, layers: int, correction: float) -> Tensor:
    """LeGrad: the positive gradient of each block's score by its attention, over heads and queries.

    The score of a block is the cosine of the text with the mean of its tokens, taken
    through the last norm and projection; where a pooling head makes the embedding, with what the head
    makes of the block's tokens, and the gradient is by the head's attention (their section 3.4, for
    SigLIP and CoCa). layers: blocks from the end, 0 for 2. correction: of SigLIP, whose head sees
    patches alone, as its authors' code has it: blocks are pooled without the last norm, and a map is 0
    where that of an empty caption lies above this share of its own range; 0 for neither. Returns the
    sum over the blocks, (B, T, gh, gw).
    """
    tower = read(backbone)
    if not (correction and tower.pools_by_attention and not tower.prefix):
        return _legrad(tower, images, text, layers)
    # A copy: what was encoded without gradients takes part in one here.
    empty = backbone.encode_text([_EMPTY]).to(text).clone()
    maps = _legrad(tower, images, stacked(text, empty), layers, normed=False)
    found, of_empty = maps[:, :-1], maps[:, -1:]
    low, high = of_empty.amin((2, 3), keepdim=True), of_empty.amax((2, 3), keepdim=True)
    return found.masked_fill((of_empty - low) > correction * (high - low), 0.0)


def _legrad(tower: Tower, images: Tensor, text: Tensor, layers: int, *, normed: bool = True) -> Tensor:
    blocks = tower.blocks(tower.grid_of(images))[-(layers or _LEGRAD_BLOCKS) :]
    x = _entering(tower, images, len(blocks))
    places = math.prod(tower.grid_of(images))
    total = torch.zeros((), device=x.device)
    for block in blocks:
        with full_precision(x):
            embedding, attention, tokens = _opened(tower, block, x, normed=normed)
            scores = _cosines(embedding, text)
            # A row by query, or of the head's one.
            found = [
                gradient.relu().mean(tuple(range(1, gradient.dim() - 1)))[:, -places:]
                for (gradient,) in _gradients(scores, [attention])
            ]
            total = total + torch.stack(found, dim=1)
        x = tokens.detach()
    return total.reshape(*total.shape[:2], *tower.grid_of(images))


def chefer(backbone: Backbone, images: Tensor, text: Tensor, *, layers: int) -> Tensor:
    """Chefer's relevance of the patches to the class token: R <- R + mean_h(relu(grad * A)) R, R from I.

    The score is the scaled cosine of the image with the text. layers: blocks from
    the end, 0 for 1. Returns R's class row, (B, T, gh, gw).
    """
    tower = read(backbone)
    blocks = tower.blocks(tower.grid_of(images))[-(layers or _CHEFER_BLOCKS) :]
    x = _entering(tower, images, len(blocks))
    attentions = []
    with full_precision(x):
        for block in blocks:
            x, attention = with_attention(block, x)
            attentions.append(attention)
        scores = backbone.model.logit_scale.exp() * _cosines(tower.project(x[:, 0]), text)
        maps = [_rollout(attentions, gradients, tower.prefix) for gradients in _gradients(scores, attentions)]
    return torch.stack(maps, dim=1).reshape(*scores.shape, *tower.grid_of(images))


def _opened(tower: Tower, block: Block, x: Tensor, *, normed: bool) -> tuple[Tensor, Tensor, Tensor]:
    """A block's own embedding (B, d), the attention that made it, and its tokens."""
    if tower.pools_by_attention:
        tokens = block.run(x)
        return *tower.pooled_openly(tokens, normed=normed), tokens
    tokens, attention = with_attention(block, x)
    return tower.project(tokens.mean(1)), attention, tokens


def _rollout(attentions: Sequence[Tensor], gradients: Sequence[Tensor], prefix: int) -> Tensor:
    """The relevance of the patches to the class token, (B, N - prefix)."""
    first = attentions[0]
    relevance = torch.eye(first.shape[-1], dtype=first.dtype, device=first.device)
    for attention, gradient in zip(attentions, gradients, strict=True):
        relevance = relevance + (gradient * attention.detach()).relu().mean(1) @ relevance
    return relevance[:, 0, prefix:]


def with_attention(block: Block, x: Tensor) -> tuple[Tensor, Tensor]:
    """Run a block with its attention (B, H, N, N) laid open for a gradient; returns tokens and attention."""
    q, k, v = block.qkv(block.normed(x))
    mixed, attention = openly(q, k, v, block.scale)
    x = x + block.out(mixed)
    return x + block.mlp(x), attention


def _entering(tower: Tower, images: Tensor, count: int) -> Tensor:
    """The tokens that enter the last `count` blocks, without gradients."""
    with torch.no_grad():
        x = tower.embed(images)
        blocks = tower.blocks(tower.grid_of(images))
        for block in blocks[: len(blocks) - count]:
            x = block.run(x)
    return precise(x)


def _cosines(embedding: Tensor, text: Tensor) -> Tensor:
    """Image rows (B, d) with text rows (T, d) or (B, T, d): (B, T)."""
    unit = F.normalize(precise(embedding), dim=-1)
    return (text @ unit[:, :, None]).squeeze(-1)


def _gradients(scores: Tensor, attentions: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    """For each text, the gradients of its scores (B, T) by every attention."""
    totals = scores.sum(0)
    for index, total in enumerate(totals):
        yield torch.autograd.grad(total, list(attentions), retain_graph=index + 1 < len(totals))
