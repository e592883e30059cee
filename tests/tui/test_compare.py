"""Comparing sets, methods, prompt templates and presets; heatmaps come as they are computed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable

import cliploc
from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.protocol import Computed, Failed, Ready
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.methods import METHODS
from cliploc.core.postprocess import PostProcess
from cliploc.core.prompts import TEMPLATES
from cliploc.core.sweep.doubts import NO_NETWORK
from cliploc.core.sweep.truths import Truths
from cliploc.tui.app import ExplorerApp
from cliploc.tui.comparison import KINDS, Candidate, Standing
from cliploc.tui.screens.choice import ChoiceScreen
from cliploc.tui.screens.compare import CompareScreen
from cliploc.tui.screens.explorer import ExplorerScreen
from cliploc.tui.state import ExplorerState, Source
from cliploc.tui.studio.comparer import Comparer
from cliploc.tui.studio.heatmaps import Heatmaps
from cliploc.tui.studio.painter import Painter
from cliploc.tui.studio.picture_cache import PictureCache
from cliploc.tui.studio.tallies import Tallies
from cliploc.tui.widgets.iou_curves import ScoreCurves
from cliploc.tui.widgets.pictures import Pane
from tests.tui.conftest import of_prompts, settled, until

Make = Callable[..., ExplorerApp]
SIZE = (120, 40)
GEM = Source(Recipe("gem").completed("toy"))
BROKEN = "gradcam"
REASON = "the weights of RN50 are not here; `cliploc models fetch gradcam`"


class FakeWorker:
    """Answers at once what `only` lets through: noise from the store for a sample, a reason for BROKEN."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.asked: list[tuple[str, tuple[str, ...], bool]] = []
        self.only: Callable[[str], bool] = lambda _: True

    def request(self, worker, recipe: Recipe, ids: Sequence[str], *, urgent: bool = True) -> None:
        self.asked.append((recipe.method, tuple(ids), urgent))
        if recipe.method == BROKEN:
            worker._on_event(Failed(REASON, recipe, tuple(ids)))
            return
        ids = [id_ for id_ in ids if self.only(id_)]
        identity = Identity(
            pictures=self.dataset.pictures, dataset_spec=self.dataset.spec, dataset_name=self.dataset.name,
            method=recipe.method, version=recipe.spec.version, parameters=recipe.parameters,
            backbone=recipe.backbone, checkpoint=recipe.checkpoint, digest="d", template=recipe.template,
            size=64,
        )  # fmt: skip
        found = HeatmapStore().open(identity)
        rng = np.random.default_rng(len(recipe.method) + len(recipe.template))
        found.write({id_: rng.random((8, 8), dtype=np.float32) for id_ in ids})
        worker._on_event(Ready(recipe, identity, "cpu"))
        for id_ in ids:
            worker._on_event(Computed(recipe, found.key, (id_,)))


@pytest.fixture
def worker(toy: Dataset, monkeypatch: pytest.MonkeyPatch) -> FakeWorker:
    fake = FakeWorker(toy)
    monkeypatch.setattr(
        "cliploc.tui.studio.heatmaps.Worker.request",
        lambda client, *arguments, **named: fake.request(client, *arguments, **named),
    )
    # What is computed unasked, and ahead of the walk, is another test's.
    monkeypatch.setattr("cliploc.tui.studio.studio.COMPUTED_UNASKED", 0)
    monkeypatch.setattr("cliploc.tui.studio.heatmaps.NEIGHBOURS", 0)
    return fake


async def compare(pilot: Pilot[int], kind: str) -> CompareScreen:
    """Open compare on a kind, and wait until everybody is looked at."""
    await settled(pilot)
    await pilot.press("v")
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, CompareScreen)
    await choose(pilot, "m", list(KINDS).index(kind))
    await until(
        lambda: screen.candidates and all(c in screen.standings.known for c in screen.candidates), pilot
    )
    await settled(pilot)
    return screen


