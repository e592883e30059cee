"""The command line's manners: exit codes, streams, JSON."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.cli import main
from cliploc.core.commands import COMMANDS
from cliploc.core.errors import DatasetError
from cliploc.core.version import VERSION
from tests.conftest import REPOSITORY


def test_data_goes_to_stdout_and_narration_to_stderr(
    make_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_folder({"cat": 2, "red car": 1})
    assert main(["dataset", "stats", "--dataset", str(root), "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["per_class"] == {"cat": 2, "red car": 1}
    assert printed.err == ""
    assert main(["dataset", "check", "--dataset", str(root)]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "sound" in printed.err


def test_list_has_one_row_per_sample(
    make_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dataset", "list", "--dataset", str(make_folder({"cat": 2})), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"id": "cat_0", "label": "cat", "source": "0"},
        {"id": "cat_1", "label": "cat", "source": "1"},
    ]


def test_check_exits_1_when_there_are_problems(
    make_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_folder({"cat": 2})
    (root / "real/cat_0.png").unlink()
    assert main(["dataset", "check", "--dataset", str(root), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problems"] == ["row 2: file real/cat_0.png is missing"]


def test_check_says_what_it_cannot_find(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "check", "--dataset", "coco:images:annotations.json"]) == 2
    assert "no folder of images at images" in capsys.readouterr().err


def test_bad_input_is_one_sentence_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "stats", "--dataset", str(tmp_path / "nowhere")]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("cliploc: no dataset at")
    assert "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("place", ["a" * 300, "~nobody-of-this-name/x", "a\0b", "coco:" + "a" * 300 + ":b"])
def test_names_that_no_file_can_have_are_bad_input(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "list", "--dataset", place]) == 2
    assert capsys.readouterr().err.startswith("cliploc: ")


@pytest.mark.parametrize(
    ("command", "redirected", "code"),
    [
        ("dataset list", ">&-", 0),
        ("dataset list", "> /dev/full", 1),
        ("heatmaps list --json", "> /dev/full", 1),
        ("--help", "> /dev/full", 1),
        ("runs --help", "> /dev/full", 1),
        ("--version", "> /dev/full", 1),
        ("--version", ">&-", 0),
        ("--help", "| head -0", 0),
        ("--completions bash", "> /dev/full", 1),
    ],
)
def test_an_output_that_is_closed_or_full_is_a_sentence(command: str, redirected: str, code: int) -> None:
    """However much is written: what fits into a buffer fails at the very end."""
    line = f"'{sys.executable}' -m cliploc.core.cli {command} {redirected}"
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["sh", "-c", line], cwd=REPOSITORY, env=buffered, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert ("No space left" in done.stderr) == (code == 1)


@pytest.mark.parametrize("words", [["dataset", "stats", "--dataset"], []])
def test_a_name_without_end_is_not_repeated_whole(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.suppress(SystemExit):
        main([*words, "a" * 10_000 + "b"])
    said = capsys.readouterr().err
    assert "aaa…a" in said
    assert len(said) < 2_000


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        main(["--debug", "dataset", "stats", "--dataset", str(tmp_path / "nowhere")])


def test_wrong_usage_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["dataset", "polish"])
    assert caught.value.code == 2
    assert "unknown word 'polish'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "meant"), [(["swep"], "sweep"), (["dataset", "sats"], "stats"), (["runs", "resum"], "resume")]
)
def test_a_mistyped_command_is_answered_with_the_nearest(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert f"did you mean {meant}" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["\x1b[2J"], ["runs", "list", "\x1b[2J\u202e"], ["runs", "\x9b2J"]])
def test_wrong_words_are_shown_without_what_a_terminal_would_obey(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(argv)
    said = capsys.readouterr().err
    assert "2J" in said
    assert not {"\x1b", "\x9b", "\u202e"} & set(said)


def test_help_and_version_import_nothing_heavy() -> None:
    program = (
        "import sys\nfrom cliploc.core.cli import parser\ntext = parser().format_help()\n"
        "heavy = {'torch', 'open_clip', 'numpy', 'cv2', 'PIL', 'textual'} & set(sys.modules)\n"
        "assert not heavy, heavy\nprint(text)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert name in done.stdout


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"cliploc {VERSION}\n"
