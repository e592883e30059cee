"""Six jobs, what they were said to take, and what they took."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from tests.load import sets
from tests.sweeping import children_of

CLIPLOC = [sys.executable, "-m", "cliploc.core.cli"]


@dataclass(frozen=True)
class Job:
    """A command. dataset: `demo`, or the kind and size of a set that is made for it."""

    name: str
    dataset: str
    words: str

    @property
    def is_sweep(self) -> bool:
        """Whether it is a sweep, over stand-in heatmaps."""
        return self.words.startswith("sweep")


JOBS = (
    Job("gem and naclip, demo", "demo", "heatmaps compute --method gem,naclip"),
    Job("maskclip, ViT-B/32", "glide 150",
        "heatmaps compute --method maskclip --backbone ViT-B-32 --checkpoint random:0 --size 224"),
    Job("textspan, ViT-B/16", "glide 48",
        "heatmaps compute --method textspan --backbone ViT-B-16 --checkpoint random:0 --size 224"),
    Job("the whole grid, counts kept", "glide 512", "sweep --engine opencv"),
    Job("640 x 480, counts kept", "coco 300",
        "sweep --engine opencv --dilate 1:61:20 --erode 1:61:20"),
    Job("sums alone, numba", "glide 512", "sweep --engine numba --interpolation bilinear --keep sums"),
)  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """Seconds on the wall and of processors; bytes at most of the process, of any child, and on disk."""

    seconds: float
    core_seconds: float
    memory: int
    worker_memory: int
    disk: int


def prepared(job: Job, folder: Path) -> list[str]:
    """Make what the job works on, in an empty CLIPLOC_HOME; the rest of its command line."""
    kind, _, size = job.dataset.partition(" ")
    if kind == "demo":
        return ["--dataset", "demo"]
    spec = getattr(sets, kind)(folder / f"{kind}-{size}", int(size))
    if not job.is_sweep:
        return ["--dataset", spec]
    dataset = open_dataset(spec)
    file = sets.heatmaps(folder / f"{kind}-{size}.npz", [sample.id for sample in dataset.samples])
    import_npz(HeatmapStore(), file, dataset, "stand-ins")
    return ["--heatmaps", "stand-ins"]


def said(job: Job, rest: list[str]) -> dict[str, float]:
    """What `--plan` says of this machine."""
    command = [*CLIPLOC, *job.words.split(), *rest, "--plan", "--json"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    row: dict[str, float] = json.loads(found.stdout)[0]
    return row


def taken(job: Job, rest: list[str], home: Path) -> Taken:
    """Do the job, and look at its processes ten times a second: a high-water mark stays until the end."""
    stored = _size(home, job)
    begun, used, own, children = time.perf_counter(), _used(), 0, 0
    command = [*CLIPLOC, *job.words.split(), *rest]
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
        while process.poll() is None:
            own = max(own, _peak(process.pid))
            children = max([children, *map(_peak, children_of(process.pid))])
            time.sleep(0.1)
    assert process.returncode == 0, job.name
    seconds = time.perf_counter() - begun
    return Taken(seconds, _used() - used, own, children, _size(home, job) - stored)


def _used() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _peak(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _size(home: Path, job: Job) -> int:
    folder = home / ("state" if job.is_sweep else "cache/heatmaps")
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
