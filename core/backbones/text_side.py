"""Text sides that open_clip builds with the package transformers (the extra `cliploc[hf]`).

A config names a repository for its tokenizer, and some one for the text model's own config. Both are
read from the Hugging Face cache, or from the model's folder; here is what must be in there, looked at
before transformers is. transformers would run a repository's own Python (`auto_map`), after asking at
the keyboard, and fetch kernels that a config names: such a config is refused.

No torch here: what is lacking is told before it is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cliploc.core.backbones import hub
from cliploc.core.errors import CheckpointError, clean

# What a vocabulary is in: one of them must be there. The others say how it is used, where they are.
VOCABULARIES = ("tokenizer.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "vocab.txt",
                "vocab.json")  # fmt: skip
CONFIG = "config.json"
TOKENIZER = "hf_tokenizer_name"
BESIDE = (CONFIG, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
# Kinds of text model that open_clip knows the width and the pooling of.
KINDS = ("roberta", "xlm-roberta", "mt5", "bert", "m2m_100")

_LARGEST = 8 << 20  # bytes of a config; some list every added token
_RUNS = ("auto_map", "attn_implementation", "_attn_implementation", "quantization_config", "custom_pipelines")


@dataclass(frozen=True)
class Part:
    """A repository that a text side is made from. what: `tokenizer` or `config`. key: of a `text_cfg`."""

    what: str
    repository: str
    key: str

    @property
    def files(self) -> tuple[str, ...]:
        """Files of which one must be there."""
        return VOCABULARIES if self.what == "tokenizer" else (CONFIG,)


def parts_of(text: Mapping[str, Any]) -> Iterator[Part]:
    """What the `text_cfg` of an open_clip config needs of transformers; nothing for open_clip's own."""
    for what, key in (("config", "hf_model_name"), ("tokenizer", TOKENIZER)):
        if text.get(key):
            yield Part(what, str(text[key]), key)


def missing_package() -> str:
    """What to do where transformers is needed and not installed; "" where it is."""
    if find_spec("transformers") is not None:
        return ""
    return "its text side is built with the package transformers; pip install 'cliploc[hf]'"


def local_text(text: Mapping[str, Any], backbone: str, folder: Path | None = None) -> dict[str, Any]:
    """A `text_cfg` with folders of this machine in place of repositories' names.

    backbone: as the user named it. folder: a model's own, where its tokenizer is read from whatever the
    config says, as open_clip does. CheckpointError unless all is here, and is data.
    """
    local, parts = {**text}, list(parts_of(text))
    lacking = missing_package()
    if parts and lacking:
        raise CheckpointError(f"{backbone}: {lacking}")
    for part in parts:
        inside = folder if part.what == "tokenizer" else None
        place = _place(part, inside)
        if place is None:
            alone = backbone.startswith("local-dir:") and inside
            get = "copy one there" if alone else f"download it with: cliploc models fetch {backbone}"
            raise CheckpointError(
                f"the {part.what} of {backbone}'s text side is not here: expected one of "
                f"{', '.join(part.files)} {'in' if inside else 'of'} {inside or part.repository}; {get}"
            )
        _check_data(place, text_model=part.what == "config")
        local[part.key] = str(place)
    return local


def _place(part: Part, folder: Path | None) -> Path | None:
    """The folder with a part's files; None where they are not here."""
    if folder is not None:
        return folder if any((folder / file).is_file() for file in part.files) else None
    found = hub.cached(part.repository, part.files)
    return None if found is None else found.parent


def _check_data(folder: Path, text_model: bool) -> None:
    for file in (CONFIG, "tokenizer_config.json"):
        path = folder / file
        if not path.is_file():
            continue
        config = read_json(path)
        strange = [key for key in _RUNS if config.get(key)]
        if strange:
            raise CheckpointError(
                f"{path} says {', '.join(strange)}: it could fetch or run something, which is never done; "
                "remove it there if you trust the folder"
            )
        if file == CONFIG and text_model and config.get("model_type") not in KINDS:
            raise CheckpointError(
                f"{path}: found model_type {clean(config.get('model_type'))!r}, expected a text model that "
                f"open_clip knows: {', '.join(KINDS)}"
            )


def read_json(path: Path) -> dict[str, Any]:
    """An object in a small JSON file. CheckpointError for anything else."""
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise ValueError(f"it has {size:,} bytes")
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it holds no object")
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({clean(error)[:120]}); fetch or copy it again"
        ) from None
    return found
