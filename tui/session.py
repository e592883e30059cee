"""The session file: where the explorer was left, by dataset. Never a crash on an old one."""

from __future__ import annotations

import json
import logging
from typing import Any

from cliploc.core import paths
from cliploc.core.datasets.spec import lasting
from cliploc.core.errors import StoreError
from cliploc.tui.state import ExplorerState

VERSION = 1
DATASETS_KEPT = 20
LARGEST = 4 << 20  # bytes
log = logging.getLogger(__name__)


def restored(dataset_spec: str, fallback: ExplorerState) -> ExplorerState:
    """The state that this dataset was left in; `fallback` where there is none that can be read."""
    saved = _read().get(lasting(dataset_spec))
    return ExplorerState.from_dict(saved, fallback) if isinstance(saved, dict) else fallback


def save(dataset_spec: str, state: ExplorerState) -> None:
    """Write the state beside those of other datasets. StoreError when the folder cannot be written."""
    datasets, dataset_spec = _read(), lasting(dataset_spec)
    datasets.pop(dataset_spec, None)
    kept = dict(list(datasets.items())[-DATASETS_KEPT:])
    content = {"version": VERSION, "datasets": {**kept, dataset_spec: state.to_dict()}}
    text = json.dumps(content, indent=1)  # names may be no UTF-8
    paths.write_whole(paths.state_dir() / "session.json", text.encode())


def datasets() -> list[str]:
    """The specs of the datasets that were opened before, the last one first."""
    return list(_read())[::-1]


def hints_seen() -> bool:
    """Whether the first-run hints were shown before on this machine."""
    return (paths.state_dir() / "hints-seen").exists()


def mark_hints_seen() -> None:
    """Remember that the hints were shown; where that cannot be written they come again."""
    try:
        paths.make_folder(paths.state_dir())
        (paths.state_dir() / "hints-seen").touch()
    except (StoreError, OSError) as error:
        log.warning("hints stay: %s", error)


def _read() -> dict[str, Any]:
    path = paths.state_dir() / "session.json"
    try:
        if path.exists() and not (path.is_file() and path.stat().st_size <= LARGEST):
            raise ValueError(f"{path} is not a file of at most {LARGEST >> 20} MB")
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        log.warning("session not restored: %s", error)
        return {}
    if not isinstance(content, dict) or content.get("version") != VERSION:
        return {}
    datasets = content.get("datasets")
    return datasets if isinstance(datasets, dict) else {}
