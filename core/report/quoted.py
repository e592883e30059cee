"""What the poster reported, to stand beside a user's own numbers, always marked as quoted.

"Weakly Supervised Localization with CLIP" (Popa, Trifan, Smeu, Oneață).
"""

from __future__ import annotations

POSTER = "Popa, Trifan, Smeu, Oneață: Weakly Supervised Localization with CLIP (poster)"

# CocoGlide by its content (see `cliploc.core.datasets`): the poster's figures stand beside no other dataset.
TRUTH = "309885749ffeb56e1f8d236d02802c7ba92e189515c8684589e7d8ed50c27334"
PICTURES = "a7f0482993cb334601aba9fd0af1c85dc86e0f67d978ed3289afbda238486464"

# CocoGlide, images per class; by the names of `cliploc.core.datasets.statistics`.
DATASET: dict[str, float] = {"images": 512, "classes": 73, "min": 1, "max": 17, "mean": 7.014, "std": 4.446}

# By method: training data and visual encoder.
NETWORKS = {
    "gem": ("WIT-400M", "ViT-B/16"),
    "textspan": ("LAION-2B", "ViT-L/14"),
    "gradcam": ("ImageNet", "ResNet-50"),
}

BEST = "gem"

# Mean IoU, where the poster states it.
MEAN_IOU = {"gem": 0.60539}

# Dilation, then erosion with these kernels adds so many percent of mean IoU, except to Grad-CAM.
KERNELS = (41, 61)
GAIN_PERCENT = (7.4, 8.6)
NO_GAIN = "gradcam"


def gain(method: str) -> str:
    """What the poster says morphology adds to a method, in words; empty for other methods."""
    if method == NO_GAIN:
        return "not among those that gain"
    return f"{GAIN_PERCENT[0]} to {GAIN_PERCENT[1]} %" if method in NETWORKS else ""
