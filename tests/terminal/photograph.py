"""Photographs of real terminals with pictures in them, for people to look at.

    python -m tests.terminal.photograph --terminal xterm --out /tmp/photos

starts Xvfb and the terminal, walks the gallery (or another program) through dialogs,
scrolling, a storm of resizes, suspension and exit, and writes one PNG for each station.
Stations that must look the same are compared pixel by pixel. Needs xvfb, xdotool,
x11-apps, imagemagick and the terminal; kitty (0.28 or newer) may be given as a command.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SCREEN = (1400, 900)
XTERM = (
    "xterm +lc -ti vt340 -fa Monospace -fs 10 -bg black -fg white -geometry 110x40+0+0 "
    "-xrm 'XTerm*numColorRegisters: 256' -xrm 'XTerm*maxGraphicSize: 1600x1200' -e"
)
KITTY = (
    "kitty --config NONE -o update_check_interval=0 -o remember_window_size=no "
    "-o initial_window_width=1100 -o initial_window_height=760"
)
TERMINALS = {"xterm": XTERM, "mlterm": "mlterm -g 110x40 -e", "kitty": KITTY}
# A name photographs; the others are keys, `sleep`, `storm` (of resizes) and `fg`.
GALLERY_WALK = (
    "=start n =changed o sleep =toast d =dialog d =after-dialog s =scrolled n =scrolled-changed "
    "s =back storm =after-storm z =suspended fg sleep =resumed q =ended"
)
MUST_BE_EQUAL = (("back", "after-storm"), ("back", "resumed"))
# And each of these with the station `fresh`.
BACK_FROM = "back-from-*.png"
# Dots of a font that reach over their cell's edge differ with the order of drawing.
PIXELS_OFF = 20


def main() -> int:
    parser = argparse.ArgumentParser(description="photograph pictures in a real terminal")
    parser.add_argument("--terminal", choices=TERMINALS, default="xterm")
    parser.add_argument("--command", help="how to start the terminal, when not the usual way")
    parser.add_argument("--program", default=f"{sys.executable} -m tests.terminal.gallery --size 60x30")
    parser.add_argument("--walk", default=GALLERY_WALK)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--display", default=":97")
    parser.add_argument("--patience", type=float, default=6.0, help="seconds that shell and program may need")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    os.environ |= {"DISPLAY": arguments.display, "LIBGL_ALWAYS_SOFTWARE": "1"}
    size = f"{SCREEN[0]}x{SCREEN[1]}x24"
    server = subprocess.Popen(["Xvfb", arguments.display, "-screen", "0", size], stderr=subprocess.DEVNULL)
    time.sleep(1)
    shell = f"cd {REPOSITORY}; export PYTHONPATH=. PS1='$ '; exec bash --norc -i"
    command = arguments.command or TERMINALS[arguments.terminal]
    terminal = subprocess.Popen([*shlex.split(command), "bash", "-c", shell])
    try:
        time.sleep(arguments.patience)
        typed(f"clear; {arguments.program}")
        time.sleep(arguments.patience)
        walk(arguments.walk.split(), arguments.out)
        return compared(arguments.out)
    finally:
        terminal.kill()
        server.terminate()


def walk(steps: list[str], out: Path) -> None:
    for step in steps:
        if step.startswith("="):
            photographed(out / f"{step[1:]}.png")
        elif step == "sleep":
            time.sleep(1)
        elif step == "storm":
            storm()
        elif step == "fg":
            typed("fg")
        else:
            xdotool("key", step)
            time.sleep(1.2)


def photographed(path: Path, patience: float = 20.0) -> None:
    """Photograph the screen when three looks in a row show the same."""
    end = time.monotonic() + patience
    looks: list[bytes] = []
    while time.monotonic() < end and not (len(looks) >= 3 and looks[-1] == looks[-2] == looks[-3]):
        looks.append(subprocess.run(["xwd", "-root", "-silent"], capture_output=True, check=True).stdout)
        time.sleep(0.8)
    subprocess.run(["convert", "xwd:-", str(path)], input=looks[-1], check=True)


def storm(resizes: int = 100, seconds: float = 5.0) -> None:
    """Drag the window's corner about; it ends where it began."""
    window = subprocess.run(
        ["xdotool", "getactivewindow"], capture_output=True, text=True, check=False
    ).stdout
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--name", "."], capture_output=True, text=True, check=True
    ).stdout
    window = window.strip() or found.split()[0]
    geometry = subprocess.run(
        ["xdotool", "getwindowgeometry", "--shell", window], capture_output=True, text=True, check=True
    ).stdout
    values = dict(line.split("=") for line in geometry.splitlines())
    width, height = int(values["WIDTH"]), int(values["HEIGHT"])
    for number in range(resizes):
        shrink = 0 if number == resizes - 1 else (number * 37) % 400
        xdotool("windowsize", window, str(width - shrink), str(height - shrink // 2))
        time.sleep(seconds / resizes)


def typed(line: str) -> None:
    xdotool("type", "--delay", "5", line)
    xdotool("key", "Return")


def xdotool(*arguments: str) -> None:
    subprocess.run(["xdotool", *arguments], check=True)


def compared(out: Path) -> int:
    """How many pixels differ between stations that must look the same; 1 when any does."""
    failed = 0
    returns = [("fresh", path.stem) for path in sorted(out.glob(BACK_FROM))]
    for first, second in (*MUST_BE_EQUAL, *returns):
        paths = [out / f"{name}.png" for name in (first, second)]
        if not all(path.is_file() for path in paths):
            continue
        done = subprocess.run(
            ["compare", "-metric", "AE", *map(str, paths), "null:"],
            capture_output=True,
            text=True,
            check=False,
        )
        print(f"{first} and {second}: {done.stderr.strip()} pixels differ")
        failed |= int(done.returncode > 1 or float(done.stderr.split()[0]) > PIXELS_OFF)
    return failed


if __name__ == "__main__":
    sys.exit(main())
