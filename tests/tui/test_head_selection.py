"""The board of switches: what is off, what is shown, and the recipe's settings for it."""

from __future__ import annotations

import pytest

from cliploc.tui.head_selection import HEAD, LAYER, MODEL, HeadSelection, choice_text

BOARD = HeadSelection.of(3, 2, {})


def test_it_begins_with_the_last_layers_first_head_alone() -> None:
    assert (BOARD.place, BOARD.shows) == ((2, 0), HEAD)
    assert BOARD.settings == {"layer": 2, "head": 0, "off": ""}
    assert BOARD.title == "layer 2, head 0"


def test_switching_a_head_shows_the_model_without_it_and_again_with_it() -> None:
    off = BOARD.switched()
    assert off.settings == {"layer": -1, "head": -1, "off": "2.0"}
    assert off.title == "all heads but 1"
    assert off.switched().settings == {"layer": -1, "head": -1, "off": ""}
    assert off.switched().title == "all heads"


def test_a_layer_goes_off_as_a_whole_also_where_some_heads_were_off_already() -> None:
    off = BOARD.switched().layer_switched()
    assert off.settings["off"] == "2.*"
    assert off == BOARD.switched().moved(0, 1).switched().moved(0, -1)
    assert off.layer_switched().off == frozenset()
    assert off.switched().settings["off"] == "2.1"


def test_all_heads_come_on_again() -> None:
    assert BOARD.switched().moved(-1, 0).layer_switched().all_on().settings["off"] == ""


def test_what_is_shown_is_the_model_the_layer_or_the_head_alone() -> None:
    off = BOARD.switched().moved(-1, 1).switched()
    assert off.settings["off"] == "1.1,2.0"
    layer = off.showing(LAYER)
    assert (layer.settings, layer.title) == (
        {"layer": 1, "head": -1, "off": "1.1"},
        "layer 1, all heads but 1",
    )
    alone = layer.showing(LAYER)
    assert (alone.settings, alone.title) == ({"layer": 1, "head": 1, "off": ""}, "layer 1, head 1 (off)")
    assert alone.moved(0, -1).title == "layer 1, head 0"
    assert alone.showing(MODEL).settings == off.settings


def test_the_cursor_stops_at_the_edges() -> None:
    assert BOARD.moved(9, 9).place == (2, 1)
    assert BOARD.moved(-9, -9).place == (0, 0)


@pytest.mark.parametrize(
    "board",
    [BOARD, BOARD.showing(LAYER), BOARD.moved(-1, 1).switched(), BOARD.layer_switched().moved(0, 0)],
)
def test_a_recipe_that_was_taken_is_found_again(board: HeadSelection) -> None:
    again = HeadSelection.of(3, 2, board.settings)
    assert again.settings == board.settings
    assert again.off == board.off


def test_places_of_a_larger_network_are_passed_over() -> None:
    board = HeadSelection.of(3, 2, {"layer": 9, "head": 7, "off": "9.*,1.5,1.0"})
    assert board.place == (2, 1)
    assert board.off == {(1, 0)}


def test_a_network_of_unknown_size_shows_all_of_it() -> None:
    unknown = HeadSelection.of(0, 0, {})
    assert unknown.settings == {"layer": -1, "head": -1, "off": ""}
    assert unknown.switched().layer_switched().moved(1, 1).showing(LAYER) == unknown


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, ""),
        ({"layer": -1, "head": -1, "off": ""}, ""),
        ({"layer": 3, "head": 1, "off": ""}, "layer 3, head 1"),
        ({"layer": 3, "head": -1, "off": "3.0"}, "layer 3, off 3.0"),
        ({"off": "1.*,2.*,3.*,4.*,5.*,6.*,7.*"}, "off 1.*,2.*,3.*,4.*,5.*,6.*…"),
    ],
)
def test_the_explorer_says_which_choice_it_shows(settings: dict[str, object], text: str) -> None:
    assert choice_text(settings) == text
