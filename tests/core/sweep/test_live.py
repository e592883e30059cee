"""Live scores are the scores, whatever was computed before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from cliploc.core.codes import codes_for
from cliploc.core.datasets import Sample
from cliploc.core.errors import DatasetError
from cliploc.core.metrics import Counts, counts_of, histogram_of, stacked, truth_of
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep import live as live_module
from cliploc.core.sweep.live import LiveScores

SHAPES = [(40, 30), (64, 64), (17, 23), (64, 64)]
WALK = [
    PostProcess(),
    PostProcess(dilate=9, erode=9),
    PostProcess(dilate=9, erode=13),
    PostProcess(dilate=5, erode=13),
    PostProcess(dilate=5, erode=3),
    PostProcess(dilate=13, erode=3, interpolation="bicubic"),
    PostProcess(dilate=13, erode=3, order="erode-dilate"),
    PostProcess(dilate=7, erode=3, kernel="ellipse"),
    PostProcess(dilate=9, erode=3, kernel="ellipse"),
    PostProcess(dilate=9, erode=9),
]


def load_mask(index: int) -> np.ndarray:
    return np.random.default_rng(index).random(SHAPES[index]) < 0.3


@pytest.fixture
def samples() -> list[Sample]:
    def mask(index: int) -> np.ndarray:
        return load_mask(index)

    return [
        Sample(f"s{i}", "cat", image=lambda: np.zeros((1, 1, 3), np.uint8), true_mask=lambda i=i: mask(i))
        for i in range(len(SHAPES))
    ]


@pytest.fixture
def heatmaps() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(9)
    return {f"s{i}": rng.random((6, 6), dtype=np.float32) for i in range(len(SHAPES))}


def expected(heatmaps: dict[str, np.ndarray], config: PostProcess) -> Counts:
    return stacked(
        counts_of(codes_for(heatmaps[f"s{i}"], shape, config), load_mask(i)) for i, shape in enumerate(SHAPES)
    )


@pytest.fixture(params=[1 << 29, 40_000, 10], ids=["roomy", "tight", "nothing fits"])
def live(
    request: pytest.FixtureRequest, heatmaps: dict[str, np.ndarray], samples: list[Sample]
) -> Iterator[LiveScores]:
    scores = LiveScores(heatmaps, samples, threads=2, cache_bytes=request.param)
    yield scores
    scores.close()


def test_a_walk_through_configs_is_right_at_every_stop(
    live: LiveScores, heatmaps: dict[str, np.ndarray]
) -> None:
    for config in WALK:
        counts = live.counts(config)
        assert counts is not None
        wanted = expected(heatmaps, config)
        np.testing.assert_array_equal(counts.tp, wanted.tp)
        np.testing.assert_array_equal(counts.predicted, wanted.predicted)
        np.testing.assert_array_equal(counts.area, wanted.area)


def test_a_threshold_costs_nothing(live: LiveScores) -> None:
    assert live.counts(PostProcess(dilate=9)) is live.counts(PostProcess(dilate=9, threshold=0.9))


def test_other_heatmaps_of_the_same_samples_give_their_own_scores(
    live: LiveScores, heatmaps: dict[str, np.ndarray]
) -> None:
    config = PostProcess(dilate=9)
    live.counts(config)
    other = {id_: 1 - heatmap for id_, heatmap in heatmaps.items()}
    live.renew(other)
    counts = live.counts(config)
    assert counts is not None
    np.testing.assert_array_equal(counts.tp, expected(other, config).tp)


def test_samples_without_a_heatmap_are_left_out(
    heatmaps: dict[str, np.ndarray], samples: list[Sample]
) -> None:
    del heatmaps["s1"]
    scores = LiveScores(heatmaps, samples)
    counts = scores.counts(PostProcess())
    assert scores.ids == ("s0", "s2", "s3")
    assert counts is not None
    assert counts.tp.shape == (3, 100)


def test_no_heatmaps_at_all_are_no_rows(samples: list[Sample]) -> None:
    counts = LiveScores({}, samples).counts(PostProcess())
    assert counts is not None
    assert counts.tp.shape == (0, 100)


def test_a_cancelled_question_has_no_answer_and_spoils_no_other(
    live: LiveScores, heatmaps: dict[str, np.ndarray]
) -> None:
    asked = iter([False, False, True])
    config = PostProcess(dilate=9, erode=9)
    assert live.counts(config, lambda: next(asked, True)) is None
    counts = live.counts(config)
    assert counts is not None
    np.testing.assert_array_equal(counts.tp, expected(heatmaps, config).tp)


MANY = 300


class Others:
    """Somebody who counts elsewhere, and says so late, never, or that it cannot be done."""

    def __init__(self, heatmaps: dict[str, np.ndarray], after: int) -> None:
        self._heatmaps, self._after = heatmaps, after
        self.asked: list[tuple[list[str], PostProcess]] = []
        self._out: list[tuple[Future[np.ndarray | None], np.ndarray | None]] = []
        self.can, self.are_there = True, True

    def __call__(self, ids: Sequence[str], config: PostProcess) -> Future[np.ndarray | None] | None:
        if not self.are_there:
            return None
        self.asked.append((list(ids), config))
        future: Future[np.ndarray | None] = Future()
        planes = [codes_for(self._heatmaps[id_], (20, 20), config) for id_ in ids]
        found = np.array([histogram_of(*each) for each in zip(planes, map(truth, ids), strict=True)])
        self._out.append((future, found if self.can else None))
        return future

    def tick(self) -> None:
        """Answer what was asked some ticks ago."""
        if len(self.asked) and self._out and self._after <= 0:
            future, found = self._out.pop(0)
            future.set_result(found)
        self._after -= 1


def truth(id_: str) -> np.ndarray:
    return truth_of(mask_of(id_))


def mask_of(id_: str) -> np.ndarray:
    return np.random.default_rng(int(id_)).random((20, 20)) < 0.3


def are_right(
    counts: Counts, places: Iterable[int], config: PostProcess, heatmaps: dict[str, np.ndarray]
) -> None:
    for place in places:
        wanted = counts_of(codes_for(heatmaps[str(place)], (20, 20), config), mask_of(str(place)))
        np.testing.assert_array_equal(counts.tp[place], wanted.tp)
        np.testing.assert_array_equal(counts.predicted[place], wanted.predicted)


@pytest.fixture
def many() -> tuple[dict[str, np.ndarray], list[Sample]]:
    ids = [str(number) for number in range(MANY)]
    samples = [
        Sample(
            id_,
            "cat",
            image=lambda: np.zeros((1, 1, 3), np.uint8),
            true_mask=lambda id_=id_: mask_of(id_),
        )
        for id_ in ids
    ]
    return {id_: np.random.default_rng(int(id_) + 7).random((6, 6), np.float32) for id_ in ids}, samples


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are asked from the first moment on, for little, and little is counted here."""
    monkeypatch.setattr(live_module, "ALONE", -1.0)
    monkeypatch.setattr(live_module, "WORTH", 0.0)
    monkeypatch.setattr(live_module, "FIRST_BLOCK", 20)
    monkeypatch.setattr(live_module, "SLICE", 0.0)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("after", [0, 1, 5, 100])
