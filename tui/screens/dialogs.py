"""What the explorer's dialogs ask, and what follows from the answer."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cliploc.core import paths
from cliploc.core.datasets.formats import format_of
from cliploc.core.datasets.spec import lasting, parsed
from cliploc.core.errors import ClipLocError, clean
from cliploc.core.postprocess import PARAMETERS
from cliploc.core.prompts import prompt_for
from cliploc.tui import presets, session
from cliploc.tui.curves import NARROW, SCORES, figure
from cliploc.tui.prompts import prompts_in
from cliploc.tui.screens.choice import Choice, ChoiceScreen
from cliploc.tui.screens.explorer_look import ExplorerLook
from cliploc.tui.state import FACETS, SORTS, ExplorerState, Source
from cliploc.tui.widgets.parameters import ParameterPanel

if TYPE_CHECKING:
    from cliploc.core.sweep.rows import Best, Cell

SORT_HELP = {
    "table": "the dataset's order, by class",
    "id": "alphabetical",
    "IoU": "worst first, at the present threshold",
    "best IoU": "worst first, each sample at its own best threshold (oracle)",
    "best threshold": "each sample's own best (oracle)",
    "mask area": "smallest object first",
    "disagreement": "most first: deviation of the IoU over stored sets",
}
FACET_HELP = {
    "all": "every sample",
    "small": "true mask below 5 % of the image",
    "medium": "5 to 25 %",
    "large": "25 % and more",
    "failures": "IoU below 0.3 at the present threshold",
    "marked": "those marked with *",
}


def choose_sort(screen: ExplorerLook) -> None:
    """Ask for the order of the samples."""

    def chosen(name: str | None) -> None:
        if name is not None:
            screen.change(screen.now.with_(listing=replace(screen.now.listing, sort=name)))

    choices = [Choice(name, name, SORT_HELP[name]) for name in SORTS]
    screen.app.push_screen(
        ChoiceScreen("Order the samples by", choices, present=screen.now.listing.sort), chosen
    )


def choose_facet(screen: ExplorerLook) -> None:
    """Ask which samples are listed."""

    def chosen(name: str | None) -> None:
        if name is not None:
            screen.change(screen.now.with_(listing=replace(screen.now.listing, facet=name)))

    choices = [Choice(name, name, FACET_HELP[name]) for name in FACETS]
    screen.app.push_screen(ChoiceScreen("List only", choices, present=screen.now.listing.facet), chosen)


def choose_preset(screen: ExplorerLook) -> None:
    """Use a preset; a new name saves the present post-processing."""
    try:
        known = presets.load()
    except ClipLocError as error:
        screen.notify(str(error), severity="error")
        return

    def chosen(name: str | None) -> None:
        if name is None:
            return
        if name in known:
            screen.change(screen.now.with_(config=known[name]), record=True)
            return
        try:
            presets.save(name, screen.now.config)
            screen.notify(f"saved preset {name}")
        except ClipLocError as error:
            screen.notify(str(error), severity="error")

    choices = [Choice(name, name, presets.described(config)) for name, config in known.items()]
    screen.app.push_screen(
        ChoiceScreen("Presets", choices, free="choose one, or type a new name to save the present one"),
        chosen,
    )


def choose_export(screen: ExplorerLook) -> None:
    """Ask what to write, and write it into the working folder."""
    stem = re.sub(r"[^\w.-]+", "-", clean(screen.now.sample))
    files = {
        "pictures": Path.cwd() / f"{stem}.png",
        "samples": Path.cwd() / "scores-by-sample.csv",
        "classes": Path.cwd() / "scores-by-class.csv",
        "curve": Path.cwd() / "scores-by-threshold.csv",
        "screen": Path.cwd() / "cliploc.svg",
    }

    def chosen(name: str | None) -> None:
        if name == "screen":
            write_screen(screen, files[name])
        elif name is not None:
            write(screen, name, files[name])

    choices = [Choice(name, EXPORTS[name], path.name) for name, path in files.items()]
    screen.app.push_screen(ChoiceScreen("Export", choices), chosen)


EXPORTS = {
    "pictures": "pictures as PNG",
    "samples": "scores of every sample as CSV",
    "classes": "scores of every class as CSV",
    "curve": "scores at all thresholds as CSV",
    "screen": "the screen as SVG",
}


def write(screen: ExplorerLook, what: str, path: Path) -> None:
    """Write pictures or scores as they are now."""
    if what == "pictures" and not screen.has_fresh_pictures():
        screen.notify("the pictures are not there yet; once more when they are", severity="warning")
    elif what == "pictures":
        outlines = screen.now.view.outlines
        screen.engine.studio.export_pictures(screen.pictures, about_pictures(screen), outlines, path)
    elif screen.board is None:
        screen.notify("no scores yet; A computes all heatmaps", severity="warning")
    elif not screen.has_fresh_board():
        screen.notify("the scores of this config are being computed; once more when they are there",
                      severity="warning")  # fmt: skip
    else:
        screen.engine.studio.export_scores(what, screen.board, screen.now.config, path)


def about_pictures(screen: ExplorerLook) -> list[str]:
    """What an exported picture says of itself: sample, prompt, method, post-processing, scores."""
    state, curves = screen.now, screen.curves("sample")
    label, recipe = screen.engine.dataset.by_id(state.sample).label, state.source.recipe
    made = [state.source.title]
    if not state.source.stored:
        made += [
            recipe.backbone,
            recipe.checkpoint,
            f"“{state.prompt or prompt_for(recipe.template, label)}”",
        ]
    lines = [
        f"{state.sample} · class {label}",
        " · ".join(filter(None, made)),
        presets.described(state.config),
    ]
    if curves is not None:
        index = state.config.threshold_index
        lines.append(" · ".join(f"{NARROW[name]} {figure(curves.at(name, index))}" for name in SCORES))
    lines[-1] += " (this image)" if curves is not None else ""
    return [clean(line) for line in lines]


def write_screen(screen: ExplorerLook, path: Path) -> None:
    """Write what is on the screen, once the dialog is gone."""

    def save() -> None:
        screen.engine.studio.export_text(screen.app.export_screenshot(title="cliploc"), path)

    screen.call_after_refresh(save)


FETCHES = {
    "fetch cocoglide": ("CocoGlide", ("fetch", "cocoglide"), "CocoGlide is here; W opens it"),
    "fetch coco": ("COCO val2017", ("fetch", "coco"), "COCO is here; W opens it"),
}


def choose_data(screen: ExplorerLook) -> None:
    """Open another dataset, fetch data and weights, or stop fetching."""
    recipe = screen.now.source.recipe
    method = recipe.method
    # Weights that were named are fetched by their name, others by the method that they are usual for.
    named = recipe.checkpoint and "/" not in recipe.checkpoint
    weights = f"{recipe.backbone}:{recipe.checkpoint}" if named else method
    fetches = FETCHES | {
        "fetch weights": (
            f"the weights {weights}",
            ("models", "fetch", weights),
            f"the weights {weights} are here; A computes",
        )
    }

    def chosen(name: str | None) -> None:
        if name == "stop":
            screen.engine.studio.fetches.stop()
        elif name in fetches:
            screen.engine.studio.fetches.start(*fetches[name])
        elif name is not None:
            screen.engine.studio.find_dataset(name)

    choices = [Choice("stop", f"stop fetching {screen.fetching}", "what has come is kept")]
    choices = choices if screen.fetching else []
    choices += data_choices(screen.engine.dataset.spec)
    choices += [
        Choice("fetch cocoglide", "fetch CocoGlide", "the poster's 512 images, 123 MB"),
        Choice("fetch coco", "fetch COCO", "val2017 with its annotations, 1.1 GB"),
        Choice(
            "fetch weights",
            "fetch weights",
            weights if named else f"the usual ones of {method}",
        ),
    ]
    free = "choose, or type a folder, or coco:IMAGES:ANNOTATIONS.json"
    screen.app.push_screen(ChoiceScreen("Data", choices, free=free, literal=is_place), chosen)


def is_place(text: str) -> bool:
    """Whether a text looks like a path or a spec, not like a word that narrows choices down."""
    return any(sign in text for sign in "/:~.")


def data_choices(present: str) -> list[Choice]:
    """The datasets that can be opened by a name, and those that were opened before."""
    named = {"demo": "the small set that ships with the program"}
    coco = paths.data_dir() / "coco"
    if (paths.data_dir() / "cocoglide").is_dir():
        named["cocoglide"] = "as fetched"
    if coco.is_dir():
        named[f"coco:{coco / 'val2017'}:{coco / 'annotations/instances_val2017.json'}"] = "as fetched"
    before = {
        spec: "opened before"
        for spec in session.datasets()
        if spec not in named and (place := parsed(spec)[0]) and format_of(place).is_there(place)
    }
    return [
        Choice(spec, spec, "open now" if spec == present else detail)
        for spec, detail in (named | before).items()
    ]


DIALOGS: dict[str, Callable[[ExplorerLook], None]] = {
    "sort": choose_sort,
    "facet": choose_facet,
    "preset": choose_preset,
    "export": choose_export,
    "data": choose_data,
}


def open_sweeps(screen: ExplorerLook) -> None:
    """Show the runs; the cell that comes back is applied."""
    from cliploc.tui.screens.sweeps import SweepsScreen  # reads the ledger; not needed for the first paint

    page = SweepsScreen(screen.engine, screen.keymap, shown_set(screen))
    screen.app.push_screen(page, lambda found: use(screen, found))


def open_compose(screen: ExplorerLook) -> None:
    """Compose a sweep of the heatmaps that are shown."""
    from cliploc.tui.screens.compose import ComposeScreen  # as above

    screen.app.push_screen(ComposeScreen(screen.engine, shown_set(screen), screen.rate()))


def shown_set(screen: ExplorerLook) -> tuple[str, ...]:
    """The name of the heatmap set that is shown; () while there is none."""
    return () if screen.board is None else (screen.board.heatmaps,)


def use(screen: ExplorerLook, found: Best | Cell | None) -> None:
    """Take a tuned config over, with the heatmap set that it was tuned on where that is this dataset's."""
    if found is None:
        return
    state = screen.now.with_(config=found.config)
    if found.heatmaps and (found.heatmaps,) != shown_set(screen):
        state = state.with_(source=Source(stored=found.heatmaps), prompt="")
        screen.notify(f"showing {clean(found.heatmaps)}, which this was tuned on")
    screen.change(state, record=True)
    where = "its images" if found.heatmaps else "another dataset"
    screen.query_one(ParameterPanel).tuned = f"best cell of a sweep: tuned on {where}"


