"""The text side of every method: what a text is contrasted with.

A CLIP score is high for what all texts share. Removing that share from the text
is removing it from the map, since the scores are linear in the text.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cliploc.core.backbones.network import Backbone

# What an empty caption says: CLIPSurgery's redundant feature when there is one text only.
NEUTRAL = ""


def others_of(text: Tensor, contrast_text: Tensor | None) -> Tensor | None:
    """What a text stands against, (K, d): the given rows, else the texts themselves when several.

    None where that is nothing, or nothing but the text itself.
    """
    if contrast_text is not None:
        return contrast_text if len(contrast_text) and not _alone(text, contrast_text) else None
    return text if text.dim() == 2 and len(text) > 1 else None


def _alone(text: Tensor, contrast_text: Tensor) -> bool:
    """Whether the only row to stand against is the text itself: what is left of it would be nothing."""
    return len(contrast_text) == 1 and bool((text == contrast_text).all())


def contrasted(text: Tensor, kind: str, backbone: Backbone, contrast_text: Tensor | None = None) -> Tensor:
    """Subtract from text rows (T, d) or (B, T, d) what they share; not unit rows any more.

    kind: `none`; `labels`, the mean of contrast_text (K, d), or of the texts
    themselves, nothing where there is no other; `neutral`, the empty caption.
    `redundant` needs the image: see `without_redundant`. A text whose only contrast is
    itself stands against the empty caption instead, as CLIPSurgery's authors have it.
    """
    alone = kind != "none" and contrast_text is not None and _alone(text, contrast_text)
    if kind == "neutral" or alone:
        return text - backbone.encode_text([NEUTRAL])
    others = others_of(text, contrast_text)
    if kind == "labels" and others is not None:
        return text - others.mean(0)
    return text


def assumed_contrast(kind: str, labels: int) -> str:
    """What a contrast with a dataset's labels falls back to where there is one only; "" otherwise."""
    lone = labels == 1 and kind in ("labels", "redundant")
    return f"contrast {kind} is with the empty caption: there is one label only" if lone else ""


def relevance(embedding: Tensor, text: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """CLIPSurgery's class weights: exp(2 cos) over its mean over the others.

    embedding: (B, d) unit image rows. Returns weights of the texts (B, T) and of
    the others (B, K).
    """
    of_others = (2 * embedding @ others.T).exp()
    of_text = (2 * (text @ embedding[:, :, None]).squeeze(-1)).exp()
    mean = of_others.mean(1, keepdim=True)
    return of_text / mean, of_others / mean


def without_redundant(text: Tensor, embedding: Tensor, others: Tensor) -> Tensor:
    """CLIPSurgery's feature surgery on the text side (Li et al. 2023, eq. 8 to 10): (B, T, d).

    Each text by its weight for the image, less the weighted mean of the others:
    the per-channel mean over classes that the paper subtracts, read as linear in the text.
    """
    of_text, of_others = relevance(embedding, text, others)
    shared = (of_others[:, :, None] * others).mean(1, keepdim=True)
    return of_text[:, :, None] * text - shared


def stacked(text: Tensor, others: Tensor) -> Tensor:
    """Texts and others as rows of one tensor, (T + K, d) or (B, T + K, d)."""
    if text.dim() == 3:
        others = others.expand(len(text), -1, -1)
    return torch.cat([text, others], dim=-2)


def unstacked(scores: Tensor, embedding: Tensor, text: Tensor, others: Tensor) -> Tensor:
    """Scores (B, T + K, n) of stacked rows to the scores (B, T, n) without the redundant share."""
    of_text, of_others = relevance(embedding, text, others)
    count = text.shape[-2]
    shared = (of_others[:, :, None] * scores[:, count:]).mean(1, keepdim=True)
    return of_text[:, :, None] * scores[:, :count] - shared
