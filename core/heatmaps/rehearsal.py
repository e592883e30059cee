"""A dress rehearsal of the methods on a device: one batch each, with random weights, timed.

Nothing is fetched: the networks are of the methods' usual architecture, and their numbers, which mean
nothing, cost the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from cliploc.core.backbones.catalog import IMAGENET
from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone, device_of
from cliploc.core.errors import ResourceError
from cliploc.core.heatmaps.extract import BATCH
from cliploc.core.machine import peak_memory
from cliploc.core.methods import METHODS
from cliploc.core.methods.compute import compute_many

ON_CPU = 2  # images; more take longer each
POSTER = {"gem": 2, "textspan": 2, "gradcam": 1}  # prompts
POSTER_IMAGES = 512


@dataclass(frozen=True)
class Timing:
    """One batch of a method.

    seconds: that it took, the second time. gigabytes: at most in use meanwhile, of the device or, on the
    CPU, of the process so far. problem: why there is none; "" where there is.
    """

    method: str
    backbone: str
    size: int
    images: int
    seconds: float
    gigabytes: float
    problem: str = ""


def rehearsed(device: str = "auto", methods: Sequence[str] = tuple(METHODS)) -> Iterator[Timing]:
    """Time methods on a device, those of one network after each other; each as soon as it is known."""
    place = device_of(device)
    images = ON_CPU if place.type == "cpu" else BATCH[place.type]
    by_network: dict[str, list[str]] = {}
    for method in methods:
        by_network.setdefault(network_of(method), []).append(method)
    for name, those in by_network.items():
        backbone = load_backbone(name, "random:0", str(place))
        for method in those:
            yield _timed(method, backbone, images)


def network_of(method: str) -> str:
    """The poster's for Grad-CAM, else the method's usual one."""
    return IMAGENET if method == "gradcam" else METHODS[method].default_backbone


def of_poster(timings: Sequence[Timing]) -> float | None:
    """Seconds that the poster's heatmaps take; None where one of its methods has no time."""
    known = {each.method: each for each in timings if not each.problem}
    if not known.keys() >= POSTER.keys():
        return None
    return sum(POSTER_IMAGES * times * known[m].seconds / known[m].images for m, times in POSTER.items())


def _timed(method: str, backbone: Backbone, images: int) -> Timing:
    size = METHODS[method].default_size
    plain = Timing(method, backbone.name, size, images, 0.0, 0.0)
    pixels = torch.randint(0, 256, (images, 3, size, size), dtype=torch.uint8)
    on_cuda = backbone.device.type == "cuda"
    if on_cuda:
        torch.cuda.reset_peak_memory_stats(backbone.device)
    try:
        _batch(method, backbone, pixels)
        begun = time.perf_counter()
        _batch(method, backbone, pixels)
        seconds = time.perf_counter() - begun
    except (torch.OutOfMemoryError, ResourceError):
        if images > 1:
            return _timed(method, backbone, images // 2)
        return replace(plain, problem="too little memory for one image")
    peak = torch.cuda.max_memory_allocated(backbone.device) if on_cuda else peak_memory()
    return replace(plain, seconds=seconds, gigabytes=peak / 1e9)


def _batch(method: str, backbone: Backbone, pixels: torch.Tensor) -> None:
    """From pixels to maps on this side of the device, a text for each picture."""
    if backbone.kind == "classifier":
        rows = torch.eye(1000, device=backbone.device)[:3]
    else:
        rows = F.normalize(backbone.encode_text(["a", "b", "c"]), dim=-1)
    text = rows[:1].expand(len(pixels), -1)[:, None]
    half = torch.autocast("cuda", torch.bfloat16, enabled=backbone.device.type == "cuda")
    with half:
        compute_many({method: {}}, backbone, backbone.normalized(pixels), text, contrast_text=rows)[
            method
        ].cpu()
