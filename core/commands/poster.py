"""`cliploc poster`: the whole experiment by one command, from weights to report and verdicts.

Three stages, each of which passes over what is already there: heatmap sets that
are complete, runs that are done. Stopped at any moment, the same command goes on.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from cliploc.core.backbones.ahead import check_network
from cliploc.core.backbones.catalog import IMAGENET, with_told
from cliploc.core.commands.options import (
    OURS,
    PUBLISHED,
    add_dataset_argument,
    add_json_argument,
    add_preset_argument,
    add_recipe_arguments,
    add_told_arguments,
    opened,
    say_published,
    spec_of,
    with_settings,
)
from cliploc.core.commands.output import print_json, print_lines, say, say_notes
from cliploc.core.commands.progress import progress
from cliploc.core.datasets import Dataset, Sample
from cliploc.core.errors import ParameterError, clean, unknown
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore
from cliploc.core.methods import METHODS as KNOWN
from cliploc.core.postprocess import ORDERS, PostProcess
from cliploc.core.prompts import TEMPLATES
from cliploc.core.report.claims import Verdict
from cliploc.core.report.figures import check_matplotlib
from cliploc.core.report.write import Report, write_report
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan
from cliploc.core.sweep.planning import planned
from cliploc.core.sweep.process import foreground

METHODS = "gem,textspan,gradcam"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """poster [--dataset SPEC] [--methods NAME,…] [--network METHOD=BACKBONE[:CHECKPOINT]] … [-o DIR]"""
    add_dataset_argument(parser)
    parser.add_argument(
        "--methods", default=METHODS, metavar="NAME[,NAME]", help=f"methods (default: {METHODS})"
    )
    parser.add_argument(
        "--network", dest="networks", action="append", default=[], metavar="METHOD=BACKBONE[:CHECKPOINT]",
        help="another network for a method, such as gem=ViT-B-16:/weights/vit.safetensors; may be repeated "
        "(default: the poster's; for the demo its own)",
    )  # fmt: skip
    add_told_arguments(parser)
    parser.add_argument(
        "--template", dest="templates", action="append", default=[], metavar="T",
        help="a prompt, with <label> or <a label> in it; may be repeated (default: the poster's two)",
    )  # fmt: skip
    add_recipe_arguments(parser)
    add_preset_argument(parser, "size, positions, windows, one prompt, parameters, the sweep's stretch")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="only N samples, drawn by the seed: a first look"
    )
    parser.add_argument(
        "--grid", action="append", default=[], metavar="NAME=LIST",
        help="an axis of the sweep, as that command takes it: dilate=1:61:12 or order=none,dilate-erode; may "
        "be repeated (default: all interpolations and orders, squares of 1:61:4)",
    )  # fmt: skip
    parser.add_argument("--device", default="auto", metavar="D", help="as for heatmaps compute")
    parser.add_argument("--workers", type=int, metavar="N", help="of the sweep (default: one per core)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of folds and --limit (default: 0)")
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("poster"), metavar="DIR", help="the report (default: poster)"
    )
    add_json_argument(parser, what="the verdicts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Heatmaps, one run per method, report; prints the verdicts and where the page is."""
    check_matplotlib()  # before minutes of work
    dataset = opened(arguments)
    _ = dataset.scorable  # a dataset without true masks is refused before anything is computed
    networks, preset = (
        _networks(arguments.networks, arguments.quickgelu, arguments.preprocess),
        arguments.preset,
    )
    recipes = poster_recipes(dataset, _names(arguments.methods), networks, arguments.templates, preset)
    recipes = _with_options(recipes, dataset, arguments)
    grids = {method: poster_grid(arguments.grid, _stretch(method, preset)) for method in recipes}
    drawn = _drawn(dataset, arguments.limit, arguments.seed)
    everything = [recipe for those in recipes.values() for recipe in those]
    for recipe in everything:
        check_network(recipe.backbone, recipe.weights, arguments.device)
    if preset == PUBLISHED:
        say_published(everything)
    ledger, runs = Ledger(), []
    sets = _heatmaps(recipes, dataset, drawn, arguments.device)
    for method, found in sets.items():
        id_, state = _swept(ledger, method, found, grids[method], drawn, arguments)
        if state != "done":
            say(f"run {id_} is {state}: {ledger.run(id_).message}; the same command goes on from here")
            return 130 if state == "paused" else 1
        runs.append(id_)
    report = write_report(ledger, runs, arguments.out, dataset=spec_of(arguments), poster=True, progress=say)
    _print(report, preset, as_json=arguments.json)
    return 0


