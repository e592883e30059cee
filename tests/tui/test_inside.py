"""Inside the model: every head at once, and what the scores are without some of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

import cliploc
from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.protocol import TermsComputed
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.terms import TermSet, heatmap_of
from cliploc.core.methods.head_switches import kept
from cliploc.core.stretch import between
from cliploc.tui.app import ExplorerApp
from cliploc.tui.curves import difference, figure
from cliploc.tui.screens.explorer import ExplorerScreen
from cliploc.tui.screens.inside import InsideScreen
from cliploc.tui.state import Source
from tests.tui.conftest import settled, until

MakeApp = Callable[..., ExplorerApp]
START = "ring_0001"


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Recipe, list[str], dict[str, Any]]]:
    """What the worker was asked for; there is none."""
    requests: list[tuple[Recipe, list[str], dict[str, Any]]] = []
    monkeypatch.setattr(
        "cliploc.tui.studio.heatmaps.Worker.request",
        lambda _, recipe, ids, **given: requests.append((recipe, list(ids), given)),
    )
    return requests


def iou(dataset: Dataset, terms: TermSet, id_: str, **choice: Any) -> float:
    """From the definitions: the sum of the terms that count, stretched, scored."""
    found = terms.read(id_)
    assert found is not None
    heatmap = heatmap_of(found, kept(*found.shape[:2], **choice))
    return cliploc.score(between(heatmap), dataset.by_id(id_).true_mask(), cliploc.PostProcess())["mean_iou"]


def mean(dataset: Dataset, terms: TermSet, **choice: Any) -> float:
    return float(np.mean([iou(dataset, terms, sample.id, **choice) for sample in dataset.samples]))


def text(app: ExplorerApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).render())


def rows(app: ExplorerApp) -> dict[str, list[str]]:
    """The lines of the scores beside the map: name to the sample's and the mean."""
    return {line.split()[0]: line.split()[1:] for line in text(app, "#head-scores").splitlines()}


