"""A run as one file: taken elsewhere it is the same run, and packed there it is the same file."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.cli import main
from cliploc.core.errors import StoreError
from cliploc.core.sweep import sweep
from cliploc.core.sweep.archive import pack, unpack
from cliploc.core.sweep.ledger import Ledger
from tests.sweeping import SMALL, heatmap_set, left_by


@pytest.fixture
def run(make_folder: Callable[..., Path]) -> str:
    return sweep(heatmap_set(make_folder), SMALL, executor="threads", workers=2).id


def test_exported_imported_elsewhere_and_exported_again_is_identical(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    here = left_by(Ledger(), run)
    assert main(["runs", "export", run, "--bundle", "--out", str(first)]) == 0
    monkeypatch.setenv("CLIPLOC_HOME", str(tmp_path / "elsewhere"))
    assert main(["runs", "import", str(first)]) == 0
    assert capsys.readouterr().out.strip() == run
    assert left_by(Ledger(), run) == here
    assert main(["runs", "show", run]) == 0
    assert main(["runs", "export", run, "--bundle", "--out", str(second)]) == 0
    assert first.read_bytes() == second.read_bytes()


def test_the_file_says_what_it_is_without_this_program(run: str, tmp_path: Path) -> None:
    pack(Ledger(), run, tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        described = json.loads(archive.read("run.json"))
    assert described["run"] == run
    assert described["machine"]["numpy"]
    assert described["plan"]["grid"] == SMALL.to_dict()
    assert described["plan"]["sets"][0]["identity"]["method"] == "imported"
    assert described["summaries"]["toy"] == Ledger().summary(run, 0)


def test_no_absolute_path_is_left(run: str, tmp_path: Path) -> None:
    folder = Path(Ledger().plan(run).dataset)
    assert folder.is_absolute()
    pack(Ledger(), run, tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert not [name for name in archive.namelist() if str(folder.parent).encode() in archive.read(name)]
        assert json.loads(archive.read("run.json"))["plan"]["dataset"] == folder.name
    assert Ledger().plan(run).dataset == str(folder), "here it stays what it is"


def test_a_run_that_is_there_already_is_not_overwritten(run: str, tmp_path: Path) -> None:
    pack(Ledger(), run, tmp_path / "run.zip")
    before = left_by(Ledger(), run)
    with pytest.raises(StoreError, match="already"):
        unpack(Ledger(), tmp_path / "run.zip")
    assert left_by(Ledger(), run) == before


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_text("not a zip")
    with pytest.raises(StoreError, match="no archive of a run"):
        unpack(Ledger(), tmp_path / "no.zip")


def test_an_import_that_fails_leaves_nothing_and_can_be_tried_again(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(Ledger(), run, tmp_path / "run.zip")
    here = left_by(Ledger(), run)
    monkeypatch.setenv("CLIPLOC_HOME", str(tmp_path / "elsewhere"))
    ledger = Ledger()
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "enter", _full)
        with pytest.raises(StoreError, match="full"):
            unpack(ledger, tmp_path / "run.zip")
    assert not ledger.folder(run).exists()
    assert ledger.runs() == []
    unpack(ledger, tmp_path / "run.zip")
    assert left_by(ledger, run) == here


def _full(*_: object) -> None:
    raise StoreError("the disk is full")


def test_what_a_killed_import_left_is_swept(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it copied, or between arrays and rows: no run is in the ledger, whatever lies about."""
    pack(Ledger(), run, tmp_path / "run.zip")
    here = left_by(Ledger(), run)
    monkeypatch.setenv("CLIPLOC_HOME", str(tmp_path / "elsewhere"))
    ledger = Ledger()
    for folder in (ledger.folder(run), ledger.folder(run).parent / ".import-0123"):
        (folder / "counts").mkdir(parents=True)
        (folder / "counts/000000.npz").write_bytes(b"a part")
    unpack(ledger, tmp_path / "run.zip")
    assert left_by(ledger, run) == here
    assert not list(ledger.folder(run).parent.glob(".import-*"))


def test_a_damaged_array_is_not_packed(run: str, tmp_path: Path) -> None:
    next(Ledger().folder(run).glob("counts/*.npz")).write_bytes(b"damaged")
    with pytest.raises(StoreError, match="damaged; `cliploc runs resume` computes it again"):
        pack(Ledger(), run, tmp_path / "run.zip")
    assert not (tmp_path / "run.zip").exists()


def test_a_full_temporary_folder_does_no_harm(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(Ledger(), run, tmp_path / "a.zip")
    monkeypatch.setattr("tempfile.tempdir", "/dev/full")
    pack(Ledger(), run, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
