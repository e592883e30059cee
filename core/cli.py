"""`cliploc`: parse, dispatch, turn errors into exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from cliploc.core.commands import COMMANDS
from cliploc.core.commands.output import CommandLine, give_up_output, say
from cliploc.core.completions import add_completions
from cliploc.core.errors import ClipLocError, clean, without_secrets
from cliploc.core.paths import make_folder, state_dir
from cliploc.core.version import VERSION


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0 done, 1 work failed, 2 bad input or usage, 130 interrupted."""
    if sys.stdout is None:  # closed by whoever started this
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  as long as the process
    arguments = parser(sys.argv[1:] if argv is None else argv).parse_args(argv)
    try:
        code = arguments.run(arguments)
        sys.stdout.flush()
    except ClipLocError as error:
        if arguments.debug:
            raise
        say(f"cliploc: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        give_up_output()
        return 0
    except OSError as error:  # a name that is too long, a disk that is full: the system's own refusal
        if arguments.debug:
            raise
        give_up_output()
        place = f"{clean(error.filename)}: " if error.filename else ""
        say(f"cliploc: {place}{clean(error.strerror or error)}; --debug shows where")
        return 1
    except Exception as error:  # a mistake of ours: a sentence, and the details in the log
        if arguments.debug:
            raise
        what = f"{type(error).__name__}: {clean(without_secrets(str(error)))[:300]}"
        say(f"cliploc: unexpected {what}; {_logged()}--debug shows where")
        return 1
    return int(code or 0)


def _logged() -> str:
    """Keep the traceback in the state folder; where, for the sentence."""
    path = state_dir() / "cliploc.log"
    try:
        make_folder(path.parent)
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
            words = f"cliploc {VERSION} {' '.join(sys.argv[1:])}\n{traceback.format_exc()}\n"
            file.write(without_secrets(words))
    except (ClipLocError, OSError):
        return ""
    return f"{clean(path)} has the details, "


def parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The command line: one subparser per module of cliploc.core.commands.

    words: what was typed. Only the commands among it have arguments: their modules are imported for
    that; all have where completions are asked for.
    """
    top = CommandLine(
        prog="cliploc", description="Weakly supervised localization with CLIP: the engine behind cliploc-tui."
    )
    top.add_argument("--version", action="version", version=f"cliploc {VERSION}")
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    add_completions(top)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = COMMANDS if any(word.startswith("--c") for word in words[:2]) else words
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in wanted:
            module = importlib.import_module(f"cliploc.core.commands.{name}")
            command.set_defaults(run=getattr(module, "run", None))
            module.add_arguments(command)
    return top


if __name__ == "__main__":
    sys.exit(main())
