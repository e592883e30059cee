"""The decomposition of the image embedding, and the map that is read from it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.errors import ParameterError
from cliploc.core.methods.compute import compute_maps, head_terms
from cliploc.core.methods.textspan import decompose
from tests.core.methods import published
from tests.core.methods.conftest import images, texts


@pytest.mark.parametrize(("name", "width"), [("ViT-B-16", 512), ("ViT-L-14", 768)])
@torch.no_grad()
def test_projected_terms_equal_the_full_tensor_and_add_up(name: str, width: int) -> None:
    backbone = load_backbone(name, "random:0", device="cpu")
    image, rows = images(1, 224), texts(2, width)
    embedding = F.normalize(backbone.model.encode_image(image), dim=-1)

    full, rest = published.decomposition(backbone.model, image[0])
    torch.testing.assert_close(full.sum((0, 1, 2)) + rest.sum(0), embedding[0], atol=1e-5, rtol=0)

    found = decompose(backbone, image, rows)
    expected = torch.einsum("lnhd,td->tlhn", full, rows)
    tolerance = 1e-5 * float(expected.abs().max())
    torch.testing.assert_close(found.heads[0], expected, atol=tolerance, rtol=0)
    torch.testing.assert_close(found.others[0], rows @ rest.T, atol=1e-5, rtol=0)
    total = found.heads.sum((2, 3, 4)) + found.others.sum(2)
    torch.testing.assert_close(total, embedding @ rows.T, atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_map_is_the_sum_of_the_terms_that_were_chosen(vit: Backbone) -> None:
    pictures, rows = images(2, 64), texts(3)
    heads = decompose(vit, pictures, rows).heads[..., 1:].unflatten(-1, (8, 8))
    for parameters, expected in (
        ({}, heads.sum((2, 3))),
        ({"layer": 2}, heads[:, :, 2].sum(2)),
        ({"head": 1}, heads[:, :, :, 1].sum(2)),
        ({"layer": 3, "head": 0}, heads[:, :, 3, 0]),
        ({"off": "2.*"}, heads[:, :, [0, 1, 3]].sum((2, 3))),
        ({"off": "0.1,0.2,3.0"}, heads.sum((2, 3)) - heads[:, :, 0, [1, 2]].sum(2) - heads[:, :, 3, 0]),
        ({"layer": 3, "off": "3.0,2.1"}, heads[:, :, 3, 1:].sum(2)),
        ({"head": 1, "off": "3.*"}, heads[:, :, :3, 1].sum(2)),
    ):
        found = compute_maps("textspan", vit, pictures, rows, contrast="none", **parameters)
        torch.testing.assert_close(found, expected)
    with pytest.raises(ParameterError, match="layer: found 4, expected -1"):
        compute_maps("textspan", vit, pictures, rows, layer=4)
    with pytest.raises(ParameterError, match=r"off: found 3\.4, expected layers 0 to 3 and heads 0 to 3"):
        compute_maps("textspan", vit, pictures, rows, off="3.4")
    nothing = compute_maps("textspan", vit, pictures, rows, off="0.*,1.*,2.*,3.*")
    assert not nothing.any()


@pytest.mark.parametrize("contrast", ["none", "labels", "neutral", "redundant"])
@torch.no_grad()
def test_the_terms_of_all_heads_come_in_one_pass_and_add_up_to_the_map(vit: Backbone, contrast: str) -> None:
    pictures, rows = images(2, 64), texts(3)
    given = {"contrast": contrast, "contrast_text": texts(5)}
    terms = head_terms(vit, pictures, rows, **given)
    assert terms.shape == (2, 3, 4, 4, 8, 8)
    terms += 0  # an ordinary tensor, not one of inference mode
    tolerance = 1e-6 * float(terms.abs().max())
    for layer, head in ((0, 0), (3, 2)):
        alone = compute_maps("textspan", vit, pictures, rows, layer=layer, head=head, **given)
        torch.testing.assert_close(terms[:, :, layer, head], alone, atol=tolerance, rtol=1e-5)
    together = compute_maps("textspan", vit, pictures, rows, off="1.*", **given)
    torch.testing.assert_close(terms[:, :, [0, 2, 3]].sum((2, 3)), together, atol=10 * tolerance, rtol=1e-5)


@torch.no_grad()
def test_contrast_subtracts_the_map_of_what_it_names(vit: Backbone) -> None:
    pictures, rows, labels = images(2), texts(2), texts(6)

    def maps(text: torch.Tensor, contrast: str, **given: torch.Tensor) -> torch.Tensor:
        return compute_maps("textspan", vit, pictures, text, contrast=contrast, **given)

    plain = maps(rows, "none")
    torch.testing.assert_close(
        maps(rows, "labels", contrast_text=labels), plain - maps(labels, "none").mean(1, keepdim=True)
    )
    torch.testing.assert_close(maps(rows, "labels"), plain - plain.mean(1, keepdim=True))
    torch.testing.assert_close(maps(rows, "neutral"), plain - maps(vit.encode_text([""]), "none"))
    # With nothing to stand against, nothing is removed.
    torch.testing.assert_close(maps(rows[:1], "labels"), plain[:, :1])


@pytest.mark.parametrize("method", ["textspan", "clipsurgery", "legrad"])
@pytest.mark.parametrize("contrast", ["labels", "redundant"])
def test_a_label_that_is_alone_stands_against_the_empty_caption(
    vit: Backbone, method: str, contrast: str
) -> None:
    pictures, row = images(2), vit.encode_text(["An image of a zebra"])
    for text in (row, row.expand(2, -1, -1)):
        found = compute_maps(method, vit, pictures, text, contrast=contrast, contrast_text=row)
        expected = compute_maps(method, vit, pictures, text, contrast="neutral")
        assert torch.equal(found, expected)
        assert found.std() > 0
    # Another text has that label to stand against.
    other = compute_maps(method, vit, pictures, texts(1), contrast=contrast, contrast_text=row)
    neutral = compute_maps(method, vit, pictures, texts(1), contrast="neutral")
    assert not torch.equal(other, neutral)
