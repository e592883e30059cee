"""`cliploc evaluate`: one config over a heatmap set, every score at all 100 thresholds."""

from __future__ import annotations

import argparse

from cliploc.core.commands.options import (
    PUBLISHED,
    add_config_arguments,
    add_dataset_argument,
    add_json_argument,
    add_preset_argument,
    config_of,
    spec_of,
)
from cliploc.core.commands.output import print_json, print_table, say, say_notes
from cliploc.core.datasets import Dataset
from cliploc.core.errors import ParameterError
from cliploc.core.heatmaps.ground import ground
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.methods import METHODS
from cliploc.core.postprocess import THRESHOLDS, PostProcess, published_config
from cliploc.core.scores import CONVENTION, SUMMED
from cliploc.core.sweep.evaluate import Evaluation, evaluate, evaluate_boxes
from cliploc.core.sweep.inputs import open_sets
from cliploc.core.sweep.localization import BoxAccuracy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """evaluate --heatmaps SET [--dataset SPEC] [--interpolation …] [--boxes] [--json]"""
    parser.add_argument("--heatmaps", required=True, metavar="SET", help="a heatmap set, by name or key")
    add_dataset_argument(parser, default=None)
    add_config_arguments(parser, threshold=False)  # all thresholds are printed
    add_preset_argument(parser, "stretch, enlarged bilinearly, without morphology")
    parser.add_argument("--boxes", action="store_true", help="also MaxBoxAcc and MaxBoxAccV2 (slow)")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print one row per threshold, and what is integrated over thresholds."""
    (heatmaps,), dataset, ids = open_sets(
        [arguments.heatmaps], spec_of(arguments), HeatmapStore(), boxes=True
    )
    preset = arguments.preset
    config = config_of(arguments, _published(heatmaps.identity) if preset == PUBLISHED else None)
    if len(ids) < len(dataset.samples):
        say(f"{len(dataset.samples) - len(ids)} of {len(dataset.samples)} samples have no heatmap, left out")
    maps = heatmaps.read_all(ids)
    if dataset.boxed:
        _print_boxes(arguments, heatmaps.name, dataset, evaluate_boxes(maps, dataset.boxed, config), len(ids))
        return
    grounds = ground(dataset, ids, maps, heatmaps.identity.mark)
    say_notes(grounds.sentences)
    found = evaluate(maps, dataset.scorable, config, boxes=arguments.boxes)
    scores = [
        {"threshold": threshold, **{name: float(curve[j]) for name, curve in found.curves.items()}}
        for j, threshold in enumerate(THRESHOLDS)
    ]
    best = max(scores, key=lambda row: row["mean_iou"])
    whole = _over_thresholds(found, THRESHOLDS.index(best["threshold"]))
    if arguments.json:
        settings = {name: value for name, value in config.to_dict().items() if name != "threshold"}
        print_json(
            {
                "heatmaps": heatmaps.name,
                "dataset": dataset.name,
                "images": len(ids),
                "samples": len(dataset.samples),
                "preset": preset,
                "config": settings,
                "convention": CONVENTION,
                **grounds.to_dict(),
                "scores": scores,
                "best": best,
                **whole,
            }
        )
        return
    print_table(
        scores,
        as_json=False,
        caption=f"{len(ids)} images of {dataset.name}; {config.text(threshold=False)}"
        f"{' (as published)' * (preset == PUBLISHED)}; {CONVENTION}; {SUMMED}",
    )
    for line in _lines(best, whole):
        say(line)


def _published(identity: Identity) -> PostProcess:
    """The method's own post-processing, and a word where its heatmaps are not its authors'."""
    if identity.method not in METHODS:
        raise ParameterError(f"{identity.name} was made elsewhere: nobody here knows how it was published")
    theirs = Recipe(identity.method, identity.backbone, identity.checkpoint, precision=identity.precision)
    if not theirs.as_published().completed("").matches(identity):
        say(
            f"note: the heatmaps were computed otherwise than as published; "
            f"`cliploc heatmaps compute --as published --method {identity.method}` does that"
        )
    return published_config(theirs.spec.published.stretch)


def _print_boxes(
    arguments: argparse.Namespace, name: str, dataset: Dataset, found: BoxAccuracy, images: int
) -> None:
    """What can be scored where boxes are all that is known: no IoU, no precision."""
    say_notes(dataset.notes)
    scores = [
        {"threshold": threshold, "box_acc": float(rate)}
        for threshold, rate in zip(THRESHOLDS, found.largest, strict=True)
    ]
    whole = {"max_box_acc": found.max_box_acc, "max_box_acc_v2": found.max_box_acc_v2}
    if arguments.json:
        print_json(
            {
                "heatmaps": name,
                "dataset": dataset.name,
                "images": images,
                "samples": len(dataset.samples),
                "notes": list(dataset.notes),
                "scores": scores,
                **whole,
            }
        )
        return
    print_table(
        scores,
        as_json=False,
        caption=f"{images} images of {dataset.name}; box_acc: of the largest contour's box, IoU of boxes "
        "from 0.5 on counts as found",
    )
    say(f"MaxBoxAcc {found.max_box_acc:.4f}, MaxBoxAccV2 {found.max_box_acc_v2:.4f} (chosen on these images)")


def _over_thresholds(found: Evaluation, best: int) -> dict[str, object]:
    """Scores without a threshold, and the labels' scores at the best one."""
    whole: dict[str, object] = {
        "average_precision": found.average_precision,
        "px_ap": found.px_ap,
        "pointing": {str(tolerance): rate for tolerance, rate in found.pointing.items()},
        "pointing_by_label": {str(tolerance): rate for tolerance, rate in found.pointing_by_label.items()},
    }
    if found.boxes is not None:
        whole["max_box_acc"] = found.boxes.max_box_acc
        whole["max_box_acc_v2"] = found.boxes.max_box_acc_v2
    whole["labels"] = {label: float(curve[best]) for label, curve in found.labels.items()}
    return whole


def _lines(best: dict[str, float], whole: dict[str, object]) -> list[str]:
    pointing, by_label = whole["pointing"], whole["pointing_by_label"]
    assert isinstance(pointing, dict)
    assert isinstance(by_label, dict)
    lines = [
        f"best mean IoU {best['mean_iou']:.4f} at threshold {best['threshold']:.4f} (chosen on these images)",
        f"average precision {whole['average_precision']:.4f} per image, PxAP {whole['px_ap']:.4f} pooled",
        *(
            f"pointing game, {tolerance} px: {rate:.4f} over images, {by_label[tolerance]:.4f} over labels"
            for tolerance, rate in pointing.items()
        ),
    ]
    if "max_box_acc" in whole:
        lines.append(
            f"MaxBoxAcc {whole['max_box_acc']:.4f}, MaxBoxAccV2 {whole['max_box_acc_v2']:.4f} "
            "(true box: the one around the true mask; thresholds chosen on these images)"
        )
    return lines