async def choose(pilot: Pilot[int], key: str, place: int) -> None:
    """Open a dialog with a key and take one of its choices."""
    await pilot.press(key)
    await until(lambda: isinstance(pilot.app.screen, ChoiceScreen), pilot)
    await pilot.press(*["down"] * place, "enter")
    await settled(pilot)


def standings(screen: CompareScreen) -> dict[str, Standing]:
    """Of those that have heatmaps."""
    return {each.name: screen.standings.known[each] for each in screen.candidates if not each.baseline}


def rows(screen: CompareScreen) -> dict[str, list[str]]:
    table = screen.query_one("#board", DataTable)
    found = [[str(cell) for cell in table.get_row_at(y)] for y in range(table.row_count)]
    return {row[0]: row[1:] for row in found}


def captions(screen: CompareScreen) -> list[str]:
    """Whose pictures are shown."""
    panes = [pane for pane in screen.query(Pane) if pane.display]
    return [str(pane.query_one(".caption").render()).rpartition("  ")[0] for pane in panes]


async def test_the_maps_of_methods_without_a_set_are_asked_for(make_app: Make, worker: FakeWorker) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        screen = await compare(pilot, "methods")
        names = [spec.title for name, spec in METHODS.items() if name != BROKEN]
        await until(lambda: all("mask" in standings(screen)[name].pictures for name in names), pilot)
        assert {len(ids) for _, ids, _ in worker.asked} == {1}, "one image each, until more is asked for"
        await until(lambda: all(rows(screen)[name][0] == "1 of 9" for name in names), pilot)


async def test_a_method_that_cannot_run_says_why_in_its_row_and_pane(
    make_app: Make, worker: FakeWorker
) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        screen = await compare(pilot, "methods")
        title = METHODS[BROKEN].title
        await until(lambda: rows(screen)[title][-1] == REASON, pilot)
        assert rows(screen)[title][0] == "cannot run"
        board = screen.query_one("#board", DataTable)
        await pilot.press(*["j"] * [c.name for c in screen.candidates].index(title))
        await until(lambda: "models fetch gradcam" in str(board.border_subtitle), pilot)
        notes = [
            str(pane.query_one(".note").render()) for pane in screen.query(Pane) if pane.has_class("-empty")
        ]
        assert REASON in notes


async def test_all_heatmaps_of_a_row_come_on_request_and_its_scores_grow(
    make_app: Make, worker: FakeWorker, toy: Dataset
) -> None:
    app = make_app()
    first, last = toy.samples[0].id, toy.samples[-1].id
    worker.only = lambda id_: id_ == first
    async with app.run_test(size=SIZE) as pilot:
        screen = await compare(pilot, "methods")
        await until(lambda: rows(screen)["GEM"][0] == "1 of 9", pilot)
        assert rows(screen)["GEM"][4] in ("1/0", "0/1", "0/0"), "only over the image that both have"
        await pilot.press("j")
        worker.only = lambda id_: id_ != last
        await choose(pilot, "A", 0)
        assert any("computing 8 heatmaps" in notice for notice in app.notices)
        await until(lambda: rows(screen)["GEM"][0] == "8 of 9", pilot)
        changes = screen.query_one("#changes", DataTable)
        assert "on the 8 images both have" in str(changes.border_subtitle)
        assert sum(int(changes.get_row_at(y)[1].plain) for y in range(changes.row_count)) == 8
        worker.only = lambda _: True
        await choose(pilot, "A", 0)
        await until(lambda: rows(screen)["GEM"][0] == "9", pilot)
        won, lost = map(int, rows(screen)["GEM"][4].split("/"))
        assert won + lost <= 9
        assert str(changes.border_subtitle) == "GEM − good"


