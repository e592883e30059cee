"""`dataset init`: a table to fill in, from what a folder holds."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cliploc.core.cli import main
from cliploc.core.datasets import open_dataset
from cliploc.core.datasets.first_table import write_first_table
from cliploc.core.errors import ClipLocError
from tests.core.datasets.layouts import FIRST, grey, photograph, text, where


def rows(root: Path) -> list[list[str]]:
    with (root / "table.csv").open(encoding="utf-8") as file:
        return list(csv.reader(file))


def test_folders_say_labels_and_names_say_masks(tmp_path: Path) -> None:
    photograph(tmp_path / "real/cat/a.jpg")
    photograph(tmp_path / "real/dog/a.jpg", 1)
    photograph(tmp_path / "real/dog/b.jpg", 2)
    grey(tmp_path / "mask/cat/a_mask.png", where(FIRST, 1) * 255)
    grey(tmp_path / "mask/dog/a_mask.png", where(FIRST, 2) * 255)
    grey(tmp_path / "mask/dog/c_mask.png", where(FIRST, 2) * 255)
    found = write_first_table(tmp_path)
    assert (found.rows, found.without_mask, found.without_label) == (3, 1, 0)
    assert found.alone == ("mask/dog/c_mask.png",)
    assert rows(tmp_path) == [
        ["real", "mask", "prompt", "source"],
        ["real/cat/a.jpg", "mask/cat/a_mask.png", "cat", ""],
        ["real/dog/a.jpg", "mask/dog/a_mask.png", "dog", ""],
        ["real/dog/b.jpg", "", "dog", ""],
    ]


def test_masks_beside_their_pictures_are_known_by_their_names(tmp_path: Path) -> None:
    photograph(tmp_path / "a.jpg")
    grey(tmp_path / "a-mask.png", where(FIRST, 1) * 255)
    write_first_table(tmp_path)
    assert rows(tmp_path)[1:] == [["a.jpg", "a-mask.png", "", ""]]
    with pytest.raises(ClipLocError, match="row 2: no prompt"):
        open_dataset(str(tmp_path))
    text(tmp_path / "table.csv", (tmp_path / "table.csv").read_text().replace("png,,", "png,cat,"))
    assert open_dataset(str(tmp_path)).samples[0].true_mask().sum() == where(FIRST, 1).sum()


def test_a_table_is_never_written_over(tmp_path: Path) -> None:
    photograph(tmp_path / "a.jpg")
    text(tmp_path / "table.csv", "mine")
    with pytest.raises(ClipLocError, match="is there already"):
        write_first_table(tmp_path)
    assert (tmp_path / "table.csv").read_text() == "mine"


def test_a_folder_without_pictures_has_no_table(tmp_path: Path) -> None:
    with pytest.raises(ClipLocError, match="has no pictures"):
        write_first_table(tmp_path)
    with pytest.raises(ClipLocError, match="is no folder"):
        write_first_table(tmp_path / "nowhere")


def test_the_commands_say_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photograph(tmp_path / "in/images/cat/a.jpg")
    grey(tmp_path / "in/masks/cat/a.png", where(FIRST, 1) * 255)
    assert main(["dataset", "convert", str(tmp_path / "in"), str(tmp_path / "out"), "--to", "coco"]) == 0
    said = capsys.readouterr().err
    assert f"1 samples are in {tmp_path / 'out'}" in said
    assert "taken for pairs" in said
    spec = said.rpartition("--dataset ")[2].strip()
    assert open_dataset(spec).labels == ("cat",)
    assert main(["dataset", "init", str(tmp_path / "in")]) == 0
    assert "1 rows; 0 lack a mask, 0 a prompt" in capsys.readouterr().err
    assert main(["dataset", "check", "--dataset", str(tmp_path / "in")]) == 0


def test_pictures_without_any_mask_have_rows_to_fill_in(tmp_path: Path) -> None:
    for name in ("cat/one.jpg", "two.jpg"):
        photograph(tmp_path / name)
    found = write_first_table(tmp_path)
    assert (found.rows, found.without_mask, found.without_label) == (2, 2, 1)
    assert rows(tmp_path)[1:] == [["cat/one.jpg", "", "cat", ""], ["two.jpg", "", "", ""]]