def open_compare(screen: ExplorerLook) -> None:
    """Compare sets or presets; the chosen one becomes the explorer's."""
    from cliploc.tui.screens.compare import CompareScreen  # as above

    def chosen(state: ExplorerState | None) -> None:
        if state is not None:
            screen.jumps = screen.jumps.left(screen.now.sample)
            screen.change(state, record=True)

    screen.app.push_screen(CompareScreen(screen.engine, screen.now, screen.terminal, screen.keymap), chosen)


def open_prompts(screen: ExplorerLook, typed: str) -> None:
    """Show several prompts side by side: those typed, else those of before; one may be taken."""
    from cliploc.tui.screens.prompts import Prompts, PromptsScreen  # as above

    state = screen.now
    label = screen.engine.dataset.by_id(state.sample).label
    prompts = prompts_in(typed, label) or screen.prompts
    if not prompts:
        prompts = prompts_in(state.prompt or state.source.recipe.template, label)

    def left(answer: Prompts | None) -> None:
        if answer is not None:
            screen.prompts = answer.prompts
        if answer is not None and answer.taken:
            screen.change(state.with_(prompt=answer.taken), record=True)

    screen.app.push_screen(PromptsScreen(screen.engine, state, screen.terminal, screen.keymap, prompts), left)


def open_statistics(screen: ExplorerLook) -> None:
    """Show the dataset in numbers."""
    from cliploc.tui.screens.statistics import StatisticsScreen  # as above

    screen.app.push_screen(StatisticsScreen(screen.engine, screen.keymap))


