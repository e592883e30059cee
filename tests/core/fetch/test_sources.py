"""`cliploc fetch`: a dataset is in place whole and checked, or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cliploc.core.cli import main
from cliploc.core.datasets import open_dataset
from cliploc.core.errors import ClipLocError, DatasetError, ResourceError, StoreError
from cliploc.core.fetch import sources
from cliploc.core.fetch.download import Patience
from cliploc.core.fetch.sources import COCO, COCOGLIDE, INSTANCES, Fetchable, fetch
from cliploc.core.paths import data_dir
from tests.core.fetch.conftest import Site, honest, raw, refusing

HASTE = Patience(attempts=2, stall=0.3, pause=0.0)


def quiet(text: str, done: int, total: int) -> None:
    """Nobody watches."""


def zipped(root: Path, prefix: str = "CocoGlide/", **changes: bytes | None) -> bytes:
    """A folder as a zip; changes: other content by name (_ for . and /), None: left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in sorted(path for path in root.rglob("*") if path.is_file()):
            name = str(file.relative_to(root))
            content = changes.get(name.replace("/", "_").replace(".", "_"), file.read_bytes())
            if content is not None:
                archive.writestr(prefix + name, content)
    return buffer.getvalue()


@pytest.fixture
def small(make_folder: Callable[..., Path]) -> tuple[Fetchable, Path]:
    """CocoGlide as it would be with three images, and the folder it is made of."""
    return replace(COCOGLIDE, samples=3, content=()), make_folder()


@pytest.fixture
def small_coco() -> Fetchable:
    return replace(COCO, samples=2)


def coco_archives(tmp_path: Path, images: int = 2, named: int = 2) -> tuple[Path, Path]:
    pictures, annotations = tmp_path / "val.zip", tmp_path / "annotations.zip"
    with zipfile.ZipFile(pictures, "w") as archive:
        for number in range(images):
            archive.writestr(f"val2017/{number:012}.jpg", b"jpeg")
    with zipfile.ZipFile(annotations, "w") as archive:
        listed = [{"id": number, "file_name": f"{number:012}.jpg"} for number in range(named)]
        archive.writestr(INSTANCES, json.dumps({"images": listed}))
        archive.writestr("annotations/captions_train2017.json", "not wanted")
    return pictures, annotations


def left_over() -> list[str]:
    """What there is in the data folder, hidden or not."""
    found = (str(path.relative_to(data_dir())) for path in data_dir().rglob("*") if path.is_file())
    return sorted(name for name in found if not name.endswith(".lock"))


def test_an_archive_is_downloaded_checked_and_put_in_place(small: tuple[Fetchable, Path], site: Site) -> None:
    source, folder = small
    content = zipped(folder)
    site.answers[:] = [honest(content, until=20_000), honest(content)]
    told: list[str] = []
    place = fetch(source, quiet, told.append, [site.url], HASTE)
    assert place == data_dir() / "cocoglide"
    assert open_dataset("cocoglide").truth == open_dataset(str(folder)).truth
    assert "CC BY 4.0" in told[0]
    assert f"{len(content):,} bytes" in told[1]
    assert all(name.startswith("cocoglide/") for name in left_over())


def test_a_carried_copy_needs_no_network(small: tuple[Fetchable, Path], tmp_path: Path) -> None:
    source, folder = small
    carried = tmp_path / "carried.zip"
    carried.write_bytes(zipped(folder, prefix=""))
    fetch(source, quiet, lambda _: None, [carried])
    assert len(open_dataset("cocoglide").samples) == 3
    assert carried.exists()


