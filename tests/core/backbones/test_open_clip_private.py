"""What is used of open_clip beside its public names is still there, or it is said what is missing."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from cliploc.core.backbones.ahead import tags_of
from cliploc.core.backbones.open_clip_private import REASONS, TABLE, private


@pytest.mark.parametrize("name", REASONS)
def test_open_clip_still_has_what_we_use_of_its_own(name: str) -> None:
    try:
        private(name)
    except (ImportError, AttributeError):
        pytest.fail(f"open_clip {version('open_clip_torch')} has no {name}, which was {REASONS[name]}")


def test_its_table_of_weights_can_still_be_read_as_text() -> None:
    table = private(TABLE)
    assert set(tags_of("ViT-B-16")) == set(table["ViT-B-16"])
