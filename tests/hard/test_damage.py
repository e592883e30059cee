"""What changed on disk behind our back is named in a sentence, by every command that meets it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.cli import main
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.ledger import Ledger
from tests.sweeping import SMALL, heatmap_set, small_plan


@pytest.fixture
def done(make_folder: Callable[..., Path]) -> str:
    """A finished run."""
    ledger = Ledger()
    run = ledger.create(small_plan(heatmap_set(make_folder, images=6), grid=SMALL))
    drive(ledger, run)
    return run


@pytest.mark.parametrize(
    ("statement", "command"),
    [
        ("UPDATE summaries SET data = substr(data, 1, 400)", ["show", "last"]),
        ("UPDATE summaries SET data = replace(data, '\"best\"', '\"bfst\"')", ["show", "last"]),
        ("UPDATE runs SET card = replace(card, '\"cells\"', '\"cellt\"')", ["list"]),
        ("UPDATE runs SET card = '[]'", ["list"]),
        ("UPDATE runs SET best = '{'", ["list"]),
        ("UPDATE plans SET plan = '{\"sets\": 7}'", ["export", "last", "--out", "x.csv"]),
        ("UPDATE scores SET data = x'00'", ["export", "last", "--out", "x.csv"]),
    ],
)
def test_a_ledger_with_a_text_that_is_not_ours(
    done: str, statement: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(Ledger().path) as db:
        db.execute(statement)
    assert main(["runs", *command]) == 2
    words = capsys.readouterr().err
    assert "damaged" in words
    assert done in words
    assert "unexpected" not in words


@pytest.mark.parametrize("content", [b"null", b"[]", b"[" * 100_000, b'{"pictures": []}', b"\xff"])
def test_a_set_whose_identity_is_none_is_passed_over(
    done: str, home: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (manifest,) = (home / "cache/heatmaps").glob("*/identity.json")
    manifest.write_bytes(content)
    assert main(["heatmaps", "list"]) == 0
    assert HeatmapStore().sets() == []
    assert main(["heatmaps", "show", "toy"]) == 2
    assert "no heatmap set" in capsys.readouterr().err


def test_a_set_with_a_parameter_that_is_no_value_is_passed_over(done: str, home: Path) -> None:
    (manifest,) = (home / "cache/heatmaps").glob("*/identity.json")
    content = json.loads(manifest.read_text())
    content["parameters"]["name"] = []
    manifest.write_text(json.dumps(content))
    assert main(["heatmaps", "list"]) == 0


@pytest.mark.parametrize("place", [8, 12, 30, 60, 90])
def test_a_heatmap_file_with_a_broken_header(
    done: str, home: Path, place: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = (home / "cache/heatmaps").glob("*/heatmaps.npy")
    content = bytearray(file.read_bytes())
    content[place : place + 3] = b"\0(\0"
    file.write_bytes(content)
    assert main(["heatmaps", "show", "toy"]) == 2
    words = capsys.readouterr().err
    assert "damaged" in words
    assert "cliploc heatmaps remove toy" in words


def test_a_mistake_of_ours_is_a_sentence_and_the_log_has_the_rest(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*given: object) -> None:
        raise ZeroDivisionError("by \x1b[31mzero of 'https://me:secret@host/a.zip?token=secret'")

    monkeypatch.setattr("cliploc.core.sweep.ledger.Ledger.runs", broken)
    monkeypatch.setattr("sys.argv", ["cliploc", "runs", "list", "--url", "https://me:secret@host/b?c=secret"])
    assert main(["runs", "list"]) == 1
    words = capsys.readouterr().err
    assert "unexpected ZeroDivisionError" in words
    assert "\x1b" not in words
    assert str(home / "state/cliploc.log") in words
    log = (home / "state/cliploc.log").read_text()
    assert "Traceback" in log
    assert "https://host/a.zip'" in log
    assert "https://host/b" in log
    assert "secret" not in log
    with pytest.raises(ZeroDivisionError):
        main(["--debug", "runs", "list"])
