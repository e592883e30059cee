"""The incremental engine counts what every config counts on its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cliploc.core.codes import codes_for
from cliploc.core.metrics import counts_of, truth_of
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.engine import Engine
from cliploc.core.sweep.grid import Step, steps_of
from tests.core.test_metrics import configs, heatmaps, masks
from tests.oracles import naive_counts


def distinct(configs: list[PostProcess]) -> list[PostProcess]:
    return list({(config.interpolation, steps_of(config)): config for config in configs}.values())


@given(heatmaps, masks, st.lists(configs, min_size=1, max_size=12))
@settings(max_examples=80, deadline=None)
def test_any_list_of_configs_is_counted_as_one_at_a_time(
    heatmap: np.ndarray, mask: np.ndarray, configs: list[PostProcess]
) -> None:
    grid = distinct(configs)
    counts = Engine(grid).counts(heatmap, truth_of(mask))
    for place, config in enumerate(grid):
        alone = counts_of(codes_for(heatmap, mask.shape, config), mask)
        np.testing.assert_array_equal(counts.tp[place], alone.tp)
        np.testing.assert_array_equal(counts.predicted[place], alone.predicted)
    assert (counts.area == mask.sum()).all()
    assert (counts.pixels == mask.size).all()


@given(
    hnp.arrays(np.float32, (5, 5), elements=st.floats(0, 1, width=32)),
    st.lists(st.integers(0, 20).map(lambda half: 2 * half + 1), min_size=1, max_size=5, unique=True),
    st.sampled_from(["dilate-erode", "erode-dilate"]),
)
@settings(max_examples=15, deadline=None)
def test_any_list_of_sides_is_bit_equal_to_the_naive_way(
    heatmap: np.ndarray, sides: list[int], order: str
) -> None:
    mask = np.indices((40, 33)).sum(axis=0) % 3 == 0
    grid = distinct([PostProcess("bicubic", order, "square", d, e) for d in sides for e in sides])
    counts = Engine(grid).counts(heatmap, truth_of(mask))
    for place, config in enumerate(grid):
        tp, predicted = naive_counts(heatmap, mask, config)
        assert counts.tp[place].tolist() == tp
        assert counts.predicted[place].tolist() == predicted


def test_an_engine_takes_images_of_any_size_in_turn() -> None:
    rng = np.random.default_rng(0)
    heatmap = rng.random((7, 7), dtype=np.float32)
    config = PostProcess(dilate=9, erode=5)
    engine = Engine([config])
    for shape in ((30, 40), (64, 20), (1, 1), (30, 40)):
        mask = rng.random(shape) < 0.5
        alone = counts_of(codes_for(heatmap, shape, config), mask)
        np.testing.assert_array_equal(engine.counts(heatmap, truth_of(mask)).tp[0], alone.tp)


@pytest.mark.parametrize(
    ("before", "step", "side"),
    [
        (Step("square", "dilate", 5), Step("square", "dilate", 9), 5),
        (Step("square", "dilate", 9), Step("square", "dilate", 5), None),
        (Step("square", "dilate", 5), Step("square", "erode", 9), None),
        (Step("ellipse", "dilate", 5), Step("ellipse", "dilate", 9), None),
        (None, Step("square", "dilate", 9), None),
    ],
)
def test_only_squares_of_one_kind_grow_from_each_other(
    before: Step | None, step: Step, side: int | None
) -> None:
    assert step.remaining(before) == side
