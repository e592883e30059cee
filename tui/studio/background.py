"""Background threads, named, that do only the newest of what they are asked.

A held key asks thirty times a second; a thread finishes what it is doing and
then takes the last request, so nothing queues up and something always shows.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

Cancelled = Callable[[], bool]
Job = Callable[[Cancelled], None]
log = logging.getLogger(__name__)


class BackgroundThread:
    """One daemon thread and a waiting place: a newer job replaces a waiting one.

    failed: called on the thread's thread with what a job raised. places: how many
    jobs may wait, where each of them must be done. done: called after each job.
    """

    def __init__(
        self,
        name: str,
        failed: Callable[[Exception], None],
        places: int = 1,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._failed = failed
        self._done = done
        self._condition = threading.Condition()
        self._waiting: deque[Job] = deque(maxlen=places)
        self._closed = False
        self._running = False
        self._dropped = False
        self._thread = threading.Thread(target=self._work, name=f"cliploc-{name}", daemon=True)
        self._thread.start()

    def submit(self, job: Job, *, drop_running: bool = False) -> None:
        """Do `job` next. drop_running: tell the running one, through its `cancelled`, to stop."""
        with self._condition:
            self._waiting.append(job)
            self._dropped = self._dropped or (drop_running and self._running)
            self._condition.notify_all()

    @property
    def busy(self) -> bool:
        """Whether a job is running or waiting."""
        with self._condition:
            return self._running or bool(self._waiting)

    def drain(self, seconds: float) -> None:
        """Wait until nothing is running or waiting, but no longer than this."""
        with self._condition:
            self._condition.wait_for(lambda: not self._running and not self._waiting, seconds)

    def close(self) -> None:
        """Cancel everything; the thread ends after its present job. Does not wait."""
        with self._condition:
            self._closed = True
            self._waiting.clear()
            self._condition.notify_all()

    def _cancelled(self) -> bool:
        return self._closed or self._dropped

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job(self._cancelled)
            except Exception as error:  # a thread boundary: logged and reported
                log.exception("thread %s", self.name)
                if not self._closed:
                    self._failed(error)
            finally:
                with self._condition:
                    self._running = self._dropped = False
                    self._condition.notify_all()
                self._done()

    def _next(self) -> Job | None:
        with self._condition:
            self._condition.wait_for(lambda: self._closed or bool(self._waiting))
            if self._closed:
                return None
            self._running = True
            return self._waiting.popleft()
