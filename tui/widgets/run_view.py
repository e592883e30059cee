"""One run in figures: progress, what a tuned number is worth, best cells, dilation x erosion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from cliploc.core.errors import clean
from cliploc.core.scores import title_of
from cliploc.core.sweep.doubts import doubts
from cliploc.core.sweep.rows import RunRow
from cliploc.tui.curves import figure
from cliploc.tui.runs import HeatTable, RunView, duration

STATE_COLOUR = {"running": "$accent", "waiting": "$accent", "done": "$better", "failed": "$worse"}


def bar(progress: float, width: int) -> str:
    """A progress bar in `width` characters."""
    full = round(progress * width)
    return "█" * full + "░" * (width - full)


def run_line(row: RunRow, width: int) -> Content:
    """A run in one line: state, progress, rate, time left, best so far."""
    parts = [
        (f"sweep {row.id[:8]} ", "$foreground"),
        (f"{row.state} ", STATE_COLOUR.get(row.state, "$dim")),
        (f"{bar(row.progress, 16)} {row.progress:4.0%}", "$primary"),
        (f"  {row.configs:,} configs", "$dim"),
    ]
    if row.rate:
        parts.append((f"  {row.rate:,.1f} images/s", "$dim"))
    if row.eta is not None:
        parts.append((f"  ETA {duration(row.eta)}", "$dim"))
    if row.best is not None:
        word = "best" if row.state == "done" else "best so far"
        parts.append((f"  {word} {figure(row.best.mean_iou)}", "$foreground"))
        parts.append((f" ({', '.join(row.best.config.numbers(digits=2))})", "$dim"))
    return Content.assemble(*parts).truncate(width, ellipsis=True)


def summary_lines(view: RunView, width: int) -> list[Content]:
    """What the best cell is worth: tuned, cross-validated, against no morphology and no network."""
    row, summary = view.row, view.summary
    lines = [run_line(row, width)]
    if row.message:
        lines.append(Content.styled(clean(row.message), "$worse" if row.state == "failed" else "$dim"))
    notes = [row.mark] if row.mark else []
    if summary is not None:
        notes += summary.get("ground", {}).get("notes", ())
    lines += [line for note in notes for line in Content.styled(clean(note), "$worse").wrap(width)]
    if summary is None:
        return lines
    images = summary["images"]
    lines.append(
        Content.assemble(
            ("tuned       ", "$dim"),
            (figure(summary["best"]["mean_iou"]), "bold $foreground"),
            (f"  mean IoU, best of {summary['cells']:,} cells on these {images:,} images", "$dim"),
        )
    )
    lines += [Content.styled(f"            {clean(doubt)}", "$worse") for doubt in doubts(summary)]
    return [*lines, _crossed(summary), *_raw(summary), *_baselines(summary), *_oracle(summary)]


def _crossed(summary: Mapping[str, Any]) -> Content:
    if summary["cross_validated"] is None:
        text, ends = "–", f"  not at all: {clean(summary['unvalidated'])}"
    else:
        text, ends = figure(summary["cross_validated"]), "  on other images; too few source images to be sure"
    if summary["interval"] is not None:
        low, high = summary["interval"]
        ends = f"  on other images; 95 % interval {figure(low)} to {figure(high)}"
    return Content.assemble(("cross-val.  ", "$dim"), (text, "bold $foreground"), (ends, "$dim"))


def _raw(summary: Mapping[str, Any]) -> list[Content]:
    raw = summary["raw"]
    if raw is None:
        return []
    gain = raw["gain"]
    text = f"  cross-validated without morphology, which adds {gain['difference']:+.3f}"
    if gain["low"] is not None:
        text += f" ({gain['low']:+.3f} to {gain['high']:+.3f})"
    value = (figure(raw["cross_validated"]), "$foreground")
    return [Content.assemble(("no morph.   ", "$dim"), value, (text, "$dim"))]


def _baselines(summary: Mapping[str, Any]) -> list[Content]:
    if not summary["baselines"]:
        return []
    text = " · ".join(f"{one['name']} {figure(one['mean_iou'])}" for one in summary["baselines"])
    return [Content.assemble(("no network  ", "$dim"), (text, "$foreground"), ("  tuned too", "$dim"))]


def _oracle(summary: Mapping[str, Any]) -> list[Content]:
    value = summary.get("oracle_cell")
    if value is None:
        return []
    text = "  oracle: each image at its own best cell; an upper bound, never a result"
    return [Content.assemble(("oracle      ", "$dim"), (figure(value), "$foreground"), (text, "$dim"))]


def heat_table(table: HeatTable, score: str, width: int) -> Content:
    """Dilation down, erosion across; the brighter the better. The best is marked."""
    erodes = table.erodes[: max((width - 8) // 5, 1)]
    known = list(table.values.values())
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    head = Content.styled("  d╲e  " + "".join(f"{e:>5}" for e in erodes), "$dim")
    lines = [
        Content.styled(
            f"best {title_of(score)} over thresholds · {table.interpolation}, {table.order}", "$dim"
        ),
        head,
    ]
    for dilate in table.dilates:
        cells = [_heat_cell(table.values.get((dilate, erode)), low, high) for erode in erodes]
        lines.append(Content.assemble((f"{dilate:>5}  ", "$dim"), *cells))
    if len(erodes) < len(table.erodes):
        lines.append(
            Content.styled(f"{len(table.erodes) - len(erodes)} more columns; widen the terminal", "$dim")
        )
    return Content("\n").join(lines)


def _heat_cell(value: float | None, low: float, high: float) -> tuple[str, str]:
    if value is None:
        return "    ·", "$faint"
    strength = (value - low) / (high - low) if high > low else 1.0
    style = f"$foreground on $primary {round(10 + 60 * strength)}%"
    return f" {figure(value)}", f"bold {style}" if value == high else style
