"""What the authors' own code does, from pixels to their last step, written down again step by step.

Everything here reads an open_clip model's modules directly, keeps their order of operations and shares no
code with core. Images are (B, 3, S, S) as the network takes them, texts unit rows (T, d); maps are
(B, T, S, S) in [0, 1]: enlarged bilinearly and stretched, in the order that is theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Mix = Callable[[Tensor, Tensor, Tensor, int], Tensor]


# --- the ways in ---


def _positions(visual: nn.Module, side: int, how: str) -> Tensor:
    """Of the class token and a grid of side x side."""
    table = visual.positional_embedding
    own = math.isqrt(len(table) - 1)
    if own == side:
        return table
    planes = table[1:].reshape(1, own, own, -1).permute(0, 3, 1, 2)
    if how == "by a scale, and a tenth":
        scale = (side + 0.1) / math.sqrt(len(table) - 1)
        planes = F.interpolate(planes, scale_factor=(scale, scale), mode="bicubic")
    elif how == "antialiased":
        planes = F.interpolate(planes, size=(side, side), mode="bicubic", antialias=True, align_corners=False)
    else:
        planes = F.interpolate(planes, size=(side, side), mode=how)
    return torch.cat([table[:1], planes.permute(0, 2, 3, 1).reshape(side * side, -1)])


def _entering(model: nn.Module, images: Tensor, blocks: int, how: str) -> Tensor:
    """The tokens (B, N, D) before a block, counted from the front."""
    visual = model.visual
    patches = visual.conv1(images)
    side = patches.shape[-1]
    patches = patches.reshape(*patches.shape[:2], -1).permute(0, 2, 1)
    first = visual.class_embedding + torch.zeros(len(images), 1, patches.shape[-1], dtype=images.dtype)
    x = torch.cat([first, patches], dim=1) + _positions(visual, side, how)
    x = visual.ln_pre(x)
    for block in visual.transformer.resblocks[:blocks]:
        x = block(x)
    return x


def _heads(block: nn.Module, h: Tensor) -> list[Tensor]:
    """q, k, v of normed tokens, (B, H, N, D / H)."""
    attention = block.attn
    packed = F.linear(h, attention.in_proj_weight, attention.in_proj_bias).chunk(3, dim=-1)
    return [each.reshape(*h.shape[:2], attention.num_heads, -1).transpose(1, 2) for each in packed]


def _out(block: nn.Module, mixed: Tensor) -> Tensor:
    return block.attn.out_proj(mixed.transpose(1, 2).flatten(2))


def _similarity(model: nn.Module, tokens: Tensor, text: Tensor) -> Tensor:
    """Cosines with every token, (B, N, T)."""
    features = model.visual.ln_post(tokens) @ model.visual.proj
    return features / features.norm(dim=-1, keepdim=True) @ text.T


# --- the ways out ---


def _as_planes(scores: Tensor) -> Tensor:
    """Scores of the patches (B, N, T) as (B, T, side, side)."""
    side = math.isqrt(scores.shape[1])
    return scores.permute(0, 2, 1).reshape(len(scores), -1, side, side)


def stretched(maps: Tensor) -> Tensor:
    """Each map by its own ends."""
    low = maps.amin((-2, -1), keepdim=True)
    return (maps - low) / (maps.amax((-2, -1), keepdim=True) - low)


def _enlarged(maps: Tensor, side: int) -> Tensor:
    return F.interpolate(maps, size=(side, side), mode="bilinear")


# --- the methods ---


def _of_last_block(mix: Mix, residual: str, how: str) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
    """Logits (B, T, S, S), enlarged, of a method that gives the last block another attention.

    residual: `none`, `before` (added to the block's input, then the MLP).
    """

    def logits(model: nn.Module, images: Tensor, text: Tensor) -> Tensor:
        blocks = model.visual.transformer.resblocks
        x, block = _entering(model, images, len(blocks) - 1, how), blocks[-1]
        tokens = _out(block, mix(*_heads(block, block.ln_1(x)), math.isqrt(x.shape[1] - 1)))
        if residual == "before":
            tokens = x + tokens
            tokens = tokens + block.mlp(block.ln_2(tokens))
        return _enlarged(_as_planes(_similarity(model, tokens, text)[:, 1:]), images.shape[-1])

    return logits


def _values(q: Tensor, k: Tensor, v: Tensor, side: int) -> Tensor:
    return v


def _correlative(q: Tensor, k: Tensor, v: Tensor, side: int) -> Tensor:
    scale = q.shape[-1] ** -0.5
    of_queries, of_keys = q @ q.transpose(-2, -1) * scale, k @ k.transpose(-2, -1) * scale
    return (of_queries.softmax(-1) + of_keys.softmax(-1)) @ v


def _queries(q: Tensor, k: Tensor, v: Tensor, side: int) -> Tensor:
    return (q @ q.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(-1) @ v


def _neighbours(q: Tensor, k: Tensor, v: Tensor, side: int) -> Tensor:
    """A Gaussian window of std 5 slid over the grid is added to the logits of keys with keys."""
    ticks = torch.arange(-(side - 1), side) / (5.0 * math.sqrt(2))
    window = torch.exp(-(ticks[:, None] ** 2 + ticks[None] ** 2)).to(v)
    logits = k @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
    added = torch.zeros(side * side + 1, side * side + 1, dtype=v.dtype)
    for y in range(side):
        for x in range(side):
            seen = window[side - 1 - y : 2 * side - 1 - y, side - 1 - x : 2 * side - 1 - x]
            added[1 + y * side + x, 1:] = seen.flatten()
    return (logits + added).softmax(-1) @ v


maskclip_logits = _of_last_block(_values, "before", "bicubic")
sclip_logits = _of_last_block(_correlative, "before", "by a scale, and a tenth")
clearclip_logits = _of_last_block(_queries, "none", "by a scale, and a tenth")
naclip_logits = _of_last_block(_neighbours, "none", "by a scale, and a tenth")


def slid(logits_of: Callable[[Tensor], Tensor], images: Tensor, crop: int, stride: int) -> Tensor:
    """Logits (B, T, S, S) through windows: summed with padding, divided by how many windows saw a pixel."""
    side = images.shape[-1]
    count = max(side - crop + stride - 1, 0) // stride + 1
    total, seen = 0.0, torch.zeros(1, 1, side, side, dtype=images.dtype)
    for row in range(count):
        for column in range(count):
            bottom, right = min(row * stride + crop, side), min(column * stride + crop, side)
            top, left = max(bottom - crop, 0), max(right - crop, 0)
            logits = logits_of(images[:, :, top:bottom, left:right])
            total = total + F.pad(logits, (left, side - right, top, side - bottom))
            seen[:, :, top:bottom, left:right] += 1
    return total / seen


def shares(logits: Tensor, labels: int, scale: float) -> Tensor:
    """What is left of each label (B, T, S, S) beside background words, of logits of both (B, T + K, S, S)."""
    odds = (scale * logits).exp()
    return odds[:, :labels] / (odds[:, :labels] + odds[:, labels:].sum(1, keepdim=True))


def surgery(model: nn.Module, images: Tensor, text: Tensor) -> Tensor:
    """CLIP Surgery with its feature surgery, one image; stretched on the grid, then enlarged."""
    assert len(images) == 1  # with more, theirs raises
    blocks = model.visual.transformer.resblocks
    own = _entering(model, images, len(blocks) - 6, "bilinear")
    new = own.clone()
    for block in blocks[-6:]:
        q, k, v = _heads(block, block.ln_1(own))
        scale = q.shape[-1] ** -0.5
        new = new + _out(block, (v @ v.transpose(-2, -1) * scale).softmax(-1) @ v)
        own = own + _out(block, (q @ k.transpose(-2, -1) * scale).softmax(-1) @ v)
        own = own + block.mlp(block.ln_2(own))
    new = torch.cat([own[:, :1], new[:, 1:]], dim=1)
    features = model.visual.ln_post(new) @ model.visual.proj
    features = features / features.norm(dim=-1, keepdim=True)
    likely = (features[:, :1] @ text.T * 2).softmax(-1)
    weight = likely / likely.mean(-1, keepdim=True)
    products = features[:, :, None] * text[None, None] * weight[..., None]
    products = products - products.mean(2, keepdim=True)
    planes = _as_planes(products.sum(-1)[:, 1:])
    return _enlarged(stretched(planes), images.shape[-1])


def _opened(block: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """A block with its attention (B, H, N, N) as a leaf of the graph."""
    q, k, v = _heads(block, block.ln_1(x))
    attention = (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).softmax(-1)
    if not attention.requires_grad:
        attention.requires_grad_()
    x = x + _out(block, attention @ v)
    return x + block.mlp(block.ln_2(x)), attention


def legrad(model: nn.Module, images: Tensor, text: Tensor) -> Tensor:
    """LeGrad's CLIP path over the last two blocks: each block's map is enlarged, their sum is stretched."""
    blocks = model.visual.transformer.resblocks
    maps = []
    for row in text:
        x, total = _entering(model, images, len(blocks) - 2, "antialiased").detach(), 0.0
        for block in blocks[-2:]:
            x, attention = _opened(block, x.detach())
            feature = model.visual.ln_post(x.mean(1)) @ model.visual.proj
            feature = F.normalize(feature, dim=-1)
            (gradient,) = torch.autograd.grad((feature @ row).sum(), attention)
            relevance = gradient.clamp(min=0).mean(1).mean(1)[:, 1:]
            total = total + _enlarged(_as_planes(relevance[..., None]), images.shape[-1])
        maps.append(total)
    return stretched(torch.cat(maps, dim=1)).detach()


def chefer(model: nn.Module, images: Tensor, text: Tensor) -> Tensor:
    """The notebook's `interpret` for CLIP, from the last block."""
    blocks = model.visual.transformer.resblocks
    maps = []
    for row in text:
        x = _entering(model, images, len(blocks) - 1, "no other size").detach()
        x, attention = _opened(blocks[-1], x)
        feature = model.visual.ln_post(x[:, 0]) @ model.visual.proj
        feature = feature / feature.norm(dim=-1, keepdim=True)
        score = (model.logit_scale.exp() * feature @ row).sum()
        (gradient,) = torch.autograd.grad(score, attention)
        cam = (gradient * attention).clamp(min=0).mean(1)
        relevance = torch.eye(cam.shape[-1], dtype=cam.dtype).expand(len(images), -1, -1)
        relevance = relevance + cam @ relevance
        maps.append(_as_planes(relevance[:, 0, 1:, None]))
    return stretched(_enlarged(torch.cat(maps, dim=1), images.shape[-1])).detach()


def textspan(model: nn.Module, images: Tensor, text: Tensor) -> Tensor:
    """The segmentation of clip_prs: every head's term as a vector, the mean of the texts taken away,
    enlarged, cut at 0, stretched.
    """
    visual, blocks = model.visual, model.visual.transformer.resblocks
    x, terms = _entering(model, images, 0, "no other size"), []
    for block in blocks:
        q, k, v = _heads(block, block.ln_1(x))
        attention = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(-1)
        weight = block.attn.out_proj.weight.T.reshape(block.attn.num_heads, -1, v.shape[1] * v.shape[3])
        # Of the class token: (B, H, N, D), the bias in equal parts.
        own = attention[:, :, 0, :, None] * (v @ weight)
        terms.append(own + block.attn.out_proj.bias / (own.shape[1] * own.shape[2]))
        x = block(x)
    end = x[:, 0]
    parts = 2 * len(blocks) + 1
    each = torch.stack(terms, dim=1)  # (B, L, H, N, D)
    share = parts * each.shape[2] * each.shape[3]
    mean, deviation = end.mean(-1), (end.var(-1, unbiased=False) + visual.ln_post.eps).sqrt()
    centred = each - mean.view(-1, 1, 1, 1, 1) / share
    normed = visual.ln_post.weight * centred / deviation.view(-1, 1, 1, 1, 1) + visual.ln_post.bias / share
    projected = normed @ visual.proj / (visual.ln_post(end) @ visual.proj).norm(dim=-1).view(-1, 1, 1, 1, 1)
    scores = projected.sum((1, 2))[:, 1:] @ text.T
    scores = scores - scores.mean(-1, keepdim=True)
    return stretched(_enlarged(_as_planes(scores), images.shape[-1]).clamp(min=0))


def legrad_siglip(trunk: nn.Module, images: Tensor, text: Tensor, empty: Tensor) -> Tensor:
    """LeGrad's SigLIP path with its correction, over the last two blocks of a timm transformer.

    Each block's tokens go into the pooling head as they leave the block. Places where the map of the empty
    caption (1, d) is above 0.8 of its range are cleared; the rest is stretched on the grid, then enlarged.
    """
    pool = trunk.attn_pool

    def pooled(tokens: Tensor) -> tuple[Tensor, Tensor]:
        batch, count, width = tokens.shape
        q = pool.q(pool.latent.expand(batch, -1, -1)).reshape(batch, -1, pool.num_heads, pool.head_dim)
        k, v = pool.kv(tokens).reshape(batch, count, 2, pool.num_heads, pool.head_dim).unbind(2)
        q, k, v = (each.transpose(1, 2) for each in (q, k, v))
        attention = (pool.q_norm(q) * pool.scale @ pool.k_norm(k).transpose(-2, -1)).softmax(-1)
        attention = attention.detach().requires_grad_()
        x = pool.proj((attention @ v).transpose(1, 2).reshape(batch, -1, width))
        return F.normalize((x + pool.mlp(pool.norm(x)))[:, 0], dim=-1), attention

    with torch.no_grad():
        x = trunk.norm_pre(trunk.patch_drop(trunk._pos_embed(trunk.patch_embed(images))))
        kept = []
        for block in trunk.blocks:
            x = block(x)
            kept.append(x)

    def summed(row: Tensor) -> Tensor:
        total = 0.0
        for tokens in kept[-2:]:
            feature, attention = pooled(tokens)
            (gradient,) = torch.autograd.grad((feature @ row).sum(), attention)
            total = total + _as_planes(gradient.clamp(min=0).mean(1)[:, 0, :, None])
        return total

    cleared = stretched(summed(empty[0])) > 0.8
    maps = torch.cat([summed(row).masked_fill(cleared, 0.0) for row in text], dim=1)
    return _enlarged(stretched(maps), images.shape[-1]).detach()
