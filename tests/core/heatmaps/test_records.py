"""A file of heatmaps is what numpy would write, in pieces of any size."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.heatmaps import records
from cliploc.core.heatmaps.records import CHECK, intact, load, records_bytes, save


def heatmaps(count: int, side: int = 5) -> np.ndarray:
    return np.random.default_rng(count).random((count, side, side), dtype=np.float32)


@pytest.mark.parametrize("at_once", [1, 300, 1 << 20])
def test_the_file_is_numpys_own_and_its_checksum(
    tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "AT_ONCE", at_once)
    values, ids = heatmaps(7), [f"café_{n}" for n in range(7)]
    save(tmp_path / "a.npy", ids, (5, 5), lambda first, last: values[first:last])
    whole = np.zeros(7, [("id", "<U6"), ("heatmap", "<f4", (5, 5))])
    whole["id"], whole["heatmap"] = ids, values
    content = io.BytesIO()
    np.save(content, whole)
    expected = content.getvalue() + CHECK % zlib.crc32(content.getvalue())
    assert (tmp_path / "a.npy").read_bytes() == expected
    assert (load(tmp_path / "a.npy")["heatmap"] == values).all()
    assert intact(tmp_path / "a.npy")
    assert 0 < len(expected) - records_bytes(ids, (5, 5)) < 300


@pytest.mark.parametrize("place", [100, 400, -20, -1])
def test_a_changed_byte_is_seen(tmp_path: Path, place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "AT_ONCE", 64)
    values = heatmaps(4)
    save(tmp_path / "a.npy", list("abcd"), (5, 5), lambda first, last: values[first:last])
    content = bytearray((tmp_path / "a.npy").read_bytes())
    content[place] ^= 1
    (tmp_path / "a.npy").write_bytes(content)
    assert not intact(tmp_path / "a.npy")


def test_what_fails_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    def rows(first: int, last: int) -> np.ndarray:
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        save(tmp_path / "a.npy", ["a"], (5, 5), rows)
    assert not list(tmp_path.glob("*"))
