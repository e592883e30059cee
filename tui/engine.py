"""The only door to heatmaps, runs, live scores and pictures.

Everything slow happens on lanes (named background threads) or in the worker
process; results come back as messages. The screen asks with whole frozen
values and a generation number, and drops what is stale.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from core.datasets import Dataset, Sample
from core.errors import ClipLocError
from core.heatmaps.recipe import Recipe
from core.methods import METHODS
from core.postprocess import PostProcess
from tui.comparison import Contender
from tui.heatmaps import Heatmaps
from tui.lanes import Cancelled, Lane
from tui.messages import (
    BoardReady,
    ContenderReady,
    ContendersListed,
    DisagreementReady,
    HeadReady,
    PicturesReady,
    SheetReady,
    StatisticsReady,
    Told,
    Trouble,
)
from tui.runs import Runs
from tui.state import ExplorerState, Source, View

if TYPE_CHECKING:
    from core.sweep.live import LiveScores
    from tui.contest import Contest
    from tui.drawing import Image, Mask

log = logging.getLogger(__name__)
DECODED_KEPT = 16
# Datasets up to this size are computed whole without being asked, so that scores appear.
COMPUTED_UNASKED = 200
# Planes of codes kept for live scores: 512 images of 256 x 256 fit five times, the least
# with which they are kept at all.
LIVE_CACHE_BYTES = 170_000_000


class Engine:
    """What the screens ask. Methods return at once; answers are messages given to `post`.

    post: thread-safe, like `App.post_message`. device: where the worker computes.
    """

    def __init__(self, dataset: Dataset, post: Callable[[Message], object], device: str = "auto") -> None:
        self.dataset = dataset
        self._post = post
        self.heatmaps = Heatmaps(dataset, post, device)
        self.runs = Runs(dataset.spec, post, self._failed)
        self._pictures = Lane("pictures", self._failed)
        self._sheets = Lane("sheets", self._failed)
        self._scores = Lane("scores", self._failed)
        self._exports = Lane("exports", self._failed, places=8)
        self._comparison = Lane("comparison", self._failed)
        self._lanes = (self._pictures, self._sheets, self._scores, self._comparison, self._exports)
        self._decoded: OrderedDict[str, tuple[Image, Mask]] = OrderedDict()
        self._live: LiveScores | None = None
        self._live_of: tuple[str, int] = ("", 0)
        self._contest: Contest | None = None

    def draw(self, generation: int, state: ExplorerState, peek: bool) -> None:
        """Draw the present sample; answers PicturesReady, and again when its heatmap arrives."""
        self._pictures.submit(lambda _: self._draw(generation, state, peek))

    def draw_sheet(self, generation: int, state: ExplorerState, ids: Sequence[str], columns: int) -> None:
        """Draw the mask pictures of several samples as one; answers SheetReady."""
        self._sheets.submit(
            lambda cancelled: self._draw_sheet(generation, state, tuple(ids), columns, cancelled),
            drop_running=True,
        )

    def score(self, source: Source, config: PostProcess, *, anew: bool = False) -> None:
        """Score the whole dataset under a config; answers BoardReady. anew: drop the running one."""

        def job(cancelled: Cancelled) -> None:
            if anew:
                self.heatmaps.stored()
                if len(self.dataset.samples) <= COMPUTED_UNASKED:
                    self.heatmaps.compute_all(source)
            self._score(source, config, cancelled)

        self._scores.submit(job, drop_running=anew)

    def compare(self, kind: str, state: ExplorerState, presets: Mapping[str, PostProcess]) -> None:
        """List who is compared; answers ContendersListed, and ContenderReady for each of them."""

        def job(cancelled: Cancelled) -> None:
            found = self._contest_here().contenders(kind, state, presets)
            self._post(ContendersListed(state, kind, found))
            self._stand(state, found, cancelled)

        self._comparison.submit(job, drop_running=True)

    def stand(self, state: ExplorerState, contenders: Sequence[Contender]) -> None:
        """How these contenders stand now; answers ContenderReady for each. Replaces what still waits."""
        self._comparison.submit(lambda cancelled: self._stand(state, contenders, cancelled))

    def compute(self, sources: Sequence[Source]) -> None:
        """Ask the worker for all heatmaps of these sources, the first one's first."""

        def job(_: Cancelled) -> None:
            for source in reversed(sources):  # it takes the latest request first
                self.heatmaps.compute_all(source)

        self._exports.submit(job)  # the lane where every job is done

    def disagree(self, config: PostProcess) -> None:
        """Score the samples with every stored set; answers DisagreementReady."""
        self._comparison.submit(lambda cancelled: self._disagree(config, cancelled), drop_running=True)

    def statistics(self) -> None:
        """Count the dataset; answers StatisticsReady."""
        self._comparison.submit(lambda _: self._count(), drop_running=True)

    def head(self, generation: int, state: ExplorerState, recipe: Recipe, place: tuple[int, int]) -> None:
        """Draw the present sample's map of one layer and head; answers HeadReady."""
        self._comparison.submit(lambda _: self._head(generation, state, recipe, place))

    def export(self, write: Callable[[], None], path: Path) -> None:
        """Write a file; answers Told, or Trouble."""

        def job(_: Cancelled) -> None:
            write()
            self._post(Told(f"wrote {path.name} in {path.parent}"))

        self._exports.submit(job)

    def sources(self, template: str) -> tuple[Source, ...]:
        """Every method that fits the dataset's networks, with one template, then the imported sets."""
        names = list(METHODS)
        recipes = [Recipe(method=name, template=template).completed(self.dataset.name) for name in names]
        computed = [Source(recipe) for recipe in recipes]
        return (*computed, *(Source(stored=name) for name in self.heatmaps.imported))

    @property
    def busy(self) -> bool:
        """Whether something that was asked for is still under way on a lane."""
        return any(lane.busy for lane in self._lanes)

    def close(self) -> None:
        """Stop lanes and worker; does not wait for what they are doing."""
        for lane in self._lanes:
            lane.close()
        self.runs.close()
        self.heatmaps.close()

    def _failed(self, error: Exception) -> None:
        known = isinstance(error, ClipLocError)
        self._post(Trouble(str(error) if known else f"{type(error).__name__}: {error}"))

    def decoded(self, sample: Sample) -> tuple[Image, Mask]:
        """Image and true mask of a sample, kept for the next time. Call on a lane."""
        found = self._decoded.get(sample.id)
        if found is None:
            found = (sample.image(), sample.true_mask())
            if found[0].shape[:2] != found[1].shape:
                raise ClipLocError(
                    f"{sample.id}: the mask is {found[1].shape[1]} x {found[1].shape[0]}, its image "
                    f"{found[0].shape[1]} x {found[0].shape[0]}; `cliploc dataset check` lists all such rows"
                )
            self._decoded[sample.id] = found
            while len(self._decoded) > DECODED_KEPT:
                self._decoded.popitem(last=False)
        return found

    def _draw(self, generation: int, state: ExplorerState, peek: bool) -> None:
        # numpy and cv2 cost 0.3 s; the first paint does not wait for them.
        from tui import board, drawing

        sample = self.dataset.by_id(state.sample)
        try:
            image, true_mask = self.decoded(sample)
        except ClipLocError as error:
            self._post(PicturesReady(generation, sample.id, {}, None, str(error)))
            return
        heatmap, note = self.heatmaps.read(state.source, sample, state.prompt)
        result = drawing.drawn(image, true_mask, heatmap, state.config, state.view, peek)
        curves = None if result.counts is None else board.curves_of(result.counts)
        self._post(PicturesReady(generation, sample.id, result.pictures, curves, note))
        self.heatmaps.prefetch(state.source, sample)

    def _draw_sheet(
        self,
        generation: int,
        state: ExplorerState,
        ids: tuple[str, ...],
        columns: int,
        cancelled: Cancelled,
    ) -> None:
        from tui import drawing  # as above

        pictures = []
        for id_ in ids:
            if cancelled():
                return
            sample = self.dataset.by_id(id_)
            image, true_mask = sample.image(), sample.true_mask()
            heatmap, _ = self.heatmaps.read(state.source, sample, "")
            result = drawing.drawn(image, true_mask, heatmap, state.config, View(crop=state.view.crop), False)
            pictures.append(result.pictures.get("mask", result.pictures["truth"]))
        if pictures:
            self._post(SheetReady(generation, drawing.sheet(pictures, columns)))

    def _score(self, source: Source, config: PostProcess, cancelled: Cancelled) -> None:
        from tui.board import board_of  # as above

        live = self._live_scores(source)
        if live is None or not live.ids:
            self._post(BoardReady(None))
            return
        counts = live.counts(config, cancelled)
        if counts is None:
            return
        labels = tuple(self.dataset.by_id(id_).label for id_ in live.ids)
        self._post(BoardReady(board_of(source, config, live.ids, labels, counts)))

    def _live_scores(self, source: Source) -> LiveScores | None:
        """The live scores of a source's heatmaps, made anew when the set is another or has grown."""
        from core.sweep.live import LiveScores  # as above

        found = self.heatmaps.set_of(source)
        if found is None:
            return None
        present = len(found.ids())
        if (found.key, present) != self._live_of or self._live is None:
            if self._live is not None:
                self._live.close()
            heatmaps = found.read_all()
            self._live = LiveScores(heatmaps, self.dataset.samples, cache_bytes=LIVE_CACHE_BYTES)
            self._live_of = (found.key, present)
        return self._live

    def _count(self) -> None:
        from core.datasets.statistics import statistics  # as above

        self._post(StatisticsReady(statistics(self.dataset)))

    def _disagree(self, config: PostProcess, cancelled: Cancelled) -> None:
        from tui.disagreement import disagreement  # as above

        found = disagreement(self.heatmaps.stored(), self.dataset.samples, config, cancelled)
        if found is not None:
            self._post(DisagreementReady(found))

    def _head(self, generation: int, state: ExplorerState, recipe: Recipe, place: tuple[int, int]) -> None:
        from tui import board, drawing  # as above

        sample, source = self.dataset.by_id(state.sample), Source(recipe)
        heatmap, note = self.heatmaps.read(source, sample, "")
        image, true_mask = sample.image(), sample.true_mask()
        result = drawing.drawn(image, true_mask, heatmap, state.config, state.view, False)
        curves = None if result.counts is None else board.curves_of(result.counts)
        words = self.heatmaps.descriptions(source)
        self._post(HeadReady(generation, place, result.pictures.get("heatmap"), curves, note, words))

    def _stand(self, state: ExplorerState, contenders: Sequence[Contender], cancelled: Cancelled) -> None:
        for contender in contenders:
            standing = self._contest_here().standing(contender, state, cancelled)
            if standing is None:
                return
            self._post(ContenderReady(state, contender, standing))

    def _contest_here(self) -> Contest:
        from tui.contest import Contest  # as above

        if self._contest is None:
            self._contest = Contest(self.dataset, self.heatmaps)
        return self._contest
