"""A pipe, a device, a folder or a huge file where a file should be: a sentence, at once."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cliploc.core.cli import main
from cliploc.core.errors import ClipLocError
from tests.core.datasets.layouts import LAYOUT
from tests.sweeping import heatmap_set

MEMORY = 3 << 30  # bytes, more than now: one that believes such a file takes all there is
SECONDS = 20  # one that reads such a file never ends


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.mkdir()


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: it takes no room


SPECIAL = {"pipe": _pipe, "device": _device, "folder": _folder, "huge": _huge}


@contextmanager
def in_time() -> Iterator[None]:
    def late(number: int, frame: object) -> None:
        raise AssertionError(f"it read for {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, limits[1]))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="devices and limits of Linux")


@pytest.fixture(params=SPECIAL)
def special(request: pytest.FixtureRequest) -> Callable[[Path], Path]:
    """Puts a special file at a path."""

    def put(path: Path) -> Path:
        if path.is_symlink() or path.exists():
            path.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        SPECIAL[request.param](path)
        return path

    return put


def said(capsys: pytest.CaptureFixture[str], argv: list[str]) -> str:
    """What a command said that failed as it should."""
    with in_time():
        code = main(argv)
    printed = capsys.readouterr()
    words = printed.out + printed.err
    assert code in (1, 2), words
    assert words.strip()
    assert "Traceback" not in words
    return words


Put = Callable[[Path], Path]


@pytest.mark.parametrize("name", ["table.csv", "real/cat_0.png", "mask/cat_0_mask.png"])
def test_in_a_dataset(
    special: Put, make_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = make_folder()
    special(folder / name)
    said(capsys, ["dataset", "stats", "--dataset", str(folder)])


@pytest.mark.parametrize("name", ["annotations.json", "images/a.png"])
def test_in_coco(
    special: Put,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make_folder: Callable[..., Path],
    name: str,
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.png").write_bytes((make_folder() / "real/cat_0.png").read_bytes())
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": 48, "width": 64}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[4, 4, 20, 4, 20, 16]]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    special(tmp_path / name)
    said(
        capsys,
        ["dataset", "check", "--dataset", f"coco:{tmp_path / 'images'}:{tmp_path / 'annotations.json'}"],
    )


@pytest.mark.parametrize("name", LAYOUT)
def test_in_other_layouts(
    special: Put, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    make = LAYOUT[name][1]
    make(tmp_path / "whole")
    for number, file in enumerate(
        path for path in sorted((tmp_path / "whole").rglob("*.*")) if path.is_file()
    ):
        root = tmp_path / str(number)
        shutil.copytree(tmp_path / "whole", root)
        special(root / file.relative_to(tmp_path / "whole"))
        with in_time():
            code = main(["dataset", "check", "--dataset", str(root)])
        printed = capsys.readouterr()
        assert code in (0, 1, 2)
        assert "Traceback" not in printed.out + printed.err


@pytest.mark.parametrize(
    "argv",
    [
        ["heatmaps", "import", "FILE", "--dataset", "demo", "--name", "a"],
        ["runs", "import", "FILE"],
        ["predictions", "score", "FILE", "--dataset", "demo"],
        ["fetch", "cocoglide", "--from", "FILE"],
    ],
    ids=lambda argv: " ".join(argv[:2]),
)
def test_as_a_commands_file(
    special: Put, tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    path = special(tmp_path / "file")
    said(capsys, [word.replace("FILE", str(path)) for word in argv])


@pytest.fixture(scope="module")
def torch_loaded() -> None:
    """Importing it may take longer than a test may."""
    import cliploc.core.backbones.load  # noqa: F401


@pytest.mark.usefixtures("torch_loaded")
def test_as_a_models_config(special: Put, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    special(tmp_path / "model/open_clip_config.json")
    said(capsys, ["models", "check", f"local-dir:{tmp_path / 'model'}"])


@pytest.mark.usefixtures("torch_loaded")
def test_as_weights_of_a_folder(special: Put, tiny_backbone: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = Path(tiny_backbone.removeprefix("local-dir:"))
    weights = place / "open_clip_model.safetensors"
    content = weights.read_bytes()
    try:
        special(weights)
        said(capsys, ["models", "check", tiny_backbone])
    finally:
        weights.rmdir() if weights.is_dir() else weights.unlink()
        weights.write_bytes(content)


@pytest.mark.parametrize("name", ["config.toml", "keymap.toml", "presets.toml"])
def test_as_settings(special: Put, home: Path, name: str) -> None:
    from cliploc.tui import toml

    path = special(home / "config" / name)
    with in_time(), pytest.raises(ClipLocError, match="cannot read"):
        toml.table(path)


def test_as_a_session(special: Put, home: Path) -> None:
    from cliploc.tui import session

    special(home / "state/session.json")
    with in_time():
        assert session._read() == {}


@pytest.mark.parametrize("name", ["heatmaps.npy", "identity.json"])
def test_in_the_store(
    special: Put, make_folder: Callable[..., Path], home: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    heatmap_set(make_folder)
    (found,) = (home / "cache/heatmaps").glob(f"*/{name}")
    special(found)
    said(capsys, ["heatmaps", "show", "toy"])
    said(capsys, ["sweep", "--heatmaps", "toy", "--dilate", "1", "--erode", "1"])
    with in_time():
        main(["heatmaps", "list"])


@pytest.mark.parametrize("where", ["state/runs.db"])
def test_as_a_ledger(special: Put, home: Path, capsys: pytest.CaptureFixture[str], where: str) -> None:
    special(home / where)
    said(capsys, ["runs", "list"])


def test_as_what_remembers_files(special: Put, home: Path, make_folder: Callable[..., Path]) -> None:
    special(home / "cache/facts.db")
    with in_time():
        assert main(["dataset", "stats", "--dataset", str(make_folder())]) == 0
