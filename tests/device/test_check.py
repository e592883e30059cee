"""The checks of an accelerator say so where there is none."""

from __future__ import annotations

import pytest
import torch

from tests.device import check


def test_without_a_card_it_is_said_and_nothing_fails(capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a card")
    assert check.main() == 0
    assert "no CUDA device here" in capsys.readouterr().out
