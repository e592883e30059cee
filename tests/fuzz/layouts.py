"""Other programs' layouts with one file damaged: what opens has true masks of its pictures' size."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

from cliploc.core.datasets import Dataset, open_dataset, problems_of
from tests.core.datasets.layouts import LAYOUT, box_lists, cub
from tests.fuzz.mutate import rewritten, spoiled

Wrong = AssertionError
_OTHERS = [name for name in LAYOUT if name != "parquet"]


def layouts(rng: random.Random, folder: Path) -> None:
    """Maps, lists and annotations of all layouts."""
    LAYOUT[rng.choice(_OTHERS)][1](folder / "made")
    _damage(rng, folder / "made")
    _check_masks(open_dataset(str(folder / "made")))
    problems_of(str(folder / "made"))


def parquets(rng: random.Random, folder: Path) -> None:
    """Parquet files."""
    LAYOUT["parquet"][1](folder / "made")
    _damage(rng, folder / "made")
    _check_masks(open_dataset(str(folder / "made")))


def boxes(rng: random.Random, folder: Path) -> None:
    """Lists of boxes: what opens has boxes with a pixel in them."""
    rng.choice((cub, box_lists))(folder / "made")
    _damage(rng, folder / "made", "*.txt")
    dataset = open_dataset(str(folder / "made"))
    problems_of(str(folder / "made"))
    _check_ids(dataset)
    for x0, y0, x1, y1 in (box for sample in dataset.boxed for box in sample.boxes):
        if not (0 <= x0 <= x1 and 0 <= y0 <= y1):
            raise Wrong(f"a box {x0, y0, x1, y1}")


def _damage(rng: random.Random, root: Path, pattern: str = "*") -> None:
    """Spoil one file; the few that say what the others are as often as all others together."""
    files = sorted(path for path in root.rglob(pattern) if path.is_file())
    telling = [path for path in files if path.suffix in (".txt", ".json", ".yaml")]
    path = rng.choice(telling if telling and rng.random() < 0.5 else files)
    if path.suffix == ".json" and rng.random() < 0.7:
        changed = rewritten(json.loads(path.read_bytes()), rng)
        path.write_bytes(json.dumps(changed).encode("utf-8", "surrogatepass"))
    else:
        path.write_bytes(spoiled(path.read_bytes(), rng))


def _check_ids(dataset: Dataset) -> None:
    if len({sample.id.casefold() for sample in dataset.samples}) != len(dataset.samples):
        raise Wrong("two samples of one id")


def _check_masks(dataset: Dataset) -> None:
    _check_ids(dataset)
    dataset.truth, dataset.pictures, dataset.notes  # noqa: B018  whatever they are, they are found
    for sample in dataset.samples:
        if sample.id in dataset.without_truth:  # without its masks, a folder is pictures alone
            continue
        mask, ignored = sample.true_mask(), sample.ignored()
        if mask.shape != sample.image().shape[:2]:
            raise Wrong(f"a mask {mask.shape} of another size")
        if ignored is not None and (ignored & mask).any():
            raise Wrong("a pixel that is true and ignored")


LAYOUTS: dict[str, Callable[[random.Random, Path], None]] = {
    each.__name__: each for each in (layouts, parquets, boxes)
}
