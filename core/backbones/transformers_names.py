"""Weights in the layout of Hugging Face's transformers, by the names and shapes of open_clip's twin.

The two hold the same numbers: transformers has query, key and value apart, open_clip in one matrix;
projections are transposed; SigLIP's pooling head is packed the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import torch
from torch import Tensor

State = dict[str, Tensor]

_TEXT = {
    "text_model.encoder.layers.": "transformer.resblocks.",
    "text_model.embeddings.token_embedding.": "token_embedding.",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.": "ln_final.",
}
_CLIP = _TEXT | {
    "text_projection.weight": "text_projection",
    "vision_model.encoder.layers.": "visual.transformer.resblocks.",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.": "visual.conv1.",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.": "visual.ln_pre.",
    "vision_model.post_layernorm.": "visual.ln_post.",
    "visual_projection.weight": "visual.proj",
}
_SIGLIP = {theirs: f"text.{ours}" for theirs, ours in _TEXT.items()} | {
    "text_model.head.": "text.text_projection.",
    "vision_model.encoder.layers.": "visual.trunk.blocks.",
    "vision_model.embeddings.patch_embedding.": "visual.trunk.patch_embed.proj.",
    "vision_model.embeddings.position_embedding.weight": "visual.trunk.pos_embed",
    "vision_model.post_layernorm.": "visual.trunk.norm.",
    "vision_model.head.probe": "visual.trunk.attn_pool.latent",
    "vision_model.head.attention.in_proj_": "visual.trunk.attn_pool.in_proj_",
    "vision_model.head.attention.out_proj.": "visual.trunk.attn_pool.proj.",
    "vision_model.head.layernorm.": "visual.trunk.attn_pool.norm.",
    "vision_model.head.mlp.": "visual.trunk.attn_pool.mlp.",
}
_BLOCK = {
    "self_attn.out_proj.": "attn.out_proj.",
    "layer_norm1.": "ln_1.",
    "layer_norm2.": "ln_2.",
    "mlp.fc1.": "mlp.c_fc.",
    "mlp.fc2.": "mlp.c_proj.",
}
_TIMM_BLOCK = {"self_attn.out_proj.": "attn.proj.", "layer_norm1.": "norm1.", "layer_norm2.": "norm2."}
_APART = re.compile(r"(.+\.)self_attn\.[qkv]_proj\.(weight|bias)")
_BUFFER = re.compile(r"(text|vision)_model\.embeddings\.position_ids")


def by_open_clip_names(state: Mapping[str, Tensor], own: Collection[str]) -> State:
    """The weights as open_clip's twin has them; others as they are.

    own: the names of the network that they are for, which say whether it is a SigLIP (timm's trunk).
    """
    first = next(
        (re.match(r"(.*\.|)(text|vision)_model\.", name) for name in state if "_model." in name), None
    )
    if first is None:
        return {**state}
    table = _SIGLIP if any(name.startswith("visual.trunk.") for name in own) else _CLIP
    plain = {name.removeprefix(first[1]): value for name, value in state.items()}
    found: State = {}
    for name, value in plain.items():
        apart = _APART.fullmatch(name)
        if apart is None:
            ours = _named(name, table)
            found |= _shaped(ours, value)
        elif ".q_proj." in name:
            parts = [plain.get(name.replace(".q_proj.", f".{which}_proj.")) for which in "qkv"]
            if None not in parts:
                ours = _named(apart[1], table)
                packed = "attn.qkv." if ".trunk." in ours else "attn.in_proj_"
                found[f"{ours}{packed}{apart[2]}"] = torch.cat([part for part in parts if part is not None])
    return {name: value for name, value in found.items() if not _BUFFER.fullmatch(name)}


def _named(name: str, table: Mapping[str, str]) -> str:
    theirs = next((each for each in table if name.startswith(each)), "")
    ours = table.get(theirs, "") + name.removeprefix(theirs)
    if theirs.endswith(".layers."):
        number, _, part = ours.removeprefix(table[theirs]).partition(".")
        blocks = _TIMM_BLOCK if ".trunk." in ours else _BLOCK
        within = next((each for each in blocks if part.startswith(each)), "")
        return f"{table[theirs]}{number}.{blocks.get(within, '')}{part.removeprefix(within)}"
    return ours


def _shaped(name: str, value: Tensor) -> State:
    """One tensor in open_clip's shape, or the two that timm has of it."""
    if name in ("visual.proj", "text_projection"):
        return {name: value.T}
    if name == "visual.trunk.pos_embed":
        return {name: value[None]}
    head, packed, kind = name.partition("attn_pool.in_proj_")
    if packed:
        width = len(value) // 3
        return {f"{head}attn_pool.q.{kind}": value[:width], f"{head}attn_pool.kv.{kind}": value[width:]}
    return {name: value}
