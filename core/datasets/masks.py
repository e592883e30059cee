"""What is foreground in mask files, decided for all masks of a dataset together.

Masks are written as 0 and 255, 0 and 1, with one bit or sixteen, as JPEG, with a palette
(VOC: the index is the class, 255 is void), in the alpha channel, or as the number of a
class. The files' own form says which, nearly always; where it leaves a choice a sentence
names what was found, and `mask-value` decides. Nothing becomes an empty mask by accident.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.datasets.mask_forms import (
    COLOUR,
    GREY,
    MOST_VALUES,
    PALETTE,
    Form,
    Pixels,
    described,
    forms_of,
    middle_of,
    pixels_of,
)
from core.datasets.spec import ANY, Options
from core.errors import DatasetError, clean

Mask = npt.NDArray[np.bool_]
Named = Sequence[tuple[str, Form]]  # a mask's name for people, and what it is

VOID = 255  # of a palette with classes, and beside a class number that was named: PASCAL VOC's border
NAMED = 6
_BLUR = 8  # how far compression moves a value
_BLACK_AND_WHITE = {0x000000, 0xFFFFFF}
# Of what is not black: how much of it a soft mask, a JPEG, a mask with stray pixels has near its top.
_SOFT, _JPEG, _STRAY = 0.5, 0.6, 0.9
_SOFT_STEPS, _SOFT_BUSIEST, _JPEG_BUSIEST = 6, 0.1, 0.06
_FRINGE = 2  # values at each end that a JPEG leaves, when it is saved as something else


@dataclass(frozen=True)
class Reading:
    """What is foreground in all masks of a dataset. notes: what people should know of it.

    value: the one foreground value; None for each file's own. every: every value but 0 and void is.
    above: everything higher is. greys: palettes are grey pictures in disguise, not classes. classes:
    there are palettes with classes, in which 255 is void. binary: nearly all masks are black and
    white, so that a few stray pixels are just that. lossy: there are JPEGs with something in them.
    """

    value: int | None = None
    every: bool = False
    above: int | None = None
    greys: bool = False
    classes: bool = False
    binary: bool = False
    lossy: bool = False
    invert: bool = False
    notes: tuple[str, ...] = ()


class MaskFiles:
    """The mask files of a dataset: looked at once, together, when the first one is needed.

    names: what each is called in sentences. what: the word for them; option: what says a value.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        names: Sequence[str],
        options: Options,
        what: str = "true masks",
        option: str = "--mask-value",
    ) -> None:
        self._paths = tuple(paths)
        self._names = tuple(names)
        self._options = options
        self._what = what
        self._option = option

    @cached_property
    def forms(self) -> list[Form]:
        """What each file is."""
        return forms_of(self._paths)

    @cached_property
    def reading(self) -> Reading:
        """What is foreground. DatasetError where it cannot be known, or where nothing is anywhere."""
        sound = sum(not form.problem for form in self.forms)
        if sound and len(self.empty) == sound and not self._options.allow_empty:
            raise DatasetError(
                f"all {sound} {self._what} are empty: no pixel is foreground, {_few(self._names)}; "
                "if that is meant, say allow-empty=yes (--allow-empty), else look at mask-value and invert"
            )
        return self._reading

    @cached_property
    def empty(self) -> list[int]:
        """Which masks have no foreground, by place."""
        return [
            place for place, form in enumerate(self.forms) if not form.problem and self._is_empty(place, form)
        ]

    @property
    def void(self) -> list[int]:
        """Which masks are void all over, so that nothing in them can be scored, by place."""
        voids = ((place, form, _void_of(form, self.reading)) for place, form in enumerate(self.forms))
        return [
            place
            for place, form, void in voids
            if void is not None and form.values.get(void, 0) == form.pixels
        ]

    def mask(self, place: int) -> Mask:
        """The foreground, (H, W) bool. DatasetError for a file that cannot be read."""
        return read_mask(self._paths[place], self.reading)[0]

    def ignored(self, place: int) -> Mask | None:
        """The void pixels, (H, W) bool; None where the file has none."""
        if not self.reading.classes and self.reading.value is None:
            return None
        return read_mask(self._paths[place], self.reading)[1]

    @cached_property
    def _reading(self) -> Reading:
        return reading_of(list(zip(self._names, self.forms, strict=True)), self._options, self._option)

    def _is_empty(self, place: int, form: Form) -> bool:
        count = _foreground(form, self._reading)
        return not read_mask(self._paths[place], self._reading)[0].any() if count is None else count == 0


