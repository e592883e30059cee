"""From a picture to a frame, by the terminal's protocol. Loads numpy, cv2 and PIL: not on the event loop."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from cliploc.tui.graphics import halfcell
from cliploc.tui.graphics.frame import Frame, Job

if TYPE_CHECKING:
    from cliploc.tui.graphics.frame import Pixels


def encode(rgb: Pixels, job: Job) -> Frame:
    """Encode a picture by the module of the protocol's name; as half-cells where its pixels have no place."""
    if job.needs_whole and job.is_covered:
        return halfcell.encode(rgb, job)
    frame: Frame = import_module(f"cliploc.tui.graphics.{job.terminal.protocol}").encode(rgb, job)
    return frame
