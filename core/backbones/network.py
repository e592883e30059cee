"""Backbone: a loaded network with its own text side and its own image transform."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.backbones.positions import ANTIALIASED
from cliploc.core.errors import ParameterError, clean

# Several texts in one prompt, to be averaged ("An image of a dog | There is a dog in this image").
SEPARATOR = " | "

_NOTICES = 5

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Transform:
    """The checkpoint's own image transform: native side in pixels, channel mean and std, interpolation."""

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bicubic"


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network ready to be looked into.

    model: the untouched open_clip (or timm) model (untyped there), in eval mode. name, checkpoint:
    what was asked for. digest: sha256 of everything that decides what it computes: the
    weights file's content, or `random:SEED`; transform, activation, architecture. kind:
    `vit`, `resnet` (CLIP with attention pooling), `classifier` (ImageNet) or `other`.
    encoder: plain texts to (T, d) unit rows, for a classifier class rows. fallback: the
    network that a classifier leaves texts without a class to. fits: whether a plain text
    is encoded whole. assumed: what neither a config nor a tag nor the user says about the
    weights, and why, as a part of a sentence; "" when all was known. positions: how they are taken to
    another size, see `cliploc.core.backbones.positions`.
    """

    model: Any
    name: str
    checkpoint: str
    digest: str
    kind: str
    device: torch.device
    transform: Transform
    encoder: Callable[[Sequence[str]], Tensor]
    fallback: Backbone | None = None
    fits: Callable[[str], bool] = lambda _: True
    assumed: str = ""
    positions: str = ANTIALIASED
    _rows: dict[str, Tensor] = field(default_factory=dict, repr=False)

    @property
    def image_size(self) -> int:
        """The side in pixels that the weights were trained at."""
        return self.transform.size

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """Unit rows (T, d) float32 of the prompts; each prompt is encoded once and remembered.

        A prompt of several texts joined by ` | ` is their mean, made unit again. A text
        that is too long for the network is cut: `cut` says where.
        """
        if isinstance(prompts, str):
            raise ParameterError("encode_text takes a list of prompts; found one string, put it in a list")
        missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._rows]
        texts = [_texts_of(prompt) for prompt in missing]
        flat = list(dict.fromkeys(text for group in texts for text in group))
        if flat:
            with torch.autocast(self.device.type, enabled=False):  # as precise wherever they are asked for
                row_of = dict(zip(flat, self.encoder(flat), strict=True))
            for prompt, group in zip(missing, texts, strict=True):
                mean = torch.stack([row_of[text] for text in group]).mean(0)
                self._rows[prompt] = row_of[group[0]] if len(group) == 1 else F.normalize(mean, dim=0)
        if not prompts:
            return torch.empty(0, 0, device=self.device)
        return torch.stack([self._rows[prompt] for prompt in prompts])

    def cut(self, prompts: Sequence[str]) -> dict[str, str]:
        """The prompts that are longer than what the network reads, each with the words that it never sees."""
        lost = {prompt: [self._lost(text) for text in _texts_of(prompt)] for prompt in dict.fromkeys(prompts)}
        return {prompt: SEPARATOR.join(filter(None, each)) for prompt, each in lost.items() if any(each)}

    def cut_notices(self, prompts: Sequence[str]) -> list[str]:
        """What `cut` finds, in sentences."""
        cut = [f"{self.name} reads no further: {clean(prompt)!r} loses its end, {clean(words)!r}"
               for prompt, words in self.cut(prompts).items()]  # fmt: skip
        more = len(cut) - _NOTICES
        return [*cut[:_NOTICES], f"{more} more prompts are cut likewise"] if more > 0 else cut

    def _lost(self, text: str) -> str:
        if self.fits(text):
            return ""
        words = text.split()
        kept = bisect_left(range(len(words)), True, key=lambda n: not self.fits(" ".join(words[: n + 1])))
        return " ".join(words[kept:])

    def preprocess(self, images: Sequence[Image], size: int | None = None) -> Tensor:
        """Resize to a square without cropping and normalize with the checkpoint's mean and std.

        images: (H, W, 3) uint8 RGB each, of any sizes; grey (H, W) is repeated and
        alpha dropped. Returns (B, 3, size, size) float32; size defaults to the native one.
        """
        return self.normalized(self.resized(images, size))

    def resized(self, images: Sequence[Image], size: int | None = None) -> Tensor:
        """The first half of `preprocess`: (B, 3, size, size) uint8 on the CPU, for threads of their own."""
        side = self.image_size if size is None else size
        if side < 1:
            raise ParameterError(f"image size: found {side}, expected a positive number of pixels")
        return torch.cat([self._resized(image, side) for image in images])

    def normalized(self, pixels: Tensor) -> Tensor:
        """The second half of `preprocess`: uint8 (B, 3, S, S) to float32 on the backbone's device."""
        mean, std = self._on_device
        return pixels.to(self.device, non_blocking=True).float().sub_(mean).div_(std).contiguous()

    @cached_property
    def _on_device(self) -> tuple[Tensor, Tensor]:
        """Mean and std in grey levels, (1, 3, 1, 1): made once, since a copy to a device waits for it."""
        mean, std = (
            torch.tensor(each, device=self.device) for each in (self.transform.mean, self.transform.std)
        )
        return mean.view(1, 3, 1, 1) * 255, std.view(1, 3, 1, 1) * 255

    def _resized(self, image: Image, side: int) -> Tensor:
        planes = torch.from_numpy(np.ascontiguousarray(_rgb(image))).permute(2, 0, 1)[None]
        if planes.shape[2:] == (side, side):
            return planes
        # With antialias, torch resamples bytes as Pillow does; the checkpoints were trained on that.
        mode = "bilinear" if self.transform.interpolation == "bilinear" else "bicubic"
        return F.interpolate(planes, size=(side, side), mode=mode, antialias=True)


def _texts_of(prompt: str) -> list[str]:
    return [text for text in prompt.split(SEPARATOR) if text.strip()] or [prompt]


def _rgb(image: Image) -> Image:
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ParameterError(
            f"image: found {image.dtype} {image.shape}, expected uint8 of shape (height, width, 3)"
        )
    planes = image[..., None] if image.ndim == 2 else image
    return np.repeat(planes[..., :1], 3, axis=2) if planes.shape[2] < 3 else planes[..., :3]


def device_of(name: str) -> torch.device:
    """`auto` (the first accelerator, else the CPU), `cpu`, `cuda`, `cuda:1` or `mps`."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise ParameterError(f"device {name!r} cannot be used ({first}); try auto or cpu") from None
    return device


def devices_of(names: str) -> list[torch.device]:
    """The devices that `--device` names. ParameterError for one that cannot be used."""
    if names == "all":
        count = torch.cuda.device_count()
        if not count:
            raise ParameterError("device all: found no CUDA device; try auto or cpu")
        return [torch.device("cuda", index) for index in range(count)]
    return [device_of(name.strip()) for name in names.split(",")]