def reading_of(named: Named, options: Options, option: str = "--mask-value") -> Reading:
    """Decide what is foreground. option: what says a value. DatasetError where it cannot be known."""
    sound = [(name, form) for name, form in named if not form.problem]
    reading = _looked_over([form for _, form in sound], options)
    if options.mask_value:
        _check_lossy(sound, options)
        chosen = "any but 0" if options.mask_value == ANY else options.mask_value
        notes = [f"mask value {chosen} is foreground, as mask-value says"]
    else:
        unclear = [(name, form) for name, form in sound if _own(form, reading) is None]
        if unclear:
            raise DatasetError(_several(unclear, len(sound), option))
        notes = [*_value_notes(sound, reading), *_stray_notes(sound, reading)]
    voids = sum(_void_of(form, reading) is not None for _, form in sound)
    if voids:
        notes.append(f"mask value {VOID} is void in {voids} of {len(sound)} masks: those pixels are ignored")
    frames = [name for name, form in sound if form.frames > 1]
    if frames:
        notes.append(f"{len(frames)} masks hold several pictures, of which the first is read: {_few(frames)}")
    if options.invert:
        notes.append("masks are inverted: foreground is what is not marked")
    return replace(reading, notes=tuple(notes))


def read_mask(path: Path, reading: Reading) -> tuple[Mask, Mask | None]:
    """Foreground and void of one mask file, (H, W) bool; None where nothing is void. DatasetError."""
    pixels = pixels_of(path)
    form = described(pixels)
    values = _seen_pixels(pixels, reading)
    number = _void_of(form, reading)
    void: Mask | None = None if number is None else values == number
    own = _own(form, reading)
    if own is None:
        raise DatasetError(
            f"{path} holds several values, unlike when it was looked at; open the dataset again"
        )
    mask = _chosen(values, own, form)
    if reading.invert:
        mask = ~mask
    return (mask, None) if void is None else (mask & ~void, void)


@dataclass(frozen=True)
class _Above:
    """Foreground is what is higher."""

    value: int


@dataclass(frozen=True)
class _Every:
    """Foreground is what is not 0."""


_Own = int | _Above | _Every  # a file's foreground
_NOTHING = _Above(1 << 32)


def _chosen(values: npt.NDArray[np.integer], own: _Own, form: Form) -> Mask:
    mask: Mask
    if isinstance(own, _Every):
        mask = values != 0
    elif isinstance(own, _Above):
        mask = values > own.value
    elif form.lossy:
        mask = np.abs(values.astype(np.int64) - own) <= _BLUR
    else:
        mask = values == own
    return mask


def _looked_over(forms: Sequence[Form], options: Options) -> Reading:
    """What the files are as a whole."""
    palettes = [form for form in forms if form.kind == PALETTE]
    colours = {colour for form in palettes for colour in form.colours.values()}
    ramps = all(colour == index * 0x010101 for form in palettes for index, colour in form.colours.items())
    reading = Reading(
        value=options.value,
        every=options.mask_value == ANY,
        above=options.above,
        greys=bool(palettes) and (colours <= _BLACK_AND_WHITE or ramps),
        invert=options.invert,
    )
    classes = not reading.greys and any(form.ids - {VOID} for form in palettes)
    reading = replace(
        reading, classes=classes, lossy=any(form.lossy and _has_two_ends(form) for form in forms)
    )
    grey = [seen for form in forms if (seen := _seen(form, reading)).kind == GREY and seen.ids]
    plain = sum(form.ids == {form.top} or _is_soft(form) or form.lossy for form in grey)
    return replace(reading, binary=2 * plain > len(grey))


