"""What the heatmap worker and its client say to each other: JSON, one line each.

Heatmaps of a dataset's own labels travel through the store; the answer to a
free-text prompt belongs to no set and travels in the line itself.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cliploc.core.errors import StoreError
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.postprocess import PostProcess

if TYPE_CHECKING:
    from cliploc.core.heatmaps.counting import Histograms
    from cliploc.core.heatmaps.store import Heatmap


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Make heatmaps of these samples of a dataset. prompt: free text for them, "" for their labels.

    urgent: somebody is waiting; the rest is done when nobody is. terms: what every head adds
    to their heatmaps, instead of these. embed: what the network makes of the whole pictures instead, and of
    the prompt where there is one.
    """

    dataset: str
    recipe: Recipe
    ids: tuple[str, ...]
    prompt: str = ""
    urgent: bool = True
    terms: bool = False
    embed: bool = False


@dataclass(frozen=True)
class Count:
    """Count these samples under a config at all thresholds, on the network's device.

    number: of the question, whoever asks chooses it. key: the set's that the heatmaps are of; heatmaps: how
    many it has, since they may be stretched by what all of them are.
    """

    number: int
    dataset: str
    key: str
    heatmaps: int
    ids: tuple[str, ...]
    config: PostProcess


@dataclass(frozen=True)
class Forget:
    """Drop all requests that were not begun; not what is to be counted."""


@dataclass(frozen=True)
class Loading:
    """Something that takes a while has begun: torch, weights."""

    text: str


@dataclass(frozen=True)
class Ready:
    """The backbone of a recipe is loaded; `identity` is the set where its heatmaps land.

    notices: what the user is to know about them.
    """

    recipe: Recipe
    identity: Identity
    device: str
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Computed:
    """These heatmaps are in the store, in the set with this key."""

    recipe: Recipe
    key: str
    ids: tuple[str, ...]


@dataclass(frozen=True)
class TextComputed:
    """The heatmap of one sample for a free-text prompt, (h, w) float32, raw; notices as of Ready."""

    recipe: Recipe
    id: str
    prompt: str
    heatmap: Heatmap
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class TermsComputed:
    """The terms of these samples are kept, in the set with this key."""

    recipe: Recipe
    key: str
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Embedded:
    """What the network makes of these samples' pictures is kept, in the set with this key.

    prompt: also of a text; row: that, (d,) float32 of length 1, None without one.
    """

    recipe: Recipe
    key: str
    ids: tuple[str, ...]
    prompt: str = ""
    row: Heatmap | None = None


@dataclass(frozen=True)
class Counted:
    """What `metrics.histogram_of` says of each sample that was asked for, (n, 256) uint32.

    None where that cannot be done here; the log says why.
    """

    number: int
    histograms: Histograms | None


@dataclass(frozen=True)
class Failed:
    """A request could not be answered; `message` is meant for the user."""

    message: str
    recipe: Recipe | None = None
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Died:
    """The worker is gone; the next request starts another one."""

    message: str


Event = Loading | Ready | Computed | TextComputed | TermsComputed | Embedded | Counted | Failed | Died
Message = Request | Count | Forget | Event

_KINDS: dict[str, type[Message]] = {
    kind.__name__: kind
    for kind in (
        Request,
        Count,
        Forget,
        Loading,
        Ready,
        Computed,
        TextComputed,
        TermsComputed,
        Embedded,
        Counted,
        Failed,
        Died,
    )
}


def encoded(message: Message) -> bytes:
    """One line."""
    fields = {name: _plain(value) for name, value in vars(message).items()}
    return json.dumps({"kind": type(message).__name__, **fields}).encode() + b"\n"


def decoded(line: bytes) -> Message:
    """The inverse of `encoded`. StoreError for a line that it cannot have made."""
    try:
        fields = json.loads(line)
        make: Callable[..., Message] = _KINDS[fields.pop("kind")]
        return make(**{name: _rich(name, value) for name, value in fields.items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"found {line[:80]!r}, expected a message of the heatmap worker") from error


def received(lines: Iterable[bytes]) -> Iterator[Message]:
    """The messages of these lines; what is none is logged and passed over."""
    for line in lines:
        try:
            yield decoded(line)
        except StoreError as error:
            log.warning("%s", error)


def _plain(value: object) -> object:
    if isinstance(value, Recipe | Identity | PostProcess):
        return value.to_dict()
    if hasattr(value, "tobytes"):
        array: Any = value
        kind = "<u4" if array.dtype.kind == "u" else "<f4"
        data = base64.b64encode(array.astype(kind).tobytes()).decode()
        return {"shape": array.shape, "kind": kind, "data": data}
    return value


def _rich(name: str, value: Any) -> object:  # noqa: ANN401  whatever JSON holds
    if name == "recipe" and value is not None:
        return Recipe.from_dict(value)
    if name == "identity":
        return Identity.from_dict(value)
    if name == "config":
        return PostProcess.from_dict(value)
    if name in ("heatmap", "row", "histograms") and value is not None:
        import numpy as np  # the rest of the client needs no numpy

        if value["kind"] not in ("<f4", "<u4"):
            raise ValueError(value["kind"])
        return np.frombuffer(base64.b64decode(value["data"]), value["kind"]).reshape(value["shape"])
    return tuple(value) if name in ("ids", "notices") else value
