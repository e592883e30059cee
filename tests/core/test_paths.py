"""Where things are kept, and the promise that a file is whole or absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from cliploc.core import paths
from cliploc.core.errors import StoreError


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


def test_a_folder_that_cannot_be_made_says_what_stands_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="CLIPLOC_HOME"), paths.atomic_write(tmp_path / "file" / "x"):
        pass
