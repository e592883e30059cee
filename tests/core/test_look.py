"""`cliploc look`: pictures and words in, what is seen out, between the lines or as files."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cliploc.core.cli import main
from cliploc.core.commands.look import sorted_out
from cliploc.core.datasets import open_dataset
from cliploc.core.errors import ParameterError
from cliploc.core.heatmaps.exchange import read_npz
from cliploc.core.paths import embedded_dir
from cliploc.core.terminal import Terminal
from cliploc.core.terminal.inline import inline

Output = pytest.CaptureFixture[str]


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, name in enumerate(("one.png", "two.jpg")):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def look(tiny_backbone: str, capsys: Output) -> Callable[..., tuple[int, str, str]]:
    def run(*words: str) -> tuple[int, str, str]:
        code = main(["look", *words, "--backbone", tiny_backbone, "--device", "cpu"])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_files_folders_and_globs_are_pictures_and_the_rest_is_looked_for(pictures: Path) -> None:
    one, two = pictures / "one.png", pictures / "two.jpg"
    assert sorted_out([str(pictures), "a red car"], Path) == ((one, two), ["a red car"])
    assert sorted_out(["a tree", str(one), "a car"], Path) == ((one,), ["a tree", "a car"])
    assert sorted_out([f"{pictures}/*.jpg", str(two), "is it [one]?"], Path) == ((two,), ["is it [one]?"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a red car"], r"found no picture among 'a red car'"),
        (["gone.png", "a car"], r"there is no picture gone.png; if it is to be looked for: --prompt"),
        (["no/where", "a car"], r"there is no picture no/where"),
    ],
)
def test_what_cannot_be_a_picture_is_said(pictures: Path, words: list[str], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        sorted_out(words, Path)


def test_a_file_without_an_ending_may_have_been_meant_as_words(pictures: Path, capsys: Output) -> None:
    (pictures / "one.png").rename("cat")
    assert sorted_out(["cat", "a cat"], Path) == ((Path("cat"),), ["a cat"])
    assert "--prompt 'cat'" in capsys.readouterr().err


def test_each_picture_is_shown_with_each_text(pictures: Path, look: Callable[..., tuple]) -> None:
    code, out, _ = look(str(pictures), "a red car", "a tree")
    headings = [line for line in out.splitlines() if line.startswith(str(pictures))]
    assert code == 0
    assert [line.removeprefix(f"{pictures}/") for line in headings] == [
        "one.png: a red car", "one.png: a tree", "two.jpg: a red car", "two.jpg: a tree",
    ]  # fmt: skip
    assert out.count("peak at ") == 4
    assert "\x1b" not in out
    assert re.search("[░▒▓█]{8}", out)


def test_what_can_be_known_is_json(pictures: Path, look: Callable[..., tuple]) -> None:
    code, out, _ = look(str(pictures / "one.png"), "a red car", "--json", "--threshold", "0.5")
    (row,) = json.loads(out)
    assert code == 0
    assert (row["text"], row["width"], row["height"], row["id"]) == ("a red car", 64, 48, "one")
    assert 0 < row["area"] < 1
    assert row["components"] >= 1
    assert 0 <= row["peak"][0] < 64
    assert 0 <= row["peak"][1] < 48


def test_as_published_it_is_looked_at_as_the_methods_authors_do(
    pictures: Path, look: Callable[..., tuple]
) -> None:
    words = (str(pictures / "one.png"), "a red car", "--method", "naclip", "--size", "48")
    code, out, err = look(*words, "--as", "published")
    assert code == 0
    assert f"{pictures / 'one.png'}: a red car (NACLIP as published)" in out.splitlines()
    assert "naclip as published: 48 px, windows of 224 by 112, positions dino, background words x 40" in err
    assert "PAMR, which is not here" in err
    (theirs,) = json.loads(look(*words, "--as", "published", "--json")[1])
    (again,) = json.loads(look(*words, "--as", "published", "--json", "--stretch", "map")[1])
    (other,) = json.loads(look(*words, "--as", "published", "--json", "--stretch", "percentile")[1])
    (ours,) = json.loads(look(*words, "--json")[1])
    assert (theirs["preset"], ours["preset"]) == ("published", "ours")
    assert theirs == again
    assert theirs["area"] != other["area"]
    assert theirs["area"] != ours["area"]


def test_everything_can_be_written(pictures: Path, tmp_path: Path, look: Callable[..., tuple]) -> None:
    out = tmp_path / "out"
    code, _, _ = look(str(pictures), "a red car ; a tree", "-o", str(out), "--json")
    assert code == 0
    ids = ["a red car_one", "a red car_two", "a tree_one", "a tree_two"]
    for kind in ("masks", "overlays"):
        assert sorted(path.stem for path in (out / kind).iterdir()) == ids
    heatmaps = read_npz(out / "heatmaps.npz", open_dataset(f"{pictures}?prompt=a red car;a tree"))
    assert set(heatmaps) == set(ids)
    again = open_dataset(f"coco:{pictures}:{out / 'coco.json'}")
    assert sorted(sample.id for sample in again.samples) == ids
    for sample in again.samples:
        mask = np.array(Image.open(out / "masks" / f"{sample.id}.png")) == 255
        assert (sample.true_mask() == mask).all()


def test_what_was_looked_at_is_written_though_the_reader_has_seen_enough(
    pictures: Path, tmp_path: Path, look: Callable[..., tuple], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cliploc.core.commands.look._show", gone)
    code, _, _ = look(str(pictures / "one.png"), "a red car", "-o", str(tmp_path / "out"))
    assert code == 130
    assert any((tmp_path / "out").iterdir())


def test_a_picture_may_come_from_standard_input(
    pictures: Path, look: Callable[..., tuple], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((pictures / "one.png").read_bytes())))
    code, out, _ = look("-", "a red car", "--json")
    assert code == 0
    assert json.loads(out)[0]["picture"] == "standard input"


def test_a_broken_picture_is_said_and_the_others_are_shown(
    pictures: Path, look: Callable[..., tuple]
) -> None:
    (pictures / "broken.png").write_bytes(b"not a picture")
    code, out, err = look(str(pictures), "a car", "--json")
    assert (code, len(json.loads(out))) == (1, 2)
    assert "left out" in err
    assert "broken.png" in err
    assert look(str(pictures / "broken.png"), "a car")[0] == 2


def test_without_words_it_is_said_what_is_missing(pictures: Path, look: Callable[..., tuple]) -> None:
    code, _, err = look(str(pictures))
    assert code == 2
    assert "found no words" in err


def test_hostile_names_are_printed_clean(pictures: Path, look: Callable[..., tuple]) -> None:
    (pictures / "one.png").rename(pictures / "a\x1b]0;owned\x07b.png")
    _, out, err = look(str(pictures), "car\x1b[2J")
    assert "\x1b" not in out + err
    assert "\x07" not in out + err


def test_the_demos_network_says_what_it_knows(pictures: Path, capsys: Output) -> None:
    assert main(["look", str(pictures / "one.png"), "a red car", "--json"]) == 0
    err = capsys.readouterr().err
    assert "knows drawn shapes alone" in err
    assert "cliploc models fetch ViT-B-16:openai" in err
    star = embedded_dir() / "demo" / "real" / "star_0009.png"
    assert main(["look", str(star), "star", "--json"]) == 0
    assert "drawn shapes" not in capsys.readouterr().err


def test_absent_weights_that_were_asked_for_are_an_error(pictures: Path, capsys: Output) -> None:
    assert main(["look", str(pictures / "one.png"), "a red car", "--backbone", "ViT-B-16"]) == 2
    assert "cliploc models fetch ViT-B-16:openai" in capsys.readouterr().err


PICTURE = np.full((40, 80, 3), (250, 10, 10), np.uint8)


def test_in_sixel_kitty_half_cells_and_shades() -> None:
    def drawn(protocol: str, tmux: str = "") -> str:
        return inline(PICTURE, Terminal(protocol, 10, 20, truecolor=True, tmux=tmux), 8)  # type: ignore[arg-type]

    assert "\x1bP0" in drawn("sixel") or "\x1bPq" in drawn("sixel")
    assert drawn("kitty").count("\U0010eeee") == 16
    assert drawn("kitty").startswith("\x1b_G")
    assert drawn("kitty", tmux="passthrough").startswith("\x1bPtmux;")
    assert "250;10;10" in drawn("halfcell")
    assert "\x1b" not in drawn("none")
    assert len(drawn("none").splitlines()) == 2


def test_the_terminal_is_not_asked_by_others(monkeypatch: pytest.MonkeyPatch, capfd: Output) -> None:
    inline(PICTURE, Terminal("kitty", 10, 20), 8)
    assert capfd.readouterr().out == ""
    assert sys.__stdout__ is not None
