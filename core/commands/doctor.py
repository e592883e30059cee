"""`cliploc doctor`: what is here, what the terminal can do, and what to change."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from cliploc.core.errors import ClipLocError
from cliploc.core.machine import versions
from cliploc.core.terminal import CHOICES, Terminal

Facts = dict[str, object]
PACKAGES = (
    "cliploc", "torch", "open_clip_torch", "numpy", "opencv-python-headless", "pillow", "textual",
    "textual-image", "pycocotools", "timm", "transformers", "distributed", "matplotlib", "pyarrow", "numba",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """doctor [--graphics auto|kitty|sixel|halfcell|none] [--no-picture] [--rehearse [--device D]] [--json]"""
    parser.add_argument("--graphics", default="auto", choices=CHOICES, help="show the test picture this way")
    parser.add_argument("--no-picture", action="store_true", help="leave the test picture out")
    parser.add_argument(
        "--rehearse", action="store_true",
        help="time one batch of every method with random weights, and say what the poster would take",
    )  # fmt: skip
    parser.add_argument(
        "--device", default="auto", metavar="D", help="of the rehearsal: auto, cpu, cuda, mps"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 0 also when something is missing, since nothing failed."""
    from cliploc.core.commands.output import print_json

    if arguments.rehearse:
        return _rehearse(arguments)
    from cliploc.core.terminal.advice import advice, facts_of
    from cliploc.core.terminal.probe import probe, throughput

    terminal = probe(override=arguments.graphics)
    rate = throughput(terminal)
    report: dict[str, object] = {name: look() for name, look in SECTIONS.items()}
    report["terminal"] = facts_of(terminal, rate)
    report["advice"] = advice(terminal)
    if arguments.json:
        print_json(report)
        return 0
    _print(report)
    if not arguments.no_picture:
        _show_picture(terminal)
    return 0


def _rehearse(arguments: argparse.Namespace) -> int:
    """Each method as soon as it is timed; 1 where one cannot run here."""
    from dataclasses import asdict

    from cliploc.core.commands.output import print_json, print_table, say
    from cliploc.core.machine import machine

    say(f"{machine().get('GPU', 'no GPU')}; loading PyTorch, then networks with random weights")
    from cliploc.core.heatmaps.rehearsal import POSTER_IMAGES, of_poster, rehearsed

    timings = []
    for timing in rehearsed(arguments.device):
        timings.append(timing)
        rate = timing.problem or f"{timing.images / timing.seconds:.2f} images a second"
        say(f"{timing.method} on {timing.backbone} at {timing.size}: {rate}")
    seconds = of_poster(timings)
    rows = [_rounded(asdict(each)) for each in timings]
    if arguments.json:
        print_json({"methods": rows, "poster_heatmaps_seconds": seconds})
    else:
        print_table(
            rows, as_json=False, caption="gigabytes: in use at most; on the CPU, of the process so far"
        )
        how_long = f"{seconds / 60:.1f} minutes" if seconds is not None else "not known: a method cannot run"
        say(f"the heatmaps of the poster on {POSTER_IMAGES} images: {how_long}, its sweep comes on top")
    return int(any(each.problem for each in timings))


def _rounded(facts: Facts) -> Facts:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in facts.items()}


def _print(report: Mapping[str, object]) -> None:
    from cliploc.core.commands.output import print_lines

    for section, facts in report.items():
        print_lines(["", section])
        if isinstance(facts, dict):
            width = max((len(name) for name in facts), default=0)
            print_lines([f"  {name:{width}}  {value}" for name, value in facts.items()])
        elif isinstance(facts, list):
            print_lines([f"  - {line}" for line in facts] or ["  nothing to change"])


def _show_picture(terminal: Terminal) -> None:
    """The test picture, where standard output is a terminal: it is no data for a script."""
    import sys

    from cliploc.core.terminal.testcard import testcard

    if sys.stdout.isatty() and terminal.protocol != "none":
        title = f"test picture ({terminal.protocol}): colours change smoothly from left to right"
        sys.stdout.write(f"\n{title}\n{testcard(terminal)}\n")


def installed() -> Facts:
    """Python and package versions, without importing the packages."""
    import platform

    found = versions(PACKAGES)
    facts: Facts = {"python": platform.python_version(), "system": platform.platform()}
    return {**facts, **{name: found.get(name, "not installed") for name in PACKAGES}}


def devices() -> Facts:
    """Processors and GPUs; asked of the driver's own tool, since loading torch takes seconds."""
    import os
    import shutil
    import subprocess

    facts: Facts = {
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    }
    if shutil.which("nvidia-smi") is None:
        return {**facts, "gpu": "none (no nvidia-smi)"}
    query = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return {**facts, "gpu": "nvidia-smi does not answer"}
    return {**facts, **{f"gpu {number}": line for number, line in enumerate(found.splitlines())}}


def folders() -> Facts:
    """Where things are kept, and whether they can be written."""
    import os

    from cliploc.core import paths
    from cliploc.core.filesystem import is_remote, kind_of

    facts: Facts = {}
    for name in ("data", "cache", "state", "config"):
        folder = getattr(paths, f"{name}_dir")()
        nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
        writable = "" if os.access(nearest, os.W_OK) else " (cannot be written)"
        remote = f" (on {kind_of(nearest)}, over a network: the ledger works without shared memory)"
        facts[name] = f"{folder}{writable}{remote if is_remote(nearest) else ''}"
    return facts


def datasets() -> Facts:
    """Images and classes of the datasets that have a name."""
    from cliploc.core.datasets import open_dataset

    def described(spec: str) -> str:
        dataset = open_dataset(spec)
        classes = {sample.label for sample in dataset.samples}
        return f"{len(dataset.samples)} images, {len(classes)} classes"

    return {spec: _or_reason(lambda spec=spec: described(spec)) for spec in ("demo", "cocoglide")}  # type: ignore[misc]


def models() -> Facts:
    """Which of the weights that the methods use are here."""
    from cliploc.core.backbones.catalog import DEMO, demo_folder
    from cliploc.core.backbones.fetch import published_and_cached

    facts: Facts = {}
    for name in DEMO:
        folder = demo_folder(name)
        facts[name] = "shipped" if folder is not None and folder.is_dir() else "missing"
    for known, path in published_and_cached():
        facts[known.name] = str(path) if path else f"not here; cliploc models fetch {known.name}"
    return facts


def ledger() -> Facts:
    """Heatmap sets and runs that are stored."""
    from cliploc.core.heatmaps.store import HeatmapStore
    from cliploc.core.sweep.ledger import Ledger

    return {
        "heatmap sets": _or_reason(lambda: str(len(HeatmapStore().sets()))),
        "runs": _or_reason(lambda: str(len(Ledger().runs()))),
    }


def _or_reason(look: Callable[[], str]) -> str:
    try:
        return look()
    except ClipLocError as error:
        return str(error)


SECTIONS: dict[str, Callable[[], Facts]] = {
    "installed": installed,
    "devices": devices,
    "folders": folders,
    "datasets": datasets,
    "models": models,
    "ledger": ledger,
}
