"""The studio in a thread of the test's own process, over the same pipes: what a test patches holds for it."""

from __future__ import annotations

import os
import threading

from cliploc.core.child import Outlet
from cliploc.core.datasets import open_dataset
from cliploc.tui.studio.studio import Studio
from cliploc.tui.studio.wire import packed, received


class ThreadedStudio:
    """As much of a process as the engine needs."""

    def __init__(self, dataset: str, device: str) -> None:
        requests, stdin = os.pipe()
        stdout, answers = os.pipe()
        self.stdin, self.stdout = os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb")
        self._requests, self._answers = os.fdopen(requests, "rb"), os.fdopen(answers, "wb")
        self.studio = Studio(open_dataset(dataset), self._post, device)
        self._outlet = Outlet(self._answers)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> int:
        """As of a process that ended well."""
        self._thread.join(timeout)
        return 0

    def _post(self, answer: object) -> None:
        try:
            self._outlet.write(packed(answer))
        except (OSError, ValueError):
            return  # the test is over

    def _work(self) -> None:
        with self._requests, self._answers:
            for request in received(self._requests):
                self.studio.answer(request)
            self.studio.close()
