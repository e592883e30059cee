"""Every way in which people save masks reads as the mask it is, or a sentence asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cliploc.core.datasets import Dataset, mask_forms, open_dataset
from cliploc.core.datasets.spec import Options
from cliploc.core.errors import DatasetError
from cliploc.core.heatmaps.ground import ground
from tests.core.datasets.readers import disc, saved

HEIGHT, WIDTH = 40, 56
VOC = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0] + [0] * (3 * 251) + [224, 224, 192]
Write = Callable[[Path, np.ndarray], Path]


def grey(high: int, low: int = 0, dtype: type = np.uint8) -> Write:
    def write(path: Path, mask: np.ndarray) -> Path:
        return saved(path.with_suffix(".png"), Image.fromarray(np.where(mask, high, low).astype(dtype)))

    return write


def one_bit(path: Path, mask: np.ndarray) -> Path:
    return saved(path.with_suffix(".png"), Image.fromarray(mask))


def jpeg(path: Path, mask: np.ndarray) -> Path:
    return saved(path.with_suffix(".jpg"), Image.fromarray(mask.astype(np.uint8) * 255), quality=85)


def colour_jpeg(path: Path, mask: np.ndarray) -> Path:
    return saved(
        path.with_suffix(".jpg"), Image.fromarray(np.repeat(mask[..., None], 3, 2).astype(np.uint8) * 255)
    )


def palette(path: Path, mask: np.ndarray, colours: Sequence[int] = VOC, index: int = 1) -> Path:
    image = Image.fromarray(np.where(mask, index, 0).astype(np.uint8), "P")
    image.putpalette(colours)
    return saved(path.with_suffix(".png"), image)


def grey_palette_backwards(path: Path, mask: np.ndarray) -> Path:
    """As optimizers leave it: index 0 is white, index 1 is black."""
    return palette(path, ~mask, [255, 255, 255, 0, 0, 0])


def alpha_only(path: Path, mask: np.ndarray) -> Path:
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[..., 3] = mask * 255
    return saved(path.with_suffix(".png"), Image.fromarray(pixels))


def opaque_white(path: Path, mask: np.ndarray) -> Path:
    pixels = np.full((*mask.shape, 4), 255, np.uint8)
    pixels[~mask, :3] = 0
    return saved(path.with_suffix(".png"), Image.fromarray(pixels))


def white_on_clear(path: Path, mask: np.ndarray) -> Path:
    pixels = np.full((*mask.shape, 4), 255, np.uint8)
    pixels[~mask] = 0
    return saved(path.with_suffix(".png"), Image.fromarray(pixels))


def red(path: Path, mask: np.ndarray) -> Path:
    pixels = np.zeros((*mask.shape, 3), np.uint8)
    pixels[mask] = (128, 0, 0)
    return saved(path.with_suffix(".png"), Image.fromarray(pixels))


def floats(path: Path, mask: np.ndarray) -> Path:
    return saved(path.with_suffix(".tif"), Image.fromarray(mask.astype(np.float32)))


def smooth(path: Path, mask: np.ndarray) -> Path:
    """Resized with soft edges; foreground is what is above the middle."""
    large = Image.fromarray(np.kron(mask, np.ones((4, 4), bool)).astype(np.uint8) * 255)
    return saved(path.with_suffix(".png"), large.resize(mask.shape[::-1], Image.Resampling.BICUBIC))


EXACT: dict[str, Write] = {
    "0 and 255": grey(255),
    "0 and 1": grey(1),
    "a class number": grey(38),
    "16 bits, 0 and 255": grey(255, dtype=np.uint16),
    "16 bits, 0 and 65535": grey(65535, dtype=np.uint16),
    "16 bits, 0 and 1": grey(1, dtype=np.uint16),
    "one bit": one_bit,
    "VOC's palette": palette,
    "a palette of greys, backwards": grey_palette_backwards,
    "the alpha channel alone": alpha_only,
    "opaque white": opaque_white,
    "white on clear": white_on_clear,
    "one colour": red,
    "floats": floats,
}


def folder(place: Path, write: Write, masks: Sequence[np.ndarray], options: str = "") -> Dataset:
    lines = ["real,fake,mask,prompt"]
    for number, mask in enumerate(masks):
        picture = np.full((*mask.shape, 3), 40 * number % 256, np.uint8)
        real = saved(place / f"real/cat_{number}.png", Image.fromarray(picture))
        path = write(place / f"mask/{number}", mask)
        lines.append(f"{real.relative_to(place)},,{path.relative_to(place)},cat")
    (place / "table.csv").write_text("\n".join(lines) + "\n")
    return open_dataset(f"{place}?{options}" if options else str(place))


MASKS = [disc(HEIGHT, WIDTH, seed) for seed in range(4)]


@pytest.mark.parametrize("name", EXACT)
def test_a_mask_is_read_as_it_was_meant(name: str, tmp_path: Path) -> None:
    dataset = folder(tmp_path, EXACT[name], MASKS)
    for sample, mask in zip(dataset.samples, MASKS, strict=True):
        np.testing.assert_array_equal(sample.true_mask(), mask)
        assert sample.ignored() is None
    assert not dataset.empty


@pytest.mark.parametrize("write", [jpeg, colour_jpeg, smooth])
def test_soft_and_lossy_masks_are_split_in_the_middle(write: Write, tmp_path: Path) -> None:
    dataset = folder(tmp_path, write, MASKS)
    for sample, mask in zip(dataset.samples, MASKS, strict=True):
        found = sample.true_mask()
        assert (found != mask).sum() <= 0.02 * mask.size
        assert (found & mask).sum() > 0.9 * mask.sum()


@settings(max_examples=30, deadline=None)
@given(high=st.integers(1, 65535), seed=st.integers(0, 1000))
def test_any_one_value_besides_zero_is_foreground(
    high: int, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mask = disc(HEIGHT, WIDTH, seed)
    dataset = folder(tmp_path_factory.mktemp("value"), grey(high, dtype=np.uint16), [mask])
    np.testing.assert_array_equal(dataset.samples[0].true_mask(), mask)


def test_an_unusual_value_is_said(tmp_path: Path) -> None:
    assert folder(tmp_path / "a", grey(1), MASKS).notes == (
        "mask value 1 is foreground: no mask holds another besides 0",
    )
    assert folder(tmp_path / "b", grey(255), MASKS).notes == ()


def test_files_that_differ_from_the_rest_are_named(tmp_path: Path) -> None:
    def mixed(path: Path, mask: np.ndarray) -> Path:
        return grey(1 if path.name == "2" else 255)(path, mask)

    dataset = folder(tmp_path, mixed, MASKS)
    np.testing.assert_array_equal(dataset.samples[2].true_mask(), MASKS[2])
    (note,) = dataset.notes
    assert "white in 3, 1 in 1" in note
    assert "mask/2.png" in note


def with_classes(path: Path, mask: np.ndarray) -> Path:
    values = mask * 7
    values[0, :] = 12
    return saved(path.with_suffix(".png"), Image.fromarray(values.astype(np.uint8)))


def test_several_values_are_asked_about_and_mask_value_answers(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"found 7, 12; expected one .*mask-value") as caught:
        folder(tmp_path, with_classes, MASKS).samples[0].true_mask()
    assert "4 of 4 masks" in str(caught.value)
    expected = MASKS[0] & (np.arange(HEIGHT)[:, None] > 0)
    for options, wanted in (
        ("mask-value=7", expected),
        ("mask-value=any", expected | (np.arange(HEIGHT)[:, None] == 0)),
    ):
        found = open_dataset(f"{tmp_path}?{options}").samples[0].true_mask()
        np.testing.assert_array_equal(found, wanted)


def test_colours_are_asked_about_by_their_numbers(tmp_path: Path) -> None:
    def two_colours(path: Path, mask: np.ndarray) -> Path:
        pixels = np.zeros((*mask.shape, 3), np.uint8)
        pixels[mask] = (128, 0, 0)
        pixels[:3] = (0, 128, 0)
        return saved(path.with_suffix(".png"), Image.fromarray(pixels))

    with pytest.raises(DatasetError, match="0x008000, 0x800000"):
        folder(tmp_path, two_colours, MASKS).samples[0].true_mask()
    found = open_dataset(f"{tmp_path}?mask-value=0x800000").samples[0].true_mask()
    np.testing.assert_array_equal(found, MASKS[0] & (np.arange(HEIGHT)[:, None] > 2))


def voc(path: Path, mask: np.ndarray) -> Path:
    """Class 1, and a void border of two columns."""
    indices = np.where(mask, 1, 0).astype(np.uint8)
    indices[:, :2] = 255
    image = Image.fromarray(indices, "P")
    image.putpalette(VOC)
    return saved(path.with_suffix(".png"), image)


def test_void_is_ignored(tmp_path: Path) -> None:
    dataset = folder(tmp_path, voc, MASKS)
    void = np.zeros((HEIGHT, WIDTH), bool)
    void[:, :2] = True
    for sample, mask in zip(dataset.samples, MASKS, strict=True):
        ignored = sample.ignored()
        assert ignored is not None
        np.testing.assert_array_equal(ignored, void)
        np.testing.assert_array_equal(sample.true_mask(), mask & ~void)
    assert any("255 is void" in note for note in dataset.notes)


def test_what_is_void_all_over_is_left_out_and_counted(tmp_path: Path) -> None:
    def last_is_void(path: Path, mask: np.ndarray) -> Path:
        written = voc(path, mask)
        if path.name == "3":
            image = Image.fromarray(np.full(mask.shape, 255, np.uint8), "P")
            image.putpalette(VOC)
            saved(written, image)
        return written

    dataset = folder(tmp_path, last_is_void, MASKS)
    assert dataset.left_out == {"cat_3"}
    assert [sample.id for sample in dataset.scorable] == ["cat_0", "cat_1", "cat_2"]
    found = ground(dataset, [sample.id for sample in dataset.samples])
    assert (found.images, found.left_out) == (3, 1)
    assert "1 samples are ignored all over, and are left out" in found.sentences


def palette_of(*colours: int, indices: np.ndarray, path: Path) -> Path:
    image = Image.fromarray(indices.astype(np.uint8), "P")
    image.putpalette([channel for colour in colours for channel in colour.to_bytes(3, "big")])
    return saved(path.with_suffix(".png"), image)


def by_number(*writers: Write) -> Write:
    """The n-th mask by the n-th writer."""
    return lambda path, mask: writers[int(path.name) % len(writers)](path, mask)


def test_an_index_means_the_same_in_every_file(tmp_path: Path) -> None:
    """Index 7 of VOC is a grey: it stays index 7 where nothing else is in a file."""
    colours = [*VOC[:21], 128, 128, 128]

    def alone(path: Path, mask: np.ndarray) -> Path:
        return palette(path, mask, colours, 7)

    def beside(path: Path, mask: np.ndarray) -> Path:
        image = Image.fromarray(np.where(mask, 7, np.where(mask[::-1], 1, 0)).astype(np.uint8), "P")
        image.putpalette(colours)
        return saved(path.with_suffix(".png"), image)

    dataset = folder(tmp_path, by_number(alone, beside), MASKS, "mask-value=7")
    for sample, mask in zip(dataset.samples, MASKS, strict=True):
        np.testing.assert_array_equal(sample.true_mask(), mask)


def test_a_white_background_of_a_palette_is_no_foreground(tmp_path: Path) -> None:
    def classes(path: Path, mask: np.ndarray) -> Path:
        return palette_of(0xFFFFFF, 0xFF0000, indices=mask, path=path)

    nothing = np.zeros((HEIGHT, WIDTH), bool)
    dataset = folder(tmp_path, classes, [MASKS[0], nothing])
    assert dataset.empty == {"cat_1"}
    np.testing.assert_array_equal(dataset.samples[0].true_mask(), MASKS[0])


def test_a_clear_ground_of_a_palette_leaves_classes_and_void(tmp_path: Path) -> None:
    """As GIMP saves VOC's: index 0 is transparent."""

    def clear(path: Path, mask: np.ndarray) -> Path:
        written = voc(path, mask)
        image = Image.open(written)
        return saved(written, image, transparency=0)

    for options in ("", "mask-value=1"):
        dataset = folder(tmp_path / f"options{len(options)}", clear, MASKS, options)
        for sample, mask in zip(dataset.samples, MASKS, strict=True):
            void = sample.ignored()
            assert void is not None
            assert void[:, :2].all()
            assert not void[:, 2:].any()
            np.testing.assert_array_equal(sample.true_mask(), mask & ~void)


