"""Background words: what else a place may show, where a label is looked for among objects.

SCLIP, NACLIP, ClearCLIP and their kin score such words beside the objects of COCO and VOC at every pixel,
and what is left of a label is its share of the softmax.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

# Those of the authors' settings for VOC with background and for COCO's objects.
WORDS = (
    "sky", "wall", "tree", "wood", "grass", "road", "sea", "river", "mountain", "sands", "desk", "bed",
    "building", "cloud", "lamp", "door", "window", "wardrobe", "ceiling", "shelf", "curtain", "stair",
    "floor", "hill", "rail", "fence",
)  # fmt: skip


def share(maps: Tensor, labels: int, side: int, scale: float) -> Tensor:
    """Each label's share (B, labels, S, S), in [0, 1], of maps (B, labels + K, h, w) of labels and of words.

    A label stands against the words, not against the other labels of its picture. side: S, in pixels; the
    maps are enlarged to it first. scale: what multiplies their cosines.
    """
    scaled = scale * F.interpolate(maps, size=(side, side), mode="bilinear")
    own, words = scaled[:, :labels], scaled[:, labels:]
    shares = [torch.cat([own[:, [place]], words], 1).softmax(1)[:, :1] for place in range(labels)]
    return torch.cat(shares, 1)
