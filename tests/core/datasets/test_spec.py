"""Specs: a place and how its files are read, kept in one text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.datasets.formats import LAYOUTS, format_of
from cliploc.core.datasets.spec import ORIENTATIONS, Options, lasting, parsed, resolved, written
from cliploc.core.errors import ParameterError

OPTIONS = st.builds(
    Options,
    mask_value=st.sampled_from(["", "any", "1", "0x800000"]),
    invert=st.booleans(),
    orientation=st.sampled_from(ORIENTATIONS),
    picture=st.sampled_from(["real", "fake"]),
    skip_missing=st.booleans(),
    allow_empty=st.booleans(),
    prompt=st.text(),
    layout=st.sampled_from(["", *LAYOUTS]),
    subset=st.text(),
)


@given(OPTIONS)
def test_a_spec_survives_being_written(options: Options) -> None:
    for place in ("demo", "/data/my set", "coco:/a:/b.json"):
        assert parsed(written(place, options)) == (place, options)


def test_what_is_not_said_is_not_written() -> None:
    assert written("demo", Options()) == "demo"
    assert written("toy", Options(mask_value="1", skip_missing=True)) == "toy?mask-value=1&skip-missing=yes"


def test_a_folder_of_that_very_name_wins(tmp_path: Path) -> None:
    odd = tmp_path / "what?invert=yes"
    odd.mkdir()
    assert parsed(str(odd)) == (str(odd), Options())


def test_a_question_mark_that_is_no_option_belongs_to_the_path() -> None:
    assert parsed("/data/why?") == ("/data/why?", Options())


def test_colons_and_question_marks_of_a_path_are_no_marks_of_ours(tmp_path: Path) -> None:
    images, annotations = tmp_path / "a:b?c=d", tmp_path / "e:f?g=h.json"
    images.mkdir()
    annotations.write_text("{}")
    place = f"coco:{images}:{annotations}"
    assert parsed(place) == (place, Options())
    assert format_of(place).paths(place) == (images, annotations)
    assert parsed(f"{place}?orientation=stored") == (place, Options(orientation="stored"))


@pytest.mark.parametrize(("written", "meant"), [("0x7", "7"), ("+7", "7"), ("0xFF0000", "0xff0000")])
def test_a_number_has_one_spelling(written: str, meant: str) -> None:
    assert Options(mask_value=written) == Options(mask_value=meant)
    assert Options(mask_value=written).mask_value == meant
    assert Options(mask_value="above:007").mask_value == "above:7"


def test_options_alone_change_those_of_the_stored_spec() -> None:
    stored = "/data/toy?mask-value=1"
    assert resolved(None, stored) == stored
    assert resolved("/data/toy", stored) == "/data/toy"
    assert resolved("/data/toy?invert=yes", stored) == "/data/toy?invert=yes"
    assert resolved("?invert=yes", stored) == "/data/toy?invert=yes&mask-value=1"
    assert resolved("?mask-value=2", stored) == "/data/toy?mask-value=2"


def test_a_place_that_it_moved_to_keeps_its_options() -> None:
    stored = "/data/toy?mask-value=1"
    assert resolved("/moved", stored) == "/moved?mask-value=1"
    assert resolved("/moved?invert=yes", stored) == "/moved?invert=yes"


def test_an_option_that_is_given_twice_with_two_values_is_asked_about() -> None:
    assert parsed("toy?mask-value=1&mask-value=1")[1].value == 1
    with pytest.raises(ParameterError, match="mask-value is given twice, 1 and 7"):
        parsed("toy?mask-value=1&mask-value=7")


def test_a_lasting_spec_keeps_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert lasting("toy?invert=yes") == f"{tmp_path}/toy?invert=yes"
    assert lasting("demo?picture=fake") == "demo?picture=fake"
    assert (
        lasting("coco:i:a.json?orientation=stored")
        == f"coco:{tmp_path}/i:{tmp_path}/a.json?orientation=stored"
    )


def test_unknown_options_name_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean mask-value"):
        parsed("demo?maskvalue=1")
