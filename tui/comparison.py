"""Comparing contenders on the same samples: who takes part, and who is better where. Pure functions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.heatmaps.recipe import Recipe
from core.methods import METHODS
from core.postprocess import PostProcess
from core.prompts import TEMPLATES
from tui.curves import Curves
from tui.graphics.frame import Plate
from tui.state import ExplorerState, Source

NORMAL = 1.959964
# Of 1 to 6 degrees of freedom; from there on an expansion is close enough.
STUDENT = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469)
# What is compared, and what is said of it in the title.
KINDS = {
    "sets": "stored heatmap sets",
    "methods": "methods",
    "templates": "prompt templates",
    "presets": "presets of one set",
}


@dataclass(frozen=True)
class Contender:
    """One way to make masks. prompt: free text instead of the source's template, "" for none."""

    name: str
    source: Source
    config: PostProcess
    prompt: str = ""


@dataclass(frozen=True, eq=False)
class Standing:
    """What is known of a contender so far. A new one is another one, whatever is in it.

    scores: at its threshold, by score and sample id, of the images that have a heatmap.
    curves: their means. sample, pictures: of the present sample, as far as it has one.
    note: why it has none. failed: whether that is for good.
    """

    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    curves: Curves | None = None
    sample: Curves | None = None
    pictures: Mapping[str, Plate] = field(default_factory=dict)
    note: str = ""
    failed: bool = False

    @property
    def images(self) -> int:
        """How many images are scored."""
        return 0 if self.curves is None else self.curves.images


@dataclass(frozen=True)
class Difference:
    """One class or sample: a score of one contender and of the other, over the samples both have."""

    name: str
    images: int
    mine: float
    other: float

    @property
    def gain(self) -> float:
        """What the other one is better by."""
        return self.other - self.mine


def contenders(
    kind: str,
    state: ExplorerState,
    dataset_name: str,
    stored: Iterable[str],
    presets: Mapping[str, PostProcess],
) -> tuple[Contender, ...]:
    """Who is compared; the present one is first.

    stored: names of the heatmap sets, the present one's first where it has a set.
    """
    source, config = state.source, state.config
    if kind == "presets":
        others = [Contender(name, source, preset) for name, preset in presets.items()]
        return (Contender("present", source, config), *others)
    if kind == "sets":
        first, *names = stored
        others = [Contender(name, Source(stored=name), config) for name in names]
        return (Contender(first, source, config), *others)
    recipes = [] if source.stored and kind == "templates" else _recipes(kind, source, dataset_name)
    found = dict.fromkeys((source, *(Source(recipe) for recipe in recipes)))
    return tuple(Contender(_name(kind, each), each, config) for each in found)


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
    found = []
    for spec in METHODS.values():
        recipe = Recipe(spec.name, template=mine.template)
        if chosen and spec.families == mine.spec.families:
            recipe = replace(recipe, backbone=mine.backbone, checkpoint=mine.weights)
        if source.stored or spec.name != mine.method:
            found.append(recipe.completed(dataset_name))
    return found


@dataclass(frozen=True)
class Versus:
    """One contender against the first, over the samples both have, each at its own threshold.

    won, lost: on how many of them it is better, and worse. gain: the mean of what it is better by.
    margin: half the width of its 95 % interval (Student's, over the samples); None for fewer than two.
    """

    won: int
    lost: int
    gain: float
    margin: float | None


def versus(mine: Standing, other: Standing, score: str) -> Versus | None:
    """How the other one does against the first; None where they have no sample in common."""
    second = other.scores.get(score, {})
    gains = [second[id_] - value for id_, value in mine.scores.get(score, {}).items() if id_ in second]
    if not gains:
        return None
    won, lost = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    margin = None
    if len(gains) > 1:
        margin = student(len(gains) - 1) * statistics.stdev(gains) / math.sqrt(len(gains))
    return Versus(won, lost, statistics.fmean(gains), margin)


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's distribution. freedom: degrees of freedom, 1 or more."""
    if freedom <= len(STUDENT):
        return STUDENT[freedom - 1]
    # Expanded around the normal one (Abramowitz and Stegun, 26.7.5); off by less than 0.002 here.
    z = NORMAL
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / math.pow(freedom, power) for power, term in enumerate(terms, 1))


def by_sample(mine: Standing, other: Standing, score: str) -> list[Difference]:
    """Differences by sample, the largest gain first."""
    first, second = mine.scores.get(score, {}), other.scores.get(score, {})
    found = [Difference(id_, 1, value, second[id_]) for id_, value in first.items() if id_ in second]
    return sorted(found, key=lambda d: -d.gain)


def by_class(mine: Standing, other: Standing, score: str, labels: Mapping[str, str]) -> list[Difference]:
    """Differences by class, each averaged over its samples, the largest gain first. labels: by sample id."""
    groups: dict[str, list[Difference]] = {}
    for difference in by_sample(mine, other, score):
        groups.setdefault(labels[difference.name], []).append(difference)
    found = [
        Difference(
            label,
            len(members),
            sum(d.mine for d in members) / len(members),
            sum(d.other for d in members) / len(members),
        )
        for label, members in groups.items()
    ]
    return sorted(found, key=lambda d: -d.gain)


def comparable(standings: Sequence[Standing]) -> list[Curves | None]:
    """Mean curves of those that are scored on the same images as the first; None for the others."""
    ids = {frozenset(s.scores.get("mean_iou", ())) for s in standings[:1]}
    return [s.curves if frozenset(s.scores.get("mean_iou", ())) in ids else None for s in standings]


def window(count: int, cursor: int, panes: int, kept: int = 0) -> tuple[int, ...]:
    """Which of `count` rows `panes` panes show: the first `kept`, then those around the cursor."""
    if count <= panes:
        return tuple(range(count))
    room = panes - kept
    start = min(max(cursor - room // 2, kept), count - room)
    return (*range(kept), *range(start, start + room))


def csv_of(differences: list[Difference], mine: str, other: str, score: str) -> str:
    """The table as CSV."""
    lines = [f"name,images,{quoted(f'{score} of {mine}')},{quoted(f'{score} of {other}')},difference"]
    lines += [f"{quoted(d.name)},{d.images},{d.mine!r},{d.other!r},{d.gain!r}" for d in differences]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A CSV field."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text
