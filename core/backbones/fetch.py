"""Downloading published weights into the cache that open_clip reads, and checking what is there.

huggingface_hub downloads (resumed after an interruption, a file appears under its name only when it
is whole); here are the names and the clear words.
"""

from __future__ import annotations

import io
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import constants, hf_hub_download
from huggingface_hub import errors as hub_errors
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from tqdm import tqdm  # type: ignore[import-untyped]

from cliploc.core.backbones import hub
from cliploc.core.backbones.catalog import IMAGENET, PUBLISHED, Published
from cliploc.core.errors import CheckpointError, ParameterError, ResourceError, clean

# Of whichever HTTP client the installed huggingface_hub is built on.
_HTTP_ERROR: type[Exception] = vars(hub_errors)["HTTPError"]
Report = Callable[[str, int, int], None]
_REACHED_WITHIN = 5.0  # seconds; huggingface_hub alone would retry for most of a minute


@dataclass(frozen=True)
class Remote:
    """Where weights are published: a repository and its files, the best that exists of each group."""

    name: str
    repository: str
    groups: tuple[tuple[str, ...], ...]

    def cached(self) -> Path | None:
        """The weights file, if it is here."""
        return hub.cached(self.repository, self.groups[-1])


def remote(name: str) -> Remote:
    """What a name stands for: `ViT-B-16:openai`, `hf-hub:ORG/REPO`, or a method with usual weights."""
    if name.startswith("hf-hub:"):
        return Remote(name, name.removeprefix("hf-hub:"), ((hub.CONFIG_FILE,), hub.WEIGHT_FILES))
    backbone, _, tag = name.partition(":")
    if backbone == IMAGENET and tag:
        return Remote(name, f"timm/resnet50.{tag}", (hub.CLASSIFIER_FILES,))
    known = next((each for each in PUBLISHED if name in (each.name, each.backbone, *each.methods)), None)
    if known is not None:
        files = hub.CLASSIFIER_FILES if known.backbone == IMAGENET else hub.WEIGHT_FILES
        return Remote(known.name, known.repository, (files,))
    if not tag:
        raise ParameterError(
            f"found {clean(name)!r}, expected BACKBONE:TAG or hf-hub:ORG/REPO; "
            f"known: {', '.join(each.name for each in PUBLISHED)}"
        )
    return _of_tag(backbone.replace("/", "-"), tag)


def _of_tag(backbone: str, tag: str) -> Remote:
    # open_clip's table of tags costs its import, so it is asked last.
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model

    config = get_pretrained_cfg(backbone, tag)
    if not config.get("hf_hub"):
        tags = ", ".join(list_pretrained_tags_by_model(backbone)) or "none"
        raise ParameterError(f"unknown weights {clean(tag)!r} of {clean(backbone)!r}; its tags: {tags}")
    repository, files = hub.place_of(config)
    return Remote(f"{backbone}:{tag}", repository, (files,))


def fetch(wanted: Remote, report: Report) -> Path:
    """Download what is missing and return the weights file. ResourceError without a network.

    report: called with a file's name, how many of its bytes are here and how many there are (0: not said).
    """
    for group in wanted.groups:
        if hub.cached(wanted.repository, group) is None:
            _check_network()
            _download(wanted, group, report)
    found = wanted.cached()
    assert found is not None
    return found


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


def _download(wanted: Remote, group: tuple[str, ...], report: Report) -> None:
    for filename in group:
        try:
            hf_hub_download(wanted.repository, filename, tqdm_class=_reported(filename, report))
            return
        except EntryNotFoundError as error:
            if isinstance(error, LocalEntryNotFoundError):
                raise _interrupted(wanted, error) from error
        except (_HTTP_ERROR, OSError) as error:
            raise _interrupted(wanted, error) from error
    raise CheckpointError(f"{wanted.repository} has none of {', '.join(group)}; expected weights there")


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
        f"run it again to go on where it stopped: cliploc models fetch {wanted.name}"
    )


def published_and_cached() -> list[tuple[Published, Path | None]]:
    """The weights that the methods use by default, each with its file if it is here."""
    return [(each, remote(each.name).cached()) for each in PUBLISHED]
