"""`cliploc heads`: what each attention head of a ViT writes, in words (TextSpan)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cliploc.core.backbones.ahead import check_network
from cliploc.core.backbones.catalog import with_told
from cliploc.core.commands.options import add_dataset_argument, add_json_argument, add_told_arguments, opened
from cliploc.core.commands.output import print_table, say
from cliploc.core.commands.progress import progress
from cliploc.core.datasets import Dataset
from cliploc.core.errors import ParameterError
from cliploc.core.heatmaps.ground import check_finite
from cliploc.core.heatmaps.recipe import FLOAT32, Recipe
from cliploc.core.methods import METHODS
from cliploc.core.methods.bank import read_bank
from cliploc.core.methods.descriptions import place_of, save

if TYPE_CHECKING:
    from torch import Tensor

    from cliploc.core.backbones.network import Backbone


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """heads [--dataset SPEC] [--backbone NAME] [--bank FILE] [--layers N] [--texts N]"""
    add_dataset_argument(parser)
    parser.add_argument(
        "--backbone",
        default="",
        metavar="NAME",
        help="a CLIP ViT (default: demo-vit for the demo, else textspan's ViT-L-14)",
    )
    parser.add_argument("--checkpoint", metavar="C", help="a tag, a file, or random:SEED")
    add_told_arguments(parser)
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--bank", type=Path, metavar="FILE", help="texts, one a line (default: our own)")
    parser.add_argument("--layers", type=int, default=4, metavar="N", help="last blocks (default: 4)")
    parser.add_argument("--texts", type=int, default=5, metavar="N", help="texts per head (default: 5)")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="images at once (default: 8)")
    parser.add_argument("--output", type=Path, metavar="FILE.json", help="write the descriptions here too")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    """Describe, print and keep; 0 when done."""
    for name in ("layers", "texts", "batch"):
        if getattr(arguments, name) < 1:
            raise ParameterError(f"--{name}: found {getattr(arguments, name)}, expected at least 1")
    dataset = opened(arguments)
    usual = "demo-vit" if dataset.name == "demo" else METHODS["textspan"].default_backbone
    name = arguments.backbone or usual
    weights = with_told(arguments.checkpoint or "", arguments.quickgelu, arguments.preprocess)
    check_network(name, weights, arguments.device)
    bank = read_bank(arguments.bank)
    from cliploc.core.backbones.load import load_backbone  # seconds: after everything that could be wrong
    from cliploc.core.methods.heads import described

    backbone = load_backbone(name, weights or None, arguments.device)
    for text in ([f"assumed: {backbone.assumed}"] if backbone.assumed else []) + backbone.cut_notices(bank):
        say(text)
    parts = _contributions(backbone, dataset, arguments.layers, arguments.batch)
    descriptions = described(backbone, parts, bank, arguments.texts)
    kept = place_of(backbone.digest, dataset.pictures)
    for path in (kept, *([arguments.output] if arguments.output else [])):
        save(path, descriptions)
    say(f"kept at {kept}")
    rows = [
        {"layer": each.layer, "head": each.head, "share": share, "text": text}
        for each in descriptions
        for text, share in zip(each.texts, each.shares, strict=True)
    ]
    caption = f"share of the head's variance over {len(dataset.samples)} images; layers and heads from 0"
    print_table(rows, as_json=arguments.json, caption=caption)


def _contributions(backbone: Backbone, dataset: Dataset, layers: int, batch: int) -> Iterator[Tensor]:
    """What the heads add to each image's embedding, (B, layers, H, d) on the CPU, batch by batch."""
    from cliploc.core.methods.heads import contributions

    if backbone.kind != "vit":
        raise ParameterError(
            f"heads are those of a CLIP ViT; {backbone.name} is of the kind {backbone.kind!r}"
        )
    samples, recipe = dataset.samples, Recipe("textspan", backbone.name, backbone.checkpoint)
    with progress() as report:
        for start in range(0, len(samples), batch):
            these = samples[start : start + batch]
            images = backbone.preprocess([sample.image() for sample in these])
            parts = contributions(backbone, images, layers).cpu()
            check_finite(parts.numpy(), [sample.id for sample in these], recipe, FLOAT32)
            yield parts
            report("heads", min(start + batch, len(samples)), len(samples))
