"""Downloading published weights into the cache that open_clip reads, and checking what is there.

huggingface_hub downloads (resumed after an interruption, a file appears under its name only when it
is whole); here are the names and the clear words.
"""

from __future__ import annotations

import io
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import constants, hf_hub_download
from huggingface_hub import errors as hub_errors
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from tqdm import tqdm  # type: ignore[import-untyped]

from cliploc.core.backbones import hub
from cliploc.core.backbones.ahead import text_of
from cliploc.core.backbones.catalog import IMAGENET, PUBLISHED, Published
from cliploc.core.backbones.text_side import BESIDE, VOCABULARIES, parts_of
from cliploc.core.backbones.transformers_config import PICTURES
from cliploc.core.errors import CheckpointError, ParameterError, ResourceError, clean

# Of whichever HTTP client the installed huggingface_hub is built on.
_HTTP_ERROR: type[Exception] = vars(hub_errors)["HTTPError"]
Report = Callable[[str, int, int], None]
_REACHED_WITHIN = 5.0  # seconds; huggingface_hub alone would retry for most of a minute


@dataclass(frozen=True)
class Files:
    """Files of a repository of which one is wanted, the best that exists. optional: or none."""

    repository: str
    names: tuple[str, ...]
    optional: bool = False


@dataclass(frozen=True)
class Remote:
    """Where a network is published: what belongs to it, the weights last."""

    name: str
    files: tuple[Files, ...]

    @property
    def repository(self) -> str:
        """Where the weights are."""
        return self.files[-1].repository

    def cached(self) -> Path | None:
        """The weights file, if it is here."""
        return hub.cached(self.repository, self.files[-1].names)


def remote(name: str) -> Remote:
    """What a name stands for: `ViT-B-16:openai`, `hf-hub:ORG/REPO`, or a method with usual weights.

    A backbone alone whose text side is one of transformers' stands for that, and `timm:NAME.TAG` for one
    of timm's networks (a guide).
    """
    if name.startswith("timm:"):
        return Remote(name, (Files(f"timm/{name.removeprefix('timm:')}", hub.CLASSIFIER_FILES),))
    if name.startswith("hf-hub:"):
        place = name.removeprefix("hf-hub:")
        weights = Files(place, (*hub.WEIGHT_FILES, *hub.TRANSFORMERS_FILES))
        beside = (Files(place, hub.CONFIG_FILES), Files(place, (PICTURES,), optional=True))
        return Remote(name, (*beside, *_tokenizer_in(place, optional=True), weights))
    backbone, _, tag = name.partition(":")
    if backbone == IMAGENET and tag:
        return Remote(name, (Files(f"timm/resnet50.{tag}", hub.CLASSIFIER_FILES),))
    known = next((each for each in PUBLISHED if name in (each.name, each.backbone, *each.methods)), None)
    if known is not None:
        files = hub.CLASSIFIER_FILES if known.backbone == IMAGENET else hub.WEIGHT_FILES
        return Remote(known.name, (Files(known.repository, files),))
    architecture = backbone.replace("/", "-")
    text = tuple(_text_files(text_of(architecture)))
    if not tag and not text:
        raise ParameterError(
            f"found {clean(name)!r}, expected BACKBONE:TAG or hf-hub:ORG/REPO; "
            f"known: {', '.join(each.name for each in PUBLISHED)}"
        )
    if not tag:
        return Remote(architecture, text)
    return Remote(f"{architecture}:{tag}", (*text, _of_tag(architecture, tag)))


def _of_tag(backbone: str, tag: str) -> Files:
    # open_clip's table of tags costs its import, so it is asked last.
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model

    config = get_pretrained_cfg(backbone, tag)
    if not config.get("hf_hub"):
        tags = ", ".join(list_pretrained_tags_by_model(backbone)) or "none"
        raise ParameterError(f"unknown weights {clean(tag)!r} of {clean(backbone)!r}; its tags: {tags}")
    return Files(*hub.place_of(config))


