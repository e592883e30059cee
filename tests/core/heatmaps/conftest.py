"""A recipe for the tiny network, a toy dataset, a store of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore


@pytest.fixture
def recipe(tiny_backbone: str) -> Recipe:
    return Recipe("gem", tiny_backbone)


@pytest.fixture
def toy(make_folder: Callable[..., Path]) -> Dataset:
    """Seven samples of three classes."""
    return open_dataset(str(make_folder({"cat": 3, "red car": 2, "dog": 2})))


@pytest.fixture
def store(tmp_path: Path) -> HeatmapStore:
    return HeatmapStore(tmp_path / "heatmaps")
