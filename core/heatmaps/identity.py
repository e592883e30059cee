"""What a heatmap set is made of. Change any of it and it is another set.

Standard library only, so that the screen can name a set before numpy is loaded.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from core.errors import StoreError, clean
from core.parameters import Value
from core.paths import data_dir, embedded_dir

IMPORTED = "imported"  # the method of a set that was made elsewhere


@dataclass(frozen=True)
class Identity:
    """Everything that decides the values of a heatmap set, and nothing that does not.

    dataset: its fingerprint. dataset_name, dataset_spec: how it was called and opened;
    not part of the identity, since a moved or renamed copy has the same heatmaps.
    assumed: what nobody said about the weights or the texts; the digest has what it came to.
    parameters: sorted (name, value) pairs. digest: hex SHA-256 of the weights.
    size: side of the square that the network sees, in pixels. precision: of the
    forward pass. version: of the method's code.
    """

    dataset: str
    method: str
    parameters: tuple[tuple[str, Value], ...] = ()
    backbone: str = ""
    checkpoint: str = ""
    digest: str = ""
    template: str = ""
    size: int = 0
    precision: str = "float32"
    version: int = 1
    dataset_name: str = field(default="", compare=False)
    dataset_spec: str = field(default="", compare=False)
    assumed: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple(sorted((str(n), v) for n, v in self.parameters)))

    @property
    def key(self) -> str:
        """The first 16 hex digits of the SHA-256 of the identity: the name of the set's folder."""
        content = {f.name: getattr(self, f.name) for f in fields(self) if f.compare}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """What people type: `gem-demo-vit-1a2b3c4d`, or the name given when it was imported."""
        if self.method == IMPORTED:
            return str(dict(self.parameters)["name"])
        stem = re.sub(r"[^a-z0-9]+", "-", self.backbone.lower()).strip("-")
        return f"{self.method}-{stem}-{self.key[:8]}"

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {**asdict(self), "parameters": dict(self.parameters)}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Identity:
        """The inverse of `to_dict`. StoreError for anything that `to_dict` cannot have made."""
        known = {f.name: f for f in fields(cls)}
        parameters = values.get("parameters")
        wrong = [name for name in values if name not in known]
        wrong += [name for name in known if name not in values and name != "assumed"]
        wrong += [name for name in ("size", "version") if not isinstance(values.get(name), int)]
        texts = set(known) - {"size", "version", "parameters"}
        wrong += [name for name in sorted(texts) if not isinstance(values.get(name, ""), str)]
        if wrong or not isinstance(parameters, Mapping):
            raise StoreError(f"not the identity of a heatmap set: look at {clean(', '.join(wrong))}")
        if values["method"] == IMPORTED and "name" not in parameters:
            raise StoreError("not the identity of an imported heatmap set: it has no name")
        return cls(**{**values, "parameters": tuple(parameters.items())})  # type: ignore[arg-type]


def lasting(spec: str) -> str:
    """The dataset spec as it can be opened from anywhere: folders become absolute, ours get their name."""
    if spec.startswith("coco:"):
        return ":".join(["coco", *(str(Path(place).expanduser().resolve()) for place in spec.split(":")[1:])])
    ours = {embedded_dir() / "demo": "demo", data_dir() / "cocoglide": "cocoglide"}
    return spec if spec in ours.values() else ours.get(Path(spec), str(Path(spec).expanduser().resolve()))
