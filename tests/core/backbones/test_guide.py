"""A second network that says what belongs together: by name, from the cache, part of what a set is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cliploc.core.backbones import guide
from cliploc.core.backbones.fetch import remote
from cliploc.core.backbones.guide import guide_digest, load_guide
from cliploc.core.backbones.network import Transform
from cliploc.core.errors import CheckpointError, ParameterError

NAME = "vit_tiny_patch16_224:random:3"
PLAIN = Transform(224, (0.0,) * 3, (1.0,) * 3)


def test_features_are_unit_rows_of_the_other_networks_grid() -> None:
    pictures = torch.rand(2, 3, 56, 84)
    found = load_guide(NAME, "cpu").features(pictures, PLAIN, (4, 6))
    assert found.shape == (2, 24, 192)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(2, 24))


def test_the_pictures_own_transform_is_undone() -> None:
    """Whatever the network's mean and std, the guide sees the same picture."""
    pictures = torch.rand(1, 3, 64, 64)
    other = Transform(224, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    shifted = (pictures - torch.tensor(other.mean)[:, None, None]) / torch.tensor(other.std)[:, None, None]
    made = load_guide(NAME, "cpu")
    found = made.features(shifted, other, (4, 4))
    torch.testing.assert_close(found, made.features(pictures, PLAIN, (4, 4)), atol=1e-5, rtol=0)


def test_a_seed_gives_the_same_guide_and_another_one_another_digest() -> None:
    weights = load_guide(NAME, "cpu").model.state_dict()
    load_guide.cache_clear()
    again = load_guide(NAME, "cpu").model.state_dict()
    assert all(torch.equal(value, again[key]) for key, value in weights.items())
    assert guide_digest(NAME) == guide_digest(NAME)
    assert guide_digest(NAME) != guide_digest("vit_tiny_patch16_224:random:4")


def test_the_digest_is_of_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    monkeypatch.setattr(guide.hub, "cached", lambda *_: path)
    digests = set()
    for content in (b"1", b"2"):
        path.write_bytes(content)
        digests.add(guide_digest("vit_base_patch8_224.dino"))
    assert len(digests) == 2


def test_what_is_not_here_or_no_transformer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for ask in (guide_digest, lambda name: load_guide(name, "cpu")):
        with pytest.raises(CheckpointError, match="cliploc models fetch timm:vit_base_patch8_224"):
            ask("vit_base_patch8_224.dino")
        with pytest.raises(ParameterError, match="timm has no 'dinosaur'"):
            ask("dinosaur.x")
    with pytest.raises(ParameterError, match="is no transformer that takes pictures of any size"):
        load_guide("resnet18:random:0", "cpu")
    assert remote("timm:vit_base_patch8_224.dino").repository == "timm/vit_base_patch8_224.dino"
