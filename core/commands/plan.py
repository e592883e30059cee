"""`cliploc plan`: what a job takes, from doing a little of it: `--plan` of the command that would do it."""

from __future__ import annotations

import argparse

from cliploc.core.commands import heatmaps, sweep
from cliploc.core.commands.options import add_actions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """plan heatmaps|sweep, with the arguments of `heatmaps compute` or `sweep` [--on N,N]"""
    made = add_actions(
        parser,
        {
            "heatmaps": (heatmaps.compute, "what `cliploc heatmaps compute` takes with the same arguments"),
            "sweep": (sweep.run, "what `cliploc sweep` takes with the same arguments"),
        },
    )
    heatmaps.add_compute(made["heatmaps"])
    sweep.add_arguments(made["sweep"])
    for each in made.values():
        each.set_defaults(plan=True)
