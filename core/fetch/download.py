"""One file over HTTP, resumed as often as it takes, never taken at its word.

requests does the talking (redirects, TLS, proxies); what no library here offers
is below: the partial file survives this process, a server that stalls or cuts off
is asked for the rest, and one whose answers do not fit together is started afresh.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from cliploc.core.errors import DatasetError, ParameterError, ResourceError, StoreError, clean, shown_address
from cliploc.core.paths import make_folder
from cliploc.core.version import VERSION

# Called with how many bytes are here and how many there are (0: not said).
Report = Callable[[int, int], None]

_CHUNK = 1 << 14  # what an interruption loses at most
_NO_URL = (
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
)


@dataclass(frozen=True)
class Patience:
    """attempts: in a row without a new byte. stall, pause: seconds without an answer; between attempts."""

    attempts: int = 5
    stall: float = 30.0
    pause: float = 1.0


@dataclass(frozen=True)
class Kind:
    """What a file should be. magic: its first bytes. largest: more than any honest one has, in bytes."""

    magic: bytes
    largest: int


class _RetryError(Exception):
    """This attempt ended early; the next one may go on from here."""


def download(url: str, target: Path, kind: Kind, report: Report, patience: Patience | None = None) -> None:
    """Bring a URL to `target`, going on from what an earlier call left beside it.

    ResourceError when the server cannot be reached, goes on failing or does not have
    it; ParameterError for what is no URL; DatasetError when it is something else.
    """
    patience = patience or Patience()
    make_folder(target.parent)
    part = Part(target)
    part.belongs_to(url)
    failures, furthest = 0, part.size
    while True:
        try:
            with requests.Session() as session:
                session.max_redirects = 5
                _attempt(session, url, part, kind, report, patience.stall)
            break
        except _NO_URL as error:
            raise ParameterError(
                f"found {shown_address(url)!r}, expected http://… or https://… ({_without(url, error)})"
            ) from error
        except requests.TooManyRedirects as error:
            raise ResourceError(f"{shown_address(url)} leads in circles; give another --url") from error
        except (_RetryError, requests.RequestException) as error:
            failures = 0 if part.size > furthest else failures + 1
            furthest = max(furthest, part.size)
            if failures >= (2 if _unreachable(error, part) else patience.attempts):
                raise ResourceError(_given_up(url, part, error)) from error
            time.sleep(patience.pause * min(2**failures, 16))
        except OSError as error:
            raise StoreError(
                f"cannot write {part.file}: {error.strerror or error}; free some space"
            ) from error
    part.finish(target)


def _known_by(url: str) -> str:
    """A digest: an address may hold a password, or a token, and the note is there for everybody."""
    return hashlib.sha256(url.encode()).hexdigest()


def _without(url: str, error: object) -> str:
    """What an error says, without what `shown_address` leaves out of an address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return clean(error)
    secrets = filter(None, (parts.netloc.rpartition("@")[0], parts.query, parts.password, parts.fragment))
    text = clean(error)
    for secret in secrets:
        text = text.replace(secret, "…")
    return text


class Part:
    """The partial file beside its target, and a note of where it came from."""

    def __init__(self, target: Path) -> None:
        self.file = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")

    @property
    def size(self) -> int:
        """How many bytes are here."""
        return self.file.stat().st_size if self.file.exists() else 0

    @property
    def validator(self) -> str:
        """What the server called this version of the file; "" when it did not say."""
        return str(self._read().get("validator", ""))

    def belongs_to(self, url: str) -> None:
        """Start afresh unless what is here came from this URL."""
        if self._read().get("url") != _known_by(url):
            self.drop()
            self.note(url, "")

    def note(self, url: str, validator: str) -> None:
        """Write down where the bytes come from, before the first of them."""
        self._note.write_text(json.dumps({"url": _known_by(url), "validator": validator}))

    def drop(self) -> None:
        """Forget the bytes."""
        self.file.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        """The file is whole: give it its name."""
        with self.file.open("rb") as file:
            os.fsync(file.fileno())
        self.file.replace(target)
        self._note.unlink(missing_ok=True)

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self._note.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _attempt(
    session: requests.Session, url: str, part: Part, kind: Kind, report: Report, stall: float
) -> None:
    """Ask for what is missing and write it down. Returns only when the file is whole."""
    headers = {"User-Agent": f"cliploc/{VERSION}", "Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.validator:
            headers["If-Range"] = part.validator
    with session.get(url, headers=headers, stream=True, timeout=(stall, stall)) as response:
        start, total = _place(response, url, part)
        if max(total, start) > kind.largest:
            raise DatasetError(f"{shown_address(url)} has {total:,} bytes, expected at most {kind.largest:,}")
        free = shutil.disk_usage(part.file.parent).free
        if total - start > free:
            raise ResourceError(
                f"{part.file.parent} has {free:,} bytes free, {total - start:,} are needed; "
                "free some space, or point CLIPLOC_HOME elsewhere"
            )
        with part.file.open("r+b" if start else "wb") as file:
            file.seek(start)
            for chunk in response.iter_content(_CHUNK):
                if not file.tell() and chunk[: len(kind.magic)] != kind.magic[: len(chunk)]:
                    raise DatasetError(
                        f"{shown_address(response.url)} is not the archive: it starts with {chunk[:16]!r}; "
                        "a login page in between? give another --url"
                    )
                file.write(chunk)
                if file.tell() > kind.largest:
                    raise DatasetError(f"{shown_address(url)} does not end: over {kind.largest:,} bytes")
                report(file.tell(), total)
        if (total and part.size != total) or not part.size:
            raise _RetryError(f"the connection ended after {part.size:,} of {total:,} bytes")


def _place(response: requests.Response, url: str, part: Part) -> tuple[int, int]:
    """Where the answer's first byte belongs and how long the file is (0: not said)."""
    if response.status_code == requests.codes.requested_range_not_satisfiable:
        part.drop()
        raise _RetryError("the server has less than what is here")
    if response.status_code in (408, 429) or response.status_code >= 500:
        raise _RetryError(f"the server answered {response.status_code} {clean(response.reason)}")
    if response.status_code == requests.codes.partial_content:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if not found or int(found[1]) != part.size:
            part.drop()
            raise _RetryError("the server sent another part than was asked for")
        return part.size, 0 if found[2] == "*" else int(found[2])
    if response.status_code != requests.codes.ok:
        raise ResourceError(
            f"{shown_address(url)} is not there: the server answered {response.status_code} "
            f"{clean(response.reason)}; give another --url, or a copy with --from FILE"
        )
    part.note(url, response.headers.get("ETag") or response.headers.get("Last-Modified") or "")
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else 0


def _stalled(error: Exception) -> bool:
    # requests calls a body that stalls a lost connection, with the timeout inside.
    return isinstance(error, requests.ReadTimeout) or "Read timed out" in str(error)


def _unreachable(error: Exception, part: Part) -> bool:
    return isinstance(error, requests.ConnectionError) and not _stalled(error) and not part.size


def _given_up(url: str, part: Part, error: Exception) -> str:
    if _unreachable(error, part):
        return (
            f"cannot reach {shown_address(url)}: is there a network? Elsewhere, download that address with "
            "anything, carry the file here and add --from FILE"
        )
    reason = "the server stopped answering" if _stalled(error) else _without(url, error)
    kept = f"; {part.size:,} bytes are kept, the same command goes on from there" if part.size else ""
    return f"cannot get all of {shown_address(url)}: {reason}{kept}"
