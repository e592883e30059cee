"""What is wrong with a ledger whose file is sound, but not what is written in it.

SQLite finds damage to its own structure. A bit that flipped in a text of ours is found when
something stumbles over it; then this says where.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from cliploc.core.errors import ClipLocError, StoreError, clean
from cliploc.core.sweep.database import reading, rows_of
from cliploc.core.sweep.ledger import Ledger, card_of
from cliploc.core.sweep.vetting import vetted

# What reading such a text may raise.
_STUMBLED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError,
             AssertionError)  # fmt: skip


@contextmanager
def named(ledger: Ledger) -> Iterator[None]:
    """StoreError for what the block stumbles over, where the ledger is to blame; else as it was."""
    try:
        yield
    except ClipLocError:
        raise
    except _STUMBLED as error:
        found = damaged(ledger)
        if not found:
            raise
        raise StoreError(
            f"{ledger.path} is damaged: {'; '.join(found)[:600]}; `cliploc runs delete` removes such a run, "
            f"its arrays in {ledger.path.parent / 'runs'} are untouched until then"
        ) from error


def damaged(ledger: Ledger) -> list[str]:
    """Sentences on the runs whose rows are not what a run of ours writes."""
    found = []
    with reading(ledger.path) as db:
        for (id_,) in db.execute("SELECT id FROM runs").fetchall():
            rows = rows_of(db, id_)
            run = rows["runs"][0]
            at_work = run["state"] in ("running", "waiting")
            try:
                _, plan = vetted({**rows, "runs": [{**run, "state": "paused"}] if at_work else [run]})
                card, ours = json.loads(run["card"]), card_of(plan)
                for name in ("dataset", "heatmaps", "configs", "cells", "keeps_counts"):
                    if card.get(name) != ours[name]:
                        raise StoreError(f"its card says {name} {card.get(name)!r}")
            except StoreError as error:
                found.append(f"run {clean(id_)}: {error}")
    return found
