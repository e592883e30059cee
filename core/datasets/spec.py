"""How a dataset is named: `PLACE?mask-value=1&orientation=stored`.

PLACE is `demo`, `cocoglide`, a path, or `coco:IMAGES:ANNOTATIONS.json`. What follows the
question mark says how its files are to be read where they do not say it themselves; it is
kept wherever a spec is kept. A file or folder of exactly that name wins over options, so
that a `?` in a path does no harm. Standard library only: the screen names datasets, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import quote, unquote

from cliploc.core.datasets.formats import LAYOUTS, format_of, named
from cliploc.core.datasets.ids import label_of
from cliploc.core.errors import DatasetError, ParameterError, clean, unknown
from cliploc.core.paths import expanded

ANY = "any"
ORIENTATIONS = ("auto", "stored", "upright")
PICTURES = ("real", "fake")


@dataclass(frozen=True)
class Options:
    """How files are read where they leave it open. Every default reads what the files say.

    mask_value: the value (grey, palette index, or 0xRRGGBB) that is foreground; `any`: every one but 0
    and the void of a palette; `above:N`: every higher one; "": decided from all masks. invert:
    foreground and background change places. orientation: of pictures with an EXIF tag, `auto` the
    one that fits the mask or annotation.
    picture: `fake` shows CocoGlide's inpainted pictures. skip_missing: leave out what has no file.
    allow_empty: score even where every true mask is empty. prompt: what to look for in pictures that
    come without labels, several with semicolons between. layout: what the place is, by the name of a
    format; "" for what it looks like. subset: the one part of it that is opened, such as `val`.
    """

    mask_value: str = ""
    invert: bool = False
    orientation: str = "auto"
    picture: str = "real"
    skip_missing: bool = False
    allow_empty: bool = False
    prompt: str = ""
    layout: str = ""
    subset: str = ""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("orientation", self.orientation, ORIENTATIONS),
            ("picture", self.picture, PICTURES),
        ):
            if value not in known:
                raise ParameterError(f"{name}: found {clean(value)!r}, expected {', '.join(known)}")
        if self.layout and self.layout not in LAYOUTS:
            raise unknown("layout", self.layout, LAYOUTS)
        if self.mask_value not in ("", ANY) and self.value is None and self.above is None:
            raise ParameterError(
                f"mask-value: found {clean(self.mask_value)!r}, "
                f"expected a number, 0xRRGGBB, {ANY}, or above:127"
            )
        object.__setattr__(self, "mask_value", self._spelled)  # what is one reading has one digest
        object.__setattr__(self, "prompt", ";".join(self.prompts))

    @property
    def _spelled(self) -> str:
        if self.value is not None:
            return f"0x{self.value:06x}" if self.value >> 16 else str(self.value)
        return self.mask_value if self.above is None else f"above:{self.above}"

    @property
    def value(self) -> int | None:
        """The foreground's value as a number; None for `any` and where nothing is said."""
        try:
            number = int(self.mask_value, 0)
        except ValueError:
            return None
        return number if 0 <= number < 1 << 24 else None

    @property
    def above(self) -> int | None:
        """The number that foreground is above; None where that is not said."""
        word, _, number = self.mask_value.partition(":")
        return int(number) if word == "above" and number.isdecimal() else None

    @property
    def prompts(self) -> tuple[str, ...]:
        """What to look for, each thing once, in the order given."""
        return tuple(dict.fromkeys(filter(None, map(label_of, self.prompt.split(";")))))

    def to_dict(self) -> dict[str, str]:
        """What differs from the defaults, by the names and in the words of a spec."""
        return {
            name: _written(getattr(self, attribute))
            for name, attribute in _ATTRIBUTES.items()
            if getattr(self, attribute) != getattr(Options(), attribute)
        }

    def limit(self, what: str, *names: str) -> None:
        """DatasetError where an option is given that says nothing of `what`; names: of those that do."""
        idle = [name for name in self.to_dict() if name not in ("layout", *names)]
        if idle:
            raise DatasetError(
                f"{', '.join(idle)} says nothing of {what}; it knows {', '.join(names) or 'no option'}"
            )

    def with_(self, given: Mapping[str, str]) -> Options:
        """A copy with some options set, by the names and in the words of a spec. ParameterError."""
        changes: dict[str, object] = {}
        for name, text in given.items():
            if name not in _ATTRIBUTES:
                raise unknown("option of a dataset", name, _ATTRIBUTES)
            attribute = _ATTRIBUTES[name]
            text = unquote(text, errors="surrogateescape")
            is_switch = isinstance(getattr(self, attribute), bool)
            changes[attribute] = _switch(name, text) if is_switch else text
        return replace(self, **changes)  # type: ignore[arg-type]


# What a prompt may hold and a spec uses for itself is written as %XX: %, & and ?. Nothing else is.
_PLAIN = "".join(chr(code) for code in range(32, 127) if chr(code) not in "%&?")
_ATTRIBUTES = {field.name.replace("_", "-"): field.name for field in fields(Options)}
NAMES = tuple(_ATTRIBUTES)


def parsed(spec: str) -> tuple[str, Options]:
    """The place and the options of a spec. ParameterError for an option that does not exist."""
    place, mark, text = spec.rpartition("?")
    if not mark or "=" not in text.partition("&")[0] or format_of(spec).is_there(spec):
        return spec, Options()
    return place, Options().with_(_settings(text))


def _settings(text: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for part in filter(None, text.split("&")):
        name, equals, value = part.partition("=")
        if not equals:
            raise ParameterError(f"found {clean(part)!r} in a dataset's options, expected name=value")
        if given.setdefault(name, value) != value:
            raise ParameterError(f"{clean(name)} is given twice, {clean(given[name])} and {clean(value)}")
    return given


def written(place: str, options: Options) -> str:
    """The inverse of `parsed`, options in one order."""
    text = _joined(options)
    return f"{place}?{text}" if text else place


def options_of(spec: str) -> str:
    """The options of a spec as it writes them, in one order; "" for none."""
    return _joined(parsed(spec)[1])


def _joined(options: Options) -> str:
    given = sorted(options.to_dict().items())
    return "&".join(f"{name}={quote(value, safe=_PLAIN, errors='surrogateescape')}" for name, value in given)


def resolved(given: str | None, stored: str) -> str:
    """The spec that is meant where one is stored.

    `?…` alone changes the options of the stored one. Another place without options is where the stored
    one has moved to, options and all.
    """
    if not given:
        return stored
    place, options = parsed(stored)
    if given.startswith("?"):
        return written(place, options.with_(_settings(given[1:])))
    new, own = parsed(given)
    if own != Options() or _lasting_place(new) == _lasting_place(place):
        return given
    return written(new, options)


def lasting(spec: str) -> str:
    """The spec as it can be opened from anywhere: folders become absolute, ours get their name."""
    place, options = parsed(spec)
    return written(_lasting_place(place), options)


def portable(spec: str) -> str:
    """The spec without folders of this machine: names alone, to be read elsewhere."""
    place, options = parsed(spec)
    kind = format_of(place)
    return written(kind.prefix + ":".join(path.name for path in kind.paths(place)), options)


def _lasting_place(place: str) -> str:
    kind, ours = format_of(place), named()
    known = [name for name, folder in ours.items() if place == name or expanded(place) == folder]
    absolute = ":".join(str(path.resolve()) for path in kind.paths(place))
    return known[0] if known else kind.prefix + absolute


def _written(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _switch(name: str, text: str) -> bool:
    if text not in ("yes", "no"):
        raise ParameterError(f"{name}: found {clean(text)!r}, expected yes or no")
    return text == "yes"
