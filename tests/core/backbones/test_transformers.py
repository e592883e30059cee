"""Networks of transformers, loaded as open_clip's: the same numbers, in both directions.

The oracle is transformers' own forward pass, with the same random weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from torch import Tensor, nn
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTokenizer,
    MetaClip2Config,
    MetaClip2Model,
    SiglipConfig,
    SiglipModel,
)

from cliploc.core.backbones.load import load_backbone, seeded
from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.transformers_names import by_open_clip_names
from cliploc.core.errors import CheckpointError
from tests import text_sides

VISION = {"hidden_size": 64, "intermediate_size": 150, "num_hidden_layers": 2, "num_attention_heads": 4,
          "image_size": 32, "patch_size": 8}  # fmt: skip
TEXT = {"hidden_size": 32, "intermediate_size": 80, "num_hidden_layers": 2, "num_attention_heads": 2}


def clip(**both: Any) -> Any:
    config = {"text_config": TEXT | both, "vision_config": VISION | both, "projection_dim": 48}
    return CLIPModel(CLIPConfig(**config))


def metaclip() -> Any:
    text = TEXT | {"vocab_size": 200, "eos_token_id": 2, "pad_token_id": 1, "bos_token_id": 0}
    return MetaClip2Model(MetaClip2Config(text_config=text, vision_config=VISION, projection_dim=48))


def siglip(**both: Any) -> Any:
    text = TEXT | {"hidden_size": 64, "vocab_size": 200, "pad_token_id": 1, "bos_token_id": 1,
                   "eos_token_id": 1, "projection_size": 64}  # fmt: skip
    return SiglipModel(SiglipConfig(text_config=text | both, vision_config=VISION | both))


KINDS = {
    "CLIP": clip,
    "CLIP with plain GELU": lambda: clip(hidden_act="gelu", layer_norm_eps=1e-4),
    "CLIP of old configs": lambda: clip(eos_token_id=2),
    "MetaCLIP 2": metaclip,
    "SigLIP": siglip,
    "SigLIP with exact GELU": lambda: siglip(hidden_act="gelu"),
}


def made(kind: str) -> Any:
    """A model of transformers with random weights, none of them zero."""
    with seeded(0):
        model = KINDS[kind]()
        for parameter in model.parameters():
            parameter.data.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


def saved(model: Any, folder: Path) -> str:
    model.save_pretrained(folder)
    said = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6], "resample": 2}
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    if model.config.model_type != "clip":
        text_sides.write(folder, "t5" if model.config.model_type == "siglip" else "xlm-roberta")
        model.config.save_pretrained(folder)  # the stand-in has one of its own
    return f"local-dir:{folder}"


def inputs(model: Any) -> tuple[Tensor, Tensor]:
    with seeded(1):
        pictures = torch.randn(3, 3, 32, 32)
        length, vocabulary = (
            model.config.text_config.max_position_embeddings,
            model.config.text_config.vocab_size,
        )
        tokens = torch.randint(3, vocabulary - 2, (3, length))
    end = model.config.text_config.eos_token_id
    for row, place in enumerate((4, 9, length - 1)):
        tokens[row, place] = vocabulary - 1 if end == 2 and model.config.model_type == "clip" else end
    return pictures, tokens


def assert_agree(theirs: Any, ours: Backbone) -> None:
    pictures, tokens = inputs(theirs)
    with torch.no_grad():
        expected = theirs(input_ids=tokens, pixel_values=pictures)
        images = ours.model.encode_image(pictures, normalize=True)
        texts = ours.model.encode_text(tokens, normalize=True)
        logits = ours.model.logit_scale.exp() * images @ texts.T + (
            getattr(ours.model, "logit_bias", None) or 0
        )
    torch.testing.assert_close(images, expected.image_embeds, atol=1e-4, rtol=0)
    torch.testing.assert_close(texts, expected.text_embeds, atol=1e-4, rtol=0)
    torch.testing.assert_close(logits, expected.logits_per_image, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_transformers_computes_what_transformers_computes(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    theirs = made(kind)
    folder = saved(theirs, tmp_path)
    capfd.readouterr()
    ours = load_backbone(folder, device="cpu")
    assert capfd.readouterr() == ("", "")
    assert_agree(theirs, ours)
    assert (ours.transform.mean, ours.transform.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert ours.transform.interpolation == "bilinear"
    assert ours.assumed == ""
    assert ours.encode_text(["a red star"]).shape == (1, 64 if "SigLIP" in kind else 48)


@pytest.mark.parametrize("kind", KINDS)
def test_the_map_of_names_is_a_permutation_and_its_inverse_agrees_as_well(kind: str, tmp_path: Path) -> None:
    """Every weight gets a number; where the numbers come out tells the way back."""
    theirs = made(kind)
    ours = load_backbone(saved(theirs, tmp_path), "random:7", device="cpu")
    state, own = theirs.state_dict(), ours.model.state_dict()
    sizes = [value.numel() for value in state.values()]
    numbers = torch.arange(sum(sizes)).split(sizes)
    mapped = by_open_clip_names(
        {name: part.view(value.shape) for part, (name, value) in zip(numbers, state.items(), strict=True)},
        own,
    )
    mapped = {name: value.reshape(own[name].shape) for name, value in mapped.items()}
    assert mapped.keys() == own.keys()
    assert torch.equal(torch.cat([each.flatten() for each in mapped.values()]).sort()[0], torch.cat(numbers))
    flat = torch.empty(sum(sizes))
    for name, places in mapped.items():
        flat[places] = own[name]
    back = dict(zip(state, flat.split(sizes), strict=True))
    theirs.load_state_dict({name: back[name].view(value.shape) for name, value in state.items()})
    assert_agree(theirs, ours)


def test_the_file_alone_loads_into_a_named_architecture_under_any_wrapping(tmp_path: Path) -> None:
    theirs = made("CLIP")
    folder = saved(theirs, tmp_path)
    pictures, _ = inputs(theirs)
    expected = load_backbone(folder, device="cpu").model.encode_image(pictures)
    for prefix in ("", "clip.", "module.model."):
        state = {prefix + name: value for name, value in theirs.state_dict().items()}
        torch.save({"state_dict": state}, tmp_path / "alone.pt")
        loaded = load_backbone(folder, str(tmp_path / "alone.pt"), device="cpu")
        torch.testing.assert_close(loaded.model.encode_image(pictures), expected)


def test_one_tower_alone_is_told(tmp_path: Path) -> None:
    theirs = made("CLIP")
    folder = saved(theirs, tmp_path)
    tower = {name: value for name, value in theirs.state_dict().items() if name.startswith("vision_model.")}
    torch.save(tower, tmp_path / "alone.pt")
    with pytest.raises(CheckpointError, match="a visual tower only"):
        load_backbone(folder, str(tmp_path / "alone.pt"), device="cpu")


@pytest.mark.parametrize(("kind", "mean"), [("CLIP", "OpenAI's"), ("SigLIP", "Inception's")])
def test_what_no_file_says_of_pictures_is_assumed_by_kind(kind: str, mean: str, tmp_path: Path) -> None:
    folder = saved(made(kind), tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()
    assumed = load_backbone(folder, device="cpu").assumed
    assert assumed.startswith(f"{mean} mean and std: ")
    assert assumed.endswith("config.json has none")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "siglip2"}, "found model_type 'siglip2', expected one of clip"),
        ({"vision_config": {"hidden_act": "gelu"}}, "activations gelu, quick_gelu"),
        ({"vision_config": []}, "is not a config of a clip"),
        ({"text_config": {"hidden_size": "wide"}}, "is not a config of a clip"),
    ],
)
def test_a_config_of_something_else_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip"} | change))
    with pytest.raises(CheckpointError, match=said):
        load_backbone(f"local-dir:{tmp_path}", "random:0", device="cpu")


def test_open_clips_vocabulary_is_that_of_transformers_clip() -> None:
    """So a folder of OpenAI's vocabulary needs no transformers. The oracle is built from the same merges."""
    ours = open_clip.tokenizer.SimpleTokenizer()
    merges = sorted(ours.bpe_ranks, key=lambda pair: ours.bpe_ranks[pair])
    ends = {"bos_token": "<start_of_text>", "eos_token": "<end_of_text>", "unk_token": "<end_of_text>"}
    theirs: Any = CLIPTokenizer(vocab=ours.encoder, merges=merges, **ends)
    texts = [
        "An image of a dining table",
        "there's a cat's tail, isn't there?  2 of them",
        "naïve café, 東京!",
    ]
    for text, row in zip(texts, ours(texts), strict=True):
        ids = theirs(text).input_ids
        assert row[: len(ids)].tolist() == ids
        assert not row[len(ids) :].any()


@pytest.mark.networks
@pytest.mark.parametrize("make", [lambda: CLIPModel(CLIPConfig()), lambda: SiglipModel(SiglipConfig())])
def test_networks_of_the_usual_size_agree(make: Any, tmp_path: Path) -> None:
    with seeded(0):
        theirs = make().eval()
    nn.init.normal_(next(theirs.parameters()), std=0.02)
    folder = saved(theirs, tmp_path)
    ours = load_backbone(folder, device="cpu")
    with torch.no_grad():
        pictures = torch.randn(2, 3, 224, 224)
        expected = torch.nn.functional.normalize(theirs.get_image_features(pictures).pooler_output, dim=-1)
        torch.testing.assert_close(
            ours.model.encode_image(pictures, normalize=True), expected, atol=1e-4, rtol=0
        )
