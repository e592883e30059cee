"""`cliploc runs`: watch, steer and read the runs of the ledger."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cliploc.core.sweep.compare import Contender
    from cliploc.core.sweep.ledger import Ledger, RunRow

HELP = "list, show, watch, pause, cancel, resume, compare, delete and export sweeps"

_ACTIONS = {
    "list": "all runs, the newest first",
    "show": "what a run found, with intervals and cross-validation",
    "watch": "follow a run until it stops",
    "pause": "ask a run to stop after the shards it has begun",
    "cancel": "stop a run for good (what is done is kept)",
    "resume": "go on with a run that stopped for whatever reason",
    "compare": "paired tests between heatmap sets of one or more runs",
    "delete": "forget a run and remove its arrays",
    "export": "one row per cell, as csv, json or parquet; or a whole run as an archive",
    "import": "take in a run that was exported as an archive",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """runs list|show|watch|pause|cancel|resume|compare|delete|export|import [ID] …"""
    actions = parser.add_subparsers(dest="action", required=True, metavar="|".join(_ACTIONS))
    made = {name: actions.add_parser(name, help=text, description=text) for name, text in _ACTIONS.items()}
    for name, action in made.items():
        if name == "compare":
            action.add_argument("ids", nargs="+", metavar="ID", help="runs")
        elif name == "import":
            action.add_argument("file", type=Path, metavar="FILE", help="a .zip from runs export")
        elif name != "list":
            action.add_argument("id", metavar="ID", help="a run's id, the beginning of it, or last")
    for name in ("list", "show", "resume", "compare"):
        made[name].add_argument("--json", action="store_true", help="print JSON")
    made["show"].add_argument(
        "--top", type=int, default=10, metavar="N", help="how many best cells (default: 10)"
    )
    made["resume"].add_argument("--detach", action="store_true", help="leave it to a process of its own")
    made["export"].add_argument(
        "--format", default="csv", choices=("csv", "json", "parquet", "archive"), help="(default: csv)"
    )
    made["export"].add_argument(
        "--bundle", dest="format", action="store_const", const="archive", help="short for --format archive"
    )
    made["export"].add_argument("--out", type=Path, metavar="FILE", help="a file (default: standard output)")


def run(arguments: argparse.Namespace) -> int:
    """Dispatch to the action."""
    from cliploc.core.sweep.damage import named
    from cliploc.core.sweep.ledger import Ledger

    actions: dict[str, Callable[[Ledger, argparse.Namespace], int]] = {
        "list": _list,
        "show": _show,
        "watch": _watch,
        "pause": _ask,
        "cancel": _ask,
        "resume": _resume,
        "compare": _compare,
        "delete": _delete,
        "export": _export,
        "import": _import,
    }
    ledger = Ledger()
    with named(ledger):
        ledger.sweep()
        return actions[arguments.action](ledger, arguments)


def worked(ledger: Ledger, id_: str, *, as_json: bool) -> int:
    """Work on a run here, with a progress bar, and print what it found."""
    from cliploc.core.commands.output import say
    from cliploc.core.sweep.process import foreground

    with _bar() as update:
        state = foreground(
            ledger,
            id_,
            update,
            lambda: say("finishing the shards that are begun; once more (Ctrl-C) stops at once"),
        )
    row = ledger.run(id_)
    if state == "done":
        _print_found(ledger, row, 1, as_json=as_json)
        return 0
    say(f"run {id_} is {state}: {row.message}")
    return 130 if state == "paused" else 1


def detached(ledger: Ledger, id_: str, *, as_json: bool) -> int:
    """Start a run's process and say how to follow it."""
    from cliploc.core.commands.output import print_json, print_lines, say
    from cliploc.core.sweep.process import detach

    detach(ledger, id_)
    say(f"on its own now; `cliploc runs watch {id_}` follows it, log: {ledger.folder(id_) / 'log'}")
    if as_json:
        print_json({"run": id_, "state": ledger.run(id_).state})
    else:
        print_lines([id_])
    return 0


