"""Pictures inside a real tmux, in a pseudo terminal that draws kitty graphics."""

from __future__ import annotations

import base64
import io
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.terminal.gallery_app import composed
from tests.terminal.pseudo import PseudoTerminal

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
COLUMNS, ROWS = 40, 20
GALLERY = [sys.executable, "-m", "tests.terminal.gallery", "--size", f"{COLUMNS}x{ROWS}"]
COMMAND = re.compile(rb"\x1b_G([^;\x1b]*);([^\x1b]*)\x1b\\")
CELL = "\U0010eeee"
RGB = "set -as terminal-features ',*:RGB'"
pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@contextmanager
def inside_tmux(folder: Path, program: list[str], *settings: str) -> Iterator[PseudoTerminal]:
    """A tmux of its own with these settings, showing the program."""
    configuration = folder / "tmux.conf"
    configuration.write_text("\n".join(["set -g status off", *settings]) + "\n")
    tmux = ["tmux", "-S", str(folder / "socket")]
    command = [*tmux, "-f", str(configuration), "new-session", shlex.join(program)]
    environment = {"PYTHONPATH": str(REPOSITORY), "CLIPLOC_HOME": str(folder)}
    with PseudoTerminal(command, kind="kitty", columns=100, rows=30, environment=environment) as terminal:
        try:
            yield terminal
        finally:
            subprocess.run([*tmux, "kill-server"], check=False)


def pictures(output: bytes) -> list[tuple[dict[str, str], np.ndarray]]:
    """Keys and pixels of every picture that arrived whole."""
    found: list[tuple[dict[str, str], bytes]] = []
    whole = []
    for keys, payload in COMMAND.findall(output):
        pairs = dict(pair.split("=") for pair in keys.decode().split(","))
        found = [(pairs, payload)] if "a" in pairs else [*found, (pairs, payload)]
        if pairs.get("m") == "0":
            png = base64.standard_b64decode(b"".join(part for _, part in found))
            whole.append((found[0][0], np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))))
    return whole


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(REPOSITORY)
    return tmp_path


def test_a_picture_passes_through_tmux_whole(folder: Path) -> None:
    with inside_tmux(folder, GALLERY, "set -g allow-passthrough on", RGB) as terminal:
        cells = COLUMNS * ROWS
        terminal.wait_for(lambda output: output.decode(errors="ignore").count(CELL) >= cells, PATIENCE)
        terminal.wait_for(pictures, PATIENCE)
        ((keys, image),) = pictures(terminal.text())
        assert (keys["c"], keys["r"]) == (str(COLUMNS), str(ROWS))
        assert cv2.PSNR(image, composed(0, 0, 0, "")) > 30
        # The placeholders' colour, which names the picture, came through unrounded.
        red, green, blue = int(keys["i"]).to_bytes(3, "big")
        assert b"38;2;%d;%d;%dm" % (red, green, blue) in terminal.text()

        first = len(terminal.text())
        terminal.send("n")
        # So soon after the start it may come coarsely at first, as under a held key.
        terminal.wait_for(
            lambda output: [shown for _, shown in pictures(output) if shown.shape == image.shape],
            PATIENCE,
            start=first,
        )
        assert cv2.PSNR(pictures(terminal.text())[-1][1], composed(1, 0, 0, "")) > 30

        terminal.send("q")
        terminal.wait_for(lambda output: b"a=d,d=I,i=%s" % keys["i"].encode() in output, PATIENCE)


def test_a_picture_is_sent_again_when_the_user_comes_back_to_its_window(folder: Path) -> None:
    settings = ["set -g allow-passthrough on", RGB, "set -g focus-events on"]
    with inside_tmux(folder, GALLERY, *settings) as terminal:
        terminal.wait_for(pictures, PATIENCE)
        terminal.send("\x02c")  # a second window
        terminal.wait_for(lambda output: b"\x1b[H\x1b[J" in output or b"$ " in output or b"# " in output)
        away = len(terminal.text())
        terminal.send("\x02p")
        terminal.wait_for(pictures, PATIENCE, start=away)


@pytest.mark.parametrize("settings", [["set -g allow-passthrough off", RGB], ["set -g allow-passthrough on"]])
def test_half_cells_where_tmux_keeps_pictures_or_rounds_their_names(
    folder: Path, settings: list[str]
) -> None:
    with inside_tmux(folder, GALLERY, *settings) as terminal:
        terminal.wait_for(lambda output: output.decode(errors="ignore").count("▀") > COLUMNS, PATIENCE)
        assert b"\x1b_G" not in terminal.text()


def test_the_doctor_shows_its_picture_through_tmux(folder: Path) -> None:
    program = [sys.executable, "-m", "cliploc.core.cli", "doctor"]
    shell = ["sh", "-c", f"{shlex.join(program)}; read wait"]
    with inside_tmux(folder, shell, "set -g allow-passthrough on", RGB) as terminal:
        terminal.wait_for(lambda output: b"\x1b_Ga=T,U=1" in output, PATIENCE)
        terminal.wait_for(lambda output: output.decode(errors="ignore").count(CELL) >= 48 * 6, PATIENCE)
