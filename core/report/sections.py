"""The report's tables about scores, from what was found; every number with its convention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cliploc.core.errors import clean
from cliploc.core.postprocess import PostProcess
from cliploc.core.report import quoted
from cliploc.core.report.findings import Findings, SetFindings
from cliploc.core.report.morphology import QUOTED, TUNED
from cliploc.core.report.tables import Cell, Estimate, Number, Table, interval, number
from cliploc.core.scores import CONVENTION, SCORES


def scores_table(findings: Findings) -> Table:
    """Raw and post-processed mean IoU of every set, tuned and cross-validated, and of the baselines."""
    sets = findings.sets
    rows = tuple(
        (
            found.title,
            found.template or None,
            Number(found.summary["images"], 0),
            number(found.raw.mean_iou if found.raw else None),
            Number(found.best.mean_iou),
            _validated(found.summary),
            number(quoted.MEAN_IOU.get(found.method), 5) if findings.is_posters else None,
            f"{found.best.config.interpolation}; {found.best.config.morphology() or 'none'}",
            Number(found.best.config.threshold, 3),
        )
        for found in sets
    )
    # Every set of a report is over the same images, and so are the baselines of the first.
    without_network = tuple(
        (
            one["name"], None, Number(sets[0].summary["images"], 0), None, Number(one["mean_iou"]),
            number(one["cross_validated"]), None, None, number(one["threshold"], 3),
        )
        for one in sets[0].summary["baselines"]
    )  # fmt: skip
    caption = (
        f"Mean IoU ({CONVENTION}), over the same images in every row. raw, best: the best cell without "
        f"morphology and of all {sets[0].summary['cells']:,} cells of a heatmap set, {TUNED}. "
        "cross-validated: what that choice is worth on other images, each fold of source images scored at "
        "the cell that is best on the other folds, mean of repeats with new folds, with its "
        "95 % interval. The last rows need no network: masks in the centre tuned by their size, random "
        "pixels by their number."
        + (" The poster's figure is over all 512 images of CocoGlide." if findings.is_posters else "")
    )
    columns = (
        "method", "prompt", "images", "raw (tuned)", "best (tuned)", "cross-validated", QUOTED, "best cell",
        "threshold",
    )  # fmt: skip
    return Table(
        "scores", "Scores per method.", caption, columns, rows + without_network, frozenset({QUOTED})
    ).without_empty_columns()


def own_table(findings: Findings) -> Table | None:
    """Sets that have more images than all have: over all of their own; None when there are none."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            found.title,
            found.template or None,
            Number(own["images"], 0),
            Number(own["best"]["mean_iou"]),
            _validated(own),
        )
        for found, own in findings.own
    )
    if not rows:
        return None
    caption = (
        f"Mean IoU over all images of a set, of which the other tables use the {len(findings.ids):,} that "
        "every set has. Rows over different images do not compare."
    )
    columns = ("method", "prompt", "images", "best (tuned)", "cross-validated")
    return Table("own-images", "Sets that have more images.", caption, columns, rows).without_empty_columns()


def other_scores_table(sets: Sequence[SetFindings]) -> Table:
    """Every other score at the best cell, for readers with another convention."""
    averaged = {score.name: score.title for score in SCORES if score.name != "mean_iou"}
    names = {
        **averaged, "micro_iou": "micro IoU", "micro_f1": "micro F1", "two_class_iou": "two-class IoU",
        "average_precision": "AP", "px_ap": "PxAP",
    }  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            found.title,
            found.template or None,
            Number(found.summary["images"], 0),
            *(Number(_at_best(found, name)) for name in names),
        )
        for found in sets
    )
    caption = (
        f"At the cell with the best mean IoU. {', '.join(averaged.values())}: per image, then mean; micro: "
        "on counts summed over all images; two-class: mean of foreground and background IoU on "
        "summed counts; AP: "
        "mean over images, PxAP: over all pixels, both as areas over the 100 thresholds."
    )
    columns = ("method", "prompt", "images", *names.values())
    return Table(
        "other-scores", "Other scores, other conventions.", caption, columns, rows
    ).without_empty_columns()


def plateau_table(sets: Sequence[SetFindings]) -> Table:
    """How sharp the optimum is, and the bounds that only an oracle reaches."""
    rows = tuple(
        (
            found.title,
            found.template or None,
            Number(found.summary["images"], 0),
            Number(found.summary["standard_error"]),
            Number(found.summary["plateau_configs"], 0),
            _morphology(found.summary["plateau_smallest"]),
            Number(found.summary["plateau_smallest"]["mean_iou"]),
            "; ".join(_morphology(fold) for fold in found.summary["folds"]),
            number(found.summary["oracle_threshold"]),
            number(found.summary["oracle_cell"]),
        )
        for found in sets
    )
    caption = (
        "plateau: configs with a cell within one standard error of the best; the smallest kernels "
        "among them, and "
        "their mean IoU. oracle: the threshold, or the whole cell, chosen for each image by looking "
        "at its true "
        "mask; upper bounds, never results."
    )
    columns = (
        "method", "prompt", "images", "standard error", "plateau, configs", "smallest kernels",
        "their mean IoU", "folds' choices", "oracle: threshold", "oracle: cell",
    )  # fmt: skip
    return Table("plateau", "Plateau, folds and oracles.", caption, columns, rows).without_empty_columns()


def _morphology(entry: Mapping[str, Any]) -> str:
    return PostProcess.from_dict(entry["config"]).morphology() or "none"


def _at_best(found: SetFindings, name: str) -> float:
    values = found.best.curves[name]
    return float(values[min(found.best.config.threshold_index, len(values) - 1)])


def classes_table(leaders: Sequence[SetFindings]) -> Table:
    """Mean IoU by class, of each method's best set."""
    counts = leaders[0].summary["labels"]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (clean(label), Number(counts[label], 0), *(number(found.labels.get(label)) for found in leaders))
        for label in sorted(leaders[0].labels)
    )
    caption = (
        f"Mean IoU ({CONVENTION}) of each class, each method with its better prompt at its best cell, "
        f"{TUNED}. Of a class with few images it is hardly known."
    )
    columns = ("class", "images", *(found.title for found in leaders))
    return Table("classes", "Mean IoU by class.", caption, columns, rows)


def _validated(summary: Mapping[str, Any]) -> Cell:
    if summary["cross_validated"] is None:
        return None
    return Estimate(Number(summary["cross_validated"]), interval(*(summary["interval"] or (None, None))))
