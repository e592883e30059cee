"""What morphology adds, and which order of it is best: tables and sentences."""

from __future__ import annotations

from typing import Any

from cliploc.core.postprocess import ORDERS
from cliploc.core.report import quoted
from cliploc.core.report.findings import Findings, SetFindings
from cliploc.core.report.tables import Cell, Estimate, Number, Table, interval, number, percent
from cliploc.core.sweep.doubts import GAIN_FROM, LEAD_FROM

SIGNIFICANT = 0.05
TUNED = "chosen on the same images"
QUOTED = "poster, CocoGlide (quoted)"


def orders_table(findings: Findings) -> Table | None:
    """Every order of dilation and erosion, tuned alone; None where only one was tried."""
    tried = [o for o in ORDERS if any(found.order(o) for found in findings.sets)]
    rows = tuple(
        (found.title, found.template or None, Number(found.summary["images"], 0),
         *(_order_cell(found, order) for order in tried), _lead(found))
        for found in findings.sets if found.summary["orders"]
    )  # fmt: skip
    if not rows:
        return None
    caption = (
        "Cross-validated mean IoU of choosing among the configs of one order alone: interpolation, kernels "
        "and threshold inside the folds. An order is what really runs, so that dilate-erode has two kernels "
        "of 3 or more. Last: what the best of dilate-erode on one half of the source images is worth more "
        "than the best of all other orders there, measured on the other half, with its 95 % interval (none "
        f"below {LEAD_FROM} source images)."
    )
    columns = ("method", "prompt", "images", *tried, "dilate-erode, more than the others")
    return Table("orders", "Orders of dilation and erosion.", caption, columns, rows).without_empty_columns()


def _order_cell(found: SetFindings, order: str) -> Cell:
    entry = found.order(order)
    return Number(entry["cross_validated"]) if entry else None


def _lead(found: SetFindings) -> Cell:
    entry = found.order("dilate-erode")
    if entry is None:
        return None
    lead = entry["lead"]
    return Estimate(Number(lead["difference"], signed=True), interval(lead["low"], lead["high"], signed=True))


def gain_table(findings: Findings) -> Table | None:
    """What morphology adds: cross-validated with its interval, and tuned; None where it is not known."""
    rows = tuple(
        _gain_row(found, p, findings.is_posters)
        for found, p in zip(findings.sets, findings.gains, strict=True)
        if found.summary["raw"] is not None
    )
    low, high = quoted.KERNELS
    caption = (
        "Cross-validated mean IoU (source images apart, mean of repeats with new folds) of choosing among "
        "the cells without morphology, and among all cells of a set; their difference with its 95 % "
        "interval, p, and p corrected by Holm for the sets of this table. "
        f"Below {GAIN_FROM} source images there is no interval that covers as often as it says, so there "
        f"is none. tuned: best cell over best raw cell, both {TUNED}; kernels {low} to {high}: the same "
        f"with dilation, then erosion, and only these sides."
        + (f" poster: {quoted.POSTER}." if findings.is_posters else "")
    )
    columns = (
        "method", "prompt", "images", "without", "with", "difference", "p", "p (Holm)", "gain", "gain, tuned",
        f"gain, kernels {low} to {high}, tuned", QUOTED,
    )  # fmt: skip
    table = Table("gain", "What morphology adds.", caption, columns, rows, frozenset({QUOTED}))
    return table.without_empty_columns() if rows else None


def _gain_row(found: SetFindings, p_holm: float | None, beside_poster: bool) -> tuple[Any, ...]:
    raw = found.summary["raw"]
    gain = raw["gain"]
    tuned = found.raw.mean_iou if found.raw else 0.0
    return (
        found.title,
        found.template or None,
        Number(gain["images"], 0),
        Number(raw["cross_validated"]),
        Number(found.summary["cross_validated"]),
        Estimate(Number(gain["difference"], signed=True), interval(gain["low"], gain["high"], signed=True)),
        number(gain["p"]),
        number(p_holm),
        percent(gain["difference"], raw["cross_validated"]),
        percent(found.best.mean_iou - tuned, tuned),
        percent(found.poster_kernels.mean_iou - tuned, tuned) if found.poster_kernels else None,
        (quoted.gain(found.method) or None) if beside_poster else None,
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
    ends = interval(gain["low"], gain["high"], signed=True)
    if ends is None:
        return (
            f"{found.title}: with morphology {difference}; {gain['sources'] or 'too few'} source images are "
            "not enough to say how sure that is."
        )
    if p_holm is not None and p_holm < SIGNIFICANT and gain["difference"] > 0:
        return (
            f"{found.title}: morphology raises the cross-validated mean IoU by "
            f"{Number(gain['difference'], signed=True)} "
            f"({percent(gain['difference'], raw['cross_validated'])}; 95 % interval {ends}), from "
            f"{raw['cross_validated']:.4f} to {found.summary['cross_validated']:.4f}."
        )
    cost = (
        " Choosing among more cells costs a little where they gain nothing." if gain["difference"] < 0 else ""
    )
    return (
        f"{found.title}: morphology adds nothing that {gain['images']:,} images can show "
        f"({difference}, 95 % interval {ends}).{cost}"
    )
