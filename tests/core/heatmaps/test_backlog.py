"""The order of answers: the latest urgent request first."""

from __future__ import annotations

import threading

from cliploc.core.heatmaps.backlog import KEPT, Backlog
from cliploc.core.heatmaps.protocol import Request
from cliploc.core.heatmaps.recipe import Recipe


def request(*ids: str, urgent: bool = True, method: str = "gem") -> Request:
    return Request("toy", Recipe(method), ids, urgent=urgent)


def taken(backlog: Backlog, count: int, limit: int = 1) -> list[tuple[str, ...]]:
    return [backlog.take(limit).ids for _ in range(count)]


def test_the_latest_urgent_request_comes_first_and_the_rest_when_nothing_is_urgent() -> None:
    backlog = Backlog()
    backlog.add(request("a"))
    backlog.add(request("n", urgent=False))
    backlog.add(request("b", "c"))
    assert taken(backlog, 4) == [("b",), ("c",), ("a",), ("n",)]


def test_an_urgent_request_comes_between_the_samples_of_a_long_one() -> None:
    backlog = Backlog()
    backlog.add(request(*"abcde", urgent=False))
    assert taken(backlog, 1, limit=2) == [("a", "b")]
    backlog.add(request("z"))
    assert taken(backlog, 3, limit=2) == [("z",), ("c", "d"), ("e",)]


def test_requests_that_nobody_waits_for_any_more_are_dropped() -> None:
    backlog = Backlog()
    for number in range(KEPT + 10):
        backlog.add(request(str(number)))
    assert taken(backlog, KEPT)[-1] == ("10",)
    backlog.add(request("a"))
    backlog.add(request("b", method="naclip"))
    backlog.drop(Recipe("naclip"))
    assert taken(backlog, 1) == [("a",)]
    backlog.add(request("a"))
    backlog.add(request("b", urgent=False))
    backlog.drop()
    backlog.add(request("c"))
    assert taken(backlog, 1) == [("c",)]


def test_taking_waits_for_a_request() -> None:
    backlog, found = Backlog(), []
    thread = threading.Thread(target=lambda: found.append(backlog.take(1).ids))
    thread.start()
    backlog.add(request("a"))
    thread.join(30)
    assert found == [("a",)]
