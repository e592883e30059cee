"""The heatmap worker: a process that holds loaded networks and answers requests.

    python -m cliploc.core.heatmaps.worker --device auto

Requests come as JSON lines on standard input, events leave on standard output
(`cliploc.core.heatmaps.protocol`), whatever else is printed goes to standard error. It
ends with its standard input, so it never outlives the program that started it.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import IO

from cliploc.core.backbones.ahead import check_network
from cliploc.core.child import Outlet
from cliploc.core.errors import ClipLocError
from cliploc.core.heatmaps.protocol import Count, Event, Failed, Forget, Loading, Request, encoded, received
from cliploc.core.heatmaps.request_queue import RequestQueue

NICENESS = 5  # the screen goes first


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description="the process that computes heatmaps for the screen")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    os.nice(NICENESS)
    outlet, request_queue = Outlet.instead_of_stdout(), RequestQueue()

    def emit(event: Event) -> None:
        outlet.write(encoded(event))

    reading = (sys.stdin.buffer, request_queue, arguments.device, emit)
    threading.Thread(target=_read, args=reading, name="requests", daemon=True).start()
    emit(Loading("PyTorch"))
    from cliploc.core.heatmaps.server import Server  # takes seconds; requests are accepted meanwhile

    server = Server(arguments.device, emit)
    while True:
        while request_queue.is_empty() and server.prepare():
            pass  # while nobody waits
        request = request_queue.take(server.batch)
        if isinstance(request, Count):
            server.count(request)
        elif not server.answer(request):
            request_queue.drop(request.recipe)


def _read(lines: IO[bytes], request_queue: RequestQueue, device: str, emit: Callable[[Event], None]) -> None:
    for message in received(lines):
        if isinstance(message, Request):
            trouble = _trouble(message, device)
            if trouble is None:
                request_queue.add(message)
            else:
                emit(trouble)
        elif isinstance(message, Count):
            request_queue.add(message)
        elif isinstance(message, Forget):
            request_queue.drop()
    # Nobody listens any more. What is in the store is whole: nothing needs to be put in order.
    os._exit(0)


def _trouble(request: Request, device: str) -> Failed | None:
    """What is wrong with a request in any case, told while torch is still loading."""
    recipe = request.recipe
    try:
        # A recipe that leaves its network open gets the dataset's, which only the server knows.
        if recipe.backbone:
            check_network(recipe.backbone, recipe.weights, device)
    except ClipLocError as error:
        return Failed(str(error), recipe, request.ids)
    return None


if __name__ == "__main__":
    main()
