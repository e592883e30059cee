"""Our maps beside the authors' own, by method and size, in float64 and after their last step.

`python -m tests.parity.table [NETWORK]` prints the table: the largest difference of a pixel under our
defaults (`ours`) and under the published preset (`as published`), with its settings.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.positions import ANTIALIASED
from cliploc.core.codes import map_of
from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.background import WORDS, share
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.windows import windowed
from cliploc.core.methods import METHODS
from cliploc.core.methods.compute import compute_maps
from cliploc.core.postprocess import PostProcess, published_config
from cliploc.core.stretch import of_itself
from tests.parity import paths

PROMPTS = ("An image of a star", "An image of a moon", "An image of a heart")


@dataclass(frozen=True)
class Case:
    """One method at one size. theirs: (model, images, text) to maps (B, T, S, S).

    windows, background: as published. network: the one that it reads, where no transformer is meant.
    """

    method: str
    size: int
    theirs: Callable[[nn.Module, Tensor, Tensor], Tensor]
    windows: bool = False
    background: bool = False
    network: str = ""

    @property
    def name(self) -> str:
        besides = f"{' through windows' * self.windows}{' with background' * self.background}"
        return f"{self.method}{besides} @{self.size}"


def of_logits(logits: Callable[[nn.Module, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda model, images, text: paths.stretched(logits(model, images, text))


def whole(method: str, logits: Callable[[nn.Module, Tensor, Tensor], Tensor]) -> Case:
    """All of a preset: windows where it has any, and background words."""
    spec = METHODS[method].published

    def theirs(model: nn.Module, images: Tensor, text: Tensor) -> Tensor:
        rows = torch.cat([text, words(text)])
        crop = spec.window or spec.size
        seen = paths.slid(lambda each: logits(model, each, rows), images, crop, spec.stride or crop)
        return paths.stretched(paths.shares(seen, len(text), spec.background))

    return Case(method, spec.size, theirs, windows=spec.window > 0, background=True)


def words(text: Tensor) -> Tensor:
    """Unit rows (26, d) in place of the background words: both sides have the same."""
    rows = torch.randn(len(WORDS), text.shape[-1], generator=torch.Generator().manual_seed(7))
    return F.normalize(rows.double(), dim=-1)


def gem_package(model: nn.Module, images: Tensor, text: Tensor) -> Tensor:
    """The authors' package, told that blocks take the sequence first (see tests/parity/test_gem.py)."""
    from gem import gem_wrapper

    wrapped = gem_wrapper.GEMWrapper(copy.deepcopy(model), tokenizer=None)
    for block in wrapped.model.visual.transformer.resblocks:
        attention = getattr(block, "attn", None)
        if isinstance(attention, nn.MultiheadAttention):
            attention.batch_first = False
    wrapped.eval()
    wrapped.encode_text = lambda _: text[None]
    with torch.no_grad():
        found: Tensor = torch.cat([wrapped(each[None], ["a"] * len(text)) for each in images])
    return found


def cam_package(model: nn.Module, images: Tensor, text: Tensor) -> Tensor:
    """jacobgil's package on the last stage of CLIP's ResNet, with a text for its target.

    It adds 1e-7 to a map's maximum before it divides, and random networks have maps smaller than that:
    a larger target is the same map without the bias.
    """
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    class Scores(nn.Module):
        def __init__(self, visual: nn.Module) -> None:
            super().__init__()
            self.visual = visual

        def forward(self, seen: Tensor) -> Tensor:
            return 1e6 * F.normalize(self.visual(seen), dim=-1) @ text.T

    visual = copy.deepcopy(model.visual)
    with pytorch_grad_cam.GradCAM(model=Scores(visual), target_layers=[visual.layer4[-1]]) as cam:
        maps = [cam(input_tensor=images, targets=[ClassifierOutputTarget(i)]) for i in range(len(text))]
    return torch.from_numpy(np.stack(maps, axis=1))


CASES = [
    *(Case("gem", size, gem_package) for size in (224, 336, 448)),
    *(Case("maskclip", size, of_logits(paths.maskclip_logits)) for size in (224, 336, 448)),
    *(Case("clipsurgery", size, paths.surgery) for size in (224, 336, 448)),
    *(Case("sclip", size, of_logits(paths.sclip_logits)) for size in (224, 336, 448)),
    whole("sclip", paths.sclip_logits),
    *(Case("clearclip", size, of_logits(paths.clearclip_logits)) for size in (224, 336, 448)),
    whole("clearclip", paths.clearclip_logits),
    *(Case("naclip", size, of_logits(paths.naclip_logits)) for size in (224, 336, 448)),
    whole("naclip", paths.naclip_logits),
    *(Case("legrad", size, paths.legrad) for size in (224, 336, 448)),
    Case("chefer", 224, paths.chefer),
    Case("textspan", 224, paths.textspan),
    Case("gradcam", 224, cam_package, network="RN50"),
]


