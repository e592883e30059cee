"""The screen is up before anything heavy is imported."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

NETWORKS = {"torch", "open_clip", "torchvision", "timm"}
ARRAYS = {"numpy", "cv2", "PIL", "textual_image"}

PROBE = """
import json, sys
{imports}
print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})))
"""

FIRST_PAINT = """
import asyncio
from core.datasets import open_dataset
from core.heatmaps.recipe import Recipe
from core.terminal import Terminal
from tui.actions import ACTIONS
from tui.app import ExplorerApp
from tui.state import ExplorerState, Source

class Painted(ExplorerApp):
    def on_mount(self):
        self.engine.draw = self.engine.score = lambda *_, **__: None
        self.call_after_refresh(self.exit, 0)

dataset = open_dataset({folder!r})
state = ExplorerState(dataset.samples[0].id, Source(Recipe(method="gem").completed("toy")))
keys = {{action.name: action.keys for action in ACTIONS}}

async def paint():
    app = Painted(dataset, state, Terminal("halfcell"), keys)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()

asyncio.run(paint())
"""


def imported_by(statements: str) -> set[str]:
    """The top-level packages that a fresh interpreter has after these statements."""
    output = subprocess.run(
        [sys.executable, "-c", PROBE.format(imports=statements)], capture_output=True, text=True, check=True
    )
    return set(json.loads(output.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    ["tui.app", "tui.start", "tui.engine", "tui.keymap", "tui.screens.explorer", "tui.widgets.pictures"],
)
def test_importing_the_screen_imports_no_network_and_no_arrays(module: str) -> None:
    assert not imported_by(f"import {module}") & (NETWORKS | ARRAYS)


def test_the_studio_imports_no_screen_and_no_network() -> None:
    assert not imported_by("import tui.studio.studio, tui.studio.__main__") & ({"textual", "rich"} | NETWORKS)


def test_nothing_heavy_is_imported_before_the_first_paint(make_folder) -> None:
    modules = imported_by(FIRST_PAINT.format(folder=str(make_folder())))
    assert not modules & NETWORKS
    assert not modules & ARRAYS


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_import_no_screen(option: str) -> None:
    statements = f"""
from tui.__main__ import main
try:
    main([{option!r}])
except SystemExit as stop:
    assert stop.code == 0
"""
    assert not imported_by(statements) & ({"textual"} | NETWORKS | ARRAYS)
