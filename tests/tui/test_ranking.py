"""R ranks the pictures by words, or by the present one, once the network has said what it makes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.embeddings import EmbeddingSet, of_pictures
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.protocol import Embedded
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.tui.app import ExplorerApp
from tests.tui.conftest import listed, settled, until


@pytest.fixture
def worker(toy: Dataset, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands for the heatmap worker: pictures of stars are [1, 0], all others lean away; words are [0, 1]."""
    asked: list[str] = []
    recipe = Recipe("gem").completed(toy.name)
    identity = of_pictures(
        Identity(toy.pictures, "gem", (), recipe.backbone, recipe.weights, "d" * 64, size=recipe.size)
    )

    def answer(self: object, recipe: Recipe, ids: list[str], prompt: str) -> None:
        asked.append(prompt)
        angles = {s.id: 0.1 * n + (0 if s.label == "star" else 0.5) for n, s in enumerate(toy.samples)}
        rows = {id_: np.array([np.cos(a), np.sin(a)], np.float32) for id_, a in angles.items()}
        EmbeddingSet(identity).write(rows)
        row = np.array([0, 1], np.float32) if prompt else None
        self._on_event(Embedded(recipe, identity.key, tuple(ids), prompt, row))  # type: ignore[attr-defined]

    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request_embeddings", answer)
    return asked


async def test_by_words_and_by_the_present_picture(
    make_app: Callable[..., ExplorerApp], toy: Dataset, worker: list[str]
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("R", *"a ring", "enter")
        order = app.explorer.samples
        await until(lambda: order.ranked is not None and not order.ranked.missing, pilot)
        await settled(pilot)
        assert worker == ["a ring"]
        assert listed(app)[-1] == toy.samples[0].id
        values = [order.listed.values[place] for place in order.order.places]
        assert values == sorted(values, reverse=True)
        await pilot.press("R", "enter")
        await settled(pilot)
        here = app.explorer.now.sample
        assert app.explorer.now.listing.near == here
        await until(lambda: listed(app)[0] == here, pilot)
        assert order.listed.values[toy.places[here]] == pytest.approx(1)
        assert worker == ["a ring"]
