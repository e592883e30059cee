"""A network and its tokenizer from a config: open_clip's classes, random weights, nothing fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import timm
import torch
from open_clip import CLIP, CoCa, CustomTextCLIP
from open_clip.timm_model import TimmModel
from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, HFTokenizer, SimpleTokenizer
from torch import Tensor

from cliploc.core.backbones.text_side import TOKENIZER

_SIGLIP = "vit_base_patch16_siglip_224"  # timm's; its sizes are given
_PLACEHOLDER = {"image_size": 16, "patch_size": 16, "layers": 1, "width": 64}


def build(config: dict[str, Any]) -> Any:  # noqa: ANN401  open_clip ships no types
    """The model of an open_clip config, or of one that `transformers_config` made.

    Names in its `text_cfg` are folders of this machine, and no tower's own weights are asked for.
    """
    config = deepcopy(config)
    vision, text = config["vision_cfg"], config["text_cfg"]
    custom = config.pop("custom_text", False) or bool(text.get("hf_model_name"))
    text["hf_model_pretrained"] = False
    trunk = vision.get("timm_trunk")
    if trunk is not None:
        model = CustomTextCLIP(**config | {"vision_cfg": _PLACEHOLDER})
        model.visual = _siglip_side(trunk)
        return model
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False
    if not custom:
        return CLIP(**config)
    return (CoCa if "multimodal_cfg" in config else CustomTextCLIP)(**config)


def _siglip_side(sizes: dict[str, Any]) -> TimmModel:
    with torch.device("meta"):  # only what wraps it is wanted
        visual = TimmModel(_SIGLIP, sizes["embed_dim"], sizes["img_size"], pool="map", proj="none")
    visual.trunk = timm.create_model(_SIGLIP, pretrained=False, num_classes=0, global_pool="map", **sizes)
    return visual


def tokenizer_of(text: dict[str, Any]) -> Callable[[Sequence[str]], Tensor]:
    """The tokenizer of a `text_cfg`: open_clip's own, or one of transformers' from its folder."""
    length = text.get("context_length", DEFAULT_CONTEXT_LENGTH)
    options = text.get("tokenizer_kwargs") or {}
    if not text.get(TOKENIZER):
        return SimpleTokenizer(context_length=length, **options)  # type: ignore[no-any-return]
    return HFTokenizer(  # type: ignore[no-any-return]
        text[TOKENIZER],
        context_length=length,
        tokenizer_mode=text.get("tokenizer_mode"),
        trust_remote_code=False,  # said, or transformers would ask at the keyboard
        **options,
    )
