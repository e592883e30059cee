"""What the worker knows of a network and of prompts reaches the screen as a notice, once."""

from __future__ import annotations

import numpy as np

from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.protocol import Failed, Ready, TextComputed
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.tui.__main__ import parser
from cliploc.tui.answers import Told, WorkerChanged
from cliploc.tui.comparison import rivals
from cliploc.tui.screens.inside import inside_recipe
from cliploc.tui.start import initial_state
from cliploc.tui.state import Source
from cliploc.tui.studio.heatmaps import Heatmaps


def test_notices_are_told_once(toy: Dataset) -> None:
    posted: list[object] = []
    heatmaps = Heatmaps(toy, posted.append, "cpu")
    recipe = Recipe("gem").completed("toy")
    ready = Ready(recipe, Identity(toy.pictures, "gem"), "cpu", ("assumed: plain GELU",))
    text = TextComputed(recipe, toy.samples[0].id, "a b", np.zeros((2, 2), np.float32), ("'a b' loses 'b'",))
    for event in (ready, text, ready, text):
        heatmaps._on_event(event)
    told = [each.text for each in posted if isinstance(each, Told)]
    assert told == ["assumed: plain GELU", "'a b' loses 'b'"]


def test_of_several_methods_it_is_said_which_has_failed(toy: Dataset) -> None:
    posted: list[object] = []
    heatmaps = Heatmaps(toy, posted.append, "cpu")
    heatmaps._on_event(Failed("no weights", Recipe("proxyclip").completed("toy"), (toy.samples[0].id,)))
    assert [each.text for each in posted if isinstance(each, WorkerChanged)] == ["ProxyCLIP failed"]


def test_what_is_said_about_weights_goes_along_wherever_the_network_goes(toy: Dataset) -> None:
    options = [
        "--backbone",
        "ViT-B-16",
        "--checkpoint",
        "openai",
        "--quickgelu",
        "yes",
        "--preprocess",
        "imagenet",
    ]
    recipe = initial_state(toy, parser().parse_args(options)).source.recipe
    assert (recipe.quickgelu, recipe.preprocess) == ("yes", "imagenet")
    others = [r for r in rivals(Source(recipe), "toy") if r.spec.families == recipe.spec.families]
    for other in (*others, inside_recipe(recipe, "toy")):
        assert (other.backbone, other.weights) == ("ViT-B-16", "openai?quickgelu=yes&preprocess=imagenet")