async def test_of_very_many_differences_the_best_and_the_worst_are_shown_and_all_are_exported(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cliploc.tui.studio.studio.DIFFERENCES", 4)
    monkeypatch.chdir(tmp_path)
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        screen = await compare(pilot, "sets")
        await pilot.press("c")
        changes = screen.query_one("#changes", DataTable)
        await until(lambda: "the 2 best and 2 worst" in str(changes.border_title), pilot)
        await pilot.press("ctrl+e")
        written = tmp_path / "compare-by-sample.csv"
        await until(written.exists, pilot)
        _, *lines = csv.reader(written.read_text().splitlines())
        shown = [changes.get_row_at(y)[0].plain for y in range(changes.row_count)]
        assert len(lines) == 9
        assert shown == [line[0] for line in (*lines[:2], *lines[-2:])]
        assert str(changes.border_subtitle) == "noisy − good", "over all nine"


async def test_all_rows_at_once_and_what_it_costs_is_said_before(
    make_app: Make, worker: FakeWorker, toy: Dataset
) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        screen = await compare(pilot, "templates")
        await until(lambda: all(s.images == 1 for s in standings(screen).values()), pilot)
        await pilot.press("A")
        await until(lambda: isinstance(app.screen, ChoiceScreen), pilot)
        details = {choice.value: choice.detail for choice in app.screen._found}
        assert details == {"row": "8 images", "all": f"{8 * len(TEMPLATES)} images in {len(TEMPLATES)} rows"}
        await pilot.press("down", "enter")
        await until(lambda: all(s.images == 9 for s in standings(screen).values()), pilot)
        # The first one has grown as well, with which everybody is compared.
        first, *others = (each for each in screen.candidates if not each.baseline)
        contest = app.client._child.process.studio._contest

        def gains() -> dict[Candidate, float]:
            found = {c: contest.differences(first, c, "mean_iou", classes=False) for c in others}
            return {c: pytest.approx(np.mean([each.gain for each in rows])) for c, rows in found.items()}

        await until(
            lambda: {c: screen.standings.of(c).versus["mean_iou"].gain for c in others} == gains(), pilot
        )
        await pilot.press("A")
        assert any("every heatmap of these rows is there" in notice for notice in app.notices)


async def test_panes_follow_the_cursor_and_the_present_one_stays(make_app: Make, worker: FakeWorker) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        screen = await compare(pilot, "templates")
        assert captions(screen) == list(TEMPLATES[:4])
        await pilot.press("j", "j", "j", "j", "j")
        await settled(pilot)
        assert captions(screen) == [TEMPLATES[0], *TEMPLATES[4:7]]


async def test_what_arrives_under_a_dialog_is_not_lost(make_app: Make, worker: FakeWorker) -> None:
    app = make_app(source=GEM)
    worker.only = lambda _: False
    async with app.run_test(size=SIZE) as pilot:
        screen = await compare(pilot, "templates")
        assert not any(s.pictures for s in standings(screen).values())
        await pilot.press("question_mark")
        await settled(pilot)
        assert app.screen is not screen
        worker.only = lambda _: True
        for candidate in screen.candidates:
            worker.request(
                app.client._child.process.studio._heatmaps._worker,
                candidate.source.recipe,
                [app.explorer.now.sample],
            )
        await until(lambda: all(s.pictures for s in standings(screen).values()), pilot)


async def test_a_method_is_taken_to_the_explorer(make_app: Make, worker: FakeWorker) -> None:
    app = make_app(source=GEM)
    async with app.run_test(size=SIZE) as pilot:
        screen = await compare(pilot, "methods")
        await pilot.press("j")
        taken = screen.candidates[1]
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, ExplorerScreen)
        assert app.explorer.now.source == taken.source
        assert app.explorer.now.source.recipe.method == "textspan"


async def test_a_stored_set_has_no_templates_and_says_so(make_app: Make, worker: FakeWorker) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        screen = await compare(pilot, "templates")
        assert list(rows(screen)) == ["good", *NO_NETWORK]
        assert any("a stored set has no prompt" in notice for notice in app.notices)


