"""`python -m cliploc.tui.studio DATASET DEVICE`: answers the requests that come in, until nobody sends any.

The screen starts it; requests come by standard input, answers go to standard output.
"""

from __future__ import annotations

import logging
import os
import sys
import threading

from cliploc.core.child import Outlet
from cliploc.core.datasets import open_dataset
from cliploc.tui.studio.studio import LAST_EXPORTS, Studio
from cliploc.tui.studio.wire import packed, received


def main(dataset: str, device: str) -> None:
    """Answer until standard input ends."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    outlet = Outlet.instead_of_stdout()

    def post(answer: object) -> None:
        try:
            outlet.write(packed(answer))
        except OSError:
            logging.info("the screen no longer listens")

    studio = Studio(open_dataset(dataset), post, device)
    for request in received(sys.stdin.buffer):
        studio.answer(request)
    # Whatever hangs must not outlive the screen for long.
    end = threading.Timer(2 * LAST_EXPORTS, os._exit, (1,))
    end.daemon = True
    end.start()
    studio.close()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
