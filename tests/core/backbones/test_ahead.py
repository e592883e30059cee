"""What is wrong with a network in any case is told without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import open_clip
import pytest
from open_clip.pretrained import _PRETRAINED

from cliploc.core.backbones import ahead
from cliploc.core.backbones.ahead import architectures, check_network, tags_of
from cliploc.core.backbones.load import load_backbone
from cliploc.core.errors import CheckpointError, ClipLocError, ParameterError


@pytest.fixture(autouse=True)
def nothing_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def test_the_architectures_are_open_clips_own() -> None:
    assert list(architectures()) == sorted(open_clip.list_models())


def test_the_tags_are_open_clips_own() -> None:
    """Read from its source; every tag with the place of its weights."""
    for architecture, tags in _PRETRAINED.items():
        for tag, config in tags.items():
            wanted = {name: config[name] for name in ("hf_hub", "url") if config.get(name)}
            found = {name: text for name, text in tags_of(architecture)[tag].items() if text}
            assert found == wanted, (architecture, tag)


def folder(place: Path, *files: str) -> str:
    place.mkdir()
    for file in files:
        (place / file).write_text("{}")
    return f"local-dir:{place}"


def test_what_is_certain_to_fail_is_told(tmp_path: Path) -> None:
    config, weights = "open_clip_config.json", "open_clip_model.safetensors"
    whole = folder(tmp_path / "whole", config, weights)
    for backbone, checkpoint, said in (
        ("ViT-B-61", "", "did you mean ViT-B-16"),
        ("demo-vt", "", "did you mean demo-vit"),
        ("ViT-B-16", "openai", "cliploc models fetch ViT-B-16:openai$"),
        ("ViT-B/16", "", "cliploc models fetch ViT-B/16:openai$"),
        ("ViT-L-14", "", "cliploc models fetch ViT-L-14:laion2b_s32b_b82k$"),
        ("resnet50-imagenet", "", "cliploc models fetch resnet50-imagenet:tv_in1k$"),
        ("hf-hub:some/thing", "", "cliploc models fetch hf-hub:some/thing$"),
        ("ViT-B-16", "hf-hub:some/thing", "cliploc models fetch hf-hub:some/thing$"),
        ("ViT-B-16", "/weights/vit.pt", "/weights/vit.pt' is neither a file nor a tag"),
        ("ViT-B-16", "vit.safetensors?quickgelu=yes", "'vit.safetensors' is neither a file nor a tag"),
        ("ViT-B-32", "laion2b_s34b_b79k", "cliploc models fetch ViT-B-32:laion2b_s34b_b79k$"),
        ("ViT-B-16", "of_the_future", "its tags: openai"),
        ("ViT-B-32", "laion2b", "its tags: openai, laion400m_e31"),
        ("coca_base", "", "no usual checkpoint"),
        ("local-dir:/nowhere/at/all", "", "no folder /nowhere/at/all"),
        (folder(tmp_path / "empty"), "", "no open_clip_config.json"),
        (folder(tmp_path / "bare", config), "", "no weights in"),
        (whole, "/weights/vit.pt", "carries its own weights"),
        ("demo-vit", "/weights/vit.pt", "carries its own weights"),
        ("ViT-B-16", "random:0?gelu=no", "unknown word about a checkpoint"),
    ):  # fmt: skip
        with pytest.raises(ClipLocError, match=said):
            check_network(backbone, checkpoint)
        with pytest.raises(ClipLocError):  # torch and open_clip refuse it too
            load_backbone(backbone, checkpoint or None, device="cpu")


def test_what_may_do_is_left_to_torch(tmp_path: Path) -> None:
    file = tmp_path / "vit"
    file.touch()
    config, weights = "open_clip_config.json", "any.bin"
    for backbone, checkpoint in (
        ("demo-vit", ""), ("demo-resnet", "random:1"), ("demo-vit", str(file)),
        ("ViT-B-16", "random:0"), ("ViT-B-16", str(file)), ("ViT-B-16", f"{file}?preprocess=openai"),
        ("resnet50-imagenet", "a1_in1k"),
        (folder(tmp_path / "whole", config, weights), ""), ("ViT-B-16", f"local-dir:{tmp_path / 'whole'}"),
        (folder(tmp_path / "bare", config), "random:0"),
    ):  # fmt: skip
        check_network(backbone, checkpoint)


def test_devices_that_this_machine_cannot_have_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ahead, "_DRIVERS", (str(tmp_path / "nvidiactl"),))
    monkeypatch.setattr(ahead.sys, "platform", "linux")
    for devices in ("cuda", "cuda:1", "all", "cpu, cuda:0"):
        with pytest.raises(ParameterError, match="no GPU driver on this machine; try auto or cpu"):
            check_network("demo-vit", devices=devices)
    with pytest.raises(ParameterError, match="'mps' is a Mac's"):
        check_network("demo-vit", devices="mps")
    for devices in ("auto", "cpu", "xpu", "cdua"):  # torch knows, or says what it knows
        check_network("demo-vit", devices=devices)
    (tmp_path / "nvidiactl").touch()
    check_network("demo-vit", devices="cuda:1")
    monkeypatch.setattr(ahead.sys, "platform", "darwin")
    check_network("demo-vit", devices="mps")


def test_weights_that_were_downloaded_are_found(tmp_path: Path) -> None:
    place = tmp_path / "hub" / "models--timm--vit_base_patch16_clip_224.openai"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc")
    (place / "snapshots" / "abc").mkdir(parents=True)
    (place / "snapshots" / "abc" / "open_clip_model.safetensors").touch()
    check_network("ViT-B-16")
    check_network("ViT-B-16-quickgelu", "openai")
    with pytest.raises(CheckpointError):
        check_network("RN50")


COMMANDS = (
    ["heatmaps", "compute", "--dataset", "demo", "--backbone", "ViT-B-61"],
    ["heatmaps", "compute", "--dataset", "demo", "--backbone", "ViT-B-16", "--checkpoint", "/nowhere/vit.pt"],
    ["heads", "--dataset", "demo", "--checkpoint", "/nowhere/vit.pt"],
    ["poster", "--dataset", "demo", "--network", "gem=ViT-B-61"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_commands_say_it_before_torch_is_imported(command: list[str], home: Path) -> None:
    program = (
        "import sys, json; from cliploc.core.cli import main; code = main(sys.argv[1:]);"
        "print(json.dumps([code, sorted({'torch', 'open_clip', 'timm'} & set(sys.modules))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [2, []], done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
