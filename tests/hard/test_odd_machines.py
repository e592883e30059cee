"""Machines as they are: no home, another language, a clock set back, no locks, no shared memory."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cliploc.core import filesystem, lock
from cliploc.core.cli import main
from cliploc.core.datasets import open_dataset
from cliploc.core.datasets.files import largest_pixels
from cliploc.core.errors import DatasetError, ParameterError, StoreError
from cliploc.core.sweep.database import reading
from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.ledger import Ledger
from tests.conftest import REPOSITORY
from tests.sweeping import SMALL, heatmap_set, small_plan

MOUNTS = """\
21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 21 0:40 / /home rw shared:9 - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/ana/fast rw - xfs /dev/nvme0 rw
32 21 0:42 / /mnt/with\\040space rw - fuse.sshfs ana@host: rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "remote"),
    [
        ("/etc", "ext4", False),
        ("/home/ana/state", "nfs4", True),
        ("/home/ana/fast/state", "xfs", False),
        ("/homeless", "ext4", False),
        ("/mnt/with space/x", "fuse.sshfs", True),
    ],
)
def test_file_systems_are_told_apart(path: str, kind: str, remote: bool, tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert filesystem.kind_of(Path(path), tmp_path / "mountinfo") == kind
    assert bool(filesystem.REMOTE.fullmatch(kind)) == remote


def test_over_a_network_the_ledger_shares_no_memory(
    make_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cliploc.core.sweep.database.is_remote", lambda path: True)
    monkeypatch.setattr("cliploc.core.filesystem.kind_of", lambda path: "nfs4")
    ledger = Ledger()
    run = ledger.create(small_plan(heatmap_set(make_folder, images=6), grid=SMALL))
    assert drive(ledger, run) == "done"
    with reading(ledger.path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    assert not list(ledger.path.parent.glob("runs.db-*"))
    assert main(["doctor"]) == 0
    assert "over a network" in capsys.readouterr().out


def test_without_locks_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(descriptor: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(StoreError, match="has no locks"), lock.held(tmp_path / "lock"):
        pass
    assert not lock.is_held(tmp_path / "lock")


def test_state_is_its_users_alone(home: Path, make_folder: Callable[..., Path]) -> None:
    before = os.umask(0o022)
    try:
        ledger = Ledger()
        drive(ledger, ledger.create(small_plan(heatmap_set(make_folder, images=6), grid=SMALL)))
        from cliploc.tui import session
        from cliploc.tui.state import ExplorerState, Source

        session.save("demo", ExplorerState("star_0009", Source(stored="toy")))
    finally:
        os.umask(before)
    assert stat.S_IMODE((home / "state").stat().st_mode) == 0o700
    for path in (home / "state").iterdir():
        if path.is_file() and path.suffix in (".db", ".json"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((home / "cache").stat().st_mode) == 0o755


def run(argv: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {"PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, "-m", "cliploc.core.cli", *argv]
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        env=plain,
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="replace",
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX"},
        {"LANG": "tr_TR.UTF-8"},
        {"LC_ALL": "xx_YY.nonsense"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
    ids=lambda environment: " ".join(environment.values()),
)
def test_in_other_languages(
    environment: dict[str, str], make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    place = tmp_path / "Bilder für Ană ☃"
    place.mkdir()
    folder = make_folder({"größe": 2, "雪 だるま": 1}, name="Bilder für Ană ☃/my data")
    done = run(
        ["dataset", "stats", "--dataset", str(folder)], CLIPLOC_HOME=str(place / "home dir"), **environment
    )
    # Where names cannot be said at all they are missing, in a sentence.
    assert done.returncode == (2 if environment.get("PYTHONUTF8") == "0" else 0), done.stderr
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr
    assert run(["runs", "list"], CLIPLOC_HOME=str(place / "home dir"), **environment).returncode == 0


def test_a_folder_whose_name_is_no_utf8(
    make_folder: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of it works; what is shown of the name is what can be."""
    plain = make_folder({"cat": 4, "dog": 2})
    folder = str(plain.rename(tmp_path / os.fsdecode(b"bilder\xff")))
    ids = [sample.id for sample in open_dataset(folder).samples]
    heatmaps = np.random.default_rng(0).random((6, 6, 8), np.float32)
    np.savez(tmp_path / "in.npz", ids=np.array(ids), heatmaps=heatmaps)
    grid = ["--dilate", "1,5", "--erode", "1", "--executor", "threads", "--workers", "1"]
    for argv in (
        ["dataset", "stats", "--dataset", folder],
        ["heatmaps", "import", str(tmp_path / "in.npz"), "--dataset", folder, "--name", "toy"],
        ["heatmaps", "list"],
        ["heatmaps", "show", "toy", "--json"],
        ["evaluate", "--heatmaps", "toy"],
        ["sweep", "--heatmaps", "toy", *grid],
        ["runs", "list", "--json"],
        ["runs", "export", "last", "--out", str(tmp_path / "cells.csv")],
        ["runs", "export", "last", "--bundle", "--out", str(tmp_path / "run.zip")],
        ["report", "--runs", "last", "-o", str(tmp_path / "report")],
        ["predictions", "export", "--heatmaps", "toy", "--threshold", "0.5", "-o", str(tmp_path / "masks")],
    ):
        assert main(argv) == 0, (argv, capsys.readouterr().err)
    capsys.readouterr().out.encode()
    assert main(["runs", "delete", "last"]) == 0
    assert main(["runs", "import", str(tmp_path / "run.zip")]) == 0


def test_without_a_home(tmp_path: Path, make_folder: Callable[..., Path]) -> None:
    folder = str(make_folder())
    for home in ("", str(tmp_path / "absent"), "/proc/nowhere", "/dev/null"):
        done = run(["dataset", "stats", "--dataset", folder], **({"HOME": home} if home else {}))
        assert done.returncode == 0, done.stderr
        listed = run(["runs", "list"], **({"HOME": home} if home else {}))
        assert "Traceback" not in done.stderr + listed.stderr
        assert "unexpected" not in listed.stderr


def test_a_clock_that_was_set_back(
    make_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, name = Ledger(), heatmap_set(make_folder, images=6)
    first = ledger.create(small_plan(name, grid=SMALL))
    drive(ledger, first)
    monkeypatch.setattr("time.time", lambda: 86_400.0)
    second = ledger.create(small_plan(name, grid=SMALL))
    assert drive(ledger, second) == "done"
    assert main(["runs", "list"]) == 0
    assert main(["runs", "show", second]) == 0
    assert drive(ledger, first) == "done"
    for row in ledger.runs():
        assert row.rate is None or row.rate > 0
        assert row.eta is None or row.eta >= 0


@pytest.mark.parametrize("told", ["-1", "many", "0", "1e9", "9" * 5000, "\x1b[31m"])
def test_a_limit_of_pixels_that_is_none(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPLOC_MEGAPIXELS", told)
    with pytest.raises(ParameterError, match="expected a whole number"):
        largest_pixels()


def test_the_limit_of_pixels_can_be_moved(
    make_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cliploc.core.datasets.pictures import read_image
    from tests.conftest import write_picture

    place = make_folder() / "wide.png"
    write_picture(place, np.zeros((1200, 1000, 3), np.uint8))
    monkeypatch.setenv("CLIPLOC_MEGAPIXELS", "1")
    with pytest.raises(DatasetError, match="CLIPLOC_MEGAPIXELS=N allows more"):
        read_image(place)
    monkeypatch.setenv("CLIPLOC_MEGAPIXELS", "2")
    assert read_image(place).shape == (1200, 1000, 3)
