"""Drawing the true mask of a sample, by keys or by mouse; every finished shape is kept at once."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from cliploc.core.errors import clean
from cliploc.tui.answers import MarkingReady, TruthChanged
from cliploc.tui.around import Around
from cliploc.tui.keymap import bindings_for
from cliploc.tui.marking import BOX, BRUSH, POLYGON, Marking, Shape
from cliploc.tui.screens.page import Page
from cliploc.tui.widgets.picture import Picture

# What the present tool waits for: before anything is begun, and after.
WORDS = {
    BOX: ("a corner: space or the mouse", "the corner opposite: space, or let go"),
    POLYGON: ("a corner: space or a click", "the next corner: space or a click; enter closes it"),
    BRUSH: ("space puts the brush down, or draw with the mouse", "space lifts the brush, or let go"),
}
DOUBLE = 2  # clicks


class MarkingScreen(Page):
    """Over the picture of the present sample."""

    SCOPE = "marking"
    NAME = "draw the truth"
    BINDINGS: ClassVar[list[BindingType]] = bindings_for("marking")

    def __init__(self, around: Around) -> None:
        super().__init__(around)
        self.marking: Marking | None = None
        self.shapes = 0
        self._generation = 0
        self._pressed: tuple[int, int] | None = None

    def compose_page(self) -> ComposeResult:
        with Container(id="marking", classes="panel") as panel:
            panel.border_title = clean(self.state.sample)
            panel.border_subtitle = clean(self._label)
            yield Picture(terminal=self.terminal)
        yield Static(id="marking-words")

    @property
    def _label(self) -> str:
        return self.client.dataset.by_id(self.state.sample).label

    def on_mount(self) -> None:
        self._draw()

    def on_marking_ready(self, message: MarkingReady) -> None:
        """Show the picture; the first one tells its size."""
        if message.sample != self.state.sample:
            return
        self.shapes = message.shapes
        if self.marking is None:
            self.marking = Marking.begun(message.width, message.height)
            self._draw()
        self.query_one(Picture).show(message.picture, message.generation)
        self._say()

    def on_truth_changed(self, message: TruthChanged) -> None:
        """A shape was kept, or taken away."""
        self._draw()

    def _draw(self) -> None:
        self._generation += 1
        self.client.studio.mark(self._generation, self.state.sample, self.marking)

    def _say(self) -> None:
        marking = self.marking
        if marking is None:
            return
        shapes = "1 shape" if self.shapes == 1 else f"{self.shapes} shapes"
        brush = f" {marking.radius} px" if marking.tool == BRUSH else ""
        self.say(f"{marking.tool}{brush}", f"{marking.x}, {marking.y}", f"step {marking.step}", shapes)
        words = WORDS[marking.tool][bool(marking.points)]
        kept = "every shape is kept at once" if not marking.points else "escape drops it"
        self.query_one("#marking-words", Static).update(Content.styled(f"{words} · {kept}", "$dim"))

    def _turn(self, marking: Marking, shape: Shape | None = None) -> None:
        """Go on with this; keep a shape that was finished."""
        if shape is not None:
            self.client.studio.add_mark(self.state.sample, shape)
        if marking != self.marking:
            self.marking = marking
            self._draw()
            self._say()

    def action_row(self, step: int) -> None:
        """The cursor down, or up."""
        if self.marking is not None:
            self._turn(self.marking.moved(0, step))

    def action_column(self, step: int) -> None:
        """The cursor to the right, or to the left."""
        if self.marking is not None:
            self._turn(self.marking.moved(step, 0))

    def action_press(self) -> None:
        """What the tool does at the cursor."""
        if self.marking is not None:
            self._turn(*self.marking.pressed())

    def action_finish(self) -> None:
        """End the shape that is begun."""
        if self.marking is None:
            return
        marking, shape = self.marking.finished()
        if shape is None and self.marking.points:
            self.notify("a polygon has three corners or more", severity="warning")
        self._turn(marking, shape)

    def action_tool(self) -> None:
        """The next tool."""
        if self.marking is not None:
            self._turn(self.marking.retooled())

    def action_stride(self, direction: int) -> None:
        """Longer steps of the cursor, or shorter ones."""
        if self.marking is not None:
            self._turn(self.marking.stepping(direction))

    def action_brush(self, direction: int) -> None:
        """A wider brush, or a narrower one."""
        if self.marking is not None:
            self._turn(self.marking.brushing(direction))

    def action_undo(self) -> None:
        """Drop the shape that is begun, else take the last one away."""
        if self.marking is not None and self.marking.points:
            self._turn(self.marking.dropped())
        else:
            self.client.studio.undo_mark(self.state.sample)

    def action_clear(self) -> None:
        """Take all shapes of this sample away."""
        self.client.studio.clear_marks(self.state.sample)

    def action_close(self) -> None:
        """Drop the shape that is begun, else go back."""
        if self.marking is not None and self.marking.points:
            self._turn(self.marking.dropped())
        else:
            self.dismiss(None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a shape, or go on with a polygon."""
        place = self._place(event)
        if self.marking is None or place is None:
            return
        self._pressed = place
        self._turn(*self.marking.at(*place).pressed())

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """With the button down a box grows and a brush draws."""
        place = self._place(event)
        if self.marking is not None and place is not None and self._pressed is not None:
            self._turn(self.marking.at(*place))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End what was dragged; a box that is only a point waits for its other corner."""
        pressed, self._pressed = self._pressed, None
        if self.marking is None or pressed is None or not self.marking.points:
            return
        marking = self.marking.at(*(self._place(event) or (self.marking.x, self.marking.y)))
        dragged = (marking.x, marking.y) != pressed
        if marking.tool == BRUSH or (marking.tool == BOX and dragged):
            self._turn(*marking.finished())

    def on_click(self, event: events.Click) -> None:
        """Two clicks close a polygon."""
        if event.chain == DOUBLE and self.marking is not None and self.marking.tool == POLYGON:
            self.action_finish()

    def _place(self, event: events.MouseEvent) -> tuple[int, int] | None:
        """The pixel of the picture under the mouse: the middle of its cell. None beside the picture."""
        picture = self.query_one(Picture)
        if self.marking is None or picture.frame is None:
            return None
        box, corner = picture.frame.box, picture.content_region.offset
        column, row = event.screen_x - corner.x - box.x, event.screen_y - corner.y - box.y
        if not (0 <= column < box.columns and 0 <= row < box.rows):
            return None
        x = (column + 0.5) / box.columns * self.marking.width
        return int(x), int((row + 0.5) / box.rows * self.marking.height)