def _seen(form: Form, reading: Reading) -> Form:
    """A palette of greys as the grey picture that it is, colours as their brightness where that decides."""
    bright = form.kind == COLOUR and reading.above is not None
    if not bright and (form.kind != PALETTE or not reading.greys):
        return form
    values: Counter[int] = Counter()
    for value, count in form.values.items():
        values[_brightness(value if bright else form.colours[value])] += count
    levels = {v: n for v, n in values.items() if 24 <= v <= 231}
    return replace(
        form,
        kind=GREY,
        values=dict(values),
        high=sum(n for v, n in values.items() if v > middle_of(255)),
        near=sum(n for v, n in values.items() if v > 231),
        between=sum(levels.values()),
        busiest=max(levels.values(), default=0),
        steps=len(levels),
    )


def _brightness(colour: int) -> int:
    """The highest channel of 0xRRGGBB."""
    return max(colour >> 16, colour >> 8 & 0xFF, colour & 0xFF)


def _seen_pixels(pixels: Pixels, reading: Reading) -> npt.NDArray[np.integer]:
    if pixels.kind == COLOUR and reading.above is not None:
        values = pixels.values
        brightest: npt.NDArray[np.integer] = np.maximum.reduce(
            [values >> 16, values >> 8 & 0xFF, values & 0xFF]
        )
        return brightest
    if pixels.kind != PALETTE or not reading.greys:
        return pixels.values
    table = np.zeros(256, np.uint8)
    for index, colour in pixels.colours.items():
        table[index] = _brightness(colour)
    return table[pixels.values]


def _own(form: Form, reading: Reading) -> _Own | None:
    """The foreground of a file; None where it leaves a choice."""
    if reading.every:
        return _Every()
    if reading.above is not None:
        return _Above(reading.above)
    if reading.value is not None:
        return reading.value
    form = _seen(form, reading)
    split = _Above(middle_of(form.top))
    if form.lossy:
        if form.bright == 0:  # nothing at all, or 0 and 1 of which a JPEG leaves nothing
            return _NOTHING if reading.lossy or form.levels == 1 else None
        return split if _has_two_ends(form) else None
    if _is_soft(form) or (reading.binary and (_is_stray(form) or _is_rather_soft(form))):
        return split
    ids = form.ids - {_void_of(form, reading)}
    if len(ids) > 1 or form.levels > MOST_VALUES:
        return None
    return ids.pop() if ids else _NOTHING


def _has_two_ends(form: Form) -> bool:
    """Whether a compressed mask is black and white but for its edges."""
    few = form.busiest <= max(_JPEG_BUSIEST * form.near, 4)
    return form.near > 0 and form.near >= _JPEG * form.bright and few


def _is_soft(form: Form) -> bool:
    """Whether a grey mask has soft edges, or was a JPEG: many values between its ends, each of few pixels."""
    if form.kind != GREY or form.lossy or form.near == 0:
        return False
    few = form.busiest <= max(_SOFT_BUSIEST * form.near, 2)
    edges = form.steps >= _SOFT_STEPS and form.near >= _SOFT * form.bright
    fringes = min(form.fringe) >= _FRINGE and form.near >= _JPEG * (form.near + form.between)
    return few and (edges or fringes)


def _is_rather_soft(form: Form) -> bool:
    """Soft enough among masks that are: small things have few levels."""
    return form.kind == GREY and form.levels > _SOFT_STEPS and form.busiest <= form.near / 4


def _is_stray(form: Form) -> bool:
    """Whether hardly any pixel of a grey mask is neither black nor white."""
    return form.kind == GREY and len(form.ids) > 1 and form.near >= _STRAY * form.bright


def _void_of(form: Form, reading: Reading) -> int | None:
    """The file's value whose pixels do not count: beside classes, never where it is all there is to see."""
    if reading.value == VOID or VOID not in form.ids or form.lossy:
        return None
    if form.kind == PALETTE:
        return VOID if reading.classes else None
    named = reading.value is not None and len(form.ids) > 1
    return VOID if form.kind == GREY and named else None


