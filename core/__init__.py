"""The engine of cliploc: datasets, networks, heatmaps, masks, scores and sweeps.

The names below are imported when first used, so that `import core` costs nothing.
From a picture to its scores:

>>> import core
>>> sample = core.open_dataset("demo").by_id("star_0009")
>>> backbone = core.load_backbone("demo-vit", device="cpu")
>>> text = backbone.encode_text([f"An image of a {sample.label}"])
>>> maps = core.compute_maps("gem", backbone, backbone.preprocess([sample.image()], 128), text)
>>> heatmap = core.normalize(maps)[0, 0].numpy()
>>> scores = core.score(heatmap, sample.true_mask(), core.PostProcess(dilate=21, erode=21))
>>> list(scores)
['mean_iou', 'precision', 'recall', 'f1', 'pixel_accuracy']
>>> 0.2 < scores["mean_iou"] < 1
True
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
