"""Names that belong together: whatever the names, and whatever all masks have before or behind them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.datasets.listing import label_in, paired

STEMS = st.lists(
    st.from_regex(r"[a-z0-9]{1,4}([_-][a-z0-9]{1,4}){0,2}", fullmatch=True),
    min_size=1,
    max_size=8,
    unique=True,
)
FOLDERS = st.sampled_from(["", "cat/", "val/red car/"])


@given(STEMS, FOLDERS, st.sampled_from(["", "mask_", "gt-"]), st.sampled_from(["", "_mask", "-seg", ".gt"]))
def test_masks_find_their_pictures(stems: list[str], folder: str, before: str, behind: str) -> None:
    if before and behind:
        behind = ""  # one affix is looked for, not two
    pictures = [f"{folder}{stem}.jpg" for stem in stems]
    masks = [f"{folder}{before}{stem}{behind}.png" for stem in stems]
    found = paired(pictures, masks)
    assert found.pairs == tuple(zip(pictures, masks, strict=True))
    assert not found.lonely
    assert not found.problems


@given(STEMS)
def test_nothing_is_paired_across_folders(stems: list[str]) -> None:
    pictures = [f"cat/{stem}.jpg" for stem in stems]
    found = paired(pictures, [f"dog/{stem}.png" for stem in stems])
    assert not found.pairs
    assert list(found.lonely) == pictures
    assert len(found.problems) == len(stems)


def test_an_affix_begins_at_a_separator() -> None:
    found = paired(["1.jpg", "11.jpg"], ["1.png", "12.png"])
    assert found.pairs == (("1.jpg", "1.png"),)
    assert found.lonely == ("11.jpg",)
    assert found.problems == ("mask 12.png belongs to no picture",)


def test_the_first_folder_that_is_no_part_is_the_label() -> None:
    assert label_in("train/red car/x/1.jpg") == "red car"
    assert label_in("val/1.jpg") == ""
    assert label_in("1.jpg") == ""
