"""`cliploc sweep`: a whole grid of configs, exact at all 100 thresholds."""

from __future__ import annotations

import argparse

from cliploc.core.commands.options import (
    add_dataset_argument,
    add_json_argument,
    add_plan_arguments,
    add_worker_arguments,
    spec_of,
)
from cliploc.core.commands.output import print_table, say
from cliploc.core.commands.runs import detached, worked
from cliploc.core.cost import COST
from cliploc.core.datasets import open_dataset
from cliploc.core.postprocess import AXES
from cliploc.core.sweep.cost import measured
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan
from cliploc.core.sweep.planning import described, planned, seconds_expected


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """sweep --heatmaps SET[,SET] [--interpolation …] [--dilate 1:61:4] … [--detach] [--json]"""
    parser.add_argument("--heatmaps", required=True, metavar="SET[,SET]", help="heatmap sets, by name or key")
    add_dataset_argument(parser, default=None)
    for axis in AXES:
        names = f"{', '.join(axis.choices)} with commas, or all"
        text = names if axis.choices else "sides: first:last:step, or 41,51,61"
        parser.add_argument(
            f"--{axis.name}", default=axis.axis, metavar="LIST", help=f"{text} (default: {axis.axis})"
        )
    add_worker_arguments(parser, "local", default="local", usual="one per core")
    parser.add_argument(
        "--engine",
        default="auto",
        metavar="NAME",
        help="opencv, numba, auto: the faster that is there (default)",
    )
    parser.add_argument(
        "--keep",
        default="auto",
        metavar="WHAT",
        help="counts of every image, sums, or auto by size (default)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the folds (default: 0)")
    add_plan_arguments(parser, "workers elsewhere")
    parser.add_argument(
        "--detach", action="store_true", help="leave it to a process that outlives this terminal"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan, say the cost, then work here or detach."""
    grid = Grid().with_({name: getattr(arguments, name) for name in (axis.name for axis in AXES)})
    plan = planned(
        [name.strip() for name in arguments.heatmaps.split(",")],
        grid,
        dataset=spec_of(arguments),
        keep=arguments.keep,
        engine=arguments.engine,
        executor=arguments.executor,
        workers=arguments.workers,
        seed=arguments.seed,
    )
    dataset = open_dataset(plan.dataset)
    for line in described(plan, len(dataset.scorable), len(dataset.labels)):
        say(line)
    if arguments.plan:
        return _print_cost(plan, arguments)
    where = f"{plan.workers} workers ({plan.executor}, {plan.engine})"
    say(f"about {seconds_expected(plan):.0f} s of work for {where}")
    ledger = Ledger()
    id_ = ledger.create(plan)
    say(f"run {id_}")
    if arguments.detach:
        return detached(ledger, id_, as_json=arguments.json)
    return worked(ledger, id_, as_json=arguments.json)


def _print_cost(plan: Plan, arguments: argparse.Namespace) -> int:
    found = measured(plan)
    counts = dict.fromkeys([plan.workers, *arguments.on])
    rows = [found.cost(count).row() for count in counts]
    print_table(rows, as_json=arguments.json, caption=COST)
    return 0