@pytest.mark.parametrize("can", [True, False])
@pytest.mark.parametrize("sources", [1, 4])
def test_whoever_counts_a_sample_the_scores_are_the_same(
    after: int, can: bool, sources: int, many: tuple[dict[str, np.ndarray], list[Sample]]
) -> None:
    heatmaps, samples = many
    others, config = Others(heatmaps, after), PostProcess(dilate=5)
    others.can = can
    of_source = {id_: str(int(id_) // sources) for id_ in heatmaps}
    with closing(LiveScores(heatmaps, samples, sources=of_source, threads=1, elsewhere=others)) as live:
        done = 0
        for places, counts in live.growing(config):
            assert len(places) >= (done if can else 0)
            done = len(places)
            are_right(counts, places.tolist(), config, heatmaps)  # all that is said to be counted
            assert done == MANY or live.order.until(done) * sources == done  # whole sources
            others.tick()
        assert done == MANY
    assert others.asked
    if not can:
        assert len(others.asked) == 1, "they are not asked again"


@pytest.mark.usefixtures("at_once")
def test_others_count_the_last_of_the_order_and_the_same_again_under_the_next_config(
    many: tuple[dict[str, np.ndarray], list[Sample]],
) -> None:
    """They keep planes of what they counted."""
    heatmaps, samples = many
    others = Others(heatmaps, 0)
    with closing(LiveScores(heatmaps, samples, threads=1, elsewhere=others)) as live:
        order = [live.ids[place] for place in live.order.places]
        for config in (PostProcess(dilate=5), PostProcess(dilate=9)):
            for _ in live.growing(config):
                others.tick()
            asked = [id_ for ids, of in reversed(others.asked) if of == config for id_ in ids]
            assert asked
            assert asked == order[-len(asked) :]


@pytest.mark.usefixtures("at_once")
def test_an_answer_that_comes_after_other_keys_is_not_lost_and_not_mixed_up(
    many: tuple[dict[str, np.ndarray], list[Sample]],
) -> None:
    heatmaps, samples = many
    first, second = PostProcess(dilate=5), PostProcess(dilate=9)
    others = Others(heatmaps, 3)
    with closing(LiveScores(heatmaps, samples, threads=1, elsewhere=others)) as live:
        growing = live.growing(first)
        for _ in range(3):
            next(growing)
        asked = others.asked[0]
        for places, _ in live.growing(second):
            if len(places) < MANY:
                others.tick()
        for _ in live.growing(first):
            others.tick()
        counts = live.counts(first)
        assert counts is not None
        assert next(each for each in others.asked if each[1] == first) == asked
        are_right(counts, range(MANY), first, heatmaps)


@pytest.mark.usefixtures("at_once")
def test_who_never_answers_is_not_waited_for(
    many: tuple[dict[str, np.ndarray], list[Sample]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "PATIENCE", 0.0)
    heatmaps, samples = many
    others, config = Others(heatmaps, 0), PostProcess(dilate=5)
    with closing(LiveScores(heatmaps, samples, threads=1, elsewhere=others)) as live:
        counts = live.counts(config)
        assert len(others.asked) == 1
        assert live.counts(PostProcess(dilate=9)) is not None
        assert len(others.asked) == 1, "they are asked one thing at a time"
        others.tick()
        assert live.counts(PostProcess(dilate=7)) is not None
        assert len(others.asked) == 2, "who was late once is asked under the next config"
    assert counts is not None
    are_right(counts, range(MANY), config, heatmaps)


@pytest.mark.usefixtures("at_once")
def test_who_dies_is_asked_again_under_the_next_config(
    many: tuple[dict[str, np.ndarray], list[Sample]],
) -> None:
    heatmaps, samples = many
    asked: list[PostProcess] = []

    def dead(ids: Sequence[str], config: PostProcess) -> Future[np.ndarray | None]:
        asked.append(config)
        future: Future[np.ndarray | None] = Future()
        future.cancel()
        return future

    with closing(LiveScores(heatmaps, samples, threads=1, elsewhere=dead)) as live:
        for config in (PostProcess(dilate=5), PostProcess(dilate=9)):
            counts = live.counts(config)
            assert counts is not None
            assert (counts.pixels == 400).all()
            assert config in asked


@pytest.mark.usefixtures("at_once")
def test_answers_to_what_nobody_looks_at_any_more_do_not_pile_up(
    many: tuple[dict[str, np.ndarray], list[Sample]],
) -> None:
    heatmaps, samples = many
    others = Others(heatmaps, 0)
    with closing(LiveScores(heatmaps, samples, threads=1, elsewhere=others)) as live:
        for dilate in range(1, 21, 2):
            growing = live.growing(PostProcess(dilate=dilate))
            for _ in range(3):
                next(growing)
            others.tick()
        assert len(others.asked) == 10
        assert sum(each.block is not None for each in live._counts.values()) == 1


@pytest.mark.usefixtures("at_once")
def test_where_nobody_else_is_everything_is_counted_here(
    many: tuple[dict[str, np.ndarray], list[Sample]],
) -> None:
    heatmaps, samples = many
    others = Others(heatmaps, 0)
    others.are_there = False
    with closing(LiveScores(heatmaps, samples, threads=1, elsewhere=others)) as live:
        counts = live.counts(PostProcess())
    assert counts is not None
    assert not others.asked


def test_what_is_done_soon_is_counted_here(many: tuple[dict[str, np.ndarray], list[Sample]]) -> None:
    heatmaps, samples = many
    others = Others(heatmaps, 0)
    with closing(LiveScores(heatmaps, samples, threads=1, elsewhere=others)) as live:
        assert live.counts(PostProcess()) is not None
    assert not others.asked


@pytest.mark.usefixtures("at_once")
def test_a_mask_that_cannot_be_read_is_said_each_time(
    many: tuple[dict[str, np.ndarray], list[Sample]],
) -> None:
    """What failed here does not count as counted when it is asked again."""
    heatmaps, samples = many
    broken = [True]

    def mask() -> np.ndarray:
        if broken[0]:
            raise DatasetError("gone")
        return mask_of("250")

    samples[250] = replace(samples[250], true_mask=mask)
    with closing(LiveScores(heatmaps, samples, threads=1)) as live:
        for _ in range(2):
            with pytest.raises(DatasetError, match="gone"):
                live.counts(PostProcess())
        broken[0] = False
        counts = live.counts(PostProcess())
    assert counts is not None
    assert (counts.pixels == 400).all()
