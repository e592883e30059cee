"""What a method costs over a plain `encode_image`, in CPU time on one thread.

    python -m tests.benchmarks.methods_cost [--rounds 7] [--batch 1 8]

Cases run in turn in one process, and each round's times are divided by that
round's plain forward: the ratio does not mind what else the machine does.
Reference packages are measured beside ours. Text is encoded beforehand.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.methods import METHODS
from cliploc.core.methods.compute import compute_many, compute_maps
from cliploc.core.methods.textspan import decompose

Case = Callable[[], object]
LABELS = 73
TOGETHER = [name for name, spec in METHODS.items() if "vit" in spec.families and not spec.needs_gradient]


def rows(count: int, width: int) -> Tensor:
    """Random unit rows."""
    return F.normalize(torch.randn(count, width), dim=-1)


def vit_cases(backbone: Backbone, batch: int, size: int) -> dict[str, Case]:
    """The plain forward, our methods and gem_torch on a ViT; one text an image, 73 to contrast with."""
    images, labels = torch.randn(batch, 3, size, size), rows(LABELS, 512)
    text = labels[torch.arange(batch) % LABELS][:, None]
    reference = gem_torch(backbone)
    native = size == backbone.image_size
    cases: dict[str, Case] = {}
    if native:
        cases["encode_image"] = lambda: backbone.model.encode_image(images)
        cases["textspan, all layer and head maps kept"] = lambda: decompose(backbone, images, text)
        cases["full decomposition, class row only"] = lambda: full_decomposition(backbone.model, images)
    cases["gem"] = lambda: compute_maps("gem", backbone, images, text)
    cases["gem_torch (with the batch_first shim)"] = lambda: reference(images)
    cases[f"{len(TOGETHER)} methods in one pass"] = lambda: compute_many(
        {name: {} for name in TOGETHER}, backbone, images, text, contrast_text=labels
    )
    for name in [*TOGETHER, "legrad", "chefer"]:
        if name not in ("gem", "textspan"):
            cases[name] = lambda name=name: compute_maps(name, backbone, images, text, contrast_text=labels)
    return cases


def gem_torch(backbone: Backbone) -> Callable[[Tensor], Tensor]:
    """The image side of the authors' package, on a copy of the model."""
    from gem.gem_wrapper import GEMWrapper

    wrapped = GEMWrapper(copy.deepcopy(backbone.model), tokenizer=None).eval()
    for block in wrapped.model.visual.transformer.resblocks:
        if isinstance(getattr(block, "attn", None), nn.MultiheadAttention):
            block.attn.batch_first = False
    return lambda images: wrapped.model.visual(images)


@torch.no_grad()
def full_decomposition(model: nn.Module, images: Tensor) -> Tensor:
    """The published decomposition with every term as a vector, (B, L, N, H, d), from the class row only."""
    visual, terms = model.visual, []
    x = visual._embeds(images)
    for block in visual.transformer.resblocks:
        attention = block.attn
        packed = F.linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
        q, k, v = packed.view(*x.shape[:2], 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
        weights = (q[:, :, :1] @ k.mT * q.shape[-1] ** -0.5).softmax(-1)
        output = attention.out_proj.weight.T.reshape(attention.num_heads, v.shape[-1], -1)
        terms.append(torch.einsum("bhn,bhnk,hkd->bnhd", weights[:, :, 0], v, output))
        x = block(x)
    end = x[:, 0]
    deviation = (end.var(-1, unbiased=False) + visual.ln_post.eps).sqrt().view(-1, 1, 1, 1, 1)
    return torch.stack(terms, 1) / deviation * visual.ln_post.weight @ visual.proj


class Scores(nn.Module):
    """Cosines with texts, as the grad-cam package wants a model."""

    def __init__(self, visual: nn.Module, text: Tensor) -> None:
        super().__init__()
        self.visual, self.text = visual, text

    def forward(self, images: Tensor) -> Tensor:
        return F.normalize(self.visual(images), dim=-1) @ self.text.T


def resnet_cases(backbone: Backbone, batch: int) -> dict[str, Case]:
    """The plain forward, our Grad-CAM and the grad-cam package on CLIP's RN50."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    images, text = torch.randn(batch, 3, 224, 224), rows(1, 1024)
    visual = copy.deepcopy(backbone.model.visual)
    cam = GradCAM(model=Scores(visual, text), target_layers=[visual.layer4[-1]])
    chosen = [ClassifierOutputTarget(0)] * batch
    return {
        "encode_image": lambda: backbone.model.encode_image(images),
        "gradcam": lambda: compute_maps("gradcam", backbone, images, text),
        "grad-cam package": lambda: cam(input_tensor=images, targets=chosen),
    }


def measured(cases: dict[str, Case], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of every case in every round; the first round, which warms up, is dropped."""
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for index in range(rounds + 1):
        for name, case in cases.items():
            started = time.process_time()
            if name == "grad-cam package":
                case()
            else:
                with torch.no_grad():
                    case()
            if index:
                seconds[name].append(time.process_time() - started)
    return seconds


def report(title: str, seconds: dict[str, list[float]], base: str) -> None:
    """Print median milliseconds and the paired ratio to the base: median (least to most)."""
    print(f"\n{title}, ratio to {base}")
    for name, times in seconds.items():
        ratios = np.array(times) / np.array(seconds[base])
        spread = f"({ratios.min():.2f} to {ratios.max():.2f})"
        print(f"  {name:42} {1000 * np.median(times):8.0f} ms  {np.median(ratios):5.2f} {spread}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    vit = load_backbone("ViT-B-16", "random:0", device="cpu")
    resnet = load_backbone("RN50", "random:0", device="cpu")
    for batch in arguments.batch:
        cases = vit_cases(vit, batch, 224)
        report(f"ViT-B/16, 224 px, batch {batch}", measured(cases, arguments.rounds), "encode_image")
        cases = resnet_cases(resnet, batch)
        report(f"CLIP RN50, 224 px, batch {batch}", measured(cases, arguments.rounds), "encode_image")
    cases = vit_cases(vit, 1, 448)
    report(
        "ViT-B/16, 448 px, batch 1",
        measured(cases, arguments.rounds),
        "gem_torch (with the batch_first shim)",
    )


if __name__ == "__main__":
    main()
