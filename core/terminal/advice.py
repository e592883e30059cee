"""What is known of a terminal, in words, and what its user can change."""

from __future__ import annotations

import os
import re
from pathlib import Path

from cliploc.core.terminal import NO_PASSTHROUGH, PLACEHOLDERS, ROUNDED_COLOURS, Terminal, draws_placeholders


def facts_of(terminal: Terminal, rate: float | None) -> dict[str, object]:
    """The environment as programs see it, and the probe's result. rate: bytes a second."""
    names = ("TERM", "COLORTERM", "TERM_PROGRAM", "NO_COLOR", "SSH_CONNECTION", "LANG")
    facts: dict[str, object] = {name: os.environ[name] for name in names if name in os.environ}
    return facts | {
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


def _killed_at_logout() -> str:
    """Whether systemd-logind ends background work when the user logs out."""
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


def _update_advice(name: str) -> list[str]:
    """Which version of a terminal, known by the name that it gives, shows pictures in all pixels."""
    known = PLACEHOLDERS.get(re.split(r"\W", name.lower(), maxsplit=1)[0])
    if known is None or draws_placeholders(name):
        return []
    return [
        f"{name} shows half-cells: pictures in all pixels need version {'.'.join(map(str, known))} or later "
        "(Unicode placeholders), or a terminal with sixel"
    ]


def advice(terminal: Terminal) -> list[str]:
    """What the user can change, one sentence each."""
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
    elif terminal.protocol == "halfcell":
        lines += _update_advice(terminal.answers.get("name", ""))
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