@pytest.mark.parametrize("clear", [False, True])
def test_colours_that_a_program_numbered_by_frequency_are_read_as_colours(
    clear: bool, tmp_path: Path
) -> None:
    """The object is index 0 in one file, the ground in the next."""

    def by_frequency(path: Path, mask: np.ndarray) -> Path:
        first = int(path.name) % 2
        colours = (0xFF0000, 0x000000) if first else (0x000000, 0xFF0000)
        written = palette_of(*colours, indices=mask ^ bool(first), path=path)
        image = Image.open(written)
        return saved(written, image, transparency=first) if clear else written

    dataset = folder(tmp_path, by_frequency, MASKS)
    for sample, mask in zip(dataset.samples, MASKS, strict=True):
        np.testing.assert_array_equal(sample.true_mask(), mask)
        assert sample.ignored() is None


def test_flat_colours_on_a_clear_ground_are_asked_about_by_their_numbers(tmp_path: Path) -> None:
    def two_colours(path: Path, mask: np.ndarray) -> Path:
        pixels = np.zeros((*mask.shape, 4), np.uint8)
        pixels[mask[::-1]] = (0, 255, 0, 255)
        pixels[mask] = (255, 0, 0, 255)
        return saved(path.with_suffix(".png"), Image.fromarray(pixels))

    with pytest.raises(DatasetError, match="mask-value"):
        folder(tmp_path / "asked", two_colours, MASKS).samples[0].true_mask()
    dataset = folder(tmp_path / "told", two_colours, MASKS, "mask-value=0xff0000")
    for sample, mask in zip(dataset.samples, MASKS, strict=True):
        np.testing.assert_array_equal(sample.true_mask(), mask)