async def test_curves_are_of_all_images_or_of_this_sample(make_app: Make, worker: FakeWorker) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        screen = await compare(pilot, "methods")
        curves = screen.query_one(ScoreCurves)
        await until(lambda: "scored on other images" in str(curves.border_subtitle), pilot)
        assert [c is not None for c in curves.curves].count(True) == 1
        await pilot.press("C")
        await until(lambda: [c is not None for c in curves.curves].count(True) == len(METHODS), pilot)


def comparer_of(dataset: Dataset, heatmaps: Heatmaps) -> Comparer:
    painter = Painter(dataset, heatmaps, PictureCache(), lambda _: None)
    return Comparer(dataset, heatmaps, painter, Tallies(dataset, Truths()))


def test_candidates_are_compared_heatmap_by_heatmap_and_only_what_is_new_is_scored(
    toy: Dataset, monkeypatch: pytest.MonkeyPatch, make_heatmaps: Callable[[], object]
) -> None:
    config = PostProcess(dilate=5, threshold=0.3)
    state = ExplorerState(toy.samples[0].id, Source(stored="good"), config)
    contest = comparer_of(toy, make_heatmaps())
    present, noisy, *_ = contest.candidates("sets", state, {})
    scored: list[int] = []
    counts = cliploc.core.sweep.live.LiveScores.counts
    monkeypatch.setattr(
        "cliploc.core.sweep.live.LiveScores.counts",
        lambda live, *arguments: scored.append(len(live.ids)) or counts(live, *arguments),
    )
    found = contest.standing(present, state, lambda: False)
    other = contest.standing(noisy, state, lambda: False, present)
    for name in ("mean_iou", "recall"):
        gains = []
        rows = {each.name: each for each in contest.differences(present, noisy, name, classes=False)}
        for sample in toy.samples:
            first, second = (
                cliploc.score(HeatmapStore().find(set_).read(sample.id), sample.true_mask(), config)[name]
                for set_ in ("good", "noisy")
            )
            assert (rows[sample.id].mine, rows[sample.id].other) == pytest.approx((first, second))
            gains.append(second - first)
        assert other.versus[name].gain == pytest.approx(np.mean(gains))
        assert other.versus[name].won == sum(gain > 1e-9 for gain in gains)
    assert contest.standing(present, state, lambda: False).coverage == found.coverage == other.coverage
    assert found.versus == {}
    assert scored == [9, 9]


def test_a_set_that_is_gone_is_a_note(toy: Dataset, make_heatmaps: Callable[[], object]) -> None:
    state = ExplorerState(toy.samples[0].id, Source(stored="good"))
    contest = comparer_of(toy, make_heatmaps())
    noisy = contest.candidates("sets", state, {})[1]
    HeatmapStore().remove(HeatmapStore().find("noisy"))
    assert "noisy" in contest.standing(noisy, state, lambda: False).note


@pytest.fixture
def make_heatmaps(toy: Dataset) -> Callable[[], object]:

    return lambda: Heatmaps(toy, lambda _: None, "cpu")


async def test_real_forward_passes(
    make_app: Make, tiny_backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cliploc.tui.studio.studio.COMPUTED_UNASKED", 0)
    recipe = Recipe("gem", backbone=tiny_backbone, size=32).completed("toy")
    app = make_app(source=Source(recipe))
    async with app.run_test(size=SIZE) as pilot:
        screen = await compare(pilot, "templates")
        await until(lambda: all(s.pictures for s in standings(screen).values()), pilot)
        await pilot.press("escape")
        await settled(pilot)
        await pilot.press("p", *"a zebra ; its head ; the sky", "enter")
        await settled(pilot)
        prompts = app.screen
        await until(lambda: len(of_prompts(prompts)) == 3, pilot)
        await until(lambda: all(s.pictures for s in of_prompts(prompts).values()), pilot)
        assert len({bytes(s.sample.values["mean_iou"]) for s in of_prompts(prompts).values()}) == 3
