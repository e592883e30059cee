"""Between which stored heatmap sets of a dataset it is known how much they disagree about each sample."""

from __future__ import annotations

from dataclasses import dataclass

from cliploc.core.postprocess import PostProcess

# Stored heatmap sets that it takes.
ENOUGH = 2


@dataclass(frozen=True)
class Disagreement:
    """Of these `sets` under a config, whose threshold does not matter."""

    config: PostProcess
    sets: tuple[str, ...]

    def is_enough(self) -> bool:
        """Whether there are sets that may disagree."""
        return len(self.sets) >= ENOUGH

    @property
    def text(self) -> str:
        """What is said of it."""
        if self.is_enough():
            return f"disagreement between {', '.join(self.sets)}"
        here = ", ".join(self.sets) or "none"
        return f"disagreement needs {ENOUGH} stored sets or more; here: {here}. m and A make another"
