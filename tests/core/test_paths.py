"""Where things are kept, and the promise that a file is whole or absent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cliploc.core import paths
from cliploc.core.errors import StoreError
from tests.conftest import REPOSITORY


def test_one_folder_holds_all_four(home: Path) -> None:
    assert [paths.data_dir(), paths.cache_dir(), paths.state_dir(), paths.config_dir()] == [
        home / name for name in ("data", "cache", "state", "config")
    ]
    assert not home.exists()


def test_the_embedded_default_is_found_in_a_checkout() -> None:
    assert (paths.embedded_dir() / "demo").is_dir()


def test_a_written_file_is_whole(tmp_path: Path) -> None:
    with paths.atomic_write(tmp_path / "new" / "file.bin") as file:
        file.write(b"all of it")
        assert not (tmp_path / "new" / "file.bin").exists()
    assert (tmp_path / "new" / "file.bin").read_bytes() == b"all of it"
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["file.bin"]


def test_a_written_file_has_the_modes_that_the_user_set(tmp_path: Path) -> None:
    (tmp_path / "usual").write_bytes(b"")
    with paths.atomic_write(tmp_path / "ours"):
        pass
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file.bin"
    target.write_bytes(b"old")
    with pytest.raises(TypeError), paths.atomic_write(target) as file:
        file.writelines([b"half of", None])  # type: ignore[list-item]
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["file.bin"]


def test_what_a_killed_writer_left_is_taken_over(tmp_path: Path) -> None:
    writer = (
        "import os, sys, signal; from pathlib import Path; from cliploc.core.paths import atomic_write\n"
        "with atomic_write(Path(sys.argv[1])) as file:\n"
        "    file.write(b'a part that is longer'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    target = tmp_path / "file.bin"
    subprocess.run([sys.executable, "-c", writer, target], cwd=REPOSITORY, check=False)
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [".file.bin.partial"]
    with paths.atomic_write(target) as file:
        file.write(b"whole")
    assert target.read_bytes() == b"whole"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["file.bin"]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    target = tmp_path / "file.bin"
    with paths.atomic_write(target) as first:
        first.write(b"first")
        with paths.atomic_write(target) as second:
            second.write(b"second")
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["file.bin"]


def test_a_temporary_name_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "precious"
    elsewhere.write_bytes(b"precious")
    (tmp_path / ".file.bin.partial").symlink_to(elsewhere)
    with paths.atomic_write(tmp_path / "file.bin") as file:
        file.write(b"all of it")
    assert elsewhere.read_bytes() == b"precious"
    assert (tmp_path / "file.bin").read_bytes() == b"all of it"


def test_a_folder_that_cannot_be_made_says_what_stands_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="CLIPLOC_HOME"), paths.atomic_write(tmp_path / "file" / "x"):
        pass
