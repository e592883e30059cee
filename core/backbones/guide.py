"""A second network, of images alone, whose features say what belongs together: any timm transformer.

DINO's patches of one object are alike, which those of CLIP are not; methods may take that from it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.backbones import hub
from cliploc.core.backbones.load import seeded
from cliploc.core.backbones.network import Transform
from cliploc.core.backbones.sources import seed_of
from cliploc.core.backbones.weights import load_weights
from cliploc.core.errors import CheckpointError, ParameterError, clean


@dataclass(frozen=True, eq=False)
class Guide:
    """A loaded one. model: timm's, in eval mode. patch: its patch in pixels. transform: of its pictures."""

    model: Any
    patch: tuple[int, int]
    transform: Transform

    @torch.no_grad()
    def features(self, images: Tensor, given: Transform, grid: tuple[int, int]) -> Tensor:
        """Unit features (B, gh * gw, D) of images that another network's transform made.

        The picture is shown to the guide at the size at which its patches are those of the grid.
        """
        mean, std = (images.new_tensor(each).view(3, 1, 1) for each in (given.mean, given.std))
        own, spread = (
            images.new_tensor(each).view(3, 1, 1) for each in (self.transform.mean, self.transform.std)
        )
        pictures = (images * std + mean - own) / spread
        size = (grid[0] * self.patch[0], grid[1] * self.patch[1])
        if pictures.shape[-2:] != size:
            pictures = F.interpolate(pictures, size=size, mode="bicubic", antialias=True)
        tokens = self.model.forward_features(pictures)[:, self.model.num_prefix_tokens :]
        return F.normalize(tokens.float(), dim=-1)


@lru_cache(maxsize=1)
def load_guide(name: str, device: str) -> Guide:
    """A guide by its name: `ARCHITECTURE.TAG` of timm, from the cache, or `ARCHITECTURE:random:SEED`.

    ParameterError for a name that is no transformer of timm's; CheckpointError for absent weights.
    """
    architecture, seed = _named(name)
    path = None if seed is not None else _weights(name)
    try:
        with seeded(seed or 0), hub.offline():
            model = timm.create_model(architecture, pretrained=False, num_classes=0, dynamic_img_size=True)
        patch, _ = model.patch_embed.patch_size, model.num_prefix_tokens
    except (RuntimeError, TypeError, AttributeError) as error:
        raise ParameterError(
            f"guide: {clean(name)!r} is no transformer that takes pictures of any size "
            f"({clean(error)[:120]}); for example vit_base_patch8_224.dino"
        ) from None
    if path is not None:
        load_weights(model, path, architecture)
    return Guide(model.to(device).eval(), tuple(patch), _transform(name))


def guide_digest(name: str) -> str:
    """The hex SHA-256 of what decides a guide's features. Reads its weights where the cache has no digest."""
    _, seed = _named(name)
    weights = name if seed is not None else hub.digest_of(_weights(name))
    return hashlib.sha256(json.dumps([weights, asdict(_transform(name))]).encode()).hexdigest()


def _named(name: str) -> tuple[str, int | None]:
    """Architecture, and the seed of one with random weights."""
    full, _, seed = name.partition(":")
    architecture = full.partition(".")[0]
    if not timm.is_model(architecture):
        raise ParameterError(
            f"guide: timm has no {clean(architecture)!r}; for example vit_base_patch8_224.dino"
        )
    return architecture, seed_of(seed) if seed else None


def _weights(name: str) -> Path:
    found = hub.cached(f"timm/{name}", hub.CLASSIFIER_FILES)
    if found is None:
        raise CheckpointError(
            f"the weights of the guide {clean(name)} are not on this machine; "
            f"download them with: cliploc models fetch timm:{clean(name)}"
        )
    return found


def _transform(name: str) -> Transform:
    """Mean and std of the tag, or of the architecture's usual one."""
    full = name.partition(":")[0]
    told = timm.models.get_pretrained_cfg(full) or timm.models.get_pretrained_cfg(full.partition(".")[0])
    return Transform(int(told.input_size[-1]), tuple(told.mean), tuple(told.std))
