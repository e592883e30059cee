"""Datasets of any size that look like COCO and CocoGlide: 2.8 categories an image, seven instances."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 640, 480
CATEGORIES, INSTANCES = 80, 7
GRID = 14
PICTURES = 16


def coco(folder: Path, images: int) -> str:
    """A set in COCO's format of 640 x 480 pictures; made once. Returns its spec."""
    annotations, pictures = folder / "instances.json", folder / "images"
    if not annotations.exists():
        _pictures(pictures, [f"{number:012d}" for number in range(images)], (HEIGHT, WIDTH))
        random = np.random.default_rng(0)
        content = {
            "images": [
                {"id": n, "file_name": f"{n:012d}.jpg", "height": HEIGHT, "width": WIDTH}
                for n in range(images)
            ],
            "categories": [{"id": n, "name": f"class {n:02d}"} for n in range(CATEGORIES)],
            "annotations": _annotations(random, images),
        }
        annotations.write_text(json.dumps(content))
    return f"coco:{pictures}:{annotations}"


def glide(folder: Path, images: int) -> str:
    """A set in CocoGlide's layout, one true mask of 256 x 256 an image; made once. Returns its spec."""
    table = folder / "table.csv"
    if not table.exists():
        names = [f"{number:06d}" for number in range(images)]
        _pictures(folder / "real", names, (256, 256))
        (folder / "mask").mkdir(parents=True, exist_ok=True)
        random, lines = np.random.default_rng(0), ["real,mask,prompt"]
        for number, name in enumerate(names):
            mask = np.zeros((256, 256), np.uint8)
            cv2.fillPoly(mask, [_outline(random, 256, 256).reshape(-1, 2).astype(np.int32)], 255)
            (folder / f"mask/{name}.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())
            lines.append(f"real/{name}.jpg,mask/{name}.png,class {number % 73:02d}")
        table.write_text("\n".join(lines) + "\n")
    return str(folder)


def heatmaps(path: Path, ids: Sequence[str]) -> Path:
    """A set of smooth heatmaps for these samples, to be imported; made once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(1)
        spots = random.random((64, 4, 4), dtype=np.float32)
        large = np.stack([cv2.resize(spot, (GRID, GRID), interpolation=cv2.INTER_CUBIC) for spot in spots])
        maps = large[random.integers(0, len(large), len(ids))]
        maps += 0.1 * random.random(maps.shape, dtype=np.float32)
        np.savez(path, ids=np.array(ids), heatmaps=np.clip(maps, 0, 1))
    return path


def _pictures(folder: Path, names: Sequence[str], size: tuple[int, int]) -> None:
    """A few pictures in turn, no two of the same content: what follows a JPEG's end is not looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(2)
    small = random.integers(0, 256, (PICTURES, 6, 8, 3), np.uint8)
    large = [cv2.resize(each, size[::-1], interpolation=cv2.INTER_CUBIC) for each in small]
    encoded = [cv2.imencode(".jpg", each, (cv2.IMWRITE_JPEG_QUALITY, 60))[1].tobytes() for each in large]
    for number, name in enumerate(names):
        (folder / f"{name}.jpg").write_bytes(encoded[number % PICTURES] + name.encode())


def _annotations(random: np.random.Generator, images: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for image in range(images):
        categories = random.choice(CATEGORIES, 1 + random.poisson(1.8), replace=False)
        # Each category once, the rest of the instances among them.
        chosen = [*categories, *random.choice(categories, max(INSTANCES - len(categories), 0))]
        for category in chosen:
            outline = np.round(_outline(random, WIDTH, HEIGHT), 2).tolist()
            found.append(
                {
                    "id": len(found),
                    "image_id": image,
                    "category_id": int(category),
                    "segmentation": [outline],
                    "iscrowd": 0,
                }
            )
    return found


def _outline(random: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A star-shaped outline of 20 corners, (40,): x, y, x, y, …, inside the picture."""
    angles = np.sort(random.uniform(0, 2 * np.pi, 20))
    radii = random.uniform(0.3, 1.0, 20) * random.uniform(0.03, 0.3) * height
    x, y = random.uniform(0, width), random.uniform(0, height)
    corners = np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], axis=1)
    return np.clip(corners, 0, [width - 1, height - 1]).ravel()
