"""A web server on this machine that answers as it is told: it stalls, cuts off, redirects and lies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

Answer = Callable[["Handler"], None]


@dataclass
class Site:
    """answers: for each request in turn; the last one stays. asked: the headers of every request."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    """One request, answered by the site's next answer."""

    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        self.site.asked.append({name.lower(): value for name, value in self.headers.items()})
        answers = self.site.answers
        self.close_connection = True
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def start(self, status: int, **headers: object) -> None:
        """Send the status line and headers; underscores stand for dashes."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def honest(content: bytes, etag: str = '"v1"', until: int | None = None) -> Answer:
    """As a good server does, ranges included; `until`: cut off after so many bytes of the file."""

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range", "")
        fresh = handler.headers.get("If-Range", etag) == etag
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and fresh else 0
        if start >= len(content):
            handler.start(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
            return
        if asked and fresh:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            handler.start(206, ETag=etag, Content_Range=span, Content_Length=len(content) - start)
        else:
            handler.start(200, ETag=etag, Content_Length=len(content))
        handler.wfile.write(content[start:until])

    return answer


def stalling(content: bytes, after: int) -> Answer:
    """Sends so many bytes, then nothing more, and keeps the line open."""

    def answer(handler: Handler) -> None:
        handler.start(200, ETag='"v1"', Content_Length=len(content))
        handler.wfile.write(content[:after])
        handler.wfile.flush()
        handler.site.closing.wait(60)

    return answer


def redirecting(to: str) -> Answer:
    """Sends elsewhere."""
    return lambda handler: handler.start(302, Location=to, Content_Length=0)


def refusing(status: int) -> Answer:
    """Answers with an error."""
    return lambda handler: handler.start(status, Content_Length=0)


def raw(status: int, body: bytes, **headers: object) -> Answer:
    """Answers exactly so, true or not."""

    def answer(handler: Handler) -> None:
        handler.start(status, **headers)
        handler.wfile.write(body)

    return answer


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": found}))
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}/archive.zip"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    found.closing.set()
    server.shutdown()
    server.server_close()
    thread.join(10)
