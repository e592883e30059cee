"""A run in the sweeps panel: what a tuned number is worth, and when it means nothing."""

from __future__ import annotations

from typing import Any

from cliploc.core.sweep.rows import RunRow
from cliploc.tui.runs import RunView
from cliploc.tui.widgets.run_view import summary_lines

ROW = RunRow(
    "12345678", 0, 0, "done", "", "toy", ("good",), 4, 400, 60, 8, 8, None, None, None, "", True, 2, "", ""
)
SUMMARY: dict[str, Any] = {
    "images": 60, "sources": 60, "cells": 400, "best": {"mean_iou": 0.61}, "cross_validated": 0.6,
    "interval": [0.55, 0.65], "unvalidated": "", "oracle_cell": 0.8, "everything": 0, "nothing": 0,
    "raw": {"cross_validated": 0.5, "gain": {"difference": 0.1, "low": 0.05, "high": 0.15}},
    "baselines": [{"name": "whole image", "mean_iou": 0.25, "threshold": None, "cross_validated": 0.25}],
}  # fmt: skip


def text_of(**changes: object) -> str:
    view = RunView(ROW, "mean_iou", (), None, SUMMARY | changes)
    return "\n".join(line.plain for line in summary_lines(view, 200))


def test_the_tuned_number_stands_beside_what_it_is_worth_and_what_needs_no_network() -> None:
    text = text_of()
    assert "on other images; 95 % interval .550 to .650" in text
    assert "which adds +0.100 (+0.050 to +0.150)" in text
    assert "whole image .250" in text
    assert "does not beat" not in text


def test_what_is_not_known_is_not_shown() -> None:
    gain = {"difference": 0.1, "low": None, "high": None}
    text = text_of(interval=None, raw={"cross_validated": 0.5, "gain": gain}, baselines=[])
    assert "too few source images" in text
    assert "adds +0.100" in text
    assert "to +" not in text
    assert "no network" not in text
    assert "not at all: one photo" in text_of(cross_validated=None, unvalidated="one photo", interval=None)


def test_a_number_that_means_nothing_is_said_to() -> None:
    text = text_of(cross_validated=0.2, everything=60)
    assert "predicts the whole image on 60 of 60 images" in text
    assert "does not beat what needs no network: whole image (0.2500)" in text
