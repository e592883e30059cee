"""Runs against each other on the images they share: cross-validated scores, differences, intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from cliploc.core.errors import clean
from cliploc.tui.answers import RunsCompared
from cliploc.tui.around import Around
from cliploc.tui.comparison import csv_text
from cliploc.tui.curves import figure
from cliploc.tui.keymap import bindings_for
from cliploc.tui.screens.page import Page
from cliploc.tui.textual_private import Table

SCORES = ("run", "heatmaps", "mean IoU, cross-validated", "images")
PAIRS = ("first", "second", "better", "difference", "95 % interval", "p", "images")
NOTE = (
    "Difference: first minus second, cross-validated over the images that both have, on the same folds of "
    "source images; p: corrected for the number of pairs (Holm); neither interval nor p for too few images. "
    "–: cannot be told apart."
)
SIGNIFICANT = 0.05
Found = Mapping[str, Any]


class PairedScreen(Page):
    """Asks for the comparison of some runs, and shows it."""

    SCOPE = "paired"
    NAME = "runs compared"
    BINDINGS: ClassVar[list[BindingType]] = bindings_for("paired")

    def __init__(self, around: Around, runs: tuple[str, ...]) -> None:
        super().__init__(around)
        self._runs = runs
        self._found: Found | None = None

    def compose_page(self) -> ComposeResult:
        with Vertical(classes="page"):
            for id_, title, columns in (("scores-of-runs", "Runs", SCORES), ("pairs", "Pairs", PAIRS)):
                table = Table(id=id_, cursor_type="row", classes="panel")
                table.border_title = title
                table.add_columns(*columns)
                yield table
            yield Static(Content.styled(NOTE, "$dim"), id="paired-note")

    def on_mount(self) -> None:
        self.say("comparing image by image …")
        self.client.studio.runs.compare(self._runs)

    def on_runs_compared(self, message: RunsCompared) -> None:
        """Fill the tables."""
        if message.runs != self._runs:
            return
        self._found = message.found
        for id_, rows in (("scores-of-runs", score_rows(message.found)), ("pairs", pair_rows(message.found))):
            table: DataTable[Text] = self.query_one(f"#{id_}", DataTable)
            table.clear()
            for row in rows:
                table.add_row(*(Text(clean(cell)) for cell in row))
        self.say(f"{len(message.found['cross_validated'])} heatmap sets")

    def action_export(self) -> None:
        """Write the pairs as CSV into the working folder."""
        found = self._found
        if found is None:
            self.notify("nothing to export yet", severity="warning")
            return
        self.client.studio.export_text(csv_of(found), Path.cwd() / "runs-compared.csv")


def csv_of(found: Found) -> str:
    """Every pair with its numbers."""
    return csv_text(list(found["pairs"][0]), [list(pair.values()) for pair in found["pairs"]])


def score_rows(found: Found) -> list[tuple[str, ...]]:
    """Every heatmap set of the runs, and what needs no network, the best first."""
    entries = [
        (*name.split(":", 1), value, found["images"][name])
        for name, value in found["cross_validated"].items()
    ]
    entries += [("no network", e["heatmaps"], e["cross_validated"], e["images"]) for e in found["baselines"]]
    ranked = sorted(entries, key=lambda entry: -entry[2])
    return [(run, name, figure(value, 4), f"{images:,}") for run, name, value, images in ranked]


def pair_rows(found: Found) -> list[tuple[str, ...]]:
    """Every pair, with which of the two is better where that can be told."""
    return [
        (
            pair["first"],
            pair["second"],
            better(pair),
            f"{pair['difference']:+.4f}",
            "" if pair["low"] is None else f"{pair['low']:+.4f} to {pair['high']:+.4f}",
            "" if pair["p_holm"] is None else f"{pair['p_holm']:.4f}",
            f"{pair['images']:,}",
        )
        for pair in found["pairs"]
    ]


def better(pair: Mapping[str, Any]) -> str:
    """Which of the two is better; a dash where that cannot be told."""
    if pair["p_holm"] is None or pair["p_holm"] >= SIGNIFICANT or pair["low"] <= 0 <= pair["high"]:
        return "–"
    return "first" if pair["difference"] > 0 else "second"
