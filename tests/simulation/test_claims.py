"""Every printed interval covers as often as it says, and nothing is claimed where nothing is to be found."""

from __future__ import annotations

import numpy as np
import pytest

from cliploc.core.sweep.choosing import chosen, folds_of, paired, worth
from cliploc.core.sweep.doubts import COMPARED_FROM, GAIN_FROM, LEAD_FROM
from cliploc.core.sweep.grid import Grid
from tests.simulation.population import natural
from tests.simulation.study import CASES, SEEDS, identical, now, sizes_of

pytestmark = pytest.mark.simulation

LOW, HIGH, CLAIMS = 0.93, 0.97, 0.065
CHANCE = 0.007  # two standard errors of a share of 4,000 data sets


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "images"), [(name, size) for name in CASES for size in sizes_of(name)])
def test_what_is_printed_is_as_sure_as_it_says(name: str, images: int, seed: int) -> None:
    line = now(CASES[name](), images, seed)
    print(f"\n{name}, {images} images, seed {seed}: {line}")
    enough = {"gain": GAIN_FROM, "an order": LEAD_FROM}
    if images < next((size for start, size in enough.items() if name.startswith(start)), COMPARED_FROM):
        assert line.gain is None
    else:
        assert line.gain is not None
        assert LOW - CHANCE <= line.gain <= HIGH + CHANCE
    assert line.worth is not None
    assert LOW - CHANCE <= line.worth <= HIGH + CHANCE
    if "none in truth" in name or "equally good" in name:
        assert (line.raises or 0.0) + (line.lowers or 0.0) <= CLAIMS


@pytest.mark.parametrize(("images", "shared"), [(120, 40), (120, 98), (512, 416)])
def test_identical_heatmaps_never_differ_however_many_images_each_covers(images: int, shared: int) -> None:
    assert identical(images, shared, seed=1, sets=100)[0] == 0.0


def test_a_grid_of_the_real_size() -> None:
    """768 configs at 100 thresholds, 120 images: the gain, and what the best of 76,800 cells is worth."""
    sides = tuple(range(1, 32, 2))
    population = natural(7, Grid(dilates=sides, erodes=sides), images=1500, every=1)
    random, truth = np.random.default_rng(1), population.truth
    covered, worths, sets = 0, 0, 200
    for number in range(sets):
        table = population.drawn(random, 120)
        folds = folds_of(120, number)
        first, second = chosen(table, folds), chosen(table.only(population.raw), folds)
        means = np.where(population.raw, -1, table.totals.sum(axis=0, dtype=np.int64))
        found = paired(first, second, table.sizes, table.totals[:, int(means.argmax())].astype(np.int64))
        value = worth(first, table.sizes)
        gain = truth[first.best] - truth[population.raw][second.best]
        assert found["low"] is not None
        assert found["high"] is not None
        assert value["low"] is not None
        assert value["high"] is not None
        covered += found["low"] <= gain <= found["high"]
        worths += value["low"] <= truth[first.best] <= value["high"]
    print(f"\nreal size: gain covered {covered / sets:.3f}, worth covered {worths / sets:.3f} of {sets}")
    assert 0.90 <= covered / sets <= 0.99
    assert 0.90 <= worths / sets <= 0.99
