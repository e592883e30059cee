"""Downloads of weights say how far they are, through the bar that huggingface_hub makes and moves."""

from __future__ import annotations

import pytest

from cliploc.core.backbones import fetch


def test_the_hubs_bar_tells_bytes_and_draws_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[str, int, int]] = []
    kind = fetch._reported("weights.bin", lambda *said: told.append(said))
    with kind(unit="B", unit_scale=True, desc="weights.bin", total=100, initial=20, mininterval=0) as bar:
        bar.update(30)
        bar.update(50)
    assert told[0] == ("weights.bin", 20, 100)
    assert ("weights.bin", 100, 100) in told
    assert capsys.readouterr() == ("", "")


def test_a_whole_that_is_not_known_is_0() -> None:
    told: list[tuple[str, int, int]] = []
    with fetch._reported("config.json", lambda *said: told.append(said))(total=None, mininterval=0) as bar:
        bar.update(7)
    assert told[-1] == ("config.json", 7, 0)
