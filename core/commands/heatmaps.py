"""`cliploc heatmaps`: compute heatmap sets, look at them, take them in and out of the store."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cliploc.core.commands.dataset import add_dataset_argument, opened
from cliploc.core.commands.recipes import add_recipe_arguments, with_settings
from cliploc.core.commands.told import add_told_arguments

if TYPE_CHECKING:
    from cliploc.core.datasets import Dataset
    from cliploc.core.heatmaps.recipe import Recipe
    from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore

HELP = "compute heatmap sets, list, show, remove, import and export them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """heatmaps compute|list|show|remove|import|export"""
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="compute|list|show|remove|import|export"
    )

    def action(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=text)

    _add_compute(action("compute", "run methods over a dataset; goes on from what is stored"))
    listing = action("list", "every stored set; terms: samples whose heads are kept one by one")
    show = action("show", "what a set was made of, and how complete it is")
    show.add_argument("set", metavar="SET", help="a set's name, its key, or the beginning of either")
    remove = action("remove", "delete sets, and the terms of their heads")
    remove.add_argument("sets", nargs="+", metavar="SET", help="names, keys, or their beginnings")
    taken = action(
        "import", "take in heatmaps made elsewhere: .npz with ids (n,) and heatmaps (n, h, w) in [0, 1]"
    )
    taken.add_argument("file", type=Path, metavar="FILE.npz")
    add_dataset_argument(taken)
    taken.add_argument("--name", help="what the set is called (default: the file's name)")
    given = action("export", "write a set as .npz, as `import` reads it")
    given.add_argument("set", metavar="SET")
    given.add_argument("file", type=Path, metavar="FILE.npz")
    for printing in (listing, show, taken):
        printing.add_argument("--json", action="store_true", help="print JSON")


def _add_compute(parser: argparse.ArgumentParser) -> None:
    add_dataset_argument(parser)
    parser.add_argument(
        "--method",
        default="gem",
        metavar="NAME[,NAME]",
        help="methods, one pass where they can share it (default: gem)",
    )
    parser.add_argument(
        "--backbone", "--model", default="", metavar="NAME",
        help="demo-vit, demo-resnet, an open_clip architecture, local-dir:PATH, hf-hub:ORG/REPO "
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
    add_recipe_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Dispatch to the action."""
    from cliploc.core.heatmaps.store import HeatmapStore

    HeatmapStore().sweep()
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "compute": _compute,
        "list": _list,
        "show": _show,
        "remove": _remove,
        "import": _import,
        "export": _export,
    }
    return actions[arguments.action](arguments)


def _compute(arguments: argparse.Namespace) -> int:
    from cliploc.core.backbones.ahead import check_network
    from cliploc.core.commands.output import print_table, say
    from cliploc.core.commands.progress import progress
    from cliploc.core.heatmaps.sound import constant_heatmaps
    from cliploc.core.heatmaps.store import HeatmapStore

    dataset = opened(arguments)
    recipes = [recipe.completed(dataset.name) for recipe in _recipes(arguments)]
    for note in _assumed(dataset):
        say(f"note: {note}")
    for recipe in recipes:
        check_network(recipe.backbone, recipe.weights, arguments.device)
    networks = dict.fromkeys(f"{recipe.backbone} {recipe.weights}".strip() for recipe in recipes)
    say(f"loading PyTorch, then {', '.join(networks)}")
    from cliploc.core.heatmaps.extract import compute  # seconds: after everything that could be wrong

    with progress() as show:
        sets = compute(
            recipes,
            dataset,
            HeatmapStore(),
            device=arguments.device,
            batch=arguments.batch,
            report=lambda now: show(now.methods, now.done, now.total),
            notice=say,
        )
    for heatmap_set in sets:
        left_out = len(dataset.samples) - len(heatmap_set.ids())
        if left_out:
            say(
                f"{heatmap_set.name}: {left_out} samples were left out: ImageNet has no class for their label"
            )
        constant = constant_heatmaps(heatmap_set.read_all())
        if constant:
            say(
                f"{heatmap_set.name}: {len(constant)} of {len(heatmap_set.ids())} heatmaps are constant: "
                f"{heatmap_set.identity.method} sees nothing in {', '.join(constant[:3])}"
                f"{', …' if len(constant) > 3 else ''}"
            )
    print_table([_row(heatmap_set) for heatmap_set in sets], as_json=arguments.json)
    return 0