def _print(report: Report, preset: str, *, as_json: bool) -> None:
    say_notes(report.notes)
    if as_json:
        verdicts = [asdict(one) for one in report.verdicts]
        notes = list(report.notes)
        print_json({"report": str(report.page), "preset": preset, "verdicts": verdicts, "notes": notes})
        return
    for method in dict.fromkeys(one.method for one in report.verdicts):
        print_lines([f"{method}{', as published' * (preset == PUBLISHED)}"])
        print_lines(f"  {_line(one)}" for one in report.verdicts if one.method == method)
    print_lines([str(report.page)])


def _line(one: Verdict) -> str:
    known = [] if one.cell is None else [f"{one.cell} {one.unit}, n = {one.images:,}"]
    p = [] if one.p is None else ["p < 0.0001" if one.p < 1e-4 else f"p = {one.p:.4f}"]
    said = "; ".join(filter(None, [", ".join(known + p), one.why]))
    return f"{one.verdict:<14} {one.claim}: {said}"


def poster_recipes(
    dataset: Dataset,
    methods: Sequence[str],
    networks: Mapping[str, tuple[str, str]],
    templates: Sequence[str] = (),
    preset: str = OURS,
) -> dict[str, list[Recipe]]:
    """The recipes by method: all templates (the poster's two), or one where the network reads no text.

    preset: as published, the usual template is the method's own.
    Grad-CAM's network is the poster's ImageNet ResNet-50, except on the demo; labels
    without an ImageNet class are left out.
    """
    found = {}
    for method in methods:
        network = (IMAGENET, "") if method == "gradcam" and dataset.name != "demo" else ("", "")
        backbone, checkpoint = networks.get(method, network)
        reads_text = backbone != IMAGENET
        settings = () if reads_text else (("no_class", "skip"),)
        usual = [""] if preset == PUBLISHED else TEMPLATES[:2]
        plain = [
            Recipe(method, backbone, checkpoint, template, parameters=settings)
            for template in (templates or usual)[: None if reads_text else 1]
        ]
        asked = [recipe.as_published() for recipe in plain] if preset == PUBLISHED else plain
        found[method] = [recipe.completed(dataset.name) for recipe in asked]
    return found


def _stretch(method: str, preset: str) -> str:
    """The usual one of a method's sweep."""
    return KNOWN[method].published.stretch if preset == PUBLISHED else PostProcess.stretch


def poster_grid(axes: Sequence[str], stretch: str = PostProcess.stretch) -> Grid:
    """All orders, with the axes that were typed as `name=list` instead. ParameterError for a wrong one."""
    texts = {}
    for axis in axes:
        name, equals, text = axis.partition("=")
        if not equals:
            raise ParameterError(
                f"grid: found {clean(axis)!r}, expected NAME=LIST, for example dilate=1:61:12"
            )
        texts[name] = text
    return Grid(orders=ORDERS, stretches=(stretch,)).with_(texts)


def _with_options(
    recipes: Mapping[str, Sequence[Recipe]], dataset: Dataset, arguments: argparse.Namespace
) -> dict[str, list[Recipe]]:
    """The recipes with size, precision and settings; each method takes the settings that it declares."""
    plain = [recipe for those in recipes.values() for recipe in those]
    sized = [replace(r, size=arguments.size or r.size, precision=arguments.precision) for r in plain]
    found = [recipe.completed(dataset.name) for recipe in with_settings(sized, arguments.settings)]
    return {method: [recipe for recipe in found if recipe.method == method] for method in recipes}


