"""The explorer's state: one frozen value. A change makes a new one.

Undo is then a list, a session is `to_dict` in a file, and a test needs no
screen. Standard library only: it is alive before the first paint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from cliploc.core.errors import ClipLocError
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.methods import METHODS
from cliploc.core.postprocess import PostProcess

PICTURES = ("image", "heatmap", "mask", "truth")
SCOPES = ("sample", "class", "all")
# What samples are ordered by and which are listed, with what that means.
SORTS = {
    "table": "the dataset's order, by class",
    "id": "alphabetical",
    "IoU": "worst first, at the present threshold",
    "best IoU": "worst first, each sample at its own best threshold (oracle)",
    "best threshold": "each sample's own best (oracle)",
    "mask area": "smallest object first",
    "disagreement": "most first: deviation of the IoU over stored sets, or between masks",
    "similarity": "most alike first: to words, or to a picture (R)",
}
FACETS = {
    "all": "every sample",
    "small": "true mask below 5 % of the image",
    "medium": "5 to 25 %",
    "large": "25 % and more",
    "failures": "IoU below 0.3 at the present threshold",
    "marked": "those marked with *",
}
LAYOUTS = ("auto", "single", "pair", "four", "sheet")
COLOURS = ("inferno", "viridis", "magma", "plasma", "cividis", "grey")
OPACITY_STEP = 0.1
ZOOMS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
PAN_STEP = 0.25
HISTORY_LIMIT = 500


def following(choices: tuple[str, ...], present: str) -> str:
    """The choice after the present one, going round."""
    return choices[(choices.index(present) + 1) % len(choices)]


@dataclass(frozen=True)
class Source:
    """Where heatmaps come from: a recipe that the worker follows, or a stored set.

    stored: the name of a heatmap set; when it is given nothing is computed.
    """

    recipe: Recipe = field(default_factory=lambda: Recipe(method="gem"))
    stored: str = ""

    @property
    def title(self) -> str:
        """What people call it: the method's title, or the set's name."""
        known = METHODS.get(self.recipe.method)
        return self.stored or (known.title if known else self.recipe.method)


@dataclass(frozen=True)
class View:
    """How the pictures are shown. pictures: those chosen; () lets the layout choose.

    crop: show only the surroundings of the true mask. outlines: masks as outlines, not filled.
    zoom: one of ZOOMS; x, y: the middle of what is shown, in [0, 1] of the picture.
    """

    layout: str = "auto"
    pictures: tuple[str, ...] = ()
    opacity: float = 0.6
    colours: str = "inferno"
    crop: bool = False
    outlines: bool = False
    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5

    def zoomed(self, steps: int) -> View:
        """Closer by steps through ZOOMS, or further; the middle stays where the window allows."""
        place = ZOOMS.index(self.zoom) + steps
        return replace(self, zoom=ZOOMS[min(max(place, 0), len(ZOOMS) - 1)]).moved(0, 0)

    def moved(self, right: int, down: int) -> View:
        """The window moved by quarters of itself; it stays inside the picture."""
        edge, step = 0.5 / self.zoom, PAN_STEP / self.zoom
        x, y = self.x + right * step, self.y + down * step
        return replace(self, x=min(max(edge, x), 1 - edge), y=min(max(edge, y), 1 - edge))

    def whole(self) -> View:
        """The whole picture."""
        return replace(self, zoom=1.0, x=0.5, y=0.5)

    def outlined(self) -> View:
        """Masks as outlines, or filled again."""
        return replace(self, outlines=not self.outlines)

    def cropped(self) -> View:
        """Only the surroundings of the true mask, or everything again."""
        return replace(self, crop=not self.crop)

    def recoloured(self) -> View:
        """The next colour map."""
        return replace(self, colours=following(COLOURS, self.colours))

    def opaque(self, steps: int) -> View:
        """The heatmap more or less opaque over the image."""
        opacity = self.opacity + steps * OPACITY_STEP
        return replace(self, opacity=round(min(max(opacity, 0.0), 1.0), 2))

    def laid_out(self) -> View:
        """The next layout, with what it has room for."""
        return replace(self, layout=following(LAYOUTS, self.layout), pictures=())


@dataclass(frozen=True)
class Listing:
    """Which samples are listed, in which order. text: what `/` looks for in class and id.

    like: the words, or near: the id of the sample, that the order `similarity` compares pictures with.
    """

    text: str = ""
    sort: str = "table"
    facet: str = "all"
    like: str = ""
    near: str = ""

    def ranked(self, like: str, near: str) -> Listing:
        """The same ones by similarity to words, or without any to a sample."""
        return replace(self, sort="similarity", like=like, near="" if like else near)


@dataclass(frozen=True)
class ExplorerState:
    """Everything that the explorer shows depends on this and on the dataset.

    prompt: free text for the present sample's heatmap; "" uses the source's template.
    scope: whose curve is drawn, one of SCOPES. tuned: on what the config was tuned, in words; "" where it
    was not.
    """

    sample: str
    source: Source
    config: PostProcess = field(default_factory=PostProcess)
    tuned: str = ""
    prompt: str = ""
    view: View = View()
    listing: Listing = Listing()
    scope: str = "all"
    marks: frozenset[str] = frozenset()

    def with_(self, **changes: Any) -> ExplorerState:  # noqa: ANN401 (any field's value)
        """A copy with some fields changed; another config is one that nobody has tuned."""
        if changes.get("config", self.config) != self.config:
            changes = {"tuned": "", **changes}
        return replace(self, **changes)

    def tuned_like(self, other: ExplorerState) -> ExplorerState:
        """A copy that makes masks as `other` does, and shows what this one shows."""
        return replace(self, source=other.source, config=other.config, tuned=other.tuned, prompt=other.prompt)

    def to_dict(self) -> dict[str, object]:
        """Plain values for the session file."""
        values = asdict(self)
        values["source"] = {"recipe": self.source.recipe.to_dict(), "stored": self.source.stored}
        values["view"]["pictures"] = list(self.view.pictures)
        values["marks"] = sorted(self.marks)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], fallback: ExplorerState) -> ExplorerState:
        """Read what a session file holds; whatever is missing, unknown or broken is `fallback`'s."""
        return replace(
            fallback,
            sample=_text(values, "sample", fallback.sample),
            source=_source(values.get("source"), fallback.source),
            config=_config(values.get("config"), fallback.config),
            tuned=_text(values, "tuned", fallback.tuned),
            view=_view(_part(values, "view", fallback.view), fallback.view),
            listing=_listing(_part(values, "listing", fallback.listing)),
            scope=_one_of(values.get("scope"), SCOPES, fallback.scope),
            marks=frozenset(mark for mark in _list(values.get("marks")) if isinstance(mark, str)),
        )


