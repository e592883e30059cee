"""The report's tables about how it came to be, and the commands that repeat it."""

from __future__ import annotations

import itertools
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence

from cliploc.core.datasets.statistics import Statistics
from cliploc.core.errors import clean
from cliploc.core.heatmaps.identity import IMPORTED, Identity
from cliploc.core.parameters import Value
from cliploc.core.postprocess import AXES
from cliploc.core.report import quoted
from cliploc.core.report.examples import FAILURES, Gallery
from cliploc.core.report.findings import Findings, SetFindings
from cliploc.core.report.tables import Cell, Number, Table
from cliploc.core.sweep.choosing import REPEATS
from cliploc.core.sweep.plan import FOLDS, Plan
from cliploc.core.sweep.rows import RunRow

_QUOTED = "poster (quoted)"
_TRAINING = {
    "openai": "WIT-400M", "laion2b": "LAION-2B", "laion400m": "LAION-400M", "datacomp": "DataComp",
    "tv_in1k": "ImageNet-1k", "random:": "none (random weights)",
}  # fmt: skip
_STATISTICS = {
    "images": "images", "classes": "classes", "min": "images per class, least",
    "max": "images per class, most", "mean": "images per class, mean",
    "std": "images per class, standard deviation",
}  # fmt: skip


def dataset_table(found: Statistics, name: str, *, is_posters: bool) -> Table:
    """Images and classes; is_posters: of CocoGlide, beside the poster's numbers of it."""
    rows = tuple(
        (title, _count(getattr(found, key)), _count(quoted.DATASET[key]) if is_posters else None)
        for key, title in _STATISTICS.items()
    )
    areas = tuple(
        (f"mask area, {label}", Number(100 * found.mask_area[q], 1, " %"), None)
        for q, label in ((0.0, "least"), (0.5, "median"), (1.0, "most"))
    )
    caption = (
        "The standard deviation is the population's; mask area: fraction of the image that the true "
        "mask covers."
    )
    columns = ("", clean(name), _QUOTED)
    table = Table("dataset", "The dataset.", caption, columns, rows + areas, frozenset({_QUOTED}))
    return table.without_empty_columns()


def _count(value: float) -> Number:
    return Number(value, 0 if float(value).is_integer() else 3)


def methods_table(sets: Sequence[SetFindings], *, is_posters: bool) -> Table:
    """What each heatmap set was made with; is_posters: beside the poster's networks."""
    rows = []
    for found in sets:
        identity = found.identity
        made_here = identity is not None and identity.method != IMPORTED
        training, encoder = quoted.NETWORKS.get(found.method, ("", "")) if is_posters else ("", "")
        rows.append(
            (
                found.title,
                _training(identity) if identity and made_here else "imported heatmaps",
                _network(identity) if identity else None,
                clean(identity.assumed) or None if identity else None,
                Number(identity.size, 0) if identity and made_here else None,
                clean(identity.template) or None if identity else None,
                _settings(identity) if identity and made_here else None,
                found.key,
                f"{training}, {encoder}" if training else None,
            )
        )
    caption = (
        "network: visual encoder, checkpoint, and the first digits of the SHA-256 of weights, activation, "
        "mean and std. input: side in pixels of the square that the network sees. "
        "set: the key of the heatmap set in the store."
    )
    columns = (
        "method", "training data", "network", "assumed", "input", "prompt", "parameters", "set", _QUOTED,
    )  # fmt: skip
    table = Table("methods", "Methods and networks.", caption, columns, tuple(rows), frozenset({_QUOTED}))
    return table.without_empty_columns()


def _network(identity: Identity) -> str | None:
    parts = (identity.backbone, identity.checkpoint, identity.digest[:12])
    return clean(", ".join(filter(None, parts))) or None


def _training(identity: Identity) -> str:
    if identity.backbone.startswith("demo-"):
        return "the demo's own scenes and captions"
    known = [data for start, data in _TRAINING.items() if identity.checkpoint.startswith(start)]
    return known[0] if known else "not known"


def _pass(identity: Identity) -> dict[str, str]:
    """What its forward pass had that is not usual, by the options of `heatmaps compute`."""
    names = ("positions", "window", "stride", "background")
    return {name: str(value) for name in names if (value := getattr(identity, name))}


