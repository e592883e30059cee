"""`--completions SHELL`: what makes the Tab key know a command line, written by its own parser.

The only place that uses names which argparse keeps to itself: it has no other way to tell which
arguments and commands a parser has, and shtab reads the same ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from cliploc.core.commands.output import print_whole

SHELLS = ("bash", "zsh", "fish")
# Arguments, by name, that are often paths.
PATHS = ("dataset", "file", "folder", "path", "out", "checkpoint", "keymap")


def add_completions(parser: argparse.ArgumentParser) -> None:
    """Add the option that prints the shell's script on stdout and leaves."""
    parser.add_argument(
        "--completions", choices=SHELLS, action=_Print, help="print a completion script for your shell"
    )


class _Print(argparse.Action):
    """Leaves at once, as --version does."""

    def __call__(self, parser: argparse.ArgumentParser, *values: Any) -> None:  # noqa: ANN401 (argparse's)
        # Only here: every other start does without it.
        import shtab

        for action in _actions(parser):
            if action.dest in PATHS and action.choices is None:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
        print_whole(shtab.complete(parser, str(values[1])) + "\n", parser.prog)
        parser.exit()


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
