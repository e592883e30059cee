"""Compose a sweep: the axes as text, what they cost at once, start detached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from cliploc.core.errors import ClipLocError, ParameterError, clean, unknown
from cliploc.core.postprocess import AXES
from cliploc.core.sweep.grid import Grid
from cliploc.tui.answers import SetsListed
from cliploc.tui.around import Around
from cliploc.tui.runs import cost_of
from cliploc.tui.screens.cut_short import CutShort

SETS, NAMES, SIDES = (
    "names of stored sets, with commas",
    "all, or names with commas",
    "first:last:step, or 41,51,61",
)
# By name, what stands in the field and what the field says when it is empty.
FIELDS = {"heatmaps": ("", SETS)} | {
    axis.name: (axis.axis, NAMES if axis.choices else SIDES) for axis in AXES
}


class ComposeScreen(CutShort, ModalScreen[None]):
    """Starts a sweep of stored heatmap sets."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back", show=False),
        Binding("ctrl+s", "start", "start", show=False),
        # With priority, or keys typed in a burst (a slow link) still go to the field that is left.
        Binding("down,tab", "app.focus_next", "next field", show=False, priority=True),
        Binding("up,shift+tab", "app.focus_previous", "previous field", show=False, priority=True),
    ]

    def __init__(self, around: Around) -> None:
        super().__init__(classes="dialog", id="compose")
        self._client, self._heatmaps, self._rate = around.client, around.heatmaps, around.rate
        self._stored: Mapping[str, int] | None = None

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Compose a sweep"
            for name, (default, hint) in FIELDS.items():
                with Horizontal(classes="field"):
                    yield Label(name)
                    value = ",".join(self._heatmaps) if name == "heatmaps" else default
                    yield Input(value, id=f"field-{name}", placeholder=hint)
            yield Static(id="allowed")
            yield Static(id="cost")
            yield Static(Content("⏎ start in the background   Tab next field   Esc back"), classes="foot")

    def on_mount(self) -> None:
        # At once: `focus()` waits its turn, and keys typed meanwhile would go to another field.
        self.set_focus(self.query_one("#field-dilate" if self._heatmaps else "#field-heatmaps", Input))
        self._show_cost()
        self._client.studio.list_sets()

    def on_descendant_focus(self) -> None:
        """Say what the field takes."""
        axis = {f"field-{axis.name}": axis for axis in AXES}.get((self.focused and self.focused.id) or "")
        how = SETS if axis is None else f"{axis.range_text()} ({NAMES if axis.choices else SIDES})"
        self.query_one("#allowed", Static).update(Content.styled(how, "$dim"))

    def on_sets_listed(self, message: SetsListed) -> None:
        """Name the stored sets, and take one where none was named."""
        self._stored = message.sets
        field = self.query_one("#field-heatmaps", Input)
        if message.sets and not field.value:
            field.value = next(iter(message.sets))
        self._show_cost()

    def on_input_changed(self) -> None:
        """Say again what it costs."""
        self._show_cost()

    def on_input_submitted(self) -> None:
        """Enter starts."""
        self.action_start()

    def grid(self) -> Grid:
        """The grid of the fields; ParameterError says which is wrong."""
        return Grid().with_({axis.name: self.query_one(f"#field-{axis.name}", Input).value for axis in AXES})

    def sets(self) -> tuple[str, ...]:
        """The names of the heatmap sets."""
        names = self.query_one("#field-heatmaps", Input).value.split(",")
        return tuple(name.strip() for name in names if name.strip())

    def _show_cost(self) -> None:
        line = self.query_one("#cost", Static)
        try:
            images = len(self._client.dataset.samples) * max(len(self.sets()), 1)
            cost = cost_of(self.grid(), images, self._rate)
            self._check_sets()
            stored = ", ".join(f"{name} ({count})" for name, count in (self._stored or {}).items())
            line.update(Content.styled(f"{cost}\nstored: {clean(stored)}" if stored else cost, "$dim"))
        except ClipLocError as error:
            line.update(Content.styled(str(error), "$worse"))

    def _check_sets(self) -> None:
        """ParameterError for a set that is not stored, once it is known which are."""
        if self._stored is None:
            return
        if not self._stored:
            raise ParameterError("no heatmaps are stored for this dataset; A in the explorer computes them")
        for name in self.sets():
            if name not in self._stored:
                raise unknown("heatmap set", name, list(self._stored))

    def action_start(self) -> None:
        """Start the sweep and go back."""
        try:
            grid = self.grid()
            self._check_sets()
        except ClipLocError as error:
            self.notify(str(error), severity="error")
            return
        if not self.sets():
            self.notify("which heatmaps? name a stored set", severity="warning")
            return
        self._client.studio.runs.start(self.sets(), grid)
        self.app.notify(f"starting a sweep of {len(grid.configs):,} configs; s shows how it does")
        self.dismiss(None)