def _settings(identity: Identity) -> str:
    settings = [f"{name}={value}" for name, value in (*identity.parameters, *_pass(identity).items())]
    return ", ".join([*settings, identity.precision, f"code version {identity.version}"])


def searched_table(findings: Findings) -> Table:
    """What was searched in each run, with which seed, where and when."""
    facts = [
        _facts(row, plan, machine)
        for row, plan, machine in zip(findings.runs, findings.plans, findings.machines, strict=True)
    ]
    names = dict.fromkeys(name for column in facts for name in column)
    rows = tuple((name, *(column.get(name) for column in facts)) for name in names)
    caption = "One column per run. Combinations that are the same computation are counted once."
    return Table("searched", "What was searched.", caption, ("", *(row.id for row in findings.runs)), rows)


def _facts(row: RunRow, plan: Plan, machine: Mapping[str, str]) -> dict[str, str]:
    grid = plan.grid
    return {
        "dataset": f"{clean(plan.dataset_name)} (true masks {plan.truth[:12]})",
        "images": f"{plan.images:,}",
        "heatmap sets": str(len(plan.sets)),
        **{axis.plural: _values(grid.axis(axis.name)) for axis in AXES},
        "configs": f"{len(grid.configs):,}",
        "thresholds": "100, evenly from 0 to 1; map >= threshold",
        "cells searched": f"{plan.cells:,}",
        "folds": f"{FOLDS}, samples of one source image together, {REPEATS} repeats with new folds",
        "source images": f"{len(set(plan.sources.values())):,}",
        "seed": str(plan.seed),
        "kept": "counts of every image" if plan.keep else "sums",
        "engine": f"{plan.engine}, {plan.workers} workers ({clean(plan.executor)})",
        "created": _time(row.created),
        "finished": _time(row.updated),
        "took": f"{row.updated - row.created:,.0f} s, waiting included",
        **{name: clean(value) for name, value in machine.items()},
    }


def _values(values: Sequence[Value]) -> str:
    """Names as they are, sides in pixels."""
    sides = [value for value in values if isinstance(value, int)]
    steps = {second - first for first, second in itertools.pairwise(sides)}
    if len(sides) > 3 and len(steps) == 1:
        return f"{sides[0]} to {sides[-1]} px, every {steps.pop()}"
    return ", ".join(map(str, values)) + (" px" if sides else "")


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def failures_table(galleries: Sequence[Gallery]) -> Table:
    """How often each method fails in which way."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (gallery.method, *(Number(gallery.counts[kind], 0) for kind in FAILURES), Number(gallery.images, 0))
        for gallery in galleries
    )
    kinds = "; ".join(f"{kind}: {meaning}" for kind, meaning in FAILURES.items())
    caption = f"Images of each kind at the method's best cell, the first kind that applies. {kinds}."
    return Table("failures", "How it fails.", caption, ("method", *FAILURES, "images"), rows)


def commands(findings: Findings) -> Iterator[str]:
    """The command lines that make it all again."""
    for found in findings.sets:
        identity = found.identity
        if identity is not None and identity.method != IMPORTED:
            yield _compute_line(identity)
    for plan in findings.plans:
        axes = [(f"--{axis.name}", ",".join(map(str, plan.grid.axis(axis.name)))) for axis in AXES]
        yield _line(
            "sweep", "--dataset", plan.dataset, "--heatmaps", ",".join(found["key"] for found in plan.sets),
            *itertools.chain(*axes), "--seed", str(plan.seed),
        )  # fmt: skip
    yield _line("report", "--runs", ",".join(row.id for row in findings.runs), "-o", "report")


def _compute_line(identity: Identity) -> str:
    settings = [word for name, value in identity.parameters for word in ("--set", f"{name}={value}")]
    checkpoint = ("--checkpoint", identity.checkpoint) if identity.checkpoint else ()
    return _line(
        "heatmaps", "compute", "--dataset", identity.dataset_spec, "--method", identity.method,
        "--backbone", identity.backbone, *checkpoint,
        "--template", identity.template, "--size", str(identity.size), "--precision", identity.precision,
        *(word for name, value in _pass(identity).items() for word in (f"--{name}", value)), *settings,
    )  # fmt: skip


def _line(*words: str) -> str:
    return clean(shlex.join(("cliploc", *words)))
