"""Whether rows that came from elsewhere are those of a run: every type, every length, every number.

A bundle is data. What it holds is entered into a ledger of ours only when nothing that reads
the ledger can stumble over it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np

from cliploc.core.errors import ClipLocError, StoreError, clean
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep.database import Rows
from cliploc.core.sweep.earlier import upgraded
from cliploc.core.sweep.ledger import card_of
from cliploc.core.sweep.plan import Plan
from cliploc.core.sweep.rows import Best
from cliploc.core.sweep.summary import Summary

STATES = ("paused", "interrupted", "cancelled", "failed", "done")
_ID = re.compile(r"[0-9a-f]{8}")
_CHECKSUM = re.compile(r"[0-9a-f]{64}|in sums")
_CHECKPOINT = re.compile(r"(sums-\d{1,9}\.npz [0-9a-f]{64})?")
_LAST_SECOND = 253_402_300_799  # of the year 9999
_BROKEN = (
    ClipLocError, KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError,
)  # fmt: skip


def vetted(rows: Rows) -> tuple[Rows, Plan]:
    """The rows of one run as they may be entered, and its plan. StoreError says what is wrong with them."""
    try:
        _expect(len(rows["runs"]) == 1, f"{len(rows['runs'])} runs, expected one")
        run = rows["runs"][0]
        _expect([row["run"] for row in rows["plans"]] == [run["id"]], "a run without its plan")
        plan = _plan(rows["plans"][0])
        _check_run(run, plan)
        _check_shards(rows["shards"], run["id"], len(plan.shards()))
        summaries = _check_summaries(rows["summaries"], run["id"], len(plan.sets))
        _check_scores(rows["scores"], run["id"], plan, summaries)
        card = json.loads(run["card"])
        machine = card.get("machine", {})
        _expect(conforms(machine, dict[str, str]), "a machine that is no table of words")
        ours = {**run, "card": json.dumps({**card_of(plan), "machine": machine}), "request": "", "plan": ""}
        return {**rows, "runs": [ours]}, plan
    except _BROKEN as error:
        raise StoreError(f"it holds no run that can be read: {clean(error)[:300]}") from error


def conforms(value: object, kind: object) -> bool:
    """Whether plain values have the shape of a type: TypedDict, union, list, dict, tuple, number, text.

    Whole numbers pass for floats; infinity and NaN are no numbers. Keys that a TypedDict does not
    name are passed over.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if is_typeddict(kind):
        return isinstance(value, dict) and _has_fields(value, kind)
    if origin in (Union, UnionType):
        return any(conforms(value, part) for part in parts)
    if origin is list:
        return isinstance(value, list) and all(conforms(each, parts[0]) for each in value)
    if origin in (dict, Mapping):
        return isinstance(value, Mapping) and all(
            conforms(key, parts[0]) and conforms(each, parts[1]) for key, each in value.items()
        )
    if origin is tuple:
        kinds = [parts[0]] * len(value) if parts[-1] is ... and isinstance(value, Sequence) else parts
        return (
            isinstance(value, list | tuple) and len(value) == len(kinds) and all(map(conforms, value, kinds))
        )
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind is Any:
        return True
    return type(value) is (NoneType if kind is None else kind)


def _has_fields(value: Mapping[str, object], kind: object) -> bool:
    hints = get_type_hints(kind, include_extras=True)
    for name, hint in hints.items():
        optional = get_origin(hint) is NotRequired
        if name not in value:
            if not optional:
                return False
        elif not conforms(value[name], get_args(hint)[0] if optional else hint):
            return False
    return True


def _plan(entry: Mapping[str, Any]) -> Plan:
    plan = Plan.from_dict(json.loads(entry["plan"]))
    hints = get_type_hints(Plan)
    wrong = [
        name for name, hint in hints.items() if name != "grid" and not conforms(getattr(plan, name), hint)
    ]
    _expect(not wrong, f"a plan whose {', '.join(wrong)} is not what it must be")
    _expect(plan.shard_images > 0, "a plan with shards of no images")
    _expect(bool(plan.sets) and plan.images > 0, "a plan that scores nothing")
    ids = [id_ for group in plan.groups for id_ in group]
    _expect(
        len(set(ids)) == len(ids) and set(ids) <= set(plan.sources),
        "a plan with samples twice, or without source",
    )
    return plan


