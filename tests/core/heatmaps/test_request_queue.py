"""The order of answers: the latest urgent request first."""

from __future__ import annotations

import threading

from cliploc.core.heatmaps.protocol import Count, Request
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.request_queue import KEPT, RequestQueue
from cliploc.core.postprocess import PostProcess


def request(*ids: str, urgent: bool = True, method: str = "gem") -> Request:
    return Request("toy", Recipe(method), ids, urgent=urgent)


def taken(request_queue: RequestQueue, count: int, limit: int = 1) -> list[tuple[str, ...]]:
    return [request_queue.take(limit).ids for _ in range(count)]


def test_the_latest_urgent_request_comes_first_and_the_rest_when_nothing_is_urgent() -> None:
    request_queue = RequestQueue()
    request_queue.add(request("a"))
    request_queue.add(request("n", urgent=False))
    request_queue.add(request("b", "c"))
    assert taken(request_queue, 4) == [("b",), ("c",), ("a",), ("n",)]


def test_an_urgent_request_comes_between_the_samples_of_a_long_one() -> None:
    request_queue = RequestQueue()
    request_queue.add(request(*"abcde", urgent=False))
    assert taken(request_queue, 1, limit=2) == [("a", "b")]
    request_queue.add(request("z"))
    assert taken(request_queue, 3, limit=2) == [("z",), ("c", "d"), ("e",)]


def test_requests_that_nobody_waits_for_any_more_are_dropped() -> None:
    request_queue = RequestQueue()
    for number in range(KEPT + 10):
        request_queue.add(request(str(number)))
    assert taken(request_queue, KEPT)[-1] == ("10",)
    request_queue.add(request("a"))
    request_queue.add(request("b", method="naclip"))
    request_queue.drop(Recipe("naclip"))
    assert taken(request_queue, 1) == [("a",)]
    request_queue.add(request("a"))
    request_queue.add(request("b", urgent=False))
    request_queue.drop()
    request_queue.add(request("c"))
    assert taken(request_queue, 1) == [("c",)]


def test_it_is_empty_when_nobody_waits() -> None:
    request_queue = RequestQueue()
    assert request_queue.is_empty()
    for each in (request("a"), request("n", urgent=False), Count(1, "toy", "key", 5, ("a",), PostProcess())):
        request_queue.add(each)
        assert not request_queue.is_empty()
        request_queue.take(1)
        assert request_queue.is_empty()


def test_taking_waits_for_a_request() -> None:
    request_queue, found = RequestQueue(), []
    thread = threading.Thread(target=lambda: found.append(request_queue.take(1).ids))
    thread.start()
    request_queue.add(request("a"))
    thread.join(30)
    assert found == [("a",)]


def test_what_is_to_be_counted_comes_after_who_waits_for_a_picture_and_before_the_rest() -> None:
    request_queue = RequestQueue()
    counts = [Count(number, "toy", "key", 5, tuple("abcde"), PostProcess()) for number in range(2)]
    for each in (request("n", urgent=False), *counts, request("a")):
        request_queue.add(each)
    request_queue.drop(Recipe("gem"))
    for each in (request("n", urgent=False), request("a")):
        request_queue.add(each)
    assert [request_queue.take(2) for _ in range(4)] == [
        request("a"), *counts, request("n", urgent=False),
    ]  # fmt: skip
