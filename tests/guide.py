"""The examples of the README and of docs/: what is written in them, and running it.

A block that cannot run here says what it needs, in a comment before it:

    <!-- needs: weights -->

Its lines are still parsed. All other blocks of a page are one session, from its first line to its last.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")))
NEEDS = ("network", "weights", "gpu", "cluster", "terminal", "time")
COMMANDS = ("cliploc", "cliploc-tui")
OPERATORS = set("();<>|&")
BLOCK = re.compile(
    r"^(?:<!-- needs: (?P<needs>.*?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Example:
    """One block of a page. needs: what it wants that a test has not. lines: of sh, one command each."""

    language: str
    text: str
    needs: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The commands, without comments; continued lines are one."""
        joined = self.text.replace("\\\n", " ").splitlines()
        return [line for line in joined if line.strip() and not line.lstrip().startswith("#")]


def examples(page: Path) -> Iterator[Example]:
    """The blocks of a page, in order."""
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        needs = tuple(filter(None, re.split(r",\s*", found["needs"] or "")))
        yield Example(found["language"], found["text"], needs)


def words_of(line: str) -> list[str]:
    """A line as its words, without `uv run` and without a comment."""
    words = shlex.split(line, comments=True)
    return words[2:] if words[:2] == ["uv", "run"] else words


def is_ours(line: str) -> bool:
    """Whether a line is one of our commands, at most into a file: it needs no shell and no new process."""
    shell = shlex.shlex(line, posix=True, punctuation_chars=True)
    shell.whitespace_split = True
    operators = [word for word in shell if set(word) <= OPERATORS]
    return words_of(line)[0] in COMMANDS and "$" not in line and operators in ([], [">"])


def parted(line: str) -> tuple[list[str], str]:
    """The words of a line of ours, and the file that its output goes into, "" for none."""
    words = words_of(line)
    return (words[:-2], words[-1]) if ">" in words else (words, "")


def by_shell(line: str, place: Path) -> None:
    """Run a line as a user's shell would, with our commands on its path. CalledProcessError when it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "-ceu", line], cwd=place, env={**os.environ, "PATH": path}, check=True)
