"""`build` writes CocoGlide's layout, and the shipped set is what it writes."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cliploc.core.demo.layout import COLUMNS, SHIPPED_COUNT, SHIPPED_SEED, build
from cliploc.core.demo.scenes import scene
from cliploc.core.demo.shapes import LABELS
from cliploc.core.demo.train.recipe import TRAIN_SEED
from cliploc.core.demo.train.scores import HELD_OUT_SEED
from cliploc.core.errors import ParameterError
from cliploc.core.paths import embedded_dir

SHIPPED = embedded_dir() / "demo"


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "table.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_the_layout_is_cocoglides(tmp_path: Path) -> None:
    build(tmp_path / "out", seed=4, count=3)
    rows = rows_of(tmp_path / "out")
    assert tuple(rows[0]) == COLUMNS
    assert [row["real"] for row in rows] == [f"real/{LABELS[i]}_{i:04d}.png" for i in range(3)]
    for index, row in enumerate(rows):
        drawn = scene(4, index)
        assert row["fake"] == ""
        assert row["prompt"] == drawn.label
        assert np.array_equal(pixels(tmp_path / "out" / row["real"]), drawn.image)
        assert np.array_equal(pixels(tmp_path / "out" / row["mask"]), drawn.mask * np.uint8(255))


def test_a_folder_that_holds_a_dataset_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("mine")
    with pytest.raises(ParameterError, match="new folder"):
        build(tmp_path, seed=0, count=1)
    assert (tmp_path / "table.csv").read_text() == "mine"
    assert not (tmp_path / "real").exists()


def test_the_shipped_set_is_whole() -> None:
    rows = rows_of(SHIPPED)
    assert len(rows) == SHIPPED_COUNT
    assert {row["prompt"] for row in rows} == set(LABELS)
    assert all((SHIPPED / row[kind]).is_file() for row in rows for kind in ("real", "mask"))


@pytest.mark.parametrize("index", [0, 1, 58, 119])
def test_the_shipped_scenes_are_generated_again_to_the_pixel(index: int) -> None:
    row, drawn = rows_of(SHIPPED)[index], scene(SHIPPED_SEED, index)
    assert np.array_equal(pixels(SHIPPED / row["real"]), drawn.image)
    assert np.array_equal(pixels(SHIPPED / row["mask"]), drawn.mask * np.uint8(255))


def test_shipped_held_out_and_training_scenes_are_of_different_series() -> None:
    assert len({SHIPPED_SEED, HELD_OUT_SEED, TRAIN_SEED}) == 3
    shipped = {pixels(SHIPPED / row["real"]).tobytes() for row in rows_of(SHIPPED)}
    others = {
        scene(seed, i, alone).image.tobytes() for seed, alone in ((1, 0.5), (2, 0.3)) for i in range(60)
    }
    assert not shipped & others
