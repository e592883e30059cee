"""What is said of the machine is read, not guessed."""

from __future__ import annotations

import platform

import numpy as np

from cliploc.core.machine import machine
from cliploc.core.version import VERSION


def test_versions_are_those_of_what_is_installed() -> None:
    found = machine()
    assert found["cliploc"] == VERSION
    assert found["numpy"] == np.__version__
    assert found["Python"] == platform.python_version()


def test_everything_is_text_that_says_something() -> None:
    assert all(isinstance(value, str) and value for value in machine().values())
