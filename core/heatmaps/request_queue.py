"""What the worker has been asked and has not begun: the latest urgent request first."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

from cliploc.core.heatmaps.protocol import Count, Request
from cliploc.core.heatmaps.recipe import Recipe

KEPT = 64  # requests of each kind; older ones are dropped, whoever made them has moved on


class RequestQueue:
    """Requests between the thread that reads them and the one that computes.

    Urgent ones come first, the latest before the earlier; then what is to be counted, as it came, and the
    rest, as the urgent.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._urgent: list[Request] = []
        self._later: list[Request] = []
        self._counts: deque[Count] = deque()

    def add(self, request: Request | Count) -> None:
        """Put a request on top of its kind; what is to be counted goes below."""
        with self._condition:
            if isinstance(request, Count):
                self._counts.append(request)
                self._condition.notify()
                return
            stack = self._urgent if request.urgent else self._later
            stack.append(request)
            del stack[:-KEPT]
            self._condition.notify()

    def drop(self, recipe: Recipe | None = None) -> None:
        """Drop the requests of a recipe, or all."""
        with self._condition:
            for stack in (self._urgent, self._later):
                stack[:] = [request for request in stack if recipe not in (None, request.recipe)]

    def is_empty(self) -> bool:
        """Whether nobody waits for anything."""
        with self._condition:
            return not (self._urgent or self._counts or self._later)

    def take(self, limit: int) -> Request | Count:
        """Wait for the first request; at most `limit` of its samples, the rest stays where it was.

        What is to be counted is taken whole.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._urgent or self._counts or self._later)
            if self._counts and not self._urgent:
                return self._counts.popleft()
            stack = self._urgent or self._later
            request = stack.pop()
            if len(request.ids) > limit:
                stack.append(replace(request, ids=request.ids[limit:]))
            return replace(request, ids=request.ids[:limit])
