"""A stranger finds a thing on the first guess: CONTRIBUTING names every module, in the module's own words."""

from __future__ import annotations

from tests.house_map import CONTRIBUTING, lines, written


def test_the_map_is_the_codes() -> None:
    assert CONTRIBUTING.read_text(encoding="utf-8") == written(), "write it: python -m tests.house_map"


def test_every_module_says_what_it_is() -> None:
    found = [line for line in lines() if line.startswith("- ")]
    assert len(found) > 250
    assert all(len(line.partition(": ")[2]) > 10 for line in found)
