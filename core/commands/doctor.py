"""`cliploc doctor`: what is here, what the terminal can do, and what to change."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from cliploc.core.errors import ClipLocError
from cliploc.core.terminal import CHOICES, NO_PASSTHROUGH, ROUNDED_COLOURS, Terminal, draws_placeholders

HELP = "show what is installed and what the terminal can do"
Facts = dict[str, object]
PACKAGES = (
    "cliploc", "torch", "open_clip_torch", "numpy", "opencv-python-headless", "pillow", "textual",
    "textual-image", "pycocotools", "timm", "distributed", "matplotlib", "pyarrow", "numba",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """doctor [--graphics auto|kitty|sixel|halfcell|none] [--no-picture] [--json]"""
    parser.add_argument("--graphics", default="auto", choices=CHOICES, help="show the test picture this way")
    parser.add_argument("--no-picture", action="store_true", help="leave the test picture out")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 0 also when something is missing, since nothing failed."""
    from cliploc.core.commands.output import print_json
    from cliploc.core.terminal import probe, throughput

    terminal = probe(override=arguments.graphics)
    rate = throughput(terminal)
    report: dict[str, object] = {name: look() for name, look in SECTIONS.items()}
    report["terminal"] = terminal_facts(terminal, rate)
    report["advice"] = advice(terminal)
    if arguments.json:
        print_json(report)
        return 0
    _print(report)
    if not arguments.no_picture:
        _show_picture(terminal)
    return 0


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

    from cliploc.core.testcard import testcard

    if sys.stdout.isatty() and terminal.protocol != "none":
        title = f"test picture ({terminal.protocol}): colours change smoothly from left to right"
        sys.stdout.write(f"\n{title}\n{testcard(terminal)}\n")


def installed() -> Facts:
    """Python and package versions, without importing the packages."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    facts: Facts = {"python": platform.python_version(), "system": platform.platform()}
    for name in PACKAGES:
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            facts[name] = "not installed"
    return facts


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
        said = f"{folder}{'' if os.access(nearest, os.W_OK) else ' (cannot be written)'}"
        if is_remote(nearest):
            said += f" (on {kind_of(nearest)}, over a network: the ledger works without shared memory)"
        facts[name] = said
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
    from cliploc.core.backbones.catalog import demo_folder
    from cliploc.core.backbones.fetch import published_and_cached

    facts: Facts = {}
    for name in ("demo-vit", "demo-resnet"):
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


def terminal_facts(terminal: Terminal, rate: float | None) -> Facts:
    """The environment as programs see it, and the probe's result. rate: bytes a second."""
    import os

    names = ("TERM", "COLORTERM", "TERM_PROGRAM", "NO_COLOR", "SSH_CONNECTION", "LANG")
    facts: Facts = {name: os.environ[name] for name in names if name in os.environ}
    facts |= {
        "tmux": terminal.tmux or "no",
        "screen": "yes" if os.environ.get("STY") else "no",
        **{f"answer: {question}": answer for question, answer in terminal.answers.items()},
        "pictures": f"{terminal.protocol}: {terminal.reason}",
        "cell": f"{terminal.cell_width} x {terminal.cell_height} pixels",
        "24-bit colour": "yes" if terminal.truecolor else "no",
        "round trip": "no answer" if terminal.round_trip_ms is None else f"{terminal.round_trip_ms:.0f} ms",
        "throughput": "not measured" if rate is None else f"{rate / 1000:.0f} KB/s",
        "killed at logout": _killed_at_logout(),
    }
    return facts


def _killed_at_logout() -> str:
    """Whether systemd-logind ends background work when the user logs out."""
    from pathlib import Path

    places = [Path("/etc/systemd/logind.conf"), *sorted(Path("/etc/systemd/logind.conf.d").glob("*.conf"))]
    lines: list[str] = []
    for place in places:
        try:
            lines += place.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
    values = [line.partition("=")[2].strip() for line in lines if line.startswith("KillUserProcesses=")]
    return "yes (systemd: KillUserProcesses)" if values[-1:] == ["yes"] else "no"


def _tmux_advice(terminal: Terminal) -> list[str]:
    """What to put into ~/.tmux.conf, or what tmux cannot do here."""
    if terminal.protocol == "kitty":
        return [
            "tmux drops pictures that are made while another window of it is shown: "
            "`set -g focus-events on` sends them again when you come back",
            "tmux answers in place of your terminal, so over a slow link pictures may lag behind a held key: "
            "`--graphics halfcell` then",
        ]
    if terminal.protocol == "sixel":
        return []
    around = terminal.answers.get("around", "")
    if not draws_placeholders(around):
        return [
            "tmux shows half-cells; all pixels need a tmux 3.4 built with sixel, "
            "or kitty 0.28 or ghostty 1.0 around it"
        ]
    settings = {
        NO_PASSTHROUGH: "set -g allow-passthrough on",
        ROUNDED_COLOURS: "set -as terminal-features ',*:RGB'",
    }
    if terminal.tmux not in settings:
        return [f"tmux shows half-cells: {around} did not answer through it; attach again"]
    return [
        f"tmux keeps pictures from {around}: put `{settings[terminal.tmux]}` into ~/.tmux.conf, attach again"
    ]


def advice(terminal: Terminal) -> list[str]:
    """What the user can change, one sentence each."""
    import os

    lines = []
    over_ssh = "SSH_CONNECTION" in os.environ or "SSH_TTY" in os.environ
    if not terminal.truecolor and over_ssh:
        lines.append(
            "SSH does not forward COLORTERM: put `SendEnv COLORTERM` into ~/.ssh/config here at home and "
            "`AcceptEnv COLORTERM` into the server's sshd_config, or start with --color truecolor"
        )
    elif not terminal.truecolor:
        lines.append("256 colours only; if your terminal has more, export COLORTERM=truecolor")
    if terminal.tmux:
        lines += _tmux_advice(terminal)
    if os.environ.get("NO_COLOR"):
        lines.append("NO_COLOR is set: heatmaps lose their colours; unset it for cliploc-tui")
    if terminal.protocol == "sixel" and terminal.answers.get("name", "").lower().startswith("xterm"):
        lines.append("xterm shows wrong colours with its 16 registers: set XTerm*numColorRegisters: 256")
    if terminal.round_trip_ms is not None and terminal.round_trip_ms > 250:
        lines.append("a slow link: pictures follow at its pace; --graphics halfcell needs the fewest bytes")
    if _killed_at_logout().startswith("yes"):
        lines.append(
            "sweeps end when you log out; start them with `systemd-run --user --scope`, and enable-linger"
        )
    return lines
