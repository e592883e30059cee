"""Networks whose text side is built with transformers: from files that are here, as data, or a sentence."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip.hf_configs import arch_dict

from cliploc.core.backbones import fetch, text_side
from cliploc.core.backbones.ahead import architectures, check_network, text_of
from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.text_side import parts_of
from cliploc.core.errors import CheckpointError
from tests import text_sides

NAMES = [name for name in architectures() if any(parts_of(text_of(name)))]
ONE_OF_EACH = [
    "ViT-B-16-SigLIP", "ViT-B-16-SigLIP2", "ViT-L-14-CLIPA", "ViT-H-14-worldwide", "ViT-L-14-worldwide",
    "roberta-ViT-B-32", "coca_roberta-ViT-B-32", "mt5-base-ViT-B-32", "nllb-clip-base",
    "xlm-roberta-base-ViT-B-32",
]  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache, online as far as anybody knows, and nobody may connect."""

    def connected(*_: object, **__: object) -> None:
        raise AssertionError("somebody went to the network")

    monkeypatch.setattr(socket.socket, "connect", connected)
    monkeypatch.setattr(socket, "getaddrinfo", connected)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def shrink(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, text_sides.shrunk(name))


def assert_reads_texts(name: str, hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(name, monkeypatch)
    for repository in {part.repository for part in parts_of(text_of(name))}:
        text_sides.put(hub, repository)
    backbone = load_backbone(name, "random:0", "cpu")
    texts = ["an image of a red star", "there is a moon in this image", "a"]
    rows = backbone.encode_text(texts)
    assert rows.shape == (3, 32)
    assert (rows[0] - rows[1]).abs().max() > 1e-5
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(3))
    one_by_one = torch.cat([backbone.encode_text([text]) for text in texts])
    torch.testing.assert_close(one_by_one, rows, atol=1e-5, rtol=0)
    assert backbone.fits("a red star")
    assert not backbone.fits("a red star " * 40)