def test_void_beside_a_named_value_is_void_where_the_value_is_not(tmp_path: Path) -> None:
    """Class numbers in grey: the border of an object is void also in a file without that class."""

    def classes(path: Path, mask: np.ndarray) -> Path:
        indices = (
            np.where(mask, 1, 0).astype(np.uint8) if path.name != "3" else np.zeros(mask.shape, np.uint8)
        )
        indices[:, :2] = 255
        return saved(path.with_suffix(".png"), Image.fromarray(indices))

    dataset = folder(tmp_path, classes, MASKS, "mask-value=1")
    for sample in dataset.samples:
        ignored = sample.ignored()
        assert ignored is not None
        assert ignored[:, :2].all()
        assert not ignored[:, 2:].any()
    assert dataset.empty == {"cat_3"}


def test_void_of_palettes_is_none_of_plain_masks_beside_them(tmp_path: Path) -> None:
    dataset = folder(tmp_path, by_number(voc, grey(255), one_bit, voc), MASKS)
    for place in (1, 2):
        np.testing.assert_array_equal(dataset.samples[place].true_mask(), MASKS[place])
        assert dataset.samples[place].ignored() is None
    assert dataset.samples[0].ignored() is not None


def test_any_value_includes_white(tmp_path: Path) -> None:
    def trimap(path: Path, mask: np.ndarray) -> Path:
        values = np.where(mask, 255, np.where(mask[::-1], 128, 0))
        return saved(path.with_suffix(".png"), Image.fromarray(values.astype(np.uint8)))

    dataset = folder(tmp_path, trimap, MASKS, "mask-value=any")
    np.testing.assert_array_equal(dataset.samples[0].true_mask(), MASKS[0] | MASKS[0][::-1])


