"""Who is compared with whom, and who is better where."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.methods import METHODS
from cliploc.core.postprocess import PostProcess
from cliploc.core.prompts import TEMPLATES
from cliploc.core.sweep.doubts import NO_NETWORK
from cliploc.tui.comparison import (
    Candidate,
    Difference,
    Standing,
    candidates,
    comparable,
    csv_of,
    rivals,
    window,
)
from cliploc.tui.curves import Curves
from cliploc.tui.state import ExplorerState, Source
from cliploc.tui.widgets.candidate_panes import panes_in

GEM = Recipe("gem").completed("demo")
STATE = ExplorerState("a_1", Source(GEM), PostProcess(dilate=5))


def named(kind: str, state: ExplorerState = STATE, stored: tuple[str, ...] = ()) -> list[str]:
    presets = {"raw": PostProcess()}
    found = candidates(kind, state, "demo", stored, presets)
    assert tuple(each.baseline for each in found[-len(NO_NETWORK) :]) == NO_NETWORK
    return [each.name for each in found if not each.baseline]


def test_methods_are_all_methods_the_present_one_first() -> None:
    state = STATE.with_(source=Source(Recipe("naclip").completed("demo")))
    assert named("methods", state)[0] == "NACLIP"
    assert sorted(named("methods", state)) == sorted(spec.title for spec in METHODS.values())


def test_methods_have_the_present_template() -> None:
    state = STATE.with_(source=Source(replace(GEM, template="<label>")))
    found = candidates("methods", state, "demo", (), {})
    assert {each.source.recipe.template for each in found} == {"<label>"}


def test_a_stored_set_is_compared_with_every_method() -> None:
    names = named("methods", STATE.with_(source=Source(stored="mine")))
    assert names == ["mine", *(spec.title for spec in METHODS.values())]


def test_templates_are_all_templates_with_the_present_method_and_its_own_first() -> None:
    state = STATE.with_(source=Source(replace(GEM, template="my <label>")))
    assert named("templates", state) == ["my <label>", *TEMPLATES]
    assert named("templates") == list(TEMPLATES)


def test_a_stored_set_has_no_other_template() -> None:
    assert named("templates", STATE.with_(source=Source(stored="mine"))) == ["mine"]


def test_sets_and_presets() -> None:
    assert named("sets", stored=("here", "there")) == ["here", "there"]
    assert named("presets") == ["present", "raw"]
    assert [each.config for each in candidates("presets", STATE, "demo", (), {"raw": PostProcess()})[:2]] == [
        STATE.config,
        PostProcess(),
    ]


def test_a_chosen_network_is_that_of_its_rivals_of_the_same_family() -> None:
    chosen = Source(Recipe("gem", backbone="local-dir:/x").completed("demo"))
    networks = {each.method: each.backbone for each in rivals(chosen, "demo")}
    assert networks["naclip"] == networks["textspan"] == "local-dir:/x"
    assert networks["gradcam"] == "demo-resnet"
    assert "gem" not in networks


def test_methods_that_cannot_read_the_demos_pooling_head_keep_their_network() -> None:
    chosen = Source(Recipe("gem", backbone="demo-pooled").completed("demo"))
    networks = {each.method: each.backbone for each in rivals(chosen, "demo")}
    assert networks["naclip"] == networks["gradcam"] == networks["legrad"] == "demo-pooled"
    assert networks["textspan"] == networks["chefer"] == "demo-vit"


def test_without_a_choice_rivals_have_their_usual_networks() -> None:
    networks = {
        each.method: each.backbone for each in rivals(Source(Recipe("gem").completed("coco")), "coco")
    }
    assert networks["textspan"] == "ViT-L-14"
    assert networks["naclip"] == "ViT-B-16"


def test_curves_over_each_other_are_of_the_same_images() -> None:
    curves = [Curves(3, {"mean_iou": (mean,) * 100}) for mean in (0.5, 0.2, 0.1)]
    standings = [
        Standing(c, curves=each) for c, each in zip(["these", "these", "others"], curves, strict=True)
    ]
    assert comparable([*standings, Standing()]) == [*curves[:2], None, None]
    assert comparable([]) == []


@pytest.mark.parametrize(
    ("count", "cursor", "kept", "expected"),
    [
        (3, 2, 1, (0, 1, 2)),
        (9, 0, 1, (0, 1, 2, 3)),
        (9, 2, 1, (0, 1, 2, 3)),
        (9, 5, 1, (0, 4, 5, 6)),
        (9, 8, 1, (0, 6, 7, 8)),
        (9, 5, 0, (3, 4, 5, 6)),
        (9, 0, 0, (0, 1, 2, 3)),
    ],
)
def test_panes_follow_the_cursor(count: int, cursor: int, kept: int, expected: tuple[int, ...]) -> None:
    assert window(count, cursor, 4, kept) == expected


@pytest.mark.parametrize("count", range(1, 12))
@pytest.mark.parametrize("panes", range(1, 5))
def test_the_cursor_is_always_in_a_pane(count: int, panes: int) -> None:
    for cursor in range(count):
        shown = window(count, cursor, panes, min(1, panes - 1))
        assert cursor in shown
        assert len(set(shown)) == len(shown) == min(count, panes)


@pytest.mark.parametrize(("size", "panes"), [((78, 11), 3), ((118, 22), 4), ((198, 42), 8), ((10, 3), 2)])
def test_as_many_panes_as_leave_a_picture_its_size(size: tuple[int, int], panes: int) -> None:
    assert panes_in(*size, 8) == panes


def test_csv_quotes_names() -> None:
    text = csv_of([Difference("a_1", 1, 0.5, 0.75, "a_1")], "a, b", "c", "mean_iou")
    assert text == 'name,images,"mean_iou of a, b",mean_iou of c,difference\na_1,1,0.5,0.75,0.25\n'


def test_contenders_are_told_apart_by_their_prompts() -> None:
    one = Candidate("x", STATE.source, STATE.config, "a zebra")
    assert len({one, replace(one, prompt="its head"), replace(one)}) == 2
