"""The grid: which configs a sweep tries. The 100 thresholds are no axis, they come for free."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from cliploc.core.errors import ParameterError, clean, unknown
from cliploc.core.parameters import Value
from cliploc.core.postprocess import AXES, THRESHOLDS, PostProcess, parameter_named

MOST_CONFIGS = 1_000_000


@dataclass(frozen=True)
class Step:
    """One morphology step, ordered so that sides of the same kind ascend."""

    kernel: str
    name: str
    side: int

    def remaining(self, before: Step | None) -> int | None:
        """The side that leads from the result of `before` to this one; None where it does not."""
        if before is None or self.kernel != "square" or (before.kernel, before.name) != ("square", self.name):
            return None
        return self.side - before.side + 1 if before.side <= self.side else None


def steps_of(config: PostProcess) -> tuple[Step, ...]:
    """The morphology of a config as steps; configs with equal steps and interpolation are one computation."""
    return tuple(Step(config.kernel, name, side) for name, side in config.steps())


class Computation(NamedTuple):
    """What a config computes before its threshold: configs in which it is equal have equal counts."""

    on_map: PostProcess
    steps: tuple[Step, ...]


def computation_of(config: PostProcess) -> Computation:
    """The computation of a config."""
    return Computation(config.on_map, steps_of(config))


def parse_axis(text: str, name: str) -> tuple[Any, ...]:
    """The values of one axis as they are typed, see `parse_names` and `parse_range`."""
    return parse_names(text, name) if parameter_named(name).choices else parse_range(text, name)


def _usual(name: str) -> Any:  # noqa: ANN401  the values of any axis
    """The values that are tried unless somebody says otherwise."""
    return field(default_factory=lambda: parse_axis(parameter_named(name).axis, name))


@dataclass(frozen=True)
class Grid:
    """Every combination of the axes. Sides ascend; ParameterError for a value that no config allows.

    An axis is the plural of its parameter's name.
    """

    interpolations: tuple[str, ...] = _usual("interpolation")
    orders: tuple[str, ...] = _usual("order")
    kernels: tuple[str, ...] = _usual("kernel")
    dilates: tuple[int, ...] = _usual("dilate")
    erodes: tuple[int, ...] = _usual("erode")
    stretches: tuple[str, ...] = _usual("stretch")

    def __post_init__(self) -> None:
        for parameter in AXES:
            values = dict.fromkeys(parameter.check(value) for value in self.axis(parameter.name))
            if not values:
                raise ParameterError(f"{parameter.name}: found nothing, expected {parameter.range_text()}")
            ordered = values if parameter.choices else sorted(values)
            object.__setattr__(self, axis_field(parameter.name), tuple(ordered))
        if self.requested > MOST_CONFIGS:
            raise ParameterError(f"found {self.requested:,} configs, expected at most {MOST_CONFIGS:,}")

    def axis(self, name: str) -> tuple[Value, ...]:
        """What is tried of a parameter."""
        values: tuple[Value, ...] = getattr(self, axis_field(name))
        return values

    @property
    def requested(self) -> int:
        """How many combinations the axes have."""
        return math.prod(len(self.axis(parameter.name)) for parameter in AXES)

    @cached_property
    def configs(self) -> tuple[PostProcess, ...]:
        """The distinct configs, in the order of the axes.

        Combinations that are the same computation (order `none` with any
        kernel, a side of 1) are one config: the first of them, with the
        settings that it does not use at 1 and `square`.
        """
        found: dict[Computation, PostProcess] = {}
        names = [parameter.name for parameter in AXES]
        for values in itertools.product(*map(self.axis, names)):
            config = _without_unused(PostProcess(**dict(zip(names, values, strict=True))))  # type: ignore[arg-type]
            found.setdefault(computation_of(config), config)
        return tuple(found.values())

    @property
    def merged(self) -> int:
        """How many combinations were the same computation as an earlier one."""
        return self.requested - len(self.configs)

    @property
    def cells(self) -> int:
        """Distinct configs x thresholds."""
        return len(self.configs) * len(THRESHOLDS)

    def to_dict(self) -> dict[str, list[object]]:
        """Plain lists by axis."""
        return {name: list(values) for name, values in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, list[object]]) -> Grid:
        """The inverse of `to_dict`; an axis that an earlier release did not have stood at its default."""
        absent = {axis_field(axis.name): [axis.default] for axis in AXES}
        return cls(**{name: tuple(axis) for name, axis in {**absent, **values}.items()})  # type: ignore[arg-type]

    def with_(self, texts: Mapping[str, str]) -> Grid:
        """A copy with some axes as they are typed (`parse_range`, `parse_names`), by the parameter's name.

        >>> Grid().with_({"dilate": "1:9:4", "order": "none,dilate"}).dilates
        (1, 5, 9)
        """
        names = [parameter.name for parameter in AXES]
        for name in texts:
            if name not in names:
                raise unknown("axis of the grid", name, names)
        return replace(self, **{axis_field(name): parse_axis(text, name) for name, text in texts.items()})


def axis_field(name: str) -> str:
    """The field of Grid that holds what is tried of a parameter."""
    return f"{name}es" if name.endswith("ch") else f"{name}s"


def _without_unused(config: PostProcess) -> PostProcess:
    """Settings that change nothing get their neutral value; the order stays as it was asked for."""
    used = {name for name, _ in config.steps()}
    neutral = {"dilate", "erode", *(() if used else ("kernel",))} - used
    return config.with_(**{name: parameter_named(name).default for name in neutral})


def parse_range(text: str, name: str = "dilate") -> tuple[int, ...]:
    """Read kernel sides: `1:61:4` (both ends in), `41,51,61`, or a mix. ParameterError says what is wrong.

    name: whose sides they are, for the message.
    """
    parameter = parameter_named(name)
    sides: list[int] = []
    for part in text.split(","):
        try:
            numbers = [int(number) for number in part.split(":")]
        except ValueError:
            numbers = []
        if not 1 <= len(numbers) <= 3 or (len(numbers) == 3 and numbers[2] < 1):
            raise ParameterError(
                f"{name}: found {clean(text)!r}, expected sides like 41,51,61 or first:last:step like 1:61:4"
            )
        first, last, step = (*numbers, numbers[0], 2)[:3] if len(numbers) == 1 else (*numbers, 2)[:3]
        # One side beyond an end is enough to be refused; billions need not be written out.
        if first < parameter.low:
            parameter.check(first)
        sides.extend(range(first, int(min(last, parameter.high + step)) + 1, step))
    if not sides:
        raise ParameterError(f"{name}: {clean(text)!r} is an empty range; the first side comes first")
    return tuple(sorted({int(parameter.check(side)) for side in sides}))


def parse_names(text: str, name: str) -> tuple[str, ...]:
    """Read names of one axis (`bilinear,bicubic`, or `all`). ParameterError names the nearest known."""
    parameter = parameter_named(name)
    if text == "all":
        return parameter.choices
    return tuple(dict.fromkeys(str(parameter.check(part.strip())) for part in text.split(",")))