def test_float_labels_and_sixteen_bit_numbers_are_not_scaled(tmp_path: Path) -> None:
    def labels(path: Path, mask: np.ndarray) -> Path:
        values = np.where(mask, 1, np.where(mask[::-1], 2, 0) if path.name == "1" else 0)
        return saved(path.with_suffix(".tif"), Image.fromarray(values.astype(np.float32)))

    found = folder(tmp_path / "floats", labels, MASKS, "mask-value=1")
    instances = folder(tmp_path / "instances", grey(257, dtype=np.uint16), MASKS, "mask-value=257")
    for dataset in (found, instances):
        for sample, mask in zip(dataset.samples, MASKS, strict=True):
            np.testing.assert_array_equal(sample.true_mask(), mask)


def test_classes_beside_a_large_void_are_no_soft_edges(tmp_path: Path) -> None:
    def train_ids(path: Path, mask: np.ndarray) -> Path:
        values = np.full(mask.shape, 255, np.uint8)
        values[:20] = np.arange(mask.shape[1]) % 10
        return saved(path.with_suffix(".png"), Image.fromarray(values))

    def instances(path: Path, mask: np.ndarray) -> Path:
        values = np.where(mask, 247 + np.arange(mask.shape[1]) % 9, 0)
        return saved(path.with_suffix(".png"), Image.fromarray(values.astype(np.uint8)))

    for name, write in (("train", train_ids), ("instances", instances)):
        with pytest.raises(DatasetError, match="several values besides 0"):
            folder(tmp_path / name, write, MASKS).samples[0].true_mask()


