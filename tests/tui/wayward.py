"""A studio that answers when a test lets it: late, out of order, or never."""

from __future__ import annotations

import random
from collections.abc import Callable

from cliploc.tui.answers import DisagreementReady, PicturesReady, ScoresReady
from cliploc.tui.freshness import picture_key
from cliploc.tui.graphics.frame import PictureId
from tests.tui.threaded import ThreadedStudio

HELD = (PicturesReady, ScoresReady, DisagreementReady)


class WaywardStudio(ThreadedStudio):
    """Holds back what it has to say about scores and pictures; everything else is said at once.

    made: the kept picture of each picture that was drawn, by name and what it depends on.
    """

    def __init__(self, dataset: str, device: str) -> None:
        self.held: list[object] = []
        self.made: dict[tuple[object, ...], PictureId] = {}
        self.is_wayward = True
        super().__init__(dataset, device)

    def _post(self, answer: object) -> None:
        if isinstance(answer, PicturesReady):
            for name, picture_id in answer.pictures.items():
                self.made[name, picture_key(name, answer.state)] = picture_id
        if self.is_wayward and isinstance(answer, HELD):
            self.held.append(answer)
        else:
            super()._post(answer)

    def misbehave(self, rng: random.Random) -> None:
        """Say some of what is held back in any order; forget some of it for ever."""
        rng.shuffle(self.held)
        for answer in [self.held.pop() for _ in range(rng.randint(0, len(self.held)))]:
            if rng.random() < 0.8:
                super()._post(answer)

    def behave(self) -> None:
        """Say everything that is still held back, and from now on everything at once."""
        self.is_wayward = False
        say: Callable[[object], None] = super()._post
        while self.held:
            say(self.held.pop())
