"""Drawing a true mask: the tool, the cursor and the shape that is begun, as one frozen value.

Standard library only. A finished shape is handed out, and nothing is kept of it here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cliploc.tui.state import following

BOX, POLYGON, BRUSH = "box", "polygon", "brush"
TOOLS = (BOX, POLYGON, BRUSH)
STEPS = (1, 2, 4, 8, 16, 32)  # pixels
RADII = (1, 2, 4, 8, 12, 16, 24, 32, 48)  # pixels
CORNERS = 3

Point = tuple[int, int]


@dataclass(frozen=True)
class Shape:
    """What was drawn: points (x, y) in pixels. Of a box two corners, both inside it; radius: of a brush."""

    tool: str
    points: tuple[Point, ...]
    radius: int = 0


@dataclass(frozen=True)
class Marking:
    """width, height: of the picture. x, y: the cursor's pixel. points: of the shape that is begun."""

    width: int
    height: int
    x: int
    y: int
    tool: str = BOX
    step: int = 8
    radius: int = 8
    points: tuple[Point, ...] = ()

    @classmethod
    def begun(cls, width: int, height: int) -> Marking:
        """The cursor in the middle, with steps and a brush that suit the picture's size."""
        side = min(width, height)
        return cls(
            width,
            height,
            width // 2,
            height // 2,
            step=max(step for step in STEPS if step <= max(side // 32, 1)),
            radius=max(radius for radius in RADII if radius <= max(side // 24, 1)),
        )

    @property
    def shape(self) -> Shape:
        """What would be drawn if it were finished here."""
        points = self.points if self.tool == BRUSH and self.points else (*self.points, (self.x, self.y))
        return Shape(self.tool, points, self.radius if self.tool == BRUSH else 0)

    def moved(self, across: int, down: int) -> Marking:
        """The cursor so many steps on, inside the picture; a brush that is down draws."""
        return self.at(self.x + across * self.step, self.y + down * self.step)

    def at(self, x: int, y: int) -> Marking:
        """The cursor there, inside the picture; a brush that is down draws."""
        x, y = min(max(x, 0), self.width - 1), min(max(y, 0), self.height - 1)
        drawing = self.tool == BRUSH and self.points and self.points[-1] != (x, y)
        return replace(self, x=x, y=y, points=(*self.points, (x, y)) if drawing else self.points)

    def pressed(self) -> tuple[Marking, Shape | None]:
        """A corner of a box, a corner of a polygon, the brush down or up; a shape where that ends one."""
        if self.points and self.tool != POLYGON:
            return self.finished()
        here = (self.x, self.y)
        return (self if here in self.points[-1:] else replace(self, points=(*self.points, here))), None

    def finished(self) -> tuple[Marking, Shape | None]:
        """End the shape: None where there is none yet."""
        if not self.points:
            return self, None
        shape = self.shape
        if self.tool == POLYGON:
            shape = replace(shape, points=tuple(dict.fromkeys(shape.points)))
            if len(shape.points) < CORNERS:
                return self, None
        return self.dropped(), shape

    def dropped(self) -> Marking:
        """Without the shape that is begun."""
        return replace(self, points=())

    def retooled(self) -> Marking:
        """The next tool."""
        return replace(self.dropped(), tool=following(TOOLS, self.tool))

    def stepping(self, direction: int) -> Marking:
        """Longer steps, or shorter ones."""
        return replace(self, step=_next(STEPS, self.step, direction))

    def brushing(self, direction: int) -> Marking:
        """A wider brush, or a narrower one."""
        return replace(self, radius=_next(RADII, self.radius, direction))


def _next(values: tuple[int, ...], present: int, direction: int) -> int:
    return values[min(max(values.index(present) + direction, 0), len(values) - 1)]
