"""What kind of file system a path is on: not all share memory and locks between machines."""

from __future__ import annotations

import os
import re
from pathlib import Path

# Over a network; by the names that Linux gives them.
REMOTE = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|afs|ceph|lustre|gpfs|beegfs|glusterfs|panfs|fuse\..*|fuseblk"
)
_MOUNTS = Path("/proc/self/mountinfo")


def kind_of(path: Path, mounts: Path = _MOUNTS) -> str:
    """The name of the file system that a path is, or would be, on; "" where that cannot be known."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place, best, found = os.path.realpath(path), -1, ""
    for line in lines:  # id parent major:minor root place options… - kind source options
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        mounted = re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), fields[4])
        inside = place == mounted or place.startswith(mounted.rstrip("/") + "/")
        if inside and len(mounted) >= best:  # of two at one place the later one is seen
            best, found = len(mounted), after.split(" ")[0]
    return found


def is_remote(path: Path) -> bool:
    """Whether the path is on a file system over a network."""
    return bool(REMOTE.fullmatch(kind_of(path)))
