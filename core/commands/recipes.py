"""The options of a recipe that are the same wherever heatmaps are computed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cliploc.core.heatmaps.recipe import Recipe


def add_recipe_arguments(parser: argparse.ArgumentParser) -> None:
    """--size, --precision, --set."""
    parser.add_argument(
        "--size", type=int, default=0, metavar="N", help="pixels that the network sees, N x N"
    )
    parser.add_argument(
        "--precision",
        default="auto",
        help="auto (bfloat16 on CUDA, else float32), float32, bfloat16, float16",
    )
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="PARAMETER=VALUE",
        help="a parameter of the method; may be repeated",
    )  # fmt: skip


def with_settings(recipes: Sequence[Recipe], settings: Sequence[str]) -> list[Recipe]:
    """Each recipe with those `name=value` settings that its method has. ParameterError for a wrong one."""
    from cliploc.core.heatmaps.recipe import parsed_parameters

    own: dict[Recipe, list[str]] = {recipe: [] for recipe in recipes}
    for setting in settings:
        name = setting.partition("=")[0]
        takers = [recipe for recipe in recipes if any(p.name == name for p in recipe.spec.parameters)]
        for recipe in takers or recipes[:1]:  # nobody's: the first one says what is wrong with it
            own[recipe].append(setting)
    return [
        replace(
            recipe,
            parameters=tuple(
                sorted({**dict(recipe.parameters), **dict(parsed_parameters(recipe.spec, taken))}.items())
            ),
        )
        for recipe, taken in own.items()
    ]
