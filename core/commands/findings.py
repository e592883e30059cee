"""Runs in words and rows: what the `sweep` and `runs` commands print."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cliploc.core.errors import clean
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.doubts import GAIN_FROM, WORTH_FROM, doubts
from cliploc.core.sweep.rows import Best, RunRow


def as_plain(row: RunRow) -> dict[str, object]:
    """A run for JSON; the id under `run`, the best cell flat."""
    plain = {name: value for name, value in asdict(row).items() if name not in ("id", "best")}
    return {"run": row.id, **plain, "progress": row.progress, "best": best_row(row.best)}


def best_row(best: Best | None) -> dict[str, object] | None:
    """The best cell as one flat row."""
    if best is None:
        return None
    return {
        **best.config.to_dict(),
        "mean_iou": best.mean_iou,
        "heatmaps": best.heatmaps,
        "images": best.images,
    }


def list_row(row: RunRow) -> dict[str, object]:
    """A run as a row of the list."""
    return {
        "run": row.id,
        "created": time.strftime("%Y-%m-%d %H:%M", time.localtime(row.created)),
        "state": row.state,
        "done": f"{row.progress:.0%}",
        "left": "" if row.eta is None else f"{row.eta:.0f} s",
        "images/s": "" if row.rate is None else f"{row.rate:.1f}",
        "cells": row.cells,
        "best": None if row.best is None else row.best.mean_iou,
        "dataset": row.scored,
        "heatmaps": ", ".join(row.heatmaps),
        "note": "old" if row.mark else "",
    }


def sentences(row: RunRow, summaries: Mapping[int, Mapping[str, Any] | None]) -> list[str]:
    """What a run found, honestly: no tuned number without its check."""
    lines = [
        f"run {row.id}: {row.state}, {row.shards_done} of {row.shards} shards"
        + (f" ({row.message})" if row.message else ""),
        *([f"  note: {row.mark}"] if row.mark else []),
    ]
    for index, summary in summaries.items():
        if summary is not None:
            lines += ["", *_set_sentences(row.heatmaps[index], summary)]
    return lines


def _set_sentences(name: str, found: Mapping[str, Any]) -> list[str]:
    best = found["best"]
    lines = [
        f"{name}: mean IoU over {found['images']:,} images ({found['convention']}), "
        f"{found['cells']:,} cells searched",
        *(f"  note: {clean(note)}" for note in found.get("ground", {}).get("notes", ())),
        f"  grid's best      {best['mean_iou']:.4f}  {_words(best)} (tuned on these images)",
        *(f"  beware           {doubt}" for doubt in doubts(found)),
        *_validated_sentences(found),
    ]
    smallest = found["plateau_smallest"]
    lines.append(
        f"  plateau          {found['plateau_cells']:,} cells of {found['plateau_configs']:,} configs are "
        f"within one standard error ({found['standard_error']:.4f})\n"
        f"  smallest kernels {smallest['mean_iou']:.4f}  {_words(smallest)} (of the plateau)"
    )
    lines += _raw_sentences(found["raw"])
    lines += [f"  {one['name']:<16} {_baseline(one)}" for one in found["baselines"]]
    if found["oracle_threshold"] is not None:
        lines.append(
            f"  oracle (chosen per image by the true mask, no result): threshold "
            f"{found['oracle_threshold']:.4f}, cell {found['oracle_cell']:.4f}"
        )
    return lines


def _validated_sentences(found: Mapping[str, Any]) -> list[str]:
    if found["cross_validated"] is None:
        return [f"  cross-validated  not at all: {found['unvalidated']}"]
    sources = f"{found['sources']:,} source images" if found["sources"] else "an earlier version's folds"
    lines = [f"  cross-validated  {found['cross_validated']:.4f}  ({len(found['folds'])} folds of {sources})"]
    if found["interval"] is not None:
        low, high = found["interval"]
        lines.append(
            f"                   95 % interval {low:.4f} to {high:.4f}: what the choice is worth elsewhere"
        )
    else:
        lines.append("                   no interval: " + _no_interval(found["sources"], WORTH_FROM))
    lines += [
        f"    fold {fold['fold']}: {fold['mean_iou']:.4f} with {_words(fold)}" for fold in found["folds"]
    ]
    return lines


def _no_interval(sources: int, enough: int) -> str:
    if not sources:
        return "the run is of an earlier version, whose intervals were too narrow; sweep again for one"
    return f"{sources} source images are too few to know it; {enough} would do"


def _raw_sentences(raw: Mapping[str, Any] | None) -> list[str]:
    if raw is None:
        return []
    gain = raw["gain"]
    if gain["low"] is None:
        sure = f"no interval: {_no_interval(gain['sources'], GAIN_FROM)}"
    else:
        sure = f"95 % interval {gain['low']:+.4f} to {gain['high']:+.4f}, p = {gain['p']:.4f}"
    return [
        f"  no morphology    {raw['mean_iou']:.4f}  {_words(raw)}; "
        f"cross-validated {raw['cross_validated']:.4f}",
        f"  morphology adds  {gain['difference']:+.4f} cross-validated over {gain['images']:,} images "
        f"({sure})",
    ]


def _baseline(one: Mapping[str, Any]) -> str:
    crossed = "" if one["cross_validated"] is None else f"; cross-validated {one['cross_validated']:.4f}"
    tuned = "" if one["threshold"] is None else f" at threshold {one['threshold']:.3f}"
    return f"{one['mean_iou']:.4f}{tuned}, without any network{crossed}"


def _words(entry: Mapping[str, Any]) -> str:
    return PostProcess.from_dict(entry["config"]).text()
