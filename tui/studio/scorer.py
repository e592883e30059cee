"""Scores of the whole dataset, as the user turns the knobs."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.ground import ground
from cliploc.core.heatmaps.store import HeatmapSet
from cliploc.core.metrics import Counts, Scores
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.doubts import WORTH_FROM
from cliploc.core.sweep.estimate import Places, reach
from cliploc.core.sweep.grid import Computation, computation_of
from cliploc.core.sweep.live import LiveScores
from cliploc.core.sweep.truths import Truths
from cliploc.tui.answers import ScoresReady, Told
from cliploc.tui.dataset_scores import DatasetScores
from cliploc.tui.state import Source
from cliploc.tui.studio.background import Cancelled
from cliploc.tui.studio.heatmaps import Heatmaps
from cliploc.tui.studio.lister import NO_FACTS, Facts
from cliploc.tui.studio.scoring import Classes, Means, column

# Planes of codes kept for live scores: 512 images of 256 x 256 fit nine times, so that
# a step of either kernel goes on from the last one.
LIVE_CACHE_BYTES = 320_000_000
# Seconds until the first estimate is said, where it is sure enough for an interval, and of all threads' work
# until it is said anyhow. No newer request is heard before, so that scores move while a key is held; what was
# counted by then is kept.
FIRST, FIRST_WORK = 0.1, 0.22
# Seconds: the exact scores that come so soon are waited for, and no estimate is said.
SOON = 0.2
# Between two estimates; and how long a better one stands at least until the exact scores come.
SAID_EVERY = STANDS = 1.0
# An estimate costs time too: no more than this part of it.
SAYING = 0.1
# Seconds until an estimate from fewer samples than the list has is listed.
LISTED_AFTER = 1.0
MEANS_KEPT = 16


@dataclass(frozen=True)
class Scored:
    """Every sample's counts under a config, as they were last said. ids, classes: of the counts' rows."""

    source: Source
    computation: Computation
    ids: tuple[str, ...]
    classes: Classes
    counts: Counts
    means: Means


class Scorer:
    """Each method is called on one thread at a time. latest: may be read from any thread.

    know: is told what each answer says of the samples.
    """

    def __init__(
        self,
        dataset: Dataset,
        heatmaps: Heatmaps,
        truths: Truths,
        post: Callable[[object], object],
        know: Callable[[Facts], object],
    ) -> None:
        self._dataset = dataset
        self._heatmaps = heatmaps
        self._truths = truths
        self._post, self._know = post, know
        self._live: LiveScores | None = None
        self._live_of: tuple[str, int, int] = ("", 0, 0)
        # How often true masks became others.
        self._drawn = 0
        self._lock = threading.Lock()
        self._means: OrderedDict[Computation, Means] = OrderedDict()
        # Where the samples that are scored stand in the dataset.
        self._ids: tuple[str, ...] = ()
        self._places: Places = np.zeros(0, np.int64)
        self._classes = Classes.of(())
        self._notes: tuple[str, ...] = ()
        self._told: set[str] = set()
        self.latest: Scored | None = None
        # How many samples the last list had numbers of.
        self._listed = 0

    def score(self, source: Source, config: PostProcess, cancelled: Cancelled) -> None:
        """Score every sample that has a heatmap: an estimate at once, better ones, and the exact scores."""
        drawn, found = self._drawn, self._heatmaps.set_of(source)
        present = 0 if found is None else len(found.ids())
        can_score = len(self._dataset.without_truth) < len(self._dataset.samples)
        if not can_score:
            self._tell(self._dataset.notes)
        live = None if found is None or not can_score else self._live_scores(found)
        if found is None or live is None or not live.ids:
            self._say(ScoresReady(source, config, None, present), drawn, None, NO_FACTS)
            return
        said, pause, first, begun = time.monotonic(), FIRST, True, time.process_time()
        began, told, before = said, 0, -1  # before: how many were counted when it was asked for
        for places, counts in live.growing(config):
            before = len(places) if before < 0 else before
            whole = len(places) == len(live.ids)
            started = time.monotonic()
            # Four times the images halve the interval: fewer say little that is new.
            enough = started - said > pause and len(places) >= 4 * told
            if first:
                sure = live.order.until(len(places)) >= WORTH_FROM
                enough = (enough and sure) or time.process_time() - begun > FIRST_WORK
            due = (started - began) * (len(live.ids) - len(places)) / max(len(places) - before, 1)
            if whole or (len(places) and enough and due > (SOON if first else STANDS)):
                scored = self._scored(source, config, places, counts)
                iou = column(counts[places], "mean_iou", config.threshold_index)
                board = DatasetScores(
                    source,
                    config,
                    found.name,
                    len(places),
                    len(live.ids),
                    reach(iou, live.order),
                    scored.means.curves(),
                    self._notes,
                )
                # A list of fewer samples than before says less than the old one does for a while.
                listed = len(places) >= self._listed or started - began > LISTED_AFTER
                self._listed = len(places) if listed else self._listed
                facts = self._facts(scored, config, iou, places) if listed else None
                self._say(ScoresReady(source, config, board, present), drawn, scored, facts)
                said, first, told = time.monotonic(), False, len(places)
                pause = max(SAID_EVERY, (said - started) / SAYING)
            if not whole and not first and cancelled():
                return

    def forget(self) -> None:
        """True masks are others now; what is being scored meanwhile is of the old ones."""
        with self._lock:
            self._drawn += 1
            self.latest = None

    def _say(self, answer: ScoresReady, drawn: int, scored: Scored | None, facts: Facts | None) -> None:
        """Answer, unless true masks have become others meanwhile: then it is asked again."""
        with self._lock:
            if drawn != self._drawn:
                return
            if answer.board is not None and answer.board.is_exact:
                self.latest = scored
            self._post(answer)
            if facts is not None:
                self._know(facts)

    def _scored(self, source: Source, config: PostProcess, places: Places, counts: Counts) -> Scored:
        """What is counted of the samples at these places, the first in their order."""
        key = computation_of(config)
        means = self._means_of(key, places, counts)
        return Scored(source, key, self._ids, self._classes, counts, means)

    def _facts(self, scored: Scored, config: PostProcess, iou: Scores, places: Places) -> Facts:
        """By the samples' places in the dataset. iou: of the samples at `places` of those with a heatmap."""
        seen, means = np.full(len(scored.ids), np.nan), scored.means
        seen[places] = iou
        columns = (seen, means.best, means.best_threshold, means.area)
        return Facts(scored.source, config, *map(self._spread, columns))

    def _means_of(self, key: Computation, places: Places, counts: Counts) -> Means:
        """The means over the samples at these places; only those are added that are new."""
        means = self._means.pop(key, None)
        if means is None or means.done > len(places):
            means = Means(self._classes)
        self._means[key] = means
        while len(self._means) > MEANS_KEPT:
            self._means.popitem(last=False)
        new = places[means.done :]
        means.take(new, counts[new])
        return means

    def _spread(self, values: Scores) -> Scores:
        """A column as long as the dataset, from one of the samples that have a heatmap."""
        spread = np.full(len(self._dataset.ids), np.nan)
        spread[self._places] = values
        return spread

    def _tell(self, notes: Iterable[str]) -> None:
        """What the scores stand on is said once; the panel keeps saying it."""
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self._post(Told(note))

    def _live_scores(self, found: HeatmapSet) -> LiveScores:
        """The live scores of a set, made anew when it is another one or has grown."""
        live_of = (found.key, len(found.ids()), self._drawn)
        if live_of != self._live_of or self._live is None:
            if self._live is not None:
                self._live.close()
            heatmaps = found.read_all()
            self._live = LiveScores(
                heatmaps,
                self._dataset.scorable,
                sources=self._dataset.sources,
                truths=self._truths,
                cache_bytes=LIVE_CACHE_BYTES,
                elsewhere=partial(self._heatmaps.counted_elsewhere, found, len(heatmaps))
                if self._dataset.drawing is None  # the worker would know only the true masks of its start
                else None,
            )
            self._ids, labels = self._live.ids, self._dataset.label_column
            self._places = np.array([self._dataset.places[id_] for id_ in self._ids], np.int64)
            self._classes = Classes.of([labels[place] for place in self._places])
            self._means.clear()
            self._listed = 0
            grounds = ground(self._dataset, self._live.ids, heatmaps, found.identity.mark)
            self._notes = tuple(grounds.sentences)
            self._tell(self._notes)
            self._live_of = live_of
        return self._live
