"""Values between screen and studio, and pictures by their content."""

from __future__ import annotations

import io

import numpy as np
import pytest

from cliploc.tui.graphics.encode import encode
from cliploc.tui.studio.picture_cache import PictureCache
from cliploc.tui.studio.wire import Question, packed, received
from tests.tui.graphics.jobs import job, picture


def sent(*values: object) -> bytes:
    return b"".join(packed(value) for value in values)


def test_values_arrive_in_order() -> None:
    requests = [Question(1, "draw", (3, "star")), Question(2, "runs.poll")]
    assert list(received(io.BytesIO(sent(*requests)))) == requests


@pytest.mark.parametrize("missing", [1, 5, 20])
def test_a_value_that_was_cut_by_a_death_is_the_end(missing: int) -> None:
    data = sent("whole", "cut" * 20)
    assert list(received(io.BytesIO(data[:-missing]))) == ["whole"]


def test_a_job_and_its_frame_travel() -> None:
    before = encode(picture(1), job())
    (asked,) = received(io.BytesIO(sent(job(before=before.cells))))
    frame = encode(picture(2), asked)
    (answered,) = received(io.BytesIO(sent(frame)))
    assert vars(answered) == vars(frame)


def test_equal_pixels_are_one_plate_and_other_pixels_another() -> None:
    picture_cache = PictureCache()
    first = picture_cache.add(picture(1))
    assert picture_cache.add(picture(1)) == first
    assert picture_cache.add(picture(2)) != first
    assert picture_cache.add(picture(1, 32, 128)) != picture_cache.add(picture(1, 128, 32))
    found = picture_cache.get(first)
    assert found is not None
    assert np.array_equal(found, picture(1))


def test_plates_nobody_asks_for_make_room() -> None:
    size = picture(0).nbytes
    picture_cache = PictureCache(kept_bytes=3 * size)
    names = [picture_cache.add(picture(seed)) for seed in range(3)]
    assert picture_cache.get(names[0]) is not None
    picture_cache.add(picture(3))
    assert [picture_cache.get(name) is not None for name in names] == [True, False, True]
