"""PostProcess: the one parameter object from a heatmap to a mask.

The keyboard changes it, the sweep enumerates it, the ledger stores it, a
preset saves it and the command line parses it. Standard library only, so that
the screen can hold one before numpy is loaded; `cliploc.core.codes` applies it.

The rules, written down once:
- thresholds are `linspace(0, 1, 100)`, and a config's threshold is always one
  of them (the nearest is taken); a pixel is in the mask where
  map value >= threshold, compared in float64;
- the map is the heatmap stretched, interpolated to image size and clipped to [0, 1]
  (`cliploc.core.stretch` has the ways to stretch);
- dilation and erosion ignore pixels outside the image (OpenCV's border rule);
- kernels have odd sides, in pixels of the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache

from cliploc.core.errors import unknown
from cliploc.core.parameters import Parameter, Value

_STEP = 1.0 / 99
# Bit-equal to numpy.linspace(0, 1, 100), without importing numpy.
THRESHOLDS: tuple[float, ...] = (*(index * _STEP for index in range(99)), 1.0)

INTERPOLATIONS = ("nearest", "bilinear", "bicubic")
ORDERS = ("none", "dilate", "erode", "dilate-erode", "erode-dilate")
KERNELS = ("square", "ellipse", "cross")
STRETCHES = ("grid", "map", "positive", "percentile", "none")

PARAMETERS: tuple[Parameter, ...] = (
    Parameter("interpolation", "how the heatmap is enlarged to the image", "bilinear", INTERPOLATIONS,
              stage="map", axis="all", plural="interpolations",
              keys=(("i", "next interpolation"), ("I", "previous interpolation"))),
    Parameter("order", "which morphology runs, and in which order", "dilate-erode", ORDERS,
              stage="codes", axis="dilate-erode", plural="orders",
              keys=(("o", "next order of dilation and erosion"), ("O", "previous order"))),
    Parameter("kernel", "the shape of the dilation and erosion kernels", "square", KERNELS,
              stage="codes", axis="square", plural="kernel shapes", quiet=True,
              keys=(("K", "next kernel shape"),)),
    Parameter("dilate", "side of the dilation kernel in pixels", 1, low=1, high=99, step=4, odd=True,
              stage="codes", axis="1:61:4", plural="dilations", letter="d",
              keys=(("d", "larger dilation"), ("D", "smaller dilation"))),
    Parameter("erode", "side of the erosion kernel in pixels", 1, low=1, high=99, step=4, odd=True,
              stage="codes", axis="1:61:4", plural="erosions", letter="e",
              keys=(("e", "larger erosion"), ("E", "smaller erosion"))),
    Parameter("threshold", "a pixel is in the mask where the map is at least this", THRESHOLDS[50],
              low=0.0, high=1.0, step=_STEP, letter="t",
              keys=(("t", "threshold up"), ("T", "threshold down"))),
    Parameter("stretch", "what brings raw heatmaps to [0, 1]: their ends, before they are enlarged (grid) or "
              "after (map), the same without what is below 0 (positive), their percentiles 1 to 99, or the "
              "ends of the whole set (none)", "grid", STRETCHES,
              stage="map", axis="grid", plural="stretches", quiet=True,
              keys=(("V", "next stretch of the values"),)),
)  # fmt: skip
AXES = tuple(parameter for parameter in PARAMETERS if parameter.axis)


@dataclass(frozen=True)
class PostProcess:
    """From heatmap to mask: stretch, interpolate, dilate and erode in `order`, cut at `threshold`.

    A size of 1 leaves the map as it is. ParameterError on any value out of range.

    >>> config = PostProcess(dilate=41, erode=45, threshold=0.5)
    >>> config.steps(), config.threshold_index
    ((('dilate', 41), ('erode', 45)), 50)
    >>> PostProcess.from_dict(config.to_dict()) == config
    True
    >>> PostProcess(dilate=42)
    Traceback (most recent call last):
    cliploc.core.errors.ParameterError: dilate: found 42, expected an odd number ...
    """

    interpolation: str = "bilinear"
    order: str = "dilate-erode"
    kernel: str = "square"
    dilate: int = 1
    erode: int = 1
    threshold: float = THRESHOLDS[50]
    stretch: str = "grid"

    def __post_init__(self) -> None:
        for parameter in PARAMETERS:
            object.__setattr__(self, parameter.name, parameter.check(getattr(self, parameter.name)))
        object.__setattr__(self, "threshold", THRESHOLDS[self.threshold_index])

    @property
    def threshold_index(self) -> int:
        """The j of THRESHOLDS[j]: where the scores of this config are read."""
        return round(self.threshold * (len(THRESHOLDS) - 1))

    @property
    def on_map(self) -> PostProcess:
        """What acts on the map alone: configs in which it is equal share their map."""
        return _on_map(*(getattr(self, name) for name in _ON_MAP))

    def steps(self) -> tuple[tuple[str, int], ...]:
        """The morphology that really runs, in order: ("dilate", 41), ("erode", 45)."""
        names = () if self.order == "none" else self.order.split("-")
        sides = {"dilate": self.dilate, "erode": self.erode}
        return tuple((name, sides[name]) for name in names if sides[name] > 1)

    def uses(self, name: str) -> bool:
        """Whether the order lets this parameter change anything: no dilation where only erosion runs."""
        return name not in ("dilate", "erode") or name in self.order.split("-")

    def said(self) -> list[Parameter]:
        """The parameters worth a word: all but the quiet ones that are at their default."""
        return [p for p in PARAMETERS if not p.quiet or getattr(self, p.name) != p.default]

    def numbers(self, digits: int = 3) -> list[str]:
        """Its numbers, a letter each: `d 41`, `e 45`, `t 0.505`. digits: of fractions."""
        values = [(p.letter, getattr(self, p.name)) for p in self.said() if p.letter]
        return [f"{k} {v:.{digits}f}" if isinstance(v, float) else f"{k} {v}" for k, v in values]

    def morphology(self) -> str:
        """Its steps in words: `dilate 41, erode 45 (ellipse)`; "" for none."""
        steps = ", ".join(f"{name} {side}" for name, side in self.steps())
        return f"{steps} ({self.kernel})" if steps and self.kernel != "square" else steps

    def text(self, *, threshold: bool = True) -> str:
        """All of it in words: `bilinear, dilate 41, threshold 0.505`."""
        on_map = [p for p in self.said() if p.stage == "map"]
        words = [f"{p.name + ' ' if p.quiet else ''}{getattr(self, p.name)}" for p in on_map]
        last = [f"threshold {self.threshold:.3f}"] if threshold else []
        return ", ".join([*words, self.morphology() or "no morphology", *last])

    def with_(self, **changes: Value) -> PostProcess:
        """A copy with some parameters changed."""
        for name in changes:
            parameter_named(name)
        return replace(self, **changes)  # type: ignore[arg-type]

    def stepped(self, name: str, steps: int) -> PostProcess:
        """A copy with one parameter moved by key presses; thresholds move along THRESHOLDS."""
        if name == "threshold":
            index = min(max(self.threshold_index + steps, 0), len(THRESHOLDS) - 1)
            return replace(self, threshold=THRESHOLDS[index])
        return self.with_(**{name: parameter_named(name).stepped(getattr(self, name), steps)})

    def to_dict(self) -> dict[str, Value]:
        """Plain values by name; JSON keeps the threshold's float64 exactly."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> PostProcess:
        """The inverse of `to_dict`; missing names take their default, unknown names are errors."""
        for name in values:
            parameter_named(name)
        return cls(**values)  # type: ignore[arg-type]


_ON_MAP = tuple(parameter.name for parameter in PARAMETERS if parameter.stage == "map")


@cache
def _on_map(*values: Value) -> PostProcess:
    return PostProcess(order="none", **dict(zip(_ON_MAP, values, strict=True)))  # type: ignore[arg-type]


def published_config(stretch: str) -> PostProcess:
    """What a method's authors do after its map: enlarge bilinearly, and stretch in their way."""
    return PostProcess("bilinear", "none", stretch=stretch)


def parameter_named(name: str) -> Parameter:
    """The declaration of one PostProcess field; ParameterError for another name."""
    for parameter in PARAMETERS:
        if parameter.name == name:
            return parameter
    raise unknown("post-processing parameter", name, [field.name for field in fields(PostProcess)])
