"""load_backbone: names to networks, the traps of open_clip, and clear errors."""

from __future__ import annotations

import json
import os
import pickle
import time
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.errors import CheckpointError, ParameterError
from cliploc.core.paths import embedded_dir

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder as open_clip writes it: config and safetensors of a tiny ViT."""
    place = tmp_path / "tiny"
    place.mkdir()
    config = {"model_cfg": TINY, "preprocess_cfg": {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5]}}
    (place / "open_clip_config.json").write_text(json.dumps(config))
    made = load_backbone(f"local-dir:{place}", "random:3", device="cpu")
    save_file(made.model.state_dict(), place / "open_clip_model.safetensors")
    return place


def tiny(folder: Path, checkpoint: str | None = None) -> Backbone:
    return load_backbone(f"local-dir:{folder}", checkpoint, device="cpu")


def test_a_local_folder_carries_its_weights_and_its_transform(folder: Path) -> None:
    loaded, made = tiny(folder), tiny(folder, "random:3")
    for name, value in made.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], value), name
    assert loaded.transform.mean == (0.1, 0.2, 0.3)
    assert loaded.image_size == 32
    assert loaded.kind == "vit"
    assert not loaded.model.training


def test_a_folder_or_a_scheme_may_be_given_as_the_checkpoint(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="not a ViT-B-16: its vision tower has layers 2"):
        load_backbone("ViT-B-16", f"local-dir:{folder}", device="cpu")


def test_random_weights_follow_their_seed_and_leave_the_callers_random_state(folder: Path) -> None:
    state = torch.random.get_rng_state()
    first, again, other = tiny(folder, "random:1"), tiny(folder, "random:1"), tiny(folder, "random:2")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.model.visual.proj, again.model.visual.proj)
    assert not torch.equal(first.model.visual.proj, other.model.visual.proj)


def test_an_absent_checkpoint_is_told_at_once_with_the_command_that_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for name, checkpoint, asked in (
        ("ViT-B-16", "openai", "ViT-B-16:openai"),
        ("ViT-L-14", None, "ViT-L-14:laion2b_s32b_b82k"),
        ("hf-hub:somebody/something", None, "hf-hub:somebody/something"),
        ("resnet50-imagenet", None, "resnet50-imagenet:tv_in1k"),
    ):
        started = time.process_time()
        with pytest.raises(CheckpointError, match=f"cliploc models fetch {asked}$"):
            load_backbone(name, checkpoint, device="cpu")
        # No retries, and no network built first: that alone would cost more than this.
        assert time.process_time() - started < 5


def cached(cache: Path, repository: str, filename: str, content: bytes) -> Path:
    """A file in the layout of the Hugging Face cache."""
    place = cache / f"models--{repository.replace('/', '--')}"
    (place / "refs").mkdir(parents=True, exist_ok=True)
    (place / "refs" / "main").write_text("abc")
    path = place / "snapshots" / "abc" / filename
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_openai_weights_get_quickgelu_whatever_the_spelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    source = tmp_path / "made.safetensors"
    made = load_backbone("ViT-B-32", "random:0", device="cpu")
    save_file(made.model.state_dict(), source)
    path = cached(
        tmp_path, "timm/vit_base_patch32_clip_224.openai", "open_clip_model.safetensors", source.read_bytes()
    )
    source.unlink()
    for name, checkpoint in (
        ("ViT-B-32", "openai"), ("ViT-B-32-quickgelu", "openai"), ("ViT-B/32", str(path)),
    ):  # fmt: skip
        loaded = load_backbone(name, checkpoint, device="cpu")
        activation = loaded.model.visual.transformer.resblocks[0].mlp.gelu
        assert isinstance(activation, open_clip.transformer.QuickGELU), (name, checkpoint)
    assert isinstance(made.model.visual.transformer.resblocks[0].mlp.gelu, torch.nn.GELU)


class Intruder:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (os.environ["INTRUDER"],)


def test_a_pickle_with_code_is_refused_and_not_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTRUDER", str(tmp_path / "was here"))
    bad = tmp_path / "bad.pt"
    torch.save({"state_dict": Intruder()}, bad)
    with pytest.raises(CheckpointError, match="never run"):
        tiny(folder, str(bad))
    bad.write_bytes(pickle.dumps(Intruder()))
    with pytest.raises(CheckpointError, match="never run"):
        tiny(folder, str(bad))
    assert not (tmp_path / "was here").exists()


@pytest.mark.parametrize("keep", [0, 5, 1000, -7])
def test_a_truncated_file_is_named(folder: Path, tmp_path: Path, keep: int) -> None:
    content = (folder / "open_clip_model.safetensors").read_bytes()
    for suffix in ("safetensors", "pt"):
        cut = tmp_path / f"cut.{suffix}"
        cut.write_bytes(content[:keep])
        with pytest.raises(CheckpointError, match="cut"):
            tiny(folder, str(cut))


def test_another_architecture_is_told_apart_from_a_broken_file(folder: Path, tmp_path: Path) -> None:
    state = tiny(folder).model.state_dict()
    state["visual.proj"] = torch.zeros(64, 16)
    wrong = tmp_path / "wrong.safetensors"
    save_file(state, wrong)
    with pytest.raises(CheckpointError, match=r"another architecture .*visual.proj"):
        tiny(folder, str(wrong))
    with pytest.raises(CheckpointError, match="another architecture"):
        load_backbone("RN50", str(folder / "open_clip_model.safetensors"), device="cpu")


def test_half_precision_weights_of_another_grid_are_another_architecture() -> None:
    shipped = embedded_dir() / "demo" / "vit" / "open_clip_model.safetensors"
    with pytest.raises(CheckpointError, match="another architecture than ViT-B-32"):
        load_backbone("ViT-B-32", str(shipped), device="cpu")


def test_unknown_names_list_what_is_near(folder: Path) -> None:
    with pytest.raises(ParameterError, match="did you mean"):
        load_backbone("ViT-B-61", device="cpu")
    with pytest.raises(CheckpointError, match="its tags: openai"):
        load_backbone("ViT-B-16", "nope", device="cpu")
    with pytest.raises(ParameterError, match="random:SEED"):
        tiny(folder, "random:first")
    with pytest.raises(ParameterError, match="try auto or cpu"):
        load_backbone(f"local-dir:{folder}", device="tpu")
    with pytest.raises(CheckpointError, match="no folder"):
        load_backbone("local-dir:/nowhere/at/all", device="cpu")


def test_text_rows_are_unit_and_encoded_once(folder: Path) -> None:
    backbone = tiny(folder)
    rows = backbone.encode_text(["a dog", "a cat", "a dog"])
    assert rows.shape == (3, 32)
    torch.testing.assert_close(rows.norm(dim=-1), torch.ones(3))
    assert torch.equal(rows[0], rows[2])
    tokens = open_clip.get_tokenizer("ViT-B-16")(["a cat"])
    expected = backbone.model.encode_text(tokens, normalize=True).detach()
    torch.testing.assert_close(rows[1:2], expected)
    many = backbone.encode_text([f"thing {n}" for n in range(300)])
    torch.testing.assert_close(many[299:], tiny(folder).encode_text(["thing 299"]))


def test_several_texts_in_one_prompt_are_averaged(folder: Path) -> None:
    backbone = tiny(folder)
    first, second = backbone.encode_text(["a dog", "the dog"])
    mean = torch.nn.functional.normalize((first + second) / 2, dim=0)
    torch.testing.assert_close(backbone.encode_text(["a dog | the dog"])[0], mean)


def test_preprocess_squashes_as_pillow_does_and_normalizes(folder: Path) -> None:
    backbone = tiny(folder)
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    found = backbone.preprocess([pixels, pixels[:, :, 0]], 48)
    assert found.shape == (2, 3, 48, 48)
    resized = np.asarray(Image.fromarray(pixels).resize((48, 48), Image.Resampling.BICUBIC))
    mean, std = np.float32([0.1, 0.2, 0.3]), np.float32([0.5, 0.5, 0.5])
    expected = ((resized / 255 - mean) / std).transpose(2, 0, 1)
    # Pillow rounds between its two passes: a difference of one grey level is allowed.
    np.testing.assert_allclose(found[0], expected, atol=1.01 / 255 / 0.5)
    unshifted = found[1] * 0.5 + torch.tensor([0.1, 0.2, 0.3])[:, None, None]
    torch.testing.assert_close(unshifted[0], unshifted[2])


def test_preprocess_refuses_what_is_not_an_image(folder: Path) -> None:
    with pytest.raises(ParameterError, match="expected uint8"):
        tiny(folder).preprocess([np.zeros((4, 4, 3), np.float32)])
