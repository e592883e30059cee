"""Pixels counted where the network is: many samples at once, and the same histograms as on the CPU.

Codes and true masks are made by the lines that make them everywhere, and stay on the device while there is
room. What is done there is morphology and counting, which is of whole numbers, and so exact on any machine;
a device shows that it is before it is asked for more.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.codes import Codes, codes_of, kernel_of, map_of, morphed
from cliploc.core.datasets import Sample
from cliploc.core.errors import ResourceError
from cliploc.core.machine import cores
from cliploc.core.metrics import histogram_of, truth_of
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import AnyHeatmap

Histograms = npt.NDArray[np.uint32]
Planes = dict[str, Tensor]  # (H, W) uint8 by sample id
log = logging.getLogger(__name__)

STACK = 1 << 25  # pixels that are worked on at once: a dozen bytes of memory each
ROOM_ON_CPU = 1 << 28


class Counting:
    """Counts samples of one dataset on a device. room: bytes for planes, half of what is free by default.

    ResourceError where the device does not count as the CPU does.
    """

    def __init__(self, device: torch.device, room: int | None = None) -> None:
        if not agrees(device):
            raise ResourceError(f"{device} does not count as the CPU does")
        self._device = device
        self._room = _half_of_what_is_free(device) if room is None else room
        self._held = 0
        self._is_full = False
        self._truths: Planes = {}
        self._codes: Planes = {}
        # Of which heatmaps, before which steps.
        self._codes_of: tuple[str, int, PostProcess] | None = None
        self._threads = ThreadPoolExecutor(cores(), "counting")

    def histograms(
        self, key: str, heatmaps: Mapping[str, AnyHeatmap], samples: Sequence[Sample], config: PostProcess
    ) -> Histograms:
        """What `metrics.histogram_of` says of each sample under a config: (n, 256).

        key: the set's that the heatmaps are of. DatasetError when a true mask cannot be read,
        torch.OutOfMemoryError where the device is full.
        """
        self._turn_to((key, len(heatmaps), config.on_map))
        truths, planes = self._truths_and_codes(heatmaps, samples, config)
        by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for place, sample in enumerate(samples):
            by_shape[tuple(truths[sample.id].shape)].append(place)
        found = np.empty((len(samples), 256), np.uint32)
        for (height, width), places in by_shape.items():
            most = max(STACK // (height * width), 1)
            for first in range(0, len(places), most):
                some = places[first : first + most]
                ids = [samples[place].id for place in some]
                codes_there = torch.stack([planes[id_] for id_ in ids])
                joined = after_steps(codes_there, config) | torch.stack([truths[id_] for id_ in ids])
                found[some] = histograms_of(joined).cpu().numpy()
        return found

    def ahead(
        self, heatmaps: Mapping[str, AnyHeatmap], samples: Sequence[Sample], config: PostProcess
    ) -> Iterator[None]:
        """Make what `histograms` of this config begins with, some samples a step, until there is no room.

        For the set and the steps on the map that were asked for last. Raises as `histograms` does.
        """
        some = cores()
        for first in range(0, len(samples), some):
            if self._is_full:
                return
            self._truths_and_codes(heatmaps, samples[first : first + some], config)
            yield

    def give_way(self) -> bool:
        """Give back what is held, and hold half of that from now on. Whether anything was held."""
        held = self._held
        self._room = held // 2 if held else self._room
        self._truths.clear()
        self._codes.clear()
        self._held, self._is_full = 0, False
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        return held > 0

    def _turn_to(self, codes_of: tuple[str, int, PostProcess]) -> None:
        if codes_of != self._codes_of:
            self._held -= sum(plane.numel() for plane in self._codes.values())
            self._codes.clear()
            self._codes_of, self._is_full = codes_of, False

    def _truths_and_codes(
        self, heatmaps: Mapping[str, AnyHeatmap], samples: Sequence[Sample], config: PostProcess
    ) -> tuple[Planes, Planes]:
        truths = self._planes(samples, self._truths, _truth)

        def codes(sample: Sample) -> Codes:
            shape = truths[sample.id].shape
            return codes_of(map_of(heatmaps[sample.id], (shape[0], shape[1]), config.on_map))

        return truths, self._planes(samples, self._codes, codes)

    def _planes(self, samples: Sequence[Sample], kept: Planes, make: Callable[[Sample], Codes]) -> Planes:
        """The planes of samples, on the device: those that are kept, and the others made now."""
        missing = [sample for sample in samples if sample.id not in kept]
        found = {sample.id: kept[sample.id] for sample in samples if sample.id in kept}
        for sample, plane in zip(missing, self._threads.map(make, missing), strict=True):
            found[sample.id] = there = torch.from_numpy(plane).to(self._device)
            if self._held + plane.nbytes <= self._room:
                kept[sample.id] = there
                self._held += plane.nbytes
            else:
                self._is_full = True
        return found


def after_steps(planes: Tensor, config: PostProcess) -> Tensor:
    """`codes.morphed` of planes (B, H, W) uint8."""
    for name, side in config.steps():
        planes = _morphed(planes, name, kernel_of(config.kernel, side))
    return planes


def histograms_of(joined: Tensor) -> Tensor:
    """Pixels by value: (B, H, W) uint8 -> (B, 256) integers."""
    count = len(joined)
    bins = joined.flatten(1).to(torch.int32)
    bins += 256 * torch.arange(count, dtype=torch.int32, device=joined.device)[:, None]
    return torch.bincount(bins.flatten(), minlength=256 * count).reshape(count, 256)


def agrees(device: torch.device) -> bool:
    """Whether a device gives OpenCV's planes and counts, on noise and on flat areas, for every kernel."""
    random = np.random.default_rng(0)
    for height, width in ((1, 1), (3, 5), (37, 64)):
        noise = random.integers(0, 101, (2, height, width), dtype=np.uint8)
        truths = random.choice(np.array([0, 128, 255], np.uint8), noise.shape)
        for planes in (noise, np.where(noise < 95, np.uint8(7), noise)):
            for config in _samples_of_configs():
                expected = [
                    histogram_of(morphed(codes, config), truth)
                    for codes, truth in zip(planes, truths, strict=True)
                ]
                there = after_steps(torch.from_numpy(planes).to(device), config)
                found = histograms_of(there | torch.from_numpy(truths).to(device))
                if not np.array_equal(found.cpu().numpy(), expected):
                    return False
    return True


