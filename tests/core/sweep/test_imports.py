"""The screen shows rows of the ledger: they cost neither numpy nor OpenCV, and no sweep costs torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sweeping import REPOSITORY


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("sweep.rows sweep.grid sweep.plan sweep.doubts sweep.student commands.options", "numpy cv2 torch"),
        ("sweep.process sweep.live sweep.evaluate sweep.planning", "torch numba"),
    ],
)
def test_importing_stays_cheap(modules: str, absent: str) -> None:
    named = ", ".join(f"cliploc.core.{module}" for module in modules.split())
    code = f"import sys, {named}; print(*[m for m in {absent.split()!r} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""
