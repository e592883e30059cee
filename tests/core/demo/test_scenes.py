"""Scenes are a function of (seed, index) and look as the demo set promises."""

from __future__ import annotations

import numpy as np
import pytest

from cliploc.core.demo.scenes import SIZE, scene
from cliploc.core.demo.shapes import CLASSES, LABELS


@pytest.mark.parametrize("index", [0, 7, 33])
def test_the_same_seed_and_index_give_the_same_scene(index: int) -> None:
    first, again = scene(5, index), scene(5, index)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.mask, again.mask)
    assert first.labels == again.labels


def test_another_seed_or_index_gives_another_scene() -> None:
    images = [scene(seed, index).image.tobytes() for seed in (0, 1, 2) for index in range(6)]
    assert len(set(images)) == len(images)


def test_a_scene_does_not_depend_on_the_scenes_before_it() -> None:
    alone = scene(3, 4).image
    for index in range(4):
        scene(3, index)
    assert np.array_equal(scene(3, 4).image, alone)


@pytest.mark.parametrize("index", range(20))
def test_shapes_types_and_labels(index: int) -> None:
    drawn = scene(11, index)
    assert drawn.image.shape == (SIZE, SIZE, 3)
    assert drawn.image.dtype == np.uint8
    assert drawn.mask.shape == (SIZE, SIZE)
    assert drawn.mask.dtype == np.bool_
    assert drawn.label == LABELS[index % len(LABELS)]
    assert len(set(drawn.labels)) == len(drawn.labels) <= 3
    assert 0.01 < drawn.mask.mean() < 0.6


def test_alone_is_the_probability_of_a_single_object() -> None:
    assert all(len(scene(1, index, alone=1.0).labels) == 1 for index in range(8))
    assert any(len(scene(1, index, alone=0.0).labels) > 1 for index in range(8))


def test_the_mask_is_where_the_target_is_and_nothing_else() -> None:
    drawn = scene(0, 9)
    rows, columns = np.nonzero(drawn.mask)
    inside = drawn.image[drawn.mask].astype(float).mean(0)
    ring = np.zeros_like(drawn.mask)
    ring[max(0, rows.min() - 6) : rows.max() + 6, max(0, columns.min() - 6) : columns.max() + 6] = True
    outside = drawn.image[ring & ~drawn.mask].astype(float).mean(0)
    assert np.abs(inside - outside).max() > 20


@pytest.mark.parametrize("shape", CLASSES, ids=LABELS)
def test_outlines_fill_a_good_part_of_their_square_and_stay_inside_the_drawn_window(shape) -> None:
    v, u = np.mgrid[-2:2:401j, -2:2:401j]
    region = shape.outline(u, v)
    assert 0.8 < region.sum() * (4 / 400) ** 2 < 3.2
    assert np.hypot(u[region], v[region]).max() < 1.45


def test_some_targets_have_holes_and_some_come_in_pieces() -> None:
    v, u = np.mgrid[-1.2:1.2:97j, -1.2:1.2:97j]
    outline = {shape.label: shape.outline(u, v) for shape in CLASSES}
    assert not outline["ring"][48, 48]
    assert not outline["gear"][48, 48]
    pad, toe = outline["paw"][65, 48], outline["paw"][21, 37]
    gap = outline["paw"][40:44, 30:66]
    assert pad
    assert toe
    assert not gap.all()


def test_every_class_has_its_own_texture() -> None:
    b, a = np.mgrid[0:6:120j, 0:6:120j]
    seen = {shape.texture(a, b).tobytes() for shape in CLASSES}
    assert len(seen) == len(CLASSES)
    assert all(0.1 < shape.texture(a, b).mean() < 0.9 for shape in CLASSES)
