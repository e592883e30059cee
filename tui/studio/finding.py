"""Ranking the dataset's pictures by some words, or by one of them. Runs on a thread."""

from __future__ import annotations

from math import nan

import numpy as np

from cliploc.core.errors import ParameterError
from cliploc.core.heatmaps.embeddings import found, similarities
from cliploc.core.metrics import Scores
from cliploc.tui.answers import Ranked
from cliploc.tui.state import ExplorerState
from cliploc.tui.studio.heatmaps import Heatmaps


def ranked(heatmaps: Heatmaps, state: ExplorerState) -> tuple[Ranked, Scores]:
    """What is still waited for, which is asked for, and what is known: similarities by the samples' places.

    These are cosines in [-1, 1], NaN where they are not known.
    ParameterError where there is nothing to compare with.
    """
    dataset, listing = heatmaps.dataset, state.listing
    if not (listing.like or listing.near):
        raise ParameterError("found neither words nor a picture to rank by; R asks for them")
    recipe = state.source.recipe.completed(dataset.name)
    ids = dataset.ids
    kept = found(recipe, dataset.pictures)
    rows = {} if kept is None else kept.read(ids)
    to = heatmaps.words_of(recipe, listing.like) if listing.like else rows.get(listing.near)
    missing = [id_ for id_ in ids if id_ not in rows]
    if listing.near in missing:
        missing = [listing.near, *(id_ for id_ in missing if id_ != listing.near)]
    failed = heatmaps.embed(recipe, missing or ids[:1], listing.like) if missing or to is None else ""
    values = {} if to is None else similarities(rows, to)
    return Ranked(state, len(missing), failed), np.array([values.get(id_, nan) for id_ in ids])
