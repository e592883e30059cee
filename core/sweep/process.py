"""The run as a process: in the foreground under Ctrl-C, or detached from everything.

`python -m cliploc.core.sweep.process RUN` works on one run of the ledger. Started by
`detach`, it is the leader of a session of its own: it outlives the screen, the
terminal and the SSH connection that asked for it.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cliploc.core.child import module
from cliploc.core.errors import ClipLocError, ParameterError, StoreError
from cliploc.core.paths import make_folder
from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.inputs import check_reading
from cliploc.core.sweep.ledger import Ledger

_QUIET: Callable[[int, int], None] = lambda done, total: None  # noqa: E731  a default, not a function


def detach(ledger: Ledger, run: str) -> int:
    """Start a run's process and leave it alone. Returns its process id.

    StoreError when its log cannot be written.
    """
    folder = make_folder(ledger.folder(run))
    try:
        with open(folder / "log", "ab") as output:
            process = subprocess.Popen(
                module("cliploc.core.sweep.process", run, str(ledger.path)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        raise StoreError(f"cannot start the run's process ({error.strerror}: {folder / 'log'})") from error
    return process.pid


def awaken(ledger: Ledger, run: str) -> None:
    """Let a run that stopped, for whatever reason, wait for a process to work on it.

    ParameterError when it is at work, or when its true masks would be read in another way now.
    """
    if ledger.run(run).state == "running":
        raise ParameterError(f"run {run} is at work already; `cliploc runs watch {run}` follows it")
    check_reading(ledger.plan(run))
    ledger.set_state(run, "waiting")


def foreground(
    ledger: Ledger,
    run: str,
    progress: Callable[[int, int], None] = _QUIET,
    on_interrupt: Callable[[], None] = lambda: None,
) -> str:
    """Work on a run here. Ctrl-C or SIGTERM finishes the shards that are begun; a second one does not wait.

    Returns the state the run is left in. on_interrupt: called at the first Ctrl-C.
    """
    with stopping(on_interrupt) as stop:
        return drive(ledger, run, stop=stop, progress=progress)


@contextmanager
def stopping(on_interrupt: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Turn the first SIGINT or SIGTERM of the block into a flag; the second one acts as before."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set  # only the main thread hears signals
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, _frame: object) -> None:
        asked.set()
        for known, handler in before.items():
            signal.signal(known, handler)
        on_interrupt()

    for number in before:
        signal.signal(number, ask)
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: list[str]) -> int:
    """Work on the run that the arguments name (id, ledger), as a detached process."""
    run, path = arguments
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        state = foreground(Ledger(Path(path)), run)
    except ClipLocError as error:
        logging.getLogger(__name__).error("%s", error)
        return error.exit_code
    logging.getLogger(__name__).info("run %s is %s", run, state)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
