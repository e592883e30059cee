"""The options that say about a weights file what it does not say itself."""

from __future__ import annotations

import argparse


def add_told_arguments(parser: argparse.ArgumentParser, default: str | None = "") -> None:
    """--quickgelu yes|no, --preprocess openai|imagenet|inception; `default` where they are not given."""
    from cliploc.core.backbones.catalog import PREPROCESS, QUICKGELU

    parser.add_argument(
        "--quickgelu", choices=tuple(QUICKGELU), default=default,
        help="whether the weights were trained with QuickGELU, as OpenAI's were (default: what a config "
        "beside them says, else no)",
    )  # fmt: skip
    parser.add_argument(
        "--preprocess", choices=tuple(PREPROCESS), default=default,
        help="the mean and std of the pictures they were trained on (likewise, else openai)",
    )  # fmt: skip
