"""The heatmap worker: a process that holds loaded networks and answers requests.

    python -m core.heatmaps.worker --device auto

Requests come as JSON lines on standard input, events leave on standard output
(`core.heatmaps.protocol`), whatever else is printed goes to standard error. It
ends with its standard input, so it never outlives the program that started it.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from typing import IO

from core.errors import ClipLocError
from core.heatmaps.backlog import Backlog
from core.heatmaps.protocol import Event, Forget, Loading, Request, decoded, encoded

log = logging.getLogger(__name__)

NICENESS = 5  # the screen goes first


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description="the process that computes heatmaps for the screen")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    os.nice(NICENESS)
    # Libraries print; what they print must not end up between the events.
    events = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    backlog = Backlog()
    threading.Thread(target=_read, args=(sys.stdin.buffer, backlog), name="requests", daemon=True).start()
    _emit(events, Loading("PyTorch"))
    from core.heatmaps.server import Server  # takes seconds; requests are accepted meanwhile

    server = Server(arguments.device, lambda event: _emit(events, event))
    while True:
        request = backlog.take(server.batch)
        if not server.answer(request):
            backlog.drop(request.recipe)


def _read(lines: IO[bytes], backlog: Backlog) -> None:
    for line in lines:
        try:
            message = decoded(line)
        except ClipLocError as error:
            log.warning("%s", error)
            continue
        if isinstance(message, Request):
            backlog.add(message)
        elif isinstance(message, Forget):
            backlog.drop()
    # Nobody listens any more. What is in the store is whole: nothing needs to be put in order.
    os._exit(0)


def _emit(events: IO[bytes], event: Event) -> None:
    events.write(encoded(event))
    events.flush()


if __name__ == "__main__":
    main()
