"""`cliploc dataset`: what a dataset holds, and whether it is sound."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cliploc.core.datasets.spec import NAMES, ORIENTATIONS, PICTURES, parsed, written

if TYPE_CHECKING:
    from cliploc.core.datasets import Dataset

HELP = "statistics, samples and soundness of a dataset"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """dataset stats|list|check [--dataset SPEC] [--json]"""
    actions = parser.add_subparsers(dest="action", required=True, metavar="stats|list|check")
    for name, text in (
        ("stats", "images, classes, images per class, mask areas"),
        ("list", "every sample with its class"),
        ("check", "decode everything and list all problems"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        add_dataset_argument(action)
        action.add_argument("--json", action="store_true", help="print JSON")


def add_dataset_argument(parser: argparse.ArgumentParser, default: str | None = "demo") -> None:
    """The --dataset option and how its files are read, the same everywhere.

    default: None where the spec is kept with what the command works on.
    """
    where = "where the set's dataset is now, if it has moved" if default is None else f"default: {default}"
    parser.add_argument(
        "--dataset",
        default=default,
        metavar="SPEC",
        help="demo, cocoglide, a folder like it, or coco:IMAGES:ANNOTATIONS.json, with options: "
        f"PLACE?mask-value=1&orientation=stored ({where})",
    )
    reading = parser.add_argument_group("how the dataset's files are read, where they do not say it")
    reading.add_argument("--mask-value", metavar="V", help="what is foreground in masks: a number, or any")
    reading.add_argument("--orientation", choices=ORIENTATIONS, help="of pictures with an EXIF tag")
    reading.add_argument("--picture", choices=PICTURES, help="fake: CocoGlide's inpainted pictures")
    for name, text in (
        ("invert", "masks mark the background"),
        ("skip-missing", "leave out samples whose files are not there"),
        ("allow-empty", "score even where every true mask is empty"),
    ):
        reading.add_argument(f"--{name}", action="store_const", const="yes", help=text)


def spec_of(arguments: argparse.Namespace) -> str | None:
    """The spec that --dataset and the options behind it mean. ParameterError for a wrong one.

    None where neither is given; `?…` where only options are: for the spec that is kept.
    """
    given = {name: getattr(arguments, name.replace("-", "_")) for name in NAMES}
    options = {name: value for name, value in given.items() if value is not None}
    if not options:
        spec: str | None = arguments.dataset
        return spec
    place, before = parsed(arguments.dataset or "")
    return written(place, before.with_(options))


def run(arguments: argparse.Namespace) -> int:
    """Dispatch to the action; 1 when `check` finds problems."""
    return {"stats": _stats, "list": _list, "check": _check}[arguments.action](arguments)


def _stats(arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import print_json, print_table, say
    from cliploc.core.datasets.statistics import statistics

    dataset = opened(arguments)
    found = statistics(dataset)
    names = ("samples", "images", "classes", "min", "max", "mean", "std")
    numbers = {name: getattr(found, name) for name in names}
    for note in dataset.notes:
        say(f"note: {note}")
    if found.empty:
        say(f"note: {found.empty} of {found.samples} true masks are empty")
    if arguments.json:
        more = {"mask_area": found.mask_area, "empty_masks": found.empty, "notes": list(dataset.notes)}
        print_json({**numbers, **more, "per_class": found.per_class})
        return 0
    print_table(
        [{**numbers, **{f"area q{q:g}": value for q, value in found.mask_area.items()}}],
        as_json=False,
        caption="images: that samples were made from; min, max, mean, std: samples per class (population "
        "std); area: mask / image, quantiles",
    )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import print_table

    dataset = opened(arguments)
    sources = dataset.sources()
    print_table(
        [
            {"id": sample.id, "label": sample.label, "source": sources[sample.id]}
            for sample in dataset.samples
        ],
        as_json=arguments.json,
    )
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import print_json, print_lines, say
    from cliploc.core.datasets.check import problems_of
    from cliploc.core.datasets.folder import counted

    spec = spec_of(arguments)
    assert spec is not None  # --dataset has a default
    problems = problems_of(spec)
    if arguments.json:
        print_json({"dataset": spec, "problems": problems})
    elif problems:
        print_lines(problems)
    say(f"{spec}: {counted(problems)}")
    return 1 if problems else 0


def opened(arguments: argparse.Namespace) -> Dataset:
    """The dataset that the arguments mean. DatasetError, ParameterError."""
    from cliploc.core.datasets import open_dataset

    spec = spec_of(arguments)
    assert spec is not None  # --dataset has a default
    return open_dataset(spec)
