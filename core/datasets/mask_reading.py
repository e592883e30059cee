"""What is foreground in one mask file, once it is known what all files of its dataset are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cliploc.core.datasets.mask_forms import COLOUR, GREY, MOST_VALUES, PALETTE, Form, Pixels, middle_of
from cliploc.core.datasets.spec import ANY, Options

Mask = npt.NDArray[np.bool_]

VOID = 255  # of a palette with classes, and beside a class number that was named: PASCAL VOC's border
BLUR = 8  # how far compression moves a value
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
    there are palettes with classes, in which 255 is void. beside: a value was named, and grey masks have
    255 beside others: it is void in all of them. binary: nearly all masks are black and
    white, so that a few stray pixels are just that. lossy: there are JPEGs with something in them.
    """

    value: int | None = None
    every: bool = False
    above: int | None = None
    greys: bool = False
    classes: bool = False
    beside: bool = False
    binary: bool = False
    lossy: bool = False
    invert: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Above:
    """Foreground is what is higher."""

    value: int


@dataclass(frozen=True)
class Every:
    """Foreground is what is not 0."""


Own = int | Above | Every  # a file's foreground
NOTHING = Above(1 << 32)


def chosen(values: npt.NDArray[np.integer], own: Own, form: Form) -> Mask:
    """The foreground (H, W) bool of decoded values. own: of `own_of`."""
    mask: Mask
    if isinstance(own, Every):
        mask = values != 0
    elif isinstance(own, Above):
        mask = values > own.value
    elif form.lossy:
        mask = np.abs(values.astype(np.int64) - own) <= BLUR
    else:
        mask = values == own
    return mask


def looked_over(forms: Sequence[Form], options: Options) -> Reading:
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
    grey = [seen for form in forms if (seen := seen_form(form, reading)).kind == GREY and seen.ids]
    named = options.value not in (None, VOID)
    reading = replace(reading, beside=named and any(len(form.ids) > 1 and VOID in form.ids for form in grey))
    plain = sum(form.ids == {form.top} or is_soft(form) or form.lossy for form in grey)
    return replace(reading, binary=2 * plain > len(grey))


def seen_form(form: Form, reading: Reading) -> Form:
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


def seen_pixels(pixels: Pixels, reading: Reading) -> npt.NDArray[np.integer]:
    """The values of `seen_form`, pixel by pixel (H, W)."""
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


def own_of(form: Form, reading: Reading) -> Own | None:
    """The foreground of a file; None where it leaves a choice."""
    if reading.every:
        return Every()
    if reading.above is not None:
        return Above(reading.above)
    if reading.value is not None:
        return reading.value
    form = seen_form(form, reading)
    split = Above(middle_of(form.top))
    if form.lossy:
        if form.bright == 0:  # nothing at all, or 0 and 1 of which a JPEG leaves nothing
            return NOTHING if reading.lossy or form.levels == 1 else None
        return split if _has_two_ends(form) else None
    if is_soft(form) or (reading.binary and (is_stray(form) or _is_rather_soft(form))):
        return split
    ids = form.ids - {void_of(form, reading)}
    if len(ids) > 1 or form.levels > MOST_VALUES:
        return None
    return ids.pop() if ids else NOTHING


def _has_two_ends(form: Form) -> bool:
    """Whether a compressed mask is black and white but for its edges."""
    few = form.busiest <= max(_JPEG_BUSIEST * form.near, 4)
    return form.near > 0 and form.near >= _JPEG * form.bright and few


def is_soft(form: Form) -> bool:
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


def is_stray(form: Form) -> bool:
    """Whether hardly any pixel of a grey mask is neither black nor white."""
    return form.kind == GREY and len(form.ids) > 1 and form.near >= _STRAY * form.bright


def void_of(form: Form, reading: Reading) -> int | None:
    """The file's value whose pixels do not count: beside classes, never where it is all there is to see."""
    if reading.value == VOID or VOID not in form.ids or form.lossy:
        return None
    if form.kind == PALETTE:
        return VOID if reading.classes else None
    return VOID if form.kind == GREY and reading.beside else None


def foreground_of(form: Form, reading: Reading) -> int | None:
    """How many pixels of a file are foreground; None where only its pixels tell."""
    void = void_of(form, reading)
    counted = form.pixels - (form.values.get(void, 0) if void is not None else 0)
    seen, own = seen_form(form, reading), own_of(form, reading)
    if own is None or seen.levels > len(seen.values):
        return None
    blur = BLUR if form.lossy else 0
    found = sum(n for value, n in seen.values.items() if value != void and _is_in(value, own, blur))
    return counted - found if reading.invert else found


def _is_in(value: int, own: Own, blur: int) -> bool:
    if isinstance(own, Every):
        return value != 0
    return value > own.value if isinstance(own, Above) else abs(value - own) <= blur
