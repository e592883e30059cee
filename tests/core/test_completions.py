"""Tab in the shell: the scripts come from the parsers, and a shell completes with them."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cliploc.core.commands import COMMANDS
from cliploc.core.completions import SHELLS

MODULES = {"cliploc": "cliploc.core.cli", "cliploc-tui": "cliploc.tui.__main__"}
HEAVY = {"torch", "open_clip", "textual", "timm", "torchvision"}


def test_argparse_still_has_what_we_use_of_its_own() -> None:
    parser, lacks = argparse.ArgumentParser(), f"argparse of Python {sys.version} has none any more"
    commands = parser.add_subparsers()
    assert hasattr(argparse, "_SubParsersAction"), f"_SubParsersAction: how a parser knows commands; {lacks}"
    assert hasattr(parser, "_actions"), f"ArgumentParser._actions: all arguments of a parser; {lacks}"
    assert isinstance(commands, argparse._SubParsersAction)


def script(program: str, shell: str) -> str:
    """What the program prints for a shell; nothing else, and no error."""
    command = [sys.executable, "-m", MODULES[program], "--completions", shell]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def bash_offers(program: str, *words: str, folder: Path) -> set[str]:
    """What bash offers for the last of the words."""
    place = folder / "completions.bash"
    place.write_text(script(program, "bash"))
    line = " ".join(map(shlex.quote, (program, *words)))
    asked = f"""
source {shlex.quote(str(place))}
COMP_WORDS=({line}); COMP_CWORD={len(words)}; COMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}}
$(complete -p {program} | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True, cwd=folder)
    return {offer.strip() for offer in done.stdout.split("\n")} - {""}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("program", MODULES)
def test_every_shell_gets_a_script_of_all_options(program: str, shell: str) -> None:
    text = script(program, shell)
    names = COMMANDS if program == "cliploc" else ("dataset", "heatmaps", "threshold", "keymap")
    assert all(name in text for name in names)


def test_bash_completes_commands_options_choices_and_paths(tmp_path: Path) -> None:
    assert "sweep" in bash_offers("cliploc", "sw", folder=tmp_path)
    assert "--heatmaps" in bash_offers("cliploc", "sweep", "--he", folder=tmp_path)
    assert "--dilate" in bash_offers("cliploc-tui", "--di", folder=tmp_path)
    assert "halfcell" in bash_offers("cliploc-tui", "--graphics", "h", folder=tmp_path)
    (tmp_path / "mine").mkdir()
    assert any(
        offer.startswith("mine") for offer in bash_offers("cliploc-tui", "--dataset", "min", folder=tmp_path)
    )


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize("program", MODULES)
def test_the_other_shells_can_read_theirs(program: str, shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    place = tmp_path / f"completions.{shell}"
    place.write_text(script(program, shell))
    subprocess.run([shell, "-n", str(place)], check=True)


@pytest.mark.parametrize("module", MODULES.values())
def test_completions_import_neither_screen_nor_networks(module: str) -> None:
    probe = f"""
import json, sys
from {module} import main
try:
    main(["--completions", "bash"])
except SystemExit as stop:
    assert not stop.code
print("\\n" + json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not HEAVY & set(json.loads(done.stdout.splitlines()[-1]))
