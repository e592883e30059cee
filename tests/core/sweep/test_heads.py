"""Scores for choices of heads are those of the heatmaps that the choices give."""

from __future__ import annotations

import numpy as np
import pytest

import cliploc
from cliploc.core.datasets import Sample
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.terms import TermSet, heatmap_of
from cliploc.core.methods.head_switches import kept
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import between
from cliploc.core.sweep.heads import HeadScores, table_of
from tests.core.sweep.test_live import SHAPES, load_mask

CONFIGS = (PostProcess(), PostProcess(dilate=5, threshold=0.6))
CHOICES = (kept(2, 3), kept(2, 3, off="0.1,1.*"), kept(2, 3, layer=1), kept(2, 3, off="0.*,1.*"))


def term(index: int) -> np.ndarray:
    return np.random.default_rng(100 + index).standard_normal((2, 3, 6, 6)).astype(np.float32)


def sample_of(true_mask: np.ndarray) -> Sample:
    return Sample("one", "cat", image=lambda: np.zeros((1, 1, 3), np.uint8), true_mask=lambda: true_mask)


@pytest.fixture
def samples() -> list[Sample]:
    return [
        Sample(
            f"s{i}",
            "cat",
            image=lambda: np.zeros((1, 1, 3), np.uint8),
            true_mask=lambda i=i: load_mask(i),
        )
        for i in range(len(SHAPES))
    ]


@pytest.fixture
def terms() -> TermSet:
    made = TermSet(Identity("f" * 64, "textspan"))
    made.write({f"s{i}": term(i) for i in range(len(SHAPES))})
    return made


def of(terms: TermSet, index: int) -> np.ndarray:
    """What is kept of a sample."""
    found = terms.read(f"s{index}")
    assert found is not None
    return found


def test_the_mean_is_over_the_samples_for_every_choice(terms: TermSet, samples: list[Sample]) -> None:
    scores = HeadScores(terms, samples)
    assert scores.ids == ("s0", "s1", "s2", "s3")
    for chosen in (*CHOICES, CHOICES[0]):
        for config in CONFIGS:
            single = [
                cliploc.score(between(heatmap_of(of(terms, i), chosen)), load_mask(i), config)["mean_iou"]
                for i in range(len(SHAPES))
            ]
            assert scores.mean_iou(chosen, config) == pytest.approx(np.mean(single), abs=1e-12)
    scores.close()


def test_samples_without_terms_are_left_out(samples: list[Sample]) -> None:
    terms = TermSet(Identity("e" * 64, "textspan"))
    assert HeadScores(terms, samples).mean_iou(CHOICES[0], CONFIGS[0]) is None
    terms.write({"s2": term(2)})
    scores = HeadScores(terms, samples)
    wanted = cliploc.score(between(heatmap_of(of(terms, 2), CHOICES[0])), load_mask(2), CONFIGS[0])[
        "mean_iou"
    ]
    assert scores.ids == ("s2",)
    assert scores.mean_iou(CHOICES[0], CONFIGS[0]) == pytest.approx(wanted)
    scores.close()


def test_a_cancelled_question_has_no_answer_and_spoils_no_other(
    terms: TermSet, samples: list[Sample]
) -> None:
    scores = HeadScores(terms, samples)
    expected = scores.mean_iou(CHOICES[1], CONFIGS[0])
    for patience in (1, 6):
        fresh, asked = HeadScores(terms, samples), iter([False] * patience)
        assert fresh.mean_iou(CHOICES[1], CONFIGS[0], lambda asked=asked: next(asked, True)) is None
        assert fresh.mean_iou(CHOICES[1], CONFIGS[0]) == expected
        fresh.close()
    scores.close()


def test_each_head_of_a_sample_is_scored_alone(samples: list[Sample]) -> None:
    config = CONFIGS[1]
    table = table_of(term(1), samples[1], config)
    for layer in range(2):
        for head in range(3):
            alone = term(1)[layer, head]
            stretched = (alone - alone.min()) / np.ptp(alone)
            wanted = cliploc.score(stretched, load_mask(1), config)["mean_iou"]
            assert table.iou[layer][head] == pytest.approx(wanted)


def test_what_a_head_adds_inside_is_the_mean_over_the_true_cells() -> None:
    true_mask = np.zeros((60, 60), bool)
    true_mask[:10, :20] = True  # cells (0, 0) and (0, 1) of 6 x 6
    table = table_of(term(0), sample_of(true_mask), CONFIGS[0])
    np.testing.assert_allclose(table.inside, term(0)[:, :, 0, :2].mean(-1), rtol=1e-6)
    assert table_of(term(0), sample_of(np.zeros((60, 60), bool)), CONFIGS[0]).inside == ()
