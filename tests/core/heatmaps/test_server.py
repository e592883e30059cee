"""How the worker answers, without the process around it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cliploc.core.datasets import Dataset
from cliploc.core.errors import ResourceError
from cliploc.core.heatmaps import counting
from cliploc.core.heatmaps import server as module
from cliploc.core.heatmaps.extract import compute
from cliploc.core.heatmaps.protocol import (
    Computed,
    Count,
    Counted,
    Event,
    Failed,
    Loading,
    Ready,
    Request,
    TextComputed,
    decoded,
    encoded,
)  # fmt: skip
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.server import Server
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.metrics import counts_from
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.live import LiveScores


class Desk:
    """A server and everything that it said, through the wire format."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.server = Server("cpu", lambda event: self.events.append(decoded(encoded(event))))

    def ask(self, request: Request) -> list[Event]:
        before = len(self.events)
        self.server.answer(request)
        return self.events[before:]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_answer_loads_and_the_next_does_not(desk: Desk, toy: Dataset, recipe: Recipe) -> None:
    first, second, *_ = (sample.id for sample in toy.samples)
    loading, ready, computed = desk.ask(Request(toy.spec, recipe, (first,)))
    assert isinstance(loading, Loading)
    assert isinstance(ready, Ready)
    assert ready.device == "cpu"
    assert recipe.completed(toy.name).matches(ready.identity)
    assert computed == Computed(recipe, ready.identity.key, (first,))
    assert desk.ask(Request(toy.spec, recipe, (second,))) == [Computed(recipe, ready.identity.key, (second,))]
    assert sorted(HeatmapStore().open(ready.identity).ids()) == sorted([first, second])


def test_what_is_stored_is_answered_without_computing(
    desk: Desk, toy: Dataset, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,) = compute([recipe], toy, HeatmapStore(), device="cpu")
    monkeypatch.setattr(module, "heatmaps_of", None)
    *_, computed = desk.ask(Request(toy.spec, recipe, tuple(s.id for s in toy.samples)))
    assert computed == Computed(recipe, made.key, tuple(s.id for s in toy.samples))


def test_the_last_sample_completes_the_set(desk: Desk, toy: Dataset, recipe: Recipe) -> None:
    for sample in toy.samples:
        computed = desk.ask(Request(toy.spec, recipe, (sample.id,)))[-1]
    assert isinstance(computed, Computed)
    made = HeatmapStore().find(computed.key)
    assert made.complete(toy)
    assert not list(made.folder.glob("part-*"))


def test_free_text_is_answered_with_the_map_and_stores_nothing(
    desk: Desk, toy: Dataset, recipe: Recipe
) -> None:
    answers = [
        desk.ask(Request(toy.spec, recipe, (toy.samples[0].id,), prompt=text))[-1]
        for text in ("a cat", "a bus")
    ]
    assert all(isinstance(answer, TextComputed) for answer in answers)
    assert [answer.prompt for answer in answers] == ["a cat", "a bus"]  # type: ignore[union-attr]
    cat, bus = (answer.heatmap for answer in answers)  # type: ignore[union-attr]
    assert cat.shape == bus.shape == (4, 4)
    assert cat.dtype == np.float32
    assert not np.array_equal(cat, bus)
    assert HeatmapStore().sets() == []


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": Recipe("gum")},
        {"recipe": Recipe("gem", "ViT-B-16", "openai")},
        {"recipe": Recipe("gem", parameters=(("depth", 999),))},
        {"dataset": "/nowhere"},
        {"ids": ("no such sample",)},
    ],
)
def test_a_bad_request_is_answered_and_the_next_one_too(
    desk: Desk, toy: Dataset, recipe: Recipe, change: dict[str, object]
) -> None:
    good = Request(toy.spec, recipe, (toy.samples[0].id,))
    failed = desk.ask(replace(good, **change))[-1]  # type: ignore[arg-type]
    assert isinstance(failed, Failed)
    assert failed.message
    assert isinstance(desk.ask(good)[-1], Computed)


def test_a_broken_picture_does_not_take_its_neighbours_along(
    desk: Desk, toy: Dataset, recipe: Recipe
) -> None:
    ids = tuple(sample.id for sample in toy.samples[:3])
    desk.ask(Request(toy.spec, recipe, (toy.samples[-1].id,)))
    (Path(toy.spec) / "real" / f"{ids[1]}.png").write_bytes(b"not a picture")
    answers = {answer.ids: type(answer) for answer in desk.ask(Request(toy.spec, recipe, ids))}  # type: ignore[union-attr]
    assert answers == {ids[:1]: Computed, ids[1:2]: Failed, ids[2:]: Computed}


