"""Published presets: what a recipe becomes, what the pass then does, what the commands say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.backbones.positions import POSITIONS
from cliploc.core.backbones.towers.tower import interpolated
from cliploc.core.cli import main
from cliploc.core.datasets import Dataset
from cliploc.core.errors import ParameterError
from cliploc.core.heatmaps.background import WORDS
from cliploc.core.heatmaps.extract import compute
from cliploc.core.heatmaps.forward import joined, load
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.heatmaps.windows import windowed
from cliploc.core.methods import METHODS
from cliploc.core.methods.compute import compute_maps
from cliploc.core.parameters import checked
from cliploc.core.postprocess import STRETCHES
from cliploc.core.prompts import prompt_for
from cliploc.core.stretch import values_of


@pytest.mark.parametrize("method", METHODS)
def test_every_method_says_how_its_authors_run_it(method: str) -> None:
    spec = METHODS[method]
    theirs = spec.published
    assert theirs.stretch in STRETCHES
    assert theirs.positions in ("", *POSITIONS)
    assert checked(spec.parameters, dict(theirs.parameters))
    assert "dog" in prompt_for(theirs.template, "dog")
    recipe = Recipe(method).as_published().completed("")
    assert (recipe.size, recipe.window, recipe.stride) == (theirs.size, theirs.window, theirs.stride)
    assert recipe.background == theirs.background
    assert recipe.completed("") == recipe


def test_what_is_said_counts_more_than_what_is_published() -> None:
    asked = Recipe("maskclip", size=224, template="<label>", parameters=(("residual", False),))
    made = asked.as_published()
    assert (made.size, made.template, dict(made.parameters)["residual"]) == (224, "<label>", False)
    assert made.positions == "bicubic"


def test_imagenet_has_80_prompts_each_with_the_label() -> None:
    texts = prompt_for("imagenet-80: <a label>", "apple").split(" | ")
    assert len(set(texts)) == 80
    assert all("an apple" in text for text in texts)


def test_maskclip_and_clip_surgery_have_five_more_of_a_scene() -> None:
    texts = prompt_for("imagenet-85: <label>", "apple").split(" | ")
    assert texts[:80] == prompt_for("imagenet-80: <label>", "apple").split(" | ")
    assert (len(texts), texts[80], texts[-1]) == (
        85,
        "there is a apple in the scene.",
        "this is one apple in the scene.",
    )
    for method in ("maskclip", "clipsurgery"):
        assert METHODS[method].published.template == "imagenet-85: <label>"


def test_sets_of_before_keep_their_keys() -> None:
    plain = Identity("f" * 64, "gem", size=448)
    assert plain.key == "81409ed1e8344f9e"
    others = [
        Identity("f" * 64, "gem", size=448, raw=True),
        Identity("f" * 64, "gem", size=448, positions="dino"),
        Identity("f" * 64, "gem", size=448, window=224, stride=112),
        Identity("f" * 64, "gem", size=448, window=224, stride=56),
        Identity("f" * 64, "gem", size=448, background=40),
    ]
    assert len({each.key for each in (plain, *others)}) == 6
    for each in (plain, *others):
        assert Identity.from_dict(json.loads(json.dumps(each.to_dict()))) == each


@pytest.mark.parametrize("how", POSITIONS)
def test_positions_are_taken_to_another_grid_in_one_of_the_ways(how: str) -> None:
    positions = torch.randn(1 + 49, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    old = positions[1:].T.reshape(1, 8, 7, 7)
    options = {
        "antialiased": {"size": (14, 14), "mode": "bicubic", "antialias": True},
        "bicubic": {"size": (14, 14), "mode": "bicubic"},
        "bilinear": {"size": (14, 14), "mode": "bilinear"},
        "dino": {"scale_factor": (14.1 / 7, 14.1 / 7), "mode": "bicubic"},
    }
    expected = F.interpolate(old, **options[how])[0].flatten(1).T
    found = interpolated(positions, (7, 7), (14, 14), how=how)
    torch.testing.assert_close(found, torch.cat([positions[:1], expected]))
    assert interpolated(positions, (7, 7), (7, 7), how=how) is positions


@pytest.mark.parametrize(
    ("side", "window", "stride"), [(20, 8, 4), (20, 8, 8), (21, 8, 5), (8, 8, 4), (6, 8, 4)]
)
def test_windows_are_averaged_where_they_overlap(side: int, window: int, stride: int) -> None:
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))

    def maps_of(seen: Tensor) -> dict[str, Tensor]:
        return {"mean": seen.mean(1, keepdim=True) + seen.amax((1, 2, 3)).view(-1, 1, 1, 1)}

    found = windowed(maps_of, images, window, stride)["mean"]
    reach = min(window, side)
    starts = sorted({min(first, side - reach) for first in range(0, side, stride)})
    starts = starts[: starts.index(side - reach) + 1]
    for y, x in ((0, 0), (side // 2, side // 3), (side - 1, side - 2)):
        covering = [
            images[:, :, top : top + reach, left : left + reach].amax((1, 2, 3))
            for top in starts if top <= y < top + reach
            for left in starts if left <= x < left + reach
        ]  # fmt: skip
        expected = images[:, :, y, x].mean(1) + torch.stack(covering).mean(0)
        torch.testing.assert_close(found[:, 0, y, x], expected)


def test_a_set_through_windows_has_a_value_for_each_pixel(
    recipe: Recipe, toy: Dataset, store: HeatmapStore
) -> None:
    seen = recipe.__class__("sclip", recipe.backbone, size=48, window=32, positions="dino")
    (made,) = compute([seen], toy, store, device="cpu")
    assert made.shape == (48, 48)
    assert (made.identity.window, made.identity.stride, made.identity.positions) == (32, 16, "dino")
    assert seen.completed(toy.name).matches(made.identity)
    assert not recipe.completed(toy.name).matches(made.identity)


def test_a_label_keeps_its_share_beside_background_words(
    recipe: Recipe, toy: Dataset, store: HeatmapStore
) -> None:
    plain = recipe.__class__("naclip", recipe.backbone, size=32, template="a <label>").completed(toy.name)
    job = joined([plain], toy, load(plain, "cpu"))
    sample = toy.samples[0]
    pixels, backbone = job.pixels(sample), job.backbone
    rows = backbone.encode_text([f"a {text}" for text in (sample.label, *WORDS)])
    cosines = compute_maps("naclip", backbone, backbone.normalized(pixels), rows)
    odds = (40 * F.interpolate(cosines.double(), (32, 32), mode="bilinear")).exp()
    expected = odds[0, 0] / odds[0].sum(0)
    asked = replace(plain, background=40)
    (made,) = compute([asked], toy, store, device="cpu")
    found = made.read_all()[sample.id]
    np.testing.assert_allclose(values_of(found), expected.numpy(), atol=1e-5)
    assert asked.matches(made.identity)
    assert not plain.matches(made.identity)


@pytest.mark.parametrize("method", ["textspan", "gradcam", "legrad", "chefer"])
def test_what_gives_no_cosines_has_no_background_words(method: str) -> None:
    with pytest.raises(ParameterError, match="words compete by their cosines"):
        Recipe(method, background=40).completed("")


def test_heatmaps_as_published_are_computed_and_evaluated(
    recipe: Recipe, toy: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--dataset", toy.spec, "--method", "naclip", "--backbone", recipe.backbone, "--device", "cpu"]
    assert main(["heatmaps", "compute", *words, "--as", "published", "--size", "48", "--window", "32",
                 "--stride", "16", "--json"]) == 0  # fmt: skip
    told = capsys.readouterr()
    (row,) = json.loads(told.out)
    assert (
        "naclip as published: 48 px, windows of 32 by 16, positions dino, background words x 40" in told.err
    )
    assert "PAMR, which is not here" in told.err
    assert main(["evaluate", "--heatmaps", row["name"], "--as", "published", "--json"]) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["preset"], found["config"]["stretch"], found["config"]["order"]) == (
        "published",
        "map",
        "none",
    )
    assert "computed otherwise than as published" in told.err  # at another size
    assert (
        main(["evaluate", "--heatmaps", row["name"], "--as", "published", "--stretch", "none", "--json"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["config"]["stretch"] == "none"


def test_heatmaps_from_elsewhere_are_not_published_by_anybody(
    toy: Dataset, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    path = f"{tmp_path}/mine.npz"
    np.savez(path, ids=np.array([toy.samples[0].id]), heatmaps=np.zeros((1, 2, 2), np.float32))
    assert main(["heatmaps", "import", path, "--dataset", toy.spec]) == 0
    assert main(["evaluate", "--heatmaps", "mine", "--as", "published"]) == 2
    assert "made elsewhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"positions": "cubic"}, "positions"), ({"window": -1}, "window"), ({"background": -1}, "background")],
)
def test_a_wrong_setting_of_the_pass_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Recipe("gem", **changes).completed("")  # type: ignore[arg-type]
