"""The registry of methods: what each is called, what it needs and what can be set.

Names cost no torch: `target` says where the code is, and `cliploc.core.methods.compute`
imports it when asked. A method without gradients is a stream of the shared pass
(`cliploc.core.methods.trunk`); one with gradients is a function of (backbone, images, text).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cliploc.core.methods.head_switches import canonical_off
from cliploc.core.parameters import Parameter, Value
from cliploc.core.prompts import IMAGENET, SCENES

# Kinds of backbone, as `cliploc.core.backbones.towers.choice` tells them apart.
VITS = ("vit", "vit-class", "vit-mean", "vit-pooled")
CONVNETS = ("resnet", "convnet", "classifier")


@dataclass(frozen=True)
class Published:
    """How a method's authors run it, where that is not how we do by default.

    size, template, positions, window, stride, background: as a recipe has them. parameters: of the method.
    stretch: of the post-processing, which is bilinear without morphology. without: what they do besides,
    that is not done here.
    """

    size: int
    template: str
    stretch: str = "map"
    parameters: tuple[tuple[str, Value], ...] = ()
    positions: str = ""
    window: int = 0
    stride: int = 0
    background: int = 0
    without: str = ""


@dataclass(frozen=True)
class MethodSpec:
    """One method.

    target: `module:name` of its stream or function. families: kinds of backbone it
    reads, its usual one first. default_backbone, default_checkpoint, default_size: what the literature
    uses it with (size in pixels). published: all else that its authors do. version: raised when its
    maps change, so that stored heatmaps are never stale. reference: where it was published. guided:
    whether a second network takes part, which the parameter `guide` names; such a method is a function, too.
    """

    name: str
    title: str
    target: str
    parameters: tuple[Parameter, ...]
    reference: str
    published: Published
    default_backbone: str = "ViT-B-16"
    default_checkpoint: str = "openai"
    default_size: int = 448
    families: tuple[str, ...] = VITS
    needs_gradient: bool = False
    version: int = 1
    guided: bool = False

    @property
    def shares_pass(self) -> bool:
        """Whether it is a stream of the shared pass."""
        return not (self.needs_gradient or self.guided)

    @property
    def gives_cosines(self) -> bool:
        """Whether its raw maps are cosines of places with the text: gradients and sums of terms are none."""
        return not self.needs_gradient and self.name != "textspan"


def contrast(default: str) -> Parameter:
    """The contrast parameter that every method has."""
    return Parameter(
        "contrast",
        "what is removed from the text: the mean of the other labels, the empty caption, "
        "or what is redundant between the labels (CLIPSurgery)",
        default,
        ("none", "labels", "neutral", "redundant"),
    )


_DEPTH = Parameter("depth", "blocks from the end with their own stream; 0: the last 6, at most half", 0,
                   low=0, high=64)  # fmt: skip


def _one_of(what: str) -> Parameter:
    return Parameter(what, f"the only {what} whose terms are summed, counted from 0; -1: all", -1,
                     low=-1, high=63)  # fmt: skip


_OFF = Parameter("off", "heads whose terms are left out, as layer.head counted from 0: 10.3,11.0; "
                 "9.* is a whole layer", "", canonical=canonical_off)  # fmt: skip


def _residual(default: bool) -> Parameter:
    return Parameter("residual", "add the last block's input and its MLP, as the network does", default)


def _layers(usual: int) -> Parameter:
    return Parameter("layers", f"blocks from the end that are read; 0: {usual}, as published", 0,
                     low=0, high=64)  # fmt: skip


_NO_CLASS = Parameter("no_class", "a label that ImageNet does not know: stop, leave it out, or use a CLIP "
                      "ResNet's text target", "error", ("error", "skip", "text"))  # fmt: skip

_IMAGENET, _SCENES = f"{IMAGENET}<label>", f"{SCENES}<label>"
_OTHERS = "all other labels in the softmax with the background words"
_CAM = Published(224, "<label>")

_SPECS = (
    MethodSpec(
        "gem", "GEM", "cliploc.core.methods.gem:gem",
        (
            _DEPTH,
            Parameter("iterations", "self-self attention steps before values are mixed", 1, low=0, high=8),
            Parameter("temperature", "what multiplies the cosines; 0: as published, from the token norms",
                      0.0, low=0.0, high=1000.0, step=1.0),
            contrast("none"),
        ),
        "Bousselham et al., Grounding Everything, CVPR 2024",
        Published(448, "a photo of a <label>."),
    ),
    MethodSpec(
        "textspan", "ClipTextSpan", "cliploc.core.methods.textspan:TextSpan",
        (_one_of("layer"), _one_of("head"), _OFF, contrast("labels")),
        "Gandelsman et al., Interpreting CLIP's Image Representation, ICLR 2024",
        Published(224, _IMAGENET, "positive", without="a contrast with the 1,000 ImageNet classes"),
        default_backbone="ViT-L-14", default_checkpoint="laion2b_s32b_b82k", default_size=224, version=2,
        families=("vit",),
    ),
    MethodSpec(
        "gradcam", "Grad-CAM", "cliploc.core.methods.gradcam:maps",
        (_NO_CLASS, contrast("none")),
        "Selvaraju et al., Grad-CAM, ICCV 2017", _CAM,
        default_backbone="RN50", default_checkpoint="openai", default_size=224,
        families=(*CONVNETS, *VITS), needs_gradient=True,
    ),
    MethodSpec(
        "gradcam++", "Grad-CAM++", "cliploc.core.methods.gradcam:plus_plus", (_NO_CLASS, contrast("none")),
        "Chattopadhay et al., Grad-CAM++, WACV 2018", _CAM,
        default_backbone="RN50", default_checkpoint="openai", default_size=224,
        families=(*CONVNETS, *VITS), needs_gradient=True,
    ),
    MethodSpec(
        "layercam", "LayerCAM", "cliploc.core.methods.gradcam:layercam", (_NO_CLASS, contrast("none")),
        "Jiang et al., LayerCAM, TIP 2021", _CAM,
        default_backbone="RN50", default_checkpoint="openai", default_size=224,
        families=(*CONVNETS, *VITS), needs_gradient=True,
    ),
    MethodSpec(
        "maskclip", "MaskCLIP", "cliploc.core.methods.last_block:maskclip",
        (_residual(False), contrast("none")),
        "Zhou et al., Extract Free Dense Labels from CLIP, ECCV 2022",
        Published(512, _SCENES, parameters=(("residual", True),), positions="bicubic",
                  without="a softmax over all labels, key smoothing and prompt denoising"),
    ),
    MethodSpec(
        "clipsurgery", "CLIP Surgery", "cliploc.core.methods.clipsurgery:clipsurgery",
        (_DEPTH, contrast("redundant")),
        "Li et al., CLIP Surgery for Better Explainability, 2023",
        Published(224, _SCENES, "grid", positions="bilinear"),
    ),
    MethodSpec(
        "sclip", "SCLIP", "cliploc.core.methods.last_block:sclip", (_residual(True), contrast("none")),
        "Wang et al., SCLIP, ECCV 2024",
        Published(336, _IMAGENET, positions="dino", window=224, stride=112, background=50, without=_OTHERS),
    ),
    MethodSpec(
        "clearclip", "ClearCLIP", "cliploc.core.methods.last_block:clearclip",
        (_residual(False), contrast("none")),
        "Lan et al., ClearCLIP, ECCV 2024",
        Published(448, _IMAGENET, positions="dino", background=50, without=_OTHERS),
    ),
    MethodSpec(
        "naclip", "NACLIP", "cliploc.core.methods.last_block:naclip",
        (
            Parameter("std", "width of the neighbourhood, in patches", 5.0, low=0.1, high=100.0, step=0.5),
            _residual(False),
            contrast("none"),
        ),
        "Hajimiri et al., Pay Attention to Your Neighbours, WACV 2025",
        Published(336, _IMAGENET, positions="dino", window=224, stride=112, background=40,
                  without=f"{_OTHERS}, and PAMR"),
    ),
    MethodSpec(
        "resclip", "ResCLIP", "cliploc.core.methods.resclip:ResidualAttention",
        (
            Parameter("std", "width of the neighbourhood, in patches", 5.0, low=0.1, high=100.0, step=0.5),
            Parameter("share", "of the middle blocks' attention in the last block's", 0.4, low=0.0, high=1.0,
                      step=0.05),
            _residual(False),
            contrast("none"),
        ),
        "Yang et al., ResCLIP, CVPR 2025",
        # As for VOC: whole pictures; their other data sets have windows of 224 by 112.
        Published(336, _IMAGENET, positions="dino", background=40,
                  without=f"{_OTHERS}, and the feedback of a segmentation"),
    ),
    MethodSpec(
        "proxyclip", "ProxyCLIP", "cliploc.core.methods.proxyclip:maps",
        (
            Parameter("guide", "whose features say which patches are alike: a transformer of timm's",
                      "vit_base_patch8_224.dino"),
            Parameter("beta", "of the mean likeness, what is taken off", 1.2, low=0.0, high=5.0, step=0.1),
            Parameter("gamma", "what multiplies the likeness", 3.0, low=0.1, high=100.0, step=0.5),
            contrast("none"),
        ),
        "Lan et al., ProxyCLIP, ECCV 2024", Published(336, _IMAGENET, background=40, without=_OTHERS),
        guided=True,
    ),
    MethodSpec(
        "legrad", "LeGrad", "cliploc.core.methods.attention_gradients:legrad",
        (
            _layers(2),
            Parameter("correction", "of SigLIP, as its authors correct it: a place is cleared where the "
                      "map of an empty caption is above this share of its range; 0: nowhere", 0.0,
                      low=0.0, high=1.0, step=0.05),
            contrast("none"),
        ),
        "Bousselham et al., LeGrad, ICCV 2025",
        Published(448, "a photo of a <label>.", parameters=(("correction", 0.8),)), needs_gradient=True,
    ),
    MethodSpec(
        "chefer", "Chefer", "cliploc.core.methods.attention_gradients:chefer", (_layers(1), contrast("none")),
        "Chefer et al., Generic Attention-model Explainability, ICCV 2021",
        Published(224, "<label>"), needs_gradient=True,
        families=("vit", "vit-class"),
    ),
)  # fmt: skip

METHODS: Mapping[str, MethodSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})


def reading(kind: str) -> list[str]:
    """The methods that read a backbone of a kind."""
    return [spec.name for spec in METHODS.values() if kind in spec.families]
