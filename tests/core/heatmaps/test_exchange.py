"""Heatmaps in and out as .npz; anything unsound leaves the store untouched."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.codes import map_of
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.errors import ClipLocError, ParameterError, StoreError
from cliploc.core.heatmaps.exchange import export_npz, import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import Raw

IDS = ["cat_0", "cat_1", "red car_0"]
MAPS = np.linspace(0, 1, 3 * 5 * 7, dtype=np.float32).reshape(3, 5, 7)


@pytest.fixture
def dataset(make_folder: Callable[..., Path]) -> Dataset:
    return open_dataset(str(make_folder()))


def saved(path: Path, **arrays: object) -> Path:
    np.savez(path, **{name: np.asarray(array) for name, array in arrays.items()})  # type: ignore[arg-type]
    return path


def with_value(value: float) -> np.ndarray:
    heatmaps = MAPS.copy()
    heatmaps[1, 2, 3] = value
    return heatmaps


def test_a_set_goes_out_and_comes_in_unchanged(store: HeatmapStore, dataset: Dataset, tmp_path: Path) -> None:
    imported = import_npz(
        store, saved(tmp_path / "in.npz", ids=IDS[::-1], heatmaps=MAPS[::-1]), dataset, "mine"
    )
    assert imported.complete(dataset)
    assert imported.ids() == IDS
    assert export_npz(store.find("mine"), tmp_path / "out.npz") == 3
    with np.load(tmp_path / "out.npz") as out:
        assert out["ids"].tolist() == IDS
        assert out["heatmaps"].dtype == np.float32
        np.testing.assert_array_equal(out["heatmaps"], MAPS)


def test_ids_may_part_letters_and_accents(
    store: HeatmapStore, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    dataset = open_dataset(str(make_folder({"café": 1}, name="accents")))
    ids = [unicodedata.normalize("NFD", "café_0")]
    found = import_npz(store, saved(tmp_path / "a.npz", ids=ids, heatmaps=MAPS[:1]), dataset, "a")
    assert list(found.read_all()) == ["café_0"]


def test_the_same_file_again_is_the_same_set(store: HeatmapStore, dataset: Dataset, tmp_path: Path) -> None:
    path = saved(tmp_path / "in.npz", ids=IDS, heatmaps=MAPS)
    assert import_npz(store, path, dataset, "mine").key == import_npz(store, path, dataset, "mine").key
    assert len(store.sets()) == 1


def test_a_name_stands_for_one_set(store: HeatmapStore, dataset: Dataset, tmp_path: Path) -> None:
    import_npz(store, saved(tmp_path / "a.npz", ids=IDS, heatmaps=MAPS), dataset, "mine")
    with pytest.raises(StoreError, match="already a heatmap set mine"):
        import_npz(store, saved(tmp_path / "b.npz", ids=IDS, heatmaps=1 - MAPS), dataset, "mine")
    np.testing.assert_array_equal(store.find("mine").read("cat_0"), MAPS[0])


def test_samples_that_the_file_leaves_out_stay_without(
    store: HeatmapStore, dataset: Dataset, tmp_path: Path
) -> None:
    imported = import_npz(store, saved(tmp_path / "a.npz", ids=IDS[:2], heatmaps=MAPS[:2]), dataset, "mine")
    assert not imported.complete(dataset)
    assert imported.ids() == IDS[:2]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ids": IDS, "heatmaps": with_value(np.nan)}, "NaN or infinity in 1 heatmaps, such as 'cat_1'"),
        ({"ids": IDS, "heatmaps": with_value(np.inf)}, "NaN or infinity"),
        ({"ids": IDS, "heatmaps": with_value(1.0001)}, r"outside \[0, 1\]"),
        ({"ids": IDS, "heatmaps": with_value(-1e-6)}, r"outside \[0, 1\]"),
        ({"ids": IDS, "heatmaps": with_value(1).astype(np.float64) + 1e-12}, r"outside \[0, 1\]"),
        ({"ids": ["cat_0", "cat_1", "dog_7"], "heatmaps": MAPS}, "'dog_7'.*dataset list"),
        ({"ids": ["cat_0", "cat_0", "cat_1"], "heatmaps": MAPS}, "more than once"),
        ({"ids": IDS[:2], "heatmaps": MAPS}, "expected"),
        ({"ids": IDS, "heatmaps": MAPS[0]}, "expected"),
        ({"ids": IDS, "heatmaps": MAPS[..., None]}, "expected"),
        ({"ids": IDS, "heatmaps": MAPS[:, :0]}, "expected"),
        ({"ids": [1, 2, 3], "heatmaps": MAPS}, "strings"),
        ({"ids": [IDS], "heatmaps": MAPS}, "strings"),
        ({"ids": [b"\xff", b"b", b"c"], "heatmaps": MAPS}, "UTF-8"),
        ({"ids": IDS, "heatmaps": (MAPS * 255).astype(np.uint8)}, "float32"),
        ({"ids": IDS}, "no heatmaps"),
        ({"heatmaps": MAPS, "other\x1b[2J": IDS}, "no ids"),
        ({"ids": np.array(IDS, dtype=object), "heatmaps": MAPS}, "pickle"),
        ({"ids": IDS, "heatmaps": np.array([None, {}, []], dtype=object)}, "pickle"),
    ],
)
def test_unsound_files_are_refused_and_nothing_is_written(
    store: HeatmapStore, dataset: Dataset, tmp_path: Path, arrays: dict[str, object], message: str
) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        import_npz(store, saved(tmp_path / "bad.npz", **arrays), dataset, "mine")
    assert "\x1b" not in str(caught.value)
    assert not store.root.exists()


@pytest.mark.parametrize(
    "heatmaps",
    [
        MAPS * 80 - 40,
        (MAPS * 255).astype(np.uint8),
        (MAPS[:, None] - 0.5).astype(np.float16),
        np.arange(105).reshape(3, 5, 7) - 9,
        MAPS.astype(np.float64) * 1e-3,
    ],
    ids=["logits", "0 to 255", "(n, 1, h, w)", "whole numbers", "small"],
)
def test_heatmaps_of_any_range_are_taken_to_be_stretched_where_they_are_used(
    store: HeatmapStore, dataset: Dataset, tmp_path: Path, heatmaps: np.ndarray
) -> None:
    path = saved(tmp_path / "any.npz", ids=IDS, heatmaps=heatmaps)
    with (
        pytest.raises(StoreError, match="--normalize takes them") if heatmaps.max() != 1e-3 else nullcontext()
    ):
        import_npz(store, path, dataset, "plain")
    imported = import_npz(store, path, dataset, "mine", normalize=True)
    values = heatmaps.reshape(MAPS.shape).astype(np.float32)
    np.testing.assert_array_equal(imported.values()["cat_1"], values[1])
    found = imported.read("cat_1")
    assert isinstance(found, Raw)
    assert (found.low, found.high) == (values.min(), values.max())
    shown = map_of(found, (5, 7), PostProcess("nearest"))
    np.testing.assert_array_equal(shown, (values[1] - values[1].min()) / np.ptp(values[1]))


def test_ids_that_are_files_are_known_without_folder_and_ending(
    store: HeatmapStore, dataset: Dataset, tmp_path: Path
) -> None:
    path = saved(tmp_path / "a.npz", ids=["maps/cat_0.png", r"x\cat_1.jpg", "red car_0"], heatmaps=MAPS)
    with pytest.raises(StoreError, match="not in"):
        import_npz(store, path, dataset, "plain")
    assert import_npz(store, path, dataset, "mine", normalize=True).ids() == IDS


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ids": IDS, "heatmaps": with_value(np.nan)}, "NaN or infinity"),
        ({"ids": IDS, "heatmaps": with_value(3e38)}, r"outside \[-1e\+37, 1e\+37\]"),
        ({"ids": IDS, "heatmaps": MAPS.astype(complex)}, "real numbers"),
        ({"ids": IDS, "heatmaps": np.stack([MAPS, MAPS], 1)}, "expected"),
        ({"ids": ["cat_0.png", "cat_0.jpg", "cat_1"], "heatmaps": MAPS}, "more than once"),
    ],
)
def test_what_is_no_heatmap_is_none_to_normalize_either(
    store: HeatmapStore, dataset: Dataset, tmp_path: Path, arrays: dict[str, object], message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        import_npz(store, saved(tmp_path / "bad.npz", **arrays), dataset, "mine", normalize=True)
    assert not store.root.exists()


@pytest.mark.parametrize("damage", ["text", "truncated", "corrupt", "one array", "absent", "folder"])
def test_files_that_are_no_archives_are_refused(
    store: HeatmapStore, dataset: Dataset, tmp_path: Path, damage: str
) -> None:
    path = saved(tmp_path / "in.npz", ids=IDS, heatmaps=MAPS)
    content = path.read_bytes()
    if damage == "text":
        path.write_text("ids, heatmaps")
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "corrupt":
        path.write_bytes(content[:300] + b"\xff" * 100 + content[400:])
    elif damage == "one array":
        with path.open("wb") as file:
            np.save(file, MAPS)
    elif damage == "absent":
        path.unlink()
    else:
        path.unlink()
        path.mkdir()
    with pytest.raises(ClipLocError):
        import_npz(store, path, dataset, "mine")
    assert not store.root.exists()


@pytest.mark.parametrize("name", ["", "a,b", "../up", "a b", ".hidden", "-x", "x" * 81])
def test_a_name_must_be_typable(store: HeatmapStore, dataset: Dataset, tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterError, match="expected letters"):
        import_npz(store, saved(tmp_path / "in.npz", ids=IDS, heatmaps=MAPS), dataset, name)


def test_an_empty_set_cannot_be_exported(store: HeatmapStore, dataset: Dataset, tmp_path: Path) -> None:
    imported = import_npz(store, saved(tmp_path / "in.npz", ids=IDS, heatmaps=MAPS), dataset, "mine")
    store.remove(imported)
    with pytest.raises(StoreError, match="holds no heatmaps"):
        export_npz(imported, tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()
