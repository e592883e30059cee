"""What the screen asks for is done here, on background threads; answers are sent back.

The screen asks with whole frozen values and a generation number, and drops what is stale.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from pathlib import Path

from cliploc.core import paths
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.datasets.statistics import statistics
from cliploc.core.errors import ClipLocError, DatasetError
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.truths import Truths
from cliploc.tui.answers import (
    CandidateReady,
    CandidatesListed,
    DatasetFound,
    DifferencesFound,
    DisagreementReady,
    Encoded,
    Idle,
    SetsListed,
    StatisticsReady,
    Told,
    Trouble,
)
from cliploc.tui.comparison import Candidate, csv_of
from cliploc.tui.graphics.encode import encode
from cliploc.tui.graphics.frame import Job, PictureId
from cliploc.tui.marking import Marking, Shape
from cliploc.tui.state import ExplorerState, Listing, Source
from cliploc.tui.studio.background import BackgroundThread, Cancelled
from cliploc.tui.studio.comparer import Comparer
from cliploc.tui.studio.disagreeing import disagreement
from cliploc.tui.studio.fetching import Fetches
from cliploc.tui.studio.finding import ranked
from cliploc.tui.studio.heads import Heads
from cliploc.tui.studio.heatmaps import Heatmaps
from cliploc.tui.studio.lister import NO_FACTS, Facts, Lister
from cliploc.tui.studio.marks import Marks
from cliploc.tui.studio.painter import Painter
from cliploc.tui.studio.picture_cache import PictureCache
from cliploc.tui.studio.runs import Runs
from cliploc.tui.studio.scorer import Scorer
from cliploc.tui.studio.tallies import Tallies
from cliploc.tui.studio.wire import Question

log = logging.getLogger(__name__)
# Datasets up to this size are computed whole without being asked, so that scores appear.
COMPUTED_UNASKED = 200
ENCODERS = 4
# Rows of a table of differences: half of them the best, half the worst.
DIFFERENCES = 1000
# Seconds that the scores of a new source wait for its first picture.
FIRST_PICTURE = 1.0
# Seconds that files which are being written get after the screen is gone.
LAST_EXPORTS = 5.0


class Studio:
    """Its public methods are the requests. They return at once; answers go to `post`, from any thread.

    device: where the heatmap worker computes.
    """

    def __init__(self, dataset: Dataset, post: Callable[[object], None], device: str = "auto") -> None:
        self._dataset = dataset
        self._post = post
        self._number = 0
        self._heatmaps = Heatmaps(dataset, post, device)
        self._picture_cache = PictureCache()
        self._painter = Painter(dataset, self._heatmaps, self._picture_cache, post)
        self._truths = Truths()
        self._lister = Lister(dataset, post)
        self._scorer = Scorer(dataset, self._heatmaps, self._truths, post, self._know)
        self._tallies = Tallies(dataset, self._truths)
        self._contest = Comparer(dataset, self._heatmaps, self._painter, self._tallies)
        self._heads = Heads(dataset, self._heatmaps, self._painter, post)
        self._encoders = ThreadPoolExecutor(ENCODERS, "encode")
        self._pictures = self._thread("pictures")
        self._sheets = self._thread("sheets")
        self._scores = self._thread("scores")
        self._lists = self._thread("lists")
        self._comparison = self._thread("comparison")
        self._differences = self._thread("differences")
        self._head_scores = self._thread("head scores")
        self._marks = Marks(dataset, self._picture_cache, post, self._forget)
        self._marking = self._thread("marking")
        self._ranking = self._thread("ranking")
        self._errands = self._thread("errands", places=8)
        self._threads = (
            self._pictures,
            self._sheets,
            self._scores,
            self._lists,
            self._comparison,
            self._differences,
            self._head_scores,
            self._marking,
            self._ranking,
            self._errands,
        )
        self.runs = Runs(dataset, post, self._failed)
        self.fetches = Fetches(post, self._failed)

    def _thread(self, name: str, places: int = 1) -> BackgroundThread:
        return BackgroundThread(name, self._failed, places, self._tell_idle)

    def answer(self, request: Question) -> None:
        """Do what a request says; whatever goes wrong is answered too."""
        self._number = request.number
        try:
            if request.name == "encode":
                self._encoders.submit(self._encode, request.number, *request.arguments)
            else:
                attrgetter(request.name)(self)(*request.arguments, **request.options)
        except Exception as error:  # a process boundary: logged and reported
            log.exception("request %s", request.name)
            self._failed(error)
        self._tell_idle()

    def draw(
        self,
        generation: int,
        state: ExplorerState,
        peek: bool,
        against: tuple[Source, PostProcess] | None = None,
    ) -> None:
        """Draw the present sample; answers PicturesReady, and again when its heatmap arrives.

        against: what its scores are compared with.
        """
        self._pictures.submit(lambda _: self._painter.draw(generation, state, peek, against))

    def draw_sheet(self, generation: int, state: ExplorerState, limit: int, room: tuple[int, int]) -> None:
        """Draw the mask pictures of the first listed samples of a class as one; answers SheetReady.

        room: width and height of where it goes, in one unit.
        """

        def job(cancelled: Cancelled) -> None:
            ids = self._lister.members(self._dataset.label_of(state.sample), limit)
            self._painter.sheet(generation, state, ids, room, cancelled)

        self._sheets.submit(job, drop_running=True)

    def list_samples(self, listing: Listing, marks: frozenset[str]) -> None:
        """Filter and order the samples; answers Listed, and again whenever more is known of them."""
        self._lister.listing, self._lister.marks = listing, marks
        self._list()

    def score(self, source: Source, config: PostProcess, *, anew: bool = False) -> None:
        """Score the whole dataset under a config; answers ScoresReady: estimates, then the exact ones.

        anew: it is another source. Another config's are dropped once their first estimate is said.
        """

        self._lister.index = config.threshold_index
        if anew:
            self._lister.scores = NO_FACTS

        def job(cancelled: Cancelled) -> None:
            if anew:
                self._pictures.drain(FIRST_PICTURE)
                self._heatmaps.stored()
                if len(self._dataset.samples) <= COMPUTED_UNASKED:
                    self._heatmaps.compute_all(source)
            self._scorer.score(source, config, cancelled)

        self._scores.submit(job, drop_running=True)

    def compare(self, kind: str, state: ExplorerState, presets: Mapping[str, PostProcess]) -> None:
        """List who is compared; answers CandidatesListed, and CandidateReady for each of them."""

        def job(cancelled: Cancelled) -> None:
            found = self._contest.candidates(kind, state, presets)
            self._post(CandidatesListed(state, kind, found))
            self._stand(state, found, cancelled, found[0])

        self._comparison.submit(job, drop_running=True)

    def stand(
        self, state: ExplorerState, candidates: Sequence[Candidate], first: Candidate | None = None
    ) -> None:
        """How these candidates stand now; answers CandidateReady for each. Replaces what still waits.

        first: the one that they are compared with.
        """
        self._comparison.submit(lambda cancelled: self._stand(state, candidates, cancelled, first))

    def differences(self, mine: Candidate, other: Candidate, score: str, *, classes: bool) -> None:
        """Where one of two candidates that stand is better; answers DifferencesFound. classes: by class."""

        def job(_: Cancelled) -> None:
            found, half = self._contest.differences(mine, other, score, classes=classes), DIFFERENCES // 2
            rows = (*found[:half], *found[max(half, len(found) - half) :])
            images, left_out = sum(each.images for each in found), len(found) - len(rows)
            self._post(DifferencesFound(mine, other, score, classes, rows, images, left_out))

        self._differences.submit(job)

    def export_differences(
        self, mine: Candidate, other: Candidate, score: str, path: Path, *, classes: bool
    ) -> None:
        """Write all of them as CSV; answers Told, or Trouble."""

        def write() -> None:
            found = self._contest.differences(mine, other, score, classes=classes)
            paths.write_whole(path, csv_of(found, mine.name, other.name, score).encode())

        self._export(write, path)

    def disagree(self, config: PostProcess) -> None:
        """Score the samples with every stored set; answers DisagreementReady."""

        def job(cancelled: Cancelled) -> None:
            stored = self._heatmaps.stored()
            found = disagreement(stored, self._dataset, self._tallies, config, cancelled)
            if found is not None:
                ready, self._lister.spread = found
                self._post(DisagreementReady(ready))
                self._list()

        self._comparison.submit(job, drop_running=True)

    def rank(self, state: ExplorerState) -> None:
        """Compare the pictures with words or with one of them; answers Ranked."""

        def job(_: Cancelled) -> None:
            answer, similarity = ranked(self._heatmaps, state)
            self._lister.alike = ((state.listing.like, state.listing.near), similarity)
            self._post(answer)
            self._list()

        self._ranking.submit(job)

    def mark(self, generation: int, id_: str, marking: Marking | None) -> None:
        """Draw a sample's true mask and the shape that is begun; answers MarkingReady."""
        self._marking.submit(lambda _: self._marks.draw(generation, id_, marking))

    def add_mark(self, id_: str, shape: Shape) -> None:
        """Add a shape to a sample's true mask; answers TruthChanged."""
        self._errands.submit(lambda _: self._marks.add(id_, shape))

    def undo_mark(self, id_: str) -> None:
        """Take the last shape of a sample away; answers TruthChanged."""
        self._errands.submit(lambda _: self._marks.undo(id_))

    def clear_marks(self, id_: str) -> None:
        """Take all shapes of a sample away; answers TruthChanged."""
        self._errands.submit(lambda _: self._marks.clear(id_))

    def export_truth(self, path: Path) -> None:
        """Write what is drawn as COCO annotations; answers Told, or Trouble."""

        def write() -> None:
            if self._dataset.drawing is None:
                raise DatasetError(f"{self._dataset.name} has true masks of its own; nothing is drawn")
            paths.write_whole(path, json.dumps(self._dataset.drawing.coco(), ensure_ascii=False).encode())

        self._export(write, path)

    def statistics(self) -> None:
        """Count the dataset; answers StatisticsReady."""

        def job(_: Cancelled) -> None:
            self._post(StatisticsReady(statistics(self._dataset)))

        self._comparison.submit(job, drop_running=True)

    def head(self, generation: int, state: ExplorerState, recipe: Recipe) -> None:
        """Draw the present sample's map of the recipe's choice of heads; answers HeadReady."""
        self._comparison.submit(lambda _: self._heads.draw(generation, state, recipe))

    def score_heads(
        self, generation: int, state: ExplorerState, recipe: Recipe, *, table: bool, anew: bool
    ) -> None:
        """Score the dataset for the recipe's choice of heads; answers HeadsScored.

        table: answer HeadTableReady before. anew: drop the running one.
        """
        self._head_scores.submit(
            lambda cancelled: self._heads.score(generation, state, recipe, table, cancelled),
            drop_running=anew,
        )

    def compute(self, sources: Sequence[Source]) -> None:
        """Ask the heatmap worker for every sample of the dataset, the first source's first."""

        def job(_: Cancelled) -> None:
            for source in reversed(sources):  # it takes the latest request first
                self._heatmaps.compute_all(source)

        self._errands.submit(job)

    def list_sets(self) -> None:
        """Look which heatmap sets are stored for this dataset; answers SetsListed."""

        def job(_: Cancelled) -> None:
            self._post(SetsListed({found.name: len(found.ids()) for found in self._heatmaps.stored()}))

        self._errands.submit(job)

    def find_dataset(self, spec: str) -> None:
        """See whether a dataset can be opened; answers DatasetFound, or Trouble that says why not."""

        def job(_: Cancelled) -> None:
            open_dataset(spec)
            self._post(DatasetFound(spec))

        self._errands.submit(job)

    def export_pictures(
        self, pictures: Mapping[str, PictureId], about: Sequence[str], outlines: bool, path: Path
    ) -> None:
        """Write pictures side by side as PNG, with what is said about them; answers Told, or Trouble."""
        found = {name: self._picture_cache.get(picture_id) for name, picture_id in pictures.items()}
        present = {name: picture for name, picture in found.items() if picture is not None}

        def write() -> None:
            from cliploc.tui.studio import exports

            exports.write_pictures(present, about, outlines, path)

        self._export(write, path)

    def export_scores(self, what: str, source: Source, config: PostProcess, path: Path) -> None:
        """Write the shown scores by `samples`, by `classes` or as a `curve`; answers Told, or Trouble."""
        scored = self._scorer.latest

        def write() -> None:
            from cliploc.tui.studio import exports

            exports.write_scores(what, exports.of_state(scored, source, config), config, path)

        self._export(write, path)

    def export_text(self, text: str, path: Path) -> None:
        """Write a text; answers Told, or Trouble."""

        def write() -> None:
            with paths.atomic_write(path) as file:
                file.write(text.encode())

        self._export(write, path)

    def close(self) -> None:
        """Finish the files that are being written, and stop everything else."""
        self._errands.drain(LAST_EXPORTS)
        for thread in self._threads:
            thread.close()
        self._encoders.shutdown(wait=False, cancel_futures=True)
        self.runs.close()
        self.fetches.close()
        self._heatmaps.close()

    def _know(self, facts: Facts) -> None:
        self._lister.scores = facts
        self._list()

    def _list(self) -> None:
        self._lists.submit(lambda _: self._lister.tell())

    def _forget(self, id_: str) -> None:
        """A sample's true mask is another one: nothing that was scored on the old one counts."""
        self._lister.scores = NO_FACTS
        self._truths.forget(id_)
        self._painter.forget(id_)
        for each in (self._scorer, self._tallies, self._contest, self._heads):
            each.forget()

    def _stand(
        self,
        state: ExplorerState,
        candidates: Sequence[Candidate],
        cancelled: Cancelled,
        first: Candidate | None,
    ) -> None:
        for candidate in candidates:
            standing = self._contest.standing(candidate, state, cancelled, first)
            if standing is None:
                return
            self._post(CandidateReady(state, candidate, standing))

    def _export(self, write: Callable[[], None], path: Path) -> None:
        def job(_: Cancelled) -> None:
            write()
            self._post(Told(f"wrote {path.name} in {path.parent}"))

        self._errands.submit(job)

    def _encode(self, number: int, picture_id: PictureId, job: Job) -> None:
        picture = self._picture_cache.get(picture_id)
        frame = None
        try:
            frame = None if picture is None else encode(picture, job)
        except Exception as error:  # a thread boundary: logged and reported, and somebody waits
            log.exception("encoding")
            self._failed(error)
        self._post(Encoded(number, frame))

    def _tell_idle(self) -> None:
        # The number first: what is asked meanwhile makes a thread busy, or comes later.
        number = self._number
        if not any(thread.busy for thread in self._threads):
            self._post(Idle(number))

    def _failed(self, error: Exception) -> None:
        known = isinstance(error, ClipLocError)
        self._post(Trouble(str(error) if known else f"{type(error).__name__}: {error}"))
