"""The whole experiment by one command: resumable at every stage, right networks for each dataset."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from safetensors.torch import load_file, save_file

from cliploc.core.cli import main
from cliploc.core.commands.poster import poster_recipes
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.prompts import TEMPLATES
from cliploc.core.sweep.ledger import Ledger

MakeFolder = Callable[..., Path]


def named(dataset: Dataset, name: str) -> Dataset:
    return Dataset(name, dataset.spec, dataset.samples, dataset.content)


def test_from_nothing_to_the_page_and_again_without_computing(
    make_folder: MakeFolder, tiny_backbone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    command = [
        "poster", "--dataset", str(make_folder({"cat": 4, "red car": 3})), "--methods", "gem",
        "--network", f"gem={tiny_backbone}", "--device", "cpu", "-o", str(tmp_path / "out"),
    ]  # fmt: skip
    assert main(command) == 0
    page = tmp_path / "out" / "report.html"
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "GEM"
    assert out[-1] == str(page)
    assert all(line.startswith("  cannot tell ") for line in out if line.startswith("  "))
    assert "does not beat the whole image as a mask" in out[1]  # a network of random weights
    assert all(
        template.replace("<", "&lt;").replace(">", "&gt;") in page.read_text() for template in TEMPLATES[:2]
    )
    (run,) = Ledger().runs()
    assert (run.state, run.configs, len(run.heatmaps)) == ("done", 3 * (1 + 15 + 15 + 225 + 225), 2)
    page.unlink()

    def not_again(*arguments: object, **named: object) -> NoReturn:
        raise AssertionError("computed again")

    monkeypatch.setattr("cliploc.core.heatmaps.forward.compute_many", not_again)
    monkeypatch.setattr("cliploc.core.sweep.process.drive", not_again)
    assert main(command) == 0
    assert page.exists()
    assert [row.id for row in Ledger().runs()] == [run.id]


def test_a_first_look_at_some_samples_with_options_of_ones_own(
    make_folder: MakeFolder, tiny_backbone: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sample is drawn by the seed, its heatmaps are those of the whole dataset's sets."""
    command = [
        "poster", "--dataset", str(make_folder({"cat": 4, "red car": 3})), "--methods", "gem",
        "--network", f"gem={tiny_backbone}", "--device", "cpu", "-o", str(tmp_path / "out"),
        "--template", "a <label>", "--set", "depth=2", "--precision", "float32", "--size", "64",
        "--grid", "dilate=1:9:4", "--grid", "order=none,dilate", "--grid", "interpolation=nearest", "--json",
    ]  # fmt: skip
    assert main([*command, "--limit", "3"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["report"] == str(tmp_path / "out" / "report.html")
    verdicts = {one["claim"]: one for one in said["verdicts"] if one["method"] == "GEM"}
    assert verdicts["dilation, then erosion raises mean IoU"]["verdict"] == "cannot tell"
    (few,) = Ledger().runs()
    plan = Ledger().plan(few.id)
    assert (plan.images, len(plan.grid.configs), len(plan.sets)) == (3, 3, 1)
    assert "one took 3 of 7" in (tmp_path / "out" / "report.html").read_text()
    (found,) = HeatmapStore().sets()
    identity = found.identity
    assert (identity.template, identity.size, identity.precision) == ("a <label>", 64, "float32")
    assert dict(identity.parameters)["depth"] == 2
    assert len(found.ids()) == 3
    assert main(command) == 0  # the rest is computed into the same set
    assert [len(again.ids()) for again in HeatmapStore().sets()] == [7]
    assert sorted(row.images for row in Ledger().runs()) == [3, 7]


def test_as_published_each_method_has_its_authors_prompt_size_windows_and_stretch(
    make_folder: MakeFolder, tiny_backbone: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "poster", "--dataset", str(make_folder({"cat": 2, "red car": 2})), "--methods", "sclip,textspan",
        "--network", f"sclip={tiny_backbone}", "--network", f"textspan={tiny_backbone}", "--device", "cpu",
        "--as", "published", "--size", "48", "--grid", "dilate=1", "--grid", "erode=1,5",
        "--grid", "order=none,dilate-erode", "-o", str(tmp_path / "out"),
    ]  # fmt: skip
    assert main([*command, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["preset"] == "published"
    assert (
        "sclip as published: 48 px, windows of 224 by 112, positions dino, background words x 50" in said.err
    )
    assert "all other labels in the softmax with the background words, which is not here" in said.err
    made = {found.identity.method: found.identity for found in HeatmapStore().sets()}
    assert (made["sclip"].window, made["sclip"].stride, made["sclip"].positions) == (224, 112, "dino")
    assert {each.template for each in made.values()} == {"imagenet-80: <label>"}
    tried = {Ledger().plan(row.id).grid.stretches for row in Ledger().runs()}
    assert tried == {("map",), ("positive",)}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "positions=dino, window=224, stride=112, background=50" in page
    assert "--positions dino --window 224 --stride 112 --background 50" in page
    # What is said counts more.
    assert main([*command, "--grid", "stretch=none", "--template", "a <label>"]) == 0
    assert "ClipTextSpan, as published" in capsys.readouterr().out.splitlines()
    assert ("none",) in {Ledger().plan(row.id).grid.stretches for row in Ledger().runs()}
    assert "a <label>" in {found.identity.template for found in HeatmapStore().sets()}


def test_other_weights_under_the_same_name_are_computed_anew(
    make_folder: MakeFolder, tiny_backbone: str, tmp_path: Path
) -> None:
    """Nothing stale is reported: heatmaps are known by the content of the weights."""
    weights = tmp_path / "weights"
    shutil.copytree(tiny_backbone.removeprefix("local-dir:"), weights)
    command = [
        "poster", "--dataset", str(make_folder({"cat": 4, "red car": 3})), "--methods", "gem",
        "--network", f"gem=local-dir:{weights}", "--device", "cpu", "-o", str(tmp_path / "out"),
    ]  # fmt: skip
    assert main(command) == 0
    file = weights / "open_clip_model.safetensors"
    changed = {name: tensor * 1.5 for name, tensor in load_file(file).items()}
    save_file(changed, file)
    assert main(command) == 0
    assert len(HeatmapStore().sets()) == 4
    assert len(Ledger().runs()) == 2


def test_an_interrupted_run_is_gone_on_with(
    make_folder: MakeFolder, tiny_backbone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [
        "poster", "--dataset", str(make_folder({"cat": 4, "red car": 3})), "--methods", "gem",
        "--network", f"gem={tiny_backbone}", "--device", "cpu", "-o", str(tmp_path / "out"),
    ]  # fmt: skip
    from cliploc.core.sweep import process

    drive = process.drive
    monkeypatch.setattr(process, "drive", lambda *a, **k: drive(*a, **{**k, "stop": lambda: True}))
    assert main(command) == 130
    (paused,) = Ledger().runs()
    assert paused.state == "paused"
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(process, "drive", drive)
    assert main(command) == 0
    assert [(row.id, row.state) for row in Ledger().runs()] == [(paused.id, "done")]
    assert len(HeatmapStore().sets()) == 2


def test_the_demo_runs_on_its_own_networks(make_folder: MakeFolder) -> None:
    demo = named(open_dataset(str(make_folder())), "demo")
    found = poster_recipes(demo, ["gem", "textspan", "gradcam"], {})
    assert {method: [r.backbone for r in recipes] for method, recipes in found.items()} == {
        "gem": ["demo-vit"] * 2,
        "textspan": ["demo-vit"] * 2,
        "gradcam": ["demo-resnet"] * 2,
    }
    assert all([r.template for r in recipes] == list(TEMPLATES[:2]) for recipes in found.values())


def test_other_datasets_run_on_the_posters_networks(make_folder: MakeFolder) -> None:
    real = named(open_dataset(str(make_folder())), "cocoglide")
    found = poster_recipes(real, ["gem", "textspan", "gradcam"], {"gem": ("ViT-B-32", "laion2b_s34b_b79k")})
    assert {method: (r[0].backbone, r[0].checkpoint) for method, r in found.items()} == {
        "gem": ("ViT-B-32", "laion2b_s34b_b79k"),
        "textspan": ("ViT-L-14", "laion2b_s32b_b82k"),
        "gradcam": ("resnet50-imagenet", "tv_in1k"),
    }
    assert len(found["gradcam"]) == 1
    assert dict(found["gradcam"][0].parameters)["no_class"] == "skip"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--methods", "gemm"], "did you mean gem"),
        (["--methods", ","], "expected names"),
        (["--network", "gem"], "METHOD=BACKBONE"),
        (["--network", "gemm=ViT-B-16"], "did you mean gem"),
        (["--limit", "0"], "expected at least 1"),
        (["--grid", "dilate"], "expected NAME=LIST"),
        (["--grid", "dilat=1:9"], "did you mean dilate"),
        (["--grid", "dilate=2:8"], "dilate"),
        (["--set", "depht=3"], "depht"),
        (["--template", "nothing in it"], "<label>"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["poster", *options]) == 2
    assert words in capsys.readouterr().err
