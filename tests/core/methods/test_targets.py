"""Class targets of an ImageNet network: the table, and labels that it does not know."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from cliploc.core.backbones import imagenet
from cliploc.core.backbones.network import Backbone
from cliploc.core.errors import ParameterError
from cliploc.core.methods.compute import compute_maps
from cliploc.core.methods.targets import with_targets
from cliploc.core.paths import embedded_dir
from tests.core.methods.conftest import images

KNOWN, UNKNOWN = "An image of a dog", "An image of a giraffe"


def rows_of_table() -> list[dict[str, str]]:
    path = embedded_dir() / "imagenet" / "coco_to_imagenet.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_every_coco_name_once_and_only_real_classes() -> None:
    rows = rows_of_table()
    names = [row["coco"] for row in rows]
    assert len(names) == len(set(names)) == 80
    for row in rows:
        classes = [int(text) for text in row["imagenet"].split()]
        assert all(0 <= index < 1000 for index in classes)
        assert len(classes) == len(set(classes))
        assert (row["match"] == "none") == (not classes), row
        assert row["match"] in ("exact", "kinds", "near", "none")
    assert sum(row["match"] != "none" for row in rows) >= 57


def test_every_label_of_cocoglide_is_in_the_table(cocoglide: Path) -> None:
    with (cocoglide / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        labels = [row["prompt"] for row in csv.DictReader(file)]
    assert set(labels) <= set(imagenet.coco_classes())
    without = [label for label in labels if not imagenet.coco_classes()[label]]
    assert (len(set(without)), len(without)) == (16, 96)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("An image of a teddy bear", (850,)), ("There is a hot dog in this image", (934,)),
     ("a photo of an airplane.", (404, 895)), ("giraffe", ()), ("a kite in the sky", ()),
     ("a bald eagle", (22,)), ("an image of nothing known", ())],
)  # fmt: skip
def test_a_prompt_means_the_longest_name_in_it(text: str, expected: tuple[int, ...]) -> None:
    assert imagenet.classes_of(text) == expected


def test_every_row_has_the_classes_of_its_label(classifier: Backbone) -> None:
    rows = classifier.encode_text(["dog", "zebra"])
    assert rows.shape == (2, 1000)
    assert rows[0].nonzero().flatten().tolist() == list(range(151, 269))
    assert rows[1].nonzero().flatten().tolist() == [340]


def test_a_label_without_a_class_is_never_guessed(classifier: Backbone, vit: Backbone) -> None:
    for ask in (
        lambda: classifier.encode_text([KNOWN, UNKNOWN]),
        lambda: with_targets(classifier, [UNKNOWN]),
    ):
        with pytest.raises(ParameterError, match=r"no ImageNet class for 1 of .*giraffe.*no_class skip"):
            ask()
    assert with_targets(classifier, [KNOWN, UNKNOWN], "skip") == (classifier, [KNOWN])
    assert with_targets(vit, [KNOWN, UNKNOWN]) == (vit, [KNOWN, UNKNOWN])


def test_a_label_without_a_class_may_fall_back_to_its_text(classifier: Backbone, resnet: Backbone) -> None:
    pair, kept = with_targets(classifier, [KNOWN, UNKNOWN], "text", fallback=resnet)
    assert kept == [KNOWN, UNKNOWN]
    assert len({pair.digest, classifier.digest, resnet.digest}) == 3
    pictures = images(2)

    maps = compute_maps("gradcam", pair, pictures, pair.encode_text(kept))

    alone = compute_maps("gradcam", classifier, pictures, classifier.encode_text([KNOWN]))
    torch.testing.assert_close(maps[:, :1], alone)
    source, target = (
        [torch.tensor(values).view(1, 3, 1, 1) for values in (one.transform.mean, one.transform.std)]
        for one in (classifier, resnet)
    )
    shown = (pictures * source[1] + source[0] - target[0]) / target[1]
    by_text = compute_maps("gradcam", resnet, shown, resnet.encode_text([UNKNOWN]))
    torch.testing.assert_close(maps[:, 1:], by_text, rtol=1e-4, atol=1e-4 * float(by_text.abs().max()))
    # One row per image, as the extraction asks.
    own = compute_maps("gradcam", pair, pictures, pair.encode_text([UNKNOWN, KNOWN])[:, None])
    torch.testing.assert_close(own[0, 0], maps[0, 1])
    torch.testing.assert_close(own[1, 0], maps[1, 0])


def test_the_fallback_must_be_a_clip_resnet(classifier: Backbone, vit: Backbone) -> None:
    with pytest.raises(ParameterError, match="needs a CLIP ResNet"):
        with_targets(classifier, [UNKNOWN], "text", fallback=vit)


def test_a_classifiers_rows_take_no_contrast(classifier: Backbone) -> None:
    rows = classifier.encode_text([KNOWN])
    with pytest.raises(ParameterError, match="expected none"):
        compute_maps("gradcam", classifier, images(1), rows, contrast="labels")
    assert compute_maps("gradcam", classifier, images(1), rows).shape == (1, 1, 2, 2)
