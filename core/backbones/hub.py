"""The Hugging Face cache: what is in it already. Nothing here touches the network."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import constants, try_to_load_from_cache

from cliploc.core.errors import CheckpointError, ParameterError, clean
from cliploc.core.paths import expanded

# The order in which open_clip prefers them.
WEIGHT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
# A folder of transformers' layout has the second of each.
CONFIG_FILES = ("open_clip_config.json", "config.json")
CONFIG_FILE = CONFIG_FILES[0]
CLASSIFIER_FILES = TRANSFORMERS_FILES = ("model.safetensors", "pytorch_model.bin")


@contextmanager
def offline() -> Iterator[None]:
    """Inside the block nothing of Hugging Face's reaches the network: what is not in the cache is absent."""
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def cached(repository: str, filenames: tuple[str, ...]) -> Path | None:
    """The first of `filenames` that the cache holds for a repository."""
    for filename in filenames:
        found = try_to_load_from_cache(repository, filename)
        if isinstance(found, str) and Path(found).is_file():
            return Path(found)
    return None


def place_of(tag: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The repository and the weight files that one of open_clip's tags means, best first."""
    place = tag.get("hf_hub", "")
    repository, _, filename = place.rpartition("/")
    if not filename:
        return repository, WEIGHT_FILES
    safe = re.sub(r"\.(bin|pth)$", ".safetensors", filename)
    return repository, tuple(dict.fromkeys((safe, filename)))


def cached_weights(tag: Mapping[str, str]) -> Path | None:
    """The weights file of one of open_clip's tags, if it was downloaded before (hub, or plain URL)."""
    repository, filenames = place_of(tag)
    if repository:
        return cached(repository, filenames)
    path = expanded("~/.cache/clip") / tag.get("url", "").rpartition("/")[2]
    return path if path.is_file() else None


def cached_snapshot(repository: str) -> Path | None:
    """The folder with a repository's config, if it was downloaded before."""
    config = cached(repository, CONFIG_FILES)
    return None if config is None else config.parent


def folder_of(name: str) -> Path:
    """The folder with config of `local-dir:PATH` or `hf-hub:ORG/REPO`. ParameterError, CheckpointError."""
    scheme, _, place = name.partition(":")
    if not place:
        raise ParameterError(f"{clean(name)!r} names no place; write {clean(name)}PATH")
    folder = cached_snapshot(place) if scheme == "hf-hub" else expanded(place)
    if folder is None:
        raise absent(name)
    if not os.path.isdir(folder):
        raise CheckpointError(f"no folder {folder}; {clean(name)} needs one with {CONFIG_FILE} and weights")
    if not any((folder / file).is_file() for file in CONFIG_FILES):
        raise CheckpointError(f"no {' or '.join(CONFIG_FILES)} in {folder}; that is not a model folder")
    return folder


def without_weights(folder: Path) -> CheckpointError:
    """The error for a folder with a config alone."""
    return CheckpointError(f"no weights in {folder}; expected {WEIGHT_FILES[0]} beside the config")


def absent(name: str) -> CheckpointError:
    """The error for published weights that were not downloaded."""
    return CheckpointError(
        f"the weights {clean(name)} are not on this machine; "
        f"download them with: cliploc models fetch {clean(name)}"
    )


def sha256_of(path: Path) -> str:
    """The hex SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(path: Path) -> str:
    """The hex SHA-256 of a weights file, read only where the cache does not name it by that."""
    return known_digest(path) or sha256_of(path)


def known_digest(path: Path) -> str | None:
    """The sha256 that the cache names a large file by; None where the content must be read."""
    name = path.resolve().name
    return name if re.fullmatch(r"[0-9a-f]{64}", name) else None
