"""The app: screens, theme, keys, notices and signals. It knows nothing about heatmaps."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.events import DescendantFocus
from textual.screen import ModalScreen, Screen
from textual.theme import Theme
from textual.widgets import Input

from cliploc.core.child import Process
from cliploc.core.datasets import Dataset
from cliploc.core.errors import ClipLocError
from cliploc.core.terminal import Terminal
from cliploc.tui import session, themes
from cliploc.tui.actions import ACTIONS
from cliploc.tui.answers import DatasetFound, RunsRead, StudioBack, Told, Trouble
from cliploc.tui.graphics.pacing import Link
from cliploc.tui.graphics.screen_diff import LayoutDiff, ScreenDiff, Shown
from cliploc.tui.keymap import ALIVE, action_named, bindings_for, shown
from cliploc.tui.messages import Answered, message_of
from cliploc.tui.state import ExplorerState
from cliploc.tui.studio_client import StudioClient
from cliploc.tui.textual_private import ChopsUpdate, LayoutUpdate, OwnDisplay, driver_of, forget_drawn
from cliploc.tui.widgets.lines import StatusLine, title_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cliploc.core.sweep.rows import RunRow
    from cliploc.tui.screens.explorer import ExplorerScreen

log = logging.getLogger(__name__)
# Classes that app.tcss lays the screen out by, and the characters they begin at.
WIDTHS = [(0, "-tiny"), (80, "-narrow"), (112, "-normal"), (176, "-wide")]
HEIGHTS = [(0, "-flat"), (24, "-low"), (36, "-tall"), (54, "-high")]
POLL_SECONDS = 1.0
SETTLED_SECONDS = 3.0
AT_WORK = ("running", "waiting")
HINT = "j k walk, d e t tune the mask, = finds the best threshold, W opens your data, ? shows all keys"
SIGNALS = (signal.SIGHUP, signal.SIGTERM)


@dataclass(frozen=True)
class Reopen:
    """What the app exits with to be started again on another dataset."""

    dataset: str


class ExplorerApp(OwnDisplay[int | Reopen]):
    """`cliploc-tui`. Exits with 0, 128 + the signal that ended it, or Reopen."""

    TITLE = "cliploc"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    # Ours, below, has every action of the screen; Textual's has a few of its own.
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("app")]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(
        self,
        dataset: Dataset,
        state: ExplorerState,
        terminal: Terminal,
        keymap: Mapping[str, str],
        *,
        device: str = "auto",
        theme: str = "cliploc-dark",
        studio: Process | None = None,
        **options: Any,  # noqa: ANN401 (App's own)
    ) -> None:
        super().__init__(**options)
        for own in themes.THEMES:
            self.register_theme(own)
        self.theme = theme
        self.keymap = dict(keymap)
        # Textual lays a keymap over the bindings at each key press: only what differs.
        default = {action.name: action.keys for action in ACTIONS}
        self.set_keymap({name: keys for name, keys in self.keymap.items() if keys != default.get(name)})
        self.dataset = dataset
        self.client = StudioClient(dataset, self._from_studio, device, studio)
        self.encode_picture = self.client.encode
        self._first_state, self._terminal = state, terminal
        self._shown, self._shown_since = Shown(), (0, 0)
        self.notices: list[str] = []
        self.greeting = ""
        self.runs: tuple[RunRow, ...] = ()

    @cached_property
    def explorer(self) -> ExplorerScreen:
        """The explorer's screen; it and its widgets are imported when it is first asked for."""
        from cliploc.tui.screens.explorer import ExplorerScreen

        return ExplorerScreen(self.client, self._first_state, self._terminal, self.keymap)

    def compose(self) -> ComposeResult:
        """What is painted before the explorer is loaded: its first line."""
        line = StatusLine(id="status")
        line.left = title_of(self.dataset)
        yield line

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables, for themes that do not define them."""
        return themes.defaults(self._theme_in_use())

    def _theme_in_use(self) -> Theme:
        return self.get_theme(self.theme) or themes.THEMES[0]

    def _from_studio(self, answer: object) -> None:
        """Called on another thread: hand what the studio says to the event loop."""
        self.post_message(Answered(answer))

    def on_answered(self, message: Answered) -> None:
        """Offer an answer to the app and to every screen: who did not ask does not hear it, or sees that."""
        # The first one, which is below all others, hears nothing and would be painted for it.
        screens: set[Screen[Any]] = {self.explorer, *self.screen_stack[1:]}
        self.post_message(message_of(message.answer))
        for screen in screens:
            screen.post_message(message_of(message.answer))

    def on_mount(self) -> None:
        self.call_after_refresh(self._open)
        self.set_interval(POLL_SECONDS, self.client.studio.runs.poll)
        for number in SIGNALS:
            # A dropped connection: leave through the front door, so that the session is kept.
            asyncio.get_running_loop().add_signal_handler(number, self.exit, 128 + number)

    def _open(self) -> None:
        """After the first paint: load and show the rest."""
        gc.enable()
        if not self.is_headless:
            self._spare()
            self.set_timer(SETTLED_SECONDS, self._spare)
        self.push_screen(self.explorer)
        if self.greeting:
            self.notify(self.greeting, severity="error", timeout=10)
        elif not session.hints_seen():
            self.notify(HINT, title="welcome", timeout=12)
            session.mark_hints_seen()

    def displayed(self, renderable: RenderableType | None) -> RenderableType | None:
        """Of an update, send what differs from what is there."""
        link: Link | None = getattr(driver_of(self), "link", None)
        times = (0, 0) if link is None else (link.sessions, link.resizes)
        if not isinstance(renderable, ChopsUpdate | LayoutUpdate | None) or times != self._shown_since:
            self._shown.forget()
            self._shown_since = times
        if isinstance(renderable, ChopsUpdate):
            return ScreenDiff(renderable, self._shown)
        if isinstance(renderable, LayoutUpdate):
            return LayoutDiff(renderable, self._shown)
        return renderable

    def pop_screen(self) -> AwaitComplete:
        """Back to the screen below."""
        forget_drawn()
        return super().pop_screen()

    def action_redraw(self) -> None:
        """Write the whole screen again: another program may have written on it."""
        self._shown.forget()
        self.screen.refresh(layout=True)
        self.notify("redrawn", timeout=1)

    def _spare(self) -> None:
        """Never look for garbage in what is there now: that would hold the event loop for long."""
        gc.freeze()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A cursor that blinks would write to the terminal for ever: over SSH, nothing is sent at rest."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def on_studio_back(self, _: StudioBack) -> None:
        """What is shown is asked for anew."""
        self.explorer.ask_anew()

    def on_dataset_found(self, message: DatasetFound) -> None:
        """Leave this dataset for the one that was found."""
        self.exit(Reopen(message.spec))

    def on_trouble(self, message: Trouble) -> None:
        """Say it once, and keep it."""
        self.notify(message.text, severity="error", markup=False, timeout=8)

    def on_told(self, message: Told) -> None:
        """Confirm what was done."""
        self.notify(message.text)

    def on_runs_read(self, message: RunsRead) -> None:
        """Keep the runs, and say which have ended."""
        before = {run.id: run.state for run in self.runs}
        self.runs = message.runs
        for run in message.runs:
            if before.get(run.id) in AT_WORK and run.state not in AT_WORK:
                score = f", best mean IoU {run.best.mean_iou:.4f} (tuned)" if run.best else ""
                self.notify(f"sweep {run.id[:8]} is {run.state}{score}")

    def notify(self, message: str, **options: Any) -> None:  # noqa: ANN401
        """Show a notice and keep it for the history; text is never markup."""
        self.notices.append(message)
        super().notify(message, **{"markup": False, **options})

    def action_help(self) -> None:
        """Show the keys."""
        from cliploc.tui.screens.help import HelpScreen

        scope = getattr(self.screen, "SCOPE", "explorer")
        self.push_screen(HelpScreen(scope, self.keymap))

    def action_palette(self) -> None:
        """Find an action of this screen by its words, and do it."""
        from cliploc.tui.screens.choice import Choice, ask

        screen = self.screen
        if isinstance(screen, ModalScreen):
            return

        async def chosen(name: str) -> None:
            action = action_named(name)
            await self.run_action(action.call, self if action.scope == "app" else screen)

        scope = getattr(screen, "SCOPE", "explorer")
        choices = [
            Choice(action.name, action.help, shown(self.keymap[action.name]))
            for action in ACTIONS
            if action.scope in ALIVE[scope] and action.name != "palette"
        ]
        ask(self, "Commands", choices, chosen)

    def action_theme(self) -> None:
        """Choose the colours."""
        from cliploc.tui.screens.choice import Choice, ask

        choices = [Choice(name, name.removeprefix("cliploc-")) for name in themes.NAMES]
        ask(self, "Theme", choices, partial(setattr, self, "theme"), present=self.theme)

    def action_notices(self) -> None:
        """Show past notifications."""
        from cliploc.tui.screens.choice import Choice, ask

        choices = [Choice(str(n), text) for n, text in enumerate(reversed(self.notices))]
        ask(self, "Notifications", choices or [Choice("", "none so far")], lambda _: None)

    async def action_quit(self) -> None:
        """Leave; what was started stays running."""
        self.exit(0)

    def leave(self) -> None:
        """After the last frame: keep the session and end the worker. Never raises."""
        try:
            session.save(self.dataset.spec, self.explorer.now)
        except ClipLocError as error:
            log.warning("session not saved: %s", error)
        self.client.close()
