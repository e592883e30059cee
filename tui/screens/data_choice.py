"""The dialog of datasets: open another one, fetch data and weights, or stop fetching."""

from __future__ import annotations

from collections.abc import Callable

from textual.screen import Screen

from cliploc.core import paths
from cliploc.core.datasets.formats import format_of
from cliploc.core.datasets.spec import parsed, written
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.tui import session
from cliploc.tui.places import completions
from cliploc.tui.screens.choice import Choice, ask
from cliploc.tui.studio_client import StudioClient

FETCHES = {
    "fetch cocoglide": ("CocoGlide", ("fetch", "cocoglide"), "CocoGlide is here; W opens it"),
    "fetch coco": ("COCO val2017", ("fetch", "coco"), "COCO is here; W opens it"),
}


class DataChoice:
    """What `data(…)` does in the keymap. What was typed is there again when it could not be opened.

    present: the recipe that is shown, and what is being fetched, "" for nothing.
    """

    def __init__(
        self, screen: Screen[None], client: StudioClient, present: Callable[[], tuple[Recipe, str]]
    ) -> None:
        self._screen, self._client, self._present = screen, client, present
        self._typed = ""

    def ask(self) -> None:
        """Open another dataset, fetch data and weights, or stop fetching."""
        recipe, fetching = self._present()
        method = recipe.method
        # Weights that were named are fetched by their name, others by the method that they are usual for.
        named = recipe.checkpoint and "/" not in recipe.checkpoint
        weights = f"{recipe.backbone}:{recipe.checkpoint}" if named else method
        fetches = FETCHES | {
            "fetch weights": (
                f"the weights {weights}",
                ("models", "fetch", weights),
                f"the weights {weights} are here; A computes",
            )
        }

        def chosen(name: str) -> None:
            self._typed = ""
            if name == "stop":
                self._client.studio.fetches.stop()
            elif name in fetches:
                self._client.studio.fetches.start(*fetches[name])
            else:
                self._typed = name if is_place(name) else ""
                self._client.studio.find_dataset(name)

        choices = [Choice("stop", f"stop fetching {fetching}", "what has come is kept")]
        choices = choices if fetching else []
        choices += data_choices(self._client.dataset.spec)
        choices += [
            Choice("fetch cocoglide", "fetch CocoGlide", "the poster's 512 images, 123 MB"),
            Choice("fetch coco", "fetch COCO", "val2017 with its annotations, 1.1 GB"),
            Choice("fetch weights", "fetch weights", weights if named else f"the usual ones of {method}"),
        ]
        free = "choose, or type a folder of any layout, or coco:IMAGES:ANNOTATIONS.json"
        how = {"free": free, "literal": is_place, "typed": self._typed, "completions": completions}
        ask(self._screen, "Data", choices, chosen, **how)

    def flip(self) -> None:
        """Open CocoGlide's inpainted pictures instead of the real ones, or the real ones again."""
        place, options = parsed(self._client.dataset.spec)
        other = "real" if options.picture == "fake" else "fake"
        self._client.studio.find_dataset(written(place, options.with_({"picture": other})))


def is_place(text: str) -> bool:
    """Whether a text looks like a path or a spec, not like a word that narrows choices down."""
    return any(sign in text for sign in "/:~.")


def data_choices(present: str) -> list[Choice]:
    """The datasets that can be opened by a name, and those that were opened before."""
    named = {"demo": "the small set that ships with the program"}
    coco = paths.data_dir() / "coco"
    if (paths.data_dir() / "cocoglide").is_dir():
        named["cocoglide"] = "as fetched"
    if coco.is_dir():
        named[f"coco:{coco / 'val2017'}:{coco / 'annotations/instances_val2017.json'}"] = "as fetched"
    before = {
        spec: "opened before"
        for spec in session.datasets()
        if spec not in named and (place := parsed(spec)[0]) and format_of(place).is_there(place)
    }
    return [
        Choice(spec, spec, "open now" if spec == present else detail)
        for spec, detail in (named | before).items()
    ]
