"""What goes into an encoder and what comes out; encoders are functions of a Job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.terminal import Protocol, Terminal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from textual.strip import Strip

    from tui.graphics.fit import Box

    Cells = NDArray[np.int32]
    """Half-cells: (rows, columns, 2), the upper and the lower colour, 0xRRGGBB or one of the 256."""


@dataclass(frozen=True)
class Job:
    """One picture to encode: the pixels, where they go and on what terminal.

    rgb: (H, W, 3) uint8. size: the widget's (columns, rows). background: RGB around the
    picture. grey: the user asked for no colour. coarse: little time and few bytes before
    fidelity. budget: the bytes that a coarse picture may have; encoders come near it.
    identity: the kitty picture id. origin: (x, y) of the widget on the screen, None when
    it is not wholly visible. at_bottom: the widget's last row is the screen's. before: the
    frame that the screen shows there.
    """

    rgb: NDArray[np.uint8]
    generation: int
    size: tuple[int, int]
    terminal: Terminal
    background: tuple[int, int, int]
    grey: bool
    coarse: bool
    budget: int
    identity: int
    origin: tuple[int, int] | None
    at_bottom: bool
    before: Frame | None

    def repeats(self, other: Job | None) -> bool:
        """Whether the other job's picture came out the same; compares pixels, so not on the event loop."""
        if other is None or self._settings() != other._settings():
            return False
        same_shape = self.rgb.shape == other.rgb.shape
        return self.rgb is other.rgb or (same_shape and bool((self.rgb == other.rgb).all()))

    def _settings(self) -> tuple[object, ...]:
        return (self.size, self.at_bottom, self.background, self.grey, self.coarse)


@dataclass(frozen=True, eq=False)
class Frame:
    """One encoded picture; equal only to itself.

    protocol: how it was encoded. coarse: it lacks detail that is sent later. cells: its
    half-cells, shown wherever pixels cannot be (under a dialog). strips: the text of each
    row while the picture is wholly visible; none for sixel, which has blanks there.
    difference: half-cells only, the bytes that bring the screen from the job's `before` to
    this. pixels: the bytes of the picture itself, wherever the cursor is; empty for
    half-cells.
    """

    protocol: Protocol
    generation: int
    size: tuple[int, int]
    coarse: bool
    box: Box
    cells: Cells
    strips: list[Strip]
    difference: str
    pixels: str
