"""The screen reads the ledger: that must cost neither numpy nor OpenCV, and no sweep costs torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sweeping import REPOSITORY


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("core.sweep.ledger, core.sweep.grid, core.sweep.plan, core.commands.runs", "numpy cv2 torch"),
        ("core.sweep.process, core.sweep.live, core.sweep.evaluate, core.sweep.planning", "torch numba"),
    ],
)
def test_importing_stays_cheap(modules: str, absent: str) -> None:
    code = f"import sys, {modules}; print(*[m for m in {absent.split()!r} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""
