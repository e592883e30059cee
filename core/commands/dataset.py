"""`cliploc dataset`: what a dataset holds, whether it is sound, and how it becomes another layout."""

from __future__ import annotations

import argparse
from pathlib import Path
from shlex import quote

from cliploc.core.commands.options import (
    add_actions,
    add_dataset_argument,
    add_json_argument,
    add_reading_arguments,
    opened,
    spec_of,
)
from cliploc.core.commands.output import print_json, print_lines, print_table, say, say_notes
from cliploc.core.commands.progress import progress
from cliploc.core.datasets import problems_of
from cliploc.core.datasets.first_table import write_first_table
from cliploc.core.datasets.folder import counted
from cliploc.core.datasets.formats import WRITABLE
from cliploc.core.datasets.statistics import statistics
from cliploc.core.datasets.table import TABLE
from cliploc.core.errors import few
from cliploc.core.paths import expanded


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """dataset stats|list|check [--dataset SPEC] [--json], convert SPEC OUT --to LAYOUT, init FOLDER"""
    actions = {
        "stats": (_stats, "images, classes, images per class, mask areas"),
        "list": (_list, "every sample with its class"),
        "check": (_check, "decode everything and list all problems"),
        "convert": (_convert, "write it anew as a table, COCO's annotations or VOC's folders"),
        "init": (_init, "write a table.csv to fill in, from the pictures and masks of a folder"),
    }
    made = add_actions(parser, actions)
    for name in ("stats", "list", "check"):
        add_dataset_argument(made[name])
        add_json_argument(made[name])
    made["convert"].add_argument("dataset", metavar="SPEC", help="the dataset, as --dataset names it")
    made["convert"].add_argument("out", type=Path, metavar="OUT", help="a folder that is not there yet")
    made["convert"].add_argument("--to", required=True, choices=WRITABLE, help="the layout to write")
    add_reading_arguments(made["convert"])
    made["init"].add_argument("folder", type=Path, metavar="FOLDER", help="where the pictures are")


def _stats(arguments: argparse.Namespace) -> None:
    dataset = opened(arguments)
    found = statistics(dataset)
    names = ("samples", "images", "classes", "min", "max", "mean", "std")
    numbers = {name: getattr(found, name) for name in names}
    say_notes(dataset.notes)
    if found.empty:
        say(f"note: {found.empty} of {found.samples} true masks are empty")
    if found.without_truth:
        say(f"note: {found.without_truth} of {found.samples} samples have no true mask")
    if arguments.json:
        masks = {"empty_masks": found.empty, "without_truth": found.without_truth}
        more = {"mask_area": found.mask_area, **masks, "notes": list(dataset.notes)}
        print_json({**numbers, **more, "per_class": found.per_class})
        return
    print_table(
        [{**numbers, **{f"area q{q:g}": value for q, value in found.mask_area.items()}}],
        as_json=False,
        caption="images: that samples were made from; min, max, mean, std: samples per class (population "
        "std); area: mask / image, quantiles",
    )


def _list(arguments: argparse.Namespace) -> None:
    dataset = opened(arguments)
    sources = dataset.sources
    print_table(
        [
            {"id": sample.id, "label": sample.label, "source": sources[sample.id]}
            for sample in dataset.samples
        ],
        as_json=arguments.json,
    )


def _check(arguments: argparse.Namespace) -> int:
    spec = spec_of(arguments)
    assert spec is not None  # --dataset has a default
    problems = problems_of(spec)
    if arguments.json:
        print_json({"dataset": spec, "problems": problems})
    elif problems:
        print_lines(problems)
    say(f"{spec}: {counted(problems)}")
    return 1 if problems else 0


def _convert(arguments: argparse.Namespace) -> None:
    from cliploc.core.datasets.convert import convert, opened_as  # arrays, which listing needs none of

    dataset = opened(arguments)
    say_notes(dataset.notes)
    out = expanded(arguments.out).absolute()  # a name alone may be that of a dataset of ours
    with progress("samples") as report:
        count = convert(
            dataset, out, arguments.to, lambda done, total: report(f"writing {out.name}", done, total)
        )
    left = len(dataset.samples) - count
    say(f"{count} samples are in {out}" + (f"; {left} have no true mask and are not" if left else ""))
    say(f"open it: cliploc-tui --dataset {quote(opened_as(out, arguments.to))}")


def _init(arguments: argparse.Namespace) -> None:
    root = expanded(arguments.folder)
    found = write_first_table(root)
    say(
        f"{root / TABLE}: {found.rows} rows; {found.without_mask} lack a mask, "
        f"{found.without_label} a prompt (the label)"
    )
    if found.alone:
        say(f"{len(found.alone)} masks belong to no picture: {few(found.alone)}")
    say(f"fill it in, then: cliploc dataset check --dataset {quote(str(root))}")
