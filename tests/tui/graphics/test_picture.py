"""The Picture widget without a terminal: what it shows, and in what order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from cliploc.core.terminal import Protocol, Terminal
from cliploc.tui.graphics import pacing, sixel
from cliploc.tui.graphics.diacritics import PLACEHOLDER
from cliploc.tui.graphics.frame import Detail, Frame, Job
from cliploc.tui.widgets import rhythm
from cliploc.tui.widgets.encoder import Encoder, Shown, in_thread
from cliploc.tui.widgets.picture import Picture
from tests.tui.graphics.jobs import picture


class Window(App[None]):
    def __init__(self, protocol: Protocol) -> None:
        super().__init__()
        self.encode_picture: Encoder = in_thread
        self.picture = Picture(terminal=Terminal(protocol, 10, 20, truecolor=True), id="picture")

    def compose(self) -> ComposeResult:
        yield self.picture


def recorded(protocol: Protocol) -> tuple[Window, list[Job]]:
    """An app, and the jobs that its picture asks for."""
    app, jobs = Window(protocol), []

    async def encoded(shown: Shown, job: Job) -> Frame | None:
        jobs.append(job)
        return await in_thread(shown, job)

    app.encode_picture = encoded
    return app, jobs


class Dialog(ModalScreen[None]):
    def compose(self) -> ComposeResult:
        yield Static("dialog")


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition, but not for ever."""
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("the condition never came true")


def text_of(widget: Picture) -> list[str]:
    return [strip.text for strip in widget.render_lines(widget.size.region)]


async def test_a_picture_appears() -> None:
    app = Window("halfcell")
    async with app.run_test(size=(24, 12)):
        assert app.picture.shown_generation == -1
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.shown_generation == 1)
        assert all("▀" in line for line in text_of(app.picture))


async def test_an_older_generation_never_replaces_a_newer() -> None:
    app = Window("halfcell")
    async with app.run_test(size=(24, 12)):
        app.picture.show(picture(2), 5)
        app.picture.show(picture(1), 4)
        await until(lambda: app.picture.shown_generation == 5)
        shown = app.picture.frame
        app.picture.show(picture(1), 3)
        await asyncio.sleep(0)
        assert app.picture.frame is shown


async def test_only_the_newest_waits_while_one_is_encoded() -> None:
    gate = asyncio.Event()
    encoded: list[int] = []

    async def slow(shown: Shown, job: Job) -> Frame | None:
        encoded.append(job.generation)
        await gate.wait()
        return await in_thread(shown, job)

    app = Window("halfcell")
    app.encode_picture = slow
    async with app.run_test(size=(24, 12)):
        app.picture.show(picture(1), 1)
        await until(lambda: encoded == [1])
        for generation in range(2, 30):
            app.picture.show(picture(generation), generation)
        gate.set()
        await until(lambda: app.picture.shown_generation == 29)
        assert encoded == [1, 29]


async def test_the_same_picture_makes_no_new_frame() -> None:
    app = Window("halfcell")
    async with app.run_test(size=(24, 12)):
        same = picture(1)
        app.picture.show(same, 1)
        await until(lambda: app.picture.shown_generation == 1)
        shown = app.picture.frame
        app.picture.show(same, 2)
        await until(lambda: app.picture.shown_generation == 2)
        assert app.picture.frame is shown


async def test_a_held_key_on_a_slow_link_leaves_a_picture_that_stays_the_same() -> None:
    app, jobs = recorded("sixel")
    async with app.run_test(size=(24, 12)):
        same = picture(1)
        app.picture.show(same, 1)
        await until(lambda: app.picture.shown_generation == 1)
        app.picture.link._rates.append(1.0)
        for generation in range(2, 12):
            app.picture.show(same, generation)
            await asyncio.sleep(0.02)
        await until(lambda: app.picture.shown_generation == 11)
        assert [job.coarse for job in jobs] == [False]
        app.picture.show(picture(2), 12)
        await until(lambda: len(jobs) > 1)
        assert jobs[1].coarse


async def test_on_a_slow_link_one_change_comes_coarsely_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rhythm, "REPEATING", 0.0)
    app, jobs = recorded("sixel")
    async with app.run_test(size=(24, 12)):
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.shown_generation == 1)
        app.picture.link._rates.append(1.0)
        app.picture.show(picture(2), 2)
        await until(lambda: app.picture.frame is not None and len(jobs) == 3 and not app.picture.frame.coarse)
        assert [job.coarse for job in jobs] == [False, True, False]


@pytest.mark.parametrize(("rate", "comes"), [(1e6, True), (2e4, False)])
async def test_at_rest_all_detail_follows_where_the_link_has_time_for_it(
    rate: float, comes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sixel, "FINEST_BYTES", 1000.0)
    app, jobs = recorded("sixel")
    async with app.run_test(size=(24, 12)):
        app.picture.link._rates.append(rate)
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.frame is not None and not app.picture.frame.coarse)
        assert app.picture.frame is not None
        assert app.picture.frame.detail is Detail.COMFORTABLE
        assert app.picture._may_get_finer == comes
        if comes:
            await until(lambda: app.picture.frame is not None and app.picture.frame.detail is Detail.ALL)
            assert not app.picture._may_get_finer
            assert [job.detail for job in jobs] == [Detail.COMFORTABLE, Detail.ALL]


