"""`cliploc report`: runs as a page, tables and figures."""

from __future__ import annotations

import argparse
from pathlib import Path

from cliploc.core.commands.options import add_dataset_argument, spec_of
from cliploc.core.commands.output import print_lines, say
from cliploc.core.report.write import write_report
from cliploc.core.sweep.ledger import Ledger


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """report [--runs ID[,ID]] [--dataset SPEC] -o DIR"""
    parser.add_argument(
        "--runs", default="last", metavar="ID[,ID]", help="finished runs on one dataset (default: last)"
    )
    add_dataset_argument(parser, default=None)
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("report"), metavar="DIR", help="(default: report)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the report and print where its page is."""
    runs = [text.strip() for text in arguments.runs.split(",") if text.strip()]
    written = write_report(
        Ledger(), runs or ["last"], arguments.out, dataset=spec_of(arguments), progress=say
    )
    print_lines([str(written.page)])
