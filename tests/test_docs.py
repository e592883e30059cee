"""What the README and the guide say is so: their lines run, and what is made from the code is the code's."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import pytest

from cliploc.core import cli
from cliploc.core.sweep import planning
from cliploc.core.terminal import probe
from cliploc.tui import __main__ as tui
from cliploc.tui import keymap, start
from tests.guide import NEEDS, PAGES, REPOSITORY, Example, by_shell, examples, is_ours, parted, words_of

DOCS = REPOSITORY / "docs"
TESTS = REPOSITORY / "tests"
# Of single folders: what is in them concerns nobody else.
CONFTESTS = {f"core/{folder}/conftest.py" for folder in ("fetch", "heatmaps", "methods")}
OURS = {"benchmark", "faults", "fuzz", "networks", "simulation", "slow", "soak"}
MAKERS = ("keys", "architecture", "tables")
NO_SCREEN = "everything but the screen is there"
LONG = [page for page in PAGES if any(each.needs == ("time",) for each in examples(page))]
PYTHON = [page for page in PAGES if any(each.language == "python" for each in examples(page))]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the guide's reader works in: a picture of their own is in it."""
    folder = tmp_path_factory.mktemp("guide")
    shutil.copy(REPOSITORY / "data/demo/real/star_0009.png", folder / "photo.jpg")
    return folder


@pytest.fixture(autouse=True)
def reader(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader at work. Pages share their home, as they do at the reader's."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("CLIPLOC_HOME", str(place / "home"))
    # The same bits as the compiled engine, which takes seconds to load, in every process.
    monkeypatch.setattr(planning, "engine_for", lambda wish: "opencv")
    for module in (probe, start):
        monkeypatch.setattr(module, "usable", lambda: NO_SCREEN)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_line_of_a_page_runs_or_says_what_it_needs(
    page: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for example in examples(page):
        assert set(example.needs) <= set(NEEDS), example.needs
        if example.language != "sh":
            continue
        for line in example.lines:
            if example.needs:
                parse(line)
            elif is_ours(line):
                run(line, capsys)
            else:
                by_shell(line, place)


@pytest.mark.soak
@pytest.mark.parametrize("page", LONG, ids=lambda page: page.stem)
def test_the_long_lines_of_a_page_run(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for example in examples(page):
        for line in example.lines if example.needs == ("time",) else ():
            run(line, capsys)


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs(page: Path) -> None:
    # As the reader of the first hour has by now; nothing where another page was here before.
    assert cli.main(["heatmaps", "compute", "--dataset", "demo", "--method", "gem"]) == 0
    names: dict[str, object] = {}
    for example in examples(page):
        if example.language == "python" and not example.needs:
            exec(compile(example.text, str(page), "exec"), names)


def test_the_keymap_of_the_guide_is_one(place: Path) -> None:
    (example,) = [each for each in examples(DOCS / "keys.md") if each.language == "toml"]
    (place / "keymap.toml").write_text(example.text, encoding="utf-8")
    assert keymap.load(place / "keymap.toml")["threshold.up"] == "t,plus"


def test_what_is_made_from_the_code_is_the_codes() -> None:
    keys, drawn, tables = (runpy.run_path(str(DOCS / f"{name}.py")) for name in MAKERS)
    made = {"keys.md": keys["page"](), "architecture.svg": drawn["picture"]()}
    made |= {name: tables["page"](name) for name in tables["TABLES"]}
    for name, text in made.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, "write it: make docs"


def test_the_map_of_the_tests_names_every_folder_helper_and_marker(pytestconfig: pytest.Config) -> None:
    words = set(re.findall(r"`([\w/.]+)`", (TESTS / "README.md").read_text(encoding="utf-8")))
    files = [path.relative_to(TESTS) for path in TESTS.rglob("*.py") if not path.name.startswith("__")]
    folders = {f"{path.parent}/" for path in files if path.name.startswith("test_")} - {"./"}
    helpers = {str(path) for path in files if not path.name.startswith("test_")} - CONFTESTS
    markers = {line.partition(":")[0] for line in pytestconfig.getini("markers")} & OURS
    assert folders | helpers | markers <= words


def test_examples_are_found_with_what_they_need(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```sh\ncliploc doctor  # looks\n# nothing\n```\n\n"
        "<!-- needs: weights, gpu -->\n```sh\ncliploc look \\\n  a.png b\n```\n",
        encoding="utf-8",
    )
    free, bound = examples(page)
    assert free == Example("sh", "cliploc doctor  # looks\n# nothing\n")
    assert [words_of(line) for line in free.lines] == [["cliploc", "doctor"]]
    assert bound.needs == ("weights", "gpu")
    assert [words_of(line) for line in bound.lines] == [["cliploc", "look", "a.png", "b"]]


def run(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of ours; the explorer up to its screen."""
    (command, *words), file = parted(line)
    code = (cli if command == "cliploc" else tui).main(words)
    said = capsys.readouterr()
    if file:
        Path(file).write_text(said.out, encoding="utf-8")
    if command == "cliploc-tui":
        assert said.err.strip() == NO_SCREEN, f"{line}\n{said.err}"
    else:
        assert code == 0, f"{line}\n{said.err}"


def parse(line: str) -> None:
    """That a line of ours is one, where it cannot run: no such option would be an exit."""
    if is_ours(line):
        (command, *words), _ = parted(line)
        (cli.parser(words) if command == "cliploc" else tui.parser()).parse_args(words)
