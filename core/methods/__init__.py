"""The registry of methods: what each is called, what it needs and what can be set.

Names cost no torch: `target` says where the code is, and `core.methods.compute`
imports it when asked. A method without gradients is a stream of the shared pass
(`core.methods.trunk`); one with gradients is a function of (backbone, images, text).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from core.parameters import Parameter

if TYPE_CHECKING:
    from core.methods.compute import compute_many as compute_many
    from core.methods.compute import compute_maps as compute_maps
    from core.methods.compute import normalize as normalize


@dataclass(frozen=True)
class MethodSpec:
    """One method.

    target: `module:name` of its stream or function. families: kinds of backbone it
    reads. default_backbone, default_checkpoint, default_size: what the literature
    uses it with (size in pixels). version: raised when its maps change, so that
    stored heatmaps are never stale. reference: where it was published.
    """

    name: str
    title: str
    target: str
    parameters: tuple[Parameter, ...]
    reference: str
    default_backbone: str = "ViT-B-16"
    default_checkpoint: str = "openai"
    default_size: int = 448
    families: tuple[str, ...] = ("vit",)
    needs_gradient: bool = False
    version: int = 1


def contrast(default: str) -> Parameter:
    """The contrast parameter that every method has."""
    return Parameter(
        "contrast",
        "what is removed from the text: the mean of the other labels, the empty caption, "
        "or what is redundant between the labels (CLIPSurgery)",
        default,
        ("none", "labels", "neutral", "redundant"),
    )


_DEPTH = Parameter("depth", "blocks from the end with their own stream; 0: the last 6, at most half", 0,
                   low=0, high=64)  # fmt: skip
_FIRST = Parameter("layers", "how many of the last blocks are read; 0: as published", 0, low=0, high=64)

_SPECS = (
    MethodSpec(
        "gem", "GEM", "core.methods.gem:Gem",
        (
            _DEPTH,
            Parameter("iterations", "self-self attention steps before values are mixed", 1, low=0, high=8),
            Parameter("temperature", "what multiplies the cosines; 0: as published, from the token norms",
                      0.0, low=0.0, high=1000.0, step=1.0),
            contrast("none"),
        ),
        reference="Bousselham et al., Grounding Everything, CVPR 2024",
    ),
)  # fmt: skip

METHODS: Mapping[str, MethodSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})


def __getattr__(name: str) -> object:
    # The functions that compute need torch; they are looked up when first used.
    if name in ("compute_maps", "compute_many", "normalize"):
        from core.methods import compute

        return getattr(compute, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
