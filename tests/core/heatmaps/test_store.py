"""The store: content-keyed sets, atomic parts, readers beside writers."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.datasets import open_dataset
from cliploc.core.datasets.spec import lasting
from cliploc.core.errors import ParameterError, StoreError
from cliploc.core.heatmaps.identity import IMPORTED
from cliploc.core.heatmaps.records import CHECK
from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore, Identity

IDENTITY = Identity(
    pictures="f" * 64,
    method="gem",
    parameters=(("depth", 7), ("iterations", 1)),
    backbone="ViT-B/16",
    checkpoint="openai",
    digest="0" * 64,
    template="An image of a <label>",
    size=448,
    dataset_name="toy",
    dataset_spec="/data/toy",
)


def heat(seed: int, shape: tuple[int, int] = (3, 4)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, np.float32)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize(
    "change",
    [
        {"pictures": "e" * 64},
        {"method": "naclip"},
        {"parameters": (("depth", 6), ("iterations", 1))},
        {"backbone": "ViT-L-14"},
        {"checkpoint": "laion"},
        {"digest": "1" * 64},
        {"template": "There is a <label> in this image"},
        {"size": 224},
        {"precision": "bfloat16"},
        {"version": 2},
    ],
)
def test_changing_anything_that_matters_makes_another_set(change: dict[str, object]) -> None:
    assert replace(IDENTITY, **change).key != IDENTITY.key  # type: ignore[arg-type]


def test_what_does_not_matter_does_not_change_the_key() -> None:
    moved = replace(IDENTITY, dataset_name="other", dataset_spec="/elsewhere")
    shuffled = replace(IDENTITY, parameters=(("iterations", 1), ("depth", 7)))
    assert moved.key == IDENTITY.key == shuffled.key
    assert moved == IDENTITY == shuffled


def test_an_identity_survives_json() -> None:
    again = Identity.from_dict(json.loads(json.dumps(IDENTITY.to_dict())))
    assert again == IDENTITY
    assert again.key == IDENTITY.key
    assert again.dataset_spec == "/data/toy"
    assert again.name == f"gem-vit-b-16-{IDENTITY.key[:8]}"


def test_nothing_is_created_until_something_is_written(store: HeatmapStore) -> None:
    heatmap_set = store.open(IDENTITY)
    assert heatmap_set.ids() == []
    assert heatmap_set.read("a") is None
    assert heatmap_set.read_all() == {}
    assert heatmap_set.shape is None
    heatmap_set.write({})
    assert store.sets() == []
    assert not store.root.exists()


def test_what_was_written_is_read_back_exactly(store: HeatmapStore) -> None:
    written = {"dining table_1": heat(0), "é": heat(1)}
    store.open(IDENTITY).write(written)
    for reader in (store.open(IDENTITY), HeatmapStore(store.root).find(IDENTITY.key)):
        assert reader.ids() == ["dining table_1", "é"]
        assert reader.shape == (3, 4)
        for id_, expected in written.items():
            found = reader.read(id_)
            assert found is not None
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, expected)
        assert reader.read_all().keys() == written.keys()


def test_an_open_set_sees_what_others_write(store: HeatmapStore) -> None:
    reader, writer = store.open(IDENTITY), store.open(IDENTITY)
    writer.write({"a": heat(0)})
    assert reader.ids() == ["a"]
    writer.write({"b": heat(1)})
    assert reader.ids() == ["a", "b"]
    writer.consolidate(["b", "a"])
    assert reader.ids() == ["b", "a"]


def test_a_whole_batch_replaces_what_was_computed_one_by_one(store: HeatmapStore) -> None:
    heatmap_set = store.open(IDENTITY)
    batch = {"a": heat(1), "b": heat(2)}
    heatmap_set.write(batch)
    heatmap_set.write({"a": heat(7)})
    np.testing.assert_array_equal(heatmap_set.read("a"), batch["a"])
    np.testing.assert_array_equal(heatmap_set.read_all()["a"], batch["a"])


def test_a_finished_set_is_one_file_in_the_order_of_the_dataset(store: HeatmapStore) -> None:
    heatmap_set = store.open(IDENTITY)
    written = {id_: heat(seed) for seed, id_ in enumerate("cab")}
    for id_, heatmap in written.items():
        heatmap_set.write({id_: heatmap})
    (heatmap_set.folder / ".part-x.npy.killed").write_bytes(b"half")
    heatmap_set.consolidate(list("cab"))
    assert sorted(contents(heatmap_set.folder)) == ["heatmaps.npy", "identity.json", "lock"]
    assert heatmap_set.ids() == list("cab")
    for id_, heatmap in written.items():
        np.testing.assert_array_equal(heatmap_set.read(id_), heatmap)


def test_an_incomplete_set_is_left_in_parts(store: HeatmapStore) -> None:
    heatmap_set = store.open(IDENTITY)
    heatmap_set.write({"a": heat(0)})
    before = contents(heatmap_set.folder)
    heatmap_set.consolidate(["a", "b"])
    assert contents(heatmap_set.folder) == before


def test_the_bytes_depend_on_the_heatmaps_alone(store: HeatmapStore, tmp_path: Path) -> None:
    other = HeatmapStore(tmp_path / "other")
    written = {id_: heat(seed) for seed, id_ in enumerate("abcd")}
    for target, split in ((store, 1), (other, 3)):
        ids = list(written)
        for group in (ids[:split], ids[split:]):
            target.open(IDENTITY).write({id_: written[id_] for id_ in group})
        target.open(IDENTITY).consolidate(ids)
    assert contents(store.open(IDENTITY).folder) == contents(other.open(IDENTITY).folder)


@pytest.mark.parametrize(
    "bad",
    [
        {"a": np.full((2, 2), np.nan)},
        {"a": np.full((2, 2), 1.5)},
        {"a": np.full((2, 2), -0.1)},
        {"a": np.zeros(3)},
        {"a": np.zeros((0, 2))},
        {"a": np.zeros((2, 2)), "b": np.zeros((2, 3))},
    ],
)
def test_what_is_no_heatmap_is_refused(store: HeatmapStore, bad: dict[str, np.ndarray]) -> None:
    with pytest.raises(StoreError, match="expected"):
        store.open(IDENTITY).write(bad)
    assert store.sets() == []


def test_all_heatmaps_of_a_set_have_one_shape(store: HeatmapStore) -> None:
    store.open(IDENTITY).write({"a": heat(0, (3, 4))})
    with pytest.raises(StoreError, match="expected"):
        store.open(IDENTITY).write({"b": heat(0, (4, 4))})


def test_a_set_is_found_by_name_key_or_beginning(store: HeatmapStore) -> None:
    others = [replace(IDENTITY, method="naclip"), replace(IDENTITY, size=224)]
    for identity in (IDENTITY, *others):
        store.open(identity).write({"a": heat(0)})
    assert store.find(IDENTITY.name).key == IDENTITY.key
    assert store.find(IDENTITY.key).key == IDENTITY.key
    assert store.find(IDENTITY.key[:10]).key == IDENTITY.key
    assert store.find("naclip").key == others[0].key
    with pytest.raises(ParameterError, match=r"could be any of: gem.*\(size 224\); gem.*\(size 448\)"):
        store.find("gem")
    with pytest.raises(ParameterError, match=r"did you mean naclip-vit-b-16"):
        store.find("naclap-vit-b-16")


def test_an_empty_store_says_how_to_fill_it(store: HeatmapStore) -> None:
    with pytest.raises(ParameterError, match="heatmaps compute"):
        store.find("gem")


def test_a_removed_set_is_gone(store: HeatmapStore) -> None:
    heatmap_set = store.open(IDENTITY)
    heatmap_set.write({"a": heat(0)})
    store.remove(heatmap_set)
    assert store.sets() == []
    assert heatmap_set.read("a") is None
    assert list(store.root.iterdir()) == []
    store.remove(heatmap_set)


def test_folders_that_are_no_sets_are_passed_over(store: HeatmapStore) -> None:
    store.open(IDENTITY).write({"a": heat(0)})
    (store.root / "stray").mkdir()
    for number, text in enumerate(["", "{}", "[]", '{"method": 3}', json.dumps(IDENTITY.to_dict())]):
        (store.root / f"broken{number}").mkdir()
        (store.root / f"broken{number}" / "identity.json").write_text(text)
    assert [s.key for s in store.sets()] == [IDENTITY.key]


@pytest.mark.parametrize("damage", [b"", b"not numpy", b"\x93NUMPY"])
def test_a_damaged_file_is_named_with_the_way_out(store: HeatmapStore, damage: bytes) -> None:
    heatmap_set = store.open(IDENTITY)
    heatmap_set.write({"a": heat(0)})
    next(heatmap_set.folder.glob("part-*")).write_bytes(damage)
    with pytest.raises(StoreError, match=rf"damaged.*heatmaps remove {IDENTITY.name}"):
        store.open(IDENTITY).read_all()


@pytest.mark.parametrize("name", ["part", "heatmaps"])
@pytest.mark.parametrize("place", [-20, 0.5])
def test_a_heatmap_that_was_changed_is_damage_however_likely_it_looks(
    store: HeatmapStore, name: str, place: float
) -> None:
    """One bit of a value, which stays within [0, 1]; a file without checksum, as 0.1.0 wrote it, is read."""
    heatmap_set = store.open(IDENTITY)
    heatmap_set.write({"a": heat(0), "b": heat(1)})
    if name == "heatmaps":
        heatmap_set.consolidate(["a", "b"])
    path = next(heatmap_set.folder.glob(f"{name}*.npy"))
    sound = path.read_bytes()
    changed = bytearray(sound)
    start = len(changed) + int(place) if place < 0 else sound.index(heat(1)[0, 1].astype("<f4").tobytes())
    changed[start] ^= 1
    path.write_bytes(changed)
    for read in (lambda: store.open(IDENTITY).read("b"), lambda: store.open(IDENTITY).read_all()):
        with pytest.raises(StoreError, match="checksum"):
            read()
    path.write_bytes(sound[: -len(CHECK % 0)])
    np.testing.assert_array_equal(store.open(IDENTITY).read_all()["b"], heat(1))


@pytest.mark.parametrize("value", [5.0, -3.0, float("nan"), float("inf")])
def test_a_value_that_is_none_of_a_heatmap_is_damage(store: HeatmapStore, value: float) -> None:
    """Somebody's script, or a flipped bit: the file's form is sound, its numbers are not."""
    heatmap_set = store.open(IDENTITY)
    heatmap_set.write({"a": heat(0), "b": heat(1)})
    path = next(heatmap_set.folder.glob("part-*"))
    records = np.load(path)
    records["heatmap"][1, 2, 3] = value
    np.save(path, records)
    for read in (lambda found: found.read_all(), lambda found: found.read("b")):
        with pytest.raises(StoreError, match=r"damaged \(values outside"):
            read(store.open(IDENTITY))


def test_a_set_knows_the_dataset_it_belongs_to(store: HeatmapStore, make_folder: Callable[..., Path]) -> None:
    root, other = make_folder(), make_folder({"dog": 2}, name="other")
    dataset = open_dataset(str(root))
    identity = replace(IDENTITY, pictures=dataset.pictures, dataset_spec=lasting(str(root)))
    heatmap_set = store.open(identity)
    heatmap_set.write({sample.id: heat(0) for sample in dataset.samples})
    assert heatmap_set.complete(heatmap_set.dataset())
    with pytest.raises(StoreError, match="another dataset"):
        heatmap_set.dataset(str(other))
    moved = root.rename(root.with_name("moved"))
    assert heatmap_set.dataset(str(moved)).labels == dataset.labels


def test_lasting_specs_open_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert lasting("demo") == lasting(open_dataset("demo").spec) == "demo"
    assert lasting("here") == str(tmp_path / "here")
    assert lasting("coco:images:a.json") == f"coco:{tmp_path}/images:{tmp_path}/a.json"


def test_an_unwritable_store_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="CLIPLOC_HOME"):
        HeatmapStore(tmp_path / "file" / "heatmaps").open(IDENTITY).write({"a": heat(0)})


def test_a_file_that_cannot_be_opened_is_an_error_and_not_a_wait(store: HeatmapStore) -> None:
    heatmap_set = store.open(IDENTITY)
    heatmap_set.write({"a": heat(0)})
    (heatmap_set.folder / "part-0.npy").symlink_to("nowhere")
    with pytest.raises(StoreError, match="cannot be opened"):
        heatmap_set.read_all()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_store_is_one_clear_sentence(store: HeatmapStore) -> None:
    store.root.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="CLIPLOC_HOME"):
        store.open(IDENTITY).write({"a": heat(0)})


def test_readers_never_meet_a_half_written_set(store: HeatmapStore) -> None:
    """Four readers look on while parts are written and merged: every heatmap they see is whole."""
    expected = {f"s{number}": heat(number) for number in range(60)}
    finished, wrong = threading.Event(), []

    def look(reader: HeatmapSet) -> None:
        seen = 0
        while not finished.is_set() or seen < len(expected):
            found = reader.read_all()
            if len(found) < seen or any(not np.array_equal(h, expected[id_]) for id_, h in found.items()):
                wrong.append(found.keys())
                return
            seen = len(found)

    readers = [threading.Thread(target=look, args=(store.open(IDENTITY),)) for _ in range(4)]
    for thread in readers:
        thread.start()
    writer = store.open(IDENTITY)
    try:
        for id_, heatmap in expected.items():
            writer.write({id_: heatmap})
        writer.consolidate(list(expected))
    finally:
        finished.set()
    for thread in readers:
        thread.join(60)
    assert not wrong
    assert all(not thread.is_alive() for thread in readers)


def test_an_imported_set_has_the_name_it_was_given() -> None:
    assert Identity("f" * 64, IMPORTED, (("name", "my-maps"),)).name == "my-maps"


def test_what_was_computed_one_by_one_is_gathered_in_one_file(store: HeatmapStore) -> None:
    found, single = store.open(IDENTITY), {id_: heat(n) for n, id_ in enumerate("dbca")}
    for id_, each in single.items():
        found.write({id_: each})
    reader = store.open(IDENTITY)
    assert reader.ids() == list("abcd")
    found.gather()
    assert [file.name[:8] for file in found.folder.glob("*.npy")] == ["singles-"]
    for each in (found, reader):
        assert each.ids() == list("abcd")
        assert all((each.read(id_) == values).all() for id_, values in single.items())
    found.gather()  # nothing is left to do
    found.write({"a": heat(7), "b": heat(8)})  # a whole batch, however many were gathered
    assert (found.read("a") == heat(7)).all()
    found.consolidate(list("abcd"))
    assert [file.name for file in found.folder.glob("*.npy")] == ["heatmaps.npy"]
    assert (found.read("b") == heat(8)).all()
    assert (found.read("c") == single["c"]).all()


def test_a_heatmap_of_one_value_is_constant(store: HeatmapStore) -> None:
    found = store.open(IDENTITY)
    found.write({"flat": np.full((3, 4), 0.5, np.float32), "b": heat(1)})
    found.write({"flat too": np.zeros((3, 4), np.float32)})
    assert found.constant() == ["flat", "flat too"]
