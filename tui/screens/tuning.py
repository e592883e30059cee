"""What the explorer's keys do to post-processing, method and prompt; each change can be undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from cliploc.core.errors import ClipLocError, clean
from cliploc.core.parameters import Value
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.tui import presets
from cliploc.tui.prompts import is_template
from cliploc.tui.published import is_published, switched
from cliploc.tui.screens.choice import Choice, ask
from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.state import ExplorerState, History, Source
from cliploc.tui.widgets.count import Count

if TYPE_CHECKING:
    from cliploc.core.sweep.rows import Best, Cell


class Tuning:
    """What `tune(…)` does in the keymap. scores: know the present state; change: goes to another one."""

    def __init__(
        self,
        screen: Screen[None],
        scores: ShownScores,
        count: Count,
        change: Callable[[ExplorerState], None],
    ) -> None:
        self._screen, self._scores = screen, scores
        self._count, self._change = count, change
        self._history = History()
        # Where a movement of the mouse began, until it has changed something.
        self._before: ExplorerState | None = None

    @property
    def now(self) -> ExplorerState:
        """The present state."""
        return self._scores.now

    def to(self, state: ExplorerState) -> None:
        """Go to a state, and know the way back."""
        if state != self.now:
            self._history = self._history.record(self.now)
            self._change(state)

    def set(self, **changes: Any) -> None:  # noqa: ANN401  any field's value
        """Change some fields of the state."""
        self.to(self.now.with_(**changes))

    def undo(self) -> None:
        """Take the last change back."""
        self._history, state = self._history.undo(self.now)
        self._change(state)

    def redo(self) -> None:
        """Make the last undone change again."""
        self._history, state = self._history.redo(self.now)
        self._change(state)

    def step(self, name: str, direction: int) -> None:
        """Move one parameter by a step, or by a count of them."""
        self.set(config=self.now.config.stepped(name, direction * (self._count.take() or 1)))

    def put(self, name: str, value: Value, begins: bool) -> None:
        """Give one parameter a value. begins: a movement of which `undo` takes all back at once."""
        if begins:
            self._before = self.now
        state = self.now.with_(config=self.now.config.with_(**{name: value}))
        if state != self.now:
            if self._before is not None:
                self._history, self._before = self._history.record(self._before), None
            self._change(state)

    def reset(self) -> None:
        """The default post-processing."""
        self.set(config=PostProcess())

    def published(self) -> None:
        """The method and its post-processing as its authors have them; again: as we have them."""
        if self.now.source.stored:
            self._screen.notify("a stored set is what it is; m chooses a method", severity="warning")
            return
        to = switched(self.now, self._scores.dataset.template)
        self.to(to)
        recipe = to.source.recipe
        without = recipe.spec.published.without
        if is_published(to):
            self._screen.notify(
                f"{recipe.spec.title} as published: {recipe.in_words()}"
                + (f"; its authors also have {without}, which is not here" if without else "")
            )

    def best(self) -> None:
        """The threshold with the highest mean IoU of the curve that is shown."""
        now, curves = self.now, self._scores.curves(self.now.scope)
        if curves is None or now.scope in self._scores.stale():
            why = self._scores.no_truth or "no scores to tune on yet"
            self._screen.notify(why, severity="warning")
            return
        images = f"{curves.images} image{'s' * (curves.images > 1)}"
        best = now.config.with_(threshold=THRESHOLDS[curves.best("mean_iou")])
        self.set(config=best, tuned=f"threshold tuned on these {images}")

    def preset(self) -> None:
        """Use a preset; a new name saves the present post-processing."""
        try:
            known = presets.load()
        except ClipLocError as error:
            self._screen.notify(str(error), severity="error")
            return

        def chosen(name: str) -> None:
            if name in known:
                self.set(config=known[name])
                return
            try:
                presets.save(name, self.now.config)
                self._screen.notify(f"saved preset {name}")
            except ClipLocError as error:
                self._screen.notify(str(error), severity="error")

        choices = [Choice(name, name, presets.described(config)) for name, config in known.items()]
        free = "choose one, or type a new name to save the present one"
        ask(self._screen, "Presets", choices, chosen, free=free)

    def through(self, sources: tuple[Source, ...], direction: int) -> None:
        """The next of some sources, or a count of them on."""
        names, now = [source.title for source in sources], self.now.source.title
        here = names.index(now) if now in names else -1
        self.set(source=sources[(here + direction * (self._count.take() or 1)) % len(sources)])

    def prompt(self, text: str) -> None:
        """Another prompt template, or free text for this sample."""
        if is_template(text):
            self.set(source=Source(replace(self.now.source.recipe, template=text)), prompt="")
        else:
            self.set(prompt=text)

    def use(self, found: Best | Cell, heatmaps: tuple[str, ...]) -> None:
        """Take a tuned config over, with the set that it was tuned on where that is here.

        heatmaps: the set that is shown.
        """
        where = "its images" if found.heatmaps else "another dataset"
        state = self.now.with_(config=found.config, tuned=f"best cell of a sweep: tuned on {where}")
        if found.heatmaps and (found.heatmaps,) != heatmaps:
            state = state.with_(source=Source(stored=found.heatmaps), prompt="")
            self._screen.notify(f"showing {clean(found.heatmaps)}, which this was tuned on")
        self.to(state)
