"""timm's vision transformers, as open_clip builds CLIP's image side from them.

SigLIP, EVA-02, PE-Core, MobileCLIP-B, ViTamin and others are the same few parts: a patch embedding
(maybe with convolutions before it), prefix tokens, absolute or rotary positions, blocks, a last
norm, and a class token, a mean or a pooling head in the end.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from open_clip.timm_model import TimmModel
from timm.layers import AttentionPoolLatent, apply_rot_embed_cat
from timm.layers.attention import Attention, AttentionRope
from timm.models.eva import Eva, EvaAttention, EvaBlock
from timm.models.vision_transformer import Block as VitBlock
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
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


class TimmBlock(Block):
    """A block of timm's ViT or EVA.

    rope: sines and cosines of the patches' places, where positions turn queries and keys.
    """

    def __init__(self, module: Any, rope: Tensor | None, prefix: int) -> None:  # noqa: ANN401  untyped
        self._module, self._rope, self._prefix = module, rope, prefix
        self.heads = module.attn.num_heads
        self.scale = module.attn.head_dim**-0.5

    def normed(self, x: Tensor) -> Tensor:
        """The first norm."""
        normed: Tensor = self._module.norm1(x)
        return normed

    def qkv(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of packed weights or separate ones, normed where the block does, patches turned by their places."""
        attention = self._module.attn
        if attention.qkv is None:
            parts = [attention.q_proj(h), attention.k_proj(h), attention.v_proj(h)]
        else:
            bias = attention.qkv.bias
            if getattr(attention, "q_bias", None) is not None:
                bias = torch.cat([attention.q_bias, attention.k_bias, attention.v_bias])
            parts = list(F.linear(h, attention.qkv.weight, bias).chunk(3, dim=-1))
        q, k, v = (by_heads(each, self.heads) for each in parts)
        return self._placed(attention.q_norm(q)), self._placed(attention.k_norm(k)), v

    def _placed(self, x: Tensor) -> Tensor:
        if self._rope is None:
            return x
        half = bool(getattr(self._module.attn, "rotate_half", False))
        turned = apply_rot_embed_cat(x[:, :, self._prefix :], self._rope, half=half)
        return torch.cat([x[:, :, : self._prefix], turned], dim=2).type_as(x)

    def out(self, mixed: Tensor) -> Tensor:
        """The norm inside the attention, if any, output projection and layer scale."""
        attention = self._module.attn
        return self._scaled(attention.proj(attention.norm(from_heads(mixed))), 1)

    def mlp(self, x: Tensor) -> Tensor:
        """Second norm, MLP of any kind, layer scale."""
        return self._scaled(self._module.mlp(self._module.norm2(x)), 2)

    def _scaled(self, x: Tensor, which: int) -> Tensor:
        module = self._module
        if isinstance(module, EvaBlock):
            gamma = module.gamma_1 if which == 1 else module.gamma_2
            return x if gamma is None else gamma * x
        scaled: Tensor = (module.ls1 if which == 1 else module.ls2)(x)
        return scaled

    def head_outputs(self) -> Tensor:
        """(H, D / H, D)."""
        weight = self._module.attn.proj.weight.T
        return self._scaled(weight.reshape(self.heads, -1, weight.shape[1]), 1)

    def output_bias(self) -> Tensor:
        """(D,)."""
        projection = self._module.attn.proj
        bias = torch.zeros_like(projection.weight[:, 0]) if projection.bias is None else projection.bias
        return self._scaled(bias, 1)


