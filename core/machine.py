"""What computed a result: versions of what matters, and the hardware. Nothing is imported to find out."""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cliploc.core.version import VERSION

_PACKAGES = ("numpy", "opencv-python-headless", "torch", "open_clip_torch", "pycocotools", "numba")


def machine() -> dict[str, str]:
    """Versions and hardware by name, as text for people; what cannot be found is left out."""
    found = {"cliploc": VERSION, "Python": platform.python_version(), **versions(_PACKAGES)}
    found |= {"system": platform.platform(), "processor": _processor(), "cores": str(os.cpu_count())}
    memory, gpus = _memory(), _gpus()
    found |= {"memory": f"{memory / 2**30:.1f} GiB"} if memory else {}
    return found | ({"GPU": ", ".join(gpus)} if gpus else {})


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of those packages that are installed; none is imported."""
    from importlib import metadata  # costs a tenth of a bare screen's start, which needs it not

    found = {}
    for package in packages:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory() -> int:
    """The most bytes that this process had in memory; Linux counts its parent's into `ru_maxrss`."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _status("VmHWM") or (most if sys.platform == "darwin" else most * 1024)


def resident_memory() -> int:
    """Bytes that this process has in memory now; its most where the system does not say."""
    return _status("VmRSS") or peak_memory()


def running_seconds() -> float:
    """How long this process has been there; where the system does not say, the time it worked."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return time.process_time()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _status(name: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _gpus() -> list[str]:
    """NVIDIA's, from the driver's own files."""
    try:
        texts = [path.read_text() for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))]
    except OSError:
        return []
    lines = [line for text in texts for line in text.splitlines()]
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return 0
