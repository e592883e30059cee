"""The accelerator is right or is not used."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cliploc.core.errors import ParameterError, ResourceError
from cliploc.core.metrics import truth_of
from cliploc.core.sweep import accelerator
from cliploc.core.sweep.accelerator import agrees, engine_for, kernels_named
from cliploc.core.sweep.engine import Engine, Kernels
from cliploc.core.sweep.grid import Grid

pytest.importorskip("numba")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_compiled_histogram_is_bit_equal(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))
    codes = data.draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 100)))
    truth = data.draw(hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 128, 255])))
    found = kernels_named("numba").histogram(codes, truth, np.empty_like(codes))
    np.testing.assert_array_equal(found, np.bincount((codes | truth).ravel(), minlength=256))


def test_a_grid_has_the_same_counts_with_it() -> None:
    rng = np.random.default_rng(0)
    heatmap, truth = rng.random((14, 14), dtype=np.float32), truth_of(rng.random((100, 90)) < 0.3)
    configs = Grid(dilates=(1, 5, 21), erodes=(1, 5, 21)).configs
    plain = Engine(configs, kernels_named("opencv")).counts(heatmap, truth)
    fast = Engine(configs, kernels_named("numba")).counts(heatmap, truth)
    np.testing.assert_array_equal(plain.tp, fast.tp)
    np.testing.assert_array_equal(plain.predicted, fast.predicted)


class Wrong(Kernels):
    def histogram(self, codes: np.ndarray, truth: np.ndarray, joined: np.ndarray) -> np.ndarray:
        found = super().histogram(codes, truth, joined).copy()
        if len(codes) == 37:
            found[[7, 8]] += (1, -1)
        return found


def test_a_wrong_one_is_noticed_and_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from cliploc.core.sweep import compiled

    assert agrees(Kernels())
    assert not agrees(Wrong())
    monkeypatch.setattr(compiled, "Compiled", Wrong)
    accelerator._problem.cache_clear()
    try:
        assert engine_for("auto") == "opencv"
        assert type(kernels_named("numba")) is Kernels
        assert "differ" in caplog.text
        with pytest.raises(ResourceError, match="differ"):
            engine_for("numba")
    finally:
        accelerator._problem.cache_clear()


def test_without_numba_the_required_engine_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cliploc.core.sweep.compiled", None)
    accelerator._problem.cache_clear()
    try:
        assert engine_for("auto") == "opencv"
        with pytest.raises(ResourceError, match=r"cliploc\[fast\]"):
            engine_for("numba")
    finally:
        accelerator._problem.cache_clear()


def test_other_names_are_refused() -> None:
    with pytest.raises(ParameterError, match="numba"):
        engine_for("cuda")
