"""The app behind `gallery.py`: one line of text, one picture."""

from __future__ import annotations

import asyncio
import signal
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Label, Static

from cliploc.core import compose
from cliploc.core.terminal import Terminal
from cliploc.tui.graphics.driver import GraphicsDriver
from cliploc.tui.widgets.picture import Picture

SIDE = 256


@lru_cache(maxsize=32)
def scene(index: int, folder: str) -> compose.Image:
    """A photo of the folder, or a drawn scene with as much detail as one."""
    if folder:
        paths = sorted(Path(folder).iterdir())
        image = cv2.imread(str(paths[index * 37 % len(paths)]))
        return np.ascontiguousarray(cv2.resize(image, (SIDE, SIDE))[..., ::-1])
    rng = np.random.default_rng(index)
    noise = sum(
        cv2.resize(
            rng.random((side, side, 3)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC
        )
        * weight
        for side, weight in ((4, 0.6), (16, 0.3), (128, 0.1))
    )
    return np.clip(np.asarray(noise) * 255, 0, 255).astype(np.uint8)


@lru_cache(maxsize=32)
def heatmap(index: int) -> compose.Map:
    """A 14 x 14 heatmap as methods make them, stretched: three peaks over a noisy floor."""
    rng = np.random.default_rng(1000 + index)
    grid = 0.25 * rng.random((14, 14)).astype(np.float32)
    rows, columns = np.mgrid[0:14, 0:14]
    for _ in range(3):
        row, column, width = rng.uniform(2, 12), rng.uniform(2, 12), rng.uniform(1.5, 3)
        peak = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * width**2))
        grid = np.maximum(grid, (0.25 * grid + 0.75 * peak).astype(np.float32))
    return np.clip(cv2.resize(grid, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), 0, 1)


def composed(image: int, heat: int, step: int, folder: str) -> compose.Image:
    """The picture of a state: overlay, with the mask's outline at the threshold."""
    threshold = 0.3 + 0.01 * abs((step + 40) % 80 - 40)
    painted = compose.overlay(scene(image, folder), heatmap(heat), "inferno", 0.5)
    mask = heatmap(heat) > threshold
    return compose.outcome(painted, mask, heatmap(heat) > 0.5, 0.5)


class Dialog(ModalScreen[None]):
    BINDINGS: ClassVar = [("d", "dismiss", "Close")]
    CSS = "Dialog { align: center middle; } Static { width: 24; height: 5; background: blue; }"

    def compose(self) -> ComposeResult:
        yield Static("a dialog over the picture")


class Gallery(App[None]):
    CSS = "#scroll { height: 1fr; } .tall { height: 60; } #status { height: 1; }"
    BINDINGS: ClassVar = [
        ("t", "step", ""),
        ("h", "heat", ""),
        ("n", "image", ""),
        ("d", "dialog", ""),
        ("s", "scroll", ""),
        ("o", "toast(1)", ""),
        ("O", "toast(4)", ""),
        ("z", "suspend_process", ""),
        ("q", "quit", ""),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, terminal: Terminal, columns: int, rows: int, widget: str, folder: str) -> None:
        super().__init__(driver_class=GraphicsDriver)
        self.terminal = terminal
        self.columns, self.rows = columns, rows
        self.widget, self.folder = widget, folder
        self.measures = True
        self.state = [0, 0, 0]
        self.generation = 0
        self.report: dict[str, Any] = {"protocol": terminal.protocol, "loop_cpu_ms": []}

    def compose(self) -> ComposeResult:
        yield Label("state 0", id="status")
        with VerticalScroll(id="scroll"):
            yield self._picture()
            yield Static("below the picture", classes="tall")

    def _picture(self) -> Widget:
        if self.widget == "none":
            picture: Widget = Static("no picture", id="picture")
        elif self.widget == "picture":
            picture = Picture(terminal=self.terminal, id="picture")
        else:
            from textual_image import widget as ready_made

            kinds = {
                "halfcell": ready_made.HalfcellImage,
                "sixel": ready_made.SixelImage,
                "kitty": ready_made.TGPImage,
            }
            picture = kinds[self.widget](id="picture")
        picture.styles.width, picture.styles.height = self.columns, self.rows
        return picture

    def on_mount(self) -> None:
        # As the explorer: a handler of the loop's makes it look up when a signal came to another thread.
        # Without one, SIGCONT now and then found the loop asleep, and it slept on.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
        if not self.measures:
            self._driver.link._measure = lambda *_: None  # type: ignore[union-attr]
        self._cpu = time.thread_time()
        self._wanted = asyncio.Event()
        self.run_worker(self._compose_newest())
        self._render_state()

    def _render_state(self) -> None:
        """Show the state; the event loop's CPU since the last time, without composing, goes to the report."""
        self.report["loop_cpu_ms"].append((time.thread_time() - self._cpu) * 1000)
        self._cpu = time.thread_time()
        self.query_one("#status", Label).update(f"state {self.generation}")
        self._wanted.set()

    async def _compose_newest(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            generation = self.generation
            self._show(await asyncio.to_thread(composed, *self.state, self.folder), generation)

    def _show(self, rgb: compose.Image, generation: int) -> None:
        picture = self.query_one("#picture")
        if isinstance(picture, Static):
            return
        if isinstance(picture, Picture):
            picture.show(rgb, generation)
        else:
            from PIL import Image

            picture.image = Image.fromarray(rgb)  # type: ignore[attr-defined]

    def _advance(self, index: int) -> None:
        self.state[index] += 1
        self.generation += 1
        self._render_state()

    def action_step(self) -> None:
        self._advance(2)

    def action_heat(self) -> None:
        self._advance(1)

    def action_image(self) -> None:
        self._advance(0)

    def action_dialog(self) -> None:
        self.push_screen(Dialog())

    def action_toast(self, seconds: float) -> None:
        self.notify("a toast", timeout=seconds)

    def action_scroll(self) -> None:
        scroll = self.query_one("#scroll")
        scroll.scroll_to(y=0 if scroll.scroll_y else 5, animate=False)
