"""Every key of the explorer, pressed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from itertools import product

import pytest
from textual import events
from textual.widget import Widget
from textual.widgets._toast import Toast

from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.postprocess import PostProcess
from cliploc.tui.app import ExplorerApp
from cliploc.tui.screens.choice import ChoiceScreen
from cliploc.tui.screens.help import HelpScreen
from cliploc.tui.state import LAYOUTS, ExplorerState, Source
from cliploc.tui.widgets.lines import HintLine
from cliploc.tui.widgets.pictures import PictureGrid
from tests.tui.conftest import settled, until
from tests.tui.test_pictures_alone import text_of

Make = Callable[..., ExplorerApp]
SIZE = (120, 40)


async def after(make_app: Make, *keys: str, size: tuple[int, int] = SIZE, **changes: object) -> ExplorerState:
    """The explorer's state after some keys."""
    app = make_app(**changes)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)
        return app.explorer.now


WALKS = [
    (("j",), "heart_0001"),
    (("down",), "heart_0001"),
    (("j", "j", "k"), "heart_0001"),
    (("j", "up"), "heart_0000"),
    (("G",), "star_0003"),
    (("end",), "star_0003"),
    (("G", "home"), "heart_0000"),
    (("G", "g", "g"), "heart_0000"),
    (("right_square_bracket",), "ring_0000"),
    (("right_square_bracket", "right_square_bracket", "left_square_bracket"), "ring_0000"),
    (("3", "j"), "ring_0001"),
    (("5", "G"), "ring_0002"),
    (("5", "g", "g"), "ring_0002"),
    (("asterisk", "j", "asterisk", "j", "asterisk", "2", "apostrophe"), "heart_0001"),
    (("ctrl+d",), "star_0003"),
    (("ctrl+d", "ctrl+u"), "heart_0000"),
    (("pagedown",), "star_0003"),
    (("G", "ctrl+o"), "heart_0000"),
    (("G", "ctrl+o", "tab"), "star_0003"),
    (("j", "asterisk", "G", "apostrophe"), "heart_0001"),
    (("slash", *"ring", "enter", "j"), "ring_0001"),
    (("slash", *"ring", "enter", "n", "n", "N"), "ring_0001"),
]


@pytest.mark.parametrize(("keys", "sample"), WALKS, ids=lambda value: str(value))
async def test_walking(make_app: Make, keys: tuple[str, ...], sample: str) -> None:
    state = await after(make_app, *keys, sample="heart_0000")
    assert state.sample == sample


TUNING = [
    (("t",), PostProcess().stepped("threshold", 1)),
    (("T",), PostProcess().stepped("threshold", -1)),
    (("5", "t"), PostProcess().stepped("threshold", 5)),
    (("1", "0", "T"), PostProcess().stepped("threshold", -10)),
    (("d",), PostProcess(dilate=5)),
    (("d", "d", "D"), PostProcess(dilate=5)),
    (("3", "e"), PostProcess(erode=13)),
    (("e", "E"), PostProcess()),
    (("i",), PostProcess(interpolation="bicubic")),
    (("I",), PostProcess(interpolation="nearest")),
    (("o",), PostProcess(order="erode-dilate")),
    (("O",), PostProcess(order="erode")),
    (("K",), PostProcess(kernel="ellipse")),
    (("V",), PostProcess(stretch="map")),
    (("d", "e", "t", "r"), PostProcess()),
    (("d", "e", "u"), PostProcess(dilate=5)),
    (("d", "e", "u", "u", "u"), PostProcess()),
    (("d", "e", "u", "ctrl+r"), PostProcess(dilate=5, erode=5)),
]


@pytest.mark.parametrize(("keys", "config"), TUNING, ids=lambda value: str(value))
async def test_tuning(make_app: Make, keys: tuple[str, ...], config: PostProcess) -> None:
    state = await after(make_app, *keys)
    assert state.config == config


