"""Scores of the whole dataset, as the user turns the knobs."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.ground import ground
from cliploc.core.heatmaps.store import HeatmapSet
from cliploc.core.metrics import Counts
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.live import LiveScores
from cliploc.tui.answers import ScoresReady, Scoring, Told
from cliploc.tui.dataset_scores import DatasetScores
from cliploc.tui.state import Source
from cliploc.tui.studio.background import Cancelled
from cliploc.tui.studio.heatmaps import Heatmaps
from cliploc.tui.studio.scoring import scores_of

# Planes of codes kept for live scores: 512 images of 256 x 256 fit nine times, so that
# a step of either kernel goes on from the last one.
LIVE_CACHE_BYTES = 320_000_000
# Seconds. What takes longer is given up for a newer request; shorter ones are finished, so that scores
# move while a key is held.
SLOW = 0.3
SAID_EVERY = 0.3


class Scorer:
    """Each method is called on one thread at a time."""

    def __init__(self, dataset: Dataset, heatmaps: Heatmaps, post: Callable[[object], object]) -> None:
        self._dataset = dataset
        self._heatmaps = heatmaps
        self._post = post
        self._live: LiveScores | None = None
        self._live_of: tuple[str, int, int] = ("", 0, 0)
        self._truths = 0
        self._lock = threading.Lock()
        self._notes: tuple[str, ...] = ()
        self._told: set[str] = set()
        # Whether the last config took long; so does one of an unknown set.
        self.is_slow = True

    def score(self, source: Source, config: PostProcess, cancelled: Cancelled) -> None:
        """Score every sample that has a heatmap."""
        truths, found = self._truths, self._heatmaps.set_of(source)
        present = 0 if found is None else len(found.ids())
        can_score = len(self._dataset.without_truth) < len(self._dataset.samples)
        if not can_score:
            self._tell(self._dataset.notes)
        live = None if found is None or not can_score else self._live_scores(found)
        if found is None or live is None or not live.ids:
            self._say(ScoresReady(source, config, None, present), truths)
            return
        counts = self._counts(live, source, config, cancelled)
        if counts is not None:
            board = self._board(source, config, found.name, live.ids, counts)
            self._say(ScoresReady(source, config, board, present), truths)

    def _say(self, answer: ScoresReady, truths: int) -> None:
        """Answer, unless true masks have become others meanwhile: then it is asked again."""
        with self._lock:
            if truths == self._truths:
                self._post(answer)

    def forget(self) -> None:
        """True masks are others now; what is being scored meanwhile is of the old ones."""
        with self._lock:
            self._truths += 1

    def _counts(
        self, live: LiveScores, source: Source, config: PostProcess, cancelled: Cancelled
    ) -> Counts | None:
        """The counts, saying now and then how far they are."""
        looks = live.passes(config) * len(live.ids)
        if not looks:
            return live.counts(config, cancelled)
        started = said = time.monotonic()
        done = itertools.count(1)

        def looked() -> bool:
            nonlocal said
            number, now = next(done), time.monotonic()
            if now - said > SAID_EVERY:
                said = now
                self._post(Scoring(source, config, min(number / looks, 1.0)))
            return cancelled()

        counts = live.counts(config, looked)
        if counts is not None:
            self.is_slow = time.monotonic() - started > SLOW
        return counts

    def _board(
        self, source: Source, config: PostProcess, name: str, ids: tuple[str, ...], counts: Counts
    ) -> DatasetScores:
        labels = tuple(self._dataset.by_id(id_).label for id_ in ids)
        return replace(scores_of(source, config, name, ids, labels, counts), notes=self._notes)

    def _tell(self, notes: Iterable[str]) -> None:
        """What the scores stand on is said once; the panel keeps saying it."""
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self._post(Told(note))

    def _live_scores(self, found: HeatmapSet) -> LiveScores:
        """The live scores of a set, made anew when it is another one or has grown."""
        live_of = (found.key, len(found.ids()), self._truths)
        if live_of != self._live_of or self._live is None:
            if self._live is not None:
                self._live.close()
            heatmaps = found.read_all()
            self._live = LiveScores(heatmaps, self._dataset.scorable, cache_bytes=LIVE_CACHE_BYTES)
            grounds = ground(self._dataset, self._live.ids, heatmaps, found.identity.mark)
            self._notes = tuple(grounds.sentences)
            self._tell(self._notes)
            self._live_of = live_of
        return self._live
