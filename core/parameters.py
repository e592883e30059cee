"""Parameters: what a user can set, declared once.

A `Parameter` says name, type, range, step and help. Keys, command-line flags,
the parameter panel, presets and the docs are all rendered from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cliploc.core.errors import ParameterError, clean, unknown

Value = bool | int | float | str


@dataclass(frozen=True)
class Parameter:
    """One setting. The type is the default's: bool, int, float or str.

    choices: the allowed strings (a str parameter without choices is free text).
    low, high: inclusive bounds of a number. step: what one key press moves.
    odd: only odd integers are allowed. canonical: puts a free text into its one form, so
    that equal choices are equal values; ParameterError for a text that it does not understand.

    Of a post-processing parameter: stage: what it acts on, `map` or `codes`. axis: what a sweep
    tries of it by default, as it is typed ("" for what no sweep varies), under the heading `plural`.
    keys: of the explorer, one step on and one back, each with what it does in words. letter: its name
    where there is little room. quiet: it is said only where it is not the default.
    """

    name: str
    help: str
    default: Value
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    step: float = 1
    odd: bool = False
    canonical: Callable[[str], str] | None = None
    stage: str = ""
    axis: str = ""
    plural: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    letter: str = ""
    quiet: bool = False

    def check(self, value: object) -> Value:
        """Return `value` in the parameter's type; ParameterError says what is allowed."""
        if isinstance(self.default, bool):
            return self._check_bool(value)
        if isinstance(self.default, str):
            return self._check_text(value)
        return self._check_number(value)

    def parse(self, text: str) -> Value:
        """Read a value as it is typed on a command line or in a settings file."""
        if isinstance(self.default, bool):
            if text.lower() not in _BOOLS:
                raise ParameterError(f"{self.name}: found {clean(text)!r}, expected yes or no")
            return _BOOLS[text.lower()]
        if isinstance(self.default, str):
            return self.check(text)
        try:
            return self.check(int(text) if isinstance(self.default, int) else float(text))
        except ValueError:
            raise ParameterError(
                f"{self.name}: found {clean(text)!r}, expected {self.range_text()}"
            ) from None

    def stepped(self, value: Value, steps: int) -> Value:
        """Move by `steps`: numbers stop at their bounds, choices and switches go round."""
        if isinstance(self.default, bool):
            return bool(value) ^ bool(steps % 2)
        if self.choices:
            return self.choices[(self.choices.index(str(value)) + steps) % len(self.choices)]
        if isinstance(value, str):
            return value
        moved = min(max(value + steps * self.step, self.low), self.high)
        return int(moved) if isinstance(self.default, int) else moved

    def at(self, place: float) -> int | float:
        """Of a number with bounds: the value of a step nearest to a place in [0, 1] of the range."""
        steps = round(min(max(place, 0.0), 1.0) * (self.high - self.low) / self.step)
        value = min(self.low + steps * self.step, self.high)
        return int(value) if isinstance(self.default, int) else value

    def range_text(self) -> str:
        """The allowed values, for people: `1 to 99, odd` or `nearest, bilinear, bicubic`."""
        if isinstance(self.default, bool):
            return "yes or no"
        if self.choices:
            return ", ".join(self.choices)
        if isinstance(self.default, str):
            return "text"
        text = f"{self.low:g} to {self.high:g}"
        return f"{text}, odd" if self.odd else text

    def _check_bool(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise ParameterError(f"{self.name}: found {clean(value)!r}, expected yes or no")
        return value

    def _check_text(self, value: object) -> str:
        if not isinstance(value, str):
            raise ParameterError(f"{self.name}: found {clean(value)!r}, expected {self.range_text()}")
        if self.choices and value not in self.choices:
            raise unknown(self.name, value, self.choices)
        return value if self.canonical is None else self.canonical(value)

    def _check_number(self, value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ParameterError(f"{self.name}: found {clean(value)!r}, expected {self.range_text()}")
        if isinstance(self.default, int) and value != int(value):
            raise ParameterError(f"{self.name}: found {value}, expected a whole number, {self.range_text()}")
        if not self.low <= value <= self.high:
            raise ParameterError(f"{self.name}: found {value}, expected {self.range_text()}")
        if self.odd and value % 2 == 0:
            raise ParameterError(
                f"{self.name}: found {value}, expected an odd number ({self.range_text()}): "
                "an even kernel has no centre and would shift the mask"
            )
        return int(value) if isinstance(self.default, int) else float(value)


def checked(parameters: Sequence[Parameter], values: Mapping[str, object]) -> dict[str, Value]:
    """Every parameter's value: the given one, checked, or its default. Unknown names are errors."""
    known = {parameter.name: parameter for parameter in parameters}
    for name in values:
        if name not in known:
            raise unknown("parameter", name, known)
    return {name: p.check(values.get(name, p.default)) for name, p in known.items()}


_BOOLS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
