"""Several machines, one set: each computes its share, and the bytes are those of one machine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.cli import main
from cliploc.core.datasets import Dataset
from cliploc.core.errors import ParameterError, StoreError
from cliploc.core.heatmaps.extract import compute, slices
from cliploc.core.heatmaps.merge import merge
from cliploc.core.heatmaps.part import Part, part_of
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore
from tests.core.heatmaps.test_extract import contents

PARTS = [Part(index, 3) for index in range(3)]


@given(st.integers(0, 200), st.integers(1, 9), st.integers(1, 7))
def test_shares_are_everything_once(samples: int, batch: int, machines: int) -> None:
    batches = slices(range(samples), batch)  # type: ignore[arg-type]
    shares = [list(Part(index, machines).of(batches)) for index in range(machines)]
    assert sorted(tuple(each) for share in shares for each in share) == sorted(map(tuple, batches))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_machines_with_one_folder_write_what_one_machine_writes(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, tmp_path: Path
) -> None:
    (alone,) = compute([recipe], toy, HeatmapStore(tmp_path / "other"), device="cpu", batch=2)
    for part in reversed(PARTS):
        seen: list[int] = []
        (shared,) = compute(
            [recipe],
            toy,
            store,
            device="cpu",
            batch=2,
            part=part,
            report=lambda p, s=seen: s.append(p.total),  # type: ignore[misc]
        )
        assert set(seen) == {sum(map(len, part.of(slices(toy.samples, 2))))}
    assert contents(shared) == contents(alone)


def test_machines_with_folders_of_their_own_are_merged_into_what_one_machine_writes(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, tmp_path: Path
) -> None:
    (alone,) = compute([recipe], toy, HeatmapStore(tmp_path / "other"), device="cpu", batch=2)
    for part in PARTS:
        away = HeatmapStore(tmp_path / f"machine {part.index}/cache/heatmaps")
        compute([recipe], toy, away, device="cpu", batch=2, part=part)
    taken = [merge(store, tmp_path / f"machine {part.index}")[0] for part in (PARTS[1], PARTS[0], PARTS[2])]
    assert [each.new for each in taken] == [2, 3, 2]
    assert contents(taken[-1].heatmap_set) == contents(alone)
    (again,) = merge(store, tmp_path / "machine 1" / "cache" / "heatmaps" / alone.key)
    assert (again.new, again.other) == (0, 0)
    assert contents(again.heatmap_set) == contents(alone)


def test_what_is_here_stays_where_another_machine_has_other_values(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, tmp_path: Path
) -> None:
    (ours,) = compute([recipe], toy, store, device="cpu", batch=2, part=PARTS[0])
    before = ours.values()
    theirs = HeatmapStore(tmp_path / "away").open(ours.identity)
    ids = [sample.id for sample in toy.samples]
    theirs.write({id_: np.full(ours.shape or (), 0.25, np.float32) for id_ in ids})
    (merged,) = merge(store, tmp_path / "away")
    assert (merged.new, merged.other) == (len(ids) - len(before), len(before))
    assert set(ours.ids()) == set(ids)
    for id_, heatmap in before.items():
        np.testing.assert_array_equal(ours.values()[id_], heatmap)


def test_a_folder_without_sets_and_a_damaged_set_are_refused(
    recipe: Recipe, toy: Dataset, store: HeatmapStore, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="no heatmap set in"):
        merge(store, tmp_path)
    (made,) = compute([recipe], toy, HeatmapStore(tmp_path / "away"), device="cpu", batch=2)
    (file,) = made.folder.glob("heatmaps.npy")
    content = bytearray(file.read_bytes())
    content[-40] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        merge(store, tmp_path / "away")
    assert store.sets() == []


@pytest.mark.parametrize("text", ["", "4/4", "1", "-1/3", "1/0", "1/3/5", "a/b", "1 / 3", "0/9999999"])
def test_what_is_no_share_is_a_sentence(text: str) -> None:
    with pytest.raises(ParameterError, match="expected i/n with i from 0 to n - 1"):
        part_of(text, {})


@pytest.mark.parametrize(
    ("array", "own", "part"),
    [("0-3", 2, Part(2, 4)), ("1-4", 1, Part(0, 4)), ("10-40:10", 40, Part(3, 4)), ("5", 5, Part(0, 1))],
)
def test_the_share_of_an_array_job(array: str, own: int, part: Part) -> None:
    span, _, step = array.partition(":")
    first, _, last = span.partition("-")
    said = {
        "SLURM_ARRAY_TASK_ID": str(own), "SLURM_ARRAY_TASK_MIN": first,
        "SLURM_ARRAY_TASK_MAX": last or first, "SLURM_ARRAY_TASK_STEP": step or "1",
    }  # fmt: skip
    assert part_of("slurm", said) == part


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_MIN": "0"},
        {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_MAX": "7",
         "SLURM_ARRAY_TASK_STEP": "3"},
        {"SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_MAX": "7"},
    ],
)  # fmt: skip
def test_outside_an_even_array_slurm_is_no_share(said: dict[str, str]) -> None:
    with pytest.raises(ParameterError, match="say i/n"):
        part_of("slurm", said)


def test_the_commands(
    recipe: Recipe,
    toy: Dataset,
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def made(part: str) -> list[str]:
        return ["heatmaps", "compute", "--dataset", toy.spec, "--method", recipe.method, "--device", "cpu",
                "--backbone", recipe.backbone, "--batch", "2", "--part", part, "--json"]  # fmt: skip

    assert main(made("0/2")) == 0
    printed = capsys.readouterr()
    (row,) = json.loads(printed.out)
    assert row["samples"] == 4
    assert "3 of 7 samples are not here yet" in printed.err
    assert main(["heatmaps", "show", row["name"], "--missing", "--json"]) == 0
    missing = json.loads(capsys.readouterr().out)
    assert missing == [sample.id for batch in Part(1, 2).of(slices(toy.samples, 2)) for sample in batch]
    shutil.move(home, home.with_name("first machine"))
    assert main(made("1/2")) == 0
    capsys.readouterr()
    assert main(["heatmaps", "merge", str(home.with_name("first machine"))]) == 0
    assert "4 new samples, 7 in all" in capsys.readouterr().err
    assert main(["heatmaps", "show", row["name"], "--missing"]) == 0
    assert capsys.readouterr().out == ""
