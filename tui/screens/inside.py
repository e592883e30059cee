"""Inside the model: the layers and heads of a ViT, what each of them sees, and what it writes in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.widgets import Static

from core.backbones.catalog import demo_folder
from core.errors import clean
from core.heatmaps.recipe import Recipe
from core.terminal import Terminal
from tui.curves import figure
from tui.engine import Engine
from tui.keymap import bindings_for
from tui.messages import HeadReady, HeatmapsArrived
from tui.screens.page import Page
from tui.state import ExplorerState, Source
from tui.widgets.pictures import Pane

ALL = -1
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
    """Dismisses with the state that shows the chosen layer and head in the explorer, or None."""

    SCOPE = "inside"
    NAME = "inside the model"
    BINDINGS: ClassVar[list[BindingType]] = bindings_for("inside")

    def __init__(
        self, engine: Engine, state: ExplorerState, terminal: Terminal, keymap: Mapping[str, str]
    ) -> None:
        super().__init__(keymap)
        self.engine = engine
        self.terminal = terminal
        self.state = state
        self._recipe = inside_recipe(state.source.recipe, engine.dataset.name)
        self._layers, self._heads = tower_of(self._recipe.backbone) or (0, 0)
        self._layer, self._head = self._layers - 1, 0
        self._iou: dict[tuple[int, int], float] = {}
        self._words: Mapping[tuple[int, int], tuple[str, ...]] = {}
        self._generation = 0

    def compose_page(self) -> ComposeResult:
        with Horizontal(classes="page"):
            with VerticalScroll(id="heads", classes="panel", can_focus=False) as grid:
                grid.border_title = "IoU of each head's map"
                grid.border_subtitle = "layers down, heads across"
                yield Static(id="grid")
            with Vertical(id="head-side"):
                pane = Pane("head", self.terminal)
                pane.add_class("panel")
                yield pane
                words = Static(id="words", classes="panel")
                words.border_title = "What it writes, in words"
                yield words

    def on_mount(self) -> None:
        self.say(
            f"{self._recipe.backbone}, {self._layers} layers × {self._heads} heads", clean(self.state.sample)
        )
        self._ask()

    def recipe_at(self, layer: int, head: int) -> Recipe:
        """The recipe of one layer and head; ALL sums over them."""
        known = {name for name, _ in self._recipe.parameters}
        values = {**dict(self._recipe.parameters), "layer": layer, "head": head}
        return replace(
            self._recipe, parameters=tuple(sorted((k, v) for k, v in values.items() if k in known))
        )

    def _ask(self) -> None:
        self._generation += 1
        recipe = self.recipe_at(self._layer, self._head)
        self.engine.head(self._generation, self.state, recipe, (self._layer, self._head))
        self._draw()

    def on_resize(self) -> None:
        """The grid's cells have the width that there is."""
        self.call_after_refresh(self._draw)

    def on_head_ready(self, message: HeadReady) -> None:
        """Show the map of a head."""
        if message.curves is not None:
            index = self.state.config.threshold_index
            self._iou[message.place] = message.curves.at("mean_iou", index)
        self._words = message.words
        if message.generation == self._generation:
            caption = Content.styled(place_text(*message.place), "$dim")
            self.query_one(Pane).show(caption, message.picture, message.note, message.generation)
        self._draw()

    def on_heatmaps_arrived(self, message: HeatmapsArrived) -> None:
        """What was waited for is there."""
        if message.source == Source(self.recipe_at(self._layer, self._head)):
            self._ask()

    def _draw(self) -> None:
        self.query_one("#grid", Static).update(self._grid())
        words = self._words.get((self._layer, self._head), ())
        text = [Content.styled(place_text(self._layer, self._head), "$foreground")]
        text += [Content.styled(clean(word), "$dim") for word in words]
        if not words:
            text.append(Content.styled("no description yet; D describes all heads (cliploc heads)", "$dim"))
        deepest = self._layers - 1
        self.query_one("#heads", VerticalScroll).scroll_to_region(
            Region(0, max(deepest - self._layer, 0), 1, 4), animate=False
        )
        self.query_one("#words", Static).update(Content("\n").join(text))

    def _grid(self) -> Content:
        if not self._layers:
            return Content.styled(f"how many heads {self._recipe.backbone} has is not known here", "$worse")
        room = self.query_one("#heads").scrollable_content_region.width - 3
        width = 4 if room >= 4 * self._heads else 3
        lines = [Content.styled("   " + "".join(f"{head:>{width}}" for head in range(self._heads)), "$dim")]
        for layer in reversed(range(self._layers)):
            cells = [self._cell(layer, head, width) for head in range(self._heads)]
            lines.append(Content.assemble((f"{layer:>2} ", "$dim"), *cells))
        whole = self._iou.get((ALL, ALL))
        lines += [Content(""), Content.styled(f"all layers and heads  {figure(whole, 2)}", "$dim")]
        return Content("\n").join(lines)

    def _cell(self, layer: int, head: int, width: int) -> tuple[str, str]:
        value = self._iou.get((layer, head))
        text = (figure(value, 2) if value is not None else "·").rjust(width)
        here = layer == self._layer and head in (
            self._head,
            *(range(self._heads) if self._head == ALL else ()),
        )
        if here:
            return text, "bold $background on $primary"
        return text, "$faint" if value is None else f"$foreground on $primary {round(60 * value)}%"

    def action_row(self, step: int) -> None:
        """Another layer; down is deeper in the list, that is, earlier."""
        if self._layers:
            self._layer = min(max(max(self._layer, 0) - step, 0), self._layers - 1)
            self._head = max(self._head, 0)
            self._ask()

    def action_head(self, step: int) -> None:
        """Another head."""
        if self._heads:
            self._head = min(max(self._head + step, 0), self._heads - 1)
            self._layer = max(self._layer, 0)
            self._ask()

    def action_whole(self, what: str) -> None:
        """All heads of the layer, or everything."""
        self._head = ALL
        if what == "model":
            self._layer = ALL
        self._ask()

    def action_describe(self) -> None:
        """Describe all heads in words, in the background."""
        recipe = self._recipe
        self.engine.runs.describe(recipe.backbone, recipe.checkpoint, self._layers)
        self.notify("describing the heads in the background; a notice says when it is done")

    def action_take(self) -> None:
        """Show this layer and head in the explorer, over the whole dataset."""
        recipe = self.recipe_at(self._layer, self._head)
        self.dismiss(self.state.with_(source=Source(recipe), prompt=""))


def inside_recipe(recipe: Recipe, dataset_name: str) -> Recipe:
    """TextSpan on the recipe's network where that is a ViT, else on its usual one."""
    vit = recipe.backbone.startswith("ViT") or recipe.backbone == "demo-vit"
    usual = Recipe(method="textspan", template=recipe.template)
    asked = replace(usual, backbone=recipe.backbone, checkpoint=recipe.checkpoint) if vit else usual
    return asked.completed(dataset_name)


def place_text(layer: int, head: int) -> str:
    """A place in the model for people."""
    if layer == ALL:
        return "all layers, all heads"
    return f"layer {layer}, " + ("all heads" if head == ALL else f"head {head}")
