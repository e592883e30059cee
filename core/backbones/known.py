"""Every network that open_clip knows by name: what its image side is, and what its text side needs.

The image sides are built without memory (torch's `meta` device); nothing is loaded.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import open_clip
import torch

from cliploc.core.backbones.open_clip_private import VISION, private
from cliploc.core.backbones.text_side import missing_package, parts_of
from cliploc.core.backbones.towers.choice import OTHER, kind_of, tower_of


@dataclass(frozen=True)
class Known:
    """One network. kind: as `towers.choice.kind_of`. millions: of weights of the image side.

    patch: in pixels, 0 for a convolutional one. size: the side of its pictures. reason: why nothing
    reads it, or why it cannot be built here; "" where it can be used.
    """

    name: str
    kind: str
    trunk: str
    millions: int
    patch: int
    size: int
    reason: str


def known_networks() -> Iterator[Known]:
    """All of open_clip's names, in its order. Takes some 20 s."""
    logging.getLogger("timm").setLevel(logging.ERROR)
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        with torch.device("meta"):
            visual = private(VISION)(
                config["embed_dim"], config["vision_cfg"], bool(config.get("quick_gelu", False))
            )
        yield _known(name, visual, config["text_cfg"])


def with_nearest(networks: Sequence[Known]) -> list[Known]:
    """The networks; a reason that nothing reads one ends in the name of the nearest in weights that is."""
    read = [each for each in networks if each.kind != OTHER]
    found = []
    for each in networks:
        if each.kind == OTHER and read:
            apart = {other.name: abs(math.log(other.millions / each.millions)) for other in read}
            each = replace(
                each, reason=f"{each.reason}; nearest in size: {min(apart, key=apart.__getitem__)}"
            )
        found.append(each)
    return found


def _known(name: str, visual: Any, text: dict[str, Any]) -> Known:  # noqa: ANN401  open_clip ships no types
    tower, kind = tower_of(visual), kind_of(visual)
    size = getattr(visual, "image_size", 0)
    return Known(
        name,
        kind,
        type(getattr(visual, "trunk", visual)).__name__,
        round(sum(each.numel() for each in visual.parameters()) / 1e6),
        0 if tower is None else tower.patch[0],
        int(size[0] if isinstance(size, tuple | list) else size),
        _reason(visual, kind, text),
    )


def _reason(visual: Any, kind: str, text: dict[str, Any]) -> str:  # noqa: ANN401  as above
    trunk = getattr(visual, "trunk", visual)
    if kind == OTHER:
        blocks = sorted({type(block).__name__ for block in getattr(trunk, "blocks", [])})
        parts = f" of {', '.join(blocks)}" if blocks else ""
        return f"no method reads a {type(trunk).__name__}{parts}"
    return missing_package() if any(parts_of(text)) else ""
