"""How candidates stand as far as it is known, and whose standing is behind what there is by now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cliploc.tui.comparison import Candidate, Standing
from cliploc.tui.state import Source

if TYPE_CHECKING:
    from cliploc.tui.answers import CandidateReady, HeatmapsArrived

UNKNOWN = Standing(note="…")


class Standings:
    """What pages of candidates are told one by one. known: by candidate."""

    def __init__(self) -> None:
        self.known: dict[Candidate, Standing] = {}
        # The sample that its pictures are of: another one's are marked.
        self.looks_at: dict[Candidate, str] = {}
        # Of each source: how many heatmaps its set holds, whether the sample's was reported, for which
        # prompt, and whether there will be none.
        self._stored: dict[Source, int] = {}
        self._reported: set[tuple[Source, str]] = set()
        self._failed: set[Source] = set()

    def of(self, candidate: Candidate) -> Standing:
        """A candidate's, or one that says that it is not there yet."""
        return self.known.get(candidate, UNKNOWN)

    def take(self, message: CandidateReady) -> None:
        """Somebody stands differently now."""
        self.known[message.candidate] = message.standing
        self.looks_at[message.candidate] = message.state.sample

    def arrived(self, message: HeatmapsArrived, sample: str) -> None:
        """New heatmaps are there; what was waited for may also have failed."""
        if sample in message.ids:
            self._reported.add((message.source, message.prompt))
            if not message.prompt and not message.present:
                self._failed.add(message.source)
        if not message.prompt:
            self._stored[message.source] = max(message.present, self._stored.get(message.source, 0))

    def behind(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Whose heatmaps are there and not looked at. All of them: only the newest that is asked is done."""
        return [each for each in candidates if not each.baseline and self._is_behind(each)]

    def _is_behind(self, candidate: Candidate) -> bool:
        standing, source = self.of(candidate), candidate.source
        reported = (source, candidate.prompt) in self._reported or source in self._failed
        more = not candidate.prompt and self._stored.get(source, 0) > standing.images
        return more or (reported and not standing.pictures)
