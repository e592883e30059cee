"""The config of a model folder, looked at before anything is built from it.

open_clip hands parts of it to transformers and timm, which can be told to fetch, and to run a
folder's own code. So only what open_clip's own configs say is let through.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from open_clip.model import CLIPTextCfg, CLIPVisionCfg
from open_clip.transform import PreprocessCfg

from cliploc.core.errors import CheckpointError, clean

Config = dict[str, Any]

_LARGEST = 1 << 20  # bytes
_WHOLE = {
    "embed_dim", "vision_cfg", "text_cfg", "multimodal_cfg", "quick_gelu", "custom_text", "init_logit_bias",
    "init_logit_scale",
}  # fmt: skip
_PARTS = {
    "vision_cfg": {field.name for field in fields(CLIPVisionCfg)},
    "text_cfg": {field.name for field in fields(CLIPTextCfg)},
}
_TOKENIZER = {"strip_sep_token", "clean"}
_NAMES = ("hf_model_name", "hf_tokenizer_name", "timm_model_name")


def read_config(path: Path) -> Config:
    """`model_cfg` and `preprocess_cfg` of a folder's config. CheckpointError for what may not be in it."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"it has {path.stat().st_size:,} bytes")
        stored = json.loads(path.read_text(encoding="utf-8"))
        found = {"model_cfg": {**stored["model_cfg"]}, "preprocess_cfg": {**stored.get("preprocess_cfg", {})}}
        strange = list(_strange(found))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path} is not an open_clip config: {clean(error)}") from None
    if strange:
        raise CheckpointError(
            f"{path} says {clean('; '.join(strange))[:300]}, which no config of open_clip needs: it could "
            "fetch or run something; remove it there if you trust the folder"
        )
    return found


def _strange(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    model = found["model_cfg"]
    yield from sorted(set(model) - _WHOLE)
    yield from sorted(set(found["preprocess_cfg"]) - {field.name for field in fields(PreprocessCfg)})
    for part, known in _PARTS.items():
        config = {**model[part]}
        yield from (f"{part}.{name}" for name in sorted(set(config) - known))
        yield from (
            f"{name}: {config[name]}"
            for name in _NAMES
            if config.get(name) and not _is_published(config[name])
        )
        yield from (
            f"tokenizer_kwargs.{name}"
            for name in {**(config.get("tokenizer_kwargs") or {})}.keys() - _TOKENIZER
        )


def _is_published(name: object) -> bool:
    """Whether it is a plain name, of a model in the cache: no scheme, no folder of this machine."""
    text = str(name)
    return (
        ":" not in text
        and text.count("/") <= 1
        and not text.startswith(("/", ".", "~"))
        and not Path(text).exists()
    )
