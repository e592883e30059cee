"""What a heatmap set is made of. Change any of it and it is another set.

Standard library only, so that the screen can name a set before numpy is loaded.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, cast

from cliploc.core.errors import StoreError, clean
from cliploc.core.parameters import Value

if TYPE_CHECKING:
    from cliploc.core.datasets import Dataset

IMPORTED = "imported"  # the method of a set that was made elsewhere
OLD = (
    "made by release 0.1.0, which did not keep how pictures were turned and what the network was taken for; "
    "it is shown and scored when you ask for it by name, and computed anew otherwise"
)


# What a key leaves out where it is as it always was, before there was a choice.
_SINCE: dict[str, object] = {"raw": False, "positions": "", "window": 0, "stride": 0, "background": 0}
STRETCHED = "stretched to [0, 1] when it was stored: another stretch wants it computed again"


# What people tell sets apart by, in this order.
APART = (
    *("dataset", "method", "template", "backbone", "checkpoint", "size", "positions", "window", "precision"),
    *("parameters", "old"),
)


@dataclass(frozen=True)
class Identity:
    """Everything that decides the values of a heatmap set, and nothing that does not.

    pictures: the dataset's picture digest; of an old set, the fingerprint that release 0.1.0
    gave pictures and true masks together. dataset_name, dataset_spec: how it was called and
    opened; assumed: what was taken for granted about the network. Those are not part of the
    identity, since a moved or renamed copy has the same heatmaps. parameters: sorted (name,
    value) pairs. digest: hex SHA-256 of the weights and of what the network computes with.
    size: side of the square that the network sees, in pixels. positions: how they are taken to that
    size, "" for antialiased; window, stride: pixels of the squares that it sees one by one, 0 for the whole
    picture at once; background: what multiplies cosines where background words compete, 0 where none do.
    precision: of the forward pass. version: of the method's code. raw: whether the values
    are the method's own; those of a set that is not were brought to [0, 1] before they were stored, by
    whoever made them or by an earlier release. old: whether release 0.1.0 wrote it.
    """

    pictures: str
    method: str
    parameters: tuple[tuple[str, Value], ...] = ()
    backbone: str = ""
    checkpoint: str = ""
    digest: str = ""
    template: str = ""
    size: int = 0
    precision: str = "float32"
    version: int = 1
    positions: str = ""
    window: int = 0
    stride: int = 0
    background: int = 0
    raw: bool = False
    old: bool = False
    assumed: str = field(default="", compare=False)
    dataset_name: str = field(default="", compare=False)
    dataset_spec: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple(sorted((str(n), v) for n, v in self.parameters)))

    @property
    def key(self) -> str:
        """The first 16 hex digits of the SHA-256 of the identity: the name of the set's folder."""
        content = {f.name: getattr(self, f.name) for f in fields(self) if f.compare and f.name != "old"}
        for name, usual in _SINCE.items():
            if content[name] == usual:
                del content[name]
        if self.old:
            content["dataset"] = content.pop("pictures")
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """What people type: `gem-demo-vit-1a2b3c4d`, or the name given when it was imported."""
        if self.method == IMPORTED:
            return str(dict(self.parameters)["name"])
        stem = re.sub(r"[^a-z0-9]+", "-", self.backbone.lower()).strip("-")
        return f"{self.method}-{stem}-{self.key[:8]}"

    @property
    def mark(self) -> str:
        """What people must know before they trust the set; "" for nothing."""
        stretched = STRETCHED if not (self.raw or self.old or self.method == IMPORTED) else ""
        return OLD if self.old else "; ".join(filter(None, (self.assumed, stretched)))

    def belongs_to(self, dataset: Dataset) -> bool:
        """Whether these are heatmaps of the dataset's pictures. Reads them, once."""
        return self.pictures == (dataset.legacy if self.old else dataset.pictures)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {**asdict(self), "parameters": dict(self.parameters)}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Identity:
        """The inverse of `to_dict`; what release 0.1.0 wrote is read, and marked as old.

        StoreError for anything that neither can have made.
        """
        if not isinstance(values, Mapping):
            raise StoreError(f"not the identity of a heatmap set: {type(values).__name__}")
        if "pictures" not in values and "dataset" in values:
            values = {**{n: v for n, v in values.items() if n != "dataset"}, "pictures": values["dataset"]}
            values = {"assumed": "", **values, "old": True}
        values = {**_SINCE, **values}
        known = {f.name for f in fields(cls)}
        kinds = dict.fromkeys(known, str) | {"version": int, "parameters": Mapping}
        kinds |= dict.fromkeys(("size", "window", "stride", "background"), int)
        kinds |= dict.fromkeys(("old", "raw"), bool)
        wrong = sorted(set(values) - known)
        wrong += [name for name, kind in kinds.items() if not isinstance(values.get(name), kind)]
        if "parameters" not in wrong:
            given = cast(Mapping[str, object], values["parameters"])
            wrong += [name for name, value in given.items() if not isinstance(value, str | int | float)]
        if wrong:
            raise StoreError(f"not the identity of a heatmap set: look at {clean(', '.join(wrong))}")
        parameters = cast(Mapping[str, Value], values["parameters"])
        if values["method"] == IMPORTED and "name" not in parameters:
            raise StoreError("not the identity of an imported heatmap set: it has no name")
        return cls(**{**values, "parameters": tuple(parameters.items())})  # type: ignore[arg-type]


def told_apart(identities: Sequence[Identity]) -> list[str]:
    """Each by its name and, in words, what is not the same in all of them; its key where nothing else is."""
    told = [
        each.to_dict() | {"parameters": each.parameters, "dataset": each.dataset_name} for each in identities
    ]
    apart = [name for name in APART if len({each[name] for each in told}) > 1]
    words = [", ".join(f"{name} {_in_words(each[name])}" for name in apart) for each in told]
    return [
        f"{identity.name} ({differs or identity.key})"
        for identity, differs in zip(identities, words, strict=True)
    ]


def _in_words(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(f"{name}={each}" for name, each in value) or "as usual"
    return str(value) or "as usual"
