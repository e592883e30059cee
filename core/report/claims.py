"""The poster's claims, tested on what runs found: a verdict each, with what it stands on.

A claim is about a number above or below a bound. It is confirmed where the number lies
on its side and chance alone would hardly bring it there (p after Holm's correction for
all claims tested together); not confirmed where it was tested and is not; and nobody can
tell where there is no interval that covers as often as it says, or the method is not
known to point better than the whole image as a mask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cliploc.core.methods import METHODS
from cliploc.core.report import quoted
from cliploc.core.report.findings import Findings, SetFindings
from cliploc.core.report.morphology import SIGNIFICANT
from cliploc.core.report.parts import Parts
from cliploc.core.report.tables import Cell, Estimate, Number, Table, interval, number
from cliploc.core.sweep.doubts import COMPARED_FROM, GAIN_FROM, LEAD_FROM, WORTH_FROM, unbeaten
from cliploc.core.sweep.statistics import holm
from cliploc.core.sweep.student import quantile, two_sided

CONFIRMED, NOT_CONFIRMED, CANNOT_TELL = "confirmed", "not confirmed", "cannot tell"
NOTHING = 0.01  # mean IoU: what adds less counts as adding nothing
_CLOSING = "dilate-erode"
_WHOLE = "whole image"
_DIGITS = {"mean IoU": 4, "parts": 2, "holes": 2, "%": 1}  # by unit

BEST = "it localizes best"
ORDER = "dilation, then erosion is the best order"
RAISES = "dilation, then erosion raises mean IoU"
ADDS_NOTHING = f"dilation, then erosion adds nothing (less than {NOTHING:g} mean IoU)"
MANY = "without post-processing there are many separate localizations (parts more than objects have)"
JOINS = "dilation, then erosion joins separate localizations (parts fewer than before)"
COVERS = "dilation, then erosion covers holes (holes fewer than before)"


@dataclass(frozen=True)
class Verdict:
    """What was found about one claim of one method.

    estimate, low, high: the number it is about, in `unit`, with its 95 % interval; None where unknown.
    p: corrected by Holm for all claims. images, sources: what it was tested on. why: a sentence.
    """

    claim: str
    method: str
    verdict: str
    estimate: float | None
    low: float | None
    high: float | None
    unit: str
    p: float | None
    images: int
    sources: int
    why: str

    @property
    def cell(self) -> Estimate | None:
        """The estimate with its interval, as it is shown."""
        if self.estimate is None:
            return None
        digits = _DIGITS[self.unit]
        return Estimate(
            Number(self.estimate, digits, signed=True),
            interval(self.low, self.high, digits=digits, signed=True),
        )


@dataclass(frozen=True)
class _Test:
    """A claim before its verdict. enough: measured source images from which there is an interval.

    unknown: why nothing can be said. result: a `Paired` or an `Average`.
    """

    claim: str
    method: str
    unknown: str = ""
    result: Mapping[str, Any] | None = None
    enough: int = 0
    bound: float = 0.0
    above: bool = True
    unit: str = "mean IoU"
    measured: str = ""

    @property
    def value(self) -> float:
        assert self.result is not None  # asked for only where something was measured
        return float(self.result["difference"] if "difference" in self.result else self.result["mean"])

    @property
    def p(self) -> float | None:
        """Two-sided, of a value equal to the bound."""
        if self.unknown or self.result is None or self.result["low"] is None:
            return None
        if not self.bound:
            return float(self.result["p"])
        freedom = self.result["sources"] - 1
        error = (self.result["high"] - self.value) / quantile(0.95, freedom)
        return two_sided((self.value - self.bound) / error, freedom) if error else 0.0


def verdicts(findings: Findings, parts: Mapping[str, Parts]) -> tuple[Verdict, ...]:
    """Test every claim. parts: of each method's best set, by the method's name."""
    tests = [test for method in quoted.NETWORKS for test in _tests(findings, parts, method)]
    corrected = holm([test.p for test in tests])
    found = [_judged(test, p) for test, p in zip(tests, corrected, strict=True)]
    most = 2 * len(findings.ids) > quoted.DATASET["images"]
    return (*found, *(_figures(findings) if findings.is_posters and most else ()))


def _tests(findings: Findings, parts: Mapping[str, Parts], method: str) -> Iterator[_Test]:
    leader = next((found for found in findings.leaders if found.method == method), None)
    title = METHODS[method].title
    unknown = f"{title} is not among the runs" if leader is None else _pointless(findings, leader)
    if method == quoted.BEST:
        yield _best(findings, method, unknown)
    closing = leader.order(_CLOSING) if leader else None
    untried = unknown or ("" if closing else "the grid has no other order, or not this one")
    lead, gain = (closing["lead"], closing["gain"]) if closing else (None, None)
    if method == quoted.NO_GAIN:
        yield _Test(ADDS_NOTHING, title, untried, gain, GAIN_FROM, NOTHING, above=False)
    else:
        half = " (half of all; the others choose)"
        yield _Test(ORDER, title, untried, lead, LEAD_FROM // 2, measured=half)
        yield _Test(RAISES, title, untried, gain, GAIN_FROM)
    counted = parts.get(method)
    absent = unknown or ("" if counted else "its heatmaps, or the dataset, are not on this machine")
    extra, joined, covered = (counted.extra, counted.joined, counted.covered) if counted else (None,) * 3
    yield _Test(MANY, title, absent, extra, WORTH_FROM, unit="parts")
    yield _Test(JOINS, title, absent or untried, joined, WORTH_FROM, unit="parts")
    yield _Test(COVERS, title, absent or untried, covered, WORTH_FROM, unit="holes")


def _pointless(findings: Findings, leader: SetFindings) -> str:
    """Why a method's masks are not known to beat the whole image, "" if they are."""
    best = f"the best of {leader.title}"
    if _WHOLE in (one["name"] for one in unbeaten(leader.summary)):
        return f"{best} does not beat the whole image as a mask: it points at nothing"
    pairs = (pair for pair in findings.against if (pair.first, pair.second) == (leader.compared_as, _WHOLE))
    for pair in pairs:
        if pair.p_holm is None:
            sources = pair.result["sources"]
            return (
                f"{sources} source images are too few to know whether {best} beats the whole image as a "
                f"mask; {COMPARED_FROM} would do"
            )
        if pair.p_holm >= SIGNIFICANT:
            return f"{best} may beat the whole image as a mask by chance alone"
    return ""


