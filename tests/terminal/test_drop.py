"""The connection drops: a real sshd on loopback, its client killed during a tweak and during a sweep."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyte
import pytest

from cliploc.core.datasets import Dataset
from cliploc.core.sweep.ledger import Ledger
from tests.terminal.pseudo import PseudoTerminal
from tests.tui.conftest import toy  # noqa: F401 (a fixture)

REPOSITORY = Path(__file__).resolve().parents[2]
SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
PATIENCE = 120.0
COLUMNS, ROWS = 120, 40
Connect = Callable[[], PseudoTerminal]
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(SSHD is None or shutil.which("ssh") is None, reason="sshd or ssh is not installed"),
]


def until(condition: Callable[[], Any]) -> Any:
    """What a condition gives once it holds; bounded."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
    return found


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where an sshd of our own listens, with keys of its own, on loopback only."""
    if os.geteuid() == 0:
        # The system's own start script makes it; sshd refuses to start without.
        Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    lines = {
        "Port": number, "ListenAddress": "127.0.0.1", "HostKey": tmp_path / "host", "UsePAM": "no",
        "AuthorizedKeysFile": tmp_path / "user.pub", "PidFile": tmp_path / "pid", "StrictModes": "no",
        "PermitRootLogin": "prohibit-password", "PasswordAuthentication": "no",
    }  # fmt: skip
    settings = tmp_path / "sshd_config"
    settings.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
    daemon = subprocess.Popen([str(SSHD), "-D", "-e", "-f", settings], stderr=subprocess.DEVNULL)
    try:
        until(lambda: listens(number))
        yield number
    finally:
        daemon.terminate()
        daemon.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def connect(port: int, tmp_path: Path, toy: Dataset, home: Path) -> Connect:  # noqa: F811 (the fixture)
    """Start the explorer on the other side of SSH, as a user does."""
    words = [sys.executable, "-m", "cliploc.tui", "--dataset", toy.spec, "--graphics", "halfcell"]
    remote = f"cd {shlex.quote(str(REPOSITORY))} && CLIPLOC_HOME={shlex.quote(str(home))} "
    remote += f"HF_HUB_OFFLINE=1 exec {shlex.join(words)}"
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
    command = ["ssh", "-tt", "-F", "none", "-p", str(port), "-i", str(tmp_path / "user")]
    command += [word for option in options for word in ("-o", option)]

    def start(*arguments: str) -> PseudoTerminal:
        line = f"{remote} {shlex.join(arguments)}"
        argv = [*command, f"{getpass.getuser()}@127.0.0.1", line]
        return PseudoTerminal(argv, columns=COLUMNS, rows=ROWS)

    return start


def shows(terminal: PseudoTerminal, *parts: str) -> None:
    """Wait until the terminal shows all these parts."""
    screen, fed = pyte.Screen(COLUMNS, ROWS), 0
    stream = pyte.ByteStream(screen)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        fresh = terminal.text(fed)
        fed += len(fresh)
        stream.feed(fresh)
        text = "\n".join(screen.display)
        if all(part in text for part in parts):
            return
        time.sleep(0.05)
    raise AssertionError(f"{parts} never came; the terminal shows\n{text}")


def kept(home: Path, dataset: Dataset) -> dict[str, Any]:
    """What the session file says of a dataset; {} while there is none."""
    try:
        saved = json.loads((home / "state" / "session.json").read_text())
    except FileNotFoundError:
        return {}
    return dict(saved["datasets"][dataset.spec])


def explorers(dataset: Dataset) -> list[int]:
    """The processes that show a dataset."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has just ended
            continue
        if "cliploc.tui" in words and dataset.spec in words and words[0] == sys.executable:
            found.append(int(place.parent.name))
    return found


def test_a_drop_in_the_middle_of_a_tweak_keeps_what_was_tuned(
    connect: Connect,
    toy: Dataset,  # noqa: F811 (the fixture)
    home: Path,
) -> None:
    with connect("--heatmaps", "good") as terminal:
        shows(terminal, "heart_0000", "mean IoU")
        terminal.send("j")
        shows(terminal, "heart_0001")
        before = len(terminal.text())
        terminal.send("d" * 20)
        terminal.wait_for(lambda answer: answer, PATIENCE, start=before)
        os.kill(terminal.pid, signal.SIGKILL)
    session = until(lambda: kept(home, toy))
    until(lambda: not explorers(toy))
    assert session["sample"] == "heart_0001"
    dilate = session["config"]["dilate"]
    assert dilate > 1
    with connect() as terminal:
        shows(terminal, "heart_0001", "good")
        terminal.send("y")
        shows(terminal, "copied", f"--dilate {dilate}")
        terminal.send("q")
        assert terminal.wait(PATIENCE) == 0


def test_a_drop_in_the_middle_of_a_sweep_lets_it_finish(
    connect: Connect,
    toy: Dataset,  # noqa: F811 (the fixture)
    home: Path,
) -> None:
    with connect("--heatmaps", "good") as terminal:
        shows(terminal, "heart_0000", "mean IoU")
        terminal.send("t")
        terminal.send("S")
        shows(terminal, "Compose a sweep", "768 configs")
        # Ellipses do not compose from smaller ones: this takes long enough to be dropped in.
        terminal.send("\x1b[Aellipse\x1b[B1:99:2\x1b[B1:99:2")
        shows(terminal, "7,500 configs")
        terminal.send("\r")
        shows(terminal, "sweep started")
        ledger = Ledger()
        begun = until(lambda: [run for run in ledger.runs() if run.state == "running" and run.progress > 0])
        os.kill(terminal.pid, signal.SIGKILL)
        (at_the_drop,) = ledger.runs()
        until(lambda: not explorers(toy))
    assert at_the_drop.state == "running"
    assert at_the_drop.progress < 1
    threshold = kept(home, toy)["config"]["threshold"]

    with connect() as terminal:
        shows(terminal, "heart_0000", "good")
        terminal.send("s")
        shows(terminal, begun[0].id[:8])
        until(lambda: ledger.runs()[0].state == "done")
        shows(terminal, "done", "100%", "tuned", "cross-val.")
        terminal.send("a")
        shows(terminal, "best cell of a sweep: tuned")
        terminal.send("u")
        terminal.send("q")
        assert terminal.wait(PATIENCE) == 0
    assert kept(home, toy)["config"]["threshold"] == threshold
