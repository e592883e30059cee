"""What a method costs over a plain `encode_image`, in CPU time on one thread.

    python -m tests.benchmarks.methods_cost [--rounds 7] [--batch 1 8] [--size 224 448]

Cases run in turn in one process, and each round's times are divided by that
round's plain forward: the ratio does not mind what else the machine does.
Reference packages are measured beside ours. Text is encoded beforehand.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import open_clip
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone, Transform
from cliploc.core.backbones.open_clip_private import VISION, private
from cliploc.core.methods import METHODS
from cliploc.core.methods.compute import compute_many, compute_maps
from cliploc.core.methods.textspan import decompose
from tests.towers import backbone_of

Case = Callable[[], object]
LABELS = 73
WIDTHS = {"vit": 512, "vit-pooled": 768}  # of the joint space
TOGETHER = ("gem", "textspan", "maskclip", "clipsurgery", "sclip", "clearclip", "naclip")


def rows(count: int, width: int) -> Tensor:
    """Random unit rows."""
    return F.normalize(torch.randn(count, width), dim=-1)


def vit_cases(backbone: Backbone, batch: int, size: int) -> dict[str, Case]:
    """The plain forward, our methods and gem_torch on a ViT; one text an image, 73 to contrast with."""
    images, labels = torch.randn(batch, 3, size, size), rows(LABELS, WIDTHS[backbone.kind])
    text = labels[torch.arange(batch) % LABELS][:, None]
    native, plain = size == backbone.image_size, backbone.kind == "vit"
    cases: dict[str, Case] = {}
    if native:
        cases["encode_image"] = lambda: backbone.model.visual(images)
    if native and plain:
        cases["textspan, all layer and head maps kept"] = lambda: decompose(backbone, images, text)
        cases["full decomposition, class row only"] = lambda: full_decomposition(backbone.model, images)
    cases["gem"] = lambda: compute_maps("gem", backbone, images, text)
    if plain:
        reference = gem_torch(backbone)
        cases["gem_torch (with the batch_first shim)"] = lambda: reference(images)
    together = [name for name in TOGETHER if backbone.kind in METHODS[name].families]
    cases[f"{len(together)} methods in one pass"] = lambda: compute_many(
        {name: {} for name in together}, backbone, images, text, contrast_text=labels
    )
    for name in [*together, "resclip", "legrad", "chefer"]:
        if name not in ("gem", "textspan") and backbone.kind in METHODS[name].families:
            cases[name] = lambda name=name: compute_maps(name, backbone, images, text, contrast_text=labels)
    return cases


def siglip() -> Backbone:
    """SigLIP's B/16, of random weights, without the text side that transformers would build."""
    config = open_clip.get_model_config("ViT-B-16-SigLIP")
    visual = private(VISION)(config["embed_dim"], config["vision_cfg"], False).eval()
    return replace(backbone_of(visual, "siglip"), transform=Transform(224, (0.5,) * 3, (0.5,) * 3))


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
            run(name, case)
            if index:
                seconds[name].append(time.process_time() - started)
    return seconds


class Products(TorchDispatchMode):
    """Counts additions and multiplications of products, convolutions and attention: what must be done."""

    def __init__(self) -> None:
        super().__init__()
        self.done = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func._overloadpacket is torch.ops.aten._scaled_dot_product_flash_attention_for_cpu:
            (*many, n, width), m = args[0].shape, args[1].shape[-2]
            self.done += 4 * math.prod(many) * n * m * width
        elif func._overloadpacket is torch.ops.aten._native_multi_head_attention:
            batch, n, width = args[0].shape
            self.done += batch * n * width * (8 * width + 4 * n)
        elif func._overloadpacket in flop_registry:
            self.done += flop_registry[func._overloadpacket](*args, **kwargs, out_val=func(*args, **kwargs))
        else:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        return func(*args, **kwargs)


def run(name: str, case: Case) -> None:
    """One run; only the grad-cam package asks its caller for gradients."""
    with torch.set_grad_enabled(name == "grad-cam package"):
        case()


def arithmetic(name: str, case: Case) -> int:
    """The products of one run of a case."""
    with Products() as counter:
        run(name, case)
    return counter.done


def report(title: str, cases: dict[str, Case], rounds: int, base: str) -> None:
    """Print median milliseconds, the ratio to the base round by round, and the ratio of products."""
    seconds, work = measured(cases, rounds), {name: arithmetic(name, case) for name, case in cases.items()}
    print(f"\n{title}, ratio to {base}; last, that of the arithmetic alone")
    for name, times in seconds.items():
        ratios = np.array(times) / np.array(seconds[base])
        spread = f"({ratios.min():.2f} to {ratios.max():.2f})"
        bound = f"{work[name] / work[base]:5.2f}"
        print(f"  {name:42} {1000 * np.median(times):8.0f} ms  {np.median(ratios):5.2f} {spread:16} {bound}")


def profile(title: str, case: Case, base: Case) -> None:
    """Print where a case's time goes beside the plain forward's: kernels by their own time on the CPU."""
    spent: list[dict[str, float]] = []
    for each in (case, base):
        with (
            torch.no_grad(),
            torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as told,
        ):
            each()
        spent.append({row.key: row.self_cpu_time_total / 1000 for row in told.key_averages()})
    print(f"\n{title}: ms of each kernel, and in the plain forward")
    for name, time_spent in sorted(spent[0].items(), key=lambda row: -row[1])[:8]:
        print(f"  {name:42} {time_spent:8.1f} {spent[1].get(name, 0):8.1f}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--size", type=int, nargs="+", default=[224, 448], choices=(224, 448))
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    vit = load_backbone("ViT-B-16", "random:0", device="cpu")
    for size, batch in itertools.product(arguments.size, arguments.batch):
        if size == 224:
            native(vit, batch, arguments.rounds)
        else:
            cases = vit_cases(vit, batch, size)
            base = "gem_torch (with the batch_first shim)"
            report(f"ViT-B/16, {size} px, batch {batch}", cases, arguments.rounds, base)


def native(vit: Backbone, batch: int, rounds: int) -> None:
    """The tables at the networks' own size, where there is a plain forward to compare with."""
    cases = vit_cases(vit, batch, 224)
    report(f"ViT-B/16, 224 px, batch {batch}", cases, rounds, "encode_image")
    profile(f"GEM on it, batch {batch}", cases["gem"], cases["encode_image"])
    cases = vit_cases(siglip(), batch, 224)
    report(f"SigLIP's B/16, 224 px, batch {batch}", cases, rounds, "encode_image")
    cases = resnet_cases(load_backbone("RN50", "random:0", device="cpu"), batch)
    report(f"CLIP RN50, 224 px, batch {batch}", cases, rounds, "encode_image")


if __name__ == "__main__":
    main()
