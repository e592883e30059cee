"""A recipe: how heatmaps are to be made, before any weights were looked at.

With a dataset and loaded weights it becomes an Identity. Free of torch and numpy,
so that the screen and the command line can write one and find what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

from cliploc.core.backbones.catalog import DEMO, told_of, usual_tag, with_told
from cliploc.core.backbones.positions import ANTIALIASED, POSITIONS
from cliploc.core.errors import ParameterError, clean, unknown
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.methods import METHODS, MethodSpec
from cliploc.core.parameters import Value, checked
from cliploc.core.paths import expanded
from cliploc.core.prompts import TEMPLATES, prompt_for

AUTO, FLOAT32 = "auto", "float32"
PRECISIONS = (AUTO, FLOAT32, "bfloat16", "float16")
# Of what the forward pass does besides: named alike in a recipe and in an identity.
_PASS = ("positions", "window", "stride", "background")
_NUMBERS = {**dict.fromkeys(("size", "window", "stride"), "number of pixels"), "background": "scale"}


@dataclass(frozen=True)
class Recipe:
    """A method with its parameters, a backbone with its weights, a prompt template.

    "" and 0 stand for the usual choice; `completed` puts it in. size: side of the
    square that the network sees, in pixels; 0 stays until the backbone is known.
    positions: how the network's own are taken to that size, of `POSITIONS`. window, stride: pixels of
    the squares that it sees one by one, averaged where they overlap; 0 for the whole picture, or
    half a window. background: what multiplies the cosines of the label and of background words before the
    label's share is taken, 0 for the label alone. precision: of the forward pass; `auto` is float32,
    bfloat16 on CUDA. quickgelu, preprocess: what is said about weights that do not say it, as
    `load_backbone` takes it.
    """

    method: str
    backbone: str = ""
    checkpoint: str = ""
    template: str = ""
    size: int = 0
    parameters: tuple[tuple[str, Value], ...] = ()
    precision: str = AUTO
    quickgelu: str = ""
    preprocess: str = ""
    positions: str = ""
    window: int = 0
    stride: int = 0
    background: int = 0

    @property
    def spec(self) -> MethodSpec:
        """The method's declaration. ParameterError with the nearest names for an unknown one."""
        if self.method not in METHODS:
            raise unknown("method", self.method, METHODS)
        return METHODS[self.method]

    def completed(self, dataset_name: str) -> Recipe:
        """Every choice made and checked. ParameterError for what is unknown or out of range."""
        spec = self.spec
        checkpoint, quickgelu, preprocess = told_of(self.checkpoint, self.quickgelu, self.preprocess)
        backbone, checkpoint = self._network(spec, dataset_name, checkpoint)
        template = self.template or TEMPLATES[0]
        prompt_for(template, "")
        for name, what in _NUMBERS.items():
            if getattr(self, name) < 0:
                raise ParameterError(f"{name}: found {getattr(self, name)}, expected a positive {what}")
        if self.background and not spec.gives_cosines:
            raise ParameterError(f"background: words compete by their cosines, and {spec.title} gives none")
        if self.positions not in ("", *POSITIONS):
            raise unknown("positions", self.positions, POSITIONS)
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        return replace(
            self,
            backbone=backbone,
            checkpoint=checkpoint,
            template=template,
            size=self.size or (spec.default_size if backbone == spec.default_backbone else 0),
            parameters=tuple(sorted(checked(spec.parameters, dict(self.parameters)).items())),
            quickgelu=quickgelu,
            preprocess=preprocess,
            positions="" if self.positions == ANTIALIASED else self.positions,
            stride=(self.stride or self.window // 2) if self.window else 0,
        )

    @property
    def weights(self) -> str:
        """The checkpoint with what is said about it, as one text that `load_backbone` reads."""
        return with_told(self.checkpoint, self.quickgelu, self.preprocess)

    def as_published(self) -> Recipe:
        """As the method's authors run it, but for what is said."""
        theirs = self.spec.published
        return replace(
            self,
            size=self.size or theirs.size,
            template=self.template or theirs.template,
            positions=self.positions or theirs.positions,
            window=self.window or theirs.window,
            stride=self.stride or theirs.stride,
            background=self.background or theirs.background,
            parameters=tuple(sorted({**dict(theirs.parameters), **dict(self.parameters)}.items())),
        )

    def network_alone(self) -> Recipe:
        """The same method on the same network; all else is open again."""
        return Recipe(
            self.method, self.backbone, self.checkpoint,
            precision=self.precision, quickgelu=self.quickgelu, preprocess=self.preprocess,
        )  # fmt: skip

    def in_words(self) -> str:
        """What decides its maps besides network and weights: `336 px, windows of 224 by 112, …`."""
        windows = f"windows of {self.window} by {self.stride}" if self.window else ""
        positions = f"positions {self.positions}" if self.positions else ""
        background = f"background words x {self.background}" if self.background else ""
        own = [f"{name} {value}" for name, value in self.parameters if self._differs(name, value)]
        size = f"{self.size} px" if self.size else "the network's own size"
        return ", ".join(
            filter(None, [size, windows, positions, background, *own, f"prompt {self.template!r}"])
        )

    def _differs(self, name: str, value: Value) -> bool:
        return any(each.name == name and each.default != value for each in self.spec.parameters)

    def setting(self, **values: Value) -> Recipe:
        """A copy with some of the method's parameters set. ParameterError for a wrong one."""
        own = checked(self.spec.parameters, {**dict(self.parameters), **values})
        return replace(self, parameters=tuple(sorted(own.items())))

    def _network(self, spec: MethodSpec, dataset_name: str, asked: str) -> tuple[str, str]:
        shipped = {kind: name for name, kind in DEMO.items()}
        demo = next((shipped[kind] for kind in spec.families if kind in shipped), "")
        usual = demo if dataset_name == "demo" and demo and not asked else spec.default_backbone
        backbone = self.backbone or usual
        default = spec.default_checkpoint if backbone == spec.default_backbone else usual_tag(backbone)
        checkpoint = asked or default or ""
        is_file = checkpoint and expanded(checkpoint).exists()
        return backbone, str(expanded(checkpoint).resolve()) if is_file else checkpoint

    def matches(self, identity: Identity) -> bool:
        """Whether a stored set was made so, as far as can be told without opening the weights.

        Only for a completed recipe. A size of 0 and the precision `auto` match any.
        """
        return (
            not identity.old
            and self.method == identity.method
            and self.spec.version == identity.version
            and (self.backbone, self.weights) == (identity.backbone, identity.checkpoint)
            and self.template == identity.template
            and self.parameters == identity.parameters
            and self.size in (0, identity.size)
            and all(getattr(self, name) == getattr(identity, name) for name in _PASS)
            and self.precision in (AUTO, identity.precision)
        )

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {**asdict(self), "parameters": dict(self.parameters)}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Recipe:
        """The inverse of `to_dict`; missing names take their default. ParameterError for unknown ones."""
        known = {f.name for f in fields(cls)}
        for name in values:
            if name not in known:
                raise unknown("part of a recipe", name, known)
        parameters = values.get("parameters", {})
        if not isinstance(parameters, Mapping) or not isinstance(values.get("method"), str):
            raise ParameterError(f"found {clean(values)}, expected a recipe with a method and parameters")
        return cls(**{**values, "parameters": tuple(sorted(parameters.items()))})  # type: ignore[arg-type]


def parsed_parameters(spec: MethodSpec, settings: Sequence[str]) -> tuple[tuple[str, Value], ...]:
    """Read `name=value` settings of a method as they are typed. ParameterError for a wrong one."""
    known = {parameter.name: parameter for parameter in spec.parameters}
    found = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ParameterError(f"found {clean(setting)!r}, expected name=value, for example depth=6")
        if name not in known:
            raise unknown(f"parameter of {spec.name}", name, known)
        found[name] = known[name].parse(text)
    return tuple(sorted(found.items()))
