"""From a job to a frame, by the terminal's protocol. Runs in a thread; loads numpy, cv2 and PIL."""

from __future__ import annotations

from tui.graphics import halfcell
from tui.graphics.frame import Frame, Job


def encode(job: Job) -> Frame:
    """Encode a picture for the job's terminal."""
    return halfcell.encode(job)