def _text_files(text: Mapping[str, Any]) -> Iterator[Files]:
    """What transformers reads for a `text_cfg`, what must be there last."""
    for part in parts_of(text):
        if part.what == "tokenizer":
            yield from _tokenizer_in(part.repository)
        else:
            yield Files(part.repository, part.files)


def _tokenizer_in(repository: str, optional: bool = False) -> Iterator[Files]:
    yield from (Files(repository, (name,), optional=True) for name in BESIDE)
    yield Files(repository, VOCABULARIES, optional)


def fetch(wanted: Remote, report: Report) -> Path:
    """Download what is missing and return the weights file. ResourceError without a network.

    report: called with a file's name, how many of its bytes are here and how many there are (0: not said).
    """
    _fetch_files(wanted, wanted.files, report)
    if wanted.name.startswith("hf-hub:"):
        _fetch_files(wanted, _text_model_of(wanted.repository), report)
    found = wanted.cached()
    assert found is not None
    return found


def _fetch_files(wanted: Remote, files: Sequence[Files], report: Report) -> None:
    lacking = [each for each in files if hub.cached(each.repository, each.names) is None]
    if all(each.optional for each in lacking):
        return
    _check_network()
    for each in lacking:
        if hub.cached(each.repository, each.names) is None:  # a file may be listed twice
            _download(wanted, each, report)


def _text_model_of(repository: str) -> list[Files]:
    """The config of the text model, of another repository, that a downloaded config names."""
    from cliploc.core.backbones.configs import read_config  # open_clip, seconds

    config = hub.cached(repository, (hub.CONFIG_FILE,))
    if config is None:  # transformers' layout: all is in one place
        return []
    parts = parts_of(read_config(config)["model_cfg"]["text_cfg"])
    return [Files(part.repository, part.files) for part in parts if part.what == "config"]


def _check_network() -> None:
    if constants.HF_HUB_OFFLINE:
        raise ResourceError("HF_HUB_OFFLINE is set, so nothing is downloaded; unset it and try again")
    try:
        request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        urllib.request.urlopen(request, timeout=_REACHED_WITHIN).close()
    except urllib.error.HTTPError:
        return  # it answered
    except OSError as error:
        raise ResourceError(
            f"{constants.ENDPOINT} cannot be reached ({clean(error)}); connect and try again, or copy the "
            "weights here and give their path: --checkpoint FILE"
        ) from None


def _download(wanted: Remote, files: Files, report: Report) -> None:
    for filename in files.names:
        try:
            hf_hub_download(files.repository, filename, tqdm_class=_reported(filename, report))
            return
        except EntryNotFoundError as error:
            if isinstance(error, LocalEntryNotFoundError):
                raise _interrupted(wanted, error) from error
        except (_HTTP_ERROR, OSError) as error:
            raise _interrupted(wanted, error) from error
    if not files.optional:
        raise CheckpointError(
            f"{files.repository} has none of {', '.join(files.names)}; {wanted.name} needs one"
        )


def _reported(name: str, report: Report) -> type[tqdm]:
    """A bar of huggingface_hub's that tells how far it is, and draws nothing."""

    class Reported(tqdm):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  tqdm's own
            super().__init__(*arguments, **{**options, "file": io.StringIO(), "disable": False})

        def display(self, *_: object, **__: object) -> bool:
            report(name, int(self.n), int(self.total or 0))
            return True

    return Reported


def _interrupted(wanted: Remote, error: Exception) -> ResourceError:
    return ResourceError(
        f"downloading {wanted.name} from {wanted.repository} failed ({clean(error)[:300]}); "
        f"run it again, files that are whole stay: cliploc models fetch {wanted.name}"
    )


def published_and_cached() -> list[tuple[Published, Path | None]]:
    """The weights that the methods use by default, each with its file if it is here."""
    return [(each, remote(each.name).cached()) for each in PUBLISHED]
