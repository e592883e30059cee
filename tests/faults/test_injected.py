"""A few kill points and injected errors of quick commands; all of them are `make hard`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import Point, calm, disturbed
from tests.faults.injector import missing, nursery
from tests.faults.scenarios import SCENARIOS, staged

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())
QUICK = ("heatmaps import", "runs import")


def test_what_is_disturbed_and_repeated_is_as_if_it_had_not_been(tmp_path: Path) -> None:
    stage = staged(tmp_path / "stage")
    with nursery(tmp_path / "nursery") as running:
        for name in QUICK:
            expected = calm(running, stage, SCENARIOS[name])
            assert expected.calls > 20
            for kind in ("kill", "ENOSPC", "EIO", "EROFS"):
                point = Point(name, kind, expected.calls // 2)
                wrong, ended = disturbed(running, stage, point, expected)
                assert wrong == "", point
                assert ended.trips > 0, point
                assert ended.status == (-9 if kind == "kill" else ended.status)
