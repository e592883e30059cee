"""Model folders in the layout of Hugging Face's transformers: what open_clip would say of the same network.

`CLIPModel`, `MetaClip2Model` and `SiglipModel` have a `config.json`, which may leave out what is usual.
It is read as data; transformers itself is needed for a tokenizer that open_clip does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cliploc.core.backbones.text_side import CONFIG, TOKENIZER, read_json
from cliploc.core.errors import CheckpointError, clean

Config = dict[str, Any]

PICTURES = "preprocessor_config.json"
# What transformers takes for granted, by kind of model.
_CLIP = {
    "text_config": {"vocab_size": 49408, "hidden_size": 512, "intermediate_size": 2048,
                    "num_hidden_layers": 12, "num_attention_heads": 8, "max_position_embeddings": 77,
                    "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "eos_token_id": 49407},
    "vision_config": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
                      "num_attention_heads": 12, "image_size": 224, "patch_size": 32,
                      "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5},
}  # fmt: skip
_TALL = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
         "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6}  # fmt: skip
_SIGLIP = {
    "text_config": _TALL | {"vocab_size": 32000, "max_position_embeddings": 64},
    "vision_config": _TALL | {"image_size": 224, "patch_size": 16},
}
_USUAL = {"clip": _CLIP, "metaclip_2": _CLIP, "siglip": _SIGLIP}
_PICTURES_OF = {"clip": "openai", "metaclip_2": "openai", "siglip": "inception"}
_RESAMPLE = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers


def read_transformers(folder: Path) -> Config:
    """`model_cfg` and `preprocess_cfg` of a folder, as an open_clip config has them.

    `usual`: whose mean and std (a name of PREPROCESS) are meant where the folder has none.
    CheckpointError where the config is of another kind of model, or none.
    """
    path = folder / CONFIG
    stored = read_json(path)
    kind = str(stored.get("model_type"))
    if kind not in _USUAL:
        raise CheckpointError(
            f"{path}: found model_type {clean(kind)!r}, expected one of {', '.join(_USUAL)}, or a folder "
            "with open_clip_config.json"
        )
    try:
        text, vision = (usual | {**stored.get(part, {})} for part, usual in _USUAL[kind].items())
        model = _siglip(text, vision) if kind == "siglip" else _clip(kind, stored, text, vision)
        return {"model_cfg": model, "preprocess_cfg": _pictures(folder), "usual": _PICTURES_OF[kind]}
    except (TypeError, ValueError, KeyError, ZeroDivisionError) as error:
        raise CheckpointError(f"{path} is not a config of a {kind}: {clean(error)[:120]}") from None


def _clip(kind: str, stored: Config, text: Config, vision: Config) -> Config:
    acts = {text["hidden_act"], vision["hidden_act"]}
    if len(acts) > 1 or not acts <= {"quick_gelu", "gelu"}:
        raise ValueError(f"activations {', '.join(sorted(map(str, acts)))}, expected quick_gelu, or gelu")
    vocabulary, end = int(text["vocab_size"]), int(text["eos_token_id"])
    # Old CLIP configs say 2 and mean the largest number, as open_clip does.
    largest = kind == "clip" and end in (2, vocabulary - 1)
    return {
        "embed_dim": int(stored.get("projection_dim", 512)),
        "quick_gelu": acts == {"quick_gelu"},
        "vision_cfg": _own(vision) | {
            "image_size": int(vision["image_size"]), "patch_size": int(vision["patch_size"]),
            "head_width": int(vision["hidden_size"]) // int(vision["num_attention_heads"]),
        },
        "text_cfg": _own(text) | {
            "context_length": int(text["max_position_embeddings"]), "vocab_size": vocabulary,
            "heads": int(text["num_attention_heads"]),
        } | ({} if largest else {"pool_type": "eos", "eos_id": end})
        # OpenAI's vocabulary is open_clip's own.
        | ({} if vocabulary == 49408 and kind == "clip" else {TOKENIZER: kind}),
    }  # fmt: skip


def _siglip(text: Config, vision: Config) -> Config:
    """The image side is timm's; `timm_trunk` is how it is built."""
    width = int(vision["hidden_size"])
    return {
        "embed_dim": width,
        "custom_text": True,
        "init_logit_bias": -10,
        "vision_cfg": {
            "image_size": int(vision["image_size"]),
            "timm_trunk": {
                "img_size": int(vision["image_size"]), "patch_size": int(vision["patch_size"]),
                "embed_dim": width, "depth": int(vision["num_hidden_layers"]),
                "num_heads": int(vision["num_attention_heads"]),
                "mlp_ratio": _ratio(vision), "act_layer": _gelu(vision, "gelu_tanh", "gelu"),
            },
        },
        "text_cfg": _own(text) | {
            "context_length": int(text["max_position_embeddings"]), "vocab_size": int(text["vocab_size"]),
            "heads": int(text["num_attention_heads"]), TOKENIZER: "siglip",
            "tokenizer_kwargs": {"clean": "canonicalize"}, "no_causal_mask": True, "proj_bias": True,
            "pool_type": "last", "act_kwargs": {"approximate": _gelu(text, "tanh", "none")},
        },
    }  # fmt: skip


def _own(tower: Mapping[str, Any]) -> Config:
    """The sizes that open_clip's two kinds of tower have in common."""
    own: Config = {"width": int(tower["hidden_size"]), "layers": int(tower["num_hidden_layers"])}
    own["mlp_ratio"] = _ratio(tower)
    return own | {"norm_kwargs": {"eps": float(tower["layer_norm_eps"])}}


def _ratio(tower: Mapping[str, Any]) -> float:
    """Hidden units per width, such that rounding down gives their number back."""
    width, hidden = int(tower["hidden_size"]), int(tower["intermediate_size"])
    return hidden / width if int(width * (hidden / width)) == hidden else (hidden + 0.5) / width


def _gelu(tower: Mapping[str, Any], tanh: str, exact: str) -> str:
    return {"gelu_pytorch_tanh": tanh, "gelu": exact}[str(tower["hidden_act"])]


def _pictures(folder: Path) -> Config:
    """What the pictures' own config says of mean, std and interpolation."""
    path = folder / PICTURES
    if not path.is_file():
        return {}
    said = read_json(path)
    told: Config = {"interpolation": _RESAMPLE.get(said.get("resample", 3), "bicubic")}
    for name in ("mean", "std"):
        if said.get(f"image_{name}"):
            told[name] = tuple(float(value) for value in said[f"image_{name}"])
            if len(told[name]) != 3:
                raise ValueError(f"image_{name} of {len(told[name])} numbers in {PICTURES}")
    return told
