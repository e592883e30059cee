"""What is foreground in mask files, decided for all masks of a dataset together.

Masks are written as 0 and 255, 0 and 1, with one bit or sixteen, as JPEG, with a palette
(VOC: the index is the class, 255 is void), in the alpha channel, or as the number of a
class. The files' own form says which, nearly always; where it leaves a choice a sentence
names what was found, and `mask-value` decides. Nothing becomes an empty mask by accident.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.datasets.mask_forms import (
    COLOUR,
    GREY,
    MIDDLE,
    MOST_VALUES,
    PALETTE,
    Form,
    described,
    forms_of,
    values_of,
)
from core.datasets.spec import ANY, Options
from core.errors import DatasetError, clean

Mask = npt.NDArray[np.bool_]
Named = Sequence[tuple[str, Form]]  # a mask's name for people, and what it is

VOID = 255  # of a palette, and beside a class number: PASCAL VOC's border
NAMED = 6
_BLUR = 8  # how far compression moves a value
_ABOVE_MIDDLE, _NOTHING = -1, -2  # in place of a file's foreground value


@dataclass(frozen=True)
class Reading:
    """What is foreground in all masks of a dataset. notes: what people should know of it.

    value: the one foreground value; None for each file's own. every: every value but 0 (and void) is.
    void: the value of pixels that do not count; None where all do.
    """

    value: int | None = None
    every: bool = False
    void: int | None = None
    invert: bool = False
    notes: tuple[str, ...] = ()


class MaskFiles:
    """The mask files of a dataset: looked at once, together, when the first one is needed.

    names: what each is called in sentences. what: the word for them.
    """

    def __init__(
        self, paths: Sequence[Path], names: Sequence[str], options: Options, what: str = "true masks"
    ) -> None:
        self._paths = tuple(paths)
        self._names = tuple(names)
        self._options = options
        self._what = what

    @cached_property
    def forms(self) -> list[Form]:
        """What each file is."""
        return forms_of(self._paths)

    @cached_property
    def reading(self) -> Reading:
        """What is foreground. DatasetError where it cannot be known, or where nothing is anywhere."""
        reading = reading_of(self._named, self._options)
        sound = [form for form in self.forms if not form.problem]
        if sound and len(self.empty) == len(sound) and not self._options.allow_empty:
            raise DatasetError(
                f"all {len(sound)} {self._what} are empty: no pixel is foreground, {_few(self._names)}; "
                "if that is meant, say allow-empty=yes (--allow-empty), else look at mask-value and invert"
            )
        return reading

    @property
    def empty(self) -> list[int]:
        """Which masks have no foreground, by place."""
        reading = reading_of(self._named, self._options)
        return [
            place
            for place, form in enumerate(self.forms)
            if not form.problem and _foreground(form, reading) == 0
        ]

    @property
    def void(self) -> list[int]:
        """Which masks are void all over, so that nothing in them can be scored, by place."""
        void = self.reading.void
        return [] if void is None else [
            place
            for place, form in enumerate(self.forms)
            if form.pixels and form.values.get(void, 0) == form.pixels
        ]  # fmt: skip

    def mask(self, place: int) -> Mask:
        """The foreground, (H, W) bool. DatasetError for a file that cannot be read."""
        return read_mask(self._paths[place], self.reading)[0]

    def ignored(self, place: int) -> Mask | None:
        """The void pixels, (H, W) bool; None where there are none in the whole dataset."""
        return None if self.reading.void is None else read_mask(self._paths[place], self.reading)[1]

    @property
    def _named(self) -> Named:
        return list(zip(self._names, self.forms, strict=True))


def reading_of(named: Named, options: Options) -> Reading:
    """Decide what is foreground. DatasetError where it cannot be known."""
    sound = [(name, form) for name, form in named if not form.problem]
    void = VOID if _has_void([form for _, form in sound], options) else None
    if options.mask_value:
        chosen = "any but 0" if options.mask_value == ANY else options.mask_value
        notes = [f"mask value {chosen} is foreground, as mask-value says"]
    else:
        unclear = [(name, form) for name, form in sound if _own(form, void) is None]
        if unclear:
            raise DatasetError(_several(unclear, len(sound)))
        notes = _found_notes(sound, void)
    if void is not None:
        notes.append(f"mask value {void} is void: those pixels are ignored")
    if options.invert:
        notes.append("masks are inverted: foreground is what is not marked")
    return Reading(options.value, options.mask_value == ANY, void, options.invert, tuple(notes))


def read_mask(path: Path, reading: Reading) -> tuple[Mask, Mask | None]:
    """Foreground and void of one mask file, (H, W) bool; None where nothing is void. DatasetError."""
    values, kind, lossy = values_of(path)
    void: Mask | None = None if reading.void is None else values == reading.void
    if reading.every:
        mask: Mask = values != 0
    elif reading.value is not None:
        blur = _BLUR if lossy else 0
        mask = np.abs(values.astype(np.int64) - reading.value) <= blur
    else:
        own = _own(described(values, kind, lossy), reading.void)
        mask = values > MIDDLE if own == _ABOVE_MIDDLE else values == own
    if reading.invert:
        mask = ~mask
    return (mask, None) if void is None else (mask & ~void, void)


def _own(form: Form, void: int | None) -> int | None:
    """The foreground of a file that speaks for itself; None where it leaves a choice."""
    ids = form.ids - {void}
    if form.lossy:
        # 0 and 1 through a JPEG: nothing is left of it.
        return None if ids and form.high == 0 else _ABOVE_MIDDLE
    if form.soft:
        return _ABOVE_MIDDLE
    if len(ids) > 1 or form.levels > MOST_VALUES:
        return None
    return ids.pop() if ids else _NOTHING


def _has_void(forms: Sequence[Form], options: Options) -> bool:
    """Whether 255 is void: in palettes that hold a class, too, and beside a class that was named."""
    kinds = {GREY, PALETTE} if options.mask_value else {PALETTE}
    ids: set[int] = set().union(*(form.ids for form in forms if form.kind in kinds and not form.lossy))
    named = options.value is not None and options.value != VOID
    return VOID in ids and (named or (len(ids) > 1 and options.value != VOID))


def _foreground(form: Form, reading: Reading) -> int:
    """How many pixels of a file are foreground."""
    counted = form.pixels - (form.values.get(reading.void, 0) if reading.void is not None else 0)
    if reading.every:
        found = counted - form.values.get(0, 0)
    elif reading.value is not None:
        blur = _BLUR if form.lossy else 0
        found = sum(n for value, n in form.values.items() if abs(value - reading.value) <= blur)
    else:
        own = _own(form, reading.void)
        found = form.high if own == _ABOVE_MIDDLE else form.values.get(own, 0) if own is not None else 0
    return counted - found if reading.invert else found


def _found_notes(sound: Named, void: int | None) -> list[str]:
    """Nothing to say of 0 and 255, one bit, or soft edges: that is what everybody expects."""
    by_value: dict[int, list[str]] = {}
    for name, form in sound:
        own = _own(form, void)
        if own is not None and own != _NOTHING:
            usual = own == _ABOVE_MIDDLE or form.kind == COLOUR
            by_value.setdefault(VOID if usual else own, []).append(name)
    if set(by_value) <= {255}:
        return []
    if len(by_value) == 1:
        return [f"mask value {next(iter(by_value))} is foreground: no mask holds another besides 0"]
    counted = sorted(by_value.items(), key=lambda item: -len(item[1]))
    shown = ", ".join(f"{value} in {len(names)}" for value, names in counted[:NAMED])
    others = [name for _, names in counted[1:] for name in names]
    return [
        f"masks have one foreground value each, but not the same: {shown}; "
        f"{len(others)} differ from the rest: {_few(others)}"
    ]


def _several(unclear: Named, masks: int) -> str:
    """What to say where a mask holds several values."""
    names = [name for name, _ in unclear]
    if all(form.lossy for _, form in unclear):
        return (
            f"{len(unclear)} of {masks} masks are JPEGs without any bright pixel, {_few(names)}: "
            "0 and 1 do not survive in a JPEG; save the masks as PNG"
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
        f"found {shown}{more}; expected one that means foreground. Say which: --mask-value {example}, "
        f"or --dataset 'PLACE?mask-value={example}' ({ANY}: every value but 0)"
    )


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(clean(name) for name in names[:NAMED])
    return f"such as {shown}" if len(names) > NAMED else shown
