"""A verdict is confirmed only where a test says so, and says why where it is anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from cliploc.core.postprocess import PostProcess
from cliploc.core.report.claims import (
    ADDS_NOTHING,
    BEST,
    CANNOT_TELL,
    CONFIRMED,
    COVERS,
    JOINS,
    MANY,
    NOT_CONFIRMED,
    ORDER,
    RAISES,
    Verdict,
    claims_table,
    verdicts,
)
from cliploc.core.report.findings import Findings, SetFindings, TunedConfig
from cliploc.core.report.parts import Parts
from cliploc.core.sweep.choosing import Paired, chosen, folds_of
from cliploc.core.sweep.compare import Comparison, SetComparison
from cliploc.core.sweep.statistics import average, holm
from tests.core.sweep.test_statistics import table_of

IMAGES = 120


def gain(difference: float, error: float = 0.005, sources: int = IMAGES) -> Paired:
    """A comparison with so large an error; none is known below 120 sources."""
    if sources < 120:
        return Paired(difference=difference, low=None, high=None, p=None, images=sources, sources=sources)
    reach = stats.t.ppf(0.975, sources - 1) * error
    p = float(2 * stats.t.sf(abs(difference / error), sources - 1))
    return Paired(
        difference=difference, low=difference - reach, high=difference + reach, p=p, images=sources,
        sources=sources,
    )  # fmt: skip


def found(method: str, adds: Paired, lead: Paired, whole: float = 0.1) -> SetFindings:
    """The findings of one set, as far as claims look at them."""
    cell = {"config": PostProcess().to_dict(), "mean_iou": 0.5}
    summary: Mapping[str, Any] = {
        "images": adds["images"], "sources": adds["sources"], "cross_validated": 0.5, "interval": (0.4, 0.61),
        "best": cell, "raw": None,
        "orders": [
            {**cell, "order": "none", "cross_validated": 0.4, "lead": lead, "gain": None},
            {**cell, "order": "dilate-erode", "cross_validated": 0.5, "lead": lead, "gain": adds},
        ],
        "baselines": [{"name": "whole image", "mean_iou": whole, "cross_validated": whole}],
    }  # fmt: skip
    best = TunedConfig(PostProcess(), 0.5, {})
    return SetFindings("run", method, method, None, summary, best, best, None, None, {})


def comparison(worths: Mapping[str, float]) -> SetComparison:
    """Sets of one cell each, worth so much on average."""
    random, tables = np.random.default_rng(0), {}
    for name, value in worths.items():
        tables[name] = table_of(np.clip(value + random.normal(0, 0.1, (IMAGES, 1)), 0, 1))
    ways = {f"run:{name}": chosen(table, folds_of(IMAGES, 0)) for name, table in tables.items()}
    return SetComparison({}, {}, None, (), ways, np.ones(IMAGES, np.int64))


def judged(
    sets: list[SetFindings],
    parts: Mapping[str, Parts] | None = None,
    duel: SetComparison | None = None,
    against: tuple[Comparison, ...] = (),
) -> dict[tuple[str, str], Verdict]:
    findings = Findings((), (), (), tuple(sets), duel, "there is nothing to compare", against, (), (), ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Findings, "is_posters", False)
        return {(one.method, one.claim): one for one in verdicts(findings, parts or {})}


def test_what_is_surely_more_is_confirmed_and_what_may_be_chance_is_not() -> None:
    sets = [found("gem", gain(0.05), gain(0.002)), found("textspan", gain(-0.05), gain(0.05))]
    verdict = judged(sets)
    assert verdict["GEM", RAISES].verdict == CONFIRMED
    assert verdict["GEM", RAISES].estimate == 0.05
    assert (verdict["GEM", ORDER].verdict, verdict["GEM", ORDER].why) == (NOT_CONFIRMED, "it may be chance")
    assert verdict["ClipTextSpan", RAISES].verdict == NOT_CONFIRMED
    assert verdict["ClipTextSpan", RAISES].why == "the opposite holds"


def test_all_claims_are_corrected_together() -> None:
    sets = [found("gem", gain(0.012), gain(0.02)), found("textspan", gain(0.05), gain(0.001))]
    tested = [one for one in judged(sets).values() if one.p is not None]
    raw = [gain(value)["p"] for value in (0.02, 0.012, 0.001, 0.05)]
    assert [one.p for one in tested] == pytest.approx(holm([raw[0], raw[1], raw[2], raw[3]]), abs=1e-3)
    assert raw[1] is not None
    assert raw[1] < 0.05
    assert all(one.images == one.sources == IMAGES for one in tested)


def test_too_few_sources_decide_nothing() -> None:
    verdict = judged([found("gem", gain(0.3, sources=40), gain(0.3, sources=40))])["GEM", RAISES]
    assert (verdict.verdict, verdict.estimate, verdict.low) == (CANNOT_TELL, 0.3, None)
    assert verdict.why == "40 source images are too few for an interval; 120 would do"


def test_nothing_is_claimed_of_a_method_that_the_whole_image_beats() -> None:
    verdict = judged([found("gem", gain(0.3), gain(0.3), whole=0.5)])
    mine = [one for (method, _), one in verdict.items() if method == "GEM"]
    assert {one.verdict for one in mine} == {CANNOT_TELL}
    assert all("does not beat the whole image" in one.why and one.estimate is None for one in mine)


@pytest.mark.parametrize(
    ("p", "words"), [(None, "too few to know whether"), (0.2, "by chance alone"), (0.001, "")]
)
def test_beating_the_whole_image_must_not_be_chance(p: float | None, words: str) -> None:
    against = (Comparison("run:gem", "whole image", gain(0.004), p),)
    verdict = judged([found("gem", gain(0.3), gain(0.3))], against=against)["GEM", RAISES]
    assert verdict.verdict == (CANNOT_TELL if words else CONFIRMED)
    assert words in verdict.why


def test_a_method_that_did_not_run_is_named() -> None:
    verdict = judged([found("gem", gain(0.3), gain(0.3))])
    assert verdict["Grad-CAM", ADDS_NOTHING].why == "Grad-CAM is not among the runs"
    assert verdict["Grad-CAM", ADDS_NOTHING].verdict == CANNOT_TELL


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [(0.0, CONFIRMED), (-0.02, CONFIRMED), (0.008, NOT_CONFIRMED), (0.05, NOT_CONFIRMED)],
)
def test_adding_nothing_must_be_shown_like_anything_else(difference: float, verdict: str) -> None:
    """Against the bound of 0.01: a small gain that may be larger is not nothing."""
    one = judged([found("gradcam", gain(difference, error=0.003), gain(0.0))])["Grad-CAM", ADDS_NOTHING]
    assert one.verdict == verdict
    expected = 2 * stats.t.sf(abs(difference - 0.01) / 0.003, IMAGES - 1)
    assert one.p == pytest.approx(expected, abs=2e-3)


def test_the_best_method_is_tested_against_the_choice_among_all_others() -> None:
    sets = [found(name, gain(0.0), gain(0.0)) for name in ("gem", "textspan", "gradcam")]
    for worths, verdict in (
        ({"gem": 0.7, "textspan": 0.4, "gradcam": 0.5}, CONFIRMED),
        ({"gem": 0.5, "textspan": 0.5, "gradcam": 0.5}, NOT_CONFIRMED),
        ({"gem": 0.4, "textspan": 0.5, "gradcam": 0.7}, NOT_CONFIRMED),
    ):
        duel = comparison(worths)
        one = judged(sets, duel=duel)["GEM", BEST]
        assert one.verdict == verdict
        best = max(worths[name] for name in ("textspan", "gradcam"))
        assert one.estimate == pytest.approx(worths["gem"] - best, abs=0.03)
    assert judged(sets)["GEM", BEST].why == "there is nothing to compare"
    assert judged(sets[:1], duel=comparison({"gem": 0.7}))["GEM", BEST].why == "it ran alone"


def test_parts_and_holes_are_judged_by_their_means() -> None:
    names = [f"{place:03d}" for place in range(IMAGES)]
    random = np.random.default_rng(1)
    counted = Parts(
        "GEM",
        {},
        extra=average(random.poisson(2, IMAGES), names),
        joined=average(random.poisson(1, IMAGES), names),
        covered=average(random.integers(-1, 2, IMAGES), names),
    )
    verdict = judged([found("gem", gain(0.0), gain(0.0))], {"gem": counted})
    assert [verdict["GEM", claim].verdict for claim in (MANY, JOINS)] == [CONFIRMED] * 2
    assert verdict["GEM", COVERS].verdict == NOT_CONFIRMED
    assert verdict["GEM", MANY].unit == "parts"
    untested = judged([found("gem", gain(0.0), gain(0.0))])["GEM", MANY]
    assert "not on this machine" in untested.why


def test_the_posters_figures_are_judged_beside_its_own_dataset_alone() -> None:
    sets = (found("gem", gain(0.04), gain(0.0)),)
    findings = Findings((), (), (), sets, None, "", (), (), (), tuple(map(str, range(416))))
    assert not any("0.60539" in one.claim for one in judged([findings.sets[0]]).values())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Findings, "is_posters", True)
        figures = {one.claim: one for one in verdicts(findings, {})}
    figure = figures["its mean IoU is 0.60539"]
    assert (figure.verdict, figure.estimate, figure.p) == (CONFIRMED, 0.5, None)
    percent = figures["dilation, then erosion adds 7.4 to 8.6 % of mean IoU"]
    assert percent.unit == "%"
    assert percent.estimate == pytest.approx(100 * 0.04 / 0.4)
    assert percent.verdict == CONFIRMED  # 10 % +- 2.5 %
    few = replace(findings, ids=("a", "b"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Findings, "is_posters", True)
        assert not any("0.60539" in one.claim for one in verdicts(few, {}))


def test_every_verdict_is_a_row() -> None:
    verdict = list(judged([found("gem", gain(0.05), gain(0.002))]).values())
    table = claims_table([*verdict, replace(verdict[0], estimate=0.1, low=0.05, high=0.2, images=7)])
    assert len(table.rows) == len(verdict) + 1
    assert str(table.rows[-1][3]) == "+0.1000 (+0.0500 to +0.2000)"
