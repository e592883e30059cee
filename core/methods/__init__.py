"""Methods: how a network's activations become a heatmap. `METHODS` lists them without importing torch."""

from cliploc.core.methods.registry import METHODS, MethodSpec

__all__ = ["METHODS", "MethodSpec"]
