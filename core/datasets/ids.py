"""Labels, each in one spelling, and sample ids: unique by construction, and each one a file name.

What is exported under an id can then never overwrite another sample's, not even
where a file system takes `Cat` and `cat` for the same name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

LONGEST = 180  # bytes; a file name has at most 255, and endings are added


def unique(ladders: Sequence[Sequence[str]]) -> list[str]:
    """One id per sample. ladders: by sample its names, from the shortest to the fullest.

    Every sample gets its first name; those whose names clash climb to their next one,
    together, until no two are alike. What still clashes at the top is numbered in order.
    """
    rungs = [0] * len(ladders)
    found = [file_name(ladder[0]) for ladder in ladders]
    while True:
        alike = defaultdict(list)
        for place, name in enumerate(found):
            alike[_folded(name)].append(place)
        climbing = [
            place
            for places in alike.values()
            if len(places) > 1
            for place in places
            if rungs[place] + 1 < len(ladders[place])
        ]
        if not climbing:
            return _numbered(found)
        for place in climbing:
            rungs[place] += 1
            found[place] = file_name(ladders[place][rungs[place]])


def label_of(text: str) -> str:
    """A label's one spelling: what looks alike is one class. NFC, single spaces, nothing invisible."""
    seen = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cf")
    return " ".join(seen.split())


def file_name(text: str) -> str:
    """The text as a file's name: no separators, no control characters, not hidden, not too long."""
    plain = "".join("_" if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co"} else c for c in text)
    plain = re.sub(r"[/\\]", "_", unicodedata.normalize("NFC", plain)).strip()
    plain = re.sub(r"^\.+", lambda dots: "_" * len(dots[0]), plain) or "_"
    if len(plain.encode()) <= LONGEST:
        return plain
    short = plain.encode()[: LONGEST - 13].decode(errors="ignore")
    return f"{short}-{hashlib.sha256(plain.encode()).hexdigest()[:12]}"


def _numbered(names: Sequence[str]) -> list[str]:
    taken: set[str] = {_folded(name) for name in names}
    last: Counter[str] = Counter()  # number given to a name
    found = []
    for name in names:
        own = name
        last[_folded(name)] += 1
        while last[_folded(name)] > 1 and _folded(own := f"{name}~{last[_folded(name)]}") in taken:
            last[_folded(name)] += 1
        taken.add(_folded(own))
        found.append(own)
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
