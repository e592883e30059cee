"""The engine of cliploc: datasets, networks, heatmaps, masks, scores and sweeps.

The names below are imported when first used, so that `import core` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.backbones.load import load_backbone as load_backbone
    from core.datasets import open_dataset as open_dataset
    from core.methods.compute import compute_maps as compute_maps
    from core.methods.compute import normalize as normalize
    from core.metrics import score as score
    from core.postprocess import PostProcess as PostProcess

_HOMES = {
    "load_backbone": "core.backbones.load",
    "open_dataset": "core.datasets",
    "compute_maps": "core.methods.compute",
    "normalize": "core.methods.compute",
    "score": "core.metrics",
    "PostProcess": "core.postprocess",
    "sweep": "core.sweep",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'core' has no attribute {name!r}")
