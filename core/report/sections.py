"""The report's tables about scores, from what was found; every number with its convention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from cliploc.core.errors import clean
from cliploc.core.postprocess import PostProcess
from cliploc.core.report import quoted
from cliploc.core.report.findings import Findings, SetFindings
from cliploc.core.report.morphology import QUOTED, SIGNIFICANT, TUNED
from cliploc.core.report.tables import Cell, Estimate, Number, Table, interval, number
from cliploc.core.scores import CONVENTION, SCORES
from cliploc.core.sweep.compare import Comparison, SetComparison
from cliploc.core.sweep.doubts import COMPARED_FROM


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


def pairs_table(findings: Findings, comparison: SetComparison) -> Table | None:
    """The differences of all pairs as a matrix; None for one set without baselines."""
    names = list(comparison.ways)
    known = {found.compared_as: found for found in findings.sets}
    titles = [known[name].label if name in known else clean(name) for name in names]
    cells = {(pair.second, pair.first): _cell(pair) for pair in (*comparison.pairs, *findings.against)}
    labels = [
        (name, f"{place}. {title}") for place, (name, title) in enumerate(zip(names, titles, strict=True), 1)
    ]
    below = [(name, name) for name in dict.fromkeys(pair.second for pair in findings.against)]
    rows = tuple((label, *(cells.get((row, column)) for column in names)) for row, label in [*labels, *below])
    if not cells:
        return None
    caption = (
        "Cross-validated mean IoU of the row minus that of the column, each tuned inside the same folds, "
        f"over the same {int(comparison.sizes.sum()):,} images, with 95 % intervals. *: p below "
        f"{SIGNIFICANT} after Holm's correction for the {len(comparison.pairs)} pairs of sets"
        + (f", and for the {len(findings.against)} of sets and masks that need no network" if below else "")
        + f". Below {COMPARED_FROM} source images neither is given."
    )
    columns = ("row minus column", *(str(place) for place in range(1, len(names) + 1)))
    return Table("pairs", "Compared in pairs.", caption, columns, rows).without_empty_columns()


def _cell(pair: Comparison) -> Estimate:
    """The second minus the first: a row stands below its columns."""
    result = pair.result
    low, high = result["low"], result["high"]
    ends = None if low is None or high is None else interval(-high, -low, signed=True)
    mark = "*" if pair.p_holm is not None and pair.p_holm < SIGNIFICANT else ""
    return Estimate(Number(-result["difference"], signed=True), ends, mark)


def prompts_table(sets: Sequence[SetFindings]) -> Table | None:
    """Cross-validated mean IoU by method and prompt template; None where every method has one template."""
    templates = list(dict.fromkeys(found.template for found in sets if found.template))
    baselines: tuple[tuple[Cell, ...], ...] = tuple(
        (one["name"], *[number(one["cross_validated"])] * len(templates))
        for one in sets[0].summary["baselines"]
    )
    by_method: dict[str, dict[str, SetFindings]] = defaultdict(dict)
    for found in sets:
        by_method[found.title].setdefault(found.template, found)
    if all(len(known) < 2 for known in by_method.values()):
        return None
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (title, *(number(known[t].validated) if t in known else None for t in templates))
        for title, known in by_method.items()
    )
    caption = (
        f"Cross-validated mean IoU over {sets[0].summary['images']:,} images ({CONVENTION}), each prompt "
        "with its own tuning inside the folds; the better prompt is chosen by looking at these numbers. "
        "Whether a difference is more than chance is in the table of pairs. The last rows need no network, "
        "and read no prompt."
    )
    columns = ("method", *(f"“{clean(template)}”" for template in templates))
    return Table("prompts", "Prompts.", caption, columns, rows + baselines)
