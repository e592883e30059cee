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


def compared(model: nn.Module, layer: nn.Module, images: Tensor, found: Tensor, wanted: list[int]) -> int:
    """Compare each of our maps with the package's; returns how many were not zero."""
    seen = 0
    with pytorch_grad_cam.GradCAM(model=model, target_layers=[layer]) as cam:
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


def test_clip_with_a_text_target() -> None:
    backbone = lively(load_backbone("RN50", "random:0", device="cpu"))
    torch.manual_seed(1)
    images = torch.randn(2, 3, 224, 224)
    text = F.normalize(torch.randn(2, 1024), dim=-1)
    # A text and its opposite: one of the two has a map that is not zero.
    text = torch.cat([text, -text])
    found = compute_maps("gradcam", backbone, images, text)
    visual = copy.deepcopy(backbone.model.visual)
    assert compared(Scores(visual, text), visual.layer4[-1], images, found, [0, 1, 2, 3]) >= 4


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
