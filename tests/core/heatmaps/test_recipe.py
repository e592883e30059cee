"""Recipes: the usual choices, checks before anything is loaded, what is stored already."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cliploc.core.errors import ParameterError
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.recipe import Recipe, parsed_parameters
from cliploc.core.methods import METHODS
from cliploc.core.parameters import checked
from cliploc.core.prompts import TEMPLATES


def test_the_usual_choices_are_those_of_the_method() -> None:
    recipe = Recipe("gem").completed("cocoglide")
    spec = METHODS["gem"]
    assert (recipe.backbone, recipe.checkpoint) == (spec.default_backbone, spec.default_checkpoint)
    assert recipe.size == spec.default_size
    assert recipe.template == TEMPLATES[0]
    assert dict(recipe.parameters) == checked(spec.parameters, {})
    assert recipe.completed("cocoglide") == recipe


def test_on_the_demo_every_method_has_a_demo_network() -> None:
    for name, spec in METHODS.items():
        recipe = Recipe(name).completed("demo")
        if {"vit", "resnet"} & set(spec.families):
            assert recipe.backbone in ("demo-vit", "demo-resnet")
            assert (recipe.checkpoint, recipe.size) == ("", 0)
    assert Recipe("gem", checkpoint="random:0").completed("demo").backbone == METHODS["gem"].default_backbone
    assert Recipe("gem", "ViT-L-14").completed("demo").checkpoint == "laion2b_s32b_b82k"


def test_a_checkpoint_file_is_named_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.safetensors").touch()
    assert Recipe("gem", checkpoint="w.safetensors").completed("x").checkpoint == f"{tmp_path}/w.safetensors"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "gam"}, "did you mean gem"),
        ({"parameters": (("dept", 3),)}, "did you mean depth"),
        ({"parameters": (("depth", -1),)}, "expected 0 to"),
        ({"template": "a dog"}, "<label>"),
        ({"size": -224}, "positive"),
        ({"precision": "int8"}, "precision"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_loaded(change: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        replace(Recipe("gem"), **change).completed("toy")  # type: ignore[arg-type]


def test_a_recipe_survives_json() -> None:
    recipe = Recipe("gem", "ViT-B-16", parameters=(("depth", 3),)).completed("toy")
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert Recipe.from_dict({"method": "gem"}) == Recipe("gem")
    for wrong in ({"method": "gem", "colour": 1}, {"method": 3}, {}, {"method": "gem", "parameters": 3}):
        with pytest.raises(ParameterError):
            Recipe.from_dict(wrong)


def test_a_recipe_knows_the_sets_that_were_made_by_it() -> None:
    recipe = Recipe("gem", "ViT-B-16", "openai").completed("toy")
    identity = Identity(
        pictures="f",
        method="gem",
        parameters=recipe.parameters,
        backbone="ViT-B-16",
        checkpoint="openai",
        digest="any",
        template=recipe.template,
        size=recipe.size,
        precision="bfloat16",
    )
    assert recipe.matches(identity)
    assert replace(recipe, size=0).matches(identity)
    for change in (
        {"method": "naclip"}, {"checkpoint": "laion400m_e32"}, {"template": TEMPLATES[1]}, {"size": 224},
        {"parameters": ()}, {"backbone": "ViT-B-32"}, {"version": 99},
    ):  # fmt: skip
        assert not recipe.matches(replace(identity, **change))  # type: ignore[arg-type]
    assert not replace(recipe, precision="float32").matches(identity)


def test_parameters_are_read_as_they_are_typed() -> None:
    spec = METHODS["gem"]
    assert parsed_parameters(spec, ["temperature=2.5", "depth=3"]) == (("depth", 3), ("temperature", 2.5))
    for wrong, message in (("depth", "name=value"), ("dpth=3", "did you mean depth"), ("depth=x", "0 to")):
        with pytest.raises(ParameterError, match=message):
            parsed_parameters(spec, [wrong])
