"""From an empty home, over a bad line, to the poster's report; then without a network; then interrupted.

`CLIPLOC_REHEARSAL_LOG=FILE` keeps what was typed and printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.rehearsal.hub import publish, serving

pytestmark = pytest.mark.slow

SMALL = ("--grid", "dilate=1:41:20", "--grid", "erode=1:41:20", "--grid", "order=none,dilate-erode")
LIMIT = os.environ.get("CLIPLOC_REHEARSAL_LIMIT", "32")
POINTS = 10
TRIES = 8


class Day:
    """Commands in one home, written to one log."""

    def __init__(self, home: Path, endpoint: str, log: Path) -> None:
        self.home, self.log = home, log
        self.environment = {
            **os.environ,
            "CLIPLOC_HOME": str(home / "cliploc"), "HF_HOME": str(home / "hf"), "HF_ENDPOINT": endpoint,
            "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "3",
        }  # fmt: skip

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "cliploc.core.cli", *words], env=self.environment, cwd=REPOSITORY,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*words)
        out, err = process.communicate()
        with self.log.open("a") as log:
            log.write(f"$ cliploc {' '.join(words)}\n{err}{out}exit {process.returncode}\n\n")
        return subprocess.CompletedProcess(words, process.returncode, out, err)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("hub")
    return folder, publish(folder)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return Path(os.environ.get("CLIPLOC_REHEARSAL_LOG", tmp_path / "rehearsal.log"))


def test_from_an_empty_home_to_the_report_and_then_without_a_network(
    published: tuple[Path, list[str]], cocoglide: Path, tmp_path: Path, log: Path
) -> None:
    folder, names = published
    with serving(folder) as (endpoint, transfers):
        day = Day(tmp_path / "home", endpoint, log)
        absent = day.run("heatmaps", "compute", "--dataset", str(cocoglide), "--method", "gem")
        assert absent.returncode == 2
        assert "cliploc models fetch ViT-B-16:openai" in absent.stderr
        for _ in range(TRIES):  # a broken transfer may end the command: it says that it goes on
            fetched = day.run("models", "fetch", "gem", "textspan", "gradcam", names[-1])
            if fetched.returncode == 0:
                break
            assert "run it again to go on" in fetched.stderr
        assert fetched.returncode == 0
        assert len(fetched.stdout.split("\n")) == 5
        assert all(count >= 3 for count in transfers.values())  # cut, stalled, whole
    day.environment["HF_HUB_OFFLINE"] = "1"
    checked = day.run("models", "check", "--json")
    assert [row["state"] for row in json.loads(checked.stdout)] == ["sound"] * 4
    poster = ("poster", "--dataset", str(cocoglide), "--limit", LIMIT, *SMALL,
              "-o", str(tmp_path / "poster"), "--json")  # fmt: skip
    first = day.run(*poster)
    assert first.returncode == 0, first.stderr
    assert Path(json.loads(first.stdout)["report"]).is_file()
    again = day.run(*poster)  # all of it is there: nothing is computed, the verdicts are the same
    assert json.loads(again.stdout)["verdicts"] == json.loads(first.stdout)["verdicts"]
    listed = json.loads(day.run("heatmaps", "list", "--json").stdout)
    assert sorted({row["method"] for row in listed}) == ["gem", "gradcam", "textspan"]


def _files(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*"))


def _until(seen: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not seen() and process.poll() is None:
        time.sleep(0.005)


def _points(day: Day) -> Iterator[int]:
    """How many files more are waited for before each of the kills."""
    for point in range(POINTS):
        yield _files(day.home) + 1 + point % 3


def test_interrupted_at_ten_points_it_goes_on(tmp_path: Path, log: Path) -> None:
    words = ("poster", "--dataset", "demo", "--methods", "gem,gradcam", "--limit", "24", *SMALL, "--json")
    calm = Day(tmp_path / "calm", "http://127.0.0.1:9", log)
    whole = calm.run(*words, "-o", str(tmp_path / "whole"))
    assert whole.returncode == 0, whole.stderr
    day, killed = Day(tmp_path / "stormy", "http://127.0.0.1:9", log), 0
    for enough in _points(day):
        process = day.start(*words, "-o", str(tmp_path / "stormy report"))
        _until(lambda enough=enough: _files(day.home) >= enough, process)  # type: ignore[misc]
        process.kill()
        process.communicate()
        killed += process.returncode == -9
    assert killed == POINTS
    last = day.run(*words, "-o", str(tmp_path / "stormy report"))
    assert last.returncode == 0, last.stderr
    assert json.loads(last.stdout)["verdicts"] == json.loads(whole.stdout)["verdicts"]
