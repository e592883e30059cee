"""`cliploc dataset`: what a dataset holds, and whether it is sound."""

from __future__ import annotations

import argparse

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


def add_dataset_argument(parser: argparse.ArgumentParser) -> None:
    """The --dataset option, the same everywhere."""
    parser.add_argument(
        "--dataset",
        default="demo",
        metavar="SPEC",
        help="demo, cocoglide, a folder like it, or coco:IMAGES:ANNOTATIONS.json (default: demo)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Dispatch to the action; 1 when `check` finds problems."""
    return {"stats": _stats, "list": _list, "check": _check}[arguments.action](arguments)


def _stats(arguments: argparse.Namespace) -> int:
    from core.commands.output import print_json, print_table
    from core.datasets import open_dataset
    from core.datasets.statistics import statistics

    found = statistics(open_dataset(arguments.dataset))
    numbers = {name: getattr(found, name) for name in ("images", "classes", "min", "max", "mean", "std")}
    if arguments.json:
        print_json({**numbers, "mask_area": found.mask_area, "per_class": found.per_class})
        return 0
    print_table(
        [{**numbers, **{f"area q{q:g}": value for q, value in found.mask_area.items()}}],
        as_json=False,
        caption="min, max, mean, std: images per class (population std); area: mask / image, quantiles",
    )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from core.commands.output import print_table
    from core.datasets import open_dataset

    samples = open_dataset(arguments.dataset).samples
    print_table([{"id": sample.id, "label": sample.label} for sample in samples], as_json=arguments.json)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from core.commands.output import print_json, print_lines, say
    from core.datasets import root_of
    from core.datasets.folder import check_folder, counted
    from core.errors import ParameterError

    if arguments.dataset.startswith("coco:"):
        raise ParameterError(
            "check reads folders in CocoGlide's layout; a COCO file is checked when it is opened"
        )
    root = root_of(arguments.dataset)
    problems = check_folder(root)
    if arguments.json:
        print_json({"dataset": str(root), "problems": problems})
    elif problems:
        print_lines(problems)
    say(f"{root}: {counted(problems)}")
    return 1 if problems else 0
