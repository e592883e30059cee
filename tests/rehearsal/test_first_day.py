"""From an empty home, over a bad line, to the poster's report, killed ten times on the way; then undisturbed.

`CLIPLOC_REHEARSAL_LOG=FILE` keeps what was typed and printed, `CLIPLOC_REHEARSAL_LIMIT=N` takes N pictures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.rehearsal.hub import publish, serving

pytestmark = pytest.mark.slow

SMALL = ("--grid", "dilate=1:41:20", "--grid", "erode=1:41:20", "--grid", "order=none,dilate-erode")
LIMIT = os.environ.get("CLIPLOC_REHEARSAL_LIMIT", "32")
TRIES = 8


@dataclass(frozen=True)
class Point:
    """Where a command is killed: once it has said `text`, and so many files have come since."""

    text: str
    files: int


FETCHING = 2
COMPUTING = (Point("loading PyTorch", 1), Point("", 2), Point("", 3), Point("", 4))
WRITING = (Point("drawing", 0),)


def _sweeping(*methods: str) -> tuple[Point, ...]:
    return tuple(Point(f"{method}: run", files) for files, method in enumerate(methods))


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit code, -9 for killed, and what it printed."""

    code: int
    out: str
    err: str


class Day:
    """Commands in one home, written to one log. weights: the Hugging Face cache."""

    def __init__(self, home: Path, endpoint: str, log: Path, weights: Path | None = None) -> None:
        self.home, self.log = home, log
        self.environment = {
            **os.environ,
            "CLIPLOC_HOME": str(home / "cliploc"), "HF_HOME": str(weights or home / "hf"),
            "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DOWNLOAD_TIMEOUT": "3",
        }  # fmt: skip

    def run(self, *words: str, until: Callable[[str], bool] = lambda said: False) -> Ended:
        """A command to its end, or killed as soon as `until` is true of what it has said."""
        out, err = (self.home.with_name(f"{self.home.name}.{name}") for name in ("out", "err"))
        begun = time.monotonic()
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "cliploc.core.cli", *words], env=self.environment, cwd=REPOSITORY,
                stdout=stdout, stderr=stderr,
            )  # fmt: skip
            while process.poll() is None and not until(err.read_text()):
                time.sleep(0.02)
            if process.poll() is None:
                process.kill()
            code = process.wait()
        ended = Ended(code, out.read_text(), err.read_text())
        with self.log.open("a") as log:
            log.write(f"$ cliploc {' '.join(words)}\n{ended.err}{ended.out}")
            log.write(
                f"{'killed' if code == -9 else f'exit {code}'} after {time.monotonic() - begun:.0f} s\n\n"
            )
        return ended

    def killed(self, point: Point, *words: str) -> None:
        """A command that is killed at a point, which it must come to."""
        seen = self._files()
        came: set[Path] = set()

        def there(said: str) -> bool:
            if point.text not in said:
                return False
            came.update(self._files() - seen)
            return len(came) >= point.files

        assert self.run(*words, until=there).code == -9, f"{words[0]} came to its end before {point}"

    def _files(self) -> set[Path]:
        return set(self.home.rglob("*"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("hub")
    return folder, publish(folder)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return Path(os.environ.get("CLIPLOC_REHEARSAL_LOG", tmp_path / "rehearsal.log"))


def test_from_an_empty_home_to_the_report_killed_at_ten_points(
    published: tuple[Path, list[str]], cocoglide: Path, tmp_path: Path, log: Path
) -> None:
    folder, names = published
    with serving(folder) as (endpoint, transfers):
        day = Day(tmp_path / "home", endpoint, log)
        absent = day.run("heatmaps", "compute", "--dataset", str(cocoglide), "--method", "gem")
        assert absent.code == 2
        assert "cliploc models fetch ViT-B-16:openai" in absent.err
        fetch = ("models", "fetch", "gem", "textspan", "gradcam", names[-1])
        for _ in range(FETCHING):
            asked = transfers.total()
            assert day.run(*fetch, until=lambda _, asked=asked: transfers.total() > asked).code == -9
        for _ in range(TRIES):  # a broken transfer may end the command: it says that it goes on
            fetched = day.run(*fetch)
            if fetched.code == 0:
                break
            assert "run it again, files that are whole stay" in fetched.err
        assert fetched.code == 0
        assert len(fetched.out.split("\n")) == 5
        assert all(count >= 3 for count in transfers.values())  # cut, stalled, whole
    day.environment["HF_HUB_OFFLINE"] = "1"
    checked = day.run("models", "check", "--json")
    assert [row["state"] for row in json.loads(checked.out)] == ["sound"] * 4
    poster = ("poster", "--dataset", str(cocoglide), "--limit", LIMIT, *SMALL, "--json")
    points = (*COMPUTING, *_sweeping("gem", "textspan", "gradcam"), *WRITING)
    assert FETCHING + len(points) == 10
    first = goes_on(day, points, tmp_path, poster)
    again = day.run(*poster, "-o", str(tmp_path / "again"))  # all of it is there: nothing is computed
    assert json.loads(again.out)["verdicts"] == first
    listed = json.loads(day.run("heatmaps", "list", "--json").out)
    assert sorted({row["method"] for row in listed}) == ["gem", "gradcam", "textspan"]
    assert len(listed) == 5


def test_killed_at_seven_points_the_demos_poster_goes_on(tmp_path: Path, log: Path) -> None:
    words = ("poster", "--dataset", "demo", "--methods", "gem,gradcam", "--limit", "24", *SMALL, "--json")
    points = (*COMPUTING, *_sweeping("gem", "gradcam"), *WRITING)
    goes_on(Day(tmp_path / "home", "http://127.0.0.1:9", log), points, tmp_path, words)


def goes_on(day: Day, points: Sequence[Point], place: Path, poster: Sequence[str]) -> object:
    """The verdicts of a poster that was killed at points; they and its heatmaps are an undisturbed one's."""
    stormy = (*poster, "-o", str(place / "stormy report"))
    for point in points:
        day.killed(point, *stormy)
    last = day.run(*stormy)
    assert last.code == 0, last.err
    weights = Path(day.environment["HF_HOME"])
    calm = Day(place / "calm", "http://127.0.0.1:9", day.log, weights)
    calm.environment["HF_HUB_OFFLINE"] = "1"
    whole = calm.run(*poster, "-o", str(place / "calm report"))
    assert whole.code == 0, whole.err
    verdicts = json.loads(whole.out)["verdicts"]
    assert json.loads(last.out)["verdicts"] == verdicts
    assert (place / "stormy report" / "report.html").is_file()
    assert _heatmaps(day) == _heatmaps(calm)
    return verdicts


def _heatmaps(day: Day) -> dict[str, bytes]:
    """The stored arrays, by their place."""
    return {
        f"{path.parent.name}/{path.name}": path.read_bytes() for path in day.home.rglob("heatmaps/*/*.npy")
    }
