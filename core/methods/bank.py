"""The text bank: many short descriptions that a head can be explained with.

Ours is made from data/textbank/vocabulary.toml, every word in every pattern of its
list. `python -m cliploc.core.methods.bank` prints it; data/textbank/general.txt is that.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from cliploc.core.errors import ParameterError
from cliploc.core.paths import embedded_dir
from cliploc.core.prompts import with_article


def read_bank(path: Path | None = None) -> list[str]:
    """The lines of a bank, one text each, empty and repeated ones dropped; by default our own."""
    place = path or embedded_dir() / "textbank" / "general.txt"
    try:
        lines = place.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(
            f"cannot read the text bank {place}: {error}; expected one text a line"
        ) from None
    texts = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if len(texts) < 2:
        raise ParameterError(f"the text bank {place} holds {len(texts)} texts; expected many, one a line")
    return texts


def written() -> list[str]:
    """Every line of our own bank, from the vocabulary."""
    lists = tomllib.loads((embedded_dir() / "textbank" / "vocabulary.toml").read_text(encoding="utf-8"))
    lines = []
    for entry in lists.values():
        words = entry["words"]
        for pattern in entry["patterns"]:
            for word, other in zip(words, [*words[1:], words[0]], strict=True):
                line = pattern.replace("{other}", other).replace("{a}", with_article(word))
                lines.append(line.replace("{}", word))
    return list(dict.fromkeys(lines))


if __name__ == "__main__":
    sys.stdout.write("\n".join(written()) + "\n")
