"""Feed mutated files to one reader, in a process that may die.

    python -m tests.fuzz.run READER SEED COUNT FOLDER

Every input ends in an error of ours (`ClipLocError`), or in a value that a reader of this file,
which shares nothing with ours, finds too. Prints one line of JSON.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from cliploc.core.datasets import open_dataset, problems_of
from cliploc.core.datasets.pictures import read_image
from cliploc.core.errors import ClipLocError
from cliploc.core.heatmaps.exchange import read_npz
from cliploc.core.predictions.read import read_masks, read_results
from tests.core.datasets.readers import compressed, disc, runs_of, saved
from tests.fuzz.layouts import LAYOUTS
from tests.fuzz.mutate import rewritten, spoiled
from tests.fuzz.ours import OURS

HEIGHT, WIDTH = 48, 64
LIMIT = 16 << 30  # of address space: what asks for more fails instead of taking the machine along
MOST_SHOWN = 3
Wrong = AssertionError


def picture(seed: int) -> Image.Image:
    """A picture with large even patches."""
    patches = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(np.kron(patches, np.ones((8, 8, 1), np.uint8)))


def images(rng: random.Random, folder: Path) -> None:
    """Pictures of all formats; lossless ones must be Pillow's."""
    form = rng.choice(("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"))
    path = saved(folder / "a.png", picture(rng.randrange(8)), format=form)
    path.write_bytes(spoiled(path.read_bytes(), rng))
    found = read_image(path)
    if found.ndim != 3 or found.shape[2] != 3 or found.dtype != np.uint8:
        raise Wrong(f"{form}: {found.shape} {found.dtype}")
    if form in ("PNG", "BMP") and _of(path, "orientation") == 1:
        with Image.open(path) as image:
            if image.mode not in ("RGB", "L", "P"):
                return
            expected = np.asarray(image.convert("RGB"))
        if not np.array_equal(found, expected):
            raise Wrong(f"{form} reads as another picture")


def _of(path: Path, name: str) -> object:
    from cliploc.core.datasets.pictures import header

    return getattr(header(path), name)


def masks(rng: random.Random, folder: Path) -> None:
    """Masks of several forms beside a sound one; a grey file with one value must be read by that value."""
    true_mask = disc(HEIGHT, WIDTH, rng.randrange(8))
    high = rng.choice((1, 255, 7))
    form = rng.choice(("PNG", "BMP", "TIFF", "GIF", "JPEG", "WEBP"))
    lines = ["real,mask,prompt"]
    for number in range(2):
        saved(folder / f"real/cat_{number}.png", picture(number))
        mask = Image.fromarray((true_mask * high).astype(np.uint8))
        saved(folder / f"mask/{number}", mask, format=form, **({"lossless": True} if form == "WEBP" else {}))
        lines.append(f"real/cat_{number}.png,mask/{number},cat")
    (folder / "table.csv").write_text("\n".join(lines))
    path = folder / "mask/0"
    path.write_bytes(spoiled(path.read_bytes(), rng))
    sample = open_dataset(str(folder)).samples[0]
    found = sample.true_mask()
    if found.shape != (HEIGHT, WIDTH) or found.dtype != np.bool_:
        raise Wrong(f"{form}: {found.shape} {found.dtype}")
    with Image.open(path) as image:
        if image.format in ("JPEG", "WEBP") or image.mode not in ("L", "1"):
            return
        values = np.asarray(image).astype(int)
    levels = set(np.unique(values)) - {0}
    if len(levels) == 1 and not np.array_equal(found, values > 0):
        raise Wrong(f"{form}: one value {levels}, read as another mask")


