"""Comparing candidates on the same samples: who takes part, and who is better where. Pure functions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cliploc.core.backbones.catalog import DEMO
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.methods import METHODS
from cliploc.core.postprocess import PostProcess
from cliploc.core.prompts import TEMPLATES
from cliploc.core.sweep.doubts import NO_NETWORK
from cliploc.tui.curves import Curves
from cliploc.tui.graphics.frame import PictureId
from cliploc.tui.state import ExplorerState, Source

# What is compared, and what is said of it in the title; and where it is chosen.
KINDS = {
    "sets": "stored heatmap sets",
    "methods": "methods",
    "templates": "prompt templates",
    "presets": "presets of one set",
}
KIND_HELP = {
    "sets": "all that are stored for this dataset",
    "methods": "all of them, with the present template",
    "templates": "all of them, with the present method",
    "presets": "one set, differently post-processed",
}


@dataclass(frozen=True)
class Candidate:
    """One way to make masks. prompt: free text for the present sample instead of the source's
    template, "" for none. alone: only the present sample is scored, as with a prompt.

    baseline: one of `cliploc.core.sweep.doubts.NO_NETWORK` instead of any heatmap, "" for none; of the
    config it has the threshold alone.
    """

    name: str
    source: Source
    config: PostProcess
    prompt: str = ""
    baseline: str = ""
    alone: bool = False


@dataclass(frozen=True)
class Versus:
    """One candidate against the first, over the samples both have, each at its own threshold.

    won, lost: on how many of them it is better, and worse. gain: the mean of what it is better by.
    margin: half the width of its 95 % interval (Student's, over source images); None for too few of them.
    """

    won: int
    lost: int
    gain: float
    margin: float | None


@dataclass(frozen=True, eq=False)
class Standing:
    """What is known of a candidate so far. A new one is another one, whatever is in it.

    coverage: names the images that are scored, "" for none. versus: how it does against the first
    candidate, by score. curves: means over these images. sample, pictures: of the present sample, as far as
    it has one. note: why it has none. failed: whether that is for good.
    """

    coverage: str = ""
    versus: Mapping[str, Versus] = field(default_factory=dict)
    curves: Curves | None = None
    sample: Curves | None = None
    pictures: Mapping[str, PictureId] = field(default_factory=dict)
    note: str = ""
    failed: bool = False

    @property
    def images(self) -> int:
        """How many images are scored."""
        return 0 if self.curves is None else self.curves.images


@dataclass(frozen=True)
class Difference:
    """One class or sample: a score of one candidate and of the other, over the samples both have.

    sample: itself, or the first of the class.
    """

    name: str
    images: int
    mine: float
    other: float
    sample: str

    @property
    def gain(self) -> float:
        """What the other one is better by."""
        return self.other - self.mine


def candidates(
    kind: str,
    state: ExplorerState,
    dataset_name: str,
    stored: Iterable[str],
    presets: Mapping[str, PostProcess],
) -> tuple[Candidate, ...]:
    """Who is compared; the present one is first, what needs no network comes last.

    stored: names of the heatmap sets, the present one's first where it has a set.
    """
    source, config = state.source, state.config
    if kind == "presets":
        others = [Candidate(name, source, preset) for name, preset in presets.items()]
        found = [Candidate("present", source, config), *others]
    elif kind == "sets":
        first, *names = stored
        others = [Candidate(name, Source(stored=name), config) for name in names]
        found = [Candidate(first, source, config), *others]
    else:
        recipes = [] if source.stored and kind == "templates" else _recipes(kind, source, dataset_name)
        sources = dict.fromkeys((source, *(Source(recipe) for recipe in recipes)))
        found = [Candidate(_name(kind, each), each, config) for each in sources]
    return (*found, *(without_network(name, source, config) for name in NO_NETWORK))


def without_network(name: str, source: Source, config: PostProcess, *, alone: bool = False) -> Candidate:
    """One of the masks that need no network, at a config's threshold. source: is not looked at."""
    return Candidate(name, source, PostProcess(threshold=config.threshold), baseline=name, alone=alone)


def under(
    config: PostProcess, candidates: Sequence[Candidate], *, presets_stay: bool
) -> tuple[Candidate, ...]:
    """The same candidates under another config. presets_stay: only the first one and baselines take it."""
    found = [
        candidate if presets_stay and index else replace(candidate, config=config)
        for index, candidate in enumerate(candidates)
    ]
    return tuple(without_network(c.name, c.source, config) if c.baseline else c for c in found)


def missing_of(standings: Mapping[Candidate, Standing], total: int) -> dict[Source, int]:
    """How many heatmaps of `total` each source that can compute them has not yet."""
    return {
        candidate.source: missing
        for candidate, standing in standings.items()
        if not candidate.source.stored and not candidate.baseline
        if (missing := total - standing.images)
    }


def _name(kind: str, source: Source) -> str:
    return source.recipe.template if kind == "templates" and not source.stored else source.title


def _recipes(kind: str, source: Source, dataset_name: str) -> Sequence[Recipe]:
    if kind == "methods":
        return rivals(source, dataset_name)
    return [replace(source.recipe, template=template) for template in TEMPLATES]


def rivals(source: Source, dataset_name: str) -> list[Recipe]:
    """The other methods with the source's template: on its network where somebody chose one.

    A network is chosen when it is not the method's usual one; methods that read another
    kind of network keep theirs. A stored set has all methods as rivals.
    """
    mine = source.recipe
    usual = Recipe(mine.method).completed(dataset_name)
    chosen = not source.stored and (mine.backbone, mine.weights) != (usual.backbone, usual.weights)
    kind = DEMO.get(mine.backbone)  # of others it is known once they are loaded
    found = []
    for spec in METHODS.values():
        recipe = Recipe(spec.name, template=mine.template)
        alike = kind in spec.families if kind else spec.families[0] == mine.spec.families[0]
        if chosen and alike:
            recipe = replace(recipe, backbone=mine.backbone, checkpoint=mine.weights)
        if source.stored or spec.name != mine.method:
            found.append(recipe.completed(dataset_name))
    return found


def doubt_of(standing: Standing, whole: Standing) -> str:
    """What speaks against a candidate's best threshold; "" for nothing. whole: the whole image as a mask."""
    mine, other = standing.curves, comparable([standing, whole])[1]
    if mine is None or other is None:
        return ""
    best, unbeaten = (each.at("mean_iou", each.best("mean_iou")) for each in (mine, other))
    return "no better than the whole image" if best <= unbeaten else ""


def comparable(standings: Sequence[Standing]) -> list[Curves | None]:
    """Mean curves of those that are scored on the same images as the first; None for the others."""
    return [each.curves if each.coverage == standings[0].coverage else None for each in standings]


def window(count: int, cursor: int, panes: int, kept: int = 0) -> tuple[int, ...]:
    """Which of `count` rows `panes` panes show: the first `kept`, then those around the cursor."""
    if count <= panes:
        return tuple(range(count))
    room = panes - kept
    start = min(max(cursor - room // 2, kept), count - room)
    return (*range(kept), *range(start, start + room))


def csv_of(differences: Iterable[Difference], mine: str, other: str, score: str) -> str:
    """The table as CSV."""
    rows = [(d.name, d.images, d.mine, d.other, d.gain) for d in differences]
    return csv_text(("name", "images", f"{score} of {mine}", f"{score} of {other}", "difference"), rows)


def csv_text(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV; numbers are written so that they read back the same."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(rows)
    return text.getvalue()
