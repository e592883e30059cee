"""A tiny network and a toy dataset: real forward passes in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import save_file

from core.backbones.load import load_backbone
from core.datasets import Dataset, open_dataset
from core.heatmaps.recipe import Recipe
from core.heatmaps.store import HeatmapStore

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a tiny ViT with weights in a folder."""
    place = tmp_path_factory.mktemp("tiny")
    config = {"model_cfg": TINY, "preprocess_cfg": {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5]}}
    (place / "open_clip_config.json").write_text(json.dumps(config))
    made = load_backbone(f"local-dir:{place}", "random:3", device="cpu")
    save_file(made.model.state_dict(), place / "open_clip_model.safetensors")
    return f"local-dir:{place}"


@pytest.fixture
def recipe(tiny: str) -> Recipe:
    return Recipe("gem", tiny)


@pytest.fixture
def toy(make_folder: Callable[..., Path]) -> Dataset:
    """Seven samples of three classes."""
    return open_dataset(str(make_folder({"cat": 3, "red car": 2, "dog": 2})))


@pytest.fixture
def store(tmp_path: Path) -> HeatmapStore:
    return HeatmapStore(tmp_path / "heatmaps")
