"""When a key counts as held."""

from __future__ import annotations

import pytest

from cliploc.tui.widgets import rhythm
from cliploc.tui.widgets.rhythm import Rhythm


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(rhythm, "_now", lambda: now[0])
    return now


def asked(clock: list[float], pauses: list[float]) -> Rhythm:
    """A rhythm of which one picture was asked for at first, and one after each pause."""
    found = Rhythm()
    found.ask(0)
    for generation, pause in enumerate(pauses, 1):
        clock[0] += pause
        found.ask(generation)
    return found


def test_one_key_is_not_held(clock: list[float]) -> None:
    assert asked(clock, []).held_for(0) <= 0
    assert asked(clock, [5.0]).held_for(1) <= 0


def test_a_repeating_key_is_held_until_its_next_would_be_late(clock: list[float]) -> None:
    found = asked(clock, [0.03, 0.03])
    assert found.held_for(2) == pytest.approx(rhythm.PAUSES * 0.03)
    clock[0] += 0.1
    assert found.held_for(2) <= 0


def test_it_is_held_while_a_newer_picture_is_on_its_way_but_not_for_ever(clock: list[float]) -> None:
    found = asked(clock, [5.0])
    assert found.held_for(0) == pytest.approx(rhythm.COMING)
    clock[0] += 1.1 * rhythm.COMING
    assert found.held_for(0) <= 0


def test_the_same_generation_counts_once(clock: list[float]) -> None:
    found = asked(clock, [5.0])
    clock[0] += 0.01
    found.ask(1)
    assert found.held_for(1) <= 0
