"""The client's side: the preload library, its control file, and commands in the nursery."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY

KINDS = {"count": 0, "kill": 1, "ENOSPC": 2, "EIO": 3, "EROFS": 4, "EIO once": 5}
_CONTROL = struct.Struct("4q")  # at, kind, count, trips: as in fault.c
MACHINERY = Path(__file__).with_name("fault.c")


def missing() -> str:
    """Why no fault can be injected here; empty when one can."""
    if not sys.platform.startswith("linux"):
        return "faults are injected by LD_PRELOAD, on Linux"
    return "" if shutil.which("cc") else "no C compiler (cc) to build fault.c with"


def built(folder: Path) -> Path:
    """The preload library, compiled."""
    library = folder / "fault.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", library, MACHINERY, "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return library


@dataclass(frozen=True)
class Ended:
    """How a command ended. status: exit code, negative signal, None for a hang. trips: faults that fell."""

    status: int | None
    orphans: int
    seconds: float
    output: str
    calls: int
    trips: int


class Nursery:
    """Runs commands under one home; `fault.c` counts and strikes below `root`."""

    def __init__(self, process: subprocess.Popen[str], place: Path) -> None:
        self._process = process
        self._control = place / "control"
        self._output = place / "output"

    def run(
        self,
        argv: Sequence[str],
        root: Path,
        *,
        kind: str = "",
        at: int = 0,
        seconds: float = 120.0,
        **more: Any,
    ) -> Ended:
        """Run one command with `root/home` as its home, `root` as the folder it works in.

        kind, at: of `fault.c`; none when kind is empty. more: see `nursery.serve`.
        """
        self._control.write_bytes(_CONTROL.pack(at, KINDS[kind or "count"], 0, 0))
        job = {
            "argv": list(argv),
            "cwd": str(root),
            "env": {"CLIPLOC_HOME": str(root / "home")},
            "output": str(self._output),
            "control": str(self._control) if kind else "",
            "root": str(root),
            "seconds": seconds,
            **more,
        }
        answer = self._ask(job)
        _, _, calls, trips = _CONTROL.unpack(self._control.read_bytes())
        return Ended(
            **{name: answer[name] for name in ("status", "orphans", "seconds")},
            output=self._output.read_text(errors="replace"),
            calls=calls,
            trips=trips,
        )

    def _ask(self, job: Mapping[str, object]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the nursery died"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def nursery(place: Path) -> Iterator[Nursery]:
    """Start a nursery with its own files in `place`; it ends with the block."""
    place.mkdir(parents=True, exist_ok=True)
    library = built(place)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FAULT_")},
        "LD_PRELOAD": str(library),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "NO_PROXY": "127.0.0.1",
        "MPLCONFIGDIR": str(place),
        "COLUMNS": "100",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.nursery", str(library)],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline(), "the nursery did not start"
        try:
            yield Nursery(process, place)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)
