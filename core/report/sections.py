"""The report's tables about scores, from what was found; every number with its convention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from core.errors import clean
from core.metrics import CONVENTION
from core.postprocess import PostProcess
from core.report import quoted
from core.report.findings import Findings, SetFindings
from core.report.tables import Cell, Interval, Number, Table

_TUNED = "chosen on the same images"
_QUOTED = "poster, CocoGlide (quoted)"


def scores_table(sets: Sequence[SetFindings]) -> Table:
    """Raw and post-processed mean IoU of every set: tuned, cross-validated, with interval."""
    rows = tuple(
        (
            found.title,
            found.template or None,
            _value(found.raw.mean_iou if found.raw else None),
            Number(found.best.mean_iou),
            _value(found.summary["cross_validated"]),
            _interval(*found.summary["interval"]),
            _value(quoted.MEAN_IOU.get(found.method), 5),
            _kernels(found.best.config),
            found.best.config.interpolation,
            Number(found.best.config.threshold, 3),
        )
        for found in sets
    )
    first = sets[0].summary
    caption = (
        f"Mean IoU over {first['images']:,} images ({CONVENTION}). raw, best: the best cell without "
        f"morphology "
        f"and of all {first['cells']:,} cells of a heatmap set, {_TUNED}. cross-validated: each of "
        f"{len(first['folds'])} folds scored at the cell that is best on the others. interval: 95 %, "
        f"bootstrap "
        f"over images ({first['replicates']:,} replicates), selecting the best cell anew in each."
    )
    columns = (
        "method", "prompt", "raw (tuned)", "best (tuned)", "cross-validated", "95 % interval of best",
        _QUOTED, "best kernels", "interpolation", "threshold",
    )  # fmt: skip
    return Table(
        "scores", "Scores per method.", caption, columns, rows, frozenset({_QUOTED})
    ).without_empty_columns()


def gain_table(sets: Sequence[SetFindings]) -> Table:
    """What morphology adds: cross-validated with its paired interval, and tuned as the poster did."""
    rows = tuple(_gain_row(found) for found in sets if found.summary["raw"] is not None)
    low, high = quoted.KERNELS
    caption = (
        "Mean IoU with morphology minus without, both tuned inside the folds, paired over images: "
        "difference, 95 % bootstrap interval, sign-flip p (folds share training images, so p is "
        "approximate). "
        f"tuned: best cell over best raw cell, both {_TUNED}; kernels {low} to {high}: the same with "
        f"dilation, "
        f"then erosion, and only these sides. poster: {quoted.POSTER}."
    )
    columns = (
        "method", "prompt", "paired difference", "95 % interval", "p", "gain, cross-validated", "gain, tuned",
        f"gain, kernels {low} to {high}, tuned", _QUOTED, "without, cross-validated", "with, cross-validated",
    )  # fmt: skip
    table = Table("gain", "What morphology adds.", caption, columns, rows, frozenset({_QUOTED}))
    return table.without_empty_columns() if rows else table


def _gain_row(found: SetFindings) -> tuple[Any, ...]:
    raw = found.summary["raw"]
    gain = raw["gain"]
    tuned = found.raw.mean_iou if found.raw else 0.0
    return (
        found.title,
        found.template or None,
        Number(gain["difference"], signed=True),
        _interval(gain["low"], gain["high"], signed=True),
        Number(gain["p"]),
        _percent(gain["difference"], raw["cross_validated"]),
        _percent(found.best.mean_iou - tuned, tuned),
        _percent(found.poster_kernels.mean_iou - tuned, tuned) if found.poster_kernels else None,
        quoted.gain(found.method) or None,
        Number(raw["cross_validated"]),
        Number(found.summary["cross_validated"]),
    )


def gain_sentence(found: SetFindings) -> str:
    """What morphology does for one heatmap set, said plainly whichever way it came out."""
    raw = found.summary["raw"]
    if raw is None:
        return f"{found.title}: the grid has no config without morphology, so its gain is not known."
    gain = raw["gain"]
    interval = f"95 % interval {_interval(gain['low'], gain['high'], signed=True)}"
    difference = Number(gain["difference"], signed=True)
    if gain["low"] > 0:
        verb = "raises"
    elif gain["high"] < 0:
        verb = "lowers"
    else:
        return (
            f"{found.title}: morphology makes no difference that {gain['images']:,} images can show "
            f"({difference} cross-validated mean IoU, {interval})."
        )
    percent = _percent(gain["difference"], raw["cross_validated"])
    return (
        f"{found.title}: morphology {verb} the cross-validated mean IoU by {difference} "
        f"({percent}; {interval}), from {raw['cross_validated']:.4f} to "
        f"{found.summary['cross_validated']:.4f}."
    )


def pairs_table(findings: Findings) -> Table:
    """Heatmap sets compared with each other on the images they share."""
    titles = {
        f"{found.run}:{found.name}": ", ".join(filter(None, (found.title, found.template)))
        for found in findings.sets
    }
    rows = tuple(
        (
            titles.get(pair.first, pair.first),
            titles.get(pair.second, pair.second),
            Number(pair.result["difference"], signed=True),
            _interval(pair.result["low"], pair.result["high"], signed=True),
            Number(pair.result["p"]),
            Number(pair.p_holm),
            Number(pair.result["images"], 0),
        )
        for pair in findings.pairs
    )
    caption = (
        "Difference of cross-validated mean IoU (first minus second), each tuned inside the folds, "
        "paired over "
        "the images that both have: 95 % bootstrap interval, sign-flip p, and p corrected by Holm for the "
        f"{len(rows)} pairs compared. Folds share training images, so p is approximate."
    )
    columns = ("first", "second", "difference", "95 % interval", "p", "p (Holm)", "images")
    return Table("pairs", "Methods and prompts compared.", caption, columns, rows)


def prompts_table(sets: Sequence[SetFindings]) -> Table | None:
    """Cross-validated mean IoU by method and prompt template; None with one template."""
    templates = list(dict.fromkeys(found.template for found in sets if found.template))
    if len(templates) < 2:
        return None
    by_method: dict[str, dict[str, SetFindings]] = defaultdict(dict)
    for found in sets:
        by_method[found.title].setdefault(found.template, found)
    rows = tuple(
        (title, *(_value(known[t].validated) if t in known else None for t in templates))
        for title, known in by_method.items()
    )
    caption = (
        f"Cross-validated mean IoU ({CONVENTION}), each prompt with its own tuning inside the folds. "
        f"Whether a "
        "difference is more than chance is in the table of pairs."
    )
    columns = ("method", *(f"“{clean(template)}”" for template in templates))
    return Table("prompts", "Prompts.", caption, columns, rows)


def other_scores_table(sets: Sequence[SetFindings]) -> Table:
    """Every other score at the best cell, for readers with another convention."""
    names = {
        "precision": "precision", "recall": "recall", "f1": "F1", "pixel_accuracy": "pixel accuracy",
        "micro_iou": "micro IoU", "micro_f1": "micro F1", "two_class_iou": "two-class IoU",
        "average_precision": "AP", "px_ap": "PxAP",
    }  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (found.title, found.template or None, *(Number(_at_best(found, name)) for name in names))
        for found in sets
    )
    caption = (
        "At the cell with the best mean IoU. precision, recall, F1, pixel accuracy: per image, then "
        "mean; micro: "
        "on counts summed over all images; two-class: mean of foreground and background IoU on "
        "summed counts; AP: "
        "mean over images, PxAP: over all pixels, both as areas over the 100 thresholds."
    )
    columns = ("method", "prompt", *names.values())
    return Table(
        "other-scores", "Other scores, other conventions.", caption, columns, rows
    ).without_empty_columns()


def plateau_table(sets: Sequence[SetFindings]) -> Table:
    """How sharp the optimum is, and the bounds that only an oracle reaches."""
    rows = tuple(
        (
            found.title,
            found.template or None,
            Number(found.summary["standard_error"]),
            Number(found.summary["plateau_configs"], 0),
            _kernels(PostProcess.from_dict(found.summary["plateau_smallest"]["config"])),
            Number(found.summary["plateau_smallest"]["mean_iou"]),
            "; ".join(_kernels(PostProcess.from_dict(fold["config"])) for fold in found.summary["folds"]),
            _value(found.summary["oracle_threshold"]),
            _value(found.summary["oracle_cell"]),
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
        "method", "prompt", "standard error", "plateau, configs", "smallest kernels", "their mean IoU",
        "folds' choices", "oracle: threshold", "oracle: cell",
    )  # fmt: skip
    return Table("plateau", "Plateau, folds and oracles.", caption, columns, rows).without_empty_columns()


def _at_best(found: SetFindings, name: str) -> float:
    values = found.best.curves[name]
    return float(values[min(found.best.config.threshold_index, len(values) - 1)])


def _kernels(config: PostProcess) -> str:
    steps = ", ".join(f"{name} {side}" for name, side in config.steps())
    shape = "" if config.kernel == "square" or not steps else f" ({config.kernel})"
    return (steps or "none") + shape


def _percent(part: float, whole: float) -> Number | None:
    return Number(100 * part / whole, 1, " %", signed=True) if whole else None


def _value(value: float | None, digits: int = 4) -> Number | None:
    return None if value is None else Number(value, digits)


def _interval(low: float, high: float, *, signed: bool = False) -> Interval:
    return Interval(Number(low, signed=signed), Number(high, signed=signed))
