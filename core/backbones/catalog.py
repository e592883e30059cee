"""Names of networks, their usual weights and where those come from, without importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cliploc.core.errors import unknown
from cliploc.core.paths import embedded_dir


@dataclass(frozen=True)
class Published:
    """Public weights that the project's methods use by default.

    tag: open_clip's (or timm's) name of the weights. repository: on the Hugging
    Face hub. megabytes: size of the download, rounded. methods: who uses it.
    """

    backbone: str
    tag: str
    repository: str
    megabytes: int
    licence: str
    methods: tuple[str, ...]

    @property
    def name(self) -> str:
        """What `cliploc models` calls it: `ViT-B-16:openai`."""
        return f"{self.backbone}:{self.tag}"


IMAGENET = "resnet50-imagenet"

# What a user may say about a bare weights file: the activation, and the mean and std of its pictures.
QUICKGELU = {"yes": True, "no": False}
PREPROCESS = {
    "openai": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "inception": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
OWNERS = {"openai": "OpenAI's", "imagenet": "ImageNet's", "inception": "Inception's"}

PUBLISHED = (
    Published("ViT-B-16", "openai", "timm/vit_base_patch16_clip_224.openai", 599, "MIT",
              ("gem", "maskclip", "clipsurgery", "sclip", "clearclip", "naclip", "resclip", "legrad",
               "chefer")),
    Published("ViT-L-14", "laion2b_s32b_b82k", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K", 1711, "MIT",
              ("textspan",)),
    Published("RN50", "openai", "timm/resnet50_clip.openai", 408, "MIT", ("gradcam",)),
    Published(IMAGENET, "tv_in1k", "timm/resnet50.tv_in1k", 102, "BSD-3-Clause", ("gradcam",)),
)  # fmt: skip


# The shipped networks, and the kind that each is to a method.
DEMO = {"demo-vit": "vit", "demo-resnet": "resnet", "demo-pooled": "vit-pooled"}


def demo_folder(name: str) -> Path | None:
    """The folder of a shipped network; None for another name."""
    return embedded_dir() / "demo" / name.removeprefix("demo-") if name in DEMO else None


def told_of(checkpoint: str, quickgelu: str = "", preprocess: str = "") -> tuple[str, str, str]:
    """A checkpoint, and what is said about it beside it or in it (`FILE?quickgelu=yes&preprocess=openai`).

    "" says nothing. ParameterError for what cannot be said.
    """
    said = {"quickgelu": quickgelu, "preprocess": preprocess}
    plain, mark, words = checkpoint.rpartition("?")
    if mark and not Path(checkpoint).exists():
        for word in words.split("&"):
            name, _, value = word.partition("=")
            if name not in said:
                raise unknown("word about a checkpoint", name, said)
            said[name] = said[name] or value
        checkpoint = plain
    for name, known in (("quickgelu", [*QUICKGELU]), ("preprocess", [*PREPROCESS])):
        if said[name] and said[name] not in known:
            raise unknown(name, said[name], known)
    return checkpoint, said["quickgelu"], said["preprocess"]


def with_told(checkpoint: str, quickgelu: str, preprocess: str) -> str:
    """The inverse of `told_of`: one text."""
    said = {"quickgelu": quickgelu, "preprocess": preprocess}
    words = "&".join(f"{name}={value}" for name, value in said.items() if value)
    return f"{checkpoint}?{words}" if words else checkpoint


def usual_tag(backbone: str) -> str | None:
    """The weights meant when a backbone is named without any; None where there is no usual choice."""
    plain = backbone.removesuffix("-quickgelu")
    return next((known.tag for known in PUBLISHED if known.backbone == plain), None)