def _drawn(dataset: Dataset, limit: int | None, seed: int) -> Sequence[Sample]:
    """The samples to work on, in the dataset's order: all, or the first `limit` of a seeded shuffle."""
    if limit is None:
        return dataset.samples
    if limit < 1:
        raise ParameterError(f"limit: found {limit}, expected at least 1")
    order = sorted(dataset.samples, key=lambda sample: sample.id)
    random.Random(seed).shuffle(order)
    kept = {sample.id for sample in order[:limit]}
    return tuple(sample for sample in dataset.samples if sample.id in kept)


def _names(text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise ParameterError(f"methods: found none, expected names, for example {METHODS}")
    for name in names:
        if name not in KNOWN:
            raise unknown("method", name, KNOWN)
    return names


def _networks(settings: Sequence[str], quickgelu: str, preprocess: str) -> dict[str, tuple[str, str]]:
    """The networks that were named, by method, with what is said about their weights."""
    found = {}
    if (quickgelu or preprocess) and not settings:
        raise ParameterError("quickgelu and preprocess are about a --network; found none")
    for setting in settings:
        method, equals, network = setting.partition("=")
        if not equals or not network:
            raise ParameterError(f"network: found {clean(setting)!r}, expected METHOD=BACKBONE[:CHECKPOINT]")
        (name,) = _names(method)
        scheme = next((s for s in ("local-dir:", "hf-hub:") if network.startswith(s)), "")
        backbone, _, checkpoint = network.removeprefix(scheme).partition(":")
        found[name] = (scheme + backbone, with_told(checkpoint, quickgelu, preprocess))
    return found


def _heatmaps(
    recipes: Mapping[str, Sequence[Recipe]], dataset: Dataset, drawn: Sequence[Sample], device: str
) -> dict[str, list[HeatmapSet]]:
    """The sets of every method. The weights are read in any case: they decide which."""
    everything = [recipe for those in recipes.values() for recipe in those]
    say(f"{len(everything)} heatmap sets over {len(drawn)} images; loading PyTorch")
    from cliploc.core.heatmaps.extract import compute  # seconds: after everything that could be wrong

    known: dict[Recipe, HeatmapSet] = {}
    with progress() as show:
        for template in dict.fromkeys(recipe.template for recipe in everything):
            those = [recipe for recipe in everything if recipe.template == template]
            sets = compute(
                those,
                dataset,
                HeatmapStore(),
                samples=drawn,
                device=device,
                report=lambda now: show(now.methods, now.done, now.total),
                notice=say,
            )
            known |= dict(zip(those, sets, strict=True))
    return {method: [known[recipe] for recipe in those] for method, those in recipes.items()}


def _swept(
    ledger: Ledger,
    method: str,
    sets: Sequence[HeatmapSet],
    grid: Grid,
    drawn: Sequence[Sample],
    arguments: argparse.Namespace,
) -> tuple[str, str]:
    """The run of a method's sets, worked on until it is done or stopped. Returns its id and state."""
    plan = planned(
        [found.key for found in sets],
        grid,
        dataset=spec_of(arguments),
        workers=arguments.workers,
        seed=arguments.seed,
        only={sample.id for sample in drawn},
    )
    # The newest run that computes the same numbers, wherever and however it was computed.
    same = (row.id for row in ledger.runs() if _results(ledger.plan(row.id)) == _results(plan))
    id_ = next(same, None)
    if id_ is not None and ledger.run(id_).state == "done":
        say(f"{method}: run {id_} is done already")
        return id_, "done"
    id_ = id_ or ledger.create(plan)
    say(f"{method}: run {id_}, {plan.cells:,} cells over {plan.images:,} images each")
    with progress("shards") as show:
        state = foreground(ledger, id_, lambda done, total: show(f"sweep of {method}", done, total))
    return id_, state


def _results(plan: Plan) -> tuple[object, ...]:
    """What decides a plan's results."""
    keys = [found["key"] for found in plan.sets]
    return plan.truth, plan.reading, keys, plan.grid, plan.groups, plan.seed
