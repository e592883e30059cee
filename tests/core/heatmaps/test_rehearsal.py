"""The dress rehearsal: every method is timed on what is here, and nothing is fetched."""

from __future__ import annotations

import json

import pytest
import torch

from cliploc.core.cli import main
from cliploc.core.heatmaps import rehearsal
from cliploc.core.heatmaps.rehearsal import POSTER, Timing, of_poster, rehearsed
from cliploc.core.methods import METHODS


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that take no time: the smallest that open_clip has of each kind."""
    monkeypatch.setattr(
        rehearsal, "network_of",
        lambda method: {"gradcam": "resnet50-imagenet", "textspan": "ViT-S-32"}.get(method, "ViT-S-32"),
    )  # fmt: skip


def test_methods_are_timed_on_random_weights(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "ON_CPU", 1)
    found = list(rehearsed("cpu", ["gem", "gradcam"]))
    assert [(each.method, each.backbone) for each in found] == [
        ("gem", "ViT-S-32"), ("gradcam", "resnet50-imagenet"),
    ]  # fmt: skip
    assert all(each.seconds > 0 and each.gigabytes > 0 and each.images == 1 for each in found)


@pytest.mark.slow
def test_the_doctor_times_the_methods_and_tells_the_posters_time(
    small: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "ON_CPU", 1)
    assert main(["doctor", "--rehearse", "--device", "cpu", "--json"]) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert sorted(row["method"] for row in found["methods"]) == sorted(METHODS)
    assert all(row["seconds"] > 0 and row["gigabytes"] > 0 and not row["problem"] for row in found["methods"])
    assert found["poster_heatmaps_seconds"] > 0
    assert "gem on ViT-S-32 at 448:" in told.err


def test_a_batch_that_does_not_fit_is_halved_and_one_image_that_does_not_is_told(
    small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def fits(method: str, backbone: object, pixels: torch.Tensor) -> None:
        seen.append(len(pixels))
        if len(pixels) > fits_up_to:
            raise torch.OutOfMemoryError

    monkeypatch.setattr(rehearsal, "_batch", fits)
    monkeypatch.setattr(rehearsal, "ON_CPU", 4)
    fits_up_to = 2
    assert [each.images for each in rehearsed("cpu", ["gem"])] == [2]
    assert seen == [4, 2, 2]
    fits_up_to = 0
    (timing,) = rehearsed("cpu", ["gem"])
    assert timing.problem == "too little memory for one image"


def test_the_posters_time_is_that_of_its_methods_and_prompts() -> None:
    timings = [Timing(method, "", 224, 8, 4.0, 1.0) for method in POSTER]
    assert of_poster(timings) == 512 * (2 + 2 + 1) * 0.5
    assert of_poster(timings[1:]) is None
