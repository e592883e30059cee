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
from core.sweep.choosing import COMPARED_FROM, GAIN_FROM
from core.sweep.compare import Contest

SIGNIFICANT = 0.05
_TUNED = "chosen on the same images"
_QUOTED = "poster, CocoGlide (quoted)"


def scores_table(sets: Sequence[SetFindings]) -> Table:
    """Raw and post-processed mean IoU of every set, tuned and cross-validated, and of the baselines."""
    rows = tuple(
        (
            found.title,
            found.template or None,
            Number(found.summary["images"], 0),
            _value(found.raw.mean_iou if found.raw else None),
            Number(found.best.mean_iou),
            _value(found.summary["cross_validated"]),
            _interval(*(found.summary["interval"] or (None, None))),
            _value(quoted.MEAN_IOU.get(found.method), 5),
            _kernels(found.best.config),
            found.best.config.interpolation,
            Number(found.best.config.threshold, 3),
        )
        for found in sets
    )
    caption = (
        f"Mean IoU ({CONVENTION}), over the same images in every row. raw, best: the best cell without "
        f"morphology and of all {sets[0].summary['cells']:,} cells of a heatmap set, {_TUNED}. "
        "cross-validated: what that choice is worth on other images, each fold of source images scored at "
        "the cell that is best on the other folds, mean of repeats with new folds; interval: 95 %, of the "
        "cross-validated value. The last rows need no network: masks in the centre tuned by their size, "
        "random pixels by their number."
    )
    columns = (
        "method", "prompt", "images", "raw (tuned)", "best (tuned)", "cross-validated", "95 % interval",
        _QUOTED, "best kernels", "interpolation", "threshold",
    )  # fmt: skip
    return Table(
        "scores", "Scores per method.", caption, columns, rows + _baseline_rows(sets[0]), frozenset({_QUOTED})
    ).without_empty_columns()


def _baseline_rows(found: SetFindings) -> tuple[tuple[Cell, ...], ...]:
    """Every set of a report is over the same images, and so are the baselines of the first."""
    return tuple(
        (
            one["name"], None, Number(found.summary["images"], 0), None, Number(one["mean_iou"]),
            _value(one["cross_validated"]), None, None, None, None, _value(one["threshold"], 3),
        )
        for one in found.summary["baselines"]
    )  # fmt: skip


