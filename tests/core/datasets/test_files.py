"""What was found out about a file is remembered, for as long as the file is the same one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cliploc.core import paths
from cliploc.core.datasets import files


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file counts as changed long ago."""
    monkeypatch.setattr(files, "SETTLED_SECONDS", -60.0)


def test_a_sound_fact_is_asked_for_once(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")
    asked: list[Path] = []

    def find(path: Path) -> str:
        asked.append(path)
        return json.dumps({"problem": ""})

    assert files.facts("test", [path], find) == files.facts("test", [path], find)
    assert len(asked) == 1


def test_a_failure_is_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")
    assert "busy" in files.facts("test", [path], lambda _: json.dumps({"problem": "busy"}))[0]
    assert "busy" not in files.facts("test", [path], lambda _: json.dumps({"problem": ""}))[0]


@pytest.mark.parametrize("damage", [slice(0, None), slice(4096, None)])
def test_a_damaged_memory_is_begun_anew(tmp_path: Path, damage: slice) -> None:
    """As a whole, or in the pages behind its head."""
    path = tmp_path / "a"
    path.write_bytes(b"1")
    first = files.digests([path])
    memory = paths.cache_dir() / "facts.db"
    content = bytearray(memory.read_bytes())
    content[damage] = b"x" * len(content[damage])
    memory.write_bytes(content)
    assert files.digests([path]) == first
    asked: list[Path] = []

    def find(path: Path) -> str:
        asked.append(path)
        return "{}"

    assert files.facts("test", [path], find) == files.facts("test", [path], find)
    assert len(asked) == 1


def test_a_file_rewritten_with_its_size_and_time_kept_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")
    before = path.stat()
    first = files.digests([path])
    path.write_bytes(b"2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert files.digests([path]) != first
