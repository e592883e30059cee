"""A stand-in for the Hugging Face hub: random weights under the published names, on a bad line.

It answers as the hub does: the name redirects to where the content lies, with commit, ETag and size;
ranges are served. And as a bad line does: the first transfer of every file stops in the middle, the second
stalls.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file

from cliploc.core.backbones.catalog import IMAGENET, PUBLISHED
from cliploc.core.backbones.imagenet import build

COMMIT = "0123456789" * 4
PIECE = 1 << 20
# The large network's file is of the older layout, which the hub still has.
PICKLED = "ViT-L-14"


def publish(folder: Path) -> list[str]:
    """Write random weights under the four published repositories and file names. Returns the names."""
    for number, known in enumerate(PUBLISHED):
        torch.manual_seed(number)
        place = folder / known.repository
        place.mkdir(parents=True)
        if known.backbone == IMAGENET:
            save_file(_plain(build()), place / "model.safetensors")
            continue
        model = open_clip.create_model(known.backbone, force_quick_gelu=known.tag == "openai")
        if known.backbone == PICKLED:
            torch.save(_plain(model), place / "open_clip_pytorch_model.bin")
        else:
            save_file(_plain(model), place / "open_clip_model.safetensors")
    return [known.name for known in PUBLISHED]


def _plain(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Half the bytes; cliploc computes in float32 whatever the file is in."""
    return {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    digests: dict[str, str]
    transfers: Counter[str]
    closing: threading.Event

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.close_connection = True
        path = self.path.partition("?")[0].lstrip("/")
        if not path:
            self._start(200, Content_Length=0)
        elif path.startswith("content/"):
            self._content(path.removeprefix("content/"), body=body)
        else:
            self._resolve(path)

    def _resolve(self, path: str) -> None:
        repository, _, rest = path.partition("/resolve/")
        place = f"{repository}/{rest.partition('/')[2]}"
        file = self.folder / place
        if not file.is_file():
            self._start(404, X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT, Content_Length=0)
            return
        if place not in self.digests:
            with file.open("rb") as content:
                self.digests[place] = hashlib.file_digest(content, "sha256").hexdigest()
        # Elsewhere: a redirect within the hub is followed, and only its last answer counts.
        elsewhere = f"http://localhost:{self.server.server_address[1]}/content/{place}"
        self._start(
            302, Location=elsewhere, X_Repo_Commit=COMMIT, Content_Length=0,
            X_Linked_ETag=f'"{self.digests[place]}"', X_Linked_Size=file.stat().st_size,
        )  # fmt: skip

    def _content(self, place: str, *, body: bool) -> None:
        file = self.folder / place
        size = file.stat().st_size
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self._start(
            206 if "Range" in self.headers else 200, ETag=f'"{self.digests.get(place, "")}"',
            Content_Length=size - start, Content_Range=f"bytes {start}-{size - 1}/{size}",
        )  # fmt: skip
        if not body:
            return
        self.transfers[place] += 1
        turn = self.transfers[place]
        end = {1: start + (size - start) // 2, 2: start + (size - start) // 3}.get(turn, size)
        with file.open("rb") as content:
            content.seek(start)
            while content.tell() < end:
                self.wfile.write(content.read(min(PIECE, end - content.tell())))
        if turn == 2:
            self.closing.wait(60)  # says nothing more, and keeps the line

    def _start(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *args: object) -> None:
        """A command that was killed no longer listens."""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, Counter[str]]]:
    """The hub's address while it is up, and how often each file's content was asked for."""
    transfers, closing = Counter[str](), threading.Event()
    handler = type("Handler", (_Handler,), {
        "folder": folder, "digests": {}, "transfers": transfers, "closing": closing,
    })  # fmt: skip
    server = _Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", transfers
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
