"""What the explorer writes into the working folder: pictures, scores, and the screen itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import Screen

from cliploc.core.errors import clean
from cliploc.core.prompts import prompt_for
from cliploc.tui import presets
from cliploc.tui.curves import NARROW, SCORES, figure
from cliploc.tui.screens.choice import Choice, ask
from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.studio_client import StudioClient
from cliploc.tui.widgets.scores import known_of

if TYPE_CHECKING:
    from cliploc.tui.graphics.frame import PictureId

# By kind: what it is, and its file.
EXPORTS = {
    "pictures": ("pictures as PNG", ""),
    "samples": ("scores of every sample as CSV", "scores-by-sample.csv"),
    "classes": ("scores of every class as CSV", "scores-by-class.csv"),
    "curve": ("scores at all thresholds as CSV", "scores-by-threshold.csv"),
    "truth": ("the drawn truth as COCO JSON", "drawn-truth.json"),
    "screen": ("the screen as SVG", "cliploc.svg"),
}


def choose(
    screen: Screen[None], client: StudioClient, scores: ShownScores, pictures: Mapping[str, PictureId]
) -> None:
    """Ask what to write, and write it into the working folder."""
    stem = re.sub(r"[^\w.-]+", "-", clean(scores.now.sample))
    files = {kind: Path.cwd() / (name or f"{stem}.png") for kind, (_, name) in EXPORTS.items()}

    def chosen(kind: str) -> None:
        path, board = files[kind], scores.board
        if kind == "screen":
            # Once the dialog is gone.
            screen.call_after_refresh(_write_screen, screen, client, path)
        elif kind == "truth":
            client.studio.export_truth(path)
        elif kind == "pictures" and not scores.has_fresh_pictures():
            screen.notify("the pictures are not there yet; once more when they are", severity="warning")
        elif kind == "pictures":
            outlines = scores.now.view.outlines
            client.studio.export_pictures(pictures, about_pictures(scores), outlines, path)
        elif board is None:
            why = scores.no_truth or "no scores yet; A computes all heatmaps"
            screen.notify(why, severity="warning")
        elif not scores.has_exact_board():
            screen.notify("the scores of this config are being computed; once more when they are there",
                          severity="warning")  # fmt: skip
        else:
            client.studio.export_scores(kind, scores.now.source, scores.now.config, path)

    ask(screen, "Export", [Choice(kind, EXPORTS[kind][0], path.name) for kind, path in files.items()], chosen)


def _write_screen(screen: Screen[None], client: StudioClient, path: Path) -> None:
    client.studio.export_text(screen.app.export_screenshot(title="cliploc"), path)


def about_pictures(scores: ShownScores) -> list[str]:
    """What an exported picture says of itself: sample, prompt, method, post-processing, scores."""
    state, curves = scores.now, scores.curves("sample")
    label, recipe = scores.label, state.source.recipe
    made = [state.source.title]
    if not state.source.stored:
        made += [
            recipe.backbone,
            recipe.checkpoint,
            f"“{state.prompt or prompt_for(recipe.template, label)}”",
        ]
    lines = [
        f"{state.sample} · class {label}",
        " · ".join(filter(None, made)),
        presets.described(state.config),
    ]
    if curves is not None:
        index = state.config.threshold_index
        lines.append(" · ".join(f"{NARROW[name]} {figure(curves.at(name, index))}" for name in SCORES))
    elif scores.region is not None:
        lines.append(" · ".join(f"{name} {value}" for name, value in known_of(scores.region).items()))
    lines[-1] += " (this image)" if curves is not None or scores.region is not None else ""
    return [clean(line) for line in lines]
