"""Downloads as the screen knows them: what may be asked; the studio's Fetches answers, by the same names."""

from __future__ import annotations

from collections.abc import Callable


class Fetches:
    """ask: sends a request's name and arguments; returns at once."""

    def __init__(self, ask: Callable[..., object]) -> None:
        self._ask = ask

    def start(self, title: str, arguments: tuple[str, ...], done: str) -> None:
        """Run `cliploc` with these arguments, after what is being fetched now; answers FetchChanged."""
        self._ask("fetches.start", title, arguments, done)

    def stop(self) -> None:
        """End the present download; what has come is kept, and the same again goes on from there."""
        self._ask("fetches.stop")
