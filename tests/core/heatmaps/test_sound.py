"""Heatmaps that say nothing: NaN is an error that names the sample, constant ones are counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cliploc.core.cli import main
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.errors import CheckpointError, ParameterError
from cliploc.core.heatmaps import forward
from cliploc.core.heatmaps.extract import compute
from cliploc.core.heatmaps.ground import check_finite, constant_heatmaps
from cliploc.core.heatmaps.protocol import Event, Failed, Request
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.server import Server
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.methods.compute import normalize


@pytest.fixture
def poisoned(tiny_backbone: str, tmp_path: Path) -> str:
    """Weights of the tiny network with NaN in them."""
    from safetensors.torch import load_file, save_file

    state = load_file(Path(tiny_backbone.removeprefix("local-dir:")) / "open_clip_model.safetensors")
    state["visual.proj"] = torch.full_like(state["visual.proj"], torch.nan)
    save_file(state, tmp_path / "nan.safetensors")
    return str(tmp_path / "nan.safetensors")


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_normalize_makes_nothing_of_what_is_no_number(bad: float) -> None:
    maps = torch.arange(8.0).reshape(2, 2, 2)
    maps[0, 1, 1] = bad
    found = normalize(maps)
    assert torch.isnan(found[0]).any()
    torch.testing.assert_close(found[1], torch.tensor([[0, 1], [2, 3]]) / 3)


def test_not_finite_maps_name_the_sample_the_cause_and_the_remedy() -> None:
    gem = Recipe("gem", "ViT-B-16", "/w/vit.pt")
    maps = np.zeros((3, 2, 2), np.float32)
    check_finite(maps, ["a", "b", "c"], gem, "float16")
    maps[1, 0, 0] = np.inf
    with pytest.raises(ParameterError, match=r"gem gives NaN or infinity for b, .*--precision float32"):
        check_finite(maps, ["a", "b", "c"], gem, "float16")
    maps[2] = np.nan
    with pytest.raises(
        CheckpointError,
        match=r"for b and 1 more of its batch.*weights.*cliploc models check ViT-B-16:/w/vit.pt",
    ):
        check_finite(maps, ["a", "b", "c"], gem, "float32")


@pytest.mark.parametrize("method", ["gem", "textspan", "clipsurgery", "legrad"])
def test_broken_weights_store_nothing(
    toy: Dataset, recipe: Recipe, poisoned: str, store: HeatmapStore, method: str
) -> None:
    broken = replace(recipe, method=method, checkpoint=poisoned)
    with pytest.raises(CheckpointError, match=f"NaN or infinity for {toy.samples[0].id}"):
        compute([broken], toy, store, device="cpu", batch=2)
    assert store.sets() == []


def test_earlier_parts_stay_and_nothing_of_the_batch_is_stored(
    toy: Dataset, recipe: Recipe, store: HeatmapStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, batches = forward.compute_many, []

    def overflowing(*given: object, **named: object) -> dict[str, torch.Tensor]:
        maps = whole(*given, **named)  # type: ignore[arg-type]
        batches.append(maps)
        if len(batches) == 3:
            maps["maskclip"][1] = torch.inf  # the second method only: the first is not stored either
        return maps

    monkeypatch.setattr(forward, "compute_many", overflowing)
    recipes = [recipe, replace(recipe, method="maskclip")]
    with pytest.raises(CheckpointError, match=f"for {toy.samples[5].id}"):
        compute(recipes, toy, store, device="cpu", batch=2)
    bad = {sample.id for sample in toy.samples[4:6]}
    for found in store.sets():
        assert {sample.id for sample in toy.samples[:4]} <= set(found.ids())
        assert not bad & set(found.ids())


def test_the_explorers_worker_says_it_too(toy: Dataset, recipe: Recipe, poisoned: str) -> None:
    events: list[Event] = []
    server = Server("cpu", events.append)
    asked = Request(toy.spec, replace(recipe, checkpoint=poisoned), (toy.samples[0].id,))
    for request in (
        asked,
        replace(asked, prompt="a cat"),
        replace(asked, recipe=replace(asked.recipe, method="textspan"), terms=True),
    ):
        assert not server.answer(request)
        assert isinstance(events[-1], Failed)
        assert f"NaN or infinity for {toy.samples[0].id}" in events[-1].message
    assert HeatmapStore().sets() == []


def test_the_command_ends_with_a_sentence_and_models_check_finds_the_weights(
    toy: Dataset, tiny_backbone: str, poisoned: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["heatmaps", "compute", "--dataset", toy.spec, "--backbone", tiny_backbone, "--device", "cpu"]
    heads = ["heads", "--dataset", toy.spec, "--backbone", tiny_backbone, "--checkpoint", poisoned]
    assert main([*heads, "--layers", "1", "--device", "cpu"]) == 2
    assert "NaN or infinity for" in capsys.readouterr().err
    assert main([*command, "--checkpoint", poisoned]) == 2
    asked = capsys.readouterr().err.strip().rpartition("cliploc ")[2].split()
    assert main([*asked, "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["state"], row["problem"].split(":")[0]) == (
        "broken", "NaN or infinity in 1 tensors, such as visual.proj",
    )  # fmt: skip
    assert main(["models", "check", tiny_backbone, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["assumed"].startswith("OpenAI's mean and std")


def test_constant_heatmaps_are_counted() -> None:
    flat, full = np.zeros((2, 2), np.float32), np.eye(2, dtype=np.float32)
    assert constant_heatmaps({"a": flat, "b": full, "c": flat + 1}) == ["a", "c"]


def test_constant_heatmaps_are_stored_and_said(
    toy: Dataset, tiny_backbone: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = forward.compute_many

    def blind(*given: object, **named: object) -> dict[str, torch.Tensor]:
        maps = whole(*given, **named)  # type: ignore[arg-type]
        maps["gem"][:2] = 0.25
        return maps

    monkeypatch.setattr(forward, "compute_many", blind)
    command = ["heatmaps", "compute", "--dataset", toy.spec, "--backbone", tiny_backbone, "--device", "cpu"]
    assert main([*command, "--json"]) == 0
    said = capsys.readouterr()
    (row,) = json.loads(said.out)
    first, second, *_ = (sample.id for sample in toy.samples)
    assert f"2 of 7 heatmaps are constant: gem sees nothing in {first}, {second}" in said.err
    assert "assumed: OpenAI's mean and std" in said.err
    assert (row["samples"], row["constant"]) == (7, 2)
    for action in (["list"], ["show", row["key"]]):
        assert main(["heatmaps", *action, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        found = found[0] if isinstance(found, list) else found
        assert found["constant"] == 2
    assert found["assumed"].startswith("OpenAI's mean and std")


def test_one_label_is_said_and_seen(
    make_folder: Callable[..., Path], recipe: Recipe, store: HeatmapStore
) -> None:
    one = open_dataset(str(make_folder({"zebra": 3})))
    said: list[str] = []
    recipes = [replace(recipe, method=name) for name in ("clipsurgery", "textspan", "gem")]
    sets = compute(recipes, one, store, device="cpu", notice=said.append)
    assert [constant_heatmaps(found.read_all()) for found in sets] == [[], [], []]
    for method, contrast, found in zip(
        ("clipsurgery", "textspan"), ("redundant", "labels"), sets, strict=False
    ):
        assert f"contrast {contrast} is with the empty caption" in found.identity.assumed, method
        assert any(found.identity.assumed in text for text in said)
    assert "contrast" not in sets[2].identity.assumed


def test_prompts_that_are_cut_are_said_once_each(toy: Dataset, recipe: Recipe, store: HeatmapStore) -> None:
    long = "An image of " + "really " * 80 + "<a label>"
    said: list[str] = []
    compute([replace(recipe, template=long)], toy, store, device="cpu", notice=said.append)
    cut = [text for text in said if "loses its end" in text]
    assert len(cut) == 3
    assert cut[0].endswith("really really a cat'")
    events: list[Event] = []
    Server("cpu", events.append).answer(Request(toy.spec, recipe, (toy.samples[0].id,), prompt="dots " * 90))
    assert "loses its end" in events[-1].notices[0]  # type: ignore[union-attr]


def test_what_is_said_about_weights_makes_another_set(
    toy: Dataset, recipe: Recipe, store: HeatmapStore
) -> None:
    told = replace(recipe, quickgelu="yes", preprocess="inception")
    plain, other = compute([recipe, told], toy, store, device="cpu")
    assert plain.key != other.key
    assert other.identity.checkpoint == "?quickgelu=yes&preprocess=inception"
    assert other.identity.assumed == ""
    for each, found, wrong in ((recipe, plain, other), (told, other, plain)):
        done = each.completed(toy.name)
        assert done.matches(found.identity)
        assert not done.matches(wrong.identity)
    assert replace(recipe, checkpoint=other.identity.checkpoint).completed(toy.name) == told.completed(
        toy.name
    )
