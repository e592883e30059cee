"""What a prompt asks a classifier for, and what to do where ImageNet has no such class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from cliploc.core.backbones import imagenet
from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.errors import ParameterError

FALLBACK = "RN50"


def with_targets(
    backbone: Backbone, prompts: Sequence[str], no_class: str = "error", fallback: Backbone | None = None
) -> tuple[Backbone, list[str]]:
    """The backbone to use for these prompts, and those of them that it has a target for.

    A CLIP network has a target for every prompt. For an ImageNet classifier,
    no_class decides about the others: `error` names them in a ParameterError, `skip`
    leaves them out, `text` gives them a CLIP ResNet's text target (fallback, by
    default RN50 with its usual weights); that pair has a digest of its own.
    """
    missing = set(imagenet.without_class(prompts)) if backbone.kind == "classifier" else set()
    if not missing or no_class == "skip":
        return backbone, [prompt for prompt in prompts if prompt not in missing]
    if no_class == "error":
        imagenet.class_rows(prompts, backbone.device)
    clip = fallback or load_backbone(FALLBACK, device=str(backbone.device))
    if clip.kind != "resnet":
        raise ParameterError(f"the text target needs a CLIP ResNet; {clip.name} is of the kind {clip.kind!r}")
    return _paired(backbone, clip), list(prompts)


def _paired(classifier: Backbone, clip: Backbone) -> Backbone:
    """A classifier whose rows are wider: class weights, then the text for prompts without a class."""

    def rows(texts: Sequence[str]) -> Tensor:
        missing = imagenet.without_class(texts)
        named = [text for text in texts if text not in missing]
        wide = torch.zeros(len(texts), imagenet.CLASSES + clip.encode_text(texts[:1]).shape[1])
        wide = wide.to(classifier.device)
        if named:
            places = [index for index, text in enumerate(texts) if text not in missing]
            wide[places, : imagenet.CLASSES] = imagenet.class_rows(named, classifier.device)
        if missing:
            places = [index for index, text in enumerate(texts) if text in missing]
            wide[places, imagenet.CLASSES :] = clip.encode_text([texts[index] for index in places])
        return wide

    digest = hashlib.sha256(f"{classifier.digest} {clip.digest}".encode()).hexdigest()
    assumed = "; ".join(filter(None, (classifier.assumed, clip.assumed)))

    def fits(text: str) -> bool:
        return not imagenet.without_class([text]) or clip.fits(text)

    return replace(
        classifier, digest=digest, encoder=rows, fallback=clip, fits=fits, assumed=assumed, _rows={}
    )
