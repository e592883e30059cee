"""Images per second from files to the store, against a plain batched `encode_image`.

    python -m tests.benchmarks.heatmaps_rate [--dataset SPEC] [--device auto] [--images 512] [--rounds 3]

Both run in turn in one process on the same device, at the model's own size, in the
same precision and batches. The plain forward gets its images ready-made; ours reads,
decodes and resizes files, computes and writes. Weights are random, texts are encoded
beforehand. On a CPU, processor time of all threads is compared, which does not mind
what else the machine does; on an accelerator, time on the clock.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.heatmaps.extract import BATCH, fill, slices
from cliploc.core.heatmaps.forward import ForwardPass, joined, load
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore

METHODS = {"ViT-B-16": ("gem", "textspan"), "ViT-L-14": ("gem", "textspan")}


def measured(work: Callable[[], None], device: torch.device) -> float:
    """Seconds: of the processor for a CPU, of the clock for an accelerator."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    begun = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - begun


def plain_forward(job: ForwardPass, batches: list[torch.Tensor]) -> None:
    """The network's own image side over ready-made batches."""
    with torch.inference_mode(), job.autocast():
        for batch in batches:
            job.backbone.model.encode_image(job.backbone.normalized(batch)).cpu()


def rates(job: ForwardPass, batch: int, rounds: int) -> tuple[float, float, float]:
    """Images per second of the plain forward and of ours, and the median of their ratios by round."""
    samples, device = job.dataset.samples, job.backbone.device
    cuts = slices(job.dataset.samples, batch)
    ready = [torch.cat([job.pixels(sample) for sample in cut]) for cut in cuts]
    job.heatmaps(
        ready[0], [[prompt] for prompt in job.prompts(cuts[0])]
    )  # texts, and what a device sets up at first
    plain_forward(job, ready[:1])
    job.identity(job.recipes[0])  # reads the dataset once
    plain, ours = [], []
    for _ in range(rounds):
        plain.append(measured(lambda: plain_forward(job, ready), device))
        with tempfile.TemporaryDirectory() as folder:
            store = HeatmapStore(Path(folder))
            ours.append(measured(lambda store=store: fill(job, store, cuts, lambda _: None), device))
    ratio = statistics.median(a / b for a, b in zip(plain, ours, strict=True))
    return len(samples) / statistics.median(plain), len(samples) / statistics.median(ours), ratio


def main() -> None:
    """Print one row per model and method."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="demo")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--threads", type=int, default=1, help="of the CPU; decoding has its own beside them")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    opened = open_dataset(arguments.dataset)
    dataset: Dataset = replace(opened, samples=opened.samples[: arguments.images])
    print("| model | method | device | batch | precision | encode_image /s | heatmaps /s | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for model in arguments.models:
        backbone = None
        for method in METHODS[model]:
            recipe = Recipe(method, model, "random:0", size=224).completed(dataset.name)
            backbone = backbone or load(recipe, arguments.device)
            job = joined([recipe], dataset, backbone)
            batch = arguments.batch or BATCH[backbone.device.type]
            plain, ours, ratio = rates(job, batch, arguments.rounds)
            name = torch.cuda.get_device_name(backbone.device) if backbone.device.type == "cuda" else "cpu"
            print(
                f"| {model} | {method} | {name} | {batch} | {job.precision} "
                f"| {plain:.4g} | {ours:.4g} | {ratio:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
