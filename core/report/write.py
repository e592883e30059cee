"""The whole report: from run ids to a folder with page, tables and figures."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.datasets.spec import resolved
from cliploc.core.datasets.statistics import statistics
from cliploc.core.errors import ClipLocError, clean
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.paths import write_whole
from cliploc.core.report import claims, figures, morphology, provenance, sections
from cliploc.core.report.claims import Verdict
from cliploc.core.report.examples import gallery
from cliploc.core.report.figures import Figure
from cliploc.core.report.findings import Findings, SetFindings, finished_runs, gathered
from cliploc.core.report.latex import PREAMBLE, as_latex
from cliploc.core.report.page import Block, Commands, Pictures, Section, page
from cliploc.core.report.parts import Parts, parts_of, parts_table
from cliploc.core.report.tables import Table, as_markdown
from cliploc.core.sweep.doubts import doubts
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan
from cliploc.core.version import VERSION

PAGE = "report.html"


@dataclass(frozen=True)
class Report:
    """What was written. page: its path. verdicts: on the poster's claims, where they were tested.

    notes: what must be known before a number is believed.
    """

    page: Path
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]


def write_report(
    ledger: Ledger,
    runs: Sequence[str],
    out: Path,
    *,
    dataset: str | None = None,
    poster: bool = False,
    progress: Callable[[str], None] = lambda text: None,
) -> Report:
    """Write report.html, tables.md, tables.tex and figures/ into `out`.

    runs: ids of finished runs on one dataset. dataset: where it is now, if it has moved.
    poster: whether its claims are tested on these runs. ResourceError without matplotlib;
    ParameterError for runs that make no report.
    """
    figures.check_matplotlib()
    progress("reading the ledger")
    opened, reason = _opened(finished_runs(ledger, runs)[1][0], dataset)
    findings = gathered(ledger, runs, opened)
    progress("counting parts and holes")
    parts = _parts(findings, opened) if opened is not None else {}
    judged = claims.verdicts(findings, parts) if poster else ()
    page_parts = list(_sections(findings, judged, tuple(parts.values()), opened, reason, progress))
    blocks = [block for part in page_parts for block in part.blocks]
    tables = [block for block in blocks if isinstance(block, Table)]
    progress("writing")
    for block in blocks:
        if isinstance(block, Figure):
            _write(out / "figures" / f"{block.name}.svg", block.svg)
            _write(out / "figures" / f"{block.name}.png", block.png)
    _write(out / "tables.md", "\n".join(as_markdown(table) for table in tables).encode())
    _write(out / "tables.tex", (PREAMBLE + "\n".join(map(as_latex, tables))).encode())
    _write(out / PAGE, page(_title(findings), _subtitle(findings), page_parts, _footer(findings)).encode())
    notes = _notes(findings)
    return Report(out / PAGE, judged, notes)


def _parts(findings: Findings, dataset: Dataset) -> dict[str, Parts]:
    """Parts and holes of each method's best set, by the method's name."""
    sources = [findings.plans[0].sources[id_] for id_ in findings.ids]
    found = {leader.method: parts_of(leader, dataset, findings.ids, sources) for leader in findings.leaders}
    return {method: parts for method, parts in found.items() if parts is not None}


def _opened(plan: Plan, spec: str | None) -> tuple[Dataset | None, str]:
    """The dataset that was scored, or why it is not here."""
    try:
        dataset = open_dataset(resolved(spec, plan.dataset))
    except ClipLocError as error:
        if spec:
            raise
        return None, f"The dataset is not on this machine, so it cannot be described or shown: {error}"
    if not plan.scores(dataset):
        return None, f"{clean(dataset.name)} is not what it was when the runs scored it, so it is not shown."
    made_of = [Identity.from_dict(name["identity"]) for name in plan.sets if "identity" in name]
    if not all(identity.belongs_to(dataset) for identity in made_of):
        why = "has other pictures or labels than its heatmaps were made of, so it is not shown."
        return None, f"{clean(dataset.name)} {why}"
    return dataset, ""


def _sections(
    findings: Findings,
    judged: Sequence[Verdict],
    parts: Sequence[Parts],
    dataset: Dataset | None,
    reason: str,
    progress: Callable[[str], None],
) -> Iterator[Section]:
    sets, leaders = findings.sets, findings.leaders
    progress("drawing")
    prompts = sections.prompts_table(sets)
    scores = _present(sections.scores_table(findings), sections.own_table(findings))
    found = (*_lead(findings), *_notes(findings), *scores, _pairs(findings))
    yield Section("results", "Results", found)
    if judged:
        yield Section("claims", "The poster's claims", (claims.claims_table(judged),))
    more = _present(figures.kernel_surfaces(leaders), parts_table(parts) if parts else None)
    yield Section("morphology", "What morphology adds", (*_gain(findings), *more))
    yield Section("thresholds", "Scores over thresholds", (figures.threshold_curves(leaders),))
    if prompts:
        yield Section("prompts", "Prompts", (prompts,))
    yield Section("classes", "Classes", _classes(leaders, reason))
    yield Section("dataset", "Dataset", _dataset_blocks(findings, dataset, reason))
    yield Section("methods", "Methods", (provenance.methods_table(sets, is_posters=findings.is_posters),))
    progress("choosing examples")
    yield from _examples(findings, dataset, reason)
    others = (sections.other_scores_table(sets), sections.plateau_table(sets))
    yield Section("more", "Other scores, and how sharp the optimum is", others)
    searched = provenance.searched_table(findings)
    repeat = "These commands make it all again; the last one then takes the ids of the new runs."
    fewest = min(plan.images for plan in findings.plans)
    if dataset is not None and fewest < len(dataset.scorable):
        repeat += (
            " They take every image that gets a heatmap; of these runs, one took "
            f"{fewest:,} of {len(dataset.scorable):,}."
        )
    yield Section(
        "searched",
        "What was searched, and how to repeat it",
        (searched, repeat, Commands(tuple(dict.fromkeys(provenance.commands(findings))))),
    )


def _lead(findings: Findings) -> Iterator[str]:
    best = findings.leaders[0]
    yield _best(findings, best)
    for leader in findings.leaders:
        for doubt in doubts(leader.summary):
            yield f"{leader.title}: {doubt}."
    if len(findings.sets) > 1 and findings.comparison is not None and findings.comparison.best is not None:
        value = findings.comparison.best
        ends = "" if value["low"] is None else f" (95 % interval {value['low']:.4f} to {value['high']:.4f})"
        yield (
            "Which set is best was seen from these very numbers. With the choice among all "
            f"{len(findings.sets)} sets made inside the folds as well, the winner is worth a mean IoU of "
            f"{value['mean']:.4f}{ends}."
        )


def _best(findings: Findings, best: SetFindings) -> str:
    found = best.summary
    first = f"{'Best is ' if len(findings.leaders) > 1 else ''}{best.title}: "
    if found["cross_validated"] is None:
        first += f"not cross-validated, because {found['unvalidated']}"
    else:
        first += f"cross-validated mean IoU {found['cross_validated']:.4f}"
    if found["interval"] is not None:
        first += f" (95 % interval {found['interval'][0]:.4f} to {found['interval'][1]:.4f})"
    return (
        f"{first}; its best cell has {best.best.mean_iou:.4f} when tuned on the same "
        f"{found['images']:,} images."
    )


def _notes(findings: Findings) -> tuple[str, ...]:
    """What must be known before a number is believed: how files were read, what is empty or old."""
    old = (f"Run {row.id}: {row.mark}." for row in findings.runs if row.mark)
    shared = Counter(note for found in findings.sets for note in found.notes)
    notes = []
    for note, times in shared.items():
        whose = "; ".join(found.label for found in findings.sets if note in found.notes)
        everybody = times == len(findings.sets)
        notes.append(clean(f"{note[:1].upper()}{note[1:]}." if everybody else f"{whose}: {note}."))
    return (*old, *notes)


def _present(*blocks: Block | None) -> tuple[Block, ...]:
    return tuple(block for block in blocks if block is not None)


def _pairs(findings: Findings) -> Block:
    if findings.comparison is None:
        return f"Nothing is compared in pairs: {findings.without_pairs}."
    table = sections.pairs_table(findings, findings.comparison)
    return table or "Nothing is compared in pairs: there is only one heatmap set."


def _gain(findings: Findings) -> tuple[Block, ...]:
    sentences = tuple(morphology.gain_sentence(found, findings.gain_of(found)) for found in findings.leaders)
    return _present(*sentences, morphology.gain_table(findings), morphology.orders_table(findings))


def _classes(leaders: Sequence[SetFindings], reason: str) -> tuple[Block, ...]:
    if not leaders[0].labels:
        return (reason,)
    return figures.class_bars(leaders), sections.classes_table(leaders)


def _dataset_blocks(findings: Findings, dataset: Dataset | None, reason: str) -> tuple[Block, ...]:
    if dataset is None:
        return (reason,)
    found = statistics(dataset)
    return (
        provenance.dataset_table(found, dataset.name, is_posters=findings.is_posters),
        figures.class_histogram(found.per_class, dataset.name),
    )


def _examples(findings: Findings, dataset: Dataset | None, reason: str) -> Iterator[Section]:
    found = [gallery(leader, dataset, findings.ids) for leader in findings.leaders if dataset is not None]
    galleries = tuple(one for one in found if one is not None)
    if not galleries:
        absent = reason or "The heatmaps are not in this machine's store, so there is nothing to show."
        yield Section("examples", "Examples", (absent,))
        return
    yield Section("examples", "Examples: best, median, worst", (Pictures(galleries),))
    yield Section("failures", "Failures", (provenance.failures_table(galleries), *galleries))


def _title(findings: Findings) -> str:
    return f"Weakly supervised localization on {findings.plans[0].dataset_name}"


def _subtitle(findings: Findings) -> str:
    methods = ", ".join(leader.title for leader in findings.leaders)
    runs = ", ".join(row.id for row in findings.runs)
    cells = sum(plan.cells for plan in findings.plans)
    return f"{methods}. {cells:,} cells searched in run {runs}."


def _footer(findings: Findings) -> str:
    written = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    quoting = " Columns marked quoted are from the poster and are not computed here."
    return f"Written by cliploc {VERSION} on {written}.{quoting if findings.is_posters else ''}"


def _write(path: Path, content: bytes) -> None:
    write_whole(path, content)
    path.chmod(0o644)  # a report is there to be handed on; temporary files are private
