"""From images and texts to raw maps: one method, or several that share a pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.towers.tower import Tower, precise
from cliploc.core.errors import ParameterError, unknown
from cliploc.core.methods import gradcam
from cliploc.core.methods.registry import METHODS, MethodSpec
from cliploc.core.methods.text import contrasted, others_of, stacked, unstacked, without_redundant
from cliploc.core.methods.trunk import Stream, read, watch
from cliploc.core.parameters import Value, checked


def compute_maps(
    method: str,
    backbone: Backbone,
    images: Tensor,
    text: Tensor,
    *,
    contrast_text: Tensor | None = None,
    **parameters: object,
) -> Tensor:
    """The raw maps of one method, float32 (B, T, gh, gw), on the backbone's device.

    images: (B, 3, S, S) from `backbone.preprocess`. text: (T, d) rows for every
    image, or (B, T, d) with rows for each image of its own. contrast_text: (K, d)
    rows that the `labels` and `redundant` contrasts stand against; by default the
    texts themselves when there are several. ParameterError for an unknown method or
    parameter, or a backbone of another kind.

    >>> import cliploc
    >>> backbone = cliploc.load_backbone("demo-vit", device="cpu")
    >>> image = cliploc.open_dataset("demo").by_id("star_0009").image()
    >>> text = backbone.encode_text(["An image of a star", "An image of a moon"])
    >>> compute_maps("gem", backbone, backbone.preprocess([image], 128), text).shape
    torch.Size([1, 2, 16, 16])
    """
    return compute_many({method: parameters}, backbone, images, text, contrast_text=contrast_text)[method]


def compute_many(
    methods: Mapping[str, Mapping[str, object]],
    backbone: Backbone,
    images: Tensor,
    text: Tensor,
    *,
    contrast_text: Tensor | None = None,
) -> dict[str, Tensor]:
    """The raw maps of several methods by name; the attention-only ones share one forward pass.

    methods: name to parameters. The rest as for `compute_maps`.
    """
    images, text, contrast_text = _placed(backbone, images, text, contrast_text)
    plans = [_plan(name, values, backbone, text, contrast_text) for name, values in methods.items()]
    maps: dict[str, Tensor] = {}
    watching = [plan for plan in plans if plan.spec.shares_pass]
    if watching:
        # Not inference mode, which would cast the weights anew in every pass under autocast.
        with torch.no_grad():
            maps.update(_watched(watching, read(backbone), images))
    for plan in plans:
        if not plan.spec.shares_pass:
            maps[plan.spec.name] = _apart(plan, backbone, images)
    # Copies made here are ordinary tensors: what leaves inference mode could not be written to.
    return {name: maps[name].clone() for name in methods}


def head_terms(
    backbone: Backbone,
    images: Tensor,
    text: Tensor,
    *,
    contrast_text: Tensor | None = None,
    **parameters: object,
) -> Tensor:
    """ClipTextSpan's raw maps of every layer and head, float32 (B, T, L, H, gh, gw), in one pass.

    What `compute_maps("textspan", …)` gives is the sum of those that are chosen.
    Arguments as there; layer, head and off choose nothing here.
    """
    images, text, contrast_text = _placed(backbone, images, text, contrast_text)
    plan = _plan("textspan", parameters, backbone, text, contrast_text)
    with torch.no_grad():
        tower = read(backbone)
        (terms,) = _scores([replace(plan, spec=_TERMS, values={})], tower, images)
        layers, grid = tower.depth, tower.grid_of(images)
    return terms.reshape(*terms.shape[:2], layers, -1, *grid).float().clone()


def normalize(maps: Tensor) -> Tensor:
    """Stretch each map (..., h, w) to [0, 1] by its own minimum and maximum; a constant map becomes zeros.

    NaN or infinity anywhere in a map leaves NaN in it: nothing is made of what is no number.

    >>> normalize(torch.tensor([[[-1.0, 3.0], [1.0, 0.0]], [[5.0, 5.0], [5.0, 5.0]]])).tolist()
    [[[0.0, 1.0], [0.5, 0.25]], [[0.0, 0.0], [0.0, 0.0]]]
    """
    maps = maps.float()
    low = maps.amin((-2, -1), keepdim=True)
    span = maps.amax((-2, -1), keepdim=True) - low
    return torch.where(span == 0, 0.0, (maps - low) / torch.where(span == 0, 1, span))


# ClipTextSpan without its sum.
_TERMS = replace(METHODS["textspan"], target="cliploc.core.methods.textspan:HeadTerms", parameters=())


@dataclass(frozen=True)
class _Plan:
    spec: MethodSpec
    values: dict[str, Value]
    text: Tensor
    # Set when the redundant share is to be removed, which needs the image's embedding.
    others: Tensor | None


def _plan(
    name: str, values: Mapping[str, object], backbone: Backbone, text: Tensor, contrast_text: Tensor | None
) -> _Plan:
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    spec = METHODS[name]
    if backbone.kind not in spec.families:
        raise ParameterError(
            f"{name} reads a {' or '.join(spec.families)} backbone; {backbone.name} is of the kind "
            f"{backbone.kind!r}; for example {spec.default_backbone}"
        )
    settings = checked(spec.parameters, values)
    kind = str(settings.pop("contrast", "none"))
    settings.pop("no_class", None)
    if backbone.kind == "classifier" and kind != "none":
        raise ParameterError(f"contrast: found {kind!r}, expected none: a classifier's rows are not texts")
    others = others_of(text, contrast_text) if kind == "redundant" else None
    return _Plan(spec, settings, contrasted(text, kind, backbone, contrast_text), others)


def _watched(plans: list[_Plan], tower: Tower, images: Tensor) -> dict[str, Tensor]:
    grid = tower.grid_of(images)
    return {
        plan.spec.name: scores.reshape(*scores.shape[:2], *grid).float()
        for plan, scores in zip(plans, _scores(plans, tower, images), strict=True)
    }


def _scores(plans: list[_Plan], tower: Tower, images: Tensor) -> list[Tensor]:
    streams: list[Stream] = [_stream(plan) for plan in plans]
    output = watch(tower, images, streams, finish=any(plan.others is not None for plan in plans))
    found = []
    for plan, stream in zip(plans, streams, strict=True):
        scores = stream.scores(tower, output)
        if plan.others is not None:
            assert output is not None
            unit = F.normalize(precise(output.embedding), dim=-1)
            scores = unstacked(scores, unit, plan.text, plan.others)
        found.append(scores)
    return found


def _stream(plan: _Plan) -> Stream:
    text = plan.text if plan.others is None else stacked(plan.text, plan.others)
    make: Callable[..., Stream] = _loaded(plan.spec)
    return make(text, **plan.values)


def _apart(plan: _Plan, backbone: Backbone, images: Tensor) -> Tensor:
    # Tensors that were made in inference mode cannot take part in a backward pass; copies can.
    with torch.inference_mode(False), torch.set_grad_enabled(plan.spec.needs_gradient):
        images, text = images.clone(), plan.text.clone()
        if plan.others is not None:
            with torch.no_grad():
                text = without_redundant(text, embedding(backbone, images), plan.others)
        maps: Tensor = _loaded(plan.spec)(backbone, images, text, **plan.values)
    return maps.detach().float()


def embedding(backbone: Backbone, images: Tensor) -> Tensor:
    """The unit embeddings (B, d) of CLIP images of any size, as `encode_image` has them at the native one."""
    if backbone.kind in ("resnet", "convnet"):
        return F.normalize(precise(gradcam.pooled_images(backbone, images)), dim=-1)
    output = watch(read(backbone), images, [], finish=True)
    assert output is not None
    return F.normalize(precise(output.embedding), dim=-1)


def _loaded(spec: MethodSpec) -> Any:  # noqa: ANN401  streams and functions of different parameters
    module, _, name = spec.target.partition(":")
    return getattr(import_module(module), name)


def _placed(
    backbone: Backbone, images: Tensor, text: Tensor, contrast_text: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """All of it on the backbone's device. ParameterError for shapes that do not fit together."""
    if images.dim() != 4 or images.shape[1] != 3:
        raise ParameterError(f"images: found shape {tuple(images.shape)}, expected (B, 3, S, S)")
    if text.dim() not in (2, 3) or (text.dim() == 3 and len(text) != len(images)):
        raise ParameterError(
            f"text: found shape {tuple(text.shape)}, expected (T, d) or ({len(images)}, T, d)"
        )
    if contrast_text is not None and (contrast_text.dim() != 2 or contrast_text.shape[-1] != text.shape[-1]):
        raise ParameterError(
            f"contrast_text: found shape {tuple(contrast_text.shape)}, expected (K, {text.shape[-1]})"
        )
    device = backbone.device
    return images.to(device), text.to(device), None if contrast_text is None else contrast_text.to(device)
