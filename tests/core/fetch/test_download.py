"""One file from a server that cannot be trusted."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.errors import ClipLocError, DatasetError, ParameterError, ResourceError, StoreError
from cliploc.core.fetch.download import Kind, Patience, download
from tests.core.fetch.conftest import Answer, Site, honest, raw, redirecting, refusing, stalling

CHUNK = 1 << 14
CONTENT = b"PK\x03\x04" + bytes(range(256)) * 2000
KIND = Kind(b"PK\x03\x04", 10 * len(CONTENT))
HASTE = Patience(attempts=3, stall=0.3, pause=0.0)


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def get(site: Site, tmp_path: Path) -> Callable[..., bytes]:
    """Answer so, download, return what came."""

    def got(*answers: Answer, kind: Kind = KIND) -> bytes:
        site.answers[:] = answers
        target = tmp_path / "downloads" / "a.zip"
        download(site.url, target, kind, quiet, HASTE)
        assert [file.name for file in target.parent.iterdir()] == ["a.zip"]
        return target.read_bytes()

    return got


def part_of(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "a.zip.part"


def test_a_file_arrives_whole_and_progress_is_told(site: Site, tmp_path: Path) -> None:
    site.answers[:] = [honest(CONTENT)]
    seen: list[tuple[int, int]] = []
    download(site.url, tmp_path / "a.zip", KIND, lambda done, total: seen.append((done, total)), HASTE)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    assert len(site.asked) == 1


def test_a_download_that_is_cut_off_goes_on_where_it_stopped(get: Callable[..., bytes], site: Site) -> None:
    ends = [CHUNK, 7 * CHUNK, 12 * CHUNK]
    assert get(*(honest(CONTENT, until=end) for end in ends), honest(CONTENT)) == CONTENT
    assert [asked.get("range") for asked in site.asked] == [None, *(f"bytes={end}-" for end in ends)]
    assert site.asked[1]["if-range"] == '"v1"'


def test_a_server_that_stalls_is_asked_again(get: Callable[..., bytes], site: Site) -> None:
    assert get(stalling(CONTENT, 150_000), honest(CONTENT)) == CONTENT
    assert site.asked[1]["range"].startswith("bytes=")


def test_what_another_call_left_is_used(get: Callable[..., bytes], site: Site, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="the same command goes on from there"):
        get(honest(CONTENT, until=5 * CHUNK), refusing(503))
    assert part_of(tmp_path).stat().st_size == 5 * CHUNK
    assert get(honest(CONTENT)) == CONTENT
    assert site.asked[-1]["range"] == f"bytes={5 * CHUNK}-"


def test_what_came_from_elsewhere_is_not(get: Callable[..., bytes], site: Site, tmp_path: Path) -> None:
    with pytest.raises(ResourceError):
        get(honest(CONTENT, until=100_000), refusing(503))
    part_of(tmp_path).with_name("a.zip.part.json").write_text('{"url": "http://elsewhere/"}')
    assert get(honest(CONTENT)) == CONTENT
    assert "range" not in site.asked[-1]


def test_a_file_that_changed_meanwhile_is_started_afresh(get: Callable[..., bytes]) -> None:
    newer = b"PK\x03\x04" + bytes(400_000)
    assert get(honest(CONTENT, until=100_000), honest(newer, etag='"v2"')) == newer


def test_a_server_without_ranges_starts_again(get: Callable[..., bytes]) -> None:
    whole = raw(200, CONTENT, Content_Length=len(CONTENT))
    assert get(raw(200, CONTENT[:5000], Content_Length=len(CONTENT)), whole) == CONTENT


def test_an_unknown_length_is_fine(get: Callable[..., bytes]) -> None:
    assert get(raw(200, CONTENT)) == CONTENT


def test_redirects_are_followed(get: Callable[..., bytes], site: Site) -> None:
    assert get(redirecting(site.url + "?signed=1"), honest(CONTENT)) == CONTENT


@pytest.mark.parametrize(
    "lie",
    [
        raw(206, CONTENT[50_000:], Content_Range=f"bytes 50000-{len(CONTENT) - 1}/{len(CONTENT)}"),
        raw(206, CONTENT[50_000:]),
        raw(206, CONTENT[50_000:], Content_Range="bytes elephants"),
    ],
)
def test_another_part_than_was_asked_for_is_not_believed(get: Callable[..., bytes], lie: Answer) -> None:
    assert get(honest(CONTENT, until=100_000), lie, honest(CONTENT)) == CONTENT


@pytest.mark.parametrize(
    ("answers", "error", "message"),
    [
        ([refusing(404)], ResourceError, "404 Not Found; give another --url"),
        ([refusing(403)], ResourceError, "403"),
        ([refusing(500)], ResourceError, "500"),
        ([redirecting("/archive.zip")], ResourceError, "circles"),
        ([raw(200, b"<html>please log in</html>")], DatasetError, "starts with b'<html>"),
        ([raw(200, b"", Content_Length=0)], ResourceError, "cannot"),
        ([raw(200, CONTENT, Content_Length=10**12)], DatasetError, "expected at most"),
        ([raw(200, CONTENT * 30)], DatasetError, "does not end"),
        ([raw(200, CONTENT[:9], Content_Length=len(CONTENT))], ResourceError, "cannot get all of"),
        ([raw(200, CONTENT, Content_Length=len(CONTENT) + 5)], ResourceError, "cannot get all of"),
        ([stalling(CONTENT, 0)], ResourceError, "stopped answering"),
    ],
)
def test_what_cannot_work_ends_with_one_sentence(
    get: Callable[..., bytes], tmp_path: Path, answers: list[Answer], error: type[ClipLocError], message: str
) -> None:
    with pytest.raises(error, match=message):
        get(*answers)
    assert not (tmp_path / "downloads" / "a.zip").exists()


def test_without_a_network_the_way_around_it_is_said(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(ResourceError, match=r"is there a network\? .* --from FILE"):
        download(f"http://127.0.0.1:{port}/a.zip", tmp_path / "a.zip", KIND, quiet, HASTE)


@pytest.mark.parametrize("url", ["", "archive.zip", "file:///etc/passwd", "ftp://host/a.zip", "http://"])
def test_what_is_no_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ParameterError, match="expected http"):
        download(url, tmp_path / "a.zip", KIND, quiet, HASTE)


def test_a_full_or_closed_disk_is_said(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.answers[:] = [honest(CONTENT)]
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
        with pytest.raises(ResourceError, match="1,000 bytes free"):
            download(site.url, tmp_path / "a.zip", KIND, quiet, HASTE)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="CLIPLOC_HOME"):
        download(site.url, tmp_path / "file" / "a.zip", KIND, quiet, HASTE)


def test_secrets_of_an_address_are_neither_shown_nor_kept(site: Site, tmp_path: Path) -> None:
    """A user's password, a signed link's token."""
    url = site.url.replace("http://", "http://me:hunter2@") + "?token=s3cret"
    site.answers[:] = [honest(CONTENT, until=1000), refusing(404)]
    with pytest.raises(ResourceError) as caught:
        download(url, tmp_path / "a.zip", KIND, quiet, HASTE)
    kept = "".join(path.read_text(errors="replace") for path in tmp_path.glob("*.json"))
    for secret in ("hunter2", "s3cret"):
        assert secret not in str(caught.value)
        assert secret not in kept
    with pytest.raises(ResourceError) as caught:
        download("http://me:hunter2@127.0.0.1:9/x.zip?token=s3cret", tmp_path / "b.zip", KIND, quiet, HASTE)
    assert "hunter2" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
