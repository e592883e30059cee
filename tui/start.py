"""From checked arguments to a running app: everything that may fail does so before the screen is taken."""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
from dataclasses import replace

from cliploc.core import paths
from cliploc.core.datasets import Dataset
from cliploc.core.errors import ClipLocError, ParameterError, StoreError, clean, unknown
from cliploc.core.heatmaps.recipe import Recipe, parsed_parameters
from cliploc.core.postprocess import PARAMETERS
from cliploc.core.terminal import Terminal
from cliploc.core.terminal.probe import probe, usable
from cliploc.tui import keymap, session, themes, toml
from cliploc.tui.browsing import first_of
from cliploc.tui.command_line import RECIPE
from cliploc.tui.state import ExplorerState, Source
from cliploc.tui.textual_private import use_colours

log = logging.getLogger(__name__)
SETTINGS = ("theme", "keymap", "graphics", "color")


def start(arguments: argparse.Namespace, dataset: Dataset, studio: subprocess.Popen[bytes] | None) -> int:
    """Run the explorer, and again on each dataset that the user opens from inside. Returns the exit code.

    studio: the dataset's, launched before.
    """
    state = initial_state(dataset, arguments)
    settings = settings_of(arguments)
    keys = keymap.load(paths.config_dir() / "keymap.toml", settings["keymap"])
    check_writable()
    reason = usable()
    if reason is not None:
        raise ParameterError(reason)
    terminal = in_colours(probe(override=settings["graphics"]), settings["color"])
    log_to_file()
    from cliploc.tui.running import run

    return run(
        dataset,
        state,
        terminal,
        keys,
        device=arguments.device,
        theme=settings["theme"],
        studio=studio,
    )


def in_colours(terminal: Terminal, asked: str) -> Terminal:
    """The terminal with the colours that it keeps, or that the user says it keeps.

    Textual looks at COLORTERM alone, which SSH does not forward, and looked when it was
    imported; its constant is what an app reads when it is made.
    """
    truecolor = terminal.truecolor if asked == "auto" else asked == "truecolor"
    if truecolor:
        use_colours("truecolor")
    elif asked == "256":
        use_colours("256")
    return replace(terminal, truecolor=truecolor)


def initial_state(dataset: Dataset, arguments: argparse.Namespace) -> ExplorerState:
    """The last session of this dataset, under what the command line asks for."""
    recipe = Recipe(method="gem", template=dataset.template).completed(dataset.name)
    fresh = ExplorerState(sample=first_of(dataset), source=Source(recipe))
    state = fresh if arguments.fresh else session.restored(dataset.spec, fresh)
    if state.sample not in dataset.places:
        state = state.with_(sample=fresh.sample)
    asked = {name: getattr(arguments, name) for name in RECIPE if getattr(arguments, name) is not None}
    if arguments.heatmaps:
        state = state.with_(source=Source(stored=arguments.heatmaps))
    elif asked or arguments.settings:
        base = Recipe(method=asked.get("method", "gem"), template=state.source.recipe.template)
        recipe = replace(base, **asked)
        recipe = replace(recipe, parameters=parsed_parameters(recipe.spec, arguments.settings))
        state = state.with_(source=Source(recipe.completed(dataset.name)))
    changes = {
        parameter.name: parameter.parse(getattr(arguments, parameter.name))
        for parameter in PARAMETERS
        if getattr(arguments, parameter.name) is not None
    }
    return state.with_(config=state.config.with_(**changes))


def settings_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Settings of config.toml, under those of the command line. ParameterError for unknown ones."""
    path = paths.config_dir() / "config.toml"
    settings = {"theme": themes.NAMES[0], "keymap": "cliploc", "graphics": "auto", "color": "auto"}
    for name, value in toml.table(path).items():
        if name not in SETTINGS or not isinstance(value, str):
            raise ParameterError(f"{path}: {clean(name)} is not a setting; known: {', '.join(SETTINGS)}")
        settings[name] = value
    for name in SETTINGS:
        value = getattr(arguments, name)
        if value is not None and value != "auto":
            settings[name] = value
    if settings["theme"] not in themes.NAMES:
        raise unknown("theme", settings["theme"], themes.NAMES)
    return settings


def check_writable() -> None:
    """StoreError when heatmaps could not be stored: better said before than after computing them."""
    folder = paths.make_folder(paths.cache_dir())
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"cannot write {folder}; free it up, or point CLIPLOC_HOME at a writable folder")


def log_to_file() -> None:
    """Send the log to the state folder; without one it is dropped, never printed over the screen."""
    handler: logging.Handler = logging.NullHandler()
    try:
        paths.make_folder(paths.state_dir())
        handler = logging.FileHandler(paths.state_dir() / "screen.log", delay=True)
    except (ClipLocError, OSError):
        log.debug("no log file")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
