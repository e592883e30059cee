"""`make fast`: the tests that need no torch, no screen and no process of their own.

Loaded with `python -m pytest -p tests.light`. Whatever asks for torch or for a process is refused: test
files that do so at their beginning have no tests here, tests that fail after it are skipped.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

FIXTURES = {"make_app", "app_alone", "tiny_backbone", "finished", "snapshot"}
FOLDERS = {"terminal", "faults", "hard", "simulation", "benchmarks", "load", "parity", "fuzz", "report"}
# They wait for a process.
FILES = {
    *("test_client.py", "test_cluster.py", "test_commands.py", "test_driver.py", "test_executors.py"),
    *("test_completions.py", "test_process.py", "test_import_hygiene.py"),
}
PROCESSES = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"}
REFUSED = "refused by the light tests: "

# What the present test was refused.
_refused: list[str] = []


class _NoTorch:
    """A finder that comes before all others."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Nothing is found here; torch nowhere."""
        if name.partition(".")[0] == "torch":
            _refused.append(name)
            raise ModuleNotFoundError(REFUSED + name)


def _no_process(event: str, _: object) -> None:
    if event in PROCESSES:
        _refused.append(event)
        raise PermissionError(REFUSED + event)


sys.meta_path.insert(0, _NoTorch)  # type: ignore[arg-type]  (a finder needs no more)
sys.addaudithook(_no_process)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out folders and files."""
    return True if collection_path.name in FOLDERS | FILES else None


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file that imports torch has no tests here."""
    report = yield
    if report.failed and REFUSED in str(report.longrepr):
        report.outcome, report.longrepr, report.result = "passed", None, []
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what uses a heavy fixture."""
    heavy = {item for item in items if FIXTURES & set(getattr(item, "fixturenames", ()))}
    config.hook.pytest_deselected(items=list(heavy))
    items[:] = [item for item in items if item not in heavy]


def pytest_runtest_setup() -> None:
    """Nothing was refused yet."""
    _refused.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed because something was refused is skipped."""
    report = yield
    if report.failed and _refused:
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, f"Skipped: needs {_refused[0]}")
    return report
