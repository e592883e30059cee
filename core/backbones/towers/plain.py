"""open_clip's own vision transformers: a class token, an average, or attention pooling in the end."""

from __future__ import annotations

from typing import Any

import torch
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.backbones.towers.tower import (
    Block,
    LinearEnd,
    Tower,
    attend,
    by_heads,
    from_heads,
    interpolated,
    openly,
)


class PlainBlock(Block):
    """`ResidualAttentionBlock`: packed q, k, v, plain MLP, maybe layer scale."""

    def __init__(self, module: Any) -> None:  # noqa: ANN401  open_clip ships no types
        self._module = module
        self.heads = module.attn.num_heads
        self.scale = (module.attn.embed_dim // self.heads) ** -0.5

    def normed(self, x: Tensor) -> Tensor:
        """The first layer norm."""
        normed: Tensor = self._module.ln_1(x)
        return normed

    def qkv(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of one product with the packed weights."""
        attention = self._module.attn
        packed = F.linear(h, attention.in_proj_weight, attention.in_proj_bias)
        split = packed.view(*h.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = split.unbind(0)
        return q, k, v

    def out(self, mixed: Tensor) -> Tensor:
        """Output projection and layer scale."""
        scaled: Tensor = self._module.ls_1(self._module.attn.out_proj(from_heads(mixed)))
        return scaled

    def mlp(self, x: Tensor) -> Tensor:
        """Second layer norm, MLP, layer scale."""
        module = self._module
        added: Tensor = module.ls_2(module.mlp(module.ln_2(x)))
        return added

    def head_outputs(self) -> Tensor:
        """(H, D / H, D)."""
        weight = self._module.attn.out_proj.weight.T
        scaled: Tensor = self._module.ls_1(weight.reshape(self.heads, -1, weight.shape[1]))
        return scaled

    def output_bias(self) -> Tensor:
        """(D,)."""
        scaled: Tensor = self._module.ls_1(self._module.attn.out_proj.bias)
        return scaled


class PlainTower(Tower):
    """`VisionTransformer` of open_clip.

    After `pool_type` (class token, or the mean of the patches) come `ln_post` and `proj`; a mean
    is linear, so that a patch alone is its own mean. CoCa pools by attention first: its first
    query's row is the embedding. A patch that alone was attended to is its value, through the
    pooling's output projection, then `ln_post` and `proj` (as MaskCLIP reads CLIP's ResNets,
    Zhou et al., ECCV 2022, section 3.2): with the true attention, the weighted sum of these values
    is what the network makes before `ln_post`.
    """

    prefix = 1

    def __init__(self, visual: Any) -> None:  # noqa: ANN401  open_clip ships no types
        self.visual = visual
        self.patch = tuple(visual.patch_size)
        self.pools_by_attention = visual.attn_pool is not None
        self.reads_class_token = visual.attn_pool is None and visual.pool_type == "tok"
        self._blocks = [PlainBlock(module) for module in visual.transformer.resblocks]
        self.depth = len(self._blocks)

    def blocks(self, grid: tuple[int, int]) -> list[PlainBlock]:
        """The same for every grid."""
        return self._blocks

    def embed(self, images: Tensor) -> Tensor:
        """Class token and patches, with their positions, after `ln_pre`."""
        visual = self.visual
        patches = visual.conv1(images).flatten(2).transpose(1, 2)
        cls = visual.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
        tokens = torch.cat([cls, patches], dim=1)
        positions = interpolated(
            visual.positional_embedding, visual.grid_size, self.grid_of(images), how=self.positions
        )
        normed: Tensor = visual.ln_pre(tokens + positions.to(tokens.dtype))
        return normed

    def project(self, tokens: Tensor) -> Tensor:
        """A patch as if it alone had been pooled."""
        visual = self.visual
        if visual.attn_pool is not None:
            pool = visual.attn_pool
            _, _, value = _projections(pool.attn)
            tokens = pool.attn.out_proj(F.linear(pool.ln_k(tokens), *value))
        projected: Tensor = visual.ln_post(tokens) @ visual.proj
        return projected

    def pooled(self, x: Tensor) -> Tensor:
        """The network's own end."""
        visual = self.visual
        if visual.attn_pool is not None:
            return self._attended(x, open_=False)[0]
        if self.reads_class_token:
            return self.project(x[:, 0])
        if visual.final_ln_after_pool:
            return self.project(x[:, 1:].mean(1))
        embedding: Tensor = visual.ln_post(x)[:, 1:].mean(1) @ visual.proj
        return embedding

    def pooled_openly(self, x: Tensor, *, normed: bool = True) -> tuple[Tensor, Tensor]:
        """Of CoCa, which has no norm before its head."""
        return self._attended(x, open_=True)

    def linear_end(self) -> LinearEnd | None:
        """Where the class token alone is read."""
        if not self.reads_class_token:
            return None
        norm = self.visual.ln_post
        return LinearEnd(norm.weight, norm.bias, norm.eps, self.visual.proj)

    def _attended(self, x: Tensor, open_: bool) -> tuple[Tensor, Tensor]:
        pool, heads = self.visual.attn_pool, self.visual.attn_pool.attn.num_heads
        normed = pool.ln_k(x)
        # The first query is the contrastive one; the others are for the captions.
        seen = (pool.ln_q(pool.query)[:1].expand(len(x), 1, -1), normed, normed)
        query, keys, values = (
            by_heads(F.linear(each, *projection), heads)
            for each, projection in zip(seen, _projections(pool.attn), strict=True)
        )
        mixed, attention = _mixed(query, keys, values, open_)
        return self.visual.ln_post(pool.attn.out_proj(from_heads(mixed)))[:, 0] @ self.visual.proj, attention


def _projections(attention: Any) -> list[tuple[Tensor, Tensor]]:  # noqa: ANN401  torch's, untyped here
    """Weight and bias of q, k and v: packed by torch where all widths are one."""
    packed = attention.in_proj_weight
    weights = (
        (attention.q_proj_weight, attention.k_proj_weight, attention.v_proj_weight)
        if packed is None
        else packed.chunk(3)
    )
    return list(zip(weights, attention.in_proj_bias.chunk(3), strict=True))


def _mixed(query: Tensor, keys: Tensor, values: Tensor, open_: bool) -> tuple[Tensor, Tensor]:
    if not open_:
        return attend(query, keys, values), query
    mixed, attention = openly(query, keys, values, query.shape[-1] ** -0.5)
    return mixed, attention


def readable(visual: object) -> bool:
    """Whether a tower is one of these, and made of nothing else."""
    return (
        isinstance(visual, VisionTransformer)
        and (visual.attn_pool is None or not visual.attn_pool_type)
        and visual.pool_type in ("tok", "avg")
        and visual.proj is not None
        and all(type(block) is ResidualAttentionBlock for block in visual.transformer.resblocks)
    )
