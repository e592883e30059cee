"""How fast pictures may be sent, so that a slow link never falls behind the keyboard.

After each frame the terminal is asked for its cursor position. It answers when it has
drawn everything before the question, so the answer is a credit: a picture sends its next
frame only when its last one arrived. Bytes over time to the answer is the link's rate;
text goes first, and the pictures that are being sent share what it leaves. Text is asked
about as well, so that each answer says how long the bytes since the question before it took.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

QUERY = "\x1b[6n"
MINIMUM_INTERVAL = 0.05
# Seconds. A frame that takes longer to make and to send is made coarser while a key is held.
COMFORTABLE = 0.08
# An answer that never came (a terminal that does not know the question) blocks no longer than this.
PATIENCE = 2.0
MISSES_BEFORE_GIVING_UP = 3
# Seconds. Pictures that sent something within this time share the link.
RECENT = 0.3
# Seconds over which the text's share of the link is averaged, and the least that is left for pictures.
AVERAGED = 1.0
LEAST_SHARE = 0.3
# Bytes; fewer say more about the round trip than about the rate.
MEASURABLE = 4096
# Seconds of sending that one measurement of the rate needs. Answers are held up by much, and then
# come in a bunch; so the rate is the best of the last few measurements.
SIGNIFICANT = 0.03
MEASUREMENTS = 4


@dataclass
class _Sent:
    """Bytes under way. size: all since the question before; sender: None for text."""

    sender: object
    at: float
    in_flight: int
    size: int
    arrived: asyncio.Event = field(default_factory=asyncio.Event)


class Link:
    """The one way to the terminal that all pictures of an app share; used on the event loop only.

    write: the driver's own, so that nothing interleaves. answers: whether the terminal's
    replies reach `answered`; without them only the minimum interval holds.
    """

    def __init__(
        self, write: Callable[[str], None], *, answers: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._answers = answers
        self._hushed = False
        self._clock = clock
        self._under_way: deque[_Sent] = deque()
        self._last: dict[object, _Sent] = {}
        self._misses = 0
        # Seconds; and whether the terminal has answered anything yet.
        self.round_trip = 0.0
        self._has_answered = False
        self._farewells: dict[object, str] = {}
        self.questions = 0
        # Grow when the terminal was given back and taken again, and when it was resized.
        self.sessions = 0
        self.resizes = 0
        # Bytes a second; and the bytes and seconds of the next measurement so far.
        self._rates: deque[float] = deque(maxlen=MEASUREMENTS)
        self._counted, self._seconds = 0, 0.0
        self._answered_at = clock()
        self._text = 0
        self._text_rate, self._text_at = 0.0, clock()

    def knows(self, round_trip: float) -> None:
        """The terminal has answered within so many seconds; later the link knows it better."""
        if not self._has_answered:
            self._has_answered, self.round_trip = True, round_trip

    @property
    def rate(self) -> float | None:
        """Bytes a second, None before anything was measured."""
        return max(self._rates, default=None)

    async def nearly(self, sender: object, lead: float) -> None:
        """Wait until `lead` seconds before the turn of `sender`, as far as that can be foreseen."""
        last = self._last.get(sender)
        if last is None:
            return
        if not last.arrived.is_set() and self.rate is not None:
            expected = last.at + self.round_trip + last.in_flight / self.rate
            await within(last.arrived, expected - lead - self._clock())
        elif not last.arrived.is_set():
            await self.turn(sender)
        await asyncio.sleep(max(0.0, last.at + MINIMUM_INTERVAL - lead - self._clock()))

    async def turn(self, sender: object) -> None:
        """Wait until `sender` may send: its last frame arrived and the interval has passed."""
        last = self._last.get(sender)
        if last is None:
            return
        if not last.arrived.is_set() and not await within(last.arrived, PATIENCE):
            self._missed(last)
        await asyncio.sleep(max(0.0, last.at + MINIMUM_INTERVAL - self._clock()))

    async def quiet(self, stop: asyncio.Event) -> None:
        """Wait until nothing at all is under way, or until `stop` is set."""
        while self._under_way and not stop.is_set():
            waits = [asyncio.ensure_future(event.wait()) for event in (self._under_way[-1].arrived, stop)]
            done, _ = await asyncio.wait(waits, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if not done:
                return

    def is_free(self, sender: object) -> bool:
        """Whether nothing of the sender is under way."""
        last = self._last.get(sender)
        return last is None or last.arrived.is_set()

    def send(self, sender: object, payload: str) -> None:
        """Write one frame, and ask for the answer that will allow the next one."""
        sent = self._sent(sender, len(payload))
        self._last[sender] = sent
        self._write(payload + self._question(sent))

    def _sent(self, sender: object, size: int) -> _Sent:
        size, self._text = size + self._text, 0
        in_flight = sum(sent.size for sent in self._under_way) + size
        return _Sent(sender, self._clock(), in_flight, size)

    def _question(self, sent: _Sent) -> str:
        if not self._answers or self._hushed:
            sent.arrived.set()
            return ""
        self._under_way.append(sent)
        self.questions += 1
        return QUERY

    def _ask_about_text(self) -> None:
        """Text is measured as well, one question at a time; a terminal that is mute is not asked."""
        if self._has_answered and not self._under_way and self._text >= MEASURABLE:
            self._write(self._question(self._sent(None, 0)))

    def answered(self, at: float | None = None) -> None:
        """The terminal answered the oldest question, at this time of the link's clock (now by default)."""
        if not self._under_way:
            return
        sent, at = self._under_way.popleft(), self._clock() if at is None else at
        self._misses, self._has_answered = 0, True
        self.round_trip = min(self.round_trip, at - sent.at)
        # Its bytes went when they were written, or after those that were asked about before.
        self._measure(sent.size, at - max(sent.at + self.round_trip, self._answered_at))
        self._answered_at = at
        sent.arrived.set()
        self._ask_about_text()

    def _measure(self, size: int, seconds: float) -> None:
        if size < MEASURABLE:
            return
        self._counted, self._seconds = self._counted + size, self._seconds + max(seconds, 0.0)
        if self._seconds >= SIGNIFICANT:
            self._rates.append(self._counted / self._seconds)
            self._counted, self._seconds = 0, 0.0

    def is_slow_for(self, size: int, making: float, limit: float = COMFORTABLE) -> bool:
        """Whether a frame of `size` bytes takes uncomfortably long to make (seconds) and to send."""
        sending = 0.0 if self.rate is None else size / self._share(self.rate)
        return making + sending > limit

    @property
    def budget(self) -> int:
        """The bytes that are comfortable to send at the measured rate (a fast link before that)."""
        return int((1e9 if self.rate is None else self._share(self.rate)) * COMFORTABLE)

    def wrote_text(self, size: int) -> None:
        """Something else has been written to the terminal."""
        now = self._clock()
        kept = math.exp((self._text_at - now) / AVERAGED)
        self._text_rate, self._text_at = self._text_rate * kept + size / AVERAGED, now
        self._text += size
        self._ask_about_text()

    def _share(self, rate: float) -> float:
        """Bytes a second for one picture."""
        now = self._clock()
        left = max(rate - self._text_rate * math.exp((self._text_at - now) / AVERAGED), LEAST_SHARE * rate)
        return left / max(sum(now - sent.at < RECENT for sent in self._last.values()), 1)

    def write(self, payload: str) -> None:
        """Write something that needs no pacing."""
        self._write(payload)

    def keep(self, sender: object, farewell: str) -> None:
        """Remember what frees the sender's memory in the terminal."""
        self._farewells[sender] = farewell

    def forget(self, sender: object) -> str:
        """A picture is gone; returns what frees its memory. Its answers are still awaited."""
        self._last.pop(sender, None)
        return self._farewells.pop(sender, "")

    def farewell(self) -> str:
        """What frees the memory of all pictures in the terminal; they are sent anew after it."""
        farewells, self._farewells = "".join(self._farewells.values()), {}
        return farewells

    def hush(self) -> None:
        """Ask nothing until `restart`: nobody will hear the answers."""
        self._hushed = True

    def restart(self) -> int:
        """Expect no answers any more (the terminal was given back); returns the questions asked so far."""
        self._hushed = False
        for sent in self._under_way:
            sent.arrived.set()
        self._under_way.clear()
        self.sessions += 1
        return self.questions

    def _missed(self, last: _Sent) -> None:
        """Give a lost answer up; after a few, stop asking."""
        last.arrived.set()
        while last in self._under_way:
            self._under_way.popleft().arrived.set()
            self.questions -= 1
        self._misses += 1
        if self._misses >= MISSES_BEFORE_GIVING_UP:
            self._answers = False


async def within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, but no longer than this; whether it happened."""
    if seconds <= 0:
        return event.is_set()
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
