"""The config of a model folder is data: it can make nobody fetch or run anything."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest

from cliploc.core.backbones.configs import read_config
from cliploc.core.backbones.load import load_backbone
from cliploc.core.errors import CheckpointError

SHIPPED = sorted((Path(open_clip.__file__).parent / "model_configs").glob("*.json"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_config_that_open_clip_ships_passes(path: Path, tmp_path: Path) -> None:
    config = {"model_cfg": json.loads(path.read_text()), "preprocess_cfg": {"mean": [0.5] * 3, "size": 224}}
    (tmp_path / "c.json").write_text(json.dumps(config))
    assert read_config(tmp_path / "c.json") == config


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("text_cfg", {"tokenizer_kwargs": {"trust_remote_code": True}}),
        ("text_cfg", {"trust_remote_code": True}),
        ("text_cfg", {"hf_model_name": "/tmp/evil"}),
        ("text_cfg", {"hf_tokenizer_name": "./evil"}),
        ("text_cfg", {"hf_model_config": {"auto_map": {}}}),
        ("vision_cfg", {"timm_model_name": "hf-hub:evil/x"}),
        ("vision_cfg", {"timm_model_name": "local-dir:/tmp/evil"}),
        ("vision_cfg", {"more": 1}),
    ],
)
def test_what_could_fetch_or_run_something_is_refused(
    tiny_backbone: str, tmp_path: Path, part: str, change: dict[str, Any]
) -> None:
    folder = copied(tiny_backbone, tmp_path, lambda config: config["model_cfg"][part].update(change))
    with pytest.raises(CheckpointError, match="could fetch or run something"):
        load_backbone(f"local-dir:{folder}", device="cpu")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model_cfg": 1}', '{"model_cfg": {}}', "[" * 100_000])
def test_what_is_no_config_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(CheckpointError, match="is not an open_clip config"):
        read_config(tmp_path / "c.json")


def test_a_name_that_is_not_in_the_cache_is_absent_and_nobody_is_asked(
    tiny_backbone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain name passes, but building a network never touches the network."""

    def connected(*_: object, **__: object) -> None:
        raise AssertionError("somebody went to the network")

    monkeypatch.setattr(socket.socket, "connect", connected)
    monkeypatch.setattr(socket, "getaddrinfo", connected)
    change = {"hf_tokenizer_name": "nobody/has-this-one"}
    folder = copied(tiny_backbone, tmp_path, lambda config: config["model_cfg"]["text_cfg"].update(change))
    with pytest.raises(CheckpointError, match="text side is not here"):
        load_backbone(f"local-dir:{folder}", device="cpu")


def copied(backbone: str, place: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A backbone's folder with another config."""
    source, folder = Path(backbone.partition(":")[2]), place / "copy"
    folder.mkdir()
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "open_clip_config.json").read_text())
    change(config)
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder
