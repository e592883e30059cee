"""Under its published preset every method's maps are its authors' own: 1e-5 after their last step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.parity.table import CASES, Case, difference

pytest.importorskip("gem.gem_wrapper")
pytest.importorskip("pytorch_grad_cam")

TOLERANCE = 1e-5
# At the size that a case is quickest at; the others take minutes.
QUICK = [case for case in CASES if case.size == 224]
SLOW = [case for case in CASES if case.size != 224]


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_maps_are_the_authors(case: Case) -> None:
    assert difference(case, "ViT-S-16", published=True) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("case", SLOW, ids=lambda case: case.name)
def test_maps_are_the_authors_at_other_sizes_and_through_windows(case: Case) -> None:
    assert difference(case, "ViT-S-16", published=True) < TOLERANCE


# Those that count blocks from the end take six, which this network has in all.
@pytest.mark.parametrize(
    "case",
    [case for case in QUICK if case.method not in ("gem", "clipsurgery", "gradcam")],
    ids=lambda case: case.name,
)
def test_maps_of_trained_weights_are_the_authors(case: Case) -> None:
    # The network's own 128 pixels, or another size.
    size = 128 if case.method in ("chefer", "textspan") else 160
    assert difference(replace(case, size=size), "demo-vit", "", published=True) < TOLERANCE