@cache
def network(name: str, checkpoint: str = "random:0") -> Backbone:
    """In float64, in eval mode."""
    backbone = load_backbone(name, checkpoint or None, device="cpu")
    torch.manual_seed(5)
    for each, weight in backbone.model.named_parameters():
        if each.endswith("bn3.weight"):  # a new ResNet's branches are all multiplied by 0
            nn.init.uniform_(weight, 0.2, 0.6)
    backbone.model.double()
    return backbone


@cache
def texts(name: str, checkpoint: str = "random:0") -> Tensor:
    """Unit rows (3, d) float64 of the prompts; encoded before the network is float64 throughout."""
    rows = load_backbone(name, checkpoint or None, device="cpu").encode_text(PROMPTS)
    return F.normalize(rows.double(), dim=-1)


@cache
def pictures(name: str, size: int, checkpoint: str = "random:0") -> Tensor:
    """One real picture, (1, 3, S, S) float64."""
    image = open_dataset("demo").by_id("star_0009").image()
    return network(name, checkpoint).preprocess([image], size).double()


def ours(case: Case, name: str, checkpoint: str, *, published: bool) -> np.ndarray:
    """Our maps (T, S, S) of the picture: by our defaults, or by the published preset."""
    spec, images = METHODS[case.method], pictures(name, case.size, checkpoint)
    theirs = spec.published
    backbone = replace(network(name, checkpoint), positions=(published and theirs.positions) or ANTIALIASED)
    parameters = dict(theirs.parameters) if published else {}
    text = texts(name, checkpoint)
    labels, competing = len(text), case.background and published
    rows = torch.cat([text, words(text)]) if competing else text

    def maps_of(seen: Tensor) -> dict[str, Tensor]:
        return {"": compute_maps(case.method, backbone, seen, rows, **parameters)}

    if case.windows and published:
        (maps,) = windowed(maps_of, images, theirs.window, theirs.stride).values()
    else:
        (maps,) = maps_of(images).values()
    if competing:
        one_by_one = [torch.cat([maps[:, i : i + 1], maps[:, labels:]], dim=1) for i in range(labels)]
        maps = torch.cat([share(each, 1, case.size, theirs.background) for each in one_by_one], dim=1)
    config = published_config(theirs.stretch) if published else PostProcess("bilinear", "none")
    shape = (case.size, case.size)
    return np.stack([map_of(of_itself(each.numpy()), shape, config) for each in maps[0]])


@cache
def reference(case: Case, name: str, checkpoint: str) -> np.ndarray:
    """The authors' maps (T, S, S) of the picture."""
    model = network(name, checkpoint).model
    found = case.theirs(model, pictures(name, case.size, checkpoint), texts(name, checkpoint))
    return found[0].detach().numpy()


def difference(case: Case, name: str, checkpoint: str = "random:0", *, published: bool) -> float:
    """The largest of any pixel of any text, both sides in [0, 1]."""
    name = case.network or name
    return float(
        np.abs(ours(case, name, checkpoint, published=published) - reference(case, name, checkpoint)).max()
    )


def settings(case: Case) -> str:
    """The published preset in words."""
    theirs = METHODS[case.method].published
    recipe = Recipe(case.method, size=case.size).as_published()
    recipe = recipe if case.windows else replace(recipe, window=0, stride=0)
    recipe = recipe if case.background else replace(recipe, background=0)
    return f"{recipe.in_words()}, stretch {theirs.stretch}"


def main(name: str) -> None:
    """Print the table of one network with random weights."""
    print(f"{name}, random:0, float64, one picture, three texts; largest difference of a pixel in [0, 1]")
    print(f"{'method':<28} {'ours':>9} {'as published':>13}  settings")
    for case in CASES:
        found = [difference(case, name, published=published) for published in (False, True)]
        print(f"{case.name:<28} {found[0]:>9.1e} {found[1]:>13.1e}  {settings(case)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "ViT-S-16")