def annotations(rng: random.Random, folder: Path) -> None:
    """COCO files, rewritten; what opens must have the masks that a decoder by hand finds."""
    true_mask = disc(HEIGHT, WIDTH, rng.randrange(8))
    runs = runs_of(true_mask)
    content = {
        "images": [
            {"id": n, "file_name": f"{n}.png", "height": HEIGHT, "width": WIDTH} for n in (1, 2)
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "iscrowd": 0,
             "segmentation": {"size": [HEIGHT, WIDTH], "counts": runs}},
            {"id": 2, "image_id": 1, "category_id": 4, "iscrowd": 0,
             "segmentation": {"size": [HEIGHT, WIDTH], "counts": compressed(runs)}},
            {"id": 3, "image_id": 2, "category_id": 3, "segmentation": [[4, 4, 20, 4, 20, 16, 4, 16]]},
            {"id": 4, "image_id": 2, "category_id": 3, "iscrowd": 1,
             "segmentation": {"size": [HEIGHT, WIDTH], "counts": runs}},
        ],
        "categories": [{"id": 3, "name": "cat"}, {"id": 4, "name": "dog"}],
    }  # fmt: skip
    for number in (1, 2):
        saved(folder / f"img/{number}.png", picture(number))
    text = json.dumps(rewritten(content, rng)).encode("utf-8", "surrogatepass")
    path = folder / "a.json"
    path.write_bytes(spoiled(text, rng) if rng.random() < 0.2 else text)
    spec = f"coco:{folder / 'img'}:{path}"
    problems_of(spec)
    dataset = open_dataset(spec)
    ids = {sample.id for sample in dataset.samples}
    if len(ids) != len(dataset.samples):
        raise Wrong("two samples of one id")
    for sample in dataset.samples:
        _check_annotated(json.loads(path.read_bytes()), sample.true_mask())
        sample.ignored()
        sample.image()


def _check_annotated(content: object, found: np.ndarray) -> None:
    """A mask is a union of some of the file's segmentations, each drawn by hand; polygons within a pixel."""
    assert isinstance(content, dict)
    shapes = []
    for annotation in content["annotations"]:
        segmentation = annotation.get("segmentation") if isinstance(annotation, dict) else None
        if isinstance(segmentation, dict):
            counts = segmentation.get("counts")
            counts = _by_hand(counts) if isinstance(counts, str) else counts
            if (
                isinstance(counts, list)
                and all(type(run) is int for run in counts)
                and sum(counts) == found.size
            ):
                pixels = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
                shapes.append(pixels.reshape(found.shape[::-1]).T)
    for shape in shapes:
        if np.array_equal(found, shape):
            return
    if any(np.array_equal(found, first | second) for first in shapes for second in shapes):
        return
    # A polygon: convex or not, it cannot cover what is outside the box of all polygons' corners.
    if not any(
        isinstance(a, dict) and isinstance(a.get("segmentation"), list) for a in content["annotations"]
    ):
        raise Wrong("a mask that no annotation draws")


def _by_hand(text: str) -> list[int] | None:
    runs: list[int] = []
    number = shift = 0
    for letter in text:
        digit = ord(letter) - 48
        if not 0 <= digit < 64:
            return None
        number |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            number -= (1 << shift) if digit & 16 else 0
            runs.append(number + (runs[-2] if len(runs) > 2 else 0))
            number = shift = 0
    return runs


def results(rng: random.Random, folder: Path) -> None:
    """COCO results for the demo's samples; one that is taken must be what was written."""
    demo = open_dataset("demo")
    true_mask = disc(256, 256, rng.randrange(8))
    runs = runs_of(true_mask)
    counts = rng.choice((runs, compressed(runs)))
    entry = {"image_id": 1, "category_id": 1, "score": 0.5, "sample": demo.samples[0].id,
             "segmentation": {"size": [256, 256], "counts": counts}}  # fmt: skip
    text = json.dumps(rewritten([entry, {**entry, "sample": demo.samples[1].id}], rng)).encode(
        "utf-8", "surrogatepass"
    )
    path = folder / "results.json"
    path.write_bytes(spoiled(text, rng) if rng.random() < 0.2 else text)
    for mask in read_results(path, demo).values():
        if mask.shape != (256, 256):
            raise Wrong(f"a mask of {mask.shape}")
        written = [e.get("segmentation") for e in json.loads(path.read_bytes())]
        drawn = [s["counts"] for s in written if isinstance(s, dict)]
        readable = [_by_hand(c) if isinstance(c, str) else c for c in drawn]
        shapes = [
            np.repeat(np.arange(len(c)) % 2 == 1, c).reshape(256, 256).T
            for c in readable
            if isinstance(c, list) and all(type(run) is int for run in c) and sum(c) == 256 * 256
        ]
        polygons = any(isinstance(s, list) for s in written)
        union = np.logical_or.reduce(shapes) if shapes else np.zeros_like(mask)
        if not polygons and not any(np.array_equal(mask, shape) for shape in [*shapes, union]):
            raise Wrong("a mask that no entry draws")


