"""Small random networks of every kind that a method can read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch.nn import functional as F

from cliploc.core.backbones.guide import Guide
from cliploc.core.backbones.load import load_backbone, seeded
from cliploc.core.backbones.network import Backbone, Transform
from cliploc.core.methods import METHODS

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
VIT = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 4, "width": 64, "patch_size": 8, "head_width": 16},
    "text_cfg": TEXT,
}
RESNET = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
    "text_cfg": TEXT,
}


def small(folder: Path, config: dict[str, object]) -> Backbone:
    """A random network of a config, by way of a model folder."""
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    backbone = load_backbone(f"local-dir:{folder}", "random:0", device="cpu")
    torch.manual_seed(0)
    for name, weight in backbone.model.named_parameters():
        # open_clip starts these at 0, which would hide half of each residual block.
        if name.endswith("bn3.weight"):
            torch.nn.init.normal_(weight)
    return backbone


@pytest.fixture(scope="session")
def tiny_guide() -> Guide:
    """A small random transformer of images alone, with patches of 4."""
    with seeded(7):
        model = VisionTransformer(img_size=32, patch_size=4, embed_dim=32, depth=2, num_heads=2,
                                  num_classes=0, dynamic_img_size=True)  # fmt: skip
        for parameter in model.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.3)
    return Guide(model.eval(), (4, 4), Transform(32, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)))


@pytest.fixture(autouse=True)
def guided(tiny_guide: Guide, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guide that methods have here, whatever its name."""
    monkeypatch.setattr("cliploc.core.methods.proxyclip.load_guide", lambda *_: tiny_guide)


@pytest.fixture(scope="session")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return small(tmp_path_factory.mktemp("models") / "vit", VIT)


@pytest.fixture(scope="session")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return small(tmp_path_factory.mktemp("models") / "resnet", RESNET)


@pytest.fixture(scope="session")
def classifier() -> Backbone:
    return load_backbone("resnet50-imagenet", "random:0", device="cpu")


@pytest.fixture
def backbone_for(vit: Backbone, resnet: Backbone) -> Callable[[str], Backbone]:
    """A small backbone that the method reads."""
    return lambda method: vit if "vit" in METHODS[method].families else resnet


def images(count: int, size: int | tuple[int, int] = 64) -> torch.Tensor:
    """Random images (count, 3, size, size), each from its own seed."""
    height, width = (size, size) if isinstance(size, int) else size
    return torch.stack(
        [torch.randn(3, height, width, generator=torch.Generator().manual_seed(n)) for n in range(count)]
    )


def texts(count: int, width: int = 24) -> torch.Tensor:
    """Random unit rows (count, width)."""
    return F.normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(99)), dim=-1)
