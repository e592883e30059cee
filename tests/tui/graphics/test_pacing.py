"""The link: one frame under way, credits by answers, and no waiting for ever."""

from __future__ import annotations

import asyncio

import pytest

from cliploc.tui.graphics import pacing
from cliploc.tui.graphics.pacing import Link


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def link(clock: Clock | None = None, *, answers: bool = True) -> tuple[Link, list[str]]:
    written: list[str] = []
    return Link(written.append, answers=answers, clock=clock or Clock()), written


async def settled() -> None:
    """Give every task its turn, several times over."""
    for _ in range(20):
        await asyncio.sleep(0)


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
    assert way.budget == pytest.approx(100_000 * pacing.COMFORTABLE, rel=0.01)
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


class SlowLink:
    """A terminal behind a link of so many bytes a second that answers when it has read the question."""

    def __init__(self, rate: float, round_trip: float = 0.0) -> None:
        self.clock, self.rate, self.round_trip = Clock(), rate, round_trip
        self.link = Link(self._written, answers=True, clock=self.clock)
        self.link.knows(round_trip)
        self._busy_until = self.clock.now
        self._answers: list[float] = []

    def text(self, size: int) -> None:
        """Text, as the driver writes and reports it."""
        self._written("x" * size)
        self.link.wrote_text(size)

    def _written(self, data: str) -> None:
        self._busy_until = max(self._busy_until, self.clock.now) + len(data) / self.rate
        if data.endswith(pacing.QUERY):
            self._answers.append(self._busy_until + self.round_trip)

    def pass_time(self, seconds: float) -> None:
        """Let answers come in."""
        end = self.clock.now + seconds
        while self._answers and self._answers[0] <= end:
            self.clock.now = self._answers.pop(0)
            self.link.answered()
        self.clock.now = end


@pytest.mark.parametrize("round_trip", [0.0, 0.1])
@pytest.mark.parametrize("pause", [0.0, 0.05, 1.0])
async def test_the_rate_is_right_whatever_goes_over_the_link(pause: float, round_trip: float) -> None:
    slow = SlowLink(200_000, round_trip)
    for _ in range(4):
        slow.text(30_000)
        slow.pass_time(pause)
        slow.text(1_000)
        for sender in "abc":
            slow.link.send(sender, "x" * 20_000)
        slow.pass_time(pause)
    slow.pass_time(10)
    assert slow.link.rate == pytest.approx(200_000, rel=0.1)


async def test_text_that_arrived_long_ago_makes_no_link_look_fast() -> None:
    slow = SlowLink(200_000)
    for _ in range(20):
        slow.text(20_000)
        slow.pass_time(1)
    slow.link.send("a", "x" * 20_000)
    slow.pass_time(1)
    assert slow.link.rate == pytest.approx(200_000, rel=0.1)


async def test_text_alone_tells_the_rate_before_the_first_picture() -> None:
    slow = SlowLink(200_000)
    slow.text(30_000)
    slow.pass_time(1)
    assert slow.link.rate == pytest.approx(200_000, rel=0.1)


async def test_nothing_is_asked_once_nobody_hears_the_answers() -> None:
    slow = SlowLink(200_000)
    slow.text(30_000)
    slow.pass_time(1)
    asked = slow.link.questions
    slow.link.hush()
    slow.text(30_000)
    slow.link.send("a", "frame")
    assert slow.link.questions == asked
    slow.link.restart()
    slow.text(30_000)
    assert slow.link.questions == asked + 1


async def test_a_terminal_that_never_answered_is_not_asked_about_text() -> None:
    way, written = link()
    way.wrote_text(100_000)
    assert written == []


async def test_late_answers_do_not_make_a_fast_link_slow() -> None:
    fast = SlowLink(2_000_000)
    for _ in range(pacing.MEASUREMENTS):
        fast.link.send("a", "x" * 100_000)
        fast.pass_time(1)
    before = fast.link.rate
    assert before == pytest.approx(2_000_000, rel=0.1)
    for _ in range(pacing.MEASUREMENTS - 1):
        fast.link.send("a", "x" * 5_000)
        fast.clock.now += 0.2
        fast.link.answered()
    assert fast.link.rate == before


async def test_answers_that_come_in_a_bunch_do_not_make_a_slow_link_fast() -> None:
    slow = SlowLink(200_000)
    for _ in range(8):
        for sender in "abcd":
            slow.link.send(sender, "x" * 10_000)
        slow.clock.now += 0.2
        for _ in "abcd":
            slow.link.answered()
    assert slow.link.rate == pytest.approx(200_000, rel=0.1)


async def test_an_answer_counts_from_when_it_came_not_from_when_it_was_heard() -> None:
    clock = Clock()
    way, _ = link(clock)
    way.send("a", "x" * 20_000)
    came = clock.now + 0.1
    clock.now += 5
    way.answered(came)
    assert way.rate == pytest.approx(200_000)


async def test_the_round_trip_is_the_quickest_so_far() -> None:
    clock = Clock()
    way, _ = link(clock)
    way.round_trip = 0.3
    way.send("a", "frame")
    clock.now += 0.05
    way.answered()
    assert way.round_trip == pytest.approx(0.05)


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


async def test_what_is_large_waits_until_nothing_is_under_way() -> None:
    way, _ = link()
    way.send("a", "frame")
    way.send("b", "frame")
    stop = asyncio.Event()
    quiet = asyncio.create_task(way.quiet(stop))
    way.answered()
    await settled()
    assert not quiet.done()
    way.answered()
    await asyncio.wait_for(quiet, 5)


async def test_or_until_it_is_not_wanted_any_more() -> None:
    way, _ = link()
    way.send("a", "frame")
    stop = asyncio.Event()
    quiet = asyncio.create_task(way.quiet(stop))
    await settled()
    stop.set()
    await asyncio.wait_for(quiet, 5)


async def test_of_several_that_wait_for_quiet_one_goes_at_a_time() -> None:
    way, _ = link()
    sent: list[str] = []

    async def sender(name: str) -> None:
        await way.quiet(asyncio.Event())
        way.send(name, "frame")
        sent.append(name)

    way.send("first", "frame")
    tasks = [asyncio.create_task(sender(name)) for name in "abc"]
    for number in range(1, 4):
        way.answered()
        await settled()
        assert len(sent) == number
    await asyncio.gather(*tasks)


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
