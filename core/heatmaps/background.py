"""Background words: what else a place may show, where a label is looked for among objects.

SCLIP, NACLIP, ClearCLIP and their kin score such words beside the objects of COCO and VOC at every pixel,
and what is left of a label is its share of the softmax.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

# Those of the authors' settings for VOC with background and for COCO's objects.
WORDS = (
    "sky", "wall", "tree", "wood", "grass", "road", "sea", "river", "mountain", "sands", "desk", "bed",
    "building", "cloud", "lamp", "door", "window", "wardrobe", "ceiling", "shelf", "curtain", "stair",
    "floor", "hill", "rail", "fence",
)  # fmt: skip


def share(maps: Tensor, side: int, scale: float) -> Tensor:
    """The label's share (B, 1, S, S), in [0, 1], of maps (B, 1 + K, h, w) of a label and of words.

    side: S, in pixels; the maps are enlarged to it first. scale: what multiplies their cosines.
    """
    enlarged = F.interpolate(maps, size=(side, side), mode="bilinear")
    return (scale * enlarged).softmax(1)[:, :1]