def _best(findings: Findings, method: str, unknown: str) -> _Test:
    """The choice among the method's sets against the choice among all others', inside the folds."""
    title = METHODS[method].title
    own, others = (
        [found.compared_as for found in findings.sets if (found.method == method) == mine]
        for mine in (True, False)
    )
    comparison = findings.comparison
    if not unknown:
        unknown = findings.without_pairs if comparison is None else "" if others else "it ran alone"
    result = comparison.lead(own, others) if comparison is not None and not unknown else None
    return _Test(BEST, title, unknown, result, COMPARED_FROM)


def _judged(test: _Test, p: float | None) -> Verdict:
    result = test.result
    if test.unknown or result is None:
        why = test.unknown or "not measured"
        return Verdict(test.claim, test.method, CANNOT_TELL, None, None, None, test.unit, None, 0, 0, why)
    if p is None:
        verdict = CANNOT_TELL
        why = (
            f"{result['sources']} source images{test.measured} are too few for an interval; "
            f"{test.enough} would do"
        )
    else:
        on_its_side = (test.value > test.bound) == test.above
        verdict = CONFIRMED if p < SIGNIFICANT and on_its_side else NOT_CONFIRMED
        why = "" if verdict == CONFIRMED else "it may be chance" if p >= SIGNIFICANT else "the opposite holds"
    return Verdict(
        test.claim, test.method, verdict, test.value, result["low"], result["high"], test.unit, p,
        result["images"], result["sources"], why,
    )  # fmt: skip


def _figures(findings: Findings) -> Iterator[Verdict]:
    """The figures that the poster gives, of its own dataset: confirmed where the interval holds them."""
    for leader in findings.leaders:
        figure = quoted.MEAN_IOU.get(leader.method)
        if figure is not None and leader.summary["interval"] is not None:
            ends = leader.summary["interval"]
            yield _figure(leader, f"its mean IoU is {figure}", leader.validated, ends, (figure, figure))
        closing = leader.order(_CLOSING)
        if leader.method in quoted.NETWORKS and leader.method != quoted.NO_GAIN and closing:
            gain, without = closing["gain"], leader.order("none")
            if gain and gain["low"] is not None and without:
                values = [
                    100 * gain[name] / without["cross_validated"] for name in ("difference", "low", "high")
                ]
                low, high = quoted.GAIN_PERCENT
                claim = f"dilation, then erosion adds {low} to {high} % of mean IoU"
                yield _figure(leader, claim, values[0], (values[1], values[2]), quoted.GAIN_PERCENT, "%")


def _figure(
    found: SetFindings,
    claim: str,
    value: float,
    ends: Sequence[float],
    quoted_range: tuple[float, float],
    unit: str = "mean IoU",
) -> Verdict:
    holds = ends[0] <= quoted_range[1] and quoted_range[0] <= ends[1]
    why = f"the interval {'holds' if holds else 'does not hold'} it"
    summary = found.summary
    return Verdict(
        claim, found.title, CONFIRMED if holds else NOT_CONFIRMED, value, ends[0], ends[1], unit, None,
        summary["images"], summary["sources"], why,
    )  # fmt: skip


def claims_table(found: Sequence[Verdict]) -> Table:
    """The verdicts, for the page."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            one.method,
            one.claim,
            one.verdict,
            one.cell,
            one.unit,
            number(one.p),
            Number(one.images, 0) if one.images else None,
            one.why or None,
        )
        for one in found
    )
    tested = sum(one.p is not None for one in found)
    caption = (
        "Each method with its better prompt, which was chosen by these numbers. Mean IoU: differences of "
        "cross-validated values, against the choice among all other methods, or among the cells without "
        "morphology; against all other orders chosen on one half of the source images and measured on the "
        "other. Parts and holes: differences per image at the best cells, which "
        "were chosen on the same images. With 95 % intervals over source images; p is corrected by Holm for "
        f"the {tested} tests of this table; below {SIGNIFICANT} a claim is confirmed, or its opposite holds."
    )
    columns = ("method", "claim", "verdict", "estimate", "of", "p (Holm)", "images", "why")
    return Table("claims", "The poster's claims.", caption, columns, rows).without_empty_columns()
