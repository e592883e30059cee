"""When a number means nothing, said in words wherever it is shown; from how many sources it means something.

Standard library only: the screen says it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NEARLY_ALL = 0.9  # of the images
# What needs no network, see `cliploc.core.sweep.baselines`.
NO_NETWORK = ("whole image", "centre box", "centre Gaussian", "random")


def doubts(found: Mapping[str, Any]) -> list[str]:
    """What speaks against the best cell of a `cliploc.core.sweep.summary`, in sentences; often nothing."""
    images, said = found["images"], []
    for key, what in (("everything", "the whole image"), ("nothing", "nothing at all")):
        count = found[key]
        if count is not None and count >= NEARLY_ALL * images:
            said.append(
                f"the best cell predicts {what} on {count:,} of {images:,} images: it points at nothing"
            )
    names = [f"{one['name']} ({_held_out(one, one['mean_iou']):.4f})" for one in unbeaten(found)]
    if names:
        said.append(f"it does not beat what needs no network: {', '.join(names)}")
    return said


def unbeaten(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The baselines of a `cliploc.core.sweep.summary` that its best cell does not beat on other images."""
    score = _held_out(found, found["best"]["mean_iou"])
    return [one for one in found["baselines"] if _held_out(one, one["mean_iou"]) >= score]


def _held_out(entry: Mapping[str, Any], tuned: float) -> float:
    value = entry["cross_validated"]
    return float(tuned if value is None else value)


WORTH_FROM = 32
COMPARED_FROM = 60  # ways that share no cells
GAIN_FROM = 120  # ways that do
LEAD_FROM = 240  # one half chooses, the other is measured on
