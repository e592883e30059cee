"""Our parts of every tower, put together, are the network's own forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from cliploc.core.backbones.towers.choice import kind_of, tower_of
from cliploc.core.backbones.towers.tower import Tower
from tests.towers import CONVNETS, FAMILIES, PATCH, SIDE, TRANSFORMERS, gap, made, pictures, registers, siglip

each = pytest.mark.parametrize("make", TRANSFORMERS.values(), ids=TRANSFORMERS.keys())
KINDS = {
    "open_clip": "vit", "open_clip, layer scale": "vit", "CLIPA": "vit-mean", "open_clip, mean": "vit-mean",
    "CoCa": "vit-pooled", "CoCa, one width": "vit-pooled", "SigLIP": "vit-pooled",
    "timm, mean": "vit-mean", "timm, registers": "vit",
    "EVA01": "vit", "EVA02": "vit-class", "PE-Core": "vit-pooled", "convolutions before": "vit",
    "ConvNeXt": "convnet", "FastViT": "convnet",
}  # fmt: skip


def tower_for(visual: Any) -> Tower:
    tower = tower_of(visual)
    assert tower is not None
    return tower


def embedded(tower: Tower, images: torch.Tensor) -> torch.Tensor:
    x = tower.embed(images)
    for block in tower.blocks(tower.grid_of(images)):
        x = block.run(x)
    return tower.pooled(x)


def own(visual: Any, images: torch.Tensor) -> torch.Tensor:
    found = visual(images)
    embedding: torch.Tensor = found[0] if isinstance(found, tuple) else found
    return embedding


@each
@torch.no_grad()
def test_our_parts_put_together_are_the_networks_embedding(make: Callable[..., Any]) -> None:
    visual = made(make)
    expected = own(visual, pictures(3))
    assert expected.std(0).min() > 1e-3  # it looks at the pictures
    torch.testing.assert_close(embedded(tower_for(visual), pictures(3)), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("make", [siglip, registers, gap], ids=["SigLIP", "registers", "mean"])
@torch.no_grad()
def test_at_another_size_they_are_what_timm_makes_of_it(make: Callable[..., Any]) -> None:
    visual = made(make)
    elastic = make(dynamic_img_size=True).eval()
    elastic.load_state_dict(visual.state_dict())
    images = pictures(2, side=SIDE + 2 * PATCH)
    torch.testing.assert_close(
        embedded(tower_for(visual), images), own(elastic, images), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("name", ["EVA02", "PE-Core"])
@torch.no_grad()
def test_rotary_positions_are_rebuilt_for_another_size(name: str) -> None:
    visual = made(TRANSFORMERS[name])
    elastic = TRANSFORMERS[name](dynamic_img_size=True).eval()
    elastic.load_state_dict(visual.state_dict())
    images = pictures(2, side=SIDE + PATCH)
    table = visual.trunk.rope.get_embed().clone()
    torch.testing.assert_close(
        embedded(tower_for(visual), images), own(elastic, images), rtol=1e-5, atol=1e-5
    )
    assert torch.equal(visual.trunk.rope.get_embed(), table)


@pytest.mark.parametrize("name", ["SigLIP", "PE-Core", "CoCa", "CoCa, one width"])
@torch.no_grad()
def test_a_patch_that_alone_is_attended_to_is_its_projection(name: str) -> None:
    """A pooling head over copies of one token attends to that token alone, whatever its query."""
    visual = made(TRANSFORMERS[name])
    tower = tower_for(visual)
    tokens = tower.embed(pictures(2))
    token = tokens[:, -1]
    copies = token[:, None].expand(-1, tokens.shape[1], -1)
    torch.testing.assert_close(tower.project(token), tower.pooled(copies), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["CLIPA", "timm, mean", "open_clip, mean"])
@torch.no_grad()
def test_a_patch_that_alone_is_averaged_is_its_projection(name: str) -> None:
    tower = tower_for(made(TRANSFORMERS[name]))
    tokens = tower.embed(pictures(2))
    copies = tokens[:, -1:].expand(-1, tokens.shape[1], -1)
    torch.testing.assert_close(tower.project(tokens[:, -1]), tower.pooled(copies), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["SigLIP", "PE-Core", "CoCa", "CoCa, one width"])
def test_a_pooling_heads_open_attention_gives_the_same_embedding(name: str) -> None:
    tower = tower_for(made(TRANSFORMERS[name]))
    x = tower.embed(pictures(2)).detach()
    embedding, attention = tower.pooled_openly(x)
    torch.testing.assert_close(embedding, tower.pooled(x), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(attention.sum(-1), torch.ones(attention.shape[:3]))


@pytest.mark.parametrize("name", FAMILIES)
def test_kinds(name: str) -> None:
    assert kind_of(made(FAMILIES[name])) == KINDS[name]


def test_a_tower_with_a_part_that_nobody_knows_is_not_read() -> None:
    visual = made(siglip)
    visual.trunk.blocks[1] = nn.Identity()
    assert kind_of(visual) == "other"
    visual = made(siglip)
    visual.trunk.attn_pool.latent_len = 2
    assert kind_of(visual) == "other"
    assert kind_of(nn.Linear(3, 3)) == "other"
    assert set(CONVNETS) <= set(FAMILIES)
