"""Summaries that earlier versions wrote, read as today's.

Their intervals are left out: they were of the tuned number, or of folds that share
their images, and too narrow. What they lack stays unknown.
"""

from __future__ import annotations

from typing import Any


def upgraded(found: dict[str, Any]) -> dict[str, Any]:
    """A summary with all of today's fields (see `cliploc.core.sweep.summary`). sources: 0 where not known."""
    found = {"orders": [], **found}
    if "sources" in found:
        return found
    today = {**found, "sources": 0, "interval": None, "everything": None, "nothing": None, "baselines": []}
    today["unvalidated"] = (
        "" if found["cross_validated"] is not None else "an earlier version does not say why"
    )
    if found["raw"] is not None:
        gain = {**found["raw"]["gain"], "low": None, "high": None, "p": None, "sources": 0}
        today["raw"] = {**found["raw"], "gain": gain}
    return today