async def test_best_threshold_maximizes_the_curve_that_is_shown(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("equals_sign")
        await settled(pilot)
        curves = app.explorer.scores.curves("all")
        assert curves is not None
        values = curves.values["mean_iou"]
        assert values[app.explorer.now.config.threshold_index] == max(values)
        assert "tuned on these 9 images" in app.explorer.query_one("#parameters").tuned
        await pilot.press("t")
        assert app.explorer.query_one("#parameters").tuned == ""
        await pilot.press("u")
        assert "tuned on these 9 images" in app.explorer.query_one("#parameters").tuned
    kept = ExplorerState.from_dict(app.explorer.now.to_dict(), make_app().explorer.now)
    assert "tuned on these 9 images" in kept.tuned


async def test_scores_follow_a_dilation_and_differ_from_the_baseline(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        before = app.explorer.scores.curves("all")
        await pilot.press("9", "d")
        await settled(pilot)
        after_ = app.explorer.scores.curves("all")
        panel = app.explorer.query_one("#scores")
        assert before is not None
        assert after_ is not None
        assert after_.values != before.values
        assert panel.baseline["all"].values == before.values
        await pilot.press("b")
        await pilot.pause()
        assert panel.baseline["all"].values == after_.values


async def test_digits_alone_choose_pictures(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert app.explorer.query_one(PictureGrid).shown() == ("image", "heatmap", "mask", "truth")
        await pilot.press("2")
        await until(lambda: app.explorer.now.view.pictures, pilot)
        assert app.explorer.query_one(PictureGrid).shown() == ("image", "mask", "truth")


async def test_a_small_screen_shows_two_pictures(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert app.explorer.query_one(PictureGrid).shown() == ("heatmap", "mask")
        await pilot.press("z")
        assert app.explorer.query_one(PictureGrid).shown() == ("heatmap",)
        await pilot.press("z")
        assert app.explorer.query_one(PictureGrid).shown() == ("heatmap", "mask")


async def test_layouts_go_round(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        seen = []
        for _ in LAYOUTS:
            await pilot.press("L")
            await settled(pilot)
            seen.append(app.explorer.query_one(PictureGrid).shown())
        assert seen == [
            ("heatmap",),
            ("heatmap", "mask"),
            ("image", "heatmap", "mask", "truth"),
            ("sheet",),
            ("image", "heatmap", "mask", "truth"),
        ]


async def test_peek_outlines_the_true_mask_and_ends(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cliploc.tui.screens.looking.PEEK_SECONDS", 3.0)
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        plain = app.explorer.pictures["heatmap"]
        await pilot.press("space")
        await until(lambda: app.explorer.pictures["heatmap"] != plain, pilot)
        await until(lambda: app.explorer.pictures["heatmap"] == plain, pilot)


async def test_blink_alternates_and_stops(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cliploc.tui.widgets.pictures.BLINK_SECONDS", 0.05)
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        grid = app.explorer.query_one(PictureGrid)
        await pilot.press("x")
        await until(lambda: grid.shown() == ("image",), pilot)
        await until(lambda: grid.shown() == ("heatmap",), pilot)
        await pilot.press("x")
        assert len(grid.shown()) == 4


@pytest.mark.parametrize(
    ("key", "check"),
    [
        ("Z", lambda view: view.crop),
        ("c", lambda view: view.colours == "viridis"),
        ("greater_than_sign", lambda view: view.opacity == 0.7),
        ("less_than_sign", lambda view: view.opacity == 0.5),
    ],
)
async def test_looking(make_app: Make, key: str, check: Callable[[object], bool]) -> None:
    state = await after(make_app, key)
    assert check(state.view)


@pytest.mark.parametrize(("key", "title"), [
    ("comma", "Order the samples by"), ("full_stop", "List only"), ("P", "Presets"), ("ctrl+e", "Export"),
    ("p", "Prompt"), ("ctrl+t", "Theme"), ("ctrl+n", "Notifications"),
])  # fmt: skip
async def test_dialogs_open_and_escape_closes_them(make_app: Make, key: str, title: str) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press(key)
        assert isinstance(app.screen, ChoiceScreen)
        assert app.screen.query_one("Vertical").border_title == title
        await pilot.press("escape")
        assert app.screen is app.explorer


@pytest.mark.parametrize("key", ["question_mark", "f1"])
async def test_help(make_app: Make, key: str) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press(key)
        assert isinstance(app.screen, HelpScreen)
        await pilot.press(key)
        assert app.screen is app.explorer


async def test_help_is_narrowed_down_by_typing(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        await settled(pilot)
        first = text_of(app)
        # What newcomers need is seen at once, also where there is little room.
        for words in ("next method", "prompt template", "inside the model"):
            assert words in first
        await pilot.press(*"dilation")
        await settled(pilot)
        assert "larger dilation" in text_of(app)
        assert "next sample" not in text_of(app)
        await pilot.press(*["backspace"] * 8, "w")
        await settled(pilot)
        assert "inside the model" in text_of(app)
        await pilot.press(*"xyz")
        await settled(pilot)
        assert "no key does that" in text_of(app)
        await pilot.press("escape")
        assert app.screen is app.explorer


async def test_sorting_by_iou_puts_the_worst_first(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("comma", *"IoU", "enter")
        await settled(pilot)
        values = [app.explorer.samples.listed.values[place] for place in app.explorer.samples.order.places]
        assert values == sorted(values)


async def test_next_failure_goes_to_a_sample_below_the_bar(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("9", "9", "t")
        await settled(pilot)
        await pilot.press("f")
        assert app.explorer.samples.listed.values[app.explorer.samples.here] < 0.3


async def test_method_key_goes_through_methods_and_stored_sets(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await until(lambda: app.client.imported, pilot)
        titles = [source.title for source in app.client.sources(app.explorer.now.source.recipe.template)]
        assert titles[0] == "GEM"
        assert titles[-2:] == ["good", "noisy"]
        await pilot.press("m")
        await settled(pilot)
        assert app.explorer.now.source.title == "noisy"
        await pilot.press("M")
        await settled(pilot)
        assert app.explorer.now.source.title == "good"


async def test_copy_puts_a_command_line_on_the_clipboard(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("d", "y")
        assert app.clipboard.startswith("cliploc-tui --dataset ")
        assert "--heatmaps good" in app.clipboard
        assert "--dilate 5" in app.clipboard


async def test_quit(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("q")
    assert app.return_value == 0


async def test_a_filter_without_matches_keeps_the_sample_and_escape_drops_it(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"nothing like this", "enter", "j", "n", "G", "f")
        await settled(pilot)
        assert not app.explorer.samples.order
        assert app.explorer.now.sample in {sample.id for sample in app.dataset.samples}
        await pilot.press("escape")
        await settled(pilot)
        assert len(app.explorer.samples.order) == 9


async def test_keys_typed_right_after_the_slash_are_text(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.explorer.walk.find()
        assert app.focused is app.explorer.query_one("#filter")
        await pilot.press("r", "i")
        await settled(pilot)
        assert app.explorer.now.listing.text == "ri"
        assert app.explorer.now.config == PostProcess()


async def test_a_count_that_means_nothing_alone_waits_for_a_slow_hand(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cliploc.tui.widgets.count.COUNT_PATIENCE", 0.01)
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        before = app.explorer.now.config.threshold_index
        await pilot.press("9")
        await pilot.pause(0.1)
        await pilot.press("t")
        assert app.explorer.now.config.threshold_index == before + 9


async def test_a_key_that_takes_no_count_ends_it(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        before = app.explorer.now.config.threshold_index
        await pilot.press("9", "c", "9", "*", "9", "question_mark", "escape")
        await until(lambda: app.screen is app.explorer, pilot)
        assert app.explorer.query_one(HintLine).pending == ""
        await pilot.press("t")
        assert app.explorer.now.config.threshold_index == before + 1


async def test_digits_one_after_another_each_choose_a_picture(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("1", "2")
        await until(lambda: app.explorer.now.view.pictures == ("mask", "truth"), pilot)


async def test_a_digit_alone_is_done_before_the_key_after_it(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("2", "z")
        assert app.explorer.now.view.pictures == ("image",)
        await pilot.press("z")
        assert app.explorer.now.view.pictures == ("image", "mask", "truth")


async def test_a_nought_goes_on_with_a_count(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cliploc.tui.widgets.count.COUNT_PATIENCE", 0.1)
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        before = app.explorer.now.config.threshold_index
        app.explorer.post_message(events.Key("1", "1"))
        app.explorer.post_message(events.Key("0", "0"))
        await pilot.pause(0.3)
        await pilot.press("t")
        assert app.explorer.now.config.threshold_index == before + 10


async def test_too_small_says_so(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(70, 20)) as pilot:
        await settled(pilot)
        assert app.explorer.query_one("#too-small").display
        await pilot.resize_terminal(120, 40)
        await until(lambda: not app.explorer.query_one("#too-small").display, pilot)


async def test_where_it_is_too_small_no_notice_covers_the_sentence_that_says_so(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(40, 10), notifications=True) as pilot:
        await settled(pilot)
        app.notify("of several lines, " * 5)
        await until(lambda: app.screen.query(Toast), pilot)
        await pilot.pause()
        front = {app.screen.get_widget_at(x, y)[0].id for x, y in product(range(40), range(1, 9))}
        assert front == {"too-small"}
        await pilot.resize_terminal(120, 40)
        await until(lambda: app.screen.query_one(Toast).region, pilot)


async def test_pages_that_were_closed_leave_nothing_behind(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        left = []
        for key in ("v", "H", "s", "question_mark") * 2:
            await pilot.press(key)
            await until(lambda: app.screen is not app.explorer, pilot)
            left.append(weakref.ref(app.screen.query(Widget).first()._styles_cache))
            await pilot.press("escape")
            await until(lambda: app.screen is app.explorer, pilot)
        await pilot.press("question_mark")  # what the last page drew goes with the next one
        await until(lambda: app.screen is not app.explorer, pilot)
        await pilot.press("escape")
        await until(lambda: app.screen is app.explorer, pilot)
        await settled(pilot)
        gc.collect()
        assert [cache() for cache in left] == [None] * len(left)


async def test_the_panel_says_what_is_in_force(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request", lambda *_, **__: None)
    app = make_app(source=Source(Recipe("gem", "demo-vit")))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("U")
        await settled(pilot)
        assert "Post-processing, as published" in drawn(app)
        await pilot.press("U")
        await settled(pilot)
        assert "Post-processing, as published" not in drawn(app)


def drawn(app: ExplorerApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())
