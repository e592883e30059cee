"""What can be wrong before the screen is taken: a sentence that helps, exit code 2, nothing written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.postprocess import PostProcess
from cliploc.tui import session
from cliploc.tui.__main__ import main, parser
from cliploc.tui.command_line import arguments_of
from cliploc.tui.start import initial_state
from cliploc.tui.state import ExplorerState, Source, View


def complaint(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """What the program says on stderr when it cannot start."""
    assert main(list(argv)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err


def test_no_dataset_at_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no dataset at /nowhere" in complaint(capsys, "--dataset", "/nowhere")


def test_a_folder_without_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "has no table.csv" in complaint(capsys, "--dataset", str(tmp_path))


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--method", "gm", "did you mean gem"),
        ("--template", "an image", "has no <label>"),
        ("--dilate", "4", "odd number"),
        ("--dilate", "many", "expected 1 to 99, odd"),
        ("--threshold", "2", "expected 0 to 1"),
        ("--theme", "cliploc-drak", "cliploc-dark"),
        ("--keymap", "emacs", "cliploc, plain, vim"),
    ],
)
def test_a_wrong_option(
    make_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    assert said in complaint(capsys, "--dataset", str(make_folder()), option, value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.toml", "theme = 3", "theme is not a setting"),
        ("config.toml", "colour = 'x'", "known: theme, keymap"),
        ("config.toml", "theme = ", "mend it or move it away"),
        ("keymap.toml", "[keys]\nsingle = 'd'", "key d is both"),
    ],
)
def test_a_wrong_settings_file(
    make_folder: Callable[..., Path],
    home: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: str,
    said: str,
) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / name).write_text(content)
    assert said in complaint(capsys, "--dataset", str(make_folder()))


@pytest.mark.skipif(os.geteuid() != 0, reason="as root permissions do not count; a file in the way does")
def test_a_cache_that_cannot_be_written(
    make_folder: Callable[..., Path], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / "cache").write_text("in the way")
    said = complaint(capsys, "--dataset", str(make_folder()))
    assert "cannot create" in said
    assert "CLIPLOC_HOME" in said


def test_without_a_terminal(make_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert "is not a terminal" in complaint(capsys, "--dataset", str(make_folder()))


def test_the_last_session_comes_back_under_the_command_line(make_folder: Callable[..., Path]) -> None:
    dataset = open_dataset(str(make_folder()))
    left = ExplorerState(
        dataset.samples[1].id,
        Source(stored="good"),
        PostProcess(dilate=41),
        view=View(layout="pair", opacity=0.3),
        marks=frozenset({dataset.samples[0].id}),
    )
    session.save(dataset.spec, left)
    arguments = ["--dataset", dataset.spec]
    assert initial_state(dataset, parser().parse_args(arguments)) == left
    asked = initial_state(dataset, parser().parse_args([*arguments, "--erode", "45"]))
    assert asked.config == PostProcess(dilate=41, erode=45)
    assert initial_state(dataset, parser().parse_args([*arguments, "--fresh"])).config == PostProcess()


def test_what_is_copied_as_a_command_line_starts_the_same(make_folder: Callable[..., Path]) -> None:
    dataset = open_dataset(str(make_folder()))
    told = {"quickgelu": "yes", "preprocess": "imagenet"}
    recipe = Recipe(method="textspan", template="a <label>", size=32, **told).completed(dataset.name)
    source = Source(recipe.setting(off="10.3,9.*", layer=9))
    state = ExplorerState(dataset.samples[0].id, source, PostProcess(dilate=21, threshold=0.3))
    arguments = parser().parse_args([*arguments_of(dataset.spec, state), "--fresh"])
    assert initial_state(dataset, arguments) == state


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"version": 0}', b'{"version": 1, "datasets": []}', b"\xff\xfe",
     b'{"version": 1, "datasets": {"SPEC": {"sample": 3, "config": {"dilate": 4}, "view": 7, "source": 1}}}'],
)  # fmt: skip
def test_an_old_or_broken_session_is_no_obstacle(
    make_folder: Callable[..., Path], home: Path, content: bytes
) -> None:
    dataset = open_dataset(str(make_folder()))
    (home / "state").mkdir(parents=True)
    (home / "state" / "session.json").write_bytes(content.replace(b"SPEC", dataset.spec.encode()))
    state = initial_state(dataset, parser().parse_args(["--dataset", dataset.spec]))
    assert state.sample == dataset.samples[0].id
    assert state.config == PostProcess()
