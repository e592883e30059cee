"""A demo checkpoint: a plain open_clip model as an open_clip `local-dir:` folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from open_clip import CLIP
from safetensors.torch import save

from cliploc.core.demo.train.batches import MEAN, STD
from cliploc.core.paths import write_whole

EMBEDDING = 64
TEXT = {"context_length": 32, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
VISION: dict[str, dict[str, Any]] = {
    "vit": {"image_size": 128, "layers": 6, "width": 128, "head_width": 32, "patch_size": 8},
    "resnet": {"image_size": 256, "layers": [1, 1, 1, 1], "width": 16, "head_width": 64, "patch_size": None},
}


def new_model(name: str) -> CLIP:
    """The untrained demo model: `vit` or `resnet`."""
    return CLIP(EMBEDDING, VISION[name], TEXT)


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
