"""The methods as their papers write them: slow, one image and one equation at a time.

Everything here reads the model's modules directly and shares no code with core.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def entering(model: nn.Module, image: Tensor, block: int) -> Tensor:
    """The tokens (N, D) of one image (3, S, S) at its native size, before a block."""
    x = model.visual._embeds(image[None])
    for module in model.visual.transformer.resblocks[:block]:
        x = module(x)
    return x[0]


def projections(block: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """q, k, v by head, (H, N, D / H)."""
    packed = block.ln_1(x) @ block.attn.in_proj_weight.T + block.attn.in_proj_bias
    return tuple(
        part.view(len(x), block.attn.num_heads, -1).transpose(0, 1) for part in packed.chunk(3, dim=-1)
    )


def project_heads(block: nn.Module, mixed: Tensor) -> Tensor:
    """Concatenate heads (H, N, D / H) and apply the output projection."""
    joined = torch.cat(list(mixed), dim=-1)
    return joined @ block.attn.out_proj.weight.T + block.attn.out_proj.bias


def cosine_map(model: nn.Module, tokens: Tensor, text: Tensor) -> Tensor:
    """The cosine of each patch with one text (d,), (N - 1,)."""
    dense = model.visual.ln_post(tokens[1:]) @ model.visual.proj
    return torch.stack([F.cosine_similarity(patch, text, dim=0) for patch in dense])


def last_block(mix: Callable[..., Tensor], residual: bool) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
    """A method that changes the attention of the last block: its map of one image and one text."""

    def found(model: nn.Module, image: Tensor, text: Tensor) -> Tensor:
        block = model.visual.transformer.resblocks[-1]
        x = entering(model, image, len(model.visual.transformer.resblocks) - 1)
        y = project_heads(block, mix(*projections(block, x)))
        if residual:
            y = x + y
            y = y + block.mlp(block.ln_2(y))
        return cosine_map(model, y, text)

    return found


def _softmax(logits: Tensor) -> Tensor:
    weights = logits.exp()
    return weights / weights.sum(-1, keepdim=True)


def identity(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """MaskCLIP: attention is the identity."""
    return v


def correlative(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """SCLIP: (softmax(q q^T / sqrt(d)) + softmax(k k^T / sqrt(d))) v."""
    scale = 1 / math.sqrt(q.shape[-1])
    return (_softmax(scale * q @ q.mT) + _softmax(scale * k @ k.mT)) @ v


def query_query(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """ClearCLIP: softmax(q q^T / sqrt(d)) v."""
    return _softmax(q @ q.mT / math.sqrt(q.shape[-1])) @ v


def neighbours(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """NACLIP: softmax(k k^T / sqrt(d) + omega) v, omega a Gaussian window of std 5 at each patch."""
    side = math.isqrt(k.shape[1] - 1)
    omega = torch.zeros(k.shape[1], k.shape[1])
    for i in range(side * side):
        for j in range(side * side):
            squared = (i // side - j // side) ** 2 + (i % side - j % side) ** 2
            omega[1 + i, 1 + j] = math.exp(-squared / (2 * 5.0**2))
    return _softmax(k @ k.mT / math.sqrt(k.shape[-1]) + omega) @ v


def residual(model: nn.Module, image: Tensor, text: Tensor, share: float, middle: range) -> Tensor:
    """ResCLIP's residual attention: 2 ((1 - share) NACLIP's + share the middle blocks' mean) v."""
    attention = []
    for index in middle:
        block = model.visual.transformer.resblocks[index]
        q, k, _ = projections(block, entering(model, image, index))
        attention.append(_softmax(q @ k.mT / math.sqrt(q.shape[-1])))
    mean = torch.stack(attention).mean(0)

    def mix(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        # What NACLIP makes of the values is linear in them: with the identity as values, its attention.
        own = neighbours(q, k, torch.eye(k.shape[1]).expand(len(k), -1, -1))
        return 2 * ((1 - share) * own + share * mean) @ v

    return last_block(mix, residual=False)(model, image, text)


def proxy(features: Tensor) -> Callable[..., Tensor]:
    """ProxyCLIP: softmax of 3 (cos - 1.2 mean cos) over patches that are more alike than that; (N - 1, D)."""
    count = len(features)
    cosines = torch.stack([F.cosine_similarity(each, features, dim=-1) for each in features])
    weights = torch.zeros(count, count)
    for i in range(count):
        for j in range(count):
            logit = 3.0 * (cosines[i, j] - 1.2 * cosines.mean())
            weights[i, j] = math.exp(logit) if logit >= 0 or i == j else 0

    def mix(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return torch.cat([v[:, :1], weights / weights.sum(-1, keepdim=True) @ v[:, 1:]], dim=1)

    return mix


def surgery(model: nn.Module, image: Tensor, text: Tensor, depth: int) -> Tensor:
    """CLIP Surgery's architecture: x_hat += Proj(softmax(v v^T / sqrt(d)) v) in the last blocks."""
    blocks = model.visual.transformer.resblocks
    x = entering(model, image, len(blocks) - depth)
    dual = x
    for block in blocks[-depth:]:
        _, _, v = projections(block, x)
        dual = dual + project_heads(block, _softmax(v @ v.mT / math.sqrt(v.shape[-1])) @ v)
        x = block(x[None])[0]
    return cosine_map(model, dual, text)


def feature_surgery(dense: Tensor, image: Tensor, texts: Tensor) -> Tensor:
    """CLIP Surgery's redundant-feature removal: dense (N, d), image (d,), texts (T, d) to (T, N)."""
    probabilities = (2 * image @ texts.T).softmax(-1)
    weights = probabilities / probabilities.mean()
    products = dense[:, None, :] * texts[None] * weights[None, :, None]
    return (products - products.mean(1, keepdim=True)).sum(-1).T


def legrad(model: nn.Module, image: Tensor, text: Tensor, layers: int) -> Tensor:
    """LeGrad: sum over the last blocks of relu(d cos(text, mean token) / d A), over heads and queries."""
    total = torch.zeros(())
    blocks = model.visual.transformer.resblocks
    for index in range(len(blocks) - layers, len(blocks)):
        x = entering(model, image, index).detach()
        x, attention = _open_block(blocks[index], x)
        pooled = model.visual.ln_post(x.mean(0)) @ model.visual.proj
        score = F.cosine_similarity(pooled, text, dim=0)
        (gradient,) = torch.autograd.grad(score, attention)
        total = total + gradient.clamp(min=0).mean(0).mean(0)[1:]
    return total.detach()


def chefer(model: nn.Module, image: Tensor, text: Tensor, layers: int) -> Tensor:
    """Chefer et al.: R = I; R = R + mean_h(relu(grad * A)) R; the class token's row."""
    blocks = model.visual.transformer.resblocks
    x = entering(model, image, len(blocks) - layers).detach()
    attentions = []
    for block in blocks[-layers:]:
        x, attention = _open_block(block, x)
        attentions.append(attention)
    embedding = model.visual.ln_post(x[0]) @ model.visual.proj
    score = model.logit_scale.exp() * F.cosine_similarity(embedding, text, dim=0)
    relevance = torch.eye(len(x))
    for attention, gradient in zip(attentions, torch.autograd.grad(score, attentions), strict=True):
        relevance = relevance + (gradient * attention).clamp(min=0).mean(0) @ relevance
    return relevance[0, 1:].detach()


def _open_block(block: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    q, k, v = projections(block, x)
    attention = _softmax(q @ k.mT / math.sqrt(q.shape[-1]))
    x = x + project_heads(block, attention @ v)
    return x + block.mlp(block.ln_2(x)), attention


def decomposition(model: nn.Module, image: Tensor) -> tuple[Tensor, Tensor]:
    """Every term of the unit embedding: attention (L, N, H, d) and input with MLPs (L + 1, d).

    c -> (gamma (c - mu / parts) / sigma + beta / parts) P / |rep|, with the statistics of
    the final class token and parts = (2 L + 1) for a whole term, times N H for an entry.
    """
    visual = model.visual
    blocks = visual.transformer.resblocks
    entries, rest = [], [entering(model, image, 0)[0]]
    x = entering(model, image, 0)
    for block in blocks:
        q, k, v = projections(block, x)
        weights = _softmax(q @ k.mT / math.sqrt(q.shape[-1]))
        heads, tokens, width = v.shape
        output = block.attn.out_proj.weight.T.reshape(heads, width, -1)
        entry = torch.einsum("hn,hnk,hkd->nhd", weights[:, 0], v, output)
        entries.append(entry + block.attn.out_proj.bias / (tokens * heads))
        middle = x + project_heads(block, weights @ v)
        rest.append(block.mlp(block.ln_2(middle))[0])
        x = block(x[None])[0]
    representation = visual.ln_post(x[0]) @ visual.proj
    mean, deviation = x[0].mean(), (x[0].var(unbiased=False) + visual.ln_post.eps).sqrt()

    def folded(part: Tensor, parts: int) -> Tensor:
        normed = visual.ln_post.weight * (part - mean / parts) / deviation + visual.ln_post.bias / parts
        return normed @ visual.proj / representation.norm()

    whole = 2 * len(blocks) + 1
    attention = torch.stack([folded(entry, whole * tokens * heads) for entry in entries])
    return attention, folded(torch.stack(rest), whole)
