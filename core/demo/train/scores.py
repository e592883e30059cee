"""Scores of a demo checkpoint on scenes that it was not trained on.

Masks appear here for the first time: to measure, never to train.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.codes import codes_for, map_of
from cliploc.core.demo.layout import SHIPPED_COUNT, SHIPPED_SEED
from cliploc.core.demo.scenes import Scene, scene
from cliploc.core.demo.shapes import LABELS
from cliploc.core.methods.compute import compute_maps, normalize
from cliploc.core.metrics import counts_of, iou, stacked
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.core.prompts import TEMPLATES, prompt_for
from cliploc.core.sweep.localization import hits

HELD_OUT_SEED = 2
HELD_OUT_COUNT = 200
TEMPLATE = TEMPLATES[0]
METHODS = {"vit": ("gem", "textspan"), "resnet": ("gradcam",), "pooled": ("gem", "legrad")}
CLOSING = tuple(range(21, 62, 10))
CONVENTION = (
    "prompt: the template; accuracy_alone: highest of all labels is the target, scenes with one object; "
    "accuracy_named: highest of all labels is one of the scene's, all scenes; pointing: highest pixel of the "
    "bilinear map is in the true mask; mean IoU: foreground, per image, then mean, at its best of 100 "
    "thresholds (tuned on these scenes); closing: dilate then erode with one square kernel, best of its sides"
)


def scores(folder: Path, name: str, device: str, held_out: int = HELD_OUT_COUNT) -> dict[str, Any]:
    """Score the checkpoint in `folder` on `held_out` fresh scenes and on the shipped ones."""
    backbone = load_backbone(f"local-dir:{folder}", device=device)
    series = {"held_out": (HELD_OUT_SEED, held_out), "shipped": (SHIPPED_SEED, min(SHIPPED_COUNT, held_out))}
    found: dict[str, Any] = {"convention": CONVENTION, "template": TEMPLATE}
    for title, (seed, count) in series.items():
        drawn = [scene(seed, index) for index in range(count)]
        found[title] = {"seed": seed, "scenes": count, **scored(backbone, METHODS[name], drawn)}
    return found


def scored(backbone: Backbone, methods: Sequence[str], drawn: Sequence[Scene]) -> dict[str, Any]:
    """Accuracy, the score of calling everything foreground, and each method's localization."""
    everything = float(np.mean([s.mask.mean() for s in drawn]))
    return {
        **_classified(backbone, drawn),
        "all_foreground_mean_iou": round(everything, 4),
        **{method: _localized(_heatmaps(backbone, method, drawn), drawn) for method in methods},
    }


@torch.no_grad()
def _classified(backbone: Backbone, drawn: Sequence[Scene]) -> dict[str, float]:
    text = backbone.encode_text([prompt_for(TEMPLATE, label) for label in LABELS])
    best: list[str] = []
    for part in _parts(drawn):
        rows = backbone.model.encode_image(backbone.preprocess([s.image for s in part]), normalize=True)
        best += [LABELS[i] for i in (rows @ text.T).argmax(1).tolist()]
    alone = [label == s.label for label, s in zip(best, drawn, strict=True) if len(s.labels) == 1]
    named = [label in s.labels for label, s in zip(best, drawn, strict=True)]
    return {
        "accuracy_alone": round(float(np.mean(alone)), 4),
        "accuracy_named": round(float(np.mean(named)), 4),
    }


def _heatmaps(backbone: Backbone, method: str, drawn: Sequence[Scene]) -> list[NDArray[np.float32]]:
    """The target's heatmap of every scene, (h, w) float32 in [0, 1]."""
    text = backbone.encode_text([prompt_for(TEMPLATE, label) for label in LABELS])
    heatmaps: list[NDArray[np.float32]] = []
    for part in _parts(drawn):
        maps = normalize(compute_maps(method, backbone, backbone.preprocess([s.image for s in part]), text))
        heatmaps += [maps[i, LABELS.index(s.label)].cpu().numpy() for i, s in enumerate(part)]
    return heatmaps


def _localized(heatmaps: Sequence[NDArray[np.float32]], drawn: Sequence[Scene]) -> dict[str, Any]:
    pairs = list(zip(heatmaps, [s.mask for s in drawn], strict=True))
    pointed = [hits(map_of(heatmap, mask.shape, PostProcess()), mask)[0] for heatmap, mask in pairs]
    plain = {kind: _best(pairs, PostProcess(kind, "none")) for kind in ("nearest", "bilinear", "bicubic")}
    closed = [_best(pairs, PostProcess("bilinear", "dilate-erode", dilate=k, erode=k)) for k in CLOSING]
    place = int(np.argmax([cell["mean_iou"] for cell in closed]))
    return {
        "pointing": round(float(np.mean(pointed)), 4),
        "no_morphology": plain,
        "closing_bilinear": {"side": CLOSING[place], **closed[place]},
    }


def _best(
    pairs: Sequence[tuple[NDArray[np.float32], NDArray[np.bool_]]], config: PostProcess
) -> dict[str, float]:
    counts = stacked(counts_of(codes_for(heatmap, mask.shape, config), mask) for heatmap, mask in pairs)
    curve = iou(counts).mean(axis=0)
    best = int(curve.argmax())
    return {"mean_iou": round(float(curve[best]), 4), "threshold": round(THRESHOLDS[best], 4)}


def _parts(drawn: Sequence[Scene]) -> list[Sequence[Scene]]:
    return [drawn[start : start + 40] for start in range(0, len(drawn), 40)]