def _assumed(dataset: Dataset) -> tuple[str, ...]:
    """How the files are read; heatmaps need no mask, so that what is wrong with those is only said."""
    from cliploc.core.errors import DatasetError

    try:
        return dataset.notes
    except DatasetError as error:
        return (str(error),)


def _recipes(arguments: argparse.Namespace) -> list[Recipe]:
    """One recipe per method; each takes those of the settings that it declares."""
    from cliploc.core.errors import ParameterError
    from cliploc.core.heatmaps.recipe import Recipe

    plain = Recipe(
        "", arguments.backbone, arguments.checkpoint, arguments.template, arguments.size,
        precision=arguments.precision, quickgelu=arguments.quickgelu, preprocess=arguments.preprocess,
    )  # fmt: skip
    names = [name.strip() for name in arguments.method.split(",") if name.strip()]
    recipes = [replace(plain, method=name) for name in dict.fromkeys(names)]
    if not recipes:
        raise ParameterError("method: found none, expected a name, for example gem")
    return with_settings(recipes, arguments.settings)


def _list(arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import print_table, say
    from cliploc.core.heatmaps.store import HeatmapStore

    store = HeatmapStore()
    sets = _everything(store)
    print_table([_row(heatmap_set) for heatmap_set in sets], as_json=arguments.json)
    if not sets:
        say(f"no heatmap sets at {store.root}; `cliploc heatmaps compute` makes one")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import print_json, print_lines
    from cliploc.core.heatmaps.sound import constant_heatmaps
    from cliploc.core.heatmaps.store import HeatmapStore
    from cliploc.core.heatmaps.terms import TermSet

    store = HeatmapStore()
    found = store.find(arguments.set, _everything(store))
    terms = TermSet(found.identity)
    facts = {
        "name": found.name,
        "key": found.key,
        **found.identity.to_dict(),
        "note": found.identity.mark,
        "samples": len(found.ids()),
        "constant": len(constant_heatmaps(found.read_all())),
        "grid": list(found.shape or ()),
        "megabytes": round(found.disk_bytes / 1e6, 3),
        "folder": str(found.folder),
        "terms": len(terms.files()),
        "terms_megabytes": round(sum(file.stat().st_size for file in terms.files()) / 1e6, 3),
        "terms_folder": str(terms.folder),
    }
    if arguments.json:
        print_json(facts)
    else:
        print_lines(f"{name:<15} {value}" for name, value in facts.items())
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import say
    from cliploc.core.heatmaps.store import HeatmapStore
    from cliploc.core.heatmaps.terms import TermSet

    store = HeatmapStore()
    everything = _everything(store)
    wanted = [store.find(text, everything) for text in arguments.sets]  # all are known before one is gone
    for found in wanted:
        store.remove(found)
        TermSet(found.identity).remove()
        say(f"removed {found.name}")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import print_table, say
    from cliploc.core.heatmaps.exchange import import_npz
    from cliploc.core.heatmaps.store import HeatmapStore

    dataset = opened(arguments)
    name = arguments.name or arguments.file.stem
    imported = import_npz(HeatmapStore(), arguments.file, dataset, name)
    missing = len(dataset.samples) - len(imported.ids())
    if missing:
        say(f"{name}: {missing} of {len(dataset.samples)} samples of {dataset.name} are not in the file")
    print_table([_row(imported)], as_json=arguments.json)
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from cliploc.core.commands.output import say
    from cliploc.core.heatmaps.exchange import export_npz
    from cliploc.core.heatmaps.store import HeatmapStore

    found = HeatmapStore().find(arguments.set)
    count = export_npz(found, arguments.file)
    say(f"{count} heatmaps of {found.name} are in {arguments.file}")
    return 0


def _everything(store: HeatmapStore) -> list[HeatmapSet]:
    """The stored sets, and those of which only the terms of the heads are kept."""
    from cliploc.core.heatmaps.terms import every

    sets = {found.key: found for found in store.sets()}
    alone = [store.open(terms.identity) for terms in every() if terms.key not in sets]
    return sorted([*sets.values(), *alone], key=lambda found: (found.name, found.key))


def _row(found: HeatmapSet) -> dict[str, object]:
    from cliploc.core.heatmaps.sound import constant_heatmaps
    from cliploc.core.heatmaps.terms import TermSet

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
        "constant": len(constant_heatmaps(found.read_all())),
        "grid": "x".join(map(str, found.shape or ())),
        "terms": len(TermSet(identity).files()),
        "note": "old" if identity.old else "",
    }
