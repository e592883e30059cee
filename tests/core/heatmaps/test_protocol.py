"""Everything that is said survives the wire; everything else is refused."""

from __future__ import annotations

import numpy as np
import pytest

from cliploc.core.errors import ClipLocError
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.protocol import (
    Computed,
    Count,
    Counted,
    Died,
    Failed,
    Forget,
    Loading,
    Message,
    Ready,
    Request,
    TermsComputed,
    TextComputed,
    decoded,
    encoded,
)  # fmt: skip
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.postprocess import PostProcess

RECIPE = Recipe("gem", "ViT-B-16", parameters=(("depth", 3),))


@pytest.mark.parametrize(
    "message",
    [
        Request("toy", RECIPE, ("a", "dining table_1"), prompt="a\ncat \x1b", urgent=False),
        Forget(),
        Count(7, "toy", "0123456789abcdef", 512, ("a", "é"), PostProcess(dilate=9, kernel="cross")),
        Counted(7, None),
        Loading("PyTorch"),
        Ready(RECIPE, Identity("f" * 64, "gem", (("depth", 3),)), "cuda:1"),
        Computed(RECIPE, "0123456789abcdef", ("é",)),
        Request("toy", RECIPE, ("a",), terms=True),
        TermsComputed(RECIPE, "0123456789abcdef", ("é",)),
        Failed("no", None, ()),
        Failed("no", RECIPE, ("a",)),
        Died("the heatmap worker was killed by SIGKILL"),
    ],
)
def test_a_message_survives_the_wire(message: Message) -> None:
    line = encoded(message)
    assert line.count(b"\n") == 1
    assert decoded(line) == message


def test_a_heatmap_survives_the_wire_exactly() -> None:
    heatmap = np.random.default_rng(0).random((3, 5), np.float32)
    back = decoded(encoded(TextComputed(RECIPE, "a", "a cat", heatmap)))
    assert isinstance(back, TextComputed)
    assert back.heatmap.dtype == np.float32
    np.testing.assert_array_equal(back.heatmap, heatmap)


def test_histograms_survive_the_wire_exactly() -> None:
    histograms = np.random.default_rng(0).integers(0, 2**32, (3, 256), np.uint32)
    found = decoded(encoded(Counted(7, histograms)))
    assert isinstance(found, Counted)
    assert found.histograms is not None
    assert found.histograms.dtype == np.uint32
    np.testing.assert_array_equal(found.histograms, histograms)


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\n", b"garbage", b"[]", b"3", b"{}", b'{"kind": "Explode"}', b'{"kind": "Loading"}',
        b'{"kind": "Request", "dataset": "toy", "recipe": {"method": 3}, "ids": []}', b"\xff\xfe",
        b'{"kind": "Counted", "number": 1, "histograms": {"shape": [1], "kind": "O", "data": "AAAA"}}',
    ],
)  # fmt: skip
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(ClipLocError):
        decoded(line)
