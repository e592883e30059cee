"""The options of one post-processing config, the same wherever a command takes one."""

from __future__ import annotations

import argparse

from cliploc.core.postprocess import PARAMETERS, PostProcess

_PRINTED = 5e-4  # thresholds are printed with three digits


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
    """The config that was asked for, and a word where its threshold is another. ParameterError."""
    from cliploc.core.commands.output import say

    given = {p.name: p.parse(getattr(arguments, p.name)) for p in PARAMETERS if hasattr(arguments, p.name)}
    config = PostProcess.from_dict(given)
    asked = float(given.get("threshold", config.threshold))
    if abs(asked - config.threshold) > _PRINTED:
        say(
            f"note: threshold {asked:g} is taken as {config.threshold:.4f}, "
            "the nearest of the 100 that are scored"
        )
    return config