class TimmTower(Tower):
    """A `TimmModel` whose trunk is timm's `VisionTransformer` or `Eva`.

    A mean of patches is linear: a patch alone is its own mean. Of a pooling head (one learned
    query, then an MLP with its residual) a patch that alone was attended to is its value, through
    the head's output projection and MLP: TextRegion's region token (Xiao et al., 2025) of one patch. With
    the true attention the weighted sum of the values is what enters the head's MLP.
    """

    def __init__(self, visual: Any) -> None:  # noqa: ANN401  open_clip ships no types
        self.visual, self.trunk = visual, visual.trunk
        embedding = self.trunk.patch_embed
        self.patch = tuple(
            side // cells for side, cells in zip(embedding.img_size, embedding.grid_size, strict=True)
        )
        self.depth = len(self.trunk.blocks)
        self.prefix = self.trunk.num_prefix_tokens
        self.pools_by_attention = self.trunk.attn_pool is not None
        self.reads_class_token = self.trunk.attn_pool is None and self.trunk.global_pool == "token"

    def blocks(self, grid: tuple[int, int]) -> list[TimmBlock]:
        """With the rotary table of the grid."""
        rope = self._rope(grid)
        return [TimmBlock(module, rope, self.prefix) for module in self.trunk.blocks]

    def _rope(self, grid: tuple[int, int]) -> Tensor | None:
        rotary = getattr(self.trunk, "rope", None)
        if rotary is None:
            return None
        if tuple(grid) != tuple(self.trunk.patch_embed.grid_size):
            rotary = deepcopy(rotary)  # the network's own stays as it is
            rotary.update_feat_shape(list(grid))
        table: Tensor = rotary.get_embed()
        return table

    def embed(self, images: Tensor) -> Tensor:
        """Prefix and patches with their absolute positions, if any, after the norm before the blocks."""
        trunk = self.trunk
        grid = self.grid_of(images)
        patches = self._patches(images)
        prefix = [
            token.expand(len(patches), -1, -1).to(patches.dtype)
            for token in (trunk.cls_token, trunk.reg_token)
            if token is not None
        ]
        if trunk.pos_embed is None:
            return self._entering(torch.cat([*prefix, patches], dim=1))
        bare = 0 if trunk.no_embed_class else self.prefix
        old = tuple(trunk.patch_embed.grid_size)
        positions = interpolated(trunk.pos_embed[0], old, grid, prefix=bare, how=self.positions).to(
            patches.dtype
        )
        if trunk.no_embed_class:
            return self._entering(torch.cat([*prefix, patches + positions], dim=1))
        return self._entering(torch.cat([*prefix, patches], dim=1) + positions)

    def _entering(self, tokens: Tensor) -> Tensor:
        entering: Tensor = self.trunk.norm_pre(tokens)
        return entering

    def _patches(self, images: Tensor) -> Tensor:
        embedding = self.trunk.patch_embed
        stem = getattr(embedding, "backbone", None)
        if stem is not None:
            made = stem(images)
            images = made[-1] if isinstance(made, list | tuple) else made
        patches = embedding.proj(images).flatten(2).transpose(1, 2)
        normed: Tensor = embedding.norm(patches) if hasattr(embedding, "norm") else patches
        return normed

    def project(self, tokens: Tensor) -> Tensor:
        """A patch as if it alone had been pooled."""
        tokens = self.trunk.norm(tokens)
        pool = self.trunk.attn_pool
        if pool is not None:
            # Half of the packed weights: whom nobody compares with others needs no key.
            weight, bias = pool.kv.weight.chunk(2)[1], pool.kv.bias
            tokens = self._headed(F.linear(tokens, weight, None if bias is None else bias.chunk(2)[1]))
        return self._ended(tokens)

    def pooled(self, x: Tensor) -> Tensor:
        """The network's own end."""
        if self.trunk.attn_pool is not None:
            return self._attended(x, open_=False)[0]
        x = self.trunk.norm(x)
        kept = x if getattr(self.trunk, "pool_include_prefix", False) else x[:, self.prefix :]
        return self._ended(x[:, 0] if self.reads_class_token else kept.mean(1))

    def pooled_openly(self, x: Tensor, *, normed: bool = True) -> tuple[Tensor, Tensor]:
        """Of a pooling head."""
        return self._attended(x, open_=True, normed=normed)

    def linear_end(self) -> LinearEnd | None:
        """Where a class token ends in one matrix, and no norm stands between heads and residual."""
        plain = all(isinstance(each.attn.norm, nn.Identity) for each in self.trunk.blocks)
        last = [each for each in (self.trunk.head, *self.visual.head) if isinstance(each, nn.Linear)]
        ends = [each for each in (self.trunk.fc_norm, self.trunk.head, *self.visual.head)
                if not isinstance(each, nn.Identity | nn.Dropout)]  # fmt: skip
        norm = self.trunk.norm
        if not (self.reads_class_token and plain and len(last) == 1 and ends == last):
            return None
        if not isinstance(norm, nn.LayerNorm):
            return None
        return LinearEnd(norm.weight, norm.bias, norm.eps, last[0].weight.T, last[0].bias)

    def _attended(self, x: Tensor, open_: bool, *, normed: bool = True) -> tuple[Tensor, Tensor]:
        pool = self.trunk.attn_pool
        x = self.trunk.norm(x) if normed else x
        if not getattr(self.trunk, "pool_include_prefix", True):
            x = x[:, self.prefix :]
        keys, values = (by_heads(each, pool.num_heads) for each in pool.kv(x).chunk(2, dim=-1))
        query = by_heads(pool.q(pool.latent.expand(len(x), -1, -1)), pool.num_heads)
        query, keys = pool.q_norm(query), pool.k_norm(keys)
        if open_:
            mixed, attention = openly(query, keys, values, pool.scale)
            return self._ended(self._headed(from_heads(mixed)[:, 0])), attention
        return self._ended(self._headed(from_heads(attend(query, keys, values))[:, 0])), query

    def _headed(self, values: Tensor) -> Tensor:
        """What the pooling head makes of mixed values (..., D)."""
        pool = self.trunk.attn_pool
        x: Tensor = pool.proj(values)
        return x if pool.mlp is None else x + pool.mlp(pool.norm(x))

    def _ended(self, x: Tensor) -> Tensor:
        """The norm after pooling, if any, and the projections."""
        ended: Tensor = self.visual.head(self.trunk.head(self.trunk.fc_norm(x)))
        return ended


_ATTENTIONS = (Attention, AttentionRope, EvaAttention)


def readable(visual: object) -> bool:
    """Whether a tower is one of these, and made of nothing else."""
    if not isinstance(visual, TimmModel) or type(visual.trunk) not in (VisionTransformer, Eva):
        return False
    trunk = visual.trunk
    pool = trunk.attn_pool
    pools = pool is None and trunk.global_pool in ("token", "avg")
    return (pools or _is_plain_head(pool)) and all(_is_plain(block) for block in trunk.blocks)


def _is_plain(block: Any) -> bool:  # noqa: ANN401  timm's are untyped for mypy
    attention: Any = getattr(block, "attn", None)
    return (
        type(block) in (VitBlock, EvaBlock)
        and type(attention) in _ATTENTIONS
        and attention.gate is None
        and getattr(attention, "num_kv_groups", 1) == 1
    )


def _is_plain_head(pool: Any) -> bool:  # noqa: ANN401  timm's are untyped for mypy
    return (
        type(pool) is AttentionPoolLatent
        and pool.pos_embed is None
        and pool.latent_len == 1
        and pool.pool == "token"
    )
