"""Where a heatmap comes from, and what is said in its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.truths import Truths
from cliploc.tui.answers import ScoresReady, Trouble
from cliploc.tui.state import Source
from cliploc.tui.studio.heatmaps import Heatmaps
from cliploc.tui.studio.scorer import Scorer


@pytest.mark.parametrize(("name", "why"), [("goo", "could be any of"), ("gooood", "did you mean good")])
def test_a_name_that_means_no_set_is_said_where_its_heatmap_would_be(
    toy: Dataset, tmp_path: Path, name: str, why: str
) -> None:
    import_npz(HeatmapStore(), tmp_path / "noisy.npz", toy, "gooey")
    answers: list[object] = []
    heatmaps, source = Heatmaps(toy, answers.append, "cpu"), Source(stored=name)
    heatmap, said = heatmaps.read(source, toy.samples[0], "")
    assert heatmap is None
    assert why in said
    assert [each.text for each in answers if isinstance(each, Trouble)] == [said]
    scorer = Scorer(toy, heatmaps, Truths(), answers.append, lambda *_: None)
    scorer.score(source, PostProcess(), lambda: False)
    assert [each.board for each in answers if isinstance(each, ScoresReady)] == [None]


def test_the_sets_of_the_present_dataset_are_meant_first(
    toy: Dataset, tmp_path: Path, make_folder: Callable[..., Path]
) -> None:
    other = open_dataset(str(make_folder(name="other")))
    np.savez(tmp_path / "x.npz", ids=[other.samples[0].id], heatmaps=np.ones((1, 4, 4), np.float32))
    import_npz(HeatmapStore(), tmp_path / "x.npz", other, "goo")
    import_npz(HeatmapStore(), tmp_path / "x.npz", other, "gooey")
    heatmaps = Heatmaps(toy, lambda answer: None, "cpu")
    found = heatmaps.set_of(Source(stored="goo"))
    assert found is not None
    assert found.name == "good"