def _samples_of_configs() -> Iterable[PostProcess]:
    yield PostProcess(order="none")
    for kernel in ("square", "ellipse", "cross"):
        for dilate, erode in ((3, 1), (1, 9), (61, 5)):
            yield PostProcess(kernel=kernel, dilate=dilate, erode=erode)


def _morphed(planes: Tensor, name: str, kernel: Codes) -> Tensor:
    """One step; what lies outside the picture is ignored.

    A kernel's rows are single runs of pixels: each row is the extreme over its run, and the whole is the
    extreme over its rows. Of a square they are all alike, so that these are one run, too.
    """
    join, outside = (torch.maximum, 0) if name == "dilate" else (torch.minimum, 255)
    widths = kernel.sum(axis=1).tolist()
    if len(set(widths)) == 1:
        return _extreme(_extreme(planes, widths[0], 2, join, outside), len(widths), 1, join, outside)
    height, reach = planes.size(1), len(widths) // 2
    rows: dict[int, Tensor] = {}
    found = torch.full_like(planes, outside)
    for place, width in enumerate(widths):
        if width and width not in rows:
            across = _extreme(planes, width, 2, join, outside)
            rows[width] = F.pad(across, (0, 0, reach, reach), value=outside)
        if width:
            found = join(found, rows[width].narrow(1, place, height))
    return found


def _extreme(
    planes: Tensor, side: int, axis: int, join: Callable[[Tensor, Tensor], Tensor], outside: int
) -> Tensor:
    """The extreme over `side` pixels (odd) around each along one axis, in as many steps as its doublings."""
    around = (side // 2, side // 2)
    planes = F.pad(planes, around if axis == 2 else (0, 0, *around), value=outside)
    width = 1
    while width < side:
        more = min(width, side - width)
        length = planes.size(axis) - more
        planes = join(planes.narrow(axis, 0, length), planes.narrow(axis, more, length))
        width += more
    return planes


def _truth(sample: Sample) -> Codes:
    return truth_of(sample.true_mask(), sample.ignored())


def _half_of_what_is_free(device: torch.device) -> int:
    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else ROOM_ON_CPU