def test_what_is_there_and_sound_is_not_fetched_again(small: tuple[Fetchable, Path], tmp_path: Path) -> None:
    source, folder = small
    carried = tmp_path / "carried.zip"
    carried.write_bytes(zipped(folder))
    fetch(source, quiet, lambda _: None, [carried])
    told: list[str] = []
    fetch(source, quiet, told.append, [tmp_path / "absent.zip"])
    assert told == [f"cocoglide is already at {source.place}"]
    next((source.place / "real").glob("*.png")).unlink()
    with pytest.raises(DatasetError, match=r"missing[\s\S]*move .* away"):
        fetch(source, quiet, told.append, [carried])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"table_csv": b"real,fake,mask,prompt\n"}, "no rows"),
        ({"table_csv": b"real,mask,prompt\nreal/cat_0.png,mask/cat_0_mask.png,cat\n"}, "1 rows, expected 3"),
        ({"table_csv": None}, "found 0 files table.csv"),
        ({"mask_cat_1_mask_png": None}, "row 3: file mask/cat_1_mask.png is missing"),
        ({"real_cat_0_png": b"\x89PNG cut"}, "real/cat_0.png is not a picture"),
        (
            {"table_csv": b"real,mask,prompt\n../a.png,m,x\n../b.png,m,y\n../c.png,m,z\n"},
            "out of the dataset",
        ),
    ],
)
def test_an_archive_that_is_not_the_dataset_leaves_nothing(
    small: tuple[Fetchable, Path], site: Site, changes: dict[str, bytes | None], message: str
) -> None:
    source, folder = small
    site.answers[:] = [honest(zipped(folder, **changes))]
    with pytest.raises(DatasetError, match=message):
        fetch(source, quiet, lambda _: None, [site.url], HASTE)
    assert left_over() == []


def test_a_length_that_lies_is_found_out(small: tuple[Fetchable, Path], site: Site) -> None:
    source, folder = small
    content = zipped(folder)
    site.answers[:] = [raw(200, content, Content_Length=len(content) - 100)]
    with pytest.raises(DatasetError, match="not a sound zip"):
        fetch(source, quiet, lambda _: None, [site.url], HASTE)
    assert left_over() == []


def test_an_interrupted_download_is_kept_for_the_next_call(small: tuple[Fetchable, Path], site: Site) -> None:
    source, folder = small
    content = zipped(folder)
    site.answers[:] = [honest(content, until=1 << 14), refusing(503)]
    with pytest.raises(ResourceError):
        fetch(source, quiet, lambda _: None, [site.url], HASTE)
    assert not source.place.exists()
    site.answers[:] = [honest(content)]
    fetch(source, quiet, lambda _: None, [site.url], HASTE)
    assert site.asked[-1]["range"] == f"bytes={1 << 14}-"


def test_one_fetches_at_a_time_and_the_other_says_so(small: tuple[Fetchable, Path], tmp_path: Path) -> None:
    source, folder = small
    carried = tmp_path / "carried.zip"
    carried.write_bytes(zipped(folder))
    told: list[str] = []

    def meanwhile(text: str, done: int, total: int) -> None:
        if not told:
            told.append(text)
            with pytest.raises(StoreError, match="it fetches cocoglide; wait for its end"):
                fetch(source, quiet, lambda _: None, [carried])

    fetch(source, meanwhile, lambda _: None, [carried])
    assert told
    assert len(open_dataset("cocoglide").samples) == 3


def test_what_a_killed_unpacking_left_is_cleared(small: tuple[Fetchable, Path], tmp_path: Path) -> None:
    source, folder = small
    stale = data_dir() / ".cocoglide.unpacking" / "CocoGlide"
    stale.mkdir(parents=True)
    (stale / "table.csv").write_text("half")
    carried = tmp_path / "carried.zip"
    carried.write_bytes(zipped(folder))
    fetch(source, quiet, lambda _: None, [carried])
    assert all(name.startswith("cocoglide/") for name in left_over())


def test_coco_is_put_in_place_without_what_is_not_needed(small_coco: Fetchable, tmp_path: Path) -> None:
    place = fetch(small_coco, quiet, lambda _: None, coco_archives(tmp_path))
    assert sorted(str(f.relative_to(place)) for f in place.rglob("*") if f.is_file()) == [
        INSTANCES, "val2017/000000000000.jpg", "val2017/000000000001.jpg",
    ]  # fmt: skip


