"""Captions name the scene's classes and nothing of where they are."""

from __future__ import annotations

import pytest

from cliploc.core.demo.captions import TEMPLATES, caption, caption_labels, plural
from cliploc.core.demo.scenes import scene
from cliploc.core.demo.shapes import LABELS
from cliploc.core.demo.train.batches import captioned_scene


def test_captions_read_as_english() -> None:
    assert caption(["star"]) == "a star"
    assert caption(["star", "arrow"]) == "a star and an arrow"
    assert caption(["ring", "paw", "fish"]) == "a ring, a paw and a fish"


@pytest.mark.parametrize("labels", [("star",), ("ring", "arrow"), ("paw", "moon", "heart")])
def test_the_classes_of_a_caption_are_read_back(labels: tuple[str, ...]) -> None:
    assert caption_labels(caption(labels)) == tuple(sorted(labels))


def test_words_that_contain_a_class_name_are_not_the_class() -> None:
    assert caption_labels("earrings on a starboard crossing") == ()


def test_plurals() -> None:
    assert [plural(label) for label in ("star", "cross", "fish")] == ["stars", "crosses", "fishes"]


def test_labels_are_sorted_and_the_templates_hold_a_place_for_them() -> None:
    assert list(LABELS) == sorted(LABELS)
    assert all("label>" in template for template in TEMPLATES)
    assert {"An image of a <label>", "There is a <label> in this image"} <= set(TEMPLATES)


def test_a_training_pair_is_an_image_and_a_caption() -> None:
    image, text = captioned_scene(1, 3)
    assert image.shape == (256, 256, 3)
    assert caption_labels(text) == tuple(sorted(scene(1, 3, alone=0.5).labels))
