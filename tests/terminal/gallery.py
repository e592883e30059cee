"""A small app around one Picture, driven through a pseudo terminal or photographed in a real one.

Keys: t moves the threshold (only the mask changes), h shows another heatmap, n another
image; d opens a dialog over the picture, o shows a notice (O a longer one), s scrolls it,
z suspends, q quits. Each key also changes the line above, so that text and picture can be
timed apart.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from cliploc.core.terminal import CHOICES
from cliploc.core.terminal.probe import probe

START = time.monotonic()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--graphics", default="auto", choices=CHOICES)
    parser.add_argument("--size", default="40x20", help="the picture's columns x rows")
    parser.add_argument(
        "--widget", default="picture", choices=["picture", "none", "halfcell", "sixel", "kitty"]
    )
    parser.add_argument("--images", default="", help="a folder of images; drawn scenes when empty")
    parser.add_argument(
        "--unmeasured", action="store_true", help="take the link for a fast one, however slow this machine is"
    )
    parser.add_argument("--report", default="", help="write event-loop CPU times there on exit, as JSON")
    return parser.parse_args()


def main() -> None:
    arguments = parsed()
    terminal = probe(override=arguments.graphics)
    if terminal.truecolor:
        os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
    if arguments.widget in {"halfcell", "sixel", "kitty"}:
        # It asks the terminal when imported, which must be before the app reads the keys.
        import textual_image.widget  # noqa: F401
    from tests.terminal.gallery_app import Gallery

    columns, rows = (int(side) for side in arguments.size.split("x"))
    app = Gallery(terminal, columns, rows, arguments.widget, arguments.images)
    app.measures = not arguments.unmeasured
    app.run()
    if arguments.report:
        Path(arguments.report).write_text(json.dumps(app.report), encoding="utf-8")
    print("gallery ended")
    sys.exit(app.return_code or 0)


if __name__ == "__main__":
    main()
