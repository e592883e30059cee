"""`cliploc heatmaps`: from computing a set to carrying it away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.cli import main
from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.stretch import on_grid

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run `cliploc heatmaps …`: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["heatmaps", *map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def on_toy(toy: Dataset, tiny_backbone: str) -> tuple[str, ...]:
    return ("--dataset", toy.spec, "--backbone", tiny_backbone, "--device", "cpu")


def test_methods_are_computed_together_and_listed(cli: Cli, on_toy: tuple[str, ...], toy: Dataset) -> None:
    code, out, err = cli("compute", *on_toy, "--method", "gem,naclip", "--set", "std=2.5", "--json")
    assert code == 0
    gem, naclip = json.loads(out)
    assert (gem["method"], naclip["method"]) == ("gem", "naclip")
    assert gem["samples"] == naclip["samples"] == len(toy.samples)
    assert gem["grid"] == "4x4"
    assert f"{len(toy.samples)} of {len(toy.samples)} images" in err
    code, out, _ = cli("list", "--json")
    assert sorted(row["key"] for row in json.loads(out)) == sorted([gem["key"], naclip["key"]])
    code, out, _ = cli("show", naclip["key"][:8], "--json")
    shown = json.loads(out)
    assert shown["parameters"] == {"contrast": "none", "residual": False, "std": 2.5}
    assert shown["dataset_spec"] == toy.spec
    assert shown["precision"] == "float32"
    assert cli("compute", *on_toy, "--method", "gem", "--json")[1] == json.dumps([gem], indent=2) + "\n"


def test_a_set_goes_out_comes_in_and_is_removed(
    cli: Cli, on_toy: tuple[str, ...], toy: Dataset, tmp_path: Path
) -> None:
    cli("compute", *on_toy)
    assert cli("export", "gem", tmp_path / "mine.npz")[0] == 0
    code, out, _ = cli("import", tmp_path / "mine.npz", "--dataset", toy.spec, "--json")
    assert code == 0
    assert json.loads(out)[0]["name"] == "mine"
    for id_, heatmap in HeatmapStore().find("gem").read_all().items():
        np.testing.assert_array_equal(HeatmapStore().find("mine").read(id_), on_grid(heatmap, "grid"))
    assert cli("remove", "mine", "gem")[0] == 0
    code, out, err = cli("list", "--json")
    assert json.loads(out) == []
    assert "heatmaps compute" in err


def test_a_partial_import_says_what_is_missing(cli: Cli, toy: Dataset, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", ids=np.array(["cat_0"]), heatmaps=np.zeros((1, 2, 2), np.float32))
    code, _, err = cli("import", tmp_path / "a.npz", "--dataset", toy.spec, "--name", "some")
    assert code == 0
    assert "6 of 7 samples of toy are not in the file" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("compute", "--method", "gum"), "did you mean gem"),
        (("compute", "--method", ","), "expected a name"),
        (("compute", "--set", "depth=99"), "expected 0 to 64"),
        (("compute", "--set", "depth"), "name=value"),
        (("compute", "--method", "gem,naclip", "--set", "stdd=1"), "unknown parameter of gem"),
        (("compute", "--template", "a dog"), "<label>"),
        (("compute", "--batch", "-1"), "batch"),
        (("compute", "--precision", "half"), "float16"),
        (("compute", "--device", "abacus"), "device"),
        (("compute", "--size", "33"), "multiple of the patch"),
        (("show", "gem"), "is empty"),
        (("remove", "gem"), "is empty"),
        (("export", "gem", "out.npz"), "is empty"),
        (("import", "absent.npz"), "no file"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(
    cli: Cli, on_toy: tuple[str, ...], arguments: tuple[str, ...], message: str
) -> None:
    action, *rest = arguments
    code, out, err = cli(action, *(on_toy if action == "compute" else ()), *rest)
    assert code == 2
    assert out == ""
    assert message in err.splitlines()[-1]
    assert not HeatmapStore().root.exists()


def test_weights_that_are_broken_or_of_another_network_leave_the_store_untouched(
    cli: Cli, on_toy: tuple[str, ...], tmp_path: Path, tiny_backbone: str
) -> None:
    weights = Path(tiny_backbone.removeprefix("local-dir:")) / "open_clip_model.safetensors"
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(weights.read_bytes()[:5000])
    for backbone, checkpoint in (
        (tiny_backbone, cut),
        ("ViT-B-16", weights),
        ("ViT-B-16", "nothing-like-it"),
    ):
        code, _, err = cli("compute", *on_toy, "--backbone", backbone, "--checkpoint", checkpoint)
        assert code == 2
        assert "Traceback" not in err
        assert not HeatmapStore().root.exists()


def test_an_unwritable_cache_is_one_sentence_and_exit_2(
    cli: Cli, on_toy: tuple[str, ...], home: Path
) -> None:
    home.mkdir()
    (home / "cache").write_text("in the way")
    code, _, err = cli("compute", *on_toy)
    assert code == 2
    assert "CLIPLOC_HOME" in err.splitlines()[-1]