def _foreground(form: Form, reading: Reading) -> int | None:
    """How many pixels of a file are foreground; None where only its pixels tell."""
    void = _void_of(form, reading)
    counted = form.pixels - (form.values.get(void, 0) if void is not None else 0)
    seen, own = _seen(form, reading), _own(form, reading)
    if own is None or seen.levels > len(seen.values):
        return None
    blur = _BLUR if form.lossy else 0
    found = sum(n for value, n in seen.values.items() if value != void and _is_in(value, own, blur))
    return counted - found if reading.invert else found


def _is_in(value: int, own: _Own, blur: int) -> bool:
    if isinstance(own, _Every):
        return value != 0
    return value > own.value if isinstance(own, _Above) else abs(value - own) <= blur


def _check_lossy(sound: Named, options: Options) -> None:
    """A value that compression cannot have kept apart from black is not looked for."""
    lossy = [name for name, form in sound if form.lossy]
    if lossy and (options.mask_value == ANY or (options.value is not None and options.value <= 2 * _BLUR)):
        raise DatasetError(
            f"{len(lossy)} masks are JPEGs or the like, {_few(lossy)}: mask-value={options.mask_value} "
            "cannot be told from black there; save them as PNG, or say mask-value=above:127"
        )


def _value_notes(sound: Named, reading: Reading) -> Iterator[str]:
    """Nothing to say of 0 and 255, one bit, or soft edges: that is what everybody expects."""
    by_value: dict[str, list[str]] = {}
    for name, form in sound:
        own = _own(form, reading)
        if own != _NOTHING:
            usual = not isinstance(own, int) or own == _seen(form, reading).top or form.kind == COLOUR
            by_value.setdefault("white" if usual else str(own), []).append(name)
    if set(by_value) <= {"white"}:
        return
    if len(by_value) == 1:
        yield f"mask value {next(iter(by_value))} is foreground: no mask holds another besides 0"
        return
    counted = sorted(by_value.items(), key=lambda item: -len(item[1]))
    shown = ", ".join(f"{value} in {len(names)}" for value, names in counted[:NAMED])
    others = [name for _, names in counted[1:] for name in names]
    yield (
        f"masks have one foreground value each, but not the same: {shown}; "
        f"{len(others)} differ from the rest: {_few(others)}"
    )


def _stray_notes(sound: Named, reading: Reading) -> Iterator[str]:
    """Masks whose few other values were taken for stray pixels."""
    seen = ((name, _seen(form, reading)) for name, form in sound if not form.lossy)
    stray = [name for name, form in seen if _is_stray(form) and not _is_soft(form)]
    if stray:
        yield (
            f"{len(stray)} masks hold a few pixels that are neither black nor white, split in the middle: "
            f"{_few(stray)}"
        )


def _several(unclear: Named, masks: int, option: str) -> str:
    """What to say where a mask leaves a choice."""
    names = [name for name, _ in unclear]
    above = f"{option} above:127 (everything brighter)"
    if all(form.lossy for _, form in unclear):
        lost = all(form.bright == 0 for _, form in unclear)
        found = (
            "hold no bright pixel: 0 and 1 do not survive in a JPEG" if lost else "are not black and white"
        )
        return (
            f"{len(unclear)} of {masks} masks are JPEGs or the like and {found}, {_few(names)}; "
            f"save the masks as PNG, or say {above}"
        )
    ids: Counter[int] = Counter()
    for _, form in unclear:
        ids.update(form.ids)
    written = "0x{:06x}" if all(form.kind == COLOUR for _, form in unclear) else "{}"
    shown = ", ".join(written.format(value) for value, _ in sorted(ids.most_common(2 * NAMED)))
    more = "" if len(ids) <= 2 * NAMED else f" and {len(ids) - 2 * NAMED} more"
    example = written.format(ids.most_common(1)[0][0])
    return (
        f"{len(unclear)} of {masks} masks hold several values besides 0, {_few(names)}: "
        f"found {shown}{more}; expected one that means foreground. Say which: {option} {example}, "
        f"{option} {ANY} (every value but 0), or {above}; as an option of the spec: ?mask-value={example}"
    )


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(clean(name) for name in names[:NAMED])
    return f"such as {shown}" if len(names) > NAMED else shown