def test_a_mistake_of_ours_is_reported_and_survived(
    desk: Desk, toy: Dataset, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(toy.spec, recipe, (toy.samples[0].id,))
    with monkeypatch.context() as patch:
        patch.setattr(module, "fill", lambda *_: 1 / 0)
        failed = desk.ask(request)[-1]
    assert isinstance(failed, Failed)
    assert "division by zero" in failed.message
    assert isinstance(desk.ask(request)[-1], Computed)


def test_only_the_last_few_backbones_are_kept(desk: Desk, toy: Dataset, recipe: Recipe) -> None:
    names = [f"random:{seed}" for seed in range(module.BACKBONES_KEPT + 1)]

    def loads(checkpoint: str) -> bool:
        answers = desk.ask(Request(toy.spec, replace(recipe, checkpoint=checkpoint), (toy.samples[0].id,)))
        return any(isinstance(answer, Loading) for answer in answers)

    assert [loads(name) for name in names] == [True] * len(names)
    assert not loads(names[-1])
    assert loads(names[0])


def test_what_is_answered_one_by_one_is_gathered_now_and_then(
    desk: Desk, toy: Dataset, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GATHERED", 3)
    for sample in toy.samples[:5]:
        desk.ask(Request(toy.spec, recipe, (sample.id,)))
    (found,) = HeatmapStore().sets()
    assert sorted(file.name.split("-")[0] for file in found.folder.glob("*.npy")) == [
        "part",
        "part",
        "singles",
    ]
    assert sorted(found.ids()) == sorted(sample.id for sample in toy.samples[:5])
    desk.ask(Request(toy.spec, recipe, tuple(sample.id for sample in toy.samples)))
    assert [file.name for file in found.folder.glob("*.npy")] == ["heatmaps.npy"]


def counted(desk: Desk, count: Count) -> np.ndarray | None:
    before = len(desk.events)
    desk.server.count(count)
    (event,) = desk.events[before:]
    assert isinstance(event, Counted)
    assert event.number == count.number
    return event.histograms


def test_samples_are_counted_as_the_screen_counts_them(desk: Desk, toy: Dataset, recipe: Recipe) -> None:
    (made,) = compute([recipe], toy, HeatmapStore(), device="cpu")
    heatmaps, config = made.read_all(), PostProcess(dilate=5, threshold=0.3)
    ids = tuple(sample.id for sample in toy.samples[::-1])
    found = counted(desk, Count(3, toy.spec, made.key, len(heatmaps), ids, config))
    with closing(LiveScores(heatmaps, toy.samples)) as live:
        counts = live.counts(config)
    assert found is not None
    assert counts is not None
    there = counts_from(found.astype(np.int64))
    np.testing.assert_array_equal(there.tp[::-1], counts.tp)
    np.testing.assert_array_equal(there.predicted[::-1], counts.predicted)


@pytest.mark.parametrize("wrong", [{"heatmaps": 3}, {"key": "f" * 16}, {"ids": ("nobody",)}])
def test_what_cannot_be_counted_here_is_said_and_no_more(
    wrong: dict[str, Any], desk: Desk, toy: Dataset, recipe: Recipe
) -> None:
    (made,) = compute([recipe], toy, HeatmapStore(), device="cpu")
    right = Count(1, toy.spec, made.key, len(made.ids()), (toy.samples[0].id,), PostProcess())
    assert counted(desk, replace(right, **wrong)) is None
    assert counted(desk, right) is not None


def test_what_is_counted_next_is_made_while_nobody_waits(
    desk: Desk, toy: Dataset, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,) = compute([recipe], toy, HeatmapStore(), device="cpu")
    first = Count(1, toy.spec, made.key, len(made.ids()), (toy.samples[0].id,), PostProcess())
    rest = replace(first, ids=tuple(made.ids()), config=PostProcess(dilate=9))
    assert not desk.server.prepare()
    assert counted(desk, first) is not None
    expected = counted(Desk(), rest)
    while desk.server.prepare():
        pass
    monkeypatch.setattr(counting, "_truth", None)
    monkeypatch.setattr(counting, "map_of", None)
    np.testing.assert_array_equal(counted(desk, rest), expected)
    other = replace(rest, config=PostProcess(interpolation="nearest"))
    assert counted(desk, other) is None, "a map of another kind is not there, and cannot be made"
    assert not desk.server.prepare()


@pytest.mark.parametrize("error", [TypeError(), torch.OutOfMemoryError("full")])
def test_what_cannot_be_made_ahead_is_not_tried_again_and_again(
    error: Exception, desk: Desk, toy: Dataset, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise error

    (made,) = compute([recipe], toy, HeatmapStore(), device="cpu")
    first = Count(1, toy.spec, made.key, len(made.ids()), (toy.samples[0].id,), PostProcess())
    assert counted(desk, first) is not None
    with monkeypatch.context() as patch:
        patch.setattr(counting, "map_of", fails)
        assert not desk.server.prepare()
    assert counted(desk, first) is not None
    assert not desk.server.prepare()
    assert counted(desk, replace(first, config=PostProcess(interpolation="nearest"))) is not None
    has_room = isinstance(error, TypeError)
    assert desk.server.prepare() == has_room, "other maps may be possible"


def test_a_heatmap_may_have_the_memory_that_counting_holds(
    desk: Desk, toy: Dataset, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,) = compute([recipe], toy, HeatmapStore(), device="cpu")
    counted(desk, Count(1, toy.spec, made.key, len(made.ids()), tuple(made.ids()), PostProcess()))
    answer, room = desk.server._answer, desk.server._counting
    assert room is not None
    assert room[1]._held

    def full_at_first(request: Request) -> None:
        if room[1]._held:
            raise ResourceError("too little memory")
        answer(request)

    monkeypatch.setattr(desk.server, "_answer", full_at_first)
    events = desk.ask(Request(toy.spec, recipe, (toy.samples[0].id,)))
    assert events
    assert not any(isinstance(event, Failed) for event in events)


def test_heatmaps_that_came_since_are_counted_with_the_rest(desk: Desk, toy: Dataset, recipe: Recipe) -> None:
    first, second, *_ = (sample.id for sample in toy.samples)
    ready = desk.ask(Request(toy.spec, recipe, (first,)))[1]
    assert isinstance(ready, Ready)
    count = Count(1, toy.spec, ready.identity.key, 1, (first,), PostProcess())
    assert counted(desk, count) is not None
    desk.ask(Request(toy.spec, recipe, (second,)))
    both = counted(desk, replace(count, heatmaps=2, ids=(first, second)))
    assert both is not None
    assert both.shape == (2, 256)