def test_49_networks_are_of_this_kind() -> None:
    assert len(NAMES) == 49


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_texts_are_read(name: str, hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_reads_texts(name, hub, monkeypatch)


@pytest.mark.networks
@pytest.mark.parametrize("name", NAMES)
def test_texts_are_read_by_all_of_them(name: str, hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_reads_texts(name, hub, monkeypatch)


def test_the_kinds_of_text_model_are_open_clips_own() -> None:
    assert set(text_side.KINDS) == arch_dict.keys()


@pytest.mark.parametrize("name", ["ViT-B-16-SigLIP", "roberta-ViT-B-32"])
def test_what_is_not_here_is_named_with_the_command_that_gets_it(
    name: str, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for check in (check_network, load_backbone):
        with pytest.raises(CheckpointError, match=f"is not here: .*cliploc models fetch {name}$"):
            check(name, "random:0")
    monkeypatch.setattr(text_side, "find_spec", lambda _: None)
    for check in (check_network, load_backbone):
        with pytest.raises(CheckpointError, match=r"pip install 'cliploc\[hf\]'$"):
            check(name, "random:0")


RUNS = {"auto_map": {"AutoTokenizer": ["evil.Evil", None], "AutoConfig": "evil.Evil"}}


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("config.json", RUNS, "auto_map: it could fetch or run"),
        ("tokenizer_config.json", RUNS, "auto_map: it could fetch or run"),
        ("config.json", {"attn_implementation": "kernels-community/evil"}, "could fetch or run"),
        ("config.json", {"model_type": "evil"}, "found model_type 'evil', expected"),
        ("config.json", None, "cannot be read .*it holds no object"),
    ],
)
def test_what_could_run_something_is_refused(
    hub: Path, monkeypatch: pytest.MonkeyPatch, file: str, change: dict[str, Any] | None, said: str
) -> None:
    shrink("roberta-ViT-B-32", monkeypatch)
    folder = text_sides.put(hub, "roberta-base")
    (folder / "evil.py").write_text("raise AssertionError('it ran')")
    before = json.loads((folder / file).read_text()) if (folder / file).is_file() else {}
    (folder / file).write_text(json.dumps(before | change) if change is not None else "[]")
    with pytest.raises(CheckpointError, match=said):
        load_backbone("roberta-ViT-B-32", "random:0", "cpu")


def test_a_folders_tokenizer_is_its_own(hub: Path, tmp_path: Path) -> None:
    """As open_clip has it: whatever name the config says, the files beside it are read."""
    config = text_sides.shrunk("ViT-B-16-SigLIP")
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    with pytest.raises(CheckpointError, match="copy one there"):
        load_backbone(f"local-dir:{tmp_path}", "random:0", "cpu")
    text_sides.write(tmp_path, "t5")
    assert load_backbone(f"local-dir:{tmp_path}", "random:0", "cpu").encode_text(["a star"]).shape == (1, 32)


class Downloads:
    """Stands in for the hub: which files its repositories have, and which of them were asked for."""

    def __init__(self, cache: Path, **repositories: dict[str, bytes]) -> None:
        self.cache, self.repositories, self.asked = cache, repositories, list[str]()

    def __call__(self, repository: str, filename: str, **_: object) -> None:
        content = self.repositories[repository.replace("/", "__").replace("-", "_")].get(filename)
        if content is None:
            raise fetch.EntryNotFoundError(filename)
        place = self.cache / f"models--{repository.replace('/', '--')}"
        (place / "refs").mkdir(parents=True, exist_ok=True)
        (place / "refs" / "main").write_text("0" * 40)
        (place / "snapshots" / ("0" * 40)).mkdir(parents=True, exist_ok=True)
        (place / "snapshots" / ("0" * 40) / filename).write_bytes(content)
        self.asked.append(filename)


def downloads(monkeypatch: pytest.MonkeyPatch, hub: Path, **repositories: dict[str, bytes]) -> Downloads:
    made = Downloads(hub, **repositories)
    monkeypatch.setattr(fetch, "hf_hub_download", made)
    monkeypatch.setattr(fetch, "_check_network", lambda: None)
    return made


def test_weights_are_fetched_with_their_tokenizer(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"tokenizer_config.json": b"{}", "spiece.model": b"1", "open_clip_model.safetensors": b"2"}
    made = downloads(monkeypatch, hub, timm__ViT_B_16_SigLIP=here)
    wanted = fetch.remote("ViT-B-16-SigLIP:webli")
    assert fetch.fetch(wanted, lambda *_: None).name == "open_clip_model.safetensors"
    assert made.asked == [*here]
    fetch.fetch(wanted, lambda *_: None)
    assert made.asked == [*here]


def test_a_backbone_alone_means_its_text_side(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = downloads(monkeypatch, hub, google__mt5_base={"config.json": b"{}", "spiece.model": b"1"})
    assert fetch.fetch(fetch.remote("mt5-base-ViT-B-32"), lambda *_: None).name == "spiece.model"
    assert made.asked == ["config.json", "spiece.model"]


def test_a_repository_is_fetched_with_the_config_of_its_text_model(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = json.dumps({"model_cfg": text_sides.shrunk("xlm-roberta-base-ViT-B-32"), "preprocess_cfg": {}})
    here = {"open_clip_config.json": config.encode(), "open_clip_pytorch_model.bin": b"2"}
    made = downloads(monkeypatch, hub, some__one=here, xlm_roberta_base={"config.json": b"{}"})
    fetch.fetch(fetch.remote("hf-hub:some/one"), lambda *_: None)
    assert made.asked == [*here, "config.json"]


def test_a_repository_of_transformers_layout_is_fetched_whole(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        "config.json",
        "preprocessor_config.json",
        "tokenizer_config.json",
        "spiece.model",
        "model.safetensors",
    ]
    made = downloads(monkeypatch, hub, some__siglip=dict.fromkeys(files, b"1"))
    assert fetch.fetch(fetch.remote("hf-hub:some/siglip"), lambda *_: None).name == "model.safetensors"
    assert made.asked == files