def _list(ledger: Ledger, arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.findings import as_plain, list_row
    from cliploc.core.commands.output import print_json, print_table, say

    runs = ledger.runs()
    if arguments.json:
        print_json([as_plain(row) for row in runs])
    elif runs:
        print_table(
            [list_row(row) for row in runs], as_json=False, caption="best: mean IoU of the best cell so far"
        )
    else:
        say("no runs yet; `cliploc sweep --heatmaps SET` makes one")
    return 0


def _show(ledger: Ledger, arguments: argparse.Namespace) -> int:
    _print_found(ledger, ledger.find(arguments.id), arguments.top, as_json=arguments.json)
    return 0


def _print_found(ledger: Ledger, row: RunRow, top: int, *, as_json: bool) -> None:
    from cliploc.core.commands.findings import as_plain, cell_row, sentences
    from cliploc.core.commands.output import print_json, print_lines, print_table

    summaries = {index: ledger.summary(row.id, index) for index in ledger.finished_sets(row.id)}
    cells = [cell_row(cell) for cell in ledger.top_cells(row.id, top)] if summaries else []
    if as_json:
        found = [{"heatmaps": row.heatmaps[index], **(s or {})} for index, s in summaries.items()]
        print_json({**as_plain(row), "summaries": found, "cells_shown": cells})
        return
    print_lines(sentences(row, summaries))
    if cells:
        print_table(cells, as_json=False, caption="the best cells by mean IoU, tuned on these images")


def _watch(ledger: Ledger, arguments: argparse.Namespace) -> int:
    import time

    from cliploc.core.commands.output import say

    row = ledger.find(arguments.id)
    with _bar() as update:
        while row.state in ("running", "waiting"):
            update(row.shards_done, row.shards)
            time.sleep(0.5)
            row = ledger.run(row.id)
        update(row.shards_done, row.shards)
    say(f"run {row.id} is {row.state}" + (f": {row.message}" if row.message else ""))
    if row.state == "interrupted":
        say(f"its process is gone; `cliploc runs resume {row.id}` goes on")
    return 0 if row.state == "done" else 1


def _ask(ledger: Ledger, arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import say

    row = ledger.find(arguments.id)
    ledger.ask(row.id, arguments.action)
    say(f"run {row.id}: asked to {arguments.action}; it is {ledger.run(row.id).state} now")
    return 0


def _resume(ledger: Ledger, arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import say
    from cliploc.core.sweep.inputs import check_reading

    row = ledger.find(arguments.id)
    if row.state == "running":
        say(f"run {row.id} is at work already; `cliploc runs watch {row.id}` follows it")
        return 2
    check_reading(ledger.plan(row.id))
    ledger.set_state(row.id, "waiting")
    if arguments.detach:
        return detached(ledger, row.id, as_json=arguments.json)
    return worked(ledger, row.id, as_json=arguments.json)


def _compare(ledger: Ledger, arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import print_json, print_table, say
    from cliploc.core.sweep.choosing import COMPARED_FROM
    from cliploc.core.sweep.compare import compared, contenders

    everyone = [one for text in arguments.ids for one in contenders(ledger, ledger.find(text).id)]
    if len(everyone) < 2:
        say("one heatmap set has nothing to be compared with; give a second run")
        return 2
    for text in arguments.ids:
        for note in _notes(ledger, ledger.find(text)):
            say(f"note: {note}")
    contest = compared(ledger, everyone)
    baselines = _baselines(ledger, everyone)
    pairs = [{"first": c.first, "second": c.second, **c.result, "p_holm": c.p_holm} for c in contest.pairs]
    if arguments.json:
        means = {name: standing["mean"] for name, standing in contest.standings.items()}
        print_json(
            {"cross_validated": means, "images": contest.images, "baselines": baselines, "pairs": pairs}
        )
        return 0
    standings = [
        {"heatmaps": name, "images": contest.images[name], "cross_validated": s["mean"], "low": s["low"],
         "high": s["high"]}
        for name, s in contest.standings.items()
    ]  # fmt: skip
    standings += [{**one, "heatmaps": f"{one['heatmaps']} (no network)"} for one in baselines]
    print_table(
        standings,
        as_json=False,
        caption="cross-validated mean IoU with its 95 % interval, over the images that all have"
        if contest.best
        else "cross-validated mean IoU, each over its own images: no image is common to all",
    )
    if contest.best:
        say(
            "with the choice among these sets made inside the folds as well: "
            f"cross-validated mean IoU {contest.best['mean']:.4f}"
        )
    print_table(
        pairs,
        as_json=False,
        caption="difference of cross-validated mean IoU (first - second) on shared images, 95 % interval, p, "
        f"p corrected by Holm; neither below {COMPARED_FROM} source images",
    )
    return 0


def _baselines(ledger: Ledger, everyone: Sequence[Contender]) -> list[dict[str, Any]]:
    """What needs no network, where a run has scored it over just the images that all have."""
    everywhere = frozenset.intersection(*(one.ids for one in everyone))
    one = next((one for one in everyone if one.ids == everywhere), None)
    found = None if one is None else ledger.summary(one.run, one.set_index)
    return [
        {"heatmaps": each["name"], "images": len(everywhere), "cross_validated": each["cross_validated"]}
        for each in (found or {}).get("baselines", ())
    ]


def _notes(ledger: Ledger, row: RunRow) -> list[str]:
    """What must be known of a run's numbers: each sentence once, with the run it speaks of."""
    found = [row.mark] if row.mark else []
    for index in ledger.finished_sets(row.id):
        found += (ledger.summary(row.id, index) or {}).get("ground", {}).get("notes", ())
    return [f"run {row.id}: {note}" for note in dict.fromkeys(found)]


def _delete(ledger: Ledger, arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import say

    row = ledger.find(arguments.id)
    ledger.delete(row.id)
    say(f"run {row.id} is gone")
    return 0


def _export(ledger: Ledger, arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import say
    from cliploc.core.sweep.archive import pack
    from cliploc.core.sweep.export import export

    for note in _notes(ledger, ledger.find(arguments.id)):
        say(f"note: {note}")
    if arguments.format == "archive":
        pack(ledger, ledger.find(arguments.id).id, arguments.out)
        return 0
    export(ledger, ledger.find(arguments.id).id, arguments.format, arguments.out, sys.stdout)
    return 0


def _import(ledger: Ledger, arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import print_lines, say
    from cliploc.core.sweep.archive import unpack

    id_, notes = unpack(ledger, arguments.file)
    for note in notes:
        say(f"note: {note}")
    say(f"run {id_} is in the ledger; `cliploc runs show {id_}` says what it found")
    print_lines([id_])
    return 0


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar with rate and time left on stderr; nothing but its last state on a pipe."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("shards"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("shards", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
