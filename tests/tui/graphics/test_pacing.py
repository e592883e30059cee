"""The link: one frame under way, credits by answers, and no waiting for ever."""

from __future__ import annotations

import asyncio

import pytest

from tui.graphics import pacing
from tui.graphics.pacing import Link


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def link(clock: Clock | None = None, *, answers: bool = True) -> tuple[Link, list[str]]:
    written: list[str] = []
    return Link(written.append, answers=answers, clock=clock or Clock()), written


async def test_the_first_frame_goes_at_once_with_a_question() -> None:
    way, written = link()
    await way.turn("a")
    way.send("a", "frame")
    assert written == ["frame" + pacing.QUERY]
    assert way.questions == 1


async def test_the_next_frame_waits_for_the_answer() -> None:
    clock = Clock()
    way, _ = link(clock)
    way.send("a", "frame")
    turn = asyncio.create_task(way.turn("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not turn.done()
    clock.now += 1
    way.answered()
    await asyncio.wait_for(turn, 5)


async def test_pictures_do_not_wait_for_each_other() -> None:
    way, _ = link()
    way.send("a", "frame")
    await asyncio.wait_for(way.turn("b"), 5)


async def test_answers_come_in_the_order_of_the_questions() -> None:
    clock = Clock()
    way, _ = link(clock)
    way.send("a", "x")
    way.send("b", "y")
    way.answered()
    clock.now += 1
    await asyncio.wait_for(way.turn("a"), 5)
    other = asyncio.create_task(way.turn("b"))
    await asyncio.sleep(0)
    assert not other.done()
    way.answered()
    await asyncio.wait_for(other, 5)


async def test_the_rate_is_bytes_over_time() -> None:
    clock = Clock()
    way, _ = link(clock)
    way.round_trip = 0.1
    way.send("a", "x" * 20_000)
    clock.now += 0.3
    way.answered()
    assert way.rate == pytest.approx(100_000)
    assert way.budget == int(100_000 * pacing.COMFORTABLE)
    assert way.is_slow_for(20_000, 0.0)
    assert not way.is_slow_for(2_000, 0.0)
    assert way.is_slow_for(2_000, 0.2)


async def measured(rate: float) -> tuple[Link, Clock]:
    """A link whose rate is known."""
    clock = Clock()
    way, _ = link(clock)
    way.send("a", "x" * 20_000)
    clock.now += 20_000 / rate
    way.answered()
    clock.now += 10
    return way, clock


async def test_text_that_went_before_a_frame_counts_for_the_rate() -> None:
    clock = Clock()
    way, _ = link(clock)
    way.wrote_text(10_000)
    way.send("a", "x" * 10_000)
    clock.now += 0.2
    way.answered()
    assert way.rate == pytest.approx(100_000, rel=0.01)


async def test_pictures_that_are_being_sent_share_the_link() -> None:
    way, clock = await measured(100_000)
    alone = way.budget
    for sender in "abcd":
        way.send(sender, "x" * 100)
    assert way.budget == pytest.approx(alone / 4, rel=0.01)
    assert way.is_slow_for(5_000, 0.0)
    clock.now += 2 * pacing.RECENT
    assert way.budget == pytest.approx(alone, rel=0.01)


async def test_text_goes_first_but_leaves_something() -> None:
    way, clock = await measured(100_000)
    alone = way.budget
    way.wrote_text(40_000)
    assert way.budget == pytest.approx(0.6 * alone, rel=0.01)
    way.wrote_text(400_000)
    assert way.budget == pytest.approx(pacing.LEAST_SHARE * alone, rel=0.01)
    clock.now += 20 * pacing.AVERAGED
    assert way.budget == pytest.approx(alone, rel=0.01)


async def test_a_lost_answer_blocks_for_a_while_and_a_mute_terminal_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pacing, "PATIENCE", 0.01)
    clock = Clock()
    way, written = link(clock)
    for _ in range(pacing.MISSES_BEFORE_GIVING_UP):
        way.send("a", "frame")
        clock.now += 1
        await asyncio.wait_for(way.turn("a"), 5)
    way.send("a", "last")
    assert written[-1] == "last"
    assert way.questions == 0


async def test_a_driver_that_hears_nothing_is_paced_by_time_alone() -> None:
    clock = Clock()
    way, written = link(clock, answers=False)
    way.send("a", "frame")
    clock.now += 1
    await asyncio.wait_for(way.turn("a"), 5)
    assert written == ["frame"]


async def test_a_restart_expects_nothing_and_frees_memory_once() -> None:
    clock = Clock()
    way, _ = link(clock)
    way.keep("a", "<free a>")
    way.keep("b", "<free b>")
    assert way.forget("b") == "<free b>"
    way.send("a", "frame")
    assert way.farewell() == "<free a>"
    assert way.farewell() == ""
    way.restart()
    clock.now += 1
    await asyncio.wait_for(way.turn("a"), 5)
