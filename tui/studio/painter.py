"""Samples drawn with their heatmaps, as kept pictures that the screen shows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from cliploc.core.codes import codes_for
from cliploc.core.datasets import Dataset, Sample
from cliploc.core.errors import ClipLocError
from cliploc.core.metrics import counts_of
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import AnyHeatmap
from cliploc.tui.answers import PicturesReady, SheetReady
from cliploc.tui.curves import Curves
from cliploc.tui.graphics.frame import PictureId
from cliploc.tui.state import ExplorerState, Source, View
from cliploc.tui.studio import drawing, scoring
from cliploc.tui.studio.background import Cancelled
from cliploc.tui.studio.drawing import Decoded
from cliploc.tui.studio.heatmaps import Heatmaps
from cliploc.tui.studio.picture_cache import PictureCache

DECODED_KEPT = 64


class Painter:
    """Draws with what is stored; a missing heatmap is asked for, and drawn when the screen asks again."""

    def __init__(
        self,
        dataset: Dataset,
        heatmaps: Heatmaps,
        picture_cache: PictureCache,
        post: Callable[[object], object],
    ) -> None:
        self._dataset = dataset
        self._heatmaps = heatmaps
        self._picture_cache = picture_cache
        self._post = post
        self._decoded: OrderedDict[str, Decoded] = OrderedDict()
        self._truths = 0
        # The last sample's scores that others were compared with.
        self._compared: tuple[object, Curves | None] = (None, None)

    def draw(
        self,
        generation: int,
        state: ExplorerState,
        peek: bool,
        against: tuple[Source, PostProcess] | None = None,
    ) -> None:
        """The present sample's pictures, or why they cannot be drawn."""
        sample = self._dataset.by_id(state.sample)
        try:
            decoded = self._read(sample)
        except ClipLocError as error:
            self._post(PicturesReady(generation, state, {}, None, None, str(error)))
            return
        heatmap, note = self._heatmaps.read(state.source, sample, state.prompt)
        result = drawing.drawn(decoded, heatmap, state.config, state.view, peek)
        before = None if against is None else self._before(sample, decoded, *against)
        pictures, curves = self._plated(result), _curves(result)
        self._post(PicturesReady(generation, state, pictures, curves, result.region, note, against, before))
        self._heatmaps.prefetch(state.source, sample)

    def sheet(
        self,
        generation: int,
        state: ExplorerState,
        ids: tuple[str, ...],
        room: tuple[int, int],
        cancelled: Cancelled,
    ) -> None:
        """The mask pictures of several samples as one. room: width and height of where it goes."""
        pictures = []
        for id_ in ids:
            if cancelled():
                return
            sample = self._dataset.by_id(id_)
            decoded = self._decode(sample)
            heatmap, _ = self._heatmaps.read(state.source, sample, "")
            result = drawing.drawn(decoded, heatmap, state.config, View(crop=state.view.crop), False)
            shown = (result.pictures.get(name) for name in ("mask", "truth", "image"))
            pictures.append(next(picture for picture in shown if picture is not None))
        if pictures:
            self._post(SheetReady(generation, self._picture_cache.add(drawing.sheet(pictures, room))))

    def pictures(
        self, state: ExplorerState, heatmap: AnyHeatmap | None, config: PostProcess
    ) -> tuple[dict[str, PictureId], Curves | None]:
        """The present sample's pictures by name, under a heatmap and a config, and its scores."""
        decoded = self._read(self._dataset.by_id(state.sample))
        result = drawing.drawn(decoded, heatmap, config, state.view, False)
        return self._plated(result), _curves(result)

    def _before(self, sample: Sample, decoded: Decoded, source: Source, config: PostProcess) -> Curves | None:
        """A sample's scores under another source and config; None without a true mask or a stored heatmap."""
        key, truth = (decoded, source, config), decoded.true_mask
        if self._compared[0] != key:
            found = self._heatmaps.set_of(source)
            heatmap = None if found is None else found.read(sample.id)
            if heatmap is None or truth is None:
                return None
            counts = counts_of(codes_for(heatmap, truth.shape, config), truth, decoded.ignored)
            self._compared = (key, scoring.curves_of(counts))
        return self._compared[1]

    def _plated(self, result: drawing.Drawn) -> dict[str, PictureId]:
        return {name: self._picture_cache.add(picture) for name, picture in result.pictures.items()}

    def _read(self, sample: Sample) -> Decoded:
        """The files of a sample, kept for the next time."""
        truths, found = self._truths, self._decoded.get(sample.id)
        if found is None:
            found = self._decode(sample)
            if truths != self._truths:
                return found
            self._decoded[sample.id] = found
            while len(self._decoded) > DECODED_KEPT:
                # Another thread may have dropped one at the same moment.
                self._decoded.pop(next(iter(self._decoded)), None)
        return found

    def _decode(self, sample: Sample) -> Decoded:
        is_marked = sample.id not in self._dataset.without_truth
        return Decoded(sample.image(), sample.true_mask() if is_marked else None, sample.ignored())

    def forget(self, id_: str) -> None:
        """A sample's true mask is another one; what is being read meanwhile is not kept."""
        self._truths += 1
        self._decoded.pop(id_, None)


def _curves(result: drawing.Drawn) -> Curves | None:
    return None if result.counts is None else scoring.curves_of(result.counts)
