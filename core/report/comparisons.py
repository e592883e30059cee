"""Heatmap sets against each other, and against masks that need no network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from cliploc.core.errors import clean
from cliploc.core.report.findings import Findings, SetFindings
from cliploc.core.report.morphology import SIGNIFICANT
from cliploc.core.report.tables import Cell, Estimate, Number, Table, interval, number
from cliploc.core.scores import CONVENTION
from cliploc.core.sweep.compare import Comparison, SetComparison
from cliploc.core.sweep.doubts import COMPARED_FROM


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
    """Cross-validated mean IoU by method and prompt template; None with one template."""
    templates = list(dict.fromkeys(found.template for found in sets if found.template))
    if len(templates) < 2:
        return None
    baselines: tuple[tuple[Cell, ...], ...] = tuple(
        (one["name"], *[number(one["cross_validated"])] * len(templates))
        for one in sets[0].summary["baselines"]
    )
    by_method: dict[str, dict[str, SetFindings]] = defaultdict(dict)
    for found in sets:
        by_method[found.title].setdefault(found.template, found)
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