def test_coco_comes_over_tls_and_must_be_what_was_published(
    small_coco: Fetchable, tmp_path: Path, site: Site
) -> None:
    assert all(archive.url.startswith("https://") and archive.sha256 for archive in COCO.archives)
    pictures, annotations = coco_archives(tmp_path)
    site.answers[:] = [honest(pictures.read_bytes()), honest(annotations.read_bytes())]
    with pytest.raises(DatasetError, match="is not the published archive: found SHA-256"):
        fetch(small_coco, quiet, lambda _: None, [site.url, site.url + "/2"], HASTE)
    assert left_over() == []
    sums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in (pictures, annotations)]
    archives = tuple(replace(a, sha256=sha) for a, sha in zip(small_coco.archives, sums, strict=True))
    site.answers[:] = [honest(pictures.read_bytes()), honest(annotations.read_bytes())]
    known = replace(small_coco, archives=archives)
    assert fetch(known, quiet, lambda _: None, [site.url, site.url + "/2"], HASTE) == COCO.place


def test_other_pictures_than_the_posters_are_said(small: tuple[Fetchable, Path], tmp_path: Path) -> None:
    source, folder = small
    carried = tmp_path / "carried.zip"
    carried.write_bytes(zipped(folder))
    told: list[str] = []
    fetch(replace(source, content=COCOGLIDE.content), quiet, told.append, [carried])
    assert "not those that the poster used" in told[-1]


def test_the_posters_pictures_and_masks_are_known(cocoglide: Path) -> None:
    dataset = open_dataset(str(cocoglide))
    assert (dataset.pictures, dataset.truth) == COCOGLIDE.content


@pytest.mark.parametrize(("images", "named"), [(1, 2), (2, 3), (1, 1)])
def test_coco_with_missing_images_is_refused(
    small_coco: Fetchable, tmp_path: Path, images: int, named: int
) -> None:
    with pytest.raises(DatasetError, match="expected 2"):
        fetch(small_coco, quiet, lambda _: None, coco_archives(tmp_path, images, named))
    assert left_over() == []


def test_archives_in_the_wrong_order_are_refused(small_coco: Fetchable, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="instances_val2017"):
        fetch(small_coco, quiet, lambda _: None, [coco_archives(tmp_path)[0]] * 2)


def test_the_command_speaks_and_exits_as_it_should(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    small: tuple[Fetchable, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, folder = small
    assert main(["fetch", "cocoglide", "--from", str(tmp_path / "absent.zip")]) == 2
    assert f"no file {tmp_path / 'absent.zip'}" in capsys.readouterr().err
    assert main(["fetch", "cocoglide", "--url", "ftp://host/a.zip"]) == 2
    assert "expected http" in capsys.readouterr().err
    carried = tmp_path / "carried.zip"
    carried.write_bytes(zipped(folder))
    assert main(["fetch", "cocoglide", "--from", str(carried)]) == 2
    assert "3 rows, expected 512" in capsys.readouterr().err
    monkeypatch.setattr(sources, "COCOGLIDE", source)
    assert main(["fetch", "cocoglide", "--from", str(carried)]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Flickr terms of use" in printed.err
    assert "--dataset cocoglide" in printed.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_closed_data_folder_is_said(home: Path, small: tuple[Fetchable, Path], tmp_path: Path) -> None:
    home.mkdir(mode=0o500)
    carried = tmp_path / "carried.zip"
    carried.write_bytes(zipped(small[1]))
    with pytest.raises(StoreError, match="CLIPLOC_HOME"):
        fetch(small[0], quiet, lambda _: None, [carried])


def test_every_error_is_one_for_the_user(site: Site, small: tuple[Fetchable, Path]) -> None:
    for answer in (refusing(404), refusing(500), raw(200, b"<html>"), raw(200, b"PK\x03\x04 but no zip")):
        site.answers[:] = [answer]
        with pytest.raises(ClipLocError):
            fetch(small[0], quiet, lambda _: None, [site.url], HASTE)
