"""Six jobs are planned and done; a table of both. Wall-clock times: of a machine that others use as well."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.plan.jobs import JOBS, Job, prepared, said, taken

pytestmark = pytest.mark.plan
_HEAD = f"\n{'job':32}{'seconds':>18}{'core seconds':>18}{'memory MB':>18}{'worker MB':>18}{'disk MB':>20}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    print(_HEAD)
    return tmp_path_factory.mktemp("sets")


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_what_is_said_is_what_happens(job: Job, folder: Path) -> None:
    rest = prepared(job, folder)
    plan, done = said(job, rest), taken(job, rest, Path(os.environ["CLIPLOC_HOME"]))
    pairs = [
        (plan["seconds"], done.seconds),
        (plan["core_seconds"], done.core_seconds),
        (plan["memory_mb"], done.memory / 1e6),
        (plan["worker_mb"], done.worker_memory / 1e6 if plan["worker_mb"] else 0.0),
        (plan["disk_mb"], done.disk / 1e6),
    ]
    print(f"{job.name:32}" + "".join(f"{_pair(*pair):>18}" for pair in pairs), flush=True)


def _pair(found: float, happened: float) -> str:
    if not happened:
        return "-"
    return f"{found:.1f}/{happened:.1f} {found / happened:.2f}"