async def pressed(pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def test_the_grid_is_full_without_walking(make_app: MakeApp, toy: Dataset, terms: TermSet) -> None:
    app = make_app(sample=START)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pressed(pilot, "w")
        top, *lines = text(app, "#grid").splitlines()
        assert top.split() == ["0", "1", "2"]
        for layer, line in zip((3, 2, 1, 0), lines, strict=True):
            wanted = [figure(iou(toy, terms, START, layer=layer, head=head), 2) for head in range(3)]
            assert line.split() == [str(layer), *wanted]


async def test_scores_follow_each_switch(make_app: MakeApp, toy: Dataset, terms: TermSet) -> None:
    app = make_app(sample=START)
    every = iou(toy, terms, START), mean(toy, terms)

    def is_shown(**choice: Any) -> None:
        now = iou(toy, terms, START, **choice), mean(toy, terms, **choice)
        assert rows(app)["shown"] == [figure(value) for value in now]
        assert rows(app)["all"][1:] == [figure(value) for value in every]
        assert rows(app)["change"] == [difference(*pair) or "0" for pair in zip(now, every, strict=True)]

    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pressed(pilot, "w")
        is_shown(layer=3, head=0)
        await pressed(pilot, "space")
        is_shown(off="3.0")
        assert "×" in text(app, "#grid").splitlines()[1]
        await pressed(pilot, "j", "X")
        is_shown(off="2.*,3.0")
        await pressed(pilot, "x")
        is_shown(off="2.1,2.2,3.0")
        await pressed(pilot, "L")
        is_shown(layer=2, off="2.1,2.2")
        await pressed(pilot, "r")
        is_shown()
        assert "×" not in text(app, "#grid")
        panel = app.screen.query_one("#head-scores", Static)
        assert panel.border_title == "IoU: foreground, per image, then mean"
        assert panel.border_subtitle == "mean of 9 of 9 images"


async def test_without_the_noise_the_head_that_sees_is_left(
    make_app: MakeApp, toy: Dataset, terms: TermSet
) -> None:
    app = make_app(sample=START)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pressed(pilot, "w", "space", "l", "l", "space", "j", "X", "j", "X", "j", "X")
        alone = mean(toy, terms, layer=3, head=1)
        assert rows(app)["shown"][1] == figure(alone)
        assert alone > mean(toy, terms) + 0.2
        await pressed(pilot, "enter")
        assert isinstance(app.screen, ExplorerScreen)
        recipe = app.explorer.now.source.recipe
        assert dict(recipe.parameters)["off"] == "0.*,1.*,2.*,3.0,3.2"
        assert "off 0.*,1.*,2.*,3.0,3.2" in app.explorer.query_one("#status").right  # type: ignore[attr-defined]


async def test_a_choice_that_was_taken_is_there_again(make_app: MakeApp, terms: TermSet) -> None:
    app = make_app(sample=START)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pressed(pilot, "w", "space", "enter", "w")
        assert isinstance(app.screen, InsideScreen)
        assert app.screen.board.off == {(3, 0)}
        assert terms.present([START]) == [START]


async def test_the_other_measure_is_what_a_head_adds_inside_the_true_mask(
    make_app: MakeApp, terms: TermSet
) -> None:
    app = make_app(sample=START)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pressed(pilot, "w", "v")
        assert text(app, "#grid").splitlines()[1].split()[2] == "99"
        assert app.screen.query_one("#heads").border_title == "added inside the true mask; 99: the strongest"


async def test_the_sample_comes_first_then_the_rest(
    make_app: MakeApp, toy: Dataset, terms: TermSet, asked: list[tuple[Recipe, list[str], dict[str, Any]]]
) -> None:
    every = Recipe("textspan").completed(toy.name)
    found = {sample.id: np.array(terms.read(sample.id)) for sample in toy.samples}
    terms.remove()
    app = make_app(sample=START)
    others = [sample.id for sample in toy.samples if sample.id != START]
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pressed(pilot, "w")
        assert (every, [START], {"terms": True}) in asked
        assert not any(given.get("terms") and len(ids) > 1 for _, ids, given in asked)
        terms.write({START: found[START]})
        app.client._child.process.studio._heatmaps._on_event(TermsComputed(every, terms.key, (START,)))
        await until(lambda: rows(app)["shown"][1] != "–", pilot)
        assert app.screen.query_one("#head-scores").border_subtitle == "mean of 1 of 9 images"
        assert (every, others, {"urgent": False, "terms": True}) in asked
        for id_ in others:
            terms.write({id_: found[id_]})
            app.client._child.process.studio._heatmaps._on_event(TermsComputed(every, terms.key, (id_,)))
        await until(
            lambda: app.screen.query_one("#head-scores").border_subtitle == "mean of 9 of 9 images", pilot
        )
        assert rows(app)["shown"][1] == figure(mean(toy, terms, layer=3, head=0))


async def test_a_dataset_that_is_too_large_is_told_and_the_sample_scored(
    make_app: MakeApp,
    toy: Dataset,
    terms: TermSet,
    asked: list[tuple[Recipe, list[str], dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cliploc.tui.studio.heads.LARGE_BYTES", 1000)
    app = make_app(sample=START)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pressed(pilot, "w", "space")
        assert rows(app)["shown"] == [figure(iou(toy, terms, START, off="3.0")), "–"]
        assert "only this one is scored" in text(app, "#head-scores")
        assert not [ids for _, ids, given in asked if given.get("terms")]


async def test_a_network_that_cannot_be_had_says_why(make_app: MakeApp, toy: Dataset) -> None:
    from cliploc.core.heatmaps.protocol import Failed

    every = Recipe("textspan").completed(toy.name)
    app = make_app(sample=START, source=Source(every))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pressed(pilot, "w")
        app.client._child.process.studio._heatmaps._on_event(
            Failed("no weights; fetch them", every, (START,))
        )
        await until(lambda: "no weights; fetch them" in text(app, "#pane-head .note"), pilot)
