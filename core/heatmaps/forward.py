"""One forward pass over a few images: what recipes that share it give, whatever the memory allows.

A `ForwardPass` is recipes of different methods, joined with a dataset and a loaded backbone.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cliploc.core.backbones.guide import guide_digest
from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.positions import ANTIALIASED
from cliploc.core.datasets import Dataset, Sample
from cliploc.core.datasets.spec import lasting
from cliploc.core.errors import ParameterError, ResourceError
from cliploc.core.heatmaps.background import WORDS, share
from cliploc.core.heatmaps.ground import check_finite
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.recipe import AUTO, FLOAT32, Recipe
from cliploc.core.heatmaps.store import Heatmap
from cliploc.core.heatmaps.terms import Terms
from cliploc.core.heatmaps.windows import windowed
from cliploc.core.methods.compute import compute_many, embedding, head_terms
from cliploc.core.methods.targets import with_targets
from cliploc.core.methods.text import assumed_contrast, stacked
from cliploc.core.prompts import prompt_for

log = logging.getLogger(__name__)

Picture = Sequence[Sample]  # the samples of one picture


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """Recipes of different methods, alike in all else, for one dataset on one backbone.

    labels: those that the backbone has a target for: all of them, but for an ImageNet
    classifier that was told to leave some out.
    """

    recipes: tuple[Recipe, ...]
    dataset: Dataset
    backbone: Backbone
    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        """The side of the square that the network sees, in pixels."""
        return self.recipes[0].size or self.backbone.image_size

    @property
    def precision(self) -> str:
        """Of the forward pass: float32, or a half precision under autocast."""
        asked = self.recipes[0].precision
        return asked if asked != AUTO else "bfloat16" if self.backbone.device.type == "cuda" else FLOAT32

    def identity(self, recipe: Recipe) -> Identity:
        """The identity of the set where the recipe's heatmaps belong. Reads the whole dataset once."""
        return Identity(
            pictures=self.dataset.pictures,
            method=recipe.method,
            parameters=recipe.parameters,
            backbone=recipe.backbone,
            checkpoint=recipe.weights,
            digest=self._digest(recipe),
            template=recipe.template,
            size=self.size,
            precision=self.precision,
            version=recipe.spec.version,
            positions=recipe.positions,
            window=recipe.window,
            stride=recipe.stride,
            background=recipe.background,
            raw=True,
            dataset_name=self.dataset.name,
            dataset_spec=lasting(self.dataset.spec),
            assumed=self.assumed(recipe),
        )

    def _digest(self, recipe: Recipe) -> str:
        """Of the network, and of the second one where the method has one."""
        if not recipe.spec.guided:
            return self.backbone.digest
        guide = guide_digest(str(dict(recipe.parameters)["guide"]))
        return hashlib.sha256(f"{self.backbone.digest} {guide}".encode()).hexdigest()

    def assumed(self, recipe: Recipe) -> str:
        """What nobody said about the weights or the contrast of a recipe, "" when all was."""
        contrast = assumed_contrast(str(dict(recipe.parameters)["contrast"]), len(self.labels))
        return "; ".join(filter(None, (self.backbone.assumed, contrast)))

    def notices(self) -> list[str]:
        """What the user is to know before it is computed: what is assumed, and which prompts are cut."""
        said = dict.fromkeys(filter(None, map(self.assumed, self.recipes)))
        cut = self.backbone.cut_notices(_prompts(self.recipes[0], self.labels))
        return [*(f"assumed: {each}" for each in said), *cut]

    def pixels(self, sample: Sample) -> Tensor:
        """The sample as the network takes it, before normalization: (1, 3, S, S) uint8 on the CPU."""
        return self.backbone.resized([sample.image()], self.size)

    def prompts(self, samples: Sequence[Sample]) -> list[str]:
        """The prompt of each sample's own label."""
        return _prompts(self.recipes[0], [sample.label for sample in samples])

    def prompts_of(self, batch: Sequence[Picture]) -> list[list[str]]:
        """The prompts of each picture's samples."""
        return [self.prompts(picture) for picture in batch]

    def takes(self, sample: Sample) -> bool:
        """Whether the sample's label is one that the backbone has a target for."""
        return sample.label in self.labels

    def heatmaps(self, pixels: Tensor, prompts: Sequence[Sequence[str]]) -> dict[Recipe, Tensor]:
        """Raw heatmaps (n, gh, gw) float32 on the device, of all prompts, image by image.

        pixels: (B, 3, S, S) uint8. prompts: of each image, at least one. (n, S, S) through windows,
        or with background words. Several methods share one pass where they can.
        """
        most = max(map(len, prompts))
        # Images with fewer prompts get their last one again: all have as many rows, for one pass.
        even = [own[min(place, len(own) - 1)] for own in prompts for place in range(most)]
        wanted = [most * image + place for image, own in enumerate(prompts) for place in range(len(own))]
        text, contrast_text = self._texts(even)
        text = text.reshape(len(prompts), most, -1)
        settings = {recipe.method: dict(recipe.parameters) for recipe in self.recipes}

        def maps_of(images: Tensor) -> dict[str, Tensor]:
            return compute_many(settings, self.backbone, images, text, contrast_text=contrast_text)

        images, (first, *_) = self.backbone.normalized(pixels), self.recipes
        if first.background:
            words = [prompt_for(first.template, word) for word in WORDS]
            text = stacked(text, self.backbone.encode_text(words))
        with self.autocast():
            maps = windowed(maps_of, images, first.window, first.stride) if first.window else maps_of(images)
        if first.background:
            maps = {
                name: share(each, most, pixels.shape[-1], first.background) for name, each in maps.items()
            }
        return {recipe: maps[recipe.method].flatten(0, 1)[wanted] for recipe in self.recipes}

    def terms(self, pixels: Tensor, prompts: Sequence[str]) -> Tensor:
        """The terms (B, L, H, gh, gw) float32 that ClipTextSpan's heatmaps are sums of."""
        recipe = self.recipes[0]
        if recipe.method != "textspan":
            raise ParameterError(f"{recipe.method} is no sum over heads; textspan is")
        if recipe.window:
            raise ParameterError("the terms of heads are of a whole picture: window 0")
        text, contrast_text = self._texts(prompts)
        with self.autocast():
            terms = head_terms(
                self.backbone,
                self.backbone.normalized(pixels),
                text,
                contrast_text=contrast_text,
                contrast=dict(recipe.parameters)["contrast"],
            )
        return terms[:, 0]

    def embeddings(self, pixels: Tensor) -> Tensor:
        """Unit rows (B, d) float32 of whole pictures. pixels: (B, 3, S, S) uint8.

        ParameterError for a classifier, which knows no words.
        """
        if self.backbone.kind == "classifier":
            raise ParameterError(f"{self.backbone.name} compares no pictures with words; a CLIP network does")
        with torch.no_grad(), self.autocast():
            return embedding(self.backbone, self.backbone.normalized(pixels))

    def _texts(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Rows of one prompt per image (B, 1, d), and of all labels (K, d)."""
        # All labels first and at once: a text's last bits depend on those it is encoded with.
        contrast_text = self.backbone.encode_text(_prompts(self.recipes[0], self.labels))
        return self.backbone.encode_text(list(prompts))[:, None], contrast_text

    def autocast(self) -> AbstractContextManager[object]:
        """What a pass runs in. While one is held open, weights are cast once for all passes inside it."""
        if self.precision == FLOAT32:
            return nullcontext()
        return torch.autocast(self.backbone.device.type, getattr(torch, self.precision))


def load(recipe: Recipe, device: str) -> Backbone:
    """Load the backbone of a completed recipe."""
    return load_backbone(recipe.backbone, recipe.weights or None, device)


def joined(recipes: Sequence[Recipe], dataset: Dataset, backbone: Backbone) -> ForwardPass:
    """The job of completed recipes that share this backbone. ParameterError for labels it cannot look for."""
    no_class = str(dict(recipes[0].parameters).get("no_class", "error"))
    prompts = _prompts(recipes[0], dataset.labels)
    backbone, kept = with_targets(backbone, prompts, no_class)
    backbone = replace(backbone, positions=recipes[0].positions or ANTIALIASED)
    labels = (label for label, prompt in zip(dataset.labels, prompts, strict=True) if prompt in kept)
    return ForwardPass(tuple(recipes), dataset, backbone, tuple(labels))


def _prompts(recipe: Recipe, labels: Sequence[str]) -> list[str]:
    return [prompt_for(recipe.template, label) for label in labels]


def grouped(recipes: Sequence[Recipe]) -> list[list[Recipe]]:
    """Split recipes into groups that can share a job, in order of first appearance."""
    groups: list[list[Recipe]] = []
    for recipe in dict.fromkeys(recipes):
        plain = replace(recipe, method="", parameters=())
        for group in groups:
            alike = replace(group[0], method="", parameters=()) == plain
            if alike and recipe.method not in {other.method for other in group}:
                group.append(recipe)
                break
        else:
            groups.append([recipe])
    return groups


def pictures_of(samples: Sequence[Sample]) -> list[Picture]:
    """The samples by picture, those with as many samples together, in the order of their first ones.

    One pass takes as many prompts of every picture in it as the one that has most.
    """
    found: dict[object, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.path or sample.id, []).append(sample)
    return sorted(found.values(), key=len)


def heatmaps_of(job: ForwardPass, samples: Sequence[Sample], prompts: Sequence[str]) -> Heatmap:
    """Raw heatmaps (B, gh, gw) float32 of a few samples, one prompt each, by the job's first recipe."""
    pixels = torch.cat([job.pixels(sample) for sample in samples])
    maps, _ = in_memory(job, pixels, [[prompt] for prompt in prompts], len(samples))
    return fetched(job, maps, samples)[job.recipes[0]]


def fetched(job: ForwardPass, maps: dict[Recipe, Tensor], samples: Sequence[Sample]) -> dict[Recipe, Heatmap]:
    """The maps as arrays on this side of the device; all of them are numbers, or it is an error."""
    arrays: dict[Recipe, Heatmap] = {recipe: heatmaps.cpu().numpy() for recipe, heatmaps in maps.items()}
    for recipe, each in arrays.items():
        check_finite(each, [sample.id for sample in samples], recipe, job.precision)
    return arrays


def terms_of(job: ForwardPass, samples: Sequence[Sample]) -> Terms:
    """The terms (B, L, H, gh, gw) of a few samples, for the prompts of their own labels."""
    pixels = torch.cat([job.pixels(sample) for sample in samples])
    terms: Terms = job.terms(pixels, job.prompts(samples)).cpu().numpy()
    check_finite(terms, [sample.id for sample in samples], job.recipes[0], job.precision)
    return terms


def embeddings_of(job: ForwardPass, samples: Sequence[Sample]) -> Heatmap:
    """Unit rows (B, d) float32 of a few samples' pictures."""
    rows: Heatmap = job.embeddings(torch.cat([job.pixels(sample) for sample in samples])).cpu().numpy()
    check_finite(rows, [sample.id for sample in samples], job.recipes[0], job.precision)
    return rows


def in_memory(
    job: ForwardPass, pixels: Tensor, prompts: Sequence[Sequence[str]], at_once: int
) -> tuple[dict[Recipe, Tensor], int]:
    """`job.heatmaps` of at most `at_once` images together, halved until it fits; and what fitted.

    ResourceError when the memory is too small for one image.
    """
    while True:
        try:
            parts = [
                job.heatmaps(pixels[start : start + at_once], prompts[start : start + at_once])
                for start in range(0, len(pixels), at_once)
            ]
            return {r: torch.cat([part[r] for part in parts]) for r in job.recipes}, at_once
        except RuntimeError as error:
            if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
                raise
            reason = str(error).splitlines()[0]
        if at_once == 1:
            raise ResourceError(
                f"{job.backbone.device} has too little memory for one image of {job.size} x {job.size} "
                f"({reason}); a smaller --size, another --device or fewer methods at once may fit"
            )
        log.warning("out of memory with %d images at once; trying half", at_once)
        at_once //= 2
        if job.backbone.device.type == "cuda":
            torch.cuda.empty_cache()
