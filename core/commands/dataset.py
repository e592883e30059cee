"""`cliploc dataset`: what a dataset holds, and whether it is sound."""

from __future__ import annotations

import argparse

from cliploc.core.commands.options import (
    add_actions,
    add_dataset_argument,
    add_json_argument,
    opened,
    spec_of,
)
from cliploc.core.commands.output import print_json, print_lines, print_table, say, say_notes
from cliploc.core.datasets import problems_of
from cliploc.core.datasets.folder import counted
from cliploc.core.datasets.statistics import statistics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """dataset stats|list|check [--dataset SPEC] [--json]"""
    actions = {
        "stats": (_stats, "images, classes, images per class, mask areas"),
        "list": (_list, "every sample with its class"),
        "check": (_check, "decode everything and list all problems"),
    }
    for action in add_actions(parser, actions).values():
        add_dataset_argument(action)
        add_json_argument(action)


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
