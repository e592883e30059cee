"""The optional faster engine (`cliploc[fast]`): the same bits, with a compiled histogram.

It proves itself bit-equal to the required engine before it is used, once in
every process; where it is missing or wrong, the required engine does the work.
"""

from __future__ import annotations

import logging
from functools import cache

import numpy as np

from cliploc.core.errors import ParameterError, ResourceError, clean
from cliploc.core.sweep.engine import Kernels

ENGINES = ("auto", "opencv", "numba")
log = logging.getLogger(__name__)


def engine_for(wish: str) -> str:
    """The engine to plan with: `numba` where it is installed and right, else `opencv`.

    ParameterError for another name, ResourceError when numba was asked for by name and cannot be had.
    """
    if wish not in ENGINES:
        raise ParameterError(f"engine: found {clean(wish)!r}, expected {', '.join(ENGINES)}")
    if wish == "opencv":
        return wish
    problem = _problem()
    if problem and wish == "numba":
        raise ResourceError(
            f"the numba engine cannot be used: {problem}; pip install 'cliploc[fast]', or --engine opencv"
        )
    return "opencv" if problem else "numba"


def kernels_named(name: str) -> Kernels:
    """The inner operations of an engine; where numba fails, the required ones, with a warning."""
    if name != "numba":
        return Kernels()
    problem = _problem()
    if problem:
        log.warning("numba engine not used here: %s", problem)
        return Kernels()
    from cliploc.core.sweep.compiled import Compiled

    return Compiled()


@cache
def _problem() -> str:
    """Why numba cannot be used in this process; empty when it can."""
    try:
        from cliploc.core.sweep.compiled import Compiled
    except ImportError as error:
        return f"it is not installed ({error})"
    return "" if agrees(Compiled()) else "its results differ from OpenCV's"


def agrees(kernels: Kernels) -> bool:
    """Whether kernels give OpenCV's counts, on noise and on flat areas of any size."""
    plain, random = Kernels(), np.random.default_rng(0)
    for height, width in ((1, 1), (3, 5), (50, 3), (37, 64), (64, 61)):
        noise = random.integers(0, 101, (height, width), dtype=np.uint8)
        truth = random.choice(np.array([0, 128, 255], np.uint8), (height, width))
        for codes in (noise, np.where(noise < 95, np.uint8(7), noise), np.full_like(noise, 100)):
            for mask in (truth, np.zeros_like(truth)):
                expected = plain.histogram(codes, mask, np.empty_like(codes))
                if not np.array_equal(kernels.histogram(codes, mask, np.empty_like(codes)), expected):
                    return False
    return True
