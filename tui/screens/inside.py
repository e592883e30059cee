"""Inside the model: the layers and heads of a ViT, what each of them sees, and what it writes in words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.widgets import Static

from cliploc.core.backbones.catalog import demo_folder
from cliploc.core.errors import clean
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.methods.head_switches import ALL, Place
from cliploc.tui.answers import HeadReady, HeadsScored, HeadTableReady, HeatmapsArrived, TermsArrived
from cliploc.tui.around import Around
from cliploc.tui.curves import difference, figure
from cliploc.tui.head_selection import HEAD, HeadSelection
from cliploc.tui.keymap import bindings_for
from cliploc.tui.screens.page import Page
from cliploc.tui.state import Source
from cliploc.tui.widgets.pictures import Pane

Table = tuple[tuple[float | None, ...], ...]
IOU, INSIDE = "IoU", "inside"
TITLES = {
    IOU: "IoU of each head's map",
    INSIDE: "added inside the true mask; 99: the strongest",
}
EVERY: dict[str, int | str] = {"layer": ALL, "head": ALL, "off": ""}
# Blocks and heads of the usual image towers; others are read from their configuration.
TOWERS = {"ViT-B": (12, 12), "ViT-L": (24, 16), "ViT-H": (32, 16), "ViT-g": (40, 16), "ViT-bigG": (48, 16)}


def tower_of(backbone: str) -> tuple[int, int] | None:
    """(layers, heads) of a ViT by its name; None where it is not known."""
    folder = demo_folder(backbone)
    if folder is None:
        return next((size for name, size in TOWERS.items() if backbone.startswith(f"{name}-")), None)
    try:
        vision = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]["vision_cfg"]
        return int(vision["layers"]), int(vision["width"]) // int(vision.get("head_width", 64))
    except (OSError, ValueError, KeyError, TypeError):
        return None


class InsideScreen(Page):
    """Dismisses with the state that shows the present choice of heads in the explorer, or None."""

    SCOPE = "inside"
    NAME = "inside the model"
    BINDINGS: ClassVar[list[BindingType]] = bindings_for("inside")

    def __init__(self, around: Around) -> None:
        super().__init__(around)
        self._recipe = inside_recipe(self.state.source.recipe, self.client.dataset.name)
        self._settings = dict(self._recipe.parameters)
        self.board = HeadSelection.of(*(tower_of(self._recipe.backbone) or (0, 0)), self._settings)
        self._table: HeadTableReady | None = None
        self._measure = IOU
        self._ready: HeadReady | None = None
        self._scored: HeadsScored | None = None
        self._generation = 0

    def compose_page(self) -> ComposeResult:
        with Horizontal(classes="page"):
            with VerticalScroll(id="heads", classes="panel", can_focus=False) as grid:
                grid.border_subtitle = "layers down, heads across"
                yield Static(id="grid")
            with Vertical(id="head-side"):
                pane = Pane("head", self.terminal)
                pane.add_class("panel")
                yield pane
                yield Static(id="head-scores", classes="panel")
                words = Static(id="words", classes="panel")
                words.border_title = "What it writes, in words"
                yield words

    @property
    def recipe(self) -> Recipe:
        """The recipe of the present choice."""
        return self._recipe.setting(**self.board.settings)

    def on_screen_resume(self) -> None:
        """Ask for what is to be shown; a message may have gone to the screen that was on top."""
        self._say_what()
        self._ask(anew=False)

    def on_resize(self) -> None:
        """The grid's cells have the width that there is."""
        self.call_after_refresh(self._draw)

    def on_head_ready(self, message: HeadReady) -> None:
        """Show the map of the choice, and what it scores on the sample."""
        if message.generation == self._generation:
            self._ready = message
            caption = Content.styled(self.board.title, "$dim")
            self.query_one(Pane).show(caption, message.picture, message.note, message.generation)
            self._draw()

    def on_head_table_ready(self, message: HeadTableReady) -> None:
        """Fill the grid; the network's size is known for certain now."""
        if message.sample != self.state.sample:
            return
        self._table = message
        layers, heads = len(message.iou), len(message.iou[0])
        if (layers, heads) != (self.board.layers, self.board.heads):
            self.board = HeadSelection.of(layers, heads, self._settings)
            self._ask(anew=True)
        self._say_what()
        self._draw()

    def on_heads_scored(self, message: HeadsScored) -> None:
        """Show what the choice scores on the dataset."""
        if message.generation == self._generation:
            self._scored = message
            self._draw()

    def on_terms_arrived(self, message: TermsArrived) -> None:
        """Ask again when it is this sample's turn, and when the last one is there."""
        total = len(self.client.dataset.samples)
        if message.recipe != self._recipe.setting(**EVERY):
            return
        self._say_what(f"{message.present} of {total} images" if message.present < total else "")
        if self.state.sample in message.ids or message.present == total:
            self._ask(anew=False)

    def on_heatmaps_arrived(self, message: HeatmapsArrived) -> None:
        """What was waited for cannot be had: say why."""
        if message.source == Source(self._recipe.setting(**EVERY)) and self._table is None:
            self._ask(anew=False)

    def _ask(self, *, anew: bool) -> None:
        """Ask for the map and the scores of the present choice. anew: it is another one than before."""
        self._generation += 1
        recipe = self.recipe
        self.client.studio.head(self._generation, self.state, recipe)
        self.client.studio.score_heads(
            self._generation, self.state, recipe, table=self._table is None, anew=anew
        )
        self._draw()

    def _say_what(self, *more: str) -> None:
        size = f", {self.board.layers} layers × {self.board.heads} heads" if self.board.layers else ""
        self.say(f"{clean(self._recipe.backbone)}{size}", clean(self.state.sample), *filter(None, more))

    def _draw(self) -> None:
        self.query_one("#grid", Static).update(self._grid())
        self.query_one("#heads").border_title = TITLES[self._measure]
        deepest = self.board.layers - 1
        self.query_one("#heads", VerticalScroll).scroll_to_region(
            Region(0, max(deepest - self.board.layer, 0), 1, 4), animate=False
        )
        self._draw_scores()
        self._draw_words()

    def _draw_scores(self) -> None:
        """Beside the map: the sample and the dataset, for the choice and with all heads on."""
        panel, ready, scored = self.query_one("#head-scores", Static), self._ready, self._scored
        sample = (ready.iou, ready.all_on) if ready else (None, None)
        every = (scored.shown, scored.all_on) if scored else (None, None)
        lines = [
            Content.styled(f"{'':8}{'sample':>7}{'mean':>7}", "$dim"),
            self._row("shown", figure(sample[0]), figure(every[0])),
            self._row("all on", figure(sample[1]), figure(every[1])),
            self._row("change", _change(*sample), _change(*every)),
        ]
        if scored and scored.note:
            lines.append(Content.styled(scored.note, "$dim"))
        panel.update(Content("\n").join(lines))
        narrow = self.has_class("-narrow")
        panel.border_title = "fg IoU, per image" if narrow else "IoU: foreground, per image, then mean"
        count = f"mean of {scored.images} of {scored.total}" if scored else ""
        panel.border_subtitle = count if narrow or not count else f"{count} images"

    def _row(self, name: str, sample: str, mean: str) -> Content:
        """One line of scores; those of the choice before are faint until the new ones are there."""
        colours = [
            "$foreground" if answer and answer.generation == self._generation else "$faint"
            for answer in (self._ready, self._scored)
        ]
        return Content.assemble(
            (f"{name:8}", "$dim"), (f"{sample:>7}", colours[0]), (f"{mean:>7}", colours[1])
        )

    def _draw_words(self) -> None:
        words = self._ready.words.get(self.board.place, ()) if self._ready else ()
        text = [Content.styled(self.board.place_text, "$foreground")]
        text += [Content.styled(clean(word), "$dim") for word in words]
        if not words:
            text.append(Content.styled("no description yet; D describes all heads (cliploc heads)", "$dim"))
        self.query_one("#words", Static).update(Content("\n").join(text))

    def _grid(self) -> Content:
        board = self.board
        if not board.layers:
            return Content.styled("the heads are shown when this sample is computed", "$dim")
        room = self.query_one("#heads").scrollable_content_region.width - 3
        width = 4 if room >= 4 * board.heads else 3
        lines = [Content.styled("   " + "".join(f"{head:>{width}}" for head in range(board.heads)), "$dim")]
        values = self._values()
        for layer in reversed(range(board.layers)):
            cells = [self._cell((layer, head), values, width) for head in range(board.heads)]
            lines.append(Content.assemble((f"{layer:>2} ", "$dim"), *cells))
        return Content("\n").join(lines)

    def _values(self) -> Table:
        """What the grid shows of each head: its IoU, or what it adds, in shares of the strongest head."""
        if self._table is None or self._measure == IOU:
            return self._table.iou if self._table else ()
        strongest = max((abs(value) for row in self._table.inside for value in row), default=0) or 1
        return tuple(tuple(value / strongest for value in row) for row in self._table.inside)

    def _cell(self, place: Place, values: Table, width: int) -> tuple[str, str]:
        value = values[place[0]][place[1]] if values else None
        text = "·" if value is None else figure(value, 2) if self._measure == IOU else str(round(99 * value))
        off = place in self.board.off
        if off:
            text = ("×" + text)[:width]
        struck = "strike " if off else ""
        if place == self.board.place:
            return text.rjust(width), f"bold {struck}$background on $primary"
        if off or value is None:
            return text.rjust(width), f"{struck}$faint"
        colour = "$primary" if value >= 0 else "$worse"
        return text.rjust(width), f"$foreground on {colour} {round(60 * abs(value))}%"

    def _turn(self, board: HeadSelection) -> None:
        """Another choice or another place: show it. The newest wins."""
        if board != self.board:
            self.board = board
            self._ask(anew=True)

    def action_row(self, step: int) -> None:
        """Another layer; down is deeper in the list, that is, earlier."""
        self._turn(self.board.moved(-step, 0))

    def action_head(self, step: int) -> None:
        """Another head."""
        self._turn(self.board.moved(0, step))

    def action_show(self, what: str) -> None:
        """All heads of the layer or of the model, or the head alone."""
        self._turn(self.board.showing(what))

    def action_switch(self, what: str) -> None:
        """The head or its layer off, or on again."""
        self._turn(self.board.switched() if what == HEAD else self.board.layer_switched())

    def action_reset(self) -> None:
        """All heads on again."""
        self._turn(self.board.all_on())

    def action_table(self) -> None:
        """The grid shows the other measure."""
        self._measure = INSIDE if self._measure == IOU else IOU
        self._draw()

    def action_describe(self) -> None:
        """Describe all heads in words, in the background."""
        recipe = self._recipe
        self.client.studio.runs.describe(recipe.backbone, recipe.weights, self.board.layers)
        self.notify("describing the heads in the background; a notice says when it is done")

    def action_take(self) -> None:
        """Show this choice in the explorer, over the whole dataset."""
        self.dismiss(self.state.with_(source=Source(self.recipe), prompt=""))


def inside_recipe(recipe: Recipe, dataset_name: str) -> Recipe:
    """The recipe itself where it is TextSpan's, else TextSpan on its network where that is a ViT."""
    if recipe.method == "textspan":
        return recipe.completed(dataset_name)
    vit = recipe.backbone.startswith("ViT") or recipe.backbone == "demo-vit"
    usual = Recipe(method="textspan", template=recipe.template)
    asked = replace(usual, backbone=recipe.backbone, checkpoint=recipe.weights) if vit else usual
    return asked.completed(dataset_name)


def _change(shown: float | None, all_on: float | None) -> str:
    if shown is None or all_on is None:
        return figure(None)
    return difference(shown, all_on) or "0"
