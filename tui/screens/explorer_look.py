"""The explorer's keys for how the pictures are shown."""

from __future__ import annotations

from dataclasses import replace

from textual.timer import Timer

from cliploc.tui.screens.explorer_walk import ExplorerWalk
from cliploc.tui.state import COLOURS, LAYOUTS, OPACITY_STEP, PICTURES, View
from cliploc.tui.widgets.pictures import PictureGrid

PEEK_SECONDS = 0.8
BLINK_SECONDS = 0.7


class ExplorerLook(ExplorerWalk):
    """Layouts, close-ups, outlines, peek, blink, colours and opacity."""

    _peek_timer: Timer | None = None
    _blink_timer: Timer | None = None
    _blinking: tuple[str, str] = ("image", "heatmap")
    _before_single = View()

    def action_layout(self) -> None:
        """The next layout."""
        view = self.now.view
        layout = following(LAYOUTS, view.layout)
        self.change(self.now.with_(view=replace(view, layout=layout, pictures=())))
        self.notify(f"layout: {layout}", timeout=1.5)

    def action_single(self) -> None:
        """One picture large; again: all that were shown."""
        view, shown = self.now.view, self.query_one(PictureGrid).shown()
        if len(shown) > 1:
            self._before_single = view
            first = "heatmap" if "heatmap" in shown else shown[0]
            self.change(self.now.with_(view=replace(view, pictures=(first,))))
        else:
            before = self._before_single
            self.change(self.now.with_(view=replace(view, pictures=before.pictures, layout=before.layout)))

    def action_zoom(self, direction: int) -> None:
        """Closer or further away."""
        steps = direction * (self.take_count() or 1)
        self.change(self.now.with_(view=self.now.view.zoomed(steps)))

    def action_zoom_off(self) -> None:
        """The whole picture."""
        self.change(self.now.with_(view=replace(self.now.view, zoom=1.0, x=0.5, y=0.5)))

    def action_pan(self, right: int, down: int) -> None:
        """Move the close-up."""
        steps = self.take_count() or 1
        self.change(self.now.with_(view=self.now.view.moved(steps * right, steps * down)))

    def action_outlines(self) -> None:
        """Masks as outlines, or filled."""
        self.change(self.now.with_(view=replace(self.now.view, outlines=not self.now.view.outlines)))

    def action_crop(self) -> None:
        """Only the surroundings of the true mask, or everything."""
        self.change(self.now.with_(view=replace(self.now.view, crop=not self.now.view.crop)))

    def action_peek(self) -> None:
        """The true mask's outline in every picture for as long as the key repeats."""
        if self._peek_timer is not None:
            self._peek_timer.stop()
        self._peek_timer = self.set_timer(PEEK_SECONDS, self._end_peek)
        if not self.peeking:
            self.peeking = True
            self.draw()

    def _end_peek(self) -> None:
        self.peeking = False
        self.draw()

    def action_blink(self) -> None:
        """Alternate the first two pictures in one place; again: stop."""
        if self._blink_timer is not None:
            self._blink_timer.stop()
            self._blink_timer = None
            self.query_one(PictureGrid).lay_out(self.now.view)
            return
        names = [name for name in self.query_one(PictureGrid).shown() if name in PICTURES]
        other = "heatmap" if names == ["image"] else "image"
        self._blinking = (names[0], names[1]) if len(names) > 1 else (other, names[0] if names else "mask")
        self._blink_timer = self.set_interval(BLINK_SECONDS, self._blink)
        self._blink()

    def _blink(self) -> None:
        self._blinking = self._blinking[::-1]
        view = replace(self.now.view, pictures=(self._blinking[0],), layout="auto")
        self.query_one(PictureGrid).lay_out(view)

    def action_colours(self) -> None:
        """The next colour map."""
        view = self.now.view
        self.change(self.now.with_(view=replace(view, colours=following(COLOURS, view.colours))))

    def action_opacity(self, direction: int) -> None:
        """The heatmap more or less opaque over the image."""
        view = self.now.view
        steps = direction * (self.take_count() or 1)
        opacity = round(min(max(view.opacity + steps * OPACITY_STEP, 0.0), 1.0), 2)
        self.change(self.now.with_(view=replace(view, opacity=opacity)))


def following(choices: tuple[str, ...], present: str) -> str:
    """The choice after the present one, going round."""
    return choices[(choices.index(present) + 1) % len(choices)]
