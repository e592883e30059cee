"""`cliploc runs`: watch, steer and read the runs of the ledger."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cliploc.core.commands.findings import as_plain, list_row, sentences
from cliploc.core.commands.options import add_actions, add_json_argument, add_worker_arguments
from cliploc.core.commands.output import print_json, print_lines, print_table, say, say_notes
from cliploc.core.commands.progress import progress
from cliploc.core.sweep.archive import pack, unpack
from cliploc.core.sweep.compare import baselines_of, compared, rivals
from cliploc.core.sweep.damage import named
from cliploc.core.sweep.doubts import COMPARED_FROM
from cliploc.core.sweep.executors import check_spec
from cliploc.core.sweep.export import export
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.process import awaken, detach, foreground
from cliploc.core.sweep.rows import RunRow

Act = Callable[[Ledger, argparse.Namespace], int | None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """runs list|show|watch|pause|cancel|resume|compare|delete|export|import [ID] …"""
    made = add_actions(parser, {name: (partial(_run, act), text) for name, (act, text) in _ACTIONS.items()})
    for name, action in made.items():
        if name == "compare":
            action.add_argument("ids", nargs="+", metavar="ID", help="runs")
        elif name == "import":
            action.add_argument("file", type=Path, metavar="FILE", help="a .zip from runs export")
        elif name != "list":
            action.add_argument("id", metavar="ID", help="a run's id, the beginning of it, or last")
    add_json_argument(*(made[name] for name in ("list", "show", "resume", "compare")))
    made["show"].add_argument(
        "--top", type=int, default=10, metavar="N", help="how many best cells (default: 10)"
    )
    add_worker_arguments(made["resume"], "as before")
    made["resume"].add_argument("--detach", action="store_true", help="leave it to a process of its own")
    made["export"].add_argument(
        "--format", default="csv", choices=("csv", "json", "parquet", "archive"), help="(default: csv)"
    )
    made["export"].add_argument(
        "--bundle", dest="format", action="store_const", const="archive", help="short for --format archive"
    )
    made["export"].add_argument("--out", type=Path, metavar="FILE", help="a file (default: standard output)")


def _run(act: Act, arguments: argparse.Namespace) -> int | None:
    ledger = Ledger()
    with named(ledger):
        ledger.sweep()
        return act(ledger, arguments)


def worked(ledger: Ledger, id_: str, *, as_json: bool) -> int:
    """Work on a run here, with a progress bar, and print what it found."""
    ask = "finishing the shards that are begun; once more (Ctrl-C) stops at once"
    with progress("shards") as show:
        state = foreground(ledger, id_, partial(show, "sweep"), lambda: say(ask))
    row = ledger.run(id_)
    if state == "done":
        _print_found(ledger, row, 1, as_json=as_json)
        return 0
    say(f"run {id_} is {state}: {row.message}")
    return 130 if state == "paused" else 1


def detached(ledger: Ledger, id_: str, *, as_json: bool) -> int:
    """Start a run's process and say how to follow it."""
    detach(ledger, id_)
    say(f"on its own now; `cliploc runs watch {id_}` follows it, log: {ledger.folder(id_) / 'log'}")
    if as_json:
        print_json({"run": id_, "state": ledger.run(id_).state})
    else:
        print_lines([id_])
    return 0


def _list(ledger: Ledger, arguments: argparse.Namespace) -> None:
    runs = ledger.runs()
    if arguments.json:
        print_json([as_plain(row) for row in runs])
    elif runs:
        print_table(
            [list_row(row) for row in runs], as_json=False, caption="best: mean IoU of the best cell so far"
        )
    else:
        say("no runs yet; `cliploc sweep --heatmaps SET` makes one")


def _show(ledger: Ledger, arguments: argparse.Namespace) -> None:
    _print_found(ledger, ledger.find(arguments.id), arguments.top, as_json=arguments.json)


def _print_found(ledger: Ledger, row: RunRow, top: int, *, as_json: bool) -> None:
    summaries = {index: ledger.summary(row.id, index) for index in ledger.finished_sets(row.id)}
    cells = [cell.flat() for cell in ledger.top_cells(row.id, top)] if summaries else []
    if as_json:
        found = [{"heatmaps": row.heatmaps[index], **(s or {})} for index, s in summaries.items()]
        print_json({**as_plain(row), "summaries": found, "cells_shown": cells})
        return
    print_lines(sentences(row, summaries))
    if cells:
        print_table(cells, as_json=False, caption="the best cells by mean IoU, tuned on these images")


