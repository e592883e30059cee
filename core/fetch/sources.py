"""The datasets that `cliploc fetch` knows: where they are, what they must hold, whose they are."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cliploc.core.datasets import open_dataset, problems_of
from cliploc.core.datasets.folder import summary
from cliploc.core.datasets.table import TABLE, read_table
from cliploc.core.errors import DatasetError, StoreError, clean, shown_address
from cliploc.core.fetch.archive import unpack
from cliploc.core.fetch.download import Kind, Patience, download
from cliploc.core.lock import held
from cliploc.core.paths import data_dir, make_folder

# Called with what is being done, how many bytes of it are done, and how many there are (0: not known).
Report = Callable[[str, int, int], None]

INSTANCES = "annotations/instances_val2017.json"


@dataclass(frozen=True)
class Archive:
    """One zip to get. size, sha256: of the published one, when it was last looked at; "" for not known."""

    url: str
    size: int
    sha256: str = ""


@dataclass(frozen=True)
class Fetchable:
    """A dataset to fetch.

    samples: how many images it must hold. terms: whose it is, shown first. content: digests of its
    pictures and true masks as the poster used them, see `cliploc.core.datasets`; none for not known.
    """

    name: str
    archives: tuple[Archive, ...]
    samples: int
    terms: str
    content: tuple[str, ...] = ()

    @property
    def place(self) -> Path:
        """Where it ends up."""
        return data_dir() / self.name


COCOGLIDE = Fetchable(
    "cocoglide",
    (Archive("https://www.grip.unina.it/download/prog/TruFor/CocoGlide.zip", 123_161_479),),
    512,
    "CocoGlide, by GRIP (University Federico II of Naples), published with TruFor.\n"
    "Real images: MS COCO, Flickr terms of use, each image's licence in licenses.json.\n"
    "Annotations: COCO Consortium, CC BY 4.0. Fake images: made with GLIDE. See its README.txt.",
    (
        "a7f0482993cb334601aba9fd0af1c85dc86e0f67d978ed3289afbda238486464",
        "309885749ffeb56e1f8d236d02802c7ba92e189515c8684589e7d8ed50c27334",
    ),
)
# COCO's own host has no certificate of its name; this is the same place by an address that has one.
_BUCKET = "https://s3.amazonaws.com/images.cocodataset.org"
COCO = Fetchable(
    "coco",
    (
        Archive(
            f"{_BUCKET}/zips/val2017.zip",
            815_585_330,
            "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
        ),
        Archive(
            f"{_BUCKET}/annotations/annotations_trainval2017.zip",
            252_907_541,
            "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
        ),
    ),
    5000,
    "MS COCO val2017 with its instance annotations.\n"
    "Images: Flickr terms of use, each image's licence in the annotations.\n"
    "Annotations: COCO Consortium, CC BY 4.0. See https://cocodataset.org/#termsofuse.",
)


def fetch(
    source: Fetchable,
    report: Report,
    tell: Callable[[str], None],
    origins: Sequence[str | Path] = (),
    patience: Patience | None = None,
) -> Path:
    """Put a dataset in place and return its folder; at once when it is there already, and sound.

    origins: for each archive a mirror's URL or a file that was carried here; by default
    the published ones. tell: called with what a user should read. All is unpacked and
    checked beside its place, then renamed: a dataset is there whole or not at all. StoreError
    while another process fetches it.
    """
    lock = source.place.with_name(f".{source.name}.lock")
    with held(lock, what=f"it fetches {source.name}; wait for its end"):
        return _fetched(source, report, tell, origins, patience)


def _fetched(
    source: Fetchable,
    report: Report,
    tell: Callable[[str], None],
    origins: Sequence[str | Path],
    patience: Patience | None,
) -> Path:
    check = {COCOGLIDE.name: _check_cocoglide, COCO.name: _check_coco}[source.name]
    if source.place.exists():
        try:
            check(source, source.place)
        except DatasetError as error:
            raise DatasetError(f"{error}\nmove {source.place} away to fetch it again") from error
        _delete(_downloads(source))  # an interrupted call may have left them
        tell(f"{source.name} is already at {source.place}")
        return source.place
    tell(source.terms)
    origins = origins or [archive.url for archive in source.archives]
    downloads: list[Path] = []
    files = []
    for archive, origin in zip(source.archives, origins, strict=True):
        if isinstance(origin, str):
            downloads.append(_downloaded(source, archive, origin, report, patience))
        file = origin if isinstance(origin, Path) else downloads[-1]
        if file.is_file() and file.stat().st_size != archive.size:
            tell(f"{file} has {file.stat().st_size:,} bytes, the published archive {archive.size:,}")
        files.append(file)
    try:
        _check_sums(source, files, origins)
        _put_in_place(source, files, check, report)
    except DatasetError:
        _delete(downloads)  # whatever they are, they are not it
        raise
    _delete(_downloads(source))
    if source.content and source.content != _content(source.place):
        tell(
            f"the pictures or masks at {source.place} are not those that the poster used: "
            "its figures do not stand beside yours"
        )
    return source.place


def _content(place: Path) -> tuple[str, ...]:
    dataset = open_dataset(str(place))
    return dataset.pictures, dataset.truth


def _check_sums(source: Fetchable, files: Sequence[Path], origins: Sequence[str | Path]) -> None:
    """DatasetError for what came over a network and is not what was published."""
    for archive, file, origin in zip(source.archives, files, origins, strict=True):
        if isinstance(origin, Path) or not archive.sha256:
            continue
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != archive.sha256:
            raise DatasetError(
                f"{shown_address(origin)} is not the published archive: found SHA-256 {found}, "
                f"expected {archive.sha256}; give another --url, or a copy you trust with --from FILE"
            )


def _downloaded(
    source: Fetchable, archive: Archive, url: str, report: Report, patience: Patience | None
) -> Path:
    # Named by its address, so that a copy that an interrupted call left is known for what it is.
    name = f"{source.name}-{hashlib.sha256(url.encode()).hexdigest()[:8]}.zip"
    target = data_dir() / "downloads" / name
    if not target.exists():
        kind = Kind(b"PK\x03\x04", 4 * archive.size)
        download(url, target, kind, lambda done, total: report("downloading", done, total), patience)
    return target


def _downloads(source: Fetchable) -> list[Path]:
    """What was downloaded of it, from wherever, whole or in part."""
    return list((data_dir() / "downloads").glob(f"{source.name}-*.zip*"))


def _delete(downloads: Sequence[Path]) -> None:
    for file in downloads:
        file.unlink(missing_ok=True)


def _put_in_place(
    source: Fetchable,
    files: Sequence[Path],
    check: Callable[[Fetchable, Path], Path],
    report: Report,
) -> None:
    with _beside(source.place) as folder:
        for archive, file in zip(source.archives, files, strict=True):
            unpack(
                file,
                folder,
                lambda name: source.name != COCO.name or name.startswith("val2017/") or name == INSTANCES,
                8 * archive.size,
                lambda done, total: report("unpacking", done, total),
            )
        root = check(source, folder)
        try:
            root.rename(source.place)
        except OSError as error:
            raise StoreError(f"cannot put {source.name} at {source.place}: {error.strerror}") from error


@contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """A folder next to `place`, empty at first and gone in the end."""
    folder = place.with_name(f".{place.name}.unpacking")
    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_cocoglide(source: Fetchable, folder: Path) -> Path:
    """The folder that holds the table, once every picture in it was decoded."""
    tables = [*folder.glob(TABLE), *folder.glob(f"[!._]*/{TABLE}")]
    if len(tables) != 1:
        raise DatasetError(
            f"found {len(tables)} files {TABLE} in the archive, expected one, as in CocoGlide.zip"
        )
    root = tables[0].parent
    rows = read_table(root)
    if len(rows) != source.samples:
        raise DatasetError(f"{TABLE} has {len(rows)} rows, expected {source.samples}: this is not CocoGlide")
    problems = problems_of(str(root))
    if problems:
        raise DatasetError(summary(root, problems))
    return root


def _check_coco(source: Fetchable, folder: Path) -> Path:
    """The folder itself, once every image that the annotations name is there."""
    try:
        images = json.loads((folder / INSTANCES).read_text(encoding="utf-8"))["images"]
        names = [str(image["file_name"]) for image in images]
    except FileNotFoundError:
        raise DatasetError(f"found no {INSTANCES} in the archives; expected COCO's annotations") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{INSTANCES} is not COCO's annotations: {clean(error)}") from error
    missing = [name for name in names if not (folder / "val2017" / name).is_file()]
    if missing or len(names) != source.samples:
        raise DatasetError(
            f"found {len(names) - len(missing)} of the {len(names)} images of {INSTANCES} in val2017/, "
            f"expected {source.samples}"
        )
    return folder
