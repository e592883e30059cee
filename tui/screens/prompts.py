"""Several prompts at once: one sample's heatmap, IoU and best threshold for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.markup import escape
from textual.widgets import DataTable, Input, Static

from cliploc.core.errors import clean
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep.doubts import NO_NETWORK
from cliploc.tui.answers import CandidateReady, HeatmapsArrived
from cliploc.tui.around import Around
from cliploc.tui.comparison import Candidate, Standing, without_network
from cliploc.tui.curves import figure
from cliploc.tui.keymap import bindings_for
from cliploc.tui.prompts import MOST, SEPARATOR, edited, prompts_in
from cliploc.tui.screens.page import Page
from cliploc.tui.standings import Standings
from cliploc.tui.textual_private import Table
from cliploc.tui.widgets.candidate_panes import CandidatePanes, Item
from cliploc.tui.widgets.iou_curves import ScoreCurves, colour_of
from cliploc.tui.widgets.tables import rewrite, right

PLACEHOLDER = f"a text for this sample, or several: one {SEPARATOR} two"
HEADINGS = ("IoU", "best IoU*", "at*")
# Actions after which keys are text.
TYPING = ("prompts.add", "prompts.edit")
TUNED = "* at the best threshold of this sample: tuned on it"


@dataclass(frozen=True)
class Prompts:
    """What the screen was left with. taken: the prompt that the explorer is to use, "" for none."""

    prompts: tuple[str, ...]
    taken: str = ""


class PromptsScreen(Page):
    """Dismisses with Prompts."""

    SCOPE = "prompts"
    NAME = "prompts"
    # With priority, or keys typed in a burst (a slow link) still go to the table and are lost.
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(each, priority=each.id in TYPING)
        for each in bindings_for("prompts")
        if isinstance(each, Binding)
    ]

    def __init__(self, around: Around, prompts: Sequence[str]) -> None:
        super().__init__(around)
        state = around.state
        self.prompts = tuple(prompts)[:MOST]
        self.standings = Standings()
        self._baselines = [
            without_network(name, state.source, state.config, alone=True) for name in NO_NETWORK
        ]
        self._picture = "heatmap"
        # Where the line that is typed goes to: its row, and whether after it.
        self._place, self._adds = 0, False
        self._typing = False

    def compose_page(self) -> ComposeResult:
        with Vertical(classes="page"):
            yield CandidatePanes(self.terminal, MOST, id="prompt-pictures")
            with Horizontal(id="prompts-body"):
                table = Table(id="prompts", cursor_type="row", classes="panel")
                table.border_title = "Prompts"
                table.border_subtitle = TUNED
                with Vertical():
                    yield table
                    yield Static(id="prompt-baselines")
                curves = ScoreCurves(id="prompt-curves", classes="panel")
                curves.border_title = "IoU by threshold · this sample"
                yield curves
        yield Input(placeholder=PLACEHOLDER, select_on_focus=False, id="prompt-line")

    def on_mount(self) -> None:
        self._table.focus()
        self._use(self.prompts)

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one("#prompts", DataTable)

    @property
    def _label(self) -> str:
        return self.client.dataset.by_id(self.state.sample).label

    def _use(self, prompts: tuple[str, ...], cursor: int = 0) -> None:
        """Show these prompts, and ask for what is not known of them."""
        self.prompts = prompts
        table = self._table
        table.clear(columns=True)
        for heading in HEADINGS:
            table.add_column(right(heading))
        table.add_column("")
        for index in range(len(prompts)):
            table.add_row(*self._row(index))
        table.move_cursor(row=cursor)
        self._ask([each for each in self._candidates() if each not in self.standings.known])
        self._draw()

    def _candidates(self) -> list[Candidate]:
        return [Candidate(each, self.state.source, self.state.config, each) for each in self.prompts]

    def _ask(self, candidates: Sequence[Candidate]) -> None:
        if candidates:
            self.client.studio.stand(self.state, [*candidates, *self._baselines])

    def on_candidate_ready(self, message: CandidateReady) -> None:
        """One more heatmap, or why there is none."""
        if message.state == self.state and (message.candidate.prompt or message.candidate.baseline):
            self.standings.take(message)
            self._draw()

    def on_heatmaps_arrived(self, message: HeatmapsArrived) -> None:
        """The heatmap of a prompt is there; without one, its source has failed."""
        if message.source != self.state.source or self.state.sample not in message.ids:
            return
        self.standings.arrived(message, self.state.sample)
        self._ask(self.standings.behind(self._candidates()))

    def _standing(self, prompt: str) -> Standing:
        return self.standings.of(Candidate(prompt, self.state.source, self.state.config, prompt))

    def _draw(self) -> None:
        self.say(
            clean(self.state.sample), clean(self.state.source.title), f"{len(self.prompts)} of {MOST} prompts"
        )
        table, cursor = self._table, self._table.cursor_row
        rewrite(table, map(self._row, range(table.row_count)))
        panes = self.query_one(CandidatePanes)
        panes.border_title = f"{self._picture}s of {escape(clean(self.state.sample))}"
        panes.show([self._item(index, index == cursor) for index in range(len(self.prompts))], cursor)
        known = {each.name: best_of(self.standings.of(each)) for each in self._baselines}
        said = " · ".join(f"{name} {figure(best)}" for name, best in known.items() if best)
        self.query_one("#prompt-baselines", Static).update(
            Content.styled(said and f"no network*  {said}", "$dim")
        )
        curves = self.query_one(ScoreCurves)
        curves.threshold = self.state.config.threshold_index
        curves.curves = [self._standing(prompt).sample for prompt in self.prompts]

    def _item(self, index: int, here: bool) -> Item:
        prompt, standing = self.prompts[index], self._standing(self.prompts[index])
        style = f"bold {colour_of(index)}" if here else colour_of(index)
        caption = Content.assemble(
            ("▸ " if here else "", style),
            (f"{figure(self._iou(standing))}  ", "$dim"),
            (clean(prompt), style),
        )
        return Item(caption, standing.pictures.get(self._picture), clean(standing.note))

    def _iou(self, standing: Standing) -> float | None:
        return standing.sample.at("mean_iou", self.state.config.threshold_index) if standing.sample else None

    def _row(self, index: int) -> tuple[Text, ...]:
        prompt, standing = self.prompts[index], self._standing(self.prompts[index])
        best = standing.sample.best("mean_iou") if standing.sample else None
        figures = (
            figure(self._iou(standing)),
            figure(standing.sample.at("mean_iou", best) if standing.sample and best is not None else None),
            "–" if best is None else f"{THRESHOLDS[best]:.2f}",
        )
        colours = self.app.theme_variables
        words = Text(clean(prompt), style=colours.get(colour_of(index).removeprefix("$"), ""))
        if self._is_doubtful(standing):
            words.append("  no better than the whole image", colours.get("worse", ""))
        return (*map(right, figures), words)

    def _is_doubtful(self, standing: Standing) -> bool:
        mine, whole = best_of(standing), best_of(self.standings.of(self._baselines[0]))
        return mine is not None and whole is not None and mine <= whole

    def on_data_table_row_highlighted(self) -> None:
        """The panes follow."""
        self._draw()

    def on_data_table_row_selected(self) -> None:
        """Enter takes the row."""
        self.action_take()

    def action_add(self) -> None:
        """Type one more."""
        if len(self.prompts) >= MOST:
            self.notify(f"{MOST} prompts are the most; D removes one", severity="warning")
        else:
            self._type("", adds=True)

    def action_edit(self) -> None:
        """Type the prompt under the cursor anew."""
        if self.prompts:
            self._type(self.prompts[self._table.cursor_row], adds=False)

    def action_remove(self) -> None:
        """Take the prompt under the cursor away."""
        row = self._table.cursor_row
        left = tuple(each for index, each in enumerate(self.prompts) if index != row)
        self._use(left, min(row, max(len(left) - 1, 0)))

    def _type(self, text: str, *, adds: bool) -> None:
        self._place, self._adds = self._table.cursor_row, adds
        line = self.query_one("#prompt-line", Input)
        line.value = text
        line.cursor_position = len(text)
        # At once: the next keys are text, however fast they are typed.
        self._typing = line.display = True
        self.set_focus(line)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Use what was typed."""
        new = prompts_in(event.value, self._label)
        self._stop_typing()
        if new:
            prompts = edited(self.prompts, self._place, new, added=self._adds)
            self._use(prompts, prompts.index(new[0]) if new[0] in prompts else 0)

    def _stop_typing(self) -> None:
        self._typing = self.query_one(Input).display = False
        self.set_focus(self._table)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """While a prompt is typed, only the way back is open."""
        return action == "close" or not self._typing

    def action_picture(self) -> None:
        """Heatmaps, or masks."""
        self._picture = "mask" if self._picture == "heatmap" else "heatmap"
        self._draw()

    def action_take(self) -> None:
        """Use the prompt under the cursor in the explorer."""
        if self.prompts:
            self.dismiss(Prompts(self.prompts, self.prompts[self._table.cursor_row]))

    def action_close(self) -> None:
        """Stop typing, or go back to the explorer; the prompts are kept."""
        if self._typing:
            self._stop_typing()
        else:
            self.dismiss(Prompts(self.prompts))


def best_of(standing: Standing) -> float | None:
    """The IoU of its sample at the best threshold; None while that is not known."""
    curves = standing.sample
    return None if curves is None else curves.at("mean_iou", curves.best("mean_iou"))
