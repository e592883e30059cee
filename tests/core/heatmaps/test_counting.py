"""What a device counts is what the CPU counts: the same whole numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cliploc.core.codes import codes_for, kernel_of
from cliploc.core.datasets import Sample
from cliploc.core.errors import ResourceError
from cliploc.core.heatmaps import counting
from cliploc.core.heatmaps.counting import Counting, after_steps, agrees, histograms_of
from cliploc.core.metrics import counts_from
from cliploc.core.postprocess import THRESHOLDS, PostProcess

CPU = torch.device("cpu")
SHAPES = [(40, 30), (64, 64), (17, 23), (64, 64), (1, 1)]
configs = st.builds(
    PostProcess,
    order=st.sampled_from(["none", "dilate", "erode", "dilate-erode", "erode-dilate"]),
    kernel=st.sampled_from(["square", "ellipse", "cross"]),
    dilate=st.integers(0, 20).map(lambda half: 2 * half + 1),
    erode=st.integers(0, 20).map(lambda half: 2 * half + 1),
)


def true_mask(index: int) -> np.ndarray:
    return np.random.default_rng(index).random(SHAPES[index]) < 0.3


def ignored(index: int) -> np.ndarray | None:
    return np.random.default_rng(index + 100).random(SHAPES[index]) < 0.1 if index % 2 else None


SAMPLES = [
    Sample(
        f"s{index}",
        "cat",
        image=lambda: np.zeros((1, 1, 3), np.uint8),
        true_mask=lambda index=index: true_mask(index),
        ignored=lambda index=index: ignored(index),
    )
    for index in range(len(SHAPES))
]
HEATMAPS = {
    f"s{index}": np.random.default_rng(index).random((6, 6), np.float32) for index in range(len(SHAPES))
}


def morphed_by_scipy(plane: np.ndarray, config: PostProcess) -> np.ndarray:
    """Grey morphology of another library, which pads: with what loses everywhere."""
    for name, side in config.steps():
        footprint = kernel_of(config.kernel, side).astype(bool)
        filter_ = ndimage.maximum_filter if name == "dilate" else ndimage.minimum_filter
        outside = 0 if name == "dilate" else 255
        plane = filter_(plane, footprint=footprint, mode="constant", cval=outside)
    return plane


@settings(max_examples=60, deadline=None)
@given(configs, st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_steps_are_those_of_another_library(
    config: PostProcess, count: int, height: int, width: int, seed: int
) -> None:
    planes = np.random.default_rng(seed).integers(0, 101, (count, height, width), np.uint8)
    found = after_steps(torch.from_numpy(planes), config).numpy()
    np.testing.assert_array_equal(found, [morphed_by_scipy(plane, config) for plane in planes])


@given(st.lists(st.lists(st.integers(0, 255), min_size=6, max_size=6), min_size=1, max_size=4))
def test_a_histogram_counts_each_plane_alone(values: list[list[int]]) -> None:
    planes = np.array(values, np.uint8).reshape(-1, 2, 3)
    found = histograms_of(torch.from_numpy(planes)).tolist()
    assert found == [[plane.tolist().count(value) for value in range(256)] for plane in np.array(values)]


@pytest.mark.parametrize("room", [None, 5000, 0], ids=["roomy", "tight", "nothing fits"])
@pytest.mark.parametrize("stack", [counting.STACK, 1], ids=["together", "one by one"])
def test_counts_are_what_the_definition_says(
    room: int | None, stack: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "STACK", stack)
    here = Counting(CPU, room)
    for config in (
        PostProcess(),
        PostProcess(dilate=9, erode=5),
        PostProcess(dilate=9, interpolation="bicubic"),
        PostProcess(dilate=9, kernel="ellipse"),
        PostProcess(),
    ):
        counts = counts_from(here.histograms("key", HEATMAPS, SAMPLES, config).astype(np.int64))
        for index, sample in enumerate(SAMPLES):
            codes = codes_for(HEATMAPS[sample.id], SHAPES[index], config)
            void = ignored(index)
            counted = np.ones(SHAPES[index], bool) if void is None else ~void
            for place in range(0, len(THRESHOLDS), 9):
                mask = (codes > place) & counted
                assert counts.predicted[index, place] == mask.sum()
                assert counts.tp[index, place] == (mask & true_mask(index)).sum()
            assert counts.pixels[index] == counted.sum()
            assert counts.area[index] == (true_mask(index) & counted).sum()


def test_heatmaps_of_another_set_are_not_taken_for_these() -> None:
    here, others = Counting(CPU), {id_: 1 - heatmap for id_, heatmap in HEATMAPS.items()}
    first = here.histograms("key", HEATMAPS, SAMPLES, PostProcess())
    assert not np.array_equal(here.histograms("other", others, SAMPLES, PostProcess()), first)
    assert np.array_equal(here.histograms("key", HEATMAPS, SAMPLES, PostProcess()), first)


@pytest.mark.parametrize(("room", "steps"), [(0, 1), (None, len(SAMPLES))])
def test_planes_are_made_ahead_as_long_as_there_is_room(
    room: int | None, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "cores", lambda: 1)
    here, config = Counting(CPU, room), PostProcess(dilate=5)
    here.histograms("set", HEATMAPS, [], config)
    assert len(list(here.ahead(HEATMAPS, SAMPLES, config))) == steps


def test_what_is_kept_stays_within_its_room_and_is_given_back() -> None:
    here = Counting(CPU, 5000)
    here.histograms("key", HEATMAPS, SAMPLES, PostProcess())
    held = sum(plane.numel() for planes in (here._truths, here._codes) for plane in planes.values())
    assert 0 < held == here._held <= 5000
    assert here.give_way()
    assert here._held == 0
    assert not here._truths
    assert not here._codes
    assert not here.give_way()


def test_a_device_that_counts_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert agrees(CPU)
    right = counting._extreme
    monkeypatch.setattr(
        counting, "_extreme", lambda planes, side, *rest: right(planes, max(side - 2, 1), *rest)
    )
    assert not agrees(CPU)
    with pytest.raises(ResourceError, match="does not count as the CPU does"):
        Counting(CPU)