def own_table(findings: Findings) -> Table | None:
    """Sets that have more images than all have: over all of their own; None when there are none."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            found.title,
            found.template or None,
            Number(own["images"], 0),
            Number(own["best"]["mean_iou"]),
            _value(own["cross_validated"]),
            _interval(*(own["interval"] or (None, None))),
        )
        for found, own in findings.own
    )
    if not rows:
        return None
    caption = (
        f"Mean IoU over all images of a set, of which the other tables use the {len(findings.ids):,} that "
        "every set has. Rows over different images do not compare."
    )
    columns = ("method", "prompt", "images", "best (tuned)", "cross-validated", "95 % interval")
    return Table("own-images", "Sets that have more images.", caption, columns, rows).without_empty_columns()


def gain_table(findings: Findings) -> Table:
    """What morphology adds: cross-validated with its interval, and tuned as the poster did."""
    rows = tuple(
        _gain_row(found, p)
        for found, p in zip(findings.sets, findings.gains, strict=True)
        if found.summary["raw"] is not None
    )
    low, high = quoted.KERNELS
    caption = (
        "difference: what choosing among all cells of a set is worth more on other images than choosing "
        "among those without morphology (cross-validated mean IoU, source images apart, mean of repeats "
        "with new folds), with its 95 % interval, p, and p corrected by Holm for the sets of this table. "
        f"Below {GAIN_FROM} source images there is no interval that covers as often as it says, so there "
        f"is none. tuned: best cell over best raw cell, both {_TUNED}; kernels {low} to {high}: the same "
        f"with dilation, then erosion, and only these sides. poster: {quoted.POSTER}."
    )
    columns = (
        "method", "prompt", "images", "difference", "95 % interval", "p", "p (Holm)", "gain, cross-validated",
        "gain, tuned", f"gain, kernels {low} to {high}, tuned", _QUOTED, "without, cross-validated",
        "with, cross-validated",
    )  # fmt: skip
    table = Table("gain", "What morphology adds.", caption, columns, rows, frozenset({_QUOTED}))
    return table.without_empty_columns() if rows else table


def _gain_row(found: SetFindings, p_holm: float | None) -> tuple[Any, ...]:
    raw = found.summary["raw"]
    gain = raw["gain"]
    tuned = found.raw.mean_iou if found.raw else 0.0
    return (
        found.title,
        found.template or None,
        Number(gain["images"], 0),
        Number(gain["difference"], signed=True),
        _interval(gain["low"], gain["high"], signed=True),
        _value(gain["p"]),
        _value(p_holm),
        _percent(gain["difference"], raw["cross_validated"]),
        _percent(found.best.mean_iou - tuned, tuned),
        _percent(found.poster_kernels.mean_iou - tuned, tuned) if found.poster_kernels else None,
        quoted.gain(found.method) or None,
        Number(raw["cross_validated"]),
        Number(found.summary["cross_validated"]),
    )


def gain_sentence(found: SetFindings, p_holm: float | None) -> str:
    """What morphology does for one heatmap set, said plainly whichever way it came out.

    It may raise, or not be shown to. "None" is among the choices, so it cannot lower:
    a difference below zero is what choosing among more cells costs.
    """
    raw = found.summary["raw"]
    if raw is None:
        why = found.summary["unvalidated"] or "the grid has no config without morphology, or no other"
        return f"{found.title}: {why}, so what morphology adds is not known."
    gain = raw["gain"]
    difference = f"{Number(gain['difference'], signed=True)} cross-validated mean IoU"
    interval = _interval(gain["low"], gain["high"], signed=True)
    if interval is None:
        return (
            f"{found.title}: with morphology {difference}; {gain['sources'] or 'too few'} source images are "
            "not enough to say how sure that is."
        )
    if p_holm is not None and p_holm < SIGNIFICANT and gain["difference"] > 0:
        return (
            f"{found.title}: morphology raises the cross-validated mean IoU by "
            f"{Number(gain['difference'], signed=True)} "
            f"({_percent(gain['difference'], raw['cross_validated'])}; 95 % interval {interval}), from "
            f"{raw['cross_validated']:.4f} to {found.summary['cross_validated']:.4f}."
        )
    cost = (
        " Choosing among more cells costs a little where they gain nothing." if gain["difference"] < 0 else ""
    )
    return (
        f"{found.title}: morphology adds nothing that {gain['images']:,} images can show "
        f"({difference}, 95 % interval {interval}).{cost}"
    )


def pairs_table(findings: Findings, contest: Contest) -> Table:
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
            _value(pair.result["p"]),
            _value(pair.p_holm),
            Number(pair.result["images"], 0),
        )
        for pair in contest.pairs
    )
    caption = (
        "Difference of cross-validated mean IoU (first minus second), each tuned inside the same folds, over "
        "the images that both have: 95 % interval, p, and p corrected by Holm for the "
        f"{len(rows)} pairs compared. Below {COMPARED_FROM} source images neither is given."
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
        f"Cross-validated mean IoU over {sets[0].summary['images']:,} images ({CONVENTION}), each prompt "
        "with its own tuning inside the folds; the better prompt is chosen by looking at these numbers. "
        "Whether a difference is more than chance is in the table of pairs."
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
        (
            found.title,
            found.template or None,
            Number(found.summary["images"], 0),
            *(Number(_at_best(found, name)) for name in names),
        )
        for found in sets
    )
    caption = (
        "At the cell with the best mean IoU. precision, recall, F1, pixel accuracy: per image, then "
        "mean; micro: "
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
        "method", "prompt", "images", "standard error", "plateau, configs", "smallest kernels",
        "their mean IoU", "folds' choices", "oracle: threshold", "oracle: cell",
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


def _interval(low: float | None, high: float | None, *, signed: bool = False) -> Interval | None:
    if low is None or high is None:
        return None
    return Interval(Number(low, signed=signed), Number(high, signed=signed))
