"""The post-processing panel: value, place in its range and key of every parameter."""

from __future__ import annotations

from collections.abc import Mapping

from textual.reactive import reactive

from cliploc.core.parameters import Parameter, Value
from cliploc.core.postprocess import PARAMETERS, PostProcess, parameter_named
from cliploc.tui.keymap import shown
from cliploc.tui.widgets.by_line import Line, Runs
from cliploc.tui.widgets.sliding import Sliding

NAME_WIDTH = 14
VALUE_WIDTH, NUMBER_WIDTH = 14, 9
ARROWS = {"dilate-erode": "dilate → erode", "erode-dilate": "erode → dilate"}


class ParameterPanel(Sliding):
    """All parameters of the present config, one a line; in one line where there is no room."""

    config: reactive[PostProcess] = reactive(PostProcess)
    tuned: reactive[str] = reactive("")

    def __init__(self, keymap: Mapping[str, str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keymap = keymap

    def lines(self) -> list[Line]:
        if self.size.height < len(PARAMETERS):
            return [self._short()]
        lines: list[Line] = [self._line(parameter) for parameter in PARAMETERS]
        if self.tuned and self.size.height > len(PARAMETERS):
            lines.append(((self.tuned, "$accent"),))
        return lines

    def _short(self) -> Runs:
        names = [value_text(self.config, p.name) for p in self.config.said() if p.choices]
        text = "  ".join([*names, *self.config.numbers()])
        return (text, "$foreground"), ("  tuned" if self.tuned else "", "$accent")

    def _line(self, parameter: Parameter) -> Runs:
        name = parameter.name
        faded = not self.config.uses(name)
        up = self._keymap.get(f"{name}.up") or self._keymap.get(f"{name}.next", "")
        down = self._keymap.get(f"{name}.down") or self._keymap.get(f"{name}.previous", "")
        value_width, room = self._bar_of(parameter)
        bar = ((" " * room, ""),) if parameter.choices or room < 6 else self._bar(parameter, room)
        return (
            (name.ljust(NAME_WIDTH), "$dim"),
            (value_text(self.config, name).ljust(value_width), "$faint" if faded else "$foreground"),
            *bar,
            ("  ", ""),
            (shown(up), f"@click=\"screen.step('{name}', 1)\""),
            (" ", ""),
            (shown(down), f"@click=\"screen.step('{name}', -1)\""),
        )

    def named_at(self, y: int) -> str:
        """The parameter of a line."""
        is_whole = self.size.height >= len(PARAMETERS)
        return PARAMETERS[y].name if is_whole and 0 <= y < len(PARAMETERS) else ""

    def is_bar(self, name: str, x: int) -> bool:
        """Whether a column is on a parameter's bar."""
        parameter = parameter_named(name)
        value_width, room = self._bar_of(parameter)
        return not parameter.choices and 0 <= x - NAME_WIDTH - value_width < room

    def value_at(self, name: str, x: int) -> Value | None:
        """The value of a column of the bar."""
        parameter = parameter_named(name)
        value_width, room = self._bar_of(parameter)
        return parameter.at((x - NAME_WIDTH - value_width) / max(room - 1, 1))

    def _bar_of(self, parameter: Parameter) -> tuple[int, int]:
        """The width of the value, and that of the bar behind it."""
        value_width = VALUE_WIDTH if parameter.choices else NUMBER_WIDTH
        return value_width, max(self.size.width - NAME_WIDTH - value_width - 5, 0)

    def _bar(self, parameter: Parameter, width: int) -> Runs:
        value = getattr(self.config, parameter.name)
        place = (value - parameter.low) / (parameter.high - parameter.low)
        cut = round(place * (width - 1))
        return ("━" * cut + "●", "$primary"), ("─" * (width - 1 - cut), "$faint")


def value_text(config: PostProcess, name: str) -> str:
    """One parameter's value for people."""
    value = getattr(config, name)
    if name == "order":
        return ARROWS.get(config.order, config.order)
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, int):
        return f"{value} px" if value > 1 else "1 (off)"
    return str(value)
