"""The dialog of presets: one is used, or a new name saves the present post-processing."""

from __future__ import annotations

from collections.abc import Callable

from textual.screen import Screen

from cliploc.core.errors import ClipLocError
from cliploc.core.postprocess import PostProcess
from cliploc.tui import presets
from cliploc.tui.screens.choice import Choice, ask


def choose_preset(screen: Screen[None], present: PostProcess, use: Callable[[PostProcess], None]) -> None:
    """Use a preset, or save the present one under a new name."""
    try:
        known = presets.load()
    except ClipLocError as error:
        screen.notify(str(error), severity="error")
        return

    def chosen(name: str) -> None:
        if name in known:
            use(known[name])
            return
        try:
            presets.save(name, present)
            screen.notify(f"saved preset {name}")
        except ClipLocError as error:
            screen.notify(str(error), severity="error")

    choices = [Choice(name, name, presets.described(config)) for name, config in known.items()]
    ask(screen, "Presets", choices, chosen, free="choose one, or type a new name to save the present one")
