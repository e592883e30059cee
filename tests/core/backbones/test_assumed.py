"""What is known about a weights file, what is assumed, and that both are in the digest."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
from safetensors.torch import load_file

from cliploc.core.backbones import imagenet
from cliploc.core.backbones.catalog import PREPROCESS, told_of, with_told
from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.sources import resolve
from cliploc.core.errors import ParameterError

OPENAI, INCEPTION = PREPROCESS["openai"][0], PREPROCESS["inception"][0]
KNOWN = {"mean": [0.1, 0.1, 0.1], "std": [0.2, 0.2, 0.2], "interpolation": "bilinear"}


def file(folder: Path, name: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def config_beside(
    path: str, preprocess: dict[str, object], architecture: str = "ViT-L-14", **more: object
) -> None:
    stored = {"model_cfg": {**open_clip.get_model_config(architecture), **more}, "preprocess_cfg": preprocess}
    (Path(path).parent / "open_clip_config.json").write_text(json.dumps(stored))


def test_a_bare_file_is_assumed_to_be_plain_and_openais_and_says_so(tmp_path: Path) -> None:
    found = resolve("ViT-L-14", file(tmp_path, "vit.pt"))
    assert (found.quick_gelu, found.preprocess["mean"]) == (False, OPENAI)
    assert found.assumed == "plain GELU and OpenAI's mean and std: vit.pt carries no config"
    found = resolve("ViT-L-14-quickgelu", file(tmp_path, "vit.pt"))
    assert found.quick_gelu
    assert found.assumed == "OpenAI's mean and std: vit.pt carries no config"


def test_what_the_user_says_is_not_assumed(tmp_path: Path) -> None:
    path = file(tmp_path, "vit.pt")
    found = resolve("ViT-L-14", path, "yes", "inception")
    assert (found.quick_gelu, found.preprocess["mean"], found.assumed) == (True, INCEPTION, "")
    assert resolve("ViT-L-14", path, "no").assumed == "OpenAI's mean and std: vit.pt carries no config"
    assert resolve("ViT-L-14", path, preprocess="imagenet").assumed == "plain GELU: vit.pt carries no config"


def test_what_is_said_may_stand_in_the_checkpoint_itself(tmp_path: Path) -> None:
    path = file(tmp_path, "vit.pt")
    assert told_of(f"{path}?preprocess=inception&quickgelu=yes") == (path, "yes", "inception")
    assert told_of(f"{path}?quickgelu=yes", quickgelu="no") == (path, "no", "")
    assert told_of(path, "no", "openai") == (path, "no", "openai")
    odd = file(tmp_path, "odd?.pt")
    assert told_of(odd) == (odd, "", "")
    assert told_of(with_told(path, "yes", "")) == (path, "yes", "")
    for wrong in ("quickgelu=perhaps", "preprocess=opnai", "gelu=yes", ""):
        with pytest.raises(ParameterError, match="unknown"):
            told_of(f"{path}?{wrong}")


def test_the_config_beside_a_file_knows(tmp_path: Path) -> None:
    path = file(tmp_path, "openai/vit.pt")
    config_beside(path, KNOWN, quick_gelu=True)
    found = resolve("ViT-L-14", path)
    assert (found.quick_gelu, found.preprocess["mean"], found.assumed) == (True, KNOWN["mean"], "")
    config_beside(path, {})
    assert resolve("ViT-L-14", path).assumed == "OpenAI's mean and std: openai/open_clip_config.json has none"
    config_beside(file(tmp_path, "other/vit.pt"), KNOWN, "ViT-B-16")
    found = resolve("ViT-L-14", str(tmp_path / "other" / "vit.pt"))
    assert found.assumed.endswith("the config beside vit.pt is of another architecture")


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("openai/w.bin", "openai"),
        ("vit_l_14-openai.pt", "openai"),
        ("models--timm--vit_large_patch14_clip_224.openai/snapshots/abc/w.safetensors", "openai"),
        ("CLIP-ViT-L-14-laion2B-s32B-b82K.safetensors", "laion2b_s32b_b82k"),
        ("openai/CLIP-ViT-L-14-laion2B-s32B-b82K.safetensors", "laion2b_s32b_b82k"),
        ("vitl14_laion400m_e32.pt", "laion400m_e32"),
    ],
)
def test_a_published_name_in_the_path_is_an_assumption_too(tmp_path: Path, name: str, tag: str) -> None:
    found = resolve("ViT-L-14", file(tmp_path, name))
    known = open_clip.get_pretrained_cfg("ViT-L-14", tag)
    assert found.preprocess["mean"] == known["mean"]
    assert found.quick_gelu == (tag == "openai")
    assert found.assumed.endswith(f": the path names {tag}")


@pytest.mark.parametrize("name", ["not_openai/w.bin", "openai_finetuned.pt", "myopenai.pt", "ViT-L-14.pt"])
def test_a_part_of_a_name_is_no_published_name(tmp_path: Path, name: str) -> None:
    found = resolve("ViT-L-14", file(tmp_path, name))
    assert not found.quick_gelu
    assert found.assumed.endswith("carries no config")


def test_random_weights_assume_nothing() -> None:
    assert resolve("ViT-L-14", "random:0").assumed == ""


@pytest.fixture(scope="module")
def loaded(tiny_backbone: str) -> Backbone:
    return load_backbone(tiny_backbone, device="cpu")


def test_a_backbone_carries_what_was_assumed(tiny_backbone: str, loaded: Backbone) -> None:
    assert loaded.assumed.startswith("OpenAI's mean and std: ")
    assert load_backbone(tiny_backbone, device="cpu", preprocess="openai").assumed == ""


def test_networks_that_compute_other_numbers_have_other_digests(tiny_backbone: str, loaded: Backbone) -> None:
    told = [{"preprocess": name} for name in ("imagenet", "inception")] + [{"quickgelu": "yes"}]
    others = [load_backbone(tiny_backbone, device="cpu", **each) for each in told]
    others += [load_backbone(tiny_backbone, f"random:{seed}", "cpu") for seed in (4, 5)]
    digests = {loaded.digest, *(each.digest for each in others)}
    assert len(digests) == 6
    assert load_backbone(tiny_backbone, device="cpu", preprocess="openai").digest == loaded.digest


def test_the_digest_is_that_of_content_not_of_names(
    tiny_backbone: str, loaded: Backbone, tmp_path: Path
) -> None:
    weights = Path(tiny_backbone.removeprefix("local-dir:")) / "open_clip_model.safetensors"
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(weights.read_bytes())
    assert load_backbone(tiny_backbone, str(copy), "cpu").digest == loaded.digest
    assert load_file(copy).keys() == loaded.model.state_dict().keys()


def test_quickgelu_can_be_said_of_known_weights(tiny_backbone: str) -> None:
    quick = load_backbone(tiny_backbone, device="cpu", quickgelu="yes")
    assert isinstance(quick.model.visual.transformer.resblocks[0].mlp.gelu, open_clip.transformer.QuickGELU)
    assert quick.image_size == 32


def test_an_imagenet_classifier_is_told_mean_and_std_and_has_no_gelu(tmp_path: Path) -> None:
    path = file(tmp_path, "resnet.pth")
    assert imagenet.resolve(path).assumed == "ImageNet's mean and std: resnet.pth carries no config"
    said = imagenet.resolve(path, "inception")
    assert (said.transform.mean, said.transform.interpolation, said.assumed) == (INCEPTION, "bilinear", "")
    with pytest.raises(ParameterError, match="has no GELU"):
        load_backbone("resnet50-imagenet", "random:0", "cpu", quickgelu="no")


def test_a_text_that_is_too_long_is_told_with_the_words_that_are_cut(loaded: Backbone) -> None:
    words = [f"word{number}" for number in range(60)]
    prompt, short = " ".join(words), "An image of a zebra"
    cut = loaded.cut([short, prompt, prompt])
    assert list(cut) == [prompt]
    kept = prompt.removesuffix(cut[prompt])
    # What is left over is exactly what makes no difference.
    same = loaded.encode_text([prompt, kept + "and something else altogether"])
    assert kept + cut[prompt] == prompt
    assert loaded.cut([kept]) == {}
    assert loaded.cut([f"{kept} {cut[prompt].split()[0]}"])
    assert same.shape == (2, 32)


def test_each_text_of_a_mean_prompt_is_looked_at(loaded: Backbone) -> None:
    long = " ".join(["zebra"] * 80)
    assert loaded.cut([f"a zebra | {long}"]) == {f"a zebra | {long}": "zebra " * 4 + "zebra"}