def test_a_jpeg_that_is_not_black_and_white_is_no_mask(tmp_path: Path) -> None:
    def two_classes(path: Path, mask: np.ndarray) -> Path:
        values = np.where(mask, 200, np.where(mask[::-1], 100, 0))
        return saved(path.with_suffix(".jpg"), Image.fromarray(values.astype(np.uint8)), quality=90)

    def photo(path: Path, mask: np.ndarray) -> Path:
        noise = np.random.default_rng(0).integers(0, 256, mask.shape)
        return saved(path.with_suffix(".jpg"), Image.fromarray(noise.astype(np.uint8)), quality=90)

    for name, write in (("classes", two_classes), ("photo", photo)):
        with pytest.raises(DatasetError, match="not black and white"):
            folder(tmp_path / name, write, MASKS).samples[0].true_mask()
    with pytest.raises(DatasetError, match="cannot be told from black"):
        folder(tmp_path / "named", jpeg, MASKS, "mask-value=1").samples[0].true_mask()


def test_a_dark_jpeg_among_good_ones_is_empty_and_not_full(tmp_path: Path) -> None:
    def noise(path: Path, mask: np.ndarray) -> Path:
        values = np.random.default_rng(1).integers(0, 6, mask.shape).astype(np.uint8)
        return saved(path.with_suffix(".jpg"), Image.fromarray(values))

    dataset = folder(tmp_path, by_number(jpeg, jpeg, jpeg, noise), MASKS)
    assert not dataset.samples[3].true_mask().any()
    assert dataset.empty == {"cat_3"}


def test_stray_pixels_and_few_levels_among_sound_masks_are_split_and_said(tmp_path: Path) -> None:
    def stray(path: Path, mask: np.ndarray) -> Path:
        values = (mask * 255).astype(np.uint8)
        values[0, :3] = (3, 90, 200)
        return saved(path.with_suffix(".png"), Image.fromarray(values))

    dataset = folder(tmp_path, by_number(grey(255), grey(255), grey(255), stray), MASKS)
    assert (dataset.samples[3].true_mask() != MASKS[3]).sum() == 1  # the one above the middle
    assert any("a few pixels" in note and "mask/3.png" in note for note in dataset.notes)


def test_everything_brighter_than_a_number_may_be_meant(tmp_path: Path) -> None:
    def feathered(path: Path, mask: np.ndarray) -> Path:
        rows = np.linspace(1, 255, mask.shape[0])[:, None] * np.ones(mask.shape)
        return saved(path.with_suffix(".png"), Image.fromarray(rows.astype(np.uint8)))

    with pytest.raises(DatasetError, match="above:127"):
        folder(tmp_path, feathered, MASKS).samples[0].true_mask()
    found = open_dataset(f"{tmp_path}?mask-value=above:127").samples[0].true_mask()
    expected = np.asarray(Image.open(tmp_path / "mask/0.png")) > 127
    np.testing.assert_array_equal(found, expected)


def test_a_shape_in_the_alpha_channel_wins_over_many_colours(tmp_path: Path) -> None:
    def cut_out(path: Path, mask: np.ndarray) -> Path:
        pixels = np.random.default_rng(2).integers(0, 256, (*mask.shape, 4), np.uint8)
        pixels[..., 3] = mask * 255
        return saved(path.with_suffix(".png"), Image.fromarray(pixels))

    def black_on_clear_white(path: Path, mask: np.ndarray) -> Path:
        pixels = np.where(mask[..., None], (0, 0, 0, 255), (255, 255, 255, 0))
        return saved(path.with_suffix(".png"), Image.fromarray(pixels.astype(np.uint8)))

    for name, write in (("many", cut_out), ("black", black_on_clear_white)):
        dataset = folder(tmp_path / name, write, MASKS)
        np.testing.assert_array_equal(dataset.samples[0].true_mask(), MASKS[0])


def test_a_tiff_is_taken_as_it_is_stored(tmp_path: Path) -> None:
    def turned(path: Path, mask: np.ndarray) -> Path:
        image = Image.fromarray(mask.astype(np.uint8) * 255)
        return saved(path.with_suffix(".tif"), image, tiffinfo={274: 3})

    dataset = folder(tmp_path, turned, MASKS)
    np.testing.assert_array_equal(dataset.samples[0].true_mask(), MASKS[0])


def test_several_pictures_in_a_file_are_said(tmp_path: Path) -> None:
    def pages(path: Path, mask: np.ndarray) -> Path:
        image = Image.fromarray(mask.astype(np.uint8) * 255)
        return saved(path.with_suffix(".tif"), image, save_all=True, append_images=[image])

    (note,) = folder(tmp_path, pages, MASKS).notes
    assert "4 masks hold several pictures" in note


