"""Damaged files: an error of ours or the right value, whatever the damage; nothing dies, nothing swells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.fuzz.run import READERS

EACH = 180  # 3,060 in all and more, as readers come
MOST_MB = 1000
FORGIVING = ("sessions",)  # what cannot be read of them is begun anew
STRICT = ("tables",)  # of fifty damaged ones one is still a table


def fed(reader: str, seed: int, count: int, folder: Path) -> dict[str, object]:
    """What the process that fed `count` inputs to a reader printed."""
    command = [sys.executable, "-m", "tests.fuzz.run", reader, str(seed), str(count), str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"died of {done.returncode} at input {done.stderr.splitlines()[-1]}"
    found: dict[str, object] = json.loads(done.stdout)
    print(reader, found)
    return found


@pytest.mark.parametrize("reader", READERS)
def test_damage_is_an_error_or_does_no_harm(reader: str, tmp_path: Path) -> None:
    found = fed(reader, 0, EACH, tmp_path)
    assert found["wrong"] == []
    assert found["tried"] == EACH
    if reader not in STRICT:
        assert int(str(found["values"])) > 0
    if reader not in FORGIVING:
        assert int(str(found["errors"])) > 0
    assert float(str(found["peak_mb"])) < MOST_MB


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("reader", READERS)
def test_more_damage(reader: str, seed: int, tmp_path: Path) -> None:
    found = fed(reader, seed, 2000, tmp_path)
    assert found["wrong"] == []
    assert float(str(found["peak_mb"])) < MOST_MB
