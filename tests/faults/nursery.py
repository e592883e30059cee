"""A process that has imported everything and forks a child per command: torch is loaded once.

Jobs come as JSON lines on standard input, what became of them goes out as JSON lines. A child
runs `cliploc.core.cli.main` in a session of its own; what it leaves behind (workers of a killed
driver) comes to the nursery, which waits for their end and counts those that do not come to one.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ORPHAN_SECONDS = 20.0  # workers notice the death of their driver, and end
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <sys/prctl.h>


def serve(library: str) -> None:
    """Answer jobs until standard input ends.

    A job: argv, cwd, env, output (a file), control and root (of `fault.c`; "" disarms it), seconds,
    and optionally memory (bytes of address space more than now), signal with after (seconds),
    samples (what counts as CocoGlide's). An answer: status (as `waitstatus_to_exitcode`; None for a
    hang), orphans, seconds.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    faults = ctypes.CDLL(library)
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    _load()
    print(json.dumps({"ready": os.getpid()}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_done(json.loads(line), faults)), file=answers, flush=True)


def _load() -> None:
    """What every command may import, before any is run."""
    os.environ["MPLBACKEND"] = "agg"
    import matplotlib.figure  # noqa: F401
    import torch

    import cliploc.core.backbones.load
    import cliploc.core.fetch.sources
    import cliploc.core.heatmaps.extract
    import cliploc.core.report.write
    import cliploc.core.sweep.process  # noqa: F401
    from cliploc.core.cli import parser

    torch.set_num_threads(1)
    parser()


def _done(job: Mapping[str, Any], faults: ctypes.CDLL) -> dict[str, object]:
    begun = time.monotonic()
    child = os.fork()
    if not child:
        _become(job, faults)
    status = _awaited(child, job, begun)
    return {"status": status, "orphans": _buried(), "seconds": time.monotonic() - begun}


def _become(job: Mapping[str, Any], faults: ctypes.CDLL) -> None:
    """Be the command; never returns."""
    code = 70
    try:
        os.setsid()
        output = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(job["cwd"])
        os.environ.update(job["env"])
        if job.get("samples"):
            _shrink(job["samples"])
        if job.get("memory"):
            now = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            resource.setrlimit(resource.RLIMIT_AS, (now + job["memory"],) * 2)
        if job["control"]:
            os.environ.update(FAULT_CONTROL=job["control"], FAULT_ROOT=job["root"])
            faults.fault_arm(job["control"].encode(), job["root"].encode())
        from cliploc.core.cli import main

        code = main(job["argv"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  what Python would print, and nothing of the nursery's
        traceback.print_exc()
        code = 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _shrink(samples: int) -> None:
    """Take a set of a few samples for CocoGlide: an archive of 512 pictures takes long to make."""
    from dataclasses import replace

    from cliploc.core.fetch import sources

    sources.COCOGLIDE = replace(sources.COCOGLIDE, samples=samples, content=())


def _awaited(child: int, job: Mapping[str, Any], begun: float) -> int | None:
    """Wait for the child, sending it the job's signal on the way. None when it had to be killed."""
    sent = not job.get("signal")
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        passed = time.monotonic() - begun
        if not sent and passed >= job["after"]:
            os.kill(child, job["signal"])
            sent = True
        if passed > job["seconds"]:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.004)


def _buried() -> int:
    """Wait for what the child left; how many had to be killed."""
    deadline = time.monotonic() + ORPHAN_SECONDS
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.01)
        except ChildProcessError:
            return 0
    killed = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1]) == os.getpid():
                os.kill(int(folder.name), signal.SIGKILL)
                os.waitpid(int(folder.name), 0)
                killed += 1
    return killed


if __name__ == "__main__":
    serve(sys.argv[1])
