"""The names of open_clip's that are not its public API, each with what it is for.

A test says in a sentence which of them an installed release no longer has.
"""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from typing import Any

FIND_WEIGHTS = "open_clip.factory:_find_checkpoint_in_dir"
TABLE = "open_clip.pretrained:_PRETRAINED"
VISION = "open_clip.model:_build_vision_tower"

REASONS = {
    FIND_WEIGHTS: "which file of a model folder counts: the one that open_clip itself would load",
    TABLE: "its published weights by tag; read as text, because importing the module loads torch",
    VISION: "an image side alone, for the list of all networks: text sides may need what is not installed",
}


def private(name: str) -> Any:  # noqa: ANN401  open_clip ships no types
    """What a `module:name` of REASONS stands for."""
    module, _, path = name.partition(":")
    return attrgetter(path)(import_module(module))
