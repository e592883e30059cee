"""The ledger stays small and quick to list, however large its runs were."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan
from tests.sweeping import heatmap_set, small_plan


@pytest.fixture
def plan(make_folder: Callable[..., Path]) -> Plan:
    return small_plan(heatmap_set(make_folder))


def large(plan: Plan) -> Plan:
    """A plan whose text is a megabyte."""
    return replace(plan, sources={**plan.sources, "x" * (1 << 20): "x"})


def test_listing_runs_reads_no_plan(plan: Plan) -> None:
    ledger = Ledger()
    run = ledger.create(plan)
    with closing(sqlite3.connect(ledger.path)) as db:
        db.execute("UPDATE plans SET plan = 'none that could be read'")
        db.commit()
    assert [row.id for row in ledger.runs()] == [run]
    with pytest.raises(ValueError, match="Expecting value"):
        ledger.plan(run)


def test_a_deleted_run_gives_its_room_back(plan: Plan) -> None:
    ledger = Ledger()
    kept, deleted = ledger.create(plan), ledger.create(large(plan))
    before = ledger.path.stat().st_size
    ledger.delete(deleted)
    assert ledger.path.stat().st_size < before - (1 << 20)
    assert [row.id for row in ledger.runs()] == [kept]


def test_a_deletion_beside_another_writer_is_done_and_its_room_kept(plan: Plan) -> None:
    ledger = Ledger()
    deleted = ledger.create(large(plan))
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM runs").fetchall()
        ledger.delete(deleted)
    assert ledger.runs() == []


def test_a_block_of_configs_is_what_each_of_them_has(plan: Plan) -> None:
    ledger = Ledger()
    run = ledger.create(plan)
    assert drive(ledger, run) == "done"
    block = ledger.block(run, 0, 1, 4)
    for place, config in enumerate(range(1, 4)):
        alone = ledger.config_scores(run, 0, config)
        assert list(block) == [name for name in alone if name != "folds"]
        assert all((block[name][place] == alone[name]).all() for name in block)
