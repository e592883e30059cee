"""`cliploc predictions`: masks out for other programs, other programs' masks in."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from cliploc.core.commands.options import (
    add_actions,
    add_config_arguments,
    add_dataset_argument,
    add_json_argument,
    config_of,
    opened,
    spec_of,
)
from cliploc.core.commands.output import print_json, print_table, say, say_notes
from cliploc.core.datasets import READING
from cliploc.core.datasets.spec import resolved
from cliploc.core.errors import ParameterError
from cliploc.core.heatmaps.ground import ground
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.metrics import Counts, mean_scores, pooled, summed_scores
from cliploc.core.postprocess import PostProcess
from cliploc.core.predictions.read import read_masks, read_results, scored
from cliploc.core.predictions.write import ground_truth, predictions, results, write_json, write_masks
from cliploc.core.scores import AVERAGED, SUMMED
from cliploc.core.sweep.inputs import open_sets
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan
from cliploc.core.sweep.rows import OLD


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """predictions export --heatmaps SET|--run ID -o DIR | predictions score PATH [--dataset SPEC]"""
    actions = {
        "export": (
            _export,
            "masks as PNG, COCO results and the true masks as COCO annotations, into a folder",
        ),
        "score": (_score, "mean IoU and the other scores of somebody's masks"),
    }
    given, taken = add_actions(parser, actions).values()
    source = given.add_mutually_exclusive_group(required=True)
    source.add_argument("--heatmaps", metavar="SET", help="a heatmap set, with the config of the options")
    source.add_argument(
        "--run", dest="run_id", metavar="ID", help="the best cell of a run: its heatmap set and its config"
    )
    add_dataset_argument(given, default=None)
    add_config_arguments(given, threshold=True)
    given.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="the folder to write")
    taken.add_argument(
        "path", type=Path, metavar="PATH", help="a folder of masks (ID.png), or a COCO results JSON"
    )
    add_dataset_argument(taken)
    taken.add_argument(
        "--annotations", type=Path, metavar="FILE", help="the COCO file that the results were made for"
    )
    taken.add_argument(
        "--predicted-mask-value", default="", metavar="V",
        help="what is foreground in the folder's masks, where they leave a choice: a number, or any",
    )  # fmt: skip
    taken.add_argument(
        "--least-score", type=float, default=0.0, metavar="S", help="pass over results scored lower"
    )
    add_json_argument(given, taken)


def _export(arguments: argparse.Namespace) -> None:
    name, config, spec, plan = _asked(arguments)
    (heatmaps,), dataset, ids = open_sets([name], spec, HeatmapStore())
    if plan is not None and plan.reading != READING:
        say_notes([OLD])
    if plan is not None and not plan.scores(dataset):
        say(
            "note: the run scored other true masks than are there now, or read them otherwise: "
            "its best cell was chosen on those, and the scores below are not the run's"
        )
    maps = heatmaps.read_all(ids)
    say_notes(ground(dataset, ids, maps, heatmaps.identity.mark).sentences)
    found = list(predictions(maps, dataset, config))
    write_masks(found, arguments.out / "masks")
    write_json(results(found, dataset), arguments.out / "results.json")
    write_json(ground_truth(dataset), arguments.out / "ground_truth.json")
    say(f"{len(found)} masks, results.json and ground_truth.json are in {arguments.out}")
    missing = len({sample.id for sample in dataset.scorable} - set(ids))
    if missing:
        say(f"{missing} of {len(dataset.samples)} samples have no heatmap, left out")
    counts = scored({one.sample.id: one.mask for one in found}, dataset)
    present = np.isin([sample.id for sample in dataset.scorable], ids)
    _print_scores(arguments, heatmaps.name, len(ids), counts[present], {"config": config.to_dict()})


def _asked(arguments: argparse.Namespace) -> tuple[str, PostProcess, str | None, Plan | None]:
    """The heatmap set's name or key, the config, how the dataset is opened; a run's plan."""
    if arguments.heatmaps is not None:
        return arguments.heatmaps, config_of(arguments), spec_of(arguments), None
    ledger = Ledger()
    row = ledger.find(arguments.run_id)
    if row.best is None:
        raise ParameterError(f"run {row.id} has scored nothing yet; `cliploc runs resume {row.id}` first")
    plan = ledger.plan(row.id)
    keys = {found["name"]: found["key"] for found in plan.sets}
    return keys[row.best.heatmaps], row.best.config, resolved(spec_of(arguments), plan.dataset), plan


def _score(arguments: argparse.Namespace) -> None:
    dataset = opened(arguments)
    notes: tuple[str, ...] = ()
    if arguments.path.is_dir():
        masks, notes = read_masks(arguments.path, dataset, arguments.predicted_mask_value)
    else:
        masks = read_results(
            arguments.path,
            dataset,
            annotations=arguments.annotations,
            least_score=arguments.least_score,
            notice=say,
        )
    say_notes(ground(dataset, [sample.id for sample in dataset.samples]).sentences)
    say_notes(f"predicted masks: {note}" for note in notes)
    empty = sum(not mask.any() for mask in masks.values())
    if empty:
        say(f"{empty} of {len(masks)} predicted masks are empty")
    missing = len(dataset.samples) - len(masks)
    if missing:
        say(f"{missing} of {len(dataset.samples)} samples have no mask: they count as nothing predicted")
    more: dict[str, object] = {"masks": len(masks), "empty_predictions": empty, "notes": list(notes)}
    _print_scores(arguments, str(arguments.path), len(dataset.scorable), scored(masks, dataset), more)


def _print_scores(
    arguments: argparse.Namespace, name: str, images: int, counts: Counts, more: dict[str, object]
) -> None:
    found = {**mean_scores(counts), **summed_scores(pooled(counts))}
    scores = {score: float(value[0]) for score, value in found.items()}
    convention = f"{AVERAGED}; {SUMMED}"
    if arguments.json:
        print_json(
            {"predictions": name, "images": images, "convention": convention, **more, "scores": scores}
        )
        return
    print_table([scores], as_json=False, caption=f"{images} images; {convention}")
