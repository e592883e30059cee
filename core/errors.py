"""Every error a user can meet, named by what they can do about it.

A message says what was found, what was expected and what to type next. The
command line and the screen show the message alone; a traceback needs --debug.
"""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit, urlunsplit


class ClipLocError(Exception):
    """An error whose message is meant for the user; exit code 2.

    Whatever of the message came from outside (a path, a label, a library's words) is made safe
    to print here, line by line.
    """

    exit_code = 2

    def __init__(self, message: object) -> None:
        super().__init__("\n".join(clean(line) for line in str(message).split("\n")))


class DatasetError(ClipLocError):
    """The dataset is absent, incomplete or unreadable."""


class CheckpointError(ClipLocError):
    """The weights are absent, broken or made for another architecture."""


class ParameterError(ClipLocError):
    """A name or a number that was asked for does not exist or is out of range."""


class StoreError(ClipLocError):
    """A stored heatmap set, ledger or file of ours cannot be read or written."""


class ResourceError(ClipLocError):
    """The machine lacks what the work needs: memory, disk, a device, the network."""

    exit_code = 1


_UNSAFE = {"Cc", "Cf", "Cs", "Co"}  # control, formatting, surrogates, private use: Unicode's categories


def clean(text: object) -> str:
    """Make text from outside safe to print: control and formatting characters are dropped."""
    return "".join(c for c in str(text) if unicodedata.category(c) not in _UNSAFE)


def escaped(text: str) -> str:
    """JSON that is safe to print, and still the same value: such characters are written as \\u….

    Line ends, which JSON has between its values alone, stay.
    """
    return "".join(
        json.dumps(c)[1:-1] if c != "\n" and unicodedata.category(c) in _UNSAFE else c for c in text
    )


def shown_address(url: str) -> str:
    """An address for people, without what may be secret in it: the user, the query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return clean(url)
    return clean(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))


def without_secrets(text: str) -> str:
    """Text in which every address is as `shown_address` has it: for what is kept, a log."""
    return re.sub(r"\w+://[^\s'\"]+", lambda address: shown_address(address[0]), text)


def brief(text: str) -> str:
    """Text for a sentence: of a word that nobody would read to its end, its beginning and its end."""
    return _ENDLESS.sub(r"\1…\2", text)


_ENDLESS = re.compile(r"(\S{200})\S{100,}?(\S{50})(?!\S)")
_FEW = 6


def few(names: Sequence[str]) -> str:
    """Names for a sentence, made safe; with "such as" before them where there are more."""
    shown = ", ".join(map(clean, names[:_FEW]))
    return f"such as {shown}" if len(names) > _FEW else shown


def unknown(kind: str, name: str, known: Iterable[str]) -> ParameterError:
    """The error for a name that does not exist, with the nearest known names."""
    choices = sorted(known)
    near = difflib.get_close_matches(name, choices, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(choices)}"
    return ParameterError(f"unknown {kind} {clean(name)!r}; {hint}")
