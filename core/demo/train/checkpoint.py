"""A demo checkpoint: a plain open_clip model as an open_clip `local-dir:` folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from open_clip import CLIP
from safetensors.torch import save
from timm.layers import LayerScale
from torch import nn

from cliploc.core.demo.train.batches import MEAN, STD
from cliploc.core.paths import write_whole

EMBEDDING = 64
TEXT = {"context_length": 32, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
# open_clip takes transformers with a pooling head from timm by name alone; this is its smallest one
# without a class token. At 256 pixels its positions are resampled to a grid of 16 x 16.
_POOLED = {
    "timm_model_name": "test_vit2",
    "timm_model_pretrained": False,
    "timm_pool": "map",
    "timm_proj": "",
}
VISION: dict[str, dict[str, Any]] = {
    "vit": {"image_size": 128, "layers": 6, "width": 128, "head_width": 32, "patch_size": 8},
    "resnet": {"image_size": 256, "layers": [1, 1, 1, 1], "width": 16, "head_width": 64, "patch_size": None},
    "pooled": {"image_size": 256, **_POOLED},
}


def new_model(name: str) -> CLIP:
    """The untrained demo model: `vit`, `resnet` or `pooled`."""
    model = CLIP(EMBEDDING, VISION[name], TEXT)
    for module in model.visual.modules():
        if isinstance(module, LayerScale):
            # As networks without it: blocks that begin as nearly nothing take long to learn anything.
            nn.init.ones_(module.gamma)
    return model


def write_checkpoint(folder: Path, name: str, model: CLIP) -> None:
    """Write open_clip_config.json and open_clip_model.safetensors (float16)."""
    config = {
        "model_cfg": {"embed_dim": EMBEDDING, "vision_cfg": VISION[name], "text_cfg": TEXT},
        "preprocess_cfg": {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "squash"},
    }
    tensors = {
        key: value.to("cpu", torch.float16 if value.is_floating_point() else value.dtype).contiguous()
        for key, value in model.state_dict().items()
    }
    write_whole(folder / "open_clip_model.safetensors", save(tensors))
    write_whole(folder / "open_clip_config.json", (json.dumps(config, indent=2) + "\n").encode("utf-8"))
