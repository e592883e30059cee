"""What a job takes: time, memory, disk. Found out by doing a little of it on this machine."""

from __future__ import annotations

from dataclasses import dataclass

BUDGET = 20.0  # seconds that a calibration may take, from when networks and workers are ready

COST = (
    "from a calibration here; workers: as many of this machine's cores (sweep) or machines like it, each "
    "with a part (heatmaps); memory_mb: of the leading process, worker_mb: of each of its workers"
)  # what the columns of a cost are, under its table


@dataclass(frozen=True)
class Cost:
    """What a job takes on some workers.

    seconds: from the command's start to its end; core_seconds: of all processors together. memory: the
    most bytes of the process that leads, and worker_memory of each of its workers, 0 where it works
    alone. device_memory: of the GPU, 0 without. disk: bytes that stay.
    """

    workers: int
    seconds: float
    core_seconds: float
    memory: int
    worker_memory: int
    device_memory: int
    disk: int

    def row(self) -> dict[str, object]:
        """One row of a table, in megabytes."""
        return {
            "workers": self.workers,
            "seconds": _brief(self.seconds),
            "core_seconds": _brief(self.core_seconds),
            "memory_mb": round(self.memory / 1e6),
            "worker_mb": round(self.worker_memory / 1e6),
            "device_mb": round(self.device_memory / 1e6),
            "disk_mb": _brief(self.disk / 1e6),
        }


def at_size(sizes: tuple[int, int], found: tuple[float, float], wanted: int) -> float:
    """What is found at a size, from what was at two smaller ones: it grows evenly, and never shrinks."""
    (first, last), (low, high) = sizes, found
    return high if first == last else high + max(high - low, 0) * (wanted - last) / (last - first)


def _brief(value: float) -> float:
    return round(value) if value >= 10 else float(f"{value:.3g}")
