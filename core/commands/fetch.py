"""`cliploc fetch`: datasets that others made, checked and put where `--dataset` finds them."""

from __future__ import annotations

import argparse
from pathlib import Path

from cliploc.core.commands.output import say
from cliploc.core.commands.progress import progress
from cliploc.core.fetch import sources


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """fetch cocoglide|coco [--url ...] [--from ...]"""
    datasets = parser.add_subparsers(dest="action", required=True, metavar="cocoglide|coco")
    for name, text, parts in (
        ("cocoglide", "the 512 images of the poster, 123 MB", ("ARCHIVE",)),
        ("coco", "COCO val2017 with its annotations, 1.1 GB", ("IMAGES", "ANNOTATIONS")),
    ):
        dataset = datasets.add_parser(name, help=text, description=text)
        origin = dataset.add_mutually_exclusive_group()
        origin.add_argument(
            "--url",
            dest="urls",
            nargs=len(parts),
            default=(),
            metavar=parts,
            help="a mirror instead of its makers' server",
        )
        origin.add_argument(
            "--from", dest="files", nargs=len(parts), type=Path, default=(), metavar=parts,
            help="zip archives that were carried here; nothing is downloaded",
        )  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Fetch, and say how to open what was fetched."""
    source = {"cocoglide": sources.COCOGLIDE, "coco": sources.COCO}[arguments.action]
    with progress("bytes") as report:
        place = sources.fetch(source, report, say, [*arguments.urls, *arguments.files])
    spec = (
        source.name
        if source is sources.COCOGLIDE
        else f"coco:{place / 'val2017'}:{place / sources.INSTANCES}"
    )
    say(f"ready at {place}; open it with --dataset {spec}")