async def test_detail_waits_for_a_picture_that_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rhythm, "COMING", 1000.0)
    app, jobs = recorded("sixel")
    async with app.run_test(size=(24, 12)):
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.shown_generation == 1)
        app.picture.link._rates.append(1.0)
        app.picture.expect(2)
        app.picture.show(picture(2), 2)
        app.picture.expect(3)
        await until(lambda: app.picture.shown_generation == 2)
        for _ in range(50):
            await asyncio.sleep(0)
        app.picture.show(picture(3), 3)
        await until(lambda: app.picture.frame is not None and not app.picture.frame.coarse)
        assert [(job.generation, job.coarse) for job in jobs] == [
            (1, False),
            (2, True),
            (3, True),
            (3, False),
        ]


async def test_a_sixel_picture_under_a_notice_is_half_cells_until_the_notice_goes() -> None:
    app = Window("sixel")
    async with app.run_test(size=(24, 12)) as pilot:
        notice = Static("notice")
        notice.styles.layer, notice.styles.width = "above", 6
        app.screen.styles.layers = ("below", "above")
        await app.mount(notice)
        await pilot.pause()
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.shown_generation == 1)
        assert app.picture.frame is not None
        assert app.picture.frame.protocol == "halfcell"
        await notice.remove()
        await until(lambda: app.picture.frame is not None and app.picture.frame.protocol == "sixel")


@pytest.mark.parametrize("reason", ["hidden", "kept picture gone"])
async def test_a_coarse_picture_that_cannot_get_finer_is_left_in_peace(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rhythm, "REPEATING", 0.0)
    monkeypatch.setattr(pacing, "MINIMUM_INTERVAL", 0.0)
    app = Window("sixel")
    async with app.run_test(size=(24, 12)) as pilot:
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.shown_generation == 1)
        link, encode, turns = app.picture.link, app.picture._encode, 0
        link._rates.append(1.0)
        nearly = link.nearly

        async def counted(sender: object, lead: float) -> None:
            nonlocal turns
            turns += 1
            await nearly(sender, lead)

        async def only_coarse(shown: Shown, job: Job) -> Frame | None:
            return await encode(shown, job) if job.coarse else None

        link.nearly = counted  # type: ignore[method-assign]
        app.picture._encode = only_coarse
        app.picture.show(picture(2), 2)
        await until(lambda: app.picture.frame is not None and app.picture.frame.coarse)
        if reason == "hidden":
            app.picture.display = False
            await pilot.pause()
        for _ in range(1000):
            await asyncio.sleep(0)
        assert turns < 10


@pytest.mark.parametrize(("rate", "stays"), [(1e9, True), (1e4, False)])
async def test_under_a_dialog_half_cells_stay_only_if_the_link_is_fast(rate: float, stays: bool) -> None:
    app = Window("halfcell")
    async with app.run_test(size=(24, 12)) as pilot:
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.shown_generation == 1)
        app.picture.link._rates.append(rate)
        app.push_screen(Dialog())
        await pilot.pause()
        assert ("▀" in "".join(text_of(app.picture))) == stays
        before = app.picture.frame
        app.pop_screen()
        assert (app.picture.frame is before) == stays
        await until(lambda: "▀" in "".join(text_of(app.picture)))


async def test_none_clears() -> None:
    app = Window("halfcell")
    async with app.run_test(size=(24, 12)):
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.shown_generation == 1)
        app.picture.show(None, 2)
        assert app.picture.shown_generation == -1
        assert not any(line.strip() for line in text_of(app.picture))


async def test_a_blank_that_was_drawn_over_is_not_the_blank_that_was_there() -> None:
    """Rows that Textual knows to be on the screen are not written again; drawn over, they are not there."""
    app = Window("halfcell")
    async with app.run_test(size=(24, 12)):
        before = app.picture.render_lines(app.picture.size.region)
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.shown_generation == 1)
        app.picture.show(None, 2)
        after = app.picture.render_lines(app.picture.size.region)
        assert [strip.text for strip in before] == [strip.text for strip in after]
        assert not any(strip is other for strip, other in zip(before, after, strict=True))


async def test_another_size_is_encoded_anew() -> None:
    app = Window("halfcell")
    async with app.run_test(size=(24, 12)) as pilot:
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.shown_generation == 1)
        await pilot.resize_terminal(40, 20)
        await until(lambda: app.picture.frame is not None and app.picture.frame.size == (40, 20))


async def test_without_graphics_nothing_is_encoded() -> None:
    app = Window("none")
    async with app.run_test(size=(24, 12)) as pilot:
        app.picture.show(picture(1), 1)
        await pilot.pause()
        assert app.picture.frame is None


async def test_a_kitty_picture_keeps_its_text_but_is_half_cells_under_a_dialog() -> None:
    """The dialog's tint would change the colour that names the picture."""
    app = Window("kitty")
    async with app.run_test(size=(24, 12)) as pilot:
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.shown_generation == 1)
        before = text_of(app.picture)
        assert PLACEHOLDER in before[0]
        app.picture.show(picture(2), 2)
        await until(lambda: app.picture.shown_generation == 2)
        assert text_of(app.picture) == before
        app.push_screen(Dialog())
        await pilot.pause()
        assert "▀" in text_of(app.picture)[0]
        app.pop_screen()
        await pilot.pause()
        assert PLACEHOLDER in text_of(app.picture)[0]


async def test_a_sixel_picture_leaves_blanks_for_its_pixels() -> None:
    app = Window("sixel")
    async with app.run_test(size=(24, 12)) as pilot:
        app.picture.show(picture(1), 1)
        await until(lambda: app.picture.shown_generation == 1)
        assert not any(line.strip() for line in text_of(app.picture))
        app.push_screen(Dialog())
        await pilot.pause()
        assert "▀" in text_of(app.picture)[0]
