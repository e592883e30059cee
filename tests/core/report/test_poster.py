"""The whole experiment by one command: resumable at every stage, right networks for each dataset."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from safetensors.torch import load_file, save_file

from core.cli import main
from core.commands.poster import poster_recipes
from core.datasets import Dataset, open_dataset
from core.heatmaps.store import HeatmapStore
from core.prompts import TEMPLATES
from core.sweep.ledger import Ledger

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
    assert capsys.readouterr().out.strip() == str(page)
    assert all(
        template.replace("<", "&lt;").replace(">", "&gt;") in page.read_text() for template in TEMPLATES[:2]
    )
    (run,) = Ledger().runs()
    assert (run.state, run.configs, len(run.heatmaps)) == ("done", 3 * (1 + 15 + 15 + 225 + 225), 2)
    page.unlink()

    def not_again(*arguments: object, **named: object) -> NoReturn:
        raise AssertionError("computed again")

    monkeypatch.setattr("core.heatmaps.extract.compute_many", not_again)
    monkeypatch.setattr("core.sweep.process.drive", not_again)
    assert main(command) == 0
    assert page.exists()
    assert [row.id for row in Ledger().runs()] == [run.id]


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
    from core.sweep import process

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
    ],
)
def test_what_cannot_be_meant_is_refused(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["poster", *options]) == 2
    assert words in capsys.readouterr().err