def predicted(rng: random.Random, folder: Path) -> None:
    """Masks made elsewhere, for the demo."""
    demo = open_dataset("demo")
    mask = Image.fromarray(disc(256, 256, rng.randrange(8)).astype(np.uint8) * rng.choice((1, 255)))
    path = saved(folder / f"{demo.samples[0].id}.png", mask, format=rng.choice(("PNG", "BMP", "TIFF")))
    path.write_bytes(spoiled(path.read_bytes(), rng))
    (found,) = read_masks(folder, demo)[0].values()
    if found.shape != (256, 256):
        raise Wrong(f"a mask of {found.shape}")


def heatmaps(rng: random.Random, folder: Path) -> None:
    """`.npz` files; what is taken must be finite, in [0, 1], and what numpy reads."""
    demo = open_dataset("demo")
    maps = np.random.default_rng(rng.randrange(8)).random((4, 5, 6), np.float32)
    path = folder / "a.npz"
    save = rng.choice((np.savez, np.savez_compressed))
    save(path, ids=np.array([sample.id for sample in demo.samples[:4]]), heatmaps=maps)
    path.write_bytes(spoiled(path.read_bytes(), rng))
    for heatmap in read_npz(path, demo).values():
        if not (np.isfinite(heatmap).all() and heatmap.min() >= 0 and heatmap.max() <= 1):
            raise Wrong("a heatmap that is none")
        if not any(np.array_equal(heatmap, other) for other in maps):
            raise Wrong("another heatmap than was written")


def tables(rng: random.Random, folder: Path) -> None:
    """`table.csv`; samples that open must have a picture and a mask in the folder, and ids of their own."""
    for number in range(3):
        saved(folder / f"real/cat_{number}.png", picture(number))
        saved(folder / f"mask/{number}.png", Image.fromarray(disc(HEIGHT, WIDTH, number)))
    text = "real,fake,mask,prompt\n" + "".join(f"real/cat_{n}.png,,mask/{n}.png,cat\n" for n in range(3))
    (folder / "table.csv").write_bytes(spoiled(text.encode(), rng))
    dataset = open_dataset(str(folder))
    if len({sample.id.casefold() for sample in dataset.samples}) != len(dataset.samples):
        raise Wrong("two samples of one id")
    for sample in dataset.samples:
        mask = sample.true_mask()
        if not any(np.array_equal(mask, disc(HEIGHT, WIDTH, number)) for number in range(3)):
            raise Wrong("a mask that is in no file")


READERS: dict[str, Callable[[random.Random, Path], None]] = {
    **{each.__name__: each for each in (images, masks, annotations, results, predicted, heatmaps, tables)},
    **LAYOUTS,
    **OURS,
}


def peak_mb() -> float:
    """The most memory this process held, in MB.

    `VmHWM` where there is one: Linux counts what the parent held into a child's `ru_maxrss`.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024 * 1024 if sys.platform == "darwin" else 1024
    )


def main(reader: str, seed: int, count: int, folder: Path) -> None:
    """Try `count` inputs; print how many were errors, how many values, and the first ones that went wrong."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(count):
        place = folder / str(number)
        place.mkdir(parents=True)
        print(f"{reader} {seed} {number}", file=sys.stderr, flush=True)  # the last line names a killer
        try:
            READERS[reader](random.Random(f"{reader} {seed} {number}"), place)
            outcomes["values"] += 1
        except ClipLocError as error:
            outcomes["errors"] += 1
            if "\x1b" in str(error):
                wrong.append(f"input {number}: an escape sequence in {error!r}")
        except Exception:  # noqa: BLE001  whatever is no error of ours is what is looked for
            wrong.append(f"input {number}: {traceback.format_exc()}")
    print(
        json.dumps(
            {"reader": reader, "tried": count, **outcomes, "wrong": wrong[:MOST_SHOWN], "peak_mb": peak_mb()}
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