def open_inside(screen: ExplorerLook) -> None:
    """Look inside the network; a chosen head becomes the explorer's source."""
    from cliploc.tui.screens.inside import InsideScreen  # as above

    def chosen(state: ExplorerState | None) -> None:
        if state is not None:
            screen.change(state, record=True)

    screen.app.push_screen(InsideScreen(screen.engine, screen.now, screen.terminal, screen.keymap), chosen)


PAGES: dict[str, Callable[[ExplorerLook], None]] = {
    "sweeps": open_sweeps,
    "compose": open_compose,
    "compare": open_compare,
    "statistics": open_statistics,
    "inside": open_inside,
}


def command_line(screen: ExplorerLook) -> str:
    """The command that shows the present state again."""
    spec = lasting(screen.engine.dataset.spec)
    return " ".join(["cliploc-tui", *map(shlex.quote, arguments_of(spec, screen.now))])


def arguments_of(dataset_spec: str, state: ExplorerState) -> list[str]:
    """Command-line arguments that stand for a dataset, a source and a config."""
    recipe = state.source.recipe
    arguments = ["--dataset", dataset_spec]
    if state.source.stored:
        arguments += ["--heatmaps", state.source.stored]
    else:
        for name in ("method", "backbone", "checkpoint", "quickgelu", "preprocess", "template", "size"):
            if value := getattr(recipe, name):
                arguments += [f"--{name}", str(value)]
        for parameter in recipe.spec.parameters:
            value = dict(recipe.parameters).get(parameter.name, parameter.default)
            if value != parameter.default:
                arguments += ["--set", f"{parameter.name}={value}"]
    for parameter in PARAMETERS:
        value = getattr(state.config, parameter.name)
        if value != parameter.default:
            arguments += [f"--{parameter.name}", repr(value) if isinstance(value, float) else str(value)]
    return arguments
