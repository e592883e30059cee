"""Settings, keys, presets and sessions that no honest editor writes: a sentence, never a traceback."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core import paths
from cliploc.core.errors import ParameterError
from cliploc.tui import keymap, presets, session, start, toml
from cliploc.tui.state import ExplorerState, Source

HOSTILE = {
    "big integer": "x = " + "9" * 5000,
    "deep list": "x = " + "[" * 5000 + "]" * 5000,
    "a little deep": "x = " + "[" * 40 + "]" * 40,
    "long key": ".".join(["a"] * 20_000) + " = 1",
    "very long key": ".".join(["a"] * 500_000) + " = 1",
    "no text": "x = \ud800",
    "control characters": 'x = "\x1b[2J"',
    "cut short": "[x",
}


def settings() -> object:
    return start.settings_of(argparse.Namespace(**dict.fromkeys(start.SETTINGS)))


READERS: dict[str, Callable[[], object]] = {
    "config.toml": settings,
    "presets.toml": presets.load,
    "keymap.toml": lambda: keymap.load(paths.config_dir() / "keymap.toml"),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("name", READERS)
def test_a_hostile_file_is_a_sentence(name: str, content: str) -> None:
    paths.make_folder(paths.config_dir())
    (paths.config_dir() / name).write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ParameterError, match=name) as caught:
        READERS[name]()
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.toml")
    with pytest.raises(ParameterError, match="expected a file"):
        toml.table(tmp_path / "a.toml")


def test_no_file_is_an_empty_table(tmp_path: Path) -> None:
    assert toml.table(tmp_path / "a.toml") == {}


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"version": 1, "datasets": {"demo": ' + '{"a":' * 50_000,
        '{"version": 1, "datasets": {"demo": {"config": {"threshold": NaN, "dilate": 1e999}}}}',
        '{"version": 1, "datasets": {"demo": {"source": {"recipe": {"method": 7}}, "view": []}}}',
        '{"version": 1, "datasets": {"demo": {"sample": {"a": 1}, "prompt": 5, "source": [1]}}}',
    ],
)
def test_a_session_that_is_none_is_left_out(content: str) -> None:
    fallback = ExplorerState("a", Source())
    paths.make_folder(paths.state_dir())
    (paths.state_dir() / "session.json").write_text(content)
    found = session.restored("demo", fallback)
    assert found.config == fallback.config
    assert isinstance(found.sample, str)
