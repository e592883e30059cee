"""What was found out about a file is remembered, for as long as the file is the same one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from core.datasets import files


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


def test_a_file_rewritten_with_its_size_and_time_kept_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")
    before = path.stat()
    first = files.digests([path])
    path.write_bytes(b"2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert files.digests([path]) != first
