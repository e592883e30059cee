"""What is foreground in mask files, decided for all masks of a dataset together.

Masks are written as 0 and 255, 0 and 1, with one bit or sixteen, as JPEG, with a palette
(VOC: the index is the class, 255 is void), in the alpha channel, or as the number of a
class. The files' own form says which, nearly always; where it leaves a choice a sentence
names what was found, and `mask-value` decides. Nothing becomes an empty mask by accident.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from cliploc.core.datasets.mask_forms import COLOUR, Form, described, forms_of, pixels_of
from cliploc.core.datasets.mask_reading import (
    BLUR,
    NOTHING,
    VOID,
    Mask,
    Reading,
    chosen,
    foreground_of,
    is_soft,
    is_stray,
    looked_over,
    own_of,
    seen_form,
    seen_pixels,
    void_of,
)
from cliploc.core.datasets.spec import ANY, Options
from cliploc.core.errors import DatasetError, few

Named = Sequence[tuple[str, Form]]  # a mask's name for people, and what it is

NAMED = 6


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
                f"all {sound} {self._what} are empty: no pixel is foreground, {few(self._names)}; "
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
        voids = ((place, form, void_of(form, self.reading)) for place, form in enumerate(self.forms))
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
        count = foreground_of(form, self._reading)
        return not read_mask(self._paths[place], self._reading)[0].any() if count is None else count == 0


def reading_of(named: Named, options: Options, option: str = "--mask-value") -> Reading:
    """Decide what is foreground. option: what says a value. DatasetError where it cannot be known."""
    sound = [(name, form) for name, form in named if not form.problem]
    reading = looked_over([form for _, form in sound], options)
    if options.mask_value:
        _check_lossy(sound, options)
        meant = "any but 0" if options.mask_value == ANY else options.mask_value
        notes = [f"mask value {meant} is foreground, as mask-value says"]
    else:
        unclear = [(name, form) for name, form in sound if own_of(form, reading) is None]
        if unclear:
            raise DatasetError(_several(unclear, len(sound), option))
        notes = [*_value_notes(sound, reading), *_stray_notes(sound, reading)]
    voids = sum(void_of(form, reading) is not None for _, form in sound)
    if voids:
        notes.append(f"mask value {VOID} is void in {voids} of {len(sound)} masks: those pixels are ignored")
    frames = [name for name, form in sound if form.frames > 1]
    if frames:
        notes.append(f"{len(frames)} masks hold several pictures, of which the first is read: {few(frames)}")
    if options.invert:
        notes.append("masks are inverted: foreground is what is not marked")
    return replace(reading, notes=tuple(notes))


def read_mask(path: Path, reading: Reading) -> tuple[Mask, Mask | None]:
    """Foreground and void of one mask file, (H, W) bool; None where nothing is void. DatasetError."""
    pixels = pixels_of(path)
    form = described(pixels)
    values = seen_pixels(pixels, reading)
    number = void_of(form, reading)
    void: Mask | None = None if number is None else values == number
    own = own_of(form, reading)
    if own is None:
        raise DatasetError(
            f"{path} holds several values, unlike when it was looked at; open the dataset again"
        )
    mask = chosen(values, own, form)
    if reading.invert:
        mask = ~mask
    return (mask, None) if void is None else (mask & ~void, void)


def _check_lossy(sound: Named, options: Options) -> None:
    """A value that compression cannot have kept apart from black is not looked for."""
    lossy = [name for name, form in sound if form.lossy]
    if lossy and (options.mask_value == ANY or (options.value is not None and options.value <= 2 * BLUR)):
        raise DatasetError(
            f"{len(lossy)} masks are JPEGs or the like, {few(lossy)}: mask-value={options.mask_value} "
            "cannot be told from black there; save them as PNG, or say mask-value=above:127"
        )


def _value_notes(sound: Named, reading: Reading) -> Iterator[str]:
    """Nothing to say of 0 and 255, one bit, or soft edges: that is what everybody expects."""
    by_value: dict[str, list[str]] = {}
    for name, form in sound:
        own = own_of(form, reading)
        if own != NOTHING:
            usual = not isinstance(own, int) or own == seen_form(form, reading).top or form.kind == COLOUR
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
        f"{len(others)} differ from the rest: {few(others)}"
    )


def _stray_notes(sound: Named, reading: Reading) -> Iterator[str]:
    """Masks whose few other values were taken for stray pixels."""
    seen = ((name, seen_form(form, reading)) for name, form in sound if not form.lossy)
    stray = [name for name, form in seen if is_stray(form) and not is_soft(form)]
    if stray:
        yield (
            f"{len(stray)} masks hold a few pixels that are neither black nor white, split in the middle: "
            f"{few(stray)}"
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
            f"{len(unclear)} of {masks} masks are JPEGs or the like and {found}, {few(names)}; "
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
        f"{len(unclear)} of {masks} masks hold several values besides 0, {few(names)}: "
        f"found {shown}{more}; expected one that means foreground. Say which: {option} {example}, "
        f"{option} {ANY} (every value but 0), or {above}; as an option of the spec: ?mask-value={example}"
    )
