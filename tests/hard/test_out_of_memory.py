"""The kernel kills for want of memory, for real: what was kept stays, and the same command goes on.

A memory group of the kernel (version 1 of its interface) holds the command and a hog; once the command has
written something the hog takes what is left, and the kernel kills the larger of those it may kill.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.datasets import open_dataset

GROUPS = Path("/sys/fs/cgroup/memory")
LIMIT = 1_200_000_000
PATIENCE = 120.0
# Never chosen by the kernel; told to, it takes all the memory there is, and holds it.
HOG = """
import sys
open("/proc/self/oom_score_adj", "w").write("-1000")
sys.stdin.readline()
held = []
while True:
    held.append(b"x" * 50_000_000)
"""
pytestmark = pytest.mark.faults


@pytest.fixture
def group() -> Iterator[Path]:
    folder = GROUPS / f"cliploc-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "memory.limit_in_bytes").write_text(str(LIMIT))
    except OSError:
        pytest.skip("no memory group can be made here")
    yield folder
    for pid in (folder / "cgroup.procs").read_text().split():
        os.kill(int(pid), signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while (folder / "cgroup.procs").read_text() and time.monotonic() < end:
        time.sleep(0.05)
    folder.rmdir()


def started(argv: list[str], home: Path, group: Path | None = None) -> subprocess.Popen[bytes]:
    """A process, in the group from its first moment on."""

    def join() -> None:
        if group is not None:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    environment = {**os.environ, "CLIPLOC_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *argv],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=join,
    )


def killed_once(argv: list[str], home: Path, group: Path, begun: Callable[[], bool]) -> tuple[int, str]:
    """Run a command until it has begun, then let the memory run out. Its exit code and words."""
    command, hog = started(argv, home, group), started(["-c", HOG], home, group)
    assert hog.stdin is not None
    end = time.monotonic() + PATIENCE
    while not begun() and command.poll() is None:
        assert time.monotonic() < end, "it never began"
        time.sleep(0.01)
    hog.stdin.write(b"now\n")
    hog.stdin.flush()
    words = command.communicate(timeout=PATIENCE)[0].decode()
    hog.kill()
    hog.communicate()
    return command.returncode, words


def test_a_computation_goes_on_to_the_same_bytes(group: Path, tmp_path: Path) -> None:
    argv = ["-m", "cliploc.core.cli", "heatmaps", "compute", "--dataset", "demo", "--method", "gem",
            "--device", "cpu", "--batch", "1"]  # fmt: skip
    here, there = tmp_path / "here", tmp_path / "there"
    store = here / "cache" / "heatmaps"
    code, _ = killed_once(argv, here, group, lambda: bool(list(store.glob("*/part-*.npy"))))
    assert code == -signal.SIGKILL
    assert list(store.glob("*/part-*.npy"))
    for home in (here, there):
        again = started(argv, home)
        again.communicate(timeout=PATIENCE)
        assert again.returncode == 0
    (ours,), (theirs,) = store.glob("*/heatmaps.npy"), (there / "cache/heatmaps").glob("*/heatmaps.npy")
    assert ours.read_bytes() == theirs.read_bytes()
    assert not list(store.glob("*/part-*"))


def test_a_sweep_goes_on_to_the_same_numbers(group: Path, tmp_path: Path) -> None:
    """Whoever is killed, driver or worker: a sentence, and resuming gives what an undisturbed run gives."""
    command = ["-m", "cliploc.core.cli"]
    sweep = [
        *command,
        "sweep",
        "--heatmaps",
        "a",
        "--dilate",
        "1:41:4",
        "--erode",
        "1:41:4",
        "--workers",
        "2",
    ]
    dataset = open_dataset("demo")
    rng = np.random.default_rng(0)
    ids = [sample.id for sample in dataset.samples]
    np.savez(tmp_path / "a.npz", ids=np.array(ids), heatmaps=rng.random((len(ids), 8, 8), np.float32))
    printed = []
    for home in (tmp_path / "here", tmp_path / "there"):
        finished([*command, "heatmaps", "import", str(tmp_path / "a.npz"), "--dataset", "demo"], home)
        if home.name == "here":
            counts = home / "state" / "runs"
            _, words = killed_once(sweep, home, group, lambda at=counts: len(list(at.glob("*/counts/*"))) > 2)  # type: ignore[misc]
            assert "oom_kill 0" not in (group / "memory.oom_control").read_text()
            assert "Traceback" not in words
            finished([*command, "runs", "resume", "last"], home)
        else:
            finished(sweep, home)
        printed.append(finished([*command, "runs", "export", "last", "--format", "csv"], home))
    assert printed[0] == printed[1]
    assert len(printed[0].splitlines()) > 10_000


def finished(argv: list[str], home: Path) -> str:
    """What a command that nobody disturbs prints."""
    command = started(argv, home)
    words = command.communicate(timeout=PATIENCE)[0].decode()
    assert command.returncode == 0, words
    return words
