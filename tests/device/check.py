"""`make device`: what only a machine with an NVIDIA card can show, in a few minutes, with random weights.

Every method on CUDA against the CPU in float32 (1e-4) and in bfloat16 (mean IoU on the demo within 0.002);
images a second from files to the store against a batched `encode_image` on the same card; the most memory in
use; a batch that does not fit, halved; two processes on one card; live scores counted on it. Without a card
it says so, and ends well.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from cliploc.core.backbones.load import load_backbone
from cliploc.core.codes import codes_for
from cliploc.core.datasets import Sample, open_dataset
from cliploc.core.heatmaps.counting import Counting
from cliploc.core.heatmaps.extract import BATCH, compute
from cliploc.core.heatmaps.forward import in_memory, joined, load
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.methods import METHODS
from cliploc.core.methods.compute import compute_maps, normalize
from cliploc.core.metrics import histogram_of, truth_of
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.evaluate import evaluate
from tests.benchmarks.heatmaps_rate import rates

DEVICE = "cuda"
CLOSE, CLOSE_IOU, GOAL = 1e-4, 0.002, 0.75
GUIDE = "vit_small_patch8_224:random:0"
MINUTES = 6
Finding = tuple[bool, str]


def methods_agree() -> Iterator[Finding]:
    """Maps in [0, 1] of one batch, CUDA against CPU."""
    for method, spec in METHODS.items():
        maps = []
        for device in ("cpu", DEVICE):
            backbone = load_backbone(spec.default_backbone.replace("L-14", "B-32"), "random:0", device)
            size = spec.default_size if spec.default_size == 224 else 256
            pixels = torch.randint(0, 256, (2, 3, size, size), generator=torch.Generator().manual_seed(0))
            rows = F.normalize(
                torch.randn(3, _width(backbone.model), generator=torch.Generator().manual_seed(1)), dim=-1
            )
            images = backbone.normalized(pixels.to(torch.uint8))
            values = {each.name: GUIDE for each in spec.parameters if each.name == "guide"}
            maps.append(normalize(compute_maps(method, backbone, images, rows, **values)).cpu())
        worst = float((maps[0] - maps[1]).abs().max())
        yield worst < CLOSE, f"{method}: CUDA and CPU differ by {worst:.1e} in float32"


def _width(model: torch.nn.Module) -> int:
    return int(model.text_projection.shape[1])


def half_precision_scores_alike() -> Iterator[Finding]:
    """The best mean IoU on the demo, float32 against bfloat16."""
    dataset = open_dataset("demo")
    for method in ("gem", "textspan", "gradcam"):
        best = []
        for precision in ("float32", "bfloat16"):
            with tempfile.TemporaryDirectory() as folder:
                recipe = Recipe(method, precision=precision)
                (made,) = compute([recipe], dataset, HeatmapStore(Path(folder)), device=DEVICE)
                found = evaluate(made.read_all(), dataset.scorable, PostProcess(order="none"))
                best.append(float(found.curves["mean_iou"].max()))
        yield (
            abs(best[0] - best[1]) < CLOSE_IOU,
            f"{method}: mean IoU on the demo {best[0]:.4f} in float32, {best[1]:.4f} in bfloat16",
        )


def rates_beside_encode_image() -> Iterator[Finding]:
    """Images a second from files to the store; the goal is told, not demanded."""
    dataset = open_dataset("demo")
    for backbone in ("ViT-B-16", "ViT-B-32", "ViT-L-14"):
        recipe = Recipe("gem", backbone, "random:0", size=224).completed(dataset.name)
        torch.cuda.reset_peak_memory_stats()
        job = joined([recipe], dataset, load(recipe, DEVICE))
        plain, ours, ratio = rates(job, BATCH[DEVICE], 3)
        peak = torch.cuda.max_memory_allocated() / 1e9
        missed = "" if ratio >= GOAL else f", below the goal of {GOAL}"
        yield (
            True,
            (
                f"{backbone}: {ours:.0f} images a second, plain {plain:.0f}: {ratio:.2f} of it{missed}, "
                f"at most {peak:.1f} GB"
            ),
        )


def what_does_not_fit_is_halved() -> Iterator[Finding]:
    """With little of the card allowed, a batch is halved until it fits, to the same maps."""
    dataset = open_dataset("demo")
    recipe = Recipe("gem", "ViT-B-16", "random:0", size=448, precision="float32").completed(dataset.name)
    job = joined([recipe], dataset, load(recipe, DEVICE))
    samples = dataset.samples[:32]
    pixels = torch.cat([job.pixels(sample) for sample in samples])
    whole, _ = in_memory(job, pixels, [[prompt] for prompt in job.prompts(samples)], 32)
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + 1.2e9) / total)
    try:
        halved, at_once = in_memory(job, pixels, [[prompt] for prompt in job.prompts(samples)], 32)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    worst = float((normalize(whole[recipe]) - normalize(halved[recipe])).abs().max())
    yield at_once < 32 and worst < CLOSE, f"32 images halved to {at_once} at once, maps differ by {worst:.1e}"


def two_processes_share_the_card() -> Iterator[Finding]:
    """One set by two processes on one card, against one process."""
    dataset = open_dataset("demo")
    recipe = Recipe("gem", precision="float32")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        (alone,) = compute([recipe], dataset, HeatmapStore(Path(one)), device="cuda:0")
        (shared,) = compute([recipe], dataset, HeatmapStore(Path(other)), device="cuda:0,cuda:0")
        ours, theirs = alone.values(), shared.values()
    worst = max(float(np.abs(ours[id_] - theirs[id_]).max()) for id_ in ours)
    yield ours.keys() == theirs.keys() and worst < CLOSE, f"two processes on one card differ by {worst:.1e}"


def counting_agrees_and_pays() -> Iterator[Finding]:
    """Live scores' pixels counted on the card, against one core."""
    chance, shape = np.random.default_rng(0), (480, 640)
    ids = [str(number) for number in range(512)]
    heatmaps = {id_: chance.random((14, 14), np.float32) for id_ in ids}
    corners = {id_: chance.integers(0, 300, 2) for id_ in ids}

    def true_mask(id_: str) -> np.ndarray:
        top, left = corners[id_]
        mask = np.zeros(shape, bool)
        mask[top : top + 150, left : left + 200] = True
        return mask

    samples = [Sample(id_, "cat", image=_no_picture, true_mask=partial(true_mask, id_)) for id_ in ids]
    there = Counting(torch.device(DEVICE))
    for config in (PostProcess(dilate=9, erode=5), PostProcess(dilate=41, kernel="ellipse")):
        there.histograms("check", heatmaps, samples, config)  # planes are made, once
        seconds = -time.perf_counter()
        found = there.histograms("check", heatmaps, samples, config)
        seconds += time.perf_counter()
        alone = -time.process_time()
        here = [
            histogram_of(codes_for(heatmaps[s.id], shape, config), truth_of(s.true_mask())) for s in samples
        ]
        alone += time.process_time()
        yield (
            np.array_equal(found, here),
            f"{config.text()}: {len(ids) / seconds:.0f} samples a second are counted on the card, "
            f"{len(ids) / alone:.0f} on one core",
        )


def _no_picture() -> np.ndarray:
    return np.zeros((1, 1, 3), np.uint8)


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    methods_agree,
    half_precision_scores_alike,
    rates_beside_encode_image,
    what_does_not_fit_is_halved,
    two_processes_share_the_card,
    counting_agrees_and_pays,
)


def main() -> int:
    """Print what is found, check by check; 1 where one failed."""
    if not torch.cuda.is_available():
        print("no CUDA device here: nothing of what an accelerator does was looked at")
        return 0
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    begun, failed = time.monotonic(), 0
    for check in CHECKS:
        if time.monotonic() - begun > 60 * MINUTES:
            print(f"{check.__name__}: left out, {MINUTES} minutes are over")
            continue
        try:
            for sound, text in check():
                failed += not sound
                print(f"{'ok' if sound else 'FAILED':<7} {text}", flush=True)
        except Exception:  # one that breaks off must not hide what the others find
            failed += 1
            logging.exception("FAILED  %s", check.__name__)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