@dataclass(frozen=True)
class History:
    """The states before the present one and, after an undo, those after it."""

    past: tuple[ExplorerState, ...] = ()
    future: tuple[ExplorerState, ...] = ()

    def record(self, before: ExplorerState) -> History:
        """Remember the state that a change leaves; what was undone is forgotten."""
        return History((*self.past, before)[-HISTORY_LIMIT:])

    def undo(self, present: ExplorerState) -> tuple[History, ExplorerState]:
        """Go one change back; the present state when there is none."""
        if not self.past:
            return self, present
        return History(self.past[:-1], (*self.future, present)), present.tuned_like(self.past[-1])

    def redo(self, present: ExplorerState) -> tuple[History, ExplorerState]:
        """Go one undone change forward; the present state when there is none."""
        if not self.future:
            return self, present
        return History((*self.past, present), self.future[:-1]), present.tuned_like(self.future[-1])


@dataclass(frozen=True)
class Jumps:
    """Samples that were left by a jump, and those left by jumping back."""

    back: tuple[str, ...] = ()
    forward: tuple[str, ...] = ()

    def left(self, sample: str) -> Jumps:
        """Remember the sample that a jump leaves."""
        return Jumps((*self.back, sample)[-HISTORY_LIMIT:])

    def go_back(self, present: str) -> tuple[Jumps, str]:
        """The sample before the last jump; the present one when there was none."""
        if not self.back:
            return self, present
        return Jumps(self.back[:-1], (*self.forward, present)), self.back[-1]

    def go_forward(self, present: str) -> tuple[Jumps, str]:
        """The sample that jumping back left; the present one when there was none."""
        if not self.forward:
            return self, present
        return Jumps((*self.back, present), self.forward[:-1]), self.forward[-1]


def _part(values: Mapping[str, Any], name: str, fallback: Any) -> Any:  # noqa: ANN401
    """One nested dataclass, field by field, keeping only values of the fallback's type."""
    found = values.get(name)
    if not isinstance(found, Mapping):
        return fallback
    kept = {
        item.name: found[item.name]
        for item in fields(fallback)
        if type(found.get(item.name)) is type(getattr(fallback, item.name))
    }
    return replace(fallback, **kept)


def _source(values: object, fallback: Source) -> Source:
    if not isinstance(values, Mapping) or not isinstance(values.get("recipe"), Mapping):
        return fallback
    try:
        recipe = Recipe.from_dict(values["recipe"])
        if not values.get("stored"):
            recipe = recipe.completed("")
    except (ClipLocError, TypeError):
        return fallback
    return Source(recipe, _text(values, "stored", ""))


def _config(values: object, fallback: PostProcess) -> PostProcess:
    try:
        return PostProcess.from_dict(values) if isinstance(values, Mapping) else fallback
    except ClipLocError:
        return fallback


def _view(view: View, fallback: View) -> View:
    return replace(
        view,
        layout=_one_of(view.layout, LAYOUTS, fallback.layout),
        colours=_one_of(view.colours, COLOURS, fallback.colours),
        opacity=min(max(view.opacity, 0.0), 1.0),
        zoom=view.zoom if view.zoom in ZOOMS else fallback.zoom,
        pictures=(),
    ).moved(0, 0)


def _listing(listing: Listing) -> Listing:
    sort = _one_of(listing.sort, tuple(SORTS), "table")
    return replace(listing, sort=sort, facet=_one_of(listing.facet, tuple(FACETS), "all"))


def _one_of(value: object, choices: tuple[str, ...], fallback: str) -> str:
    return value if isinstance(value, str) and value in choices else fallback


def _text(values: Mapping[str, Any], name: str, fallback: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else fallback


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
