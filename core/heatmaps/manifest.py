"""What says that a folder holds something of an identity: `identity.json`, written once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cliploc.core import paths
from cliploc.core.datasets.files import read
from cliploc.core.errors import DatasetError, StoreError
from cliploc.core.heatmaps.identity import Identity

MANIFEST = "identity.json"
_LARGEST = 1 << 20  # bytes


def identities(root: Path) -> Iterator[Identity]:
    """Those whose folders lie under `root`. A folder that is not (or no longer) one is passed over."""
    for manifest in sorted(root.glob(f"[!.]*/{MANIFEST}")):
        with suppress(DatasetError, ValueError, AttributeError, RecursionError, StoreError):
            identity = Identity.from_dict(json.loads(read(manifest, _LARGEST)))
            if identity.key == manifest.parent.name:
                yield identity


def write_manifest(folder: Path, identity: Identity) -> None:
    """Say what the folder of an identity is, if nobody has."""
    if not (folder / MANIFEST).exists():
        text = json.dumps(identity.to_dict(), indent=2, sort_keys=True)  # names may be no UTF-8
        paths.write_whole(folder / MANIFEST, text.encode())
