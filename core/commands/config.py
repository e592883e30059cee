"""The options of one post-processing config, the same wherever a command takes one."""

from __future__ import annotations

import argparse

from cliploc.core.postprocess import PARAMETERS, PostProcess


def add_config_arguments(parser: argparse.ArgumentParser, *, threshold: bool) -> None:
    """One option per parameter of PostProcess. threshold: False where all thresholds are scored."""
    for parameter in PARAMETERS:
        if threshold or parameter.name != "threshold":
            shown = f"{parameter.default:.3f}" if isinstance(parameter.default, float) else parameter.default
            parser.add_argument(
                f"--{parameter.name}",
                default=str(parameter.default),
                metavar="|".join(parameter.choices) or ("T" if parameter.name == "threshold" else "SIDE"),
                help=f"{parameter.help} ({parameter.range_text()}; default: {shown})",
            )


def config_of(arguments: argparse.Namespace) -> PostProcess:
    """The config that was asked for. ParameterError for a value out of range."""
    given = {p.name: p.parse(getattr(arguments, p.name)) for p in PARAMETERS if hasattr(arguments, p.name)}
    return PostProcess.from_dict(given)
