"""Student's t, by Wallace's normal approximation: right to three digits from ten degrees of freedom on.

Quantile and tail are each other's exact inverse, so an interval excludes zero just where p is below
its level. Standard library only: the screen makes intervals too.
"""

from __future__ import annotations

import math
from statistics import NormalDist

_NORMAL = NormalDist()


def quantile(level: float, freedom: int) -> float:
    """The t beyond which lies (1 - level) / 2 on each side. level: in (0, 1); freedom: at least 1."""
    z = _NORMAL.inv_cdf((1 + level) / 2) / _factor(freedom)
    return math.sqrt(freedom * math.expm1(z * z / freedom))


def two_sided(t: float, freedom: int) -> float:
    """The probability of a t at least as far from zero."""
    z = math.sqrt(freedom * math.log1p(t * t / freedom)) * _factor(freedom)
    return 2 * _NORMAL.cdf(-z)


def _factor(freedom: int) -> float:
    return (8 * freedom + 1) / (8 * freedom + 3)


def confidence(value: float, error: float, freedom: int) -> tuple[float, float, float]:
    """The ends of the 95 % interval of a value with this standard error; p, two-sided, of zero."""
    reach = quantile(0.95, freedom) * error
    certain = 0.0 if value else 1.0  # without any spread, as between identical heatmaps
    return value - reach, value + reach, two_sided(value / error, freedom) if error else certain
