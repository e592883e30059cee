"""Archives of strangers: nothing lands outside, nothing goes on for ever."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.errors import DatasetError
from cliploc.core.fetch.archive import unpack


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[..., Path]:
    def make(members: dict[str, bytes], mode: int = 0) -> Path:
        path = tmp_path / "made.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                member = zipfile.ZipInfo(name)
                member.external_attr = mode << 16
                archive.writestr(member, content, zipfile.ZIP_DEFLATED)
        return path

    return make


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "into"
    folder.mkdir(parents=True)
    return folder


def everything(name: str) -> bool:
    return True


def test_wanted_members_are_unpacked(zipped: Callable[..., Path], into: Path) -> None:
    archive = zipped({"a/b c.txt": b"1", "a/skip.txt": b"2", "a/": b""})
    seen: list[tuple[int, int]] = []
    assert unpack(archive, into, lambda name: "skip" not in name, 100, lambda *now: seen.append(now)) == 1
    assert (into / "a" / "b c.txt").read_bytes() == b"1"
    assert not (into / "a" / "skip.txt").exists()
    assert seen == [(1, 1)]


@pytest.mark.parametrize(
    "name", ["../out.txt", "a/../../out.txt", "/tmp/out.txt", "..\\out.txt", "C:/out.txt"]
)
def test_nothing_leads_out_of_the_folder(
    zipped: Callable[..., Path], into: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(DatasetError, match="leads out"):
        unpack(zipped({"fine.txt": b"", name: b"evil"}), into, everything, 100)
    assert list(into.iterdir()) == []
    assert not list(tmp_path.glob("**/out.txt"))


def test_links_are_refused(zipped: Callable[..., Path], into: Path) -> None:
    with pytest.raises(DatasetError, match="not a plain file"):
        unpack(zipped({"link": b"/etc/passwd"}, stat.S_IFLNK | 0o777), into, everything, 100)


def test_a_bomb_is_not_set_off(zipped: Callable[..., Path], into: Path) -> None:
    with pytest.raises(DatasetError, match="expected at most 1,000"):
        unpack(zipped({"zeros": bytes(1_000_000)}), into, everything, 1000)
    assert list(into.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "flipped", "absent"])
def test_what_is_no_sound_zip_is_refused(zipped: Callable[..., Path], into: Path, damage: str) -> None:
    archive = zipped({"a.bin": bytes(range(256)) * 40})
    content = archive.read_bytes()
    changed = {
        "cut": content[: len(content) // 2],
        "text": b"hello",
        "empty": b"",
        "flipped": content[:60] + bytes([content[60] ^ 255]) + content[61:],
    }
    if damage == "absent":
        archive.unlink()
    else:
        archive.write_bytes(changed[damage])
    with pytest.raises(DatasetError):
        unpack(archive, into, everything, 10**6)
