"""`cliploc heatmaps`: compute heatmap sets, look at them, take them in and out of the store."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from cliploc.core.backbones.ahead import check_network
from cliploc.core.commands.options import (
    PUBLISHED,
    add_actions,
    add_dataset_argument,
    add_json_argument,
    add_pass_arguments,
    add_plan_arguments,
    add_preset_argument,
    add_recipe_arguments,
    add_told_arguments,
    opened,
    say_published,
    spec_of,
    with_settings,
)
from cliploc.core.commands.output import print_json, print_lines, print_table, say, say_notes
from cliploc.core.commands.progress import progress
from cliploc.core.cost import COST
from cliploc.core.datasets import Dataset
from cliploc.core.errors import DatasetError, ParameterError
from cliploc.core.heatmaps.exchange import export_npz, import_npz
from cliploc.core.heatmaps.merge import merge
from cliploc.core.heatmaps.part import Part, part_of
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore
from cliploc.core.heatmaps.terms import TermSet, every


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """heatmaps compute|list|show|remove|import|export|merge"""
    actions = {
        "compute": (compute, "run methods over a dataset; goes on from what is stored"),
        "list": (_list, "every stored set; terms: samples whose heads are kept one by one"),
        "show": (_show, "what a set was made of, and how complete it is"),
        "remove": (_remove, "delete sets, and the terms of their heads"),
        "import": (
            _import, "take in heatmaps made elsewhere: .npz with ids (n,) and heatmaps (n, h, w) in [0, 1]",
        ),
        "export": (_export, "write a set as .npz, as `import` reads it"),
        "merge": (_merge, "take in what other machines computed: their stores, or folders of sets"),
    }  # fmt: skip
    made = add_actions(parser, {name: (partial(_run, act), text) for name, (act, text) in actions.items()})
    add_compute(made["compute"])
    made["show"].add_argument("set", metavar="SET", help="a set's name, its key, or the beginning of either")
    made["show"].add_argument(
        "--missing", action="store_true", help="print the samples that have no heatmap, one a line"
    )
    add_dataset_argument(made["show"], default=None)
    made["merge"].add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    made["remove"].add_argument("sets", nargs="+", metavar="SET", help="names, keys, or their beginnings")
    made["import"].add_argument("file", type=Path, metavar="FILE.npz")
    add_dataset_argument(made["import"])
    made["import"].add_argument(
        "--normalize", action="store_true",
        help="take values of any range and type, (n, 1, h, w), ids with endings; stretched when used",
    )  # fmt: skip
    made["import"].add_argument("--name", help="what the set is called (default: the file's name)")
    made["export"].add_argument("set", metavar="SET")
    made["export"].add_argument("file", type=Path, metavar="FILE.npz")
    add_json_argument(*(made[name] for name in ("list", "show", "import", "merge")))


def _run(act: Callable[[argparse.Namespace], int | None], arguments: argparse.Namespace) -> int | None:
    HeatmapStore().sweep()
    return act(arguments)


def add_compute(parser: argparse.ArgumentParser) -> None:
    """The arguments of `heatmaps compute`."""
    add_dataset_argument(parser)
    parser.add_argument(
        "--method",
        default="gem",
        metavar="NAME[,NAME]",
        help="methods, one pass where they can share it (default: gem)",
    )
    parser.add_argument(
        "--backbone", "--model", default="", metavar="NAME",
        help="demo-vit, demo-resnet, demo-pooled, an open_clip architecture, local-dir:PATH, hf-hub:ORG/REPO "
        "(default: the demo's own for the demo, else the method's)",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoint",
        default="",
        metavar="C",
        help="a tag, a file, or random:SEED (default: the backbone's usual one)",
    )
    add_told_arguments(parser)
    parser.add_argument(
        "--template", default="", metavar="T", help="the prompt, with <label> or <a label> in it"
    )
    parser.add_argument(
        "--device",
        default="auto",
        metavar="D",
        help="auto, cpu, cuda, cuda:1, mps, all, or several with commas",
    )
    parser.add_argument(
        "--batch",
        type=int,
        default=0,
        metavar="N",
        help="images at once (default: by the device; halved to fit)",
    )
    parser.add_argument(
        "--part",
        default="",
        metavar="i/n",
        help="only this machine's share of the batches, i from 0 to n - 1; slurm: as the array job says "
        "(with the same --batch everywhere, the set has the bytes of one machine's)",
    )
    add_recipe_arguments(parser)
    add_pass_arguments(parser)
    add_preset_argument(parser, "size, positions, windows, prompts and parameters")
    add_plan_arguments(parser, "machines like this one, each with a part")
    add_json_argument(parser)


def compute(arguments: argparse.Namespace) -> None:
    """Run methods over a dataset, or say what that takes."""
    part = part_of(arguments.part, os.environ) if arguments.part else Part()
    dataset = opened(arguments)
    arguments.template = arguments.template or dataset.template
    recipes = [recipe.completed(dataset.name) for recipe in _recipes(arguments)]
    say_notes(_assumed(dataset))
    if arguments.preset == PUBLISHED:
        say_published(recipes)
    for recipe in recipes:
        check_network(recipe.backbone, recipe.weights, arguments.device)
    networks = dict.fromkeys(f"{recipe.backbone} {recipe.weights}".strip() for recipe in recipes)
    say(f"loading PyTorch, then {', '.join(networks)}")
    if arguments.plan:
        _print_cost(recipes, dataset, part, arguments)
        return
    from cliploc.core.heatmaps import extract  # seconds: after everything that could be wrong

    with progress() as show:
        sets = extract.compute(
            recipes,
            dataset,
            HeatmapStore(),
            device=arguments.device,
            batch=arguments.batch,
            part=part,
            report=lambda now: show(now.methods, now.done, now.total),
            notice=say,
        )
    for heatmap_set in sets:
        left_out = len(dataset.samples) - len(heatmap_set.ids())
        if left_out and part.count > 1:
            say(
                f"{heatmap_set.name}: {left_out} of {len(dataset.samples)} samples are not here yet; "
                f"`cliploc heatmaps show {heatmap_set.name} --missing` names them, "
                "`heatmaps merge` takes in what other machines stored elsewhere"
            )
        elif left_out:
            say(
                f"{heatmap_set.name}: {left_out} samples were left out: ImageNet has no class for their label"
            )
        constant = heatmap_set.constant()
        if constant:
            say(
                f"{heatmap_set.name}: {len(constant)} of {len(heatmap_set.ids())} heatmaps are constant: "
                f"{heatmap_set.identity.method} sees nothing in {', '.join(constant[:3])}"
                f"{', …' if len(constant) > 3 else ''}"
            )
    print_table([_row(heatmap_set) for heatmap_set in sets], as_json=arguments.json)


def _print_cost(
    recipes: Sequence[Recipe], dataset: Dataset, part: Part, arguments: argparse.Namespace
) -> None:
    from cliploc.core.heatmaps.cost import measured

    found = measured(recipes, dataset, device=arguments.device, batch=arguments.batch)
    counts = dict.fromkeys([part.count, *arguments.on])
    print_table([found.cost(count).row() for count in counts], as_json=arguments.json, caption=COST)


def _assumed(dataset: Dataset) -> tuple[str, ...]:
    """How the files are read; heatmaps need no mask, so that what is wrong with those is only said."""
    try:
        return dataset.notes
    except DatasetError as error:
        return (str(error),)


def _recipes(arguments: argparse.Namespace) -> list[Recipe]:
    """One recipe per method; each takes those of the settings that it declares."""
    plain = Recipe(
        "", arguments.backbone, arguments.checkpoint, arguments.template, arguments.size,
        precision=arguments.precision, quickgelu=arguments.quickgelu, preprocess=arguments.preprocess,
        positions=arguments.positions, window=arguments.window, stride=arguments.stride,
        background=arguments.background,
    )  # fmt: skip
    names = [name.strip() for name in arguments.method.split(",") if name.strip()]
    recipes = [replace(plain, method=name) for name in dict.fromkeys(names)]
    if not recipes:
        raise ParameterError("method: found none, expected a name, for example gem")
    asked = with_settings(recipes, arguments.settings)
    return [recipe.as_published() for recipe in asked] if arguments.preset == PUBLISHED else asked


def _list(arguments: argparse.Namespace) -> None:
    store = HeatmapStore()
    sets = _everything(store)
    print_table([_row(heatmap_set) for heatmap_set in sets], as_json=arguments.json)
    if not sets:
        say(f"no heatmap sets at {store.root}; `cliploc heatmaps compute` makes one")


def _show(arguments: argparse.Namespace) -> None:
    store = HeatmapStore()
    found = store.find(arguments.set, _everything(store))
    if arguments.missing:
        _print_missing(found, arguments)
        return
    terms = TermSet(found.identity)
    facts = {
        "name": found.name,
        "key": found.key,
        **found.identity.to_dict(),
        "note": found.identity.mark,
        "samples": len(found.ids()),
        "constant": len(found.constant()),
        "grid": list(found.shape or ()),
        "megabytes": round(found.disk_bytes / 1e6, 3),
        "folder": str(found.folder),
        "terms": terms.count,
        "terms_megabytes": round(terms.disk_bytes / 1e6, 3) if terms.count else 0.0,
        "terms_folder": str(terms.folder),
    }
    if arguments.json:
        print_json(facts)
    else:
        print_lines(f"{name:<15} {value}" for name, value in facts.items())


def _print_missing(found: HeatmapSet, arguments: argparse.Namespace) -> None:
    present = set(found.ids())
    missing = [sample.id for sample in found.dataset(spec_of(arguments)).samples if sample.id not in present]
    if arguments.json:
        print_json(missing)
    else:
        print_lines(missing)
    say(f"{found.name}: {len(missing)} missing, {len(present)} present")


def _remove(arguments: argparse.Namespace) -> None:
    store = HeatmapStore()
    everything = _everything(store)
    wanted = [store.find(text, everything) for text in arguments.sets]  # all are known before one is gone
    for found in wanted:
        store.remove(found)
        TermSet(found.identity).remove()
        say(f"removed {found.name}")


def _import(arguments: argparse.Namespace) -> None:
    dataset = opened(arguments)
    name = arguments.name or arguments.file.stem
    imported = import_npz(HeatmapStore(), arguments.file, dataset, name, normalize=arguments.normalize)
    missing = len(dataset.samples) - len(imported.ids())
    if missing:
        say(f"{name}: {missing} of {len(dataset.samples)} samples of {dataset.name} are not in the file")
    print_table([_row(imported)], as_json=arguments.json)


def _export(arguments: argparse.Namespace) -> None:
    found = HeatmapStore().find(arguments.set)
    count = export_npz(found, arguments.file)
    say(f"{count} heatmaps of {found.name} are in {arguments.file}")


def _merge(arguments: argparse.Namespace) -> None:
    store = HeatmapStore()
    merged = [each for folder in arguments.folders for each in merge(store, folder)]
    for each in merged:
        name = each.heatmap_set.name
        say(f"{name}: {each.new} new samples, {len(each.heatmap_set.ids())} in all")
        if each.other:
            say(f"{name}: {each.other} were here already with other values (another --batch?); ours stay")
    sets = {each.heatmap_set.key: each.heatmap_set for each in merged}
    print_table([_row(heatmap_set) for heatmap_set in sets.values()], as_json=arguments.json)


def _everything(store: HeatmapStore) -> list[HeatmapSet]:
    """The stored sets, and those of which only the terms of the heads are kept."""
    sets = {found.key: found for found in store.sets()}
    alone = [store.open(terms.identity) for terms in every() if terms.key not in sets]
    return sorted([*sets.values(), *alone], key=lambda found: (found.name, found.key))


def _row(found: HeatmapSet) -> dict[str, object]:
    identity = found.identity
    return {
        "name": found.name,
        "key": found.key,
        "method": identity.method,
        "backbone": identity.backbone,
        "checkpoint": identity.checkpoint,
        "template": identity.template,
        "dataset": identity.dataset_name,
        "samples": len(found.ids()),
        "constant": len(found.constant()),
        "grid": "x".join(map(str, found.shape or ())),
        "terms": TermSet(identity).count,
        "note": "old" if identity.old else "" if identity.raw else "stretched",
    }
