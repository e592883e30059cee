"""From a picture to a frame, by the terminal's protocol. Loads numpy, cv2 and PIL: not on the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cliploc.tui.graphics import halfcell
from cliploc.tui.graphics.frame import Frame, Job

if TYPE_CHECKING:
    from cliploc.tui.graphics.frame import Pixels


def encode(rgb: Pixels, job: Job) -> Frame:
    """Encode a picture for the job's terminal; half-cells where its protocol has no encoder, or no place."""
    if job.terminal.protocol == "kitty":
        from cliploc.tui.graphics import kitty  # loads PIL, as the next

        return kitty.encode(rgb, job)
    if job.terminal.protocol == "sixel" and not job.is_covered:
        from cliploc.tui.graphics import sixel

        if (to_sixels := sixel.encoder()) is not None:
            return sixel.encode(rgb, job, to_sixels)
    return halfcell.encode(rgb, job)
