"""What commands say about their progress where nobody watches a bar."""

from __future__ import annotations

import pytest

from cliploc.core.commands.progress import progress


def test_a_download_says_every_percent_in_megabytes(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("bytes") as report:
        for done in (0, 400_000, 1_230_000, 123_000_000):
            report("downloading", done, 123_000_000)
    assert capsys.readouterr().err.splitlines() == [
        "downloading: 0.0 of 123.0 MB",
        "downloading: 1.2 of 123.0 MB",
        "downloading: 123.0 of 123.0 MB",
    ]


def test_other_work_says_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as report:
        for done in range(41):
            report("gem", done, 40)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 11
    assert said[-1] == "gem: 40 of 40 images"
