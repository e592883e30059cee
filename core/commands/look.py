"""`cliploc look`: where a network sees some words in pictures, printed between the lines."""

from __future__ import annotations

import argparse
import glob
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cliploc.core.backbones.ahead import check_network
from cliploc.core.commands.options import (
    PUBLISHED,
    add_config_arguments,
    add_json_argument,
    add_preset_argument,
    add_recipe_arguments,
    add_told_arguments,
    config_of,
    say_published,
    with_settings,
)
from cliploc.core.commands.output import clean_lines, print_json, print_lines, say
from cliploc.core.datasets.files import LARGEST
from cliploc.core.datasets.formats import is_picture_name
from cliploc.core.datasets.pictures_alone import TEMPLATE, PicturesAlone, chosen, dataset_of, pictures_in
from cliploc.core.datasets.spec import ORIENTATIONS, Options
from cliploc.core.errors import CheckpointError, DatasetError, ParameterError, clean
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.paths import embedded_dir, expanded
from cliploc.core.postprocess import PostProcess, published_config
from cliploc.core.terminal import CHOICES, Terminal

if TYPE_CHECKING:
    from cliploc.core.codes import Float32
    from cliploc.core.compose import Image
    from cliploc.core.predictions.write import Prediction
    from cliploc.core.regions import Region

STANDARD_INPUT = "-"
# A picture and its heatmap side by side are at most so wide, in cells.
WIDEST, PIPED = 100, 72
OPACITY = 0.55
COLOURS = "inferno"
OUTLINE = (255, 255, 255)


