"""The options that several commands take, each declared once, and what they mean together.

Free of torch and numpy: the explorer's command line has them, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cliploc.core.backbones.catalog import PREPROCESS, QUICKGELU
from cliploc.core.backbones.positions import ANTIALIASED, POSITIONS
from cliploc.core.commands.output import say
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.datasets.formats import FORMATS, LAYOUTS
from cliploc.core.datasets.spec import NAMES, ORIENTATIONS, PICTURES, parsed, written
from cliploc.core.heatmaps.recipe import Recipe, parsed_parameters
from cliploc.core.postprocess import PARAMETERS, PostProcess

OURS, PUBLISHED = "ours", "published"
_PRINTED = 5e-4  # thresholds are printed with three digits


def add_actions(
    parser: argparse.ArgumentParser, actions: Mapping[str, tuple[Callable[..., int | None], str]]
) -> dict[str, argparse.ArgumentParser]:
    """Give a command its actions: by name, what runs and what it is for. Returns their parsers."""
    subparsers = parser.add_subparsers(dest="action", required=True, metavar="|".join(actions))
    made = {}
    for name, (run, text) in actions.items():
        made[name] = subparsers.add_parser(name, help=text, description=text)
        made[name].set_defaults(run=run)
    return made


def add_worker_arguments(
    parser: argparse.ArgumentParser, where: str, *, default: str | None = None, usual: str = "as before"
) -> None:
    """--executor and --workers. where, usual: what they are when they are not given, in words."""
    parser.add_argument(
        "--executor",
        default=default,
        metavar="WHERE",
        help=f"local (processes), threads, dask, dask://host:port (default: {where})",
    )
    parser.add_argument("--workers", type=int, metavar="N", help=f"how many (default: {usual})")


def add_plan_arguments(parser: argparse.ArgumentParser, others: str) -> None:
    """--plan, --on. others: whom `--on` counts."""
    parser.add_argument(
        "--plan", action="store_true",
        help="say what it takes in time, memory and disk, from doing a little of it, and do no more",
    )  # fmt: skip
    parser.add_argument(
        "--on", type=_counts, default=[], metavar="N[,N]", help=f"with --plan: also on so many {others}"
    )


def _counts(text: str) -> list[int]:
    counts = [int(each) for each in text.split(",")]
    if min(counts) < 1:
        raise ValueError
    return counts


def add_json_argument(*parsers: argparse.ArgumentParser, what: str = "JSON") -> None:
    """--json. what: is printed."""
    for parser in parsers:
        parser.add_argument("--json", action="store_true", help=f"print {what}")


def add_dataset_argument(
    parser: argparse.ArgumentParser, default: str | None = "demo", where: str = ""
) -> None:
    """The --dataset option and how its files are read, the same everywhere.

    default: None where the spec is kept with what the command works on. where: what it says of that.
    """
    kept = "where the set's dataset is now, if it has moved"
    where = where or (kept if default is None else f"default: {default}")
    others = ", ".join(dict.fromkeys(each.written for each in FORMATS if each.prefix))
    parser.add_argument(
        "--dataset",
        default=default,
        metavar="SPEC",
        help=f"demo, cocoglide, a folder of any known layout, pictures alone, or {others}, with options: "
        f"PLACE?mask-value=1&orientation=stored ({where})",
    )
    add_reading_arguments(parser)


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """The options behind a dataset's spec, as options of a command."""
    reading = parser.add_argument_group("how the dataset's files are read, where they do not say it")
    reading.add_argument("--mask-value", metavar="V", help="what is foreground in masks: a number, or any")
    reading.add_argument("--orientation", choices=ORIENTATIONS, help="of pictures with an EXIF tag")
    reading.add_argument("--picture", choices=PICTURES, help="fake: CocoGlide's inpainted pictures")
    reading.add_argument("--layout", choices=LAYOUTS, help="what the place is (default: what it looks like)")
    reading.add_argument("--subset", metavar="NAME", help="the one part of it that is opened, such as val")
    reading.add_argument("--prompt", metavar="'A ; B'", help="what to look for in pictures without labels")
    for name, text in (
        ("invert", "masks mark the background"),
        ("skip-missing", "leave out samples whose files are not there"),
        ("allow-empty", "score even where every true mask is empty"),
    ):
        reading.add_argument(f"--{name}", action="store_const", const="yes", help=text)