def test_inverted_masks_are_turned_on_request(tmp_path: Path) -> None:
    dataset = folder(tmp_path, grey(0, 255), MASKS, "invert=yes")
    np.testing.assert_array_equal(dataset.samples[0].true_mask(), MASKS[0])
    assert dataset.notes == ("masks are inverted: foreground is what is not marked",)


def test_empty_masks_are_counted(tmp_path: Path) -> None:
    nothing = np.zeros((HEIGHT, WIDTH), bool)
    dataset = folder(tmp_path, grey(255), [*MASKS, nothing, nothing])
    assert dataset.empty == {"cat_4", "cat_5"}
    found = ground(dataset, [sample.id for sample in dataset.samples])
    assert found.sentences == ["2 of 6 true masks are empty: there, nothing predicted scores 1"]


def test_masks_that_are_all_empty_are_an_error_until_they_are_meant(tmp_path: Path) -> None:
    nothing = [np.zeros((HEIGHT, WIDTH), bool)] * 3
    with pytest.raises(DatasetError, match=r"all 3 true masks are empty.*allow-empty"):
        folder(tmp_path, grey(255), nothing).samples[0].true_mask()
    assert not open_dataset(f"{tmp_path}?allow-empty=yes").samples[0].true_mask().any()


def test_zero_and_one_through_a_jpeg_are_lost_and_said(tmp_path: Path) -> None:
    def dim(path: Path, mask: np.ndarray) -> Path:
        return saved(path.with_suffix(".jpg"), Image.fromarray(mask.astype(np.uint8) * 3), quality=95)

    with pytest.raises(DatasetError, match="do not survive in a JPEG"):
        folder(tmp_path, dim, MASKS).samples[0].true_mask()


def test_a_mask_of_another_size_stops_whoever_uses_it(tmp_path: Path) -> None:
    dataset = folder(tmp_path, grey(255), MASKS)
    saved(tmp_path / "mask/1.png", Image.fromarray(MASKS[1][:, ::2].astype(np.uint8) * 255))
    sample = open_dataset(str(tmp_path)).samples[1]
    for read in (sample.true_mask, sample.image):
        with pytest.raises(DatasetError, match=f"{WIDTH // 2} x {HEIGHT}|{WIDTH} x {HEIGHT}"):
            read()
    np.testing.assert_array_equal(dataset.samples[0].true_mask(), MASKS[0])


def test_one_broken_mask_does_not_take_the_others_along(tmp_path: Path) -> None:
    folder(tmp_path, grey(255), MASKS)
    (tmp_path / "mask/1.png").write_bytes(b"no picture")
    dataset = open_dataset(str(tmp_path))
    np.testing.assert_array_equal(dataset.samples[0].true_mask(), MASKS[0])
    with pytest.raises(DatasetError, match=r"mask/1\.png is not a picture"):
        dataset.samples[1].true_mask()
    assert "1 of 4 true masks cannot be read; `cliploc dataset check` names them" in dataset.notes


def test_a_mask_that_is_replaced_is_looked_at_again(tmp_path: Path) -> None:
    folder(tmp_path, grey(255), MASKS).samples[0].true_mask()
    grey(1)(tmp_path / "mask/0", MASKS[3])
    np.testing.assert_array_equal(open_dataset(str(tmp_path)).samples[0].true_mask(), MASKS[3])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mask-value": "some"}, "expected a number, 0xRRGGBB, any, or above:127"),
        ({"orientation": "left"}, "expected auto, stored, upright"),
        ({"invert": "1"}, "expected yes or no"),
        ({"mask-valu": "1"}, "did you mean mask-value"),
    ],
)
def test_wrong_options_are_explained(given: dict[str, str], words: str) -> None:
    with pytest.raises(Exception, match=words):
        Options().with_(given)


@pytest.mark.parametrize("top", [3, 1 << 24])
def test_values_are_counted_in_slices_as_at_once(monkeypatch: pytest.MonkeyPatch, top: int) -> None:
    monkeypatch.setattr(mask_forms, "_SLICE", 7)
    values = np.random.default_rng(0).integers(0, top, (5, 11)).astype(np.int32)
    form = mask_forms.described(mask_forms.Pixels(values, mask_forms.COLOUR))
    expected = Counter(values.ravel().tolist())
    assert form.values == dict(expected)
    assert form.levels == len(expected)
