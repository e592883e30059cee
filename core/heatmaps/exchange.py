"""Heatmap sets in and out as `.npz`: `ids` (n,) strings, `heatmaps` (n, h, w) float32 in [0, 1].

So that any method in the world can be browsed and swept, and ours used elsewhere.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core import paths
from core.datasets import Dataset
from core.datasets.spec import lasting
from core.errors import ParameterError, StoreError, clean
from core.heatmaps.identity import IMPORTED, Identity
from core.heatmaps.store import Heatmap, HeatmapSet, HeatmapStore

Array = npt.NDArray[np.generic]


def import_npz(store: HeatmapStore, path: Path, dataset: Dataset, name: str) -> HeatmapSet:
    """Take heatmaps made elsewhere into the store under a name.

    Samples of the dataset that the file leaves out stay without heatmap.
    StoreError or ParameterError, with the store untouched, for anything unsound.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name):
        raise ParameterError(
            f"name: found {clean(name)!r}, expected letters, digits, dots, dashes, underscores (at most 80)"
        )
    heatmaps = read_npz(path, dataset)
    content = hashlib.sha256()
    for id_, heatmap in heatmaps.items():
        content.update(f"{id_}\0{heatmap.shape}\0".encode())
        content.update(heatmap.tobytes())
    identity = Identity(
        pictures=dataset.pictures,
        method=IMPORTED,
        parameters=(("name", name),),
        digest=content.hexdigest(),
        dataset_name=dataset.name,
        dataset_spec=lasting(dataset.spec),
    )
    taken = [s for s in store.sets() if name in (s.name, s.key) and s.key != identity.key]
    if taken:
        raise StoreError(
            f"there is already a heatmap set {name}, with other content; "
            f"give another --name, or `cliploc heatmaps remove {name}` first"
        )
    heatmap_set = store.open(identity)
    heatmap_set.write(heatmaps)
    heatmap_set.consolidate(list(heatmaps))
    return heatmap_set


def read_npz(path: Path, dataset: Dataset) -> dict[str, Heatmap]:
    """The heatmaps of a file by sample id, in the dataset's order. StoreError for anything unsound."""
    arrays = _arrays(path)
    ids, heatmaps = _ids(path, arrays["ids"]), arrays["heatmaps"]
    if heatmaps.ndim != 3 or 0 in heatmaps.shape or len(heatmaps) != len(ids):
        raise StoreError(
            f"{path}: found heatmaps of shape {heatmaps.shape} for {len(ids)} ids, "
            f"expected ({len(ids)}, height, width)"
        )
    if heatmaps.dtype.kind != "f":
        raise StoreError(f"{path}: found heatmaps of type {heatmaps.dtype}, expected float32")
    _check_values(path, ids, heatmaps)
    _check_ids(path, ids, dataset)
    found = dict(zip(ids, heatmaps.astype(np.float32), strict=True))
    return {sample.id: found[sample.id] for sample in dataset.samples if sample.id in found}


def export_npz(heatmap_set: HeatmapSet, path: Path) -> int:
    """Write a set to `path` and return how many heatmaps it held. StoreError when it is empty."""
    heatmaps = heatmap_set.read_all()
    if not heatmaps:
        raise StoreError(f"{heatmap_set.name} holds no heatmaps; `cliploc heatmaps compute` fills it")
    with paths.atomic_write(path) as file:
        np.savez(file, ids=np.array(list(heatmaps)), heatmaps=np.stack(list(heatmaps.values())))
    return len(heatmaps)


def _arrays(path: Path) -> dict[str, Array]:
    """The two arrays of the file. Pickles are refused: they could hold code."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise ValueError("one array, not an archive of two")
        with loaded:
            arrays = {name: loaded[name] for name in loaded.files if name in ("ids", "heatmaps")}
            found = ", ".join(loaded.files)
    except FileNotFoundError:
        raise StoreError(f"no file {path}") from None
    except (OSError, ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise StoreError(
            f"cannot read {path}: {clean(error)}; expected an .npz with ids (n,) strings "
            "and heatmaps (n, height, width) float32, without pickled objects"
        ) from error
    missing = sorted({"ids", "heatmaps"} - set(arrays))
    if missing:
        raise StoreError(
            f"{path} has no {' and no '.join(missing)}; found {clean(found)}; "
            "expected ids (n,) and heatmaps (n, height, width)"
        )
    return arrays


def _ids(path: Path, ids: Array) -> list[str]:
    if ids.ndim != 1 or ids.dtype.kind not in "US":
        raise StoreError(
            f"{path}: found ids of shape {ids.shape} and type {ids.dtype}, expected (n,) strings"
        )
    try:
        return [id_.decode() if isinstance(id_, bytes) else id_ for id_ in ids.tolist()]
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: an id is not UTF-8 text ({error})") from error


def _check_ids(path: Path, ids: list[str], dataset: Dataset) -> None:
    repeated = [id_ for id_, times in Counter(ids).items() if times > 1]
    if repeated:
        raise StoreError(f"{path}: {len(repeated)} ids appear more than once, {_few(repeated)}")
    wrong = sorted(set(ids) - {sample.id for sample in dataset.samples})
    if wrong:
        raise StoreError(
            f"{path}: {len(wrong)} of {len(ids)} ids are not in {clean(dataset.name)}, {_few(wrong)}; "
            f"expected ids like {clean(dataset.samples[0].id)!r} (`cliploc dataset list` prints them)"
        )


def _check_values(path: Path, ids: list[str], heatmaps: Array) -> None:
    for problem, bad in (
        ("NaN or infinity", ~np.isfinite(heatmaps)),
        ("values outside [0, 1]", (heatmaps < 0) | (heatmaps > 1)),  # type: ignore[operator]
    ):
        touched = [ids[index] for index in np.flatnonzero(bad.any(axis=(1, 2)))]
        if touched:
            raise StoreError(f"{path}: {problem} in {len(touched)} heatmaps, {_few(touched)}")


def _few(ids: list[str]) -> str:
    return "such as " + ", ".join(repr(clean(id_)) for id_ in ids[:3])