@dataclass(frozen=True)
class Seen:
    """What was found of one text in one picture. name: of the picture, for people."""

    name: str
    image: Image
    heatmap: Float32
    map_: Float32
    prediction: Prediction
    region: Region

    def row(self, config: PostProcess) -> dict[str, object]:
        """What can be known of it, for JSON; `peak` is null where the network sees nothing."""
        height, width = self.prediction.mask.shape
        return {
            "picture": self.name,
            "id": self.prediction.sample.id,
            "text": self.prediction.sample.label,
            "width": width,
            "height": height,
            "peak": self.region.peak,
            "threshold": config.threshold,
            "area": self.region.area,
            "components": self.region.parts,
            "holes": self.region.holes,
            "box": self.prediction.box if self.region.parts else None,
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """look PICTURE… WORDS… [--method M] [-o DIR] [--json]"""
    parser.add_argument(
        "words", nargs="+", metavar="PICTURE|WORDS",
        help='files, folders and globs are pictures, - is one on standard input; the rest is looked for: '
        '"a red car" "a tree"',
    )  # fmt: skip
    parser.add_argument(
        "--prompt", default="", metavar="'A ; B'", help="words to look for that are the names of files, too"
    )
    parser.add_argument("--method", default="gem", metavar="NAME", help="default: gem")
    parser.add_argument(
        "--backbone", "--model", default="", metavar="NAME",
        help="demo-vit, an open_clip architecture, local-dir:PATH (default: the method's where its weights "
        "are here, else the demo's, which know drawn shapes alone)",
    )  # fmt: skip
    parser.add_argument("--checkpoint", default="", metavar="C", help="a tag, a file, or random:SEED")
    add_told_arguments(parser)
    parser.add_argument(
        "--template", default="", metavar="T", help="the prompt around the words (default: they alone)"
    )
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--orientation", choices=ORIENTATIONS, default="auto", help="of pictures with EXIF")
    add_recipe_arguments(parser)
    add_preset_argument(parser, "size, positions, windows, prompts, parameters, stretch, no morphology")
    add_config_arguments(parser, threshold=True)
    parser.add_argument("--graphics", choices=CHOICES, default="auto", help="how pictures are drawn")
    parser.add_argument(
        "-o", "--out", type=Path, metavar="DIR", help="write overlays, masks, heatmaps.npz and coco.json"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print every picture with what is seen in it; 1 where some pictures cannot be read."""
    config, preset = _config(arguments), arguments.preset
    with ExitStack() as stack:
        folder = partial(_temporary, stack)
        paths, words = sorted_out(arguments.words, folder)
        options = Options(prompt=";".join([*words, arguments.prompt]), orientation=arguments.orientation)
        if not options.prompts:
            raise ParameterError(
                f'found no words, expected what to look for: cliploc look {paths[0]} "a car"'
            )
        sound = _readable(paths)
        recipe = _recipe(arguments, sound)
        drawn = None if arguments.json else _terminal(arguments.graphics)
        found: list[Seen] = []
        try:
            for seen in _looked(recipe, chosen(sound, options), config, arguments.device):
                found.append(seen)
                if drawn is not None:
                    _show(seen, drawn, f" ({recipe.spec.title} as published)" * (preset == PUBLISHED))
            if arguments.json:
                print_json([{**seen.row(config), "preset": preset} for seen in found])
        finally:  # also of what was interrupted, or printed for a reader that has seen enough
            if arguments.out is not None and found:
                _write(arguments.out, found)
    return int(len(sound) < len(paths))


def sorted_out(words: Sequence[str], keep: partial[Path]) -> tuple[tuple[Path, ...], list[str]]:
    """Which of the words are pictures, and which are to be looked for.

    keep: where a picture on standard input is put. ParameterError where there is no picture, or a
    word looks like one that is not there.
    """
    found: list[Path] = []
    texts: list[str] = []
    for word in words:
        pictures = _pictures(word, keep)
        found += pictures or ()
        if pictures is None:
            texts.append(word)
    if not found:
        raise ParameterError(
            f"found no picture among {', '.join(repr(clean(word)) for word in words)}; "
            "expected a file, a folder or - before the words"
        )
    return tuple(dict.fromkeys(found)), texts


def _pictures(word: str, keep: partial[Path]) -> tuple[Path, ...] | None:
    """The pictures that a word means, None for words to look for."""
    if word == STANDARD_INPUT:
        return (_standard_input(keep()),)
    path = expanded(word)
    if os.path.exists(path):
        if os.path.isfile(path) and not is_picture_name(path.name) and "." not in path.name:
            say(f"note: {clean(word)!r} is a file here and is taken for a picture; words: --prompt {word!r}")
        return pictures_in(path)
    matches = sorted(filter(os.path.isfile, glob.glob(str(path)))) if glob.has_magic(word) else []
    if matches:
        return tuple(map(Path, matches))
    if is_picture_name(path.name) or os.sep in word:
        raise ParameterError(
            f"there is no picture {clean(word)}; if it is to be looked for: --prompt {clean(word)!r}"
        )
    return None


def _temporary(stack: ExitStack) -> Path:
    return Path(stack.enter_context(TemporaryDirectory(prefix="cliploc-")))


def _standard_input(folder: Path) -> Path:
    """The picture on standard input, as a file. ParameterError when there is none, or too much."""
    if sys.stdin is None or sys.stdin.isatty():
        raise ParameterError(
            "- is a picture on standard input; found a terminal: cliploc look - WORDS < FILE"
        )
    content = sys.stdin.buffer.read(LARGEST + 1)
    if not content or len(content) > LARGEST:
        raise ParameterError(f"standard input: found {len(content)} bytes, expected a picture")
    path = folder / "standard input"
    path.write_bytes(content)
    return path


def _readable(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The pictures whose header can be read; the others are said. DatasetError where none can."""
    from cliploc.core.datasets.pictures import headers_of

    heads = headers_of(paths)
    problems = [head.problem for head in heads if head.problem]
    if len(problems) == len(paths):
        raise DatasetError("\n".join(problems))
    for problem in problems:
        say(f"left out: {problem}")
    return tuple(path for path, head in zip(paths, heads, strict=True) if not head.problem)


def _config(arguments: argparse.Namespace) -> PostProcess:
    """As asked; where nothing is, as the method's authors have it under their preset."""
    if arguments.preset != PUBLISHED:
        return config_of(arguments)
    return config_of(arguments, published_config(Recipe(arguments.method).spec.published.stretch))


def _recipe(arguments: argparse.Namespace, paths: Sequence[Path]) -> Recipe:
    """How heatmaps are made: as asked, by the method's own network where it is here, else by the demo's."""
    asked = Recipe(
        arguments.method, arguments.backbone, arguments.checkpoint, arguments.template, arguments.size,
        precision=arguments.precision, quickgelu=arguments.quickgelu, preprocess=arguments.preprocess,
    )  # fmt: skip
    (asked,) = with_settings([asked], arguments.settings)
    if arguments.preset == PUBLISHED:
        asked = asked.as_published()
    asked = replace(asked, template=asked.template or TEMPLATE)
    usual = asked.completed("")
    missing = ""
    try:
        check_network(usual.backbone, usual.weights, arguments.device)
    except CheckpointError as error:
        if asked.backbone or asked.checkpoint:
            raise
        missing = str(error)
        usual = asked.completed("demo")
        check_network(usual.backbone, usual.weights, arguments.device)
    if usual.backbone.startswith("demo-") and not all(map(_is_drawn, paths)):
        say(f"note: {usual.backbone} knows drawn shapes alone; on photographs its heatmaps mean little")
        if missing:
            say(f"note: {missing}")
    if arguments.preset == PUBLISHED:
        say_published([usual])
    return usual


def _is_drawn(path: Path) -> bool:
    return path.resolve().is_relative_to(embedded_dir().resolve())


def _looked(recipe: Recipe, alone: PicturesAlone, config: PostProcess, device: str) -> Iterator[Seen]:
    """Every picture with every text: pictures in their order, of each picture the texts in theirs."""
    from cliploc.core.codes import map_of
    from cliploc.core.predictions.write import predicted
    from cliploc.core.regions import region_of
    from cliploc.core.stretch import between, of_itself

    say(f"loading PyTorch, then {recipe.backbone} {recipe.weights}".rstrip())
    from cliploc.core.heatmaps.forward import (
        heatmaps_of,
        joined,
        load,
    )  # seconds: after all that may be wrong

    dataset = dataset_of(alone, "look", "look")
    job = joined([recipe], dataset, load(recipe, device))
    for text in job.notices():
        say(f"note: {text}")
    count = len(alone.paths)
    order = [prompt * count + path for path in range(count) for prompt in range(len(alone.prompts))]
    for place in order:
        sample, path = dataset.samples[place], alone.looked[place].path
        if not job.takes(sample):
            say(f"{recipe.backbone} knows no class for {clean(sample.label)!r}")
            continue
        image = sample.image()
        (heatmap,) = heatmaps_of(job, [sample], job.prompts([sample]))
        prediction = predicted(sample, of_itself(heatmap), image.shape[:2], config)
        map_ = map_of(of_itself(heatmap), image.shape[:2], config)
        region = region_of(map_, prediction.mask)
        yield Seen(
            path.name if _is_kept(path) else str(path), image, between(heatmap), map_, prediction, region
        )


def _is_kept(path: Path) -> bool:
    return path.parent.name.startswith("cliploc-")


def _terminal(graphics: str) -> Terminal:
    """What standard output shows: the terminal's own way, shades of grey in a pipe."""
    from cliploc.core.terminal.probe import probe

    if graphics != "auto":
        return probe(override=graphics)
    return probe() if sys.stdout.isatty() else Terminal("none", reason="a pipe")


def _show(seen: Seen, terminal: Terminal, preset: str) -> None:
    """The picture and what is seen in it, between two lines. preset: what the first one ends with."""
    from cliploc.core.compose import side_by_side
    from cliploc.core.terminal.inline import inline

    columns, rows = os.get_terminal_size() if sys.stdout.isatty() else (PIPED, 0)
    both = side_by_side([seen.image, overlay_of(seen)])
    # Whole on the screen with a line above and below: a terminal that scrolls a picture away shows none.
    wide = min(columns - 1, WIDEST)
    if rows:
        tall = max(1, rows - 4) * terminal.cell_height * both.shape[1] / both.shape[0] / terminal.cell_width
        wide = max(1, min(wide, int(tall)))
    print_lines([f"{_heading(seen)}{preset}"])
    sys.stdout.write(inline(both, terminal, wide))
    print_lines([_summary(seen), ""])
    sys.stdout.flush()


def _heading(seen: Seen) -> str:
    return f"{clean(seen.name)}: {clean(seen.prediction.sample.label)}"


def _summary(seen: Seen) -> str:
    region = seen.region
    if region.peak is None:
        return "nothing is seen: the heatmap is the same everywhere"
    x, y = region.peak
    parts = "no mask" if not region.parts else "1 part" if region.parts == 1 else f"{region.parts} parts"
    return f"peak at {x}, {y}; mask {100 * region.area:.1f} % of the picture, {parts}"


def overlay_of(seen: Seen) -> Image:
    """The picture under its coloured map, with the mask's outline."""
    from cliploc.core.compose import contours, overlay

    heated = overlay(seen.image, seen.map_, COLOURS, OPACITY)
    thickness = max(1, round(min(seen.image.shape[:2]) / 200))
    return contours(heated, seen.prediction.mask, OUTLINE, thickness)


def _write(folder: Path, found: Sequence[Seen]) -> None:
    """Overlays and masks by sample, all heatmaps as `heatmaps import` reads them, COCO annotations."""
    from cliploc.core.compose import png
    from cliploc.core.heatmaps.exchange import write_npz
    from cliploc.core.paths import write_whole
    from cliploc.core.predictions.write import mask_name, predicted_annotations, write_json, write_masks

    predictions = [seen.prediction for seen in found]
    write_masks(predictions, folder / "masks")
    for seen in found:
        write_whole(folder / "overlays" / mask_name(seen.prediction.sample.id), png(overlay_of(seen)))
    write_npz(folder / "heatmaps.npz", {seen.prediction.sample.id: seen.heatmap for seen in found})
    paths = {seen.prediction.sample.id: os.path.abspath(seen.name) for seen in found}
    root = os.path.commonpath([os.path.dirname(path) for path in paths.values()])
    names = {id_: os.path.relpath(path, root) for id_, path in paths.items()}
    write_json(predicted_annotations(predictions, names), folder / "coco.json")
    say(clean_lines(f"{len(found)} overlays and masks, heatmaps.npz and coco.json are in {folder}"))
