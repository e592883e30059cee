"""A config in words, in few letters, and as what it shares with other configs."""

from __future__ import annotations

import pytest

from cliploc.core.postprocess import PARAMETERS, PostProcess


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (PostProcess(dilate=41, erode=45), "bilinear, dilate 41, erode 45, threshold 0.505"),
        (PostProcess("nearest", "none", dilate=41), "nearest, no morphology, threshold 0.505"),
        (PostProcess("bicubic", "erode", "ellipse", erode=3), "bicubic, erode 3 (ellipse), threshold 0.505"),
        (PostProcess(kernel="cross", threshold=1.0), "bilinear, no morphology, threshold 1.000"),
    ],
)
def test_a_config_says_what_it_really_does(config: PostProcess, words: str) -> None:
    assert config.text() == words


def test_its_numbers_have_a_letter_each() -> None:
    assert PostProcess(dilate=41, erode=5).numbers() == ["d 41", "e 5", "t 0.505"]
    assert PostProcess(threshold=1.0).numbers(digits=2) == ["d 1", "e 1", "t 1.00"]


def test_the_shape_of_kernels_is_said_only_where_it_is_not_the_usual_one() -> None:
    assert "kernel" not in [parameter.name for parameter in PostProcess().said()]
    assert "kernel" in [parameter.name for parameter in PostProcess(kernel="cross").said()]


def test_configs_that_differ_in_morphology_or_threshold_alone_share_their_map() -> None:
    plain, other = PostProcess("nearest"), PostProcess("nearest", "erode", "cross", 5, 7, 0.1)
    assert plain.on_map == other.on_map
    assert plain.on_map != PostProcess("bilinear").on_map
    assert not plain.on_map.steps()


def test_every_parameter_but_the_threshold_says_what_it_acts_on() -> None:
    assert {parameter.name for parameter in PARAMETERS if not parameter.stage} == {"threshold"}
