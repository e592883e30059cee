"""The process that reads large annotations: `… -m cliploc.core.datasets.index_making FILE IMAGES INDEX`."""

from __future__ import annotations

import sys
from pathlib import Path

from cliploc.core.datasets import coco_index
from cliploc.core.errors import ClipLocError, DatasetError, clean


def main() -> int:
    """Make one index; a refusal is told on the output."""
    annotations, images, place = map(Path, sys.argv[1:])
    try:
        megabytes = annotations.stat().st_size / 1e6
        sys.stderr.write(f"reading {clean(annotations.name)} ({megabytes:.0f} MB), the first time only\n")
        coco_index.make(annotations, images, place)
    except DatasetError as error:
        sys.stdout.buffer.write(str(error).encode())  # whatever the locale
        return coco_index.REFUSED
    except (ClipLocError, OSError, ValueError, MemoryError):  # whoever asked reads them then, and says it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
