"""From a job to a frame, by the terminal's protocol. Runs in a thread; loads numpy, cv2 and PIL."""

from __future__ import annotations

from tui.graphics import halfcell, kitty, sixel
from tui.graphics.frame import Frame, Job


def encode(job: Job) -> Frame:
    """Encode a picture for the job's terminal; half-cells where its protocol has no encoder."""
    if job.terminal.protocol == "kitty":
        return kitty.encode(job)
    if job.terminal.protocol == "sixel" and (to_sixels := sixel.encoder()) is not None:
        return sixel.encode(job, to_sixels)
    return halfcell.encode(job)
