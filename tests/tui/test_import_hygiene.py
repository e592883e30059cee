"""What each process loads: the screen no arrays, the studio no screen, and only the worker a network."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cliploc.core.datasets import Dataset

NETWORKS = {"torch", "open_clip", "torchvision", "timm"}
ARRAYS = {"numpy", "cv2", "PIL", "textual_image"}

PROBE = """
import json, sys
{imports}
print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})))
"""

A_VISIT = """
import asyncio
from cliploc.core.datasets import open_dataset
from cliploc.core.terminal import Terminal
from cliploc.tui.actions import ACTIONS
from cliploc.tui.app import ExplorerApp
from cliploc.tui.state import ExplorerState, Source

dataset = open_dataset({folder!r})
state = ExplorerState(dataset.samples[0].id, Source(stored="good"))
keys = {{action.name: action.keys for action in ACTIONS}}

async def until(condition):
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError

async def visit():
    app = ExplorerApp(dataset, state, Terminal("halfcell"), keys)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.explorer.scores.board and app.explorer.pictures)
        for key in "dtji":
            await pilot.press(key)
            await until(lambda: not app.client.busy)
        for page in "vHs":
            await pilot.press(page)
            await until(lambda: app.screen is not app.explorer and not app.client.busy)
            await pilot.press("escape")
            await until(lambda: app.screen is app.explorer)
    app.leave()

asyncio.run(visit())
"""


def imported_by(statements: str) -> set[str]:
    """The top-level packages that a fresh interpreter has after these statements."""
    output = subprocess.run(
        [sys.executable, "-c", PROBE.format(imports=statements)], capture_output=True, text=True, check=True
    )
    return set(json.loads(output.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "cliploc.tui.app",
        "cliploc.tui.start",
        "cliploc.tui.studio_client",
        "cliploc.tui.keymap",
        "cliploc.tui.screens.explorer",
        "cliploc.tui.widgets.pictures",
    ],
)
def test_importing_the_screen_imports_no_network_and_no_arrays(module: str) -> None:
    assert not imported_by(f"import {module}") & (NETWORKS | ARRAYS)


def test_the_studio_imports_no_screen_and_no_network() -> None:
    assert not imported_by("import cliploc.tui.studio.studio, cliploc.tui.studio.__main__") & (
        {"textual", "rich"} | NETWORKS
    )


def test_the_screen_s_process_never_loads_arrays_whatever_it_shows(toy: Dataset) -> None:
    modules = imported_by(A_VISIT.format(folder=toy.spec))
    assert not modules & NETWORKS
    assert not modules & ARRAYS


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_import_no_screen(option: str) -> None:
    statements = f"""
from cliploc.tui.__main__ import main
try:
    main([{option!r}])
except SystemExit as stop:
    assert stop.code == 0
"""
    assert not imported_by(statements) & ({"textual"} | NETWORKS | ARRAYS)
