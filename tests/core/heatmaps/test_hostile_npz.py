"""`.npz` files from strangers: headers are believed for nothing, and looked at before memory is taken."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.errors import StoreError
from cliploc.core.heatmaps.exchange import read_npz

IDS = np.array(["cat_0", "cat_1", "red car_0"])
MAPS = np.random.default_rng(0).random((3, 6, 8), np.float32)
MOST_BYTES = 50 << 20


@pytest.fixture
def dataset(make_folder: Callable[..., Path]) -> Dataset:
    return open_dataset(str(make_folder()))


def array(values: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, values)
    return content.getvalue()


def header(shape: str, dtype: str = "<f4", version: bytes = b"\x01\x00") -> bytes:
    """An array file that says anything of itself, and holds nothing."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text


def written(path: Path, heatmaps: bytes, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("ids.npy", array(IDS))
        archive.writestr("heatmaps.npy", heatmaps)
    return path


def patched(path: Path, places: tuple[int, int], change: Callable[[int], int]) -> Path:
    """The archive with a byte of each member's two headers changed."""
    content = bytearray(path.read_bytes())
    for mark, place in zip((b"PK\x03\x04", b"PK\x01\x02"), places, strict=True):
        start = -1
        while (start := content.find(mark, start + 1)) >= 0:
            content[start + place] = change(content[start + place])
    path.write_bytes(content)
    return path


def refused(path: Path, dataset: Dataset, words: str) -> None:
    """It ends with a sentence, and has taken next to no memory."""
    tracemalloc.start()
    try:
        with pytest.raises(StoreError, match=words):
            read_npz(path, dataset)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


def zeros(path: Path, side: int) -> Path:
    """A small file of three large maps, and no memory needed to write it."""
    content = header(f"(3, {side}, {side})")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ids.npy", array(IDS))
        with archive.open("heatmaps.npy", "w") as member:
            member.write(content)
            for _ in range(3 * side):
                member.write(bytes(4 * side))
    assert path.stat().st_size < 1 << 20
    return path


def test_maps_larger_than_any_method_makes_are_not_unpacked(dataset: Dataset, tmp_path: Path) -> None:
    refused(
        zeros(tmp_path / "a.npz", 4097), dataset, r"maps of \(4097, 4097\), expected .* at most 4096 x 4096"
    )


def test_what_was_packed_as_only_nothing_is_is_not_unpacked(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a size that maps may have, but of a thousandth of it in the file; small ones may be as sparse."""
    path = zeros(tmp_path / "a.npz", 1024)
    assert len(read_npz(path, dataset)) == 3
    monkeypatch.setattr("cliploc.core.heatmaps.exchange._LARGE", 10 << 20)
    refused(path, dataset, "takes 12,582,912 bytes, packed into .* write it with np.savez")


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("(3, 4096, 4096)", "has 0 bytes, expected 201326592: it is damaged"),
        ("(100000000000000000000000000000000000000000, 6, 8)", "for 3 ids"),
        ("(3, 6)", "for 3 ids"),
        ("(-3, 6, 8)", "for 3 ids"),
        ("(3, 6, 8", "cannot read .*: its header is none of an array"),
        ("'many'", "cannot read"),
        ("(" * 200 + ")" * 200, "cannot read"),
    ],
)
def test_what_a_header_says_is_compared_with_what_is_there(
    dataset: Dataset, tmp_path: Path, shape: str, words: str
) -> None:
    refused(written(tmp_path / "a.npz", header(shape)), dataset, words)


def test_encrypted_and_unknown_kinds_of_members_are_sentences(dataset: Dataset, tmp_path: Path) -> None:
    encrypted = patched(written(tmp_path / "a.npz", array(MAPS)), (6, 8), lambda flags: flags | 1)
    refused(encrypted, dataset, "cannot read .* encrypted")
    method = patched(written(tmp_path / "b.npz", array(MAPS)), (8, 10), lambda _: 99)
    refused(method, dataset, "cannot read .* compression method is not supported")
    refused(written(tmp_path / "c.npz", b"abc"), dataset, "cannot read")
    refused(written(tmp_path / "d.npz", header("(3, 6, 8)", version=b"\x09\x00")), dataset, "cannot read")
