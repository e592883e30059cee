"""The grid lists each computation once and says what it merged."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import fields

import pytest

from cliploc.core.errors import ParameterError
from cliploc.core.parameters import Parameter
from cliploc.core.postprocess import AXES, KERNELS, ORDERS, PostProcess
from cliploc.core.sweep.grid import Grid, axis_field, computation_of, parse_names, parse_range, steps_of


def test_the_posters_grid_has_39_million_cells_over_cocoglide() -> None:
    grid = Grid()
    assert len(grid.configs) == 3 * 16 * 16
    assert grid.merged == 0
    assert grid.cells * 512 == 39_321_600


def test_every_asked_combination_of_one_order_keeps_its_own_name() -> None:
    grid = Grid(("bilinear",), dilates=(1, 5), erodes=(1, 5))
    assert [(c.order, c.dilate, c.erode) for c in grid.configs] == [
        ("dilate-erode", d, e) for d in (1, 5) for e in (1, 5)
    ]


def test_combinations_that_are_one_computation_are_one_config() -> None:
    grid = Grid(("bilinear",), ORDERS, KERNELS, (1, 5), (1, 9))
    computations = [steps_of(config) for config in grid.configs]
    assert len(set(computations)) == len(computations)
    assert grid.merged + len(grid.configs) == grid.requested == 5 * 3 * 4
    assert () in computations


@pytest.mark.parametrize("parameter", AXES, ids=lambda parameter: parameter.name)
def test_every_value_of_every_axis_is_another_computation(parameter: Parameter) -> None:
    """Values that the engine does not know would be merged, and all scored as the first of them."""
    base = PostProcess("nearest", "dilate-erode", "square", 5, 9)
    values = {getattr(base, parameter.name), *(parameter.choices or range(11, 41, 2))}
    computations = {computation_of(base.with_(**{parameter.name: value})) for value in values}
    assert len(computations) == len(values) > 1


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("1:61:4", tuple(range(1, 62, 4))),
        ("41,51,61", (41, 51, 61)),
        ("61,41,41", (41, 61)),
        ("5", (5,)),
        ("1:5", (1, 3, 5)),
        ("1,41:61:10", (1, 41, 51, 61)),
    ],
)
def test_ranges_are_read(text: str, sides: tuple[int, ...]) -> None:
    assert parse_range(text) == sides


@pytest.mark.parametrize(
    "text", ["", "a", "1:b", "1:2:3:4", "9:1", "1:9:0", "1:9:-2", "4", "1:9:3", "0", "101"]
)
def test_bad_ranges_are_explained(text: str) -> None:
    with pytest.raises(ParameterError, match="erode"):
        parse_range(text, "erode")


@pytest.mark.parametrize(
    "text",
    ["1:999999999999:2", "-999999999999:5:2", "-999999999999:-1", "1:61:4,1:999999999999", "9" * 5000],
)
def test_ranges_of_absurd_length_are_refused_before_they_are_written_out(text: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ParameterError, match="dilate: found"):
            parse_range(text)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


def test_an_even_kernel_is_refused_with_the_reason() -> None:
    with pytest.raises(ParameterError, match="even kernel has no centre"):
        parse_range("2:10:2")


def test_names_are_read() -> None:
    assert parse_names("all", "order") == ORDERS
    assert parse_names("bilinear, nearest", "interpolation") == ("bilinear", "nearest")
    with pytest.raises(ParameterError, match="bilinear"):
        parse_names("bilinaer", "interpolation")


def test_a_grid_survives_json() -> None:
    grid = Grid(("nearest",), ("none", "dilate"), ("square", "cross"), (1, 41), (1,))
    assert Grid.from_dict(json.loads(json.dumps(grid.to_dict()))) == grid


def test_every_parameter_that_a_sweep_varies_is_an_axis_of_the_grid() -> None:
    assert {axis_field(axis.name) for axis in AXES} == {field.name for field in fields(Grid)}
    assert all(axis.plural for axis in AXES)


def test_an_axis_that_an_earlier_release_did_not_have_stood_at_its_default() -> None:
    before = {name: values for name, values in Grid().to_dict().items() if name != "kernels"}
    assert Grid.from_dict(before).kernels == ("square",)


def test_a_grid_checks_its_values() -> None:
    with pytest.raises(ParameterError):
        Grid(dilates=(4,))
    with pytest.raises(ParameterError):
        Grid(interpolations=())


def test_configs_leave_the_threshold_alone() -> None:
    assert {config.threshold for config in Grid().configs} == {PostProcess().threshold}
