"""`pytest -m benchmark -s tests/benchmarks/test_methods.py`: cost and memory of the methods, printed."""

from __future__ import annotations

import sys

import pytest

from tests.benchmarks import methods_cost, methods_memory

pytestmark = pytest.mark.benchmark


def test_cost_over_a_plain_forward_in_cpu_time_on_one_thread() -> None:
    methods_cost.main([])


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's record of the peak")
def test_peak_memory_over_the_loaded_model() -> None:
    methods_memory.main([])
