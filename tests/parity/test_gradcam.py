"""Grad-CAM against the grad-cam package, on the same random weights."""

from __future__ import annotations

import copy

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.methods.compute import compute_maps, normalize
from cliploc.core.methods.gradcam import _by_squares
from tests.towers import PATCH, SIDE, TRANSFORMERS, WIDTH, backbone_of, made, pictures

pytorch_grad_cam = pytest.importorskip("pytorch_grad_cam")
targets = pytest.importorskip("pytorch_grad_cam.utils.model_targets")

# The package adds 1e-7 to a map's maximum before it divides; random networks have maps
# smaller than that. A larger target is the same map after min-max, without the bias.
LOUD = 1e6


class Scores(nn.Module):
    """Cosines of images with texts: the wrapper that the package needs for CLIP."""

    def __init__(self, visual: nn.Module, text: Tensor) -> None:
        super().__init__()
        self.visual, self.text = visual, text

    def forward(self, images: Tensor) -> Tensor:
        return LOUD * F.normalize(self.visual(images), dim=-1) @ self.text.T


def compared(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    found: Tensor,
    wanted: list[int],
    method: str = "GradCAM",
    **options: object,
) -> int:
    """Compare each of our maps with the package's; returns how many were not zero."""
    seen = 0
    with getattr(pytorch_grad_cam, method)(model=model, target_layers=[layer], **options) as cam:
        for column, target in enumerate(wanted):
            choice = [targets.ClassifierOutputTarget(target)] * len(images)
            expected = cam(input_tensor=images, targets=choice)
            for ours, theirs in zip(normalize(found)[:, column].numpy(), expected, strict=True):
                resized = cv2.resize(ours, theirs.shape[::-1])
                # The package stretches again after it has enlarged.
                stretched = (resized - resized.min()) / max(resized.max() - resized.min(), 1e-7)
                np.testing.assert_allclose(stretched, theirs, atol=1e-5)
                seen += bool(theirs.max() > 0)
    return seen


def lively(backbone: Backbone) -> Backbone:
    """Random residual branches: a new network's are all multiplied by 0."""
    torch.manual_seed(5)
    for name, weight in backbone.model.named_parameters():
        if name.endswith("bn3.weight"):
            nn.init.uniform_(weight, 0.2, 0.6)
    return backbone


@pytest.mark.parametrize(("ours", "theirs"), [("gradcam", "GradCAM"), ("layercam", "LayerCAM")])
def test_clip_with_a_text_target(ours: str, theirs: str) -> None:
    backbone = lively(load_backbone("RN50", "random:0", device="cpu"))
    torch.manual_seed(1)
    images = torch.randn(2, 3, 224, 224)
    text = F.normalize(torch.randn(2, 1024), dim=-1)
    # A text and its opposite: one of the two has a map that is not zero.
    text = torch.cat([text, -text])
    found = compute_maps(ours, backbone, images, text)
    visual = copy.deepcopy(backbone.model.visual)
    assert compared(Scores(visual, text), visual.layer4[-1], images, found, [0, 1, 2, 3], theirs) >= 4


@pytest.mark.parametrize(("ours", "theirs"), [("gradcam", "GradCAM"), ("layercam", "LayerCAM")])
@pytest.mark.parametrize("name", ["open_clip", "EVA01", "SigLIP"])
def test_a_transformer_with_a_text_target(name: str, ours: str, theirs: str) -> None:
    """As the package's own example has it: the norm before the last attention, without the class token."""
    visual = made(TRANSFORMERS[name])
    blocks = visual.transformer.resblocks if name == "open_clip" else visual.trunk.blocks
    layer = blocks[-1].ln_1 if name == "open_clip" else blocks[-1].norm1
    prefix, side = (0 if name == "SigLIP" else 1), SIDE // PATCH
    text = F.normalize(torch.randn(2, WIDTH, generator=torch.Generator().manual_seed(2)), dim=-1)
    text = torch.cat([text, -text])
    found = compute_maps(ours, backbone_of(visual), pictures(2), text)

    def as_maps(tokens: Tensor) -> Tensor:
        return tokens[:, prefix:].transpose(1, 2).reshape(len(tokens), -1, side, side)

    scores = Scores(visual, text)
    assert compared(scores, layer, pictures(2), found, [0, 1, 2, 3], theirs, reshape_transform=as_maps) >= 2


def test_the_weights_of_grad_cam_plus_plus() -> None:
    rng = torch.Generator().manual_seed(4)
    features, gradient = (torch.randn(2, 5, 4, 3, generator=rng, dtype=torch.float64) for _ in range(2))
    gradient[:, 1] = 0
    weights = pytorch_grad_cam.GradCAMPlusPlus.get_cam_weights(
        None, None, None, None, features.numpy(), gradient.numpy()
    )
    expected = torch.from_numpy(weights)[..., None, None] * features
    torch.testing.assert_close(_by_squares(gradient, features), expected, rtol=1e-5, atol=1e-6)


def test_imagenet_with_a_class_target() -> None:
    backbone = lively(load_backbone("resnet50-imagenet", "random:0", device="cpu"))
    torch.manual_seed(1)
    images, classes = torch.randn(2, 3, 224, 224), [3, 404, 999]
    rows = torch.zeros(3, 1000)
    rows[range(3), classes] = 1
    found = compute_maps("gradcam", backbone, images, rows)
    model = copy.deepcopy(backbone.model)
    with torch.no_grad():
        model.fc.weight *= LOUD
    assert compared(model, model.layer4[-1], images, found, classes) >= 2
