"""`cliploc demo`: make the embedded default again, its scenes and its models."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cliploc.core.commands.options import add_actions
from cliploc.core.commands.output import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """demo build --out DIR [--seed] [--count] | demo train --out DIR [--model] [--steps] [--device]"""
    actions = {
        "build": (_build, "write demo scenes in CocoGlide's layout; the defaults give the shipped ones"),
        "train": (_train, "train the demo models from generated scenes and their captions"),
    }
    build, train = add_actions(parser, actions).values()
    build.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    build.add_argument(
        "--seed", type=_whole(0), default=0, help="series of scenes (default: 0, the shipped one)"
    )
    build.add_argument("--count", type=_whole(1), default=120, help="how many scenes (default: 120)")
    train.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the checkpoints go")
    train.add_argument(
        "--model", choices=("vit", "resnet", "pooled", "all"), default="all", help="(default: all)"
    )
    train.add_argument(
        "--steps",
        type=_whole(1),
        metavar="N",
        help="N steps for each network instead of the recipe's, for a quick try",
    )
    train.add_argument("--scenes", type=_whole(1), default=24_000, help="training scenes (default: 24000)")
    train.add_argument(
        "--held-out", type=_whole(1), default=200, help="fresh scenes to score on (default: 200)"
    )
    train.add_argument(
        "--seed", type=_whole(0), default=1, help="series of scenes and random numbers (default: 1)"
    )
    train.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps (default: cpu)")


def _whole(low: int) -> Callable[[str], int]:
    """An argument type: a whole number of at least `low`."""

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < low:
            raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number of at least {low}")
        return int(text)

    return read


def _build(arguments: argparse.Namespace) -> None:
    from cliploc.core.demo.layout import build

    build(arguments.out, arguments.seed, arguments.count)
    say(f"{arguments.count} scenes of series {arguments.seed} are in {arguments.out}")


def _train(arguments: argparse.Namespace) -> None:
    from cliploc.core.backbones.network import device_of
    from cliploc.core.demo.train.recipe import LENGTHS, MODELS, TrainingRecipe, train

    device = str(device_of(arguments.device))
    recipe = TrainingRecipe(
        scenes=arguments.scenes, seed=arguments.seed, held_out=arguments.held_out, device=device
    )
    if arguments.steps is not None:
        recipe = replace(recipe, **dict.fromkeys(LENGTHS, arguments.steps))
    models = MODELS if arguments.model == "all" else (arguments.model,)

    def log(stage: str, step: int, values: dict[str, float]) -> None:
        say(f"{stage} {step}: " + ", ".join(f"{name} {value:.4f}" for name, value in values.items()))

    train(arguments.out, models, recipe, log, workers=os.cpu_count() or 1)
    say(f"{' and '.join(models)}: checkpoint, training log and scores are in {arguments.out}")
