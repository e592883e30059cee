"""The engine of cliploc: datasets, networks, heatmaps, masks, scores and sweeps.

The names below are imported when first used, so that `import cliploc` costs nothing.
From a picture to its scores:

>>> import cliploc
>>> sample = cliploc.open_dataset("demo").by_id("star_0009")
>>> backbone = cliploc.load_backbone("demo-vit", device="cpu")
>>> text = backbone.encode_text([f"An image of a {sample.label}"])
>>> maps = cliploc.compute_maps("gem", backbone, backbone.preprocess([sample.image()], 128), text)
>>> heatmap = cliploc.normalize(maps)[0, 0].numpy()
>>> scores = cliploc.score(heatmap, sample.true_mask(), cliploc.PostProcess(dilate=21, erode=21))
>>> list(scores)
['mean_iou', 'precision', 'recall', 'f1', 'pixel_accuracy']
>>> 0.2 < scores["mean_iou"] < 1
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cliploc.core.backbones.load import load_backbone as load_backbone
    from cliploc.core.datasets import open_dataset as open_dataset
    from cliploc.core.methods.compute import compute_maps as compute_maps
    from cliploc.core.methods.compute import normalize as normalize
    from cliploc.core.metrics import score as score
    from cliploc.core.postprocess import PostProcess as PostProcess

_HOMES = {
    "load_backbone": "cliploc.core.backbones.load",
    "open_dataset": "cliploc.core.datasets",
    "compute_maps": "cliploc.core.methods.compute",
    "normalize": "cliploc.core.methods.compute",
    "score": "cliploc.core.metrics",
    "PostProcess": "cliploc.core.postprocess",
    "sweep": "cliploc.core.sweep",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'cliploc' has no attribute {name!r}")
