"""Methods: how a network's activations become a heatmap.

`METHODS` lists them without importing torch; the functions that compute are
imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cliploc.core.methods.registry import METHODS, MethodSpec

if TYPE_CHECKING:
    from cliploc.core.methods.compute import compute_many as compute_many
    from cliploc.core.methods.compute import compute_maps as compute_maps
    from cliploc.core.methods.compute import normalize as normalize

__all__ = ["METHODS", "MethodSpec", "compute_many", "compute_maps", "normalize"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from cliploc.core.methods import compute

        return getattr(compute, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