def spec_of(arguments: argparse.Namespace) -> str | None:
    """The spec that --dataset and the options behind it mean. ParameterError for a wrong one.

    None where neither is given; `?…` where only options are: for the spec that is kept.
    """
    given = {name: getattr(arguments, name.replace("-", "_")) for name in NAMES}
    options = {name: value for name, value in given.items() if value is not None}
    if not options:
        spec: str | None = arguments.dataset
        return spec
    place, before = parsed(arguments.dataset or "")
    return written(place, before.with_(options))


def opened(arguments: argparse.Namespace) -> Dataset:
    """The dataset that the arguments mean. DatasetError, ParameterError."""
    spec = spec_of(arguments)
    assert spec is not None  # --dataset has a default
    return open_dataset(spec)


def add_config_arguments(parser: argparse.ArgumentParser, *, threshold: bool) -> None:
    """One option per parameter of PostProcess. threshold: False where all thresholds are scored."""
    for parameter in PARAMETERS:
        if threshold or parameter.name != "threshold":
            shown = f"{parameter.default:.3f}" if isinstance(parameter.default, float) else parameter.default
            parser.add_argument(
                f"--{parameter.name}",
                metavar="|".join(parameter.choices) or ("T" if parameter.name == "threshold" else "SIDE"),
                help=f"{parameter.help} ({parameter.range_text()}; default: {shown})",
            )


def config_of(arguments: argparse.Namespace, usual: PostProcess | None = None) -> PostProcess:
    """The config that was asked for, and a word where its threshold is another. ParameterError.

    usual: what is not asked for, the defaults where it is not given.
    """
    texts = {p: getattr(arguments, p.name, None) for p in PARAMETERS}
    given = {p.name: p.parse(text) for p, text in texts.items() if text is not None}
    config = (usual or PostProcess()).with_(**given)
    asked = float(given.get("threshold", config.threshold))
    if abs(asked - config.threshold) > _PRINTED:
        say(
            f"note: threshold {asked:g} is taken as {config.threshold:.4f}, "
            "the nearest of the 100 that are scored"
        )
    return config


def add_preset_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """--as ours|published. what: it sets, where nothing else is said."""
    parser.add_argument(
        "--as", dest="preset", choices=(OURS, PUBLISHED), default=OURS,
        help=f"published: as the method's authors have it: {what}",
    )  # fmt: skip


def say_published(recipes: Sequence[Recipe]) -> None:
    """How completed recipes run as published, and what their authors have besides."""
    for recipe in recipes:
        say(f"{recipe.method} as published: {recipe.in_words()}")
        if recipe.spec.published.without:
            say(f"note: its authors also have {recipe.spec.published.without}, which is not here")


def add_pass_arguments(parser: argparse.ArgumentParser) -> None:
    """--positions, --window, --stride, --background."""
    parser.add_argument(
        "--positions", default="", metavar="HOW",
        help=f"how positions are taken to another size: {', '.join(POSITIONS)} (default: {ANTIALIASED})",
    )  # fmt: skip
    parser.add_argument(
        "--window", type=int, default=0, metavar="N",
        help="show the network N x N pixels at a time, averaged where they overlap (default: all at once)",
    )  # fmt: skip
    parser.add_argument("--stride", type=int, default=0, metavar="N", help="between windows (default: half)")
    parser.add_argument(
        "--background", type=int, default=0, metavar="SCALE",
        help="the label's share of a softmax with background words (sky, wall, …) of cosines x SCALE: 40, 50",
    )  # fmt: skip


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


def add_told_arguments(parser: argparse.ArgumentParser, default: str | None = "") -> None:
    """--quickgelu yes|no, --preprocess openai|imagenet|inception; `default` where they are not given."""
    parser.add_argument(
        "--quickgelu", choices=tuple(QUICKGELU), default=default,
        help="whether the weights were trained with QuickGELU, as OpenAI's were (default: what a config "
        "beside them says, else no)",
    )  # fmt: skip
    parser.add_argument(
        "--preprocess", choices=tuple(PREPROCESS), default=default,
        help="the mean and std of the pictures they were trained on (likewise, else openai)",
    )  # fmt: skip
