"""`cliploc models`: what is listed, a download that is resumed, and words for each failure."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cliploc.core.backbones.fetch import remote
from cliploc.core.cli import main
from cliploc.core.errors import ParameterError
from tests.conftest import REPOSITORY

# The hub's client writes 10 MB at a time: less than that would be lost with the connection.
CONTENT = os.urandom(1 << 20) * 24
BREAKS_AT = 15_000_000


def test_names_are_backbone_and_tag_a_method_or_a_repository() -> None:
    for name, expected, repository in (
        ("gem", "ViT-B-16:openai", "timm/vit_base_patch16_clip_224.openai"),
        ("textspan", "ViT-L-14:laion2b_s32b_b82k", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K"),
        ("RN50", "RN50:openai", "timm/resnet50_clip.openai"),
        ("resnet50-imagenet:a1_in1k", "resnet50-imagenet:a1_in1k", "timm/resnet50.a1_in1k"),
        ("ViT-B/32:laion2b_s34b_b79k", "ViT-B-32:laion2b_s34b_b79k", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
        ("hf-hub:a/b", "hf-hub:a/b", "a/b"),
    ):
        assert (remote(name).name, remote(name).repository) == (expected, repository)
    for name in ("nonsense", "ViT-B-16:nope"):
        with pytest.raises(ParameterError, match=r"known: |its tags: "):
            remote(name)


def test_published_places_are_open_clips_own() -> None:
    from open_clip.pretrained import get_pretrained_cfg

    from cliploc.core.backbones import hub
    from cliploc.core.backbones.catalog import IMAGENET, PUBLISHED

    for known in PUBLISHED:
        if known.backbone != IMAGENET:
            repository, files = hub.place_of(get_pretrained_cfg(known.backbone, known.tag))
            assert (repository, files) == (known.repository, hub.WEIGHT_FILES)


class Hub(BaseHTTPRequestHandler):
    """As much of the Hugging Face hub as a download needs; the first transfer breaks in the middle."""

    breaks = 1
    ranges: list[str]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        if self.path != "/" and "open_clip_model.safetensors" not in self.path:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            return
        start = int(self.headers.get("Range", "bytes=0-").split("=")[1].split("-")[0])
        if body:
            type(self).ranges.append(self.headers.get("Range", ""))
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("ETag", f'"{hashlib.sha256(CONTENT).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        if body and type(self).breaks:
            type(self).breaks -= 1
            self.wfile.write(CONTENT[start : start + BREAKS_AT])
            self.close_connection = True
        elif body:
            self.wfile.write(CONTENT[start:])

    def log_message(self, format: str, *args: object) -> None:
        """Tests say enough."""


@contextmanager
def hub_server() -> Iterator[str]:
    Hub.breaks, Hub.ranges = 1, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def models(
    *arguments: str, hf_home: Path, endpoint: str, offline: str = "0"
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HOME": str(hf_home), "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": offline}
    environment["HF_HUB_DISABLE_XET"] = "1"
    return subprocess.run(
        [sys.executable, "-m", "cliploc.core.cli", "models", *arguments],
        env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_fetch_puts_whole_files_into_the_cache_and_list_finds_them(tmp_path: Path) -> None:
    with hub_server() as endpoint:
        done = models("fetch", "gem", hf_home=tmp_path, endpoint=endpoint)
        if done.returncode:  # the break may end the command: then the second run goes on
            assert done.returncode == 1, done.stderr
            assert "run it again to go on" in done.stderr
            done = models("fetch", "gem", hf_home=tmp_path, endpoint=endpoint)
        assert done.returncode == 0, done.stderr
        listed = models("list", "--json", hf_home=tmp_path, endpoint=endpoint)
    path = Path(done.stdout.strip())
    assert path.read_bytes() == CONTENT
    assert any(asked.startswith("bytes=1") for asked in Hub.ranges), Hub.ranges
    rows = {row["name"]: row for row in json.loads(listed.stdout)}
    assert rows["ViT-B-16:openai"]["here"] == "yes"
    assert rows["ViT-B-16:openai"]["digest"] == hashlib.sha256(CONTENT).hexdigest()[:16]
    assert rows["RN50:openai"]["here"] == "no"


def test_offline_is_told_at_once(tmp_path: Path) -> None:
    unreachable = models("fetch", "gem", hf_home=tmp_path, endpoint="http://127.0.0.1:9")
    assert unreachable.returncode == 1
    assert "cannot be reached" in unreachable.stderr
    assert len(unreachable.stderr.splitlines()) <= 3
    offline = models("fetch", "gem", hf_home=tmp_path, endpoint="http://127.0.0.1:9", offline="1")
    assert offline.returncode == 1
    assert "HF_HUB_OFFLINE is set" in offline.stderr


def test_check_tells_sound_weights_from_broken_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    broken = tmp_path / "cut.safetensors"
    broken.write_bytes(b"1234")
    assert main(["models", "check", "resnet50-imagenet:random:0", f"RN50:{broken}", "gem", "--json"]) == 1
    states = [(row["state"], row["problem"]) for row in json.loads(capsys.readouterr().out)]
    assert states[0] == ("sound", "")
    assert states[1][0] == "broken"
    assert "cut short" in states[1][1]
    assert "cliploc models fetch ViT-B-16:openai" in states[2][1]
