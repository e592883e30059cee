"""Tiny networks of every family that a tower adapter reads, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer as PlainVit
from timm.models.convnext import ConvNeXt
from timm.models.eva import Eva
from timm.models.fastvit import FastVit
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer_hybrid import ConvStem, HybridEmbed
from torch import Tensor, nn

from cliploc.core.backbones.load import seeded
from cliploc.core.backbones.network import Backbone, Transform
from cliploc.core.backbones.towers.choice import kind_of

WIDTH, SIDE, PATCH = 48, 32, 8
_VIT = {"img_size": SIDE, "patch_size": PATCH, "embed_dim": 64, "depth": 3, "num_heads": 4}


def plain(**options: Any) -> nn.Module:
    """One of open_clip's own."""
    sizes = {"width": 64, "layers": 3, "heads": 4, "mlp_ratio": 2.0, "output_dim": WIDTH}
    return PlainVit(image_size=SIDE, patch_size=PATCH, **(sizes | options))


def wrapped(trunk: nn.Module, *head: nn.Module) -> TimmModel:
    """A trunk of timm's as open_clip wraps it."""
    visual = TimmModel.__new__(TimmModel)
    nn.Module.__init__(visual)
    visual.trunk, visual.head, visual.image_size = trunk, nn.Sequential(*head), (SIDE, SIDE)
    return visual


def siglip(**options: Any) -> TimmModel:
    return wrapped(VisionTransformer(**_VIT, class_token=False, global_pool="map", num_classes=0, **options),
                   nn.Linear(64, WIDTH, bias=False))  # fmt: skip


def gap(**options: Any) -> TimmModel:
    trunk = VisionTransformer(**_VIT, class_token=False, global_pool="avg", num_classes=0, **options)
    return wrapped(trunk, nn.Linear(64, WIDTH, bias=False))


def registers(**options: Any) -> TimmModel:
    trunk = VisionTransformer(
        **_VIT,
        reg_tokens=4,
        no_embed_class=True,
        pre_norm=True,
        init_values=0.5,
        num_classes=WIDTH,
        **options,
    )
    return wrapped(trunk)


def eva01(**options: Any) -> TimmModel:
    return wrapped(Eva(**_VIT, global_pool="token", num_classes=WIDTH, **options))


def eva02(**options: Any) -> TimmModel:
    trunk = Eva(
        **_VIT, qkv_fused=False, swiglu_mlp=True, scale_mlp=True, scale_attn_inner=True, use_rot_pos_emb=True,
        ref_feat_shape=(2, 2), global_pool="token", num_classes=WIDTH, **options,
    )  # fmt: skip
    return wrapped(trunk)


def perception(**options: Any) -> TimmModel:
    trunk = Eva(
        **_VIT, attn_type="rope", use_pre_transformer_norm=True, use_rot_pos_emb=True, ref_feat_shape=(4, 4),
        rope_grid_offset=1.0, rope_grid_indexing="xy", attn_pool_num_heads=4, attn_pool_mlp_ratio=2.0,
        global_pool="map", num_classes=WIDTH, **options,
    )  # fmt: skip
    return wrapped(trunk)


def stemmed(**options: Any) -> TimmModel:
    """Convolutions before the blocks, as MobileCLIP-B and ViTamin have them."""

    def embed(img_size: int, embed_dim: int, **rest: Any) -> HybridEmbed:
        rest.pop("patch_size")
        stem = ConvStem(channels=(16, 32, 64), stride=(2, 2, 2), kernel_size=3, norm_layer=nn.BatchNorm2d,
                        act_layer=nn.GELU)  # fmt: skip
        return HybridEmbed(stem, img_size=img_size, patch_size=1, embed_dim=embed_dim, proj=False, **rest)

    return wrapped(VisionTransformer(**_VIT, embed_layer=embed, num_classes=WIDTH, **options))


def convnext() -> TimmModel:
    return wrapped(ConvNeXt(depths=(1, 1, 1, 1), dims=(8, 16, 32, 64), num_classes=0), nn.Linear(64, WIDTH))


def fastvit() -> TimmModel:
    trunk = FastVit(layers=(1, 1, 1, 1), embed_dims=(16, 32, 32, 64), mlp_ratios=(2, 2, 2, 2),
                    token_mixers=("repmixer",) * 4, num_classes=WIDTH)  # fmt: skip
    return wrapped(trunk)


TRANSFORMERS: dict[str, Callable[..., Any]] = {
    "open_clip": plain,
    "open_clip, layer scale": partial(plain, ls_init_value=0.5),
    "CLIPA": partial(plain, pool_type="avg", final_ln_after_pool=True, no_ln_pre=True),
    "open_clip, mean": partial(plain, pool_type="avg"),
    "CoCa": partial(plain, attentional_pool=True, attn_pooler_queries=5, attn_pooler_heads=4),
    "CoCa, one width": partial(plain, attentional_pool=True, attn_pooler_heads=4, output_dim=64),
    "SigLIP": siglip,
    "timm, mean": gap,
    "timm, registers": registers,
    "EVA01": eva01,
    "EVA02": eva02,
    "PE-Core": perception,
    "convolutions before": stemmed,
}
CONVNETS: dict[str, Callable[..., Any]] = {"ConvNeXt": convnext, "FastViT": fastvit}
FAMILIES = {**TRANSFORMERS, **CONVNETS}


def made(make: Callable[..., Any], **options: Any) -> Any:
    """A network with random weights, none of which is zero, in eval mode."""
    with seeded(0):
        visual = make(**options)
        for parameter in visual.parameters():  # convolutions keep what they were made with
            if parameter.dim() in (2, 3):
                nn.init.normal_(parameter, std=0.15)
            elif parameter.dim() == 1:
                parameter.data.add_(torch.randn_like(parameter) * 0.1)
        for buffer in visual.buffers():
            if buffer.is_floating_point() and buffer.dim() == 1:
                buffer.data.add_(torch.rand_like(buffer) * 0.1)
    return visual.eval()


def backbone_of(visual: Any, name: str = "tiny") -> Backbone:
    """A backbone around a network's image side; its text side knows nothing."""

    def encoder(texts: Any) -> Tensor:
        with seeded(1):
            return nn.functional.normalize(torch.randn(len(texts), WIDTH), dim=-1)

    model = SimpleNamespace(visual=visual, logit_scale=torch.tensor(2.0))
    return Backbone(
        model=model, name=name, checkpoint="random:0", digest="0" * 64, kind=kind_of(visual),
        device=torch.device("cpu"), transform=Transform(SIDE, (0.5,) * 3, (0.5,) * 3), encoder=encoder,
    )  # fmt: skip


def pictures(count: int, side: int = SIDE, seed: int = 3) -> Tensor:
    """Images (B, 3, S, S) as a network takes them."""
    with seeded(seed):
        return torch.randn(count, 3, side, side)
