"""What goes into an encoder and what comes out; encoders are functions of a Job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.terminal import Terminal

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
    picture. grey: the user asked for no colour. coarse: fewer bytes before fidelity.
    identity: the kitty picture id. origin: (x, y) of the widget on the screen, None when
    it is not wholly visible. before: the frame that the screen shows there.
    """

    rgb: NDArray[np.uint8]
    generation: int
    size: tuple[int, int]
    terminal: Terminal
    background: tuple[int, int, int]
    grey: bool
    coarse: bool
    identity: int
    origin: tuple[int, int] | None
    before: Frame | None


@dataclass(frozen=True)
class Frame:
    """One encoded picture.

    cells: its half-cells, shown wherever pixels cannot be (under a dialog). strips: the
    text of each row while the picture is wholly visible. draw: bytes that bring the screen
    from the job's `before` to this. redraw: bytes that bring the pixels back after the
    terminal lost them; empty for half-cells, whose strips are enough.
    """

    generation: int
    size: tuple[int, int]
    coarse: bool
    box: Box
    cells: Cells
    strips: list[Strip]
    draw: str
    redraw: str = ""
