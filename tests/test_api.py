"""The public Python names: each has an example that runs (README and guide: test_docs.py)."""

from __future__ import annotations

import doctest
import importlib

import pytest

import cliploc

NAMES = sorted(cliploc._HOMES)
OPTIONS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


def checked(text: str, globals_: dict[str, object], name: str) -> None:
    """Run the examples of a docstring; a difference is shown as doctest shows it."""
    test = doctest.DocTestParser().get_doctest(text, globals_, name, None, 0)
    assert test.examples, f"{name} has no example"
    said: list[str] = []
    assert not doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=said.append).failed, "".join(said)


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_has_an_example_that_runs(name: str) -> None:
    home = importlib.import_module(cliploc._HOMES[name])
    thing = getattr(home, name)
    checked(thing.__doc__, {**vars(home)}, name)


def test_the_packages_own_example_runs() -> None:
    assert cliploc.__doc__
    checked(cliploc.__doc__, {}, "core")


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'swep'"):
        cliploc.swep  # noqa: B018
