"""The command that shows a state of the explorer again."""

from __future__ import annotations

import shlex

from cliploc.core.datasets.spec import lasting
from cliploc.core.postprocess import PARAMETERS
from cliploc.tui.state import ExplorerState

# What the command line asks of a recipe.
RECIPE = (
    "method", "backbone", "checkpoint", "template", "size", "quickgelu", "preprocess",
    "positions", "window", "stride", "background",
)  # fmt: skip


def command_line(dataset_spec: str, state: ExplorerState) -> str:
    """The command, as a shell reads it."""
    arguments = arguments_of(lasting(dataset_spec), state)
    return " ".join(["cliploc-tui", *map(shlex.quote, arguments)])


def arguments_of(dataset_spec: str, state: ExplorerState) -> list[str]:
    """Command-line arguments that stand for a dataset, a source and a config."""
    recipe = state.source.recipe
    arguments = ["--dataset", dataset_spec]
    if state.source.stored:
        arguments += ["--heatmaps", state.source.stored]
    else:
        for name in RECIPE:
            if value := getattr(recipe, name):
                arguments += [f"--{name}", str(value)]
        for parameter in recipe.spec.parameters:
            value = dict(recipe.parameters).get(parameter.name, parameter.default)
            if value != parameter.default:
                arguments += ["--set", f"{parameter.name}={value}"]
    for parameter in PARAMETERS:
        value = getattr(state.config, parameter.name)
        if value != parameter.default:
            arguments += [f"--{parameter.name}", repr(value) if isinstance(value, float) else str(value)]
    return arguments