def _watch(ledger: Ledger, arguments: argparse.Namespace) -> int:
    row = ledger.find(arguments.id)
    with progress("shards") as show:
        while row.state in ("running", "waiting"):
            show("sweep", row.shards_done, row.shards)
            time.sleep(0.5)
            row = ledger.run(row.id)
        show("sweep", row.shards_done, row.shards)
    say(f"run {row.id} is {row.state}" + (f": {row.message}" if row.message else ""))
    if row.state == "interrupted":
        say(f"its process is gone; `cliploc runs resume {row.id}` goes on")
    return 0 if row.state == "done" else 1


def _ask(ledger: Ledger, arguments: argparse.Namespace) -> None:
    row = ledger.find(arguments.id)
    ledger.ask(row.id, arguments.action)
    say(f"run {row.id}: asked to {arguments.action}; it is {ledger.run(row.id).state} now")


def _resume(ledger: Ledger, arguments: argparse.Namespace) -> int:
    row = ledger.find(arguments.id)
    if arguments.executor:
        check_spec(arguments.executor)
    awaken(ledger, row.id)
    if arguments.executor or arguments.workers:
        ledger.employ(row.id, arguments.executor or ledger.plan(row.id).executor, arguments.workers)
    if arguments.detach:
        return detached(ledger, row.id, as_json=arguments.json)
    return worked(ledger, row.id, as_json=arguments.json)


def _compare(ledger: Ledger, arguments: argparse.Namespace) -> None:
    everyone = rivals(ledger, [ledger.find(text).id for text in arguments.ids])
    for text in arguments.ids:
        say_notes(_notes(ledger, ledger.find(text)))
    comparison = compared(ledger, everyone)
    baselines = baselines_of(ledger, everyone)
    found = comparison.plain(baselines)
    if arguments.json:
        print_json(found)
        return
    standings = [
        {"heatmaps": name, "images": comparison.images[name], "cross_validated": s["mean"], "low": s["low"],
         "high": s["high"]}
        for name, s in comparison.standings.items()
    ]  # fmt: skip
    standings += [{**one, "heatmaps": f"{one['heatmaps']} (no network)"} for one in baselines]
    print_table(
        standings,
        as_json=False,
        caption="cross-validated mean IoU with its 95 % interval, over the images that all have"
        if comparison.best
        else "cross-validated mean IoU, each over its own images: no image is common to all",
    )
    if comparison.best:
        say(
            "with the choice among these sets made inside the folds as well: "
            f"cross-validated mean IoU {comparison.best['mean']:.4f}"
        )
    print_table(
        found["pairs"],
        as_json=False,
        caption="difference of cross-validated mean IoU (first - second) on shared images, 95 % interval, p, "
        f"p corrected by Holm; neither below {COMPARED_FROM} source images",
    )


def _notes(ledger: Ledger, row: RunRow) -> list[str]:
    """What must be known of a run's numbers: each sentence once, with the run it speaks of."""
    found = [row.mark] if row.mark else []
    for index in ledger.finished_sets(row.id):
        found += (ledger.summary(row.id, index) or {}).get("ground", {}).get("notes", ())
    return [f"run {row.id}: {note}" for note in dict.fromkeys(found)]


def _delete(ledger: Ledger, arguments: argparse.Namespace) -> None:
    row = ledger.find(arguments.id)
    ledger.delete(row.id)
    say(f"run {row.id} is gone")


def _export(ledger: Ledger, arguments: argparse.Namespace) -> None:
    say_notes(_notes(ledger, ledger.find(arguments.id)))
    if arguments.format == "archive":
        pack(ledger, ledger.find(arguments.id).id, arguments.out)
        return
    export(ledger, ledger.find(arguments.id).id, arguments.format, arguments.out, sys.stdout)


def _import(ledger: Ledger, arguments: argparse.Namespace) -> None:
    id_, notes = unpack(ledger, arguments.file)
    say_notes(notes)
    say(f"run {id_} is in the ledger; `cliploc runs show {id_}` says what it found")
    print_lines([id_])


_ACTIONS: dict[str, tuple[Act, str]] = {
    "list": (_list, "all runs, the newest first"),
    "show": (_show, "what a run found, with intervals and cross-validation"),
    "watch": (_watch, "follow a run until it stops"),
    "pause": (_ask, "ask a run to stop after the shards it has begun"),
    "cancel": (_ask, "stop a run for good (what is done is kept)"),
    "resume": (_resume, "go on with a run that stopped for whatever reason"),
    "compare": (_compare, "paired tests between heatmap sets of one or more runs"),
    "delete": (_delete, "forget a run and remove its arrays"),
    "export": (_export, "one row per cell, as csv, json or parquet; or a whole run as an archive"),
    "import": (_import, "take in a run that was exported as an archive"),
}
