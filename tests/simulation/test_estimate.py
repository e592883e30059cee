"""The interval beside a score that is still growing covers the exact one as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from cliploc.core.sweep.estimate import order_of, reach

pytestmark = pytest.mark.simulation

ORDERS = 2000


def population(seed: int, images: int) -> tuple[list[str], np.ndarray]:
    """IoUs as they are met: one to eight categories an image, alike within it, with a pile at 0."""
    random = np.random.default_rng(seed)
    sizes = 1 + random.poisson(1.8, images)
    of_image = np.repeat(random.normal(0.0, 0.8, images), sizes)
    values = 1 / (1 + np.exp(-(0.4 + of_image + random.normal(0.0, 0.9, sizes.sum()))))
    values[random.random(len(values)) < 0.08] = 0.0
    return [str(n) for n in np.repeat(np.arange(images), sizes)], values


@pytest.mark.parametrize("images", [512, 5000])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_it_covers_the_exact_value(images: int, share: float) -> None:
    sources, values = population(images, images)
    covered = 0
    for seed in range(ORDERS):
        order = order_of(sources, seed)
        done = int(order.ends[max(int(share * len(order.ends)), 40)])
        found = values[order.places[:done]]
        width = reach(found, order)
        assert width is not None
        covered += abs(found.mean() - values.mean()) <= width
    print(f"\n{images} images, {share:.0%} of them: {covered / ORDERS:.4f} of {ORDERS} orders")
    assert 0.935 <= covered / ORDERS <= 0.965
