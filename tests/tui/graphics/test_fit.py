"""Fitting: inside the widget, aspect kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.terminal import Terminal
from cliploc.tui.graphics.fit import fit

SIDES = st.integers(1, 2000)


@given(
    image=st.tuples(SIDES, SIDES),
    widget=st.tuples(st.integers(1, 200), st.integers(1, 100)),
    cell=st.tuples(st.integers(4, 20), st.integers(8, 40)),
)
def test_the_box_is_inside_and_as_large_as_it_can_be(
    image: tuple[int, int], widget: tuple[int, int], cell: tuple[int, int]
) -> None:
    box = fit(image, widget, Terminal("halfcell", *cell))
    assert 0 <= box.x <= box.x + box.columns <= widget[0]
    assert 0 <= box.y <= box.y + box.rows <= widget[1]
    assert box.columns == widget[0] or box.rows == widget[1]


def test_a_square_image_is_square_in_pixels() -> None:
    box = fit((100, 100), (80, 20), Terminal("halfcell", 10, 20))
    assert (box.columns, box.rows, box.x) == (40, 20, 20)


def test_the_spared_row_is_the_last() -> None:
    box = fit((100, 100), (40, 20), Terminal("sixel", 10, 20), spare_last_row=True)
    assert box.y + box.rows <= 19
