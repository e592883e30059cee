"""`cliploc demo`: what it writes, and what it says to bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from cliploc.core.cli import main
from cliploc.core.demo.layout import build


def test_build_writes_what_the_function_writes(tmp_path: Path) -> None:
    assert main(["demo", "build", "--out", str(tmp_path / "a"), "--seed", "3", "--count", "2"]) == 0
    build(tmp_path / "b", seed=3, count=2)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 5
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)


def test_a_folder_with_a_dataset_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["demo", "build", "--out", str(tmp_path), "--count", "1"]
    assert main(command) == 0
    assert main(command) == 2
    assert "--out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ["build", "--seed", "-1"],
        ["build", "--count", "0"],
        ["build", "--count", "many"],
        ["train", "--steps", "0"],
        ["train", "--model", "vgg"],
    ],
)
def test_bad_arguments_are_usage_errors(
    tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    action, *options = wrong
    with pytest.raises(SystemExit) as stopped:
        main(["demo", action, "--out", str(tmp_path / "out"), *options])
    assert stopped.value.code == 2
    assert options[0] in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_unusable_device_is_said_before_anything_is_written(tmp_path: Path) -> None:
    assert main(["demo", "train", "--out", str(tmp_path / "out"), "--device", "abacus"]) == 2
    assert not (tmp_path / "out").exists()