def _check_run(run: Mapping[str, Any], plan: Plan) -> None:
    _expect(bool(_ID.fullmatch(run["id"])), f"a run called {run['id']!r}")
    _expect(run["state"] in STATES, f"a run that is {run['state']!r}")
    times = [run["created"], run["updated"], run["resumed"] or 0.0]
    _expect(all(conforms(each, float) and 0 <= each <= _LAST_SECOND for each in times), "a time that is none")
    _expect(
        (run["images"], run["shards"]) == (plan.images * len(plan.sets), len(plan.shards())),
        "other counts than its plan",
    )
    _expect(bool(_CHECKPOINT.fullmatch(run["checkpoint"])), "a checkpoint that is none")
    if run["best"] is not None:
        best = json.loads(run["best"])
        kinds = {"heatmaps": str, "mean_iou": float, "images": int}
        _expect(all(conforms(best[name], kind) for name, kind in kinds.items()), "a best cell that is none")
        _expect(
            Best.from_dict(best).heatmaps in {one["name"] for one in plan.sets}, "a best cell of another set"
        )


def _check_shards(shards: Sequence[Mapping[str, Any]], run: str, count: int) -> None:
    for shard in shards:
        _expect(shard["run"] == run and 0 <= shard["position"] < count, "a shard that the plan does not have")
        _expect(bool(_CHECKSUM.fullmatch(shard["checksum"])), "a checksum that is none")


def _check_summaries(rows: Sequence[Mapping[str, Any]], run: str, sets: int) -> dict[int, Summary]:
    found: dict[int, Summary] = {}
    for row in rows:
        _expect(row["run"] == run and 0 <= row["set_index"] < sets, "a summary of another heatmap set")
        summary = upgraded(json.loads(row["data"]))
        _expect(conforms(summary, Summary), "a summary that is none")
        found[row["set_index"]] = summary  # type: ignore[assignment]
    return found


def _check_scores(
    rows: Sequence[Mapping[str, Any]], run: str, plan: Plan, summaries: Mapping[int, Summary]
) -> None:
    lengths: dict[tuple[int, str], list[int]] = {}
    for row in rows:
        name, set_index = row["name"], row["set_index"]
        _expect(row["run"] == run and set_index in summaries, "scores of another heatmap set")
        _expect(0 <= row["config"] < len(plan.grid.configs), "scores of a config that the grid does not have")
        values = np.frombuffer(row["data"], "f4" if name == "labels" else "f8").astype(np.float64)
        missing = np.isnan(values) if name in ("labels", "folds") else False  # of folds without images
        _expect(
            bool((((values >= 0) & (values <= 1)) | missing).all()), "scores that are not between 0 and 1"
        )
        lengths.setdefault((set_index, name), []).append(len(values))
    for set_index, summary in summaries.items():
        names = {name for index, name in lengths if index == set_index}
        _expect("mean_iou" in names, "a summary without scores")
        for name in names:
            found = lengths[set_index, name]
            whole = name == "labels" or len(found) == len(plan.grid.configs)
            _expect(whole, f"{name} of some configs alone")
            _expect(
                len(set(found)) == 1 and found[0] in _lengths(name, summary), f"{name} at other thresholds"
            )


def _lengths(name: str, summary: Summary) -> set[int]:
    """How many values a score has: one a threshold, or one; mean IoU by label or fold, as many times more."""
    count = len(THRESHOLDS)
    if name == "labels":
        return {count * len(summary["labels"])}
    if name == "folds":
        return {count * folds for folds in range(1, 101)}
    return {count} if name == "mean_iou" else {1, count}


def _expect(holds: bool, found: str) -> None:
    if not holds:
        raise ValueError(f"found {found}")
