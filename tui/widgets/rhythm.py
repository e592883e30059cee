"""Whether a key is being held, told by the pictures that it asks for."""

from __future__ import annotations

import asyncio

# Pictures asked for within this many seconds of each other are a held key.
REPEATING = 0.15
# The key was let go when nothing was asked for during this many times the usual pause.
PAUSES = 1.6
# Seconds without a key after which bytes are spent on detail that few miss.
AT_REST = 0.6
# Seconds that detail waits for a newer picture which was asked for but is not there yet.
COMING = 0.5


class Rhythm:
    """When pictures were asked for; used on the event loop only."""

    def __init__(self) -> None:
        self.newest = -1
        self._asked = -1.0
        self._pause = 1.0

    def ask(self, generation: int) -> None:
        """A picture was asked for; the same generation counts once."""
        if generation <= self.newest:
            return
        now = _now()
        self._pause, self._asked, self.newest = now - self._asked, now, generation

    def held_for(self, generation: int) -> float:
        """For how many seconds more, if nothing comes, the key counts as held; not positive when it does not.

        generation: of the newest picture that is there.
        """
        pause = self._pause if self._pause < REPEATING else 0.0
        patience = COMING if self.newest > generation else min(PAUSES * pause, REPEATING)
        return patience - (_now() - self._asked)

    def rest_in(self) -> float:
        """In how many seconds, if nothing is asked for, all detail may be sent; not positive when it may."""
        return AT_REST - (_now() - self._asked)


def _now() -> float:
    return asyncio.get_running_loop().time()
