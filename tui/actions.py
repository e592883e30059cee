"""The actions: what every key does, where, and the words for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cliploc.core.postprocess import PARAMETERS


@dataclass(frozen=True)
class Action:
    """Something a key does.

    name: what presets and keymap.toml call it. keys: Textual key names with commas.
    call: the Textual action. hint: its word in the last line of the screen ("" keeps it
    out). scope: the screen it belongs to. section: its heading in the help.
    """

    name: str
    keys: str
    call: str
    help: str
    hint: str = ""
    scope: str = ""
    section: str = ""


def section(scope: str, title: str, *actions: Action) -> tuple[Action, ...]:
    """The actions of one screen under one heading of the help."""
    return tuple(replace(action, scope=scope, section=title) for action in actions)


def steps(prefix: str = "", *, numbers: bool = False) -> Iterator[Action]:
    """A step of every post-processing parameter: threshold, other numbers and, but for `numbers`, choices."""
    order = sorted(PARAMETERS, key=lambda each: (each.name != "threshold", bool(each.choices)))
    for each in [each for each in order if not (numbers and each.choices)]:
        words = ("next", "previous") if each.choices else ("up", "down")
        for (key, text), word, count in zip(each.keys, words, (1, -1), strict=False):
            hint = "threshold" if (each.name, word) == ("threshold", "up") else ""
            yield Action(f"{prefix}{each.name}.{word}", key, f"step('{each.name}', {count})", text, hint)


ACTIONS: tuple[Action, ...] = (
    *section(
        "explorer",
        "Walk",
        Action("sample.next", "j,down", "walk('go', 'next')", "next sample", "sample"),
        Action("sample.previous", "k,up", "walk('go', 'previous')", "previous sample"),
        Action("class.next", "right_square_bracket", "walk('go', 'next_class')", "next class", "class"),
        Action("class.previous", "left_square_bracket", "walk('go', 'previous_class')", "previous class"),
        Action("page.down", "ctrl+d,pagedown", "walk('go', 'page_down')", "ten samples on"),
        Action("page.up", "ctrl+u,pageup", "walk('go', 'page_up')", "ten samples back"),
        Action("sample.first", "home", "walk('go', 'first')", "first sample (also g g)"),
        Action("sample.last", "G,end", "walk('go', 'last')", "last sample; 40G: the 40th"),
        Action("prefix.g", "g", "walk('prefix_g')", "g g: first sample"),
        Action("jump.back", "ctrl+o", "walk('jump', 'back')", "back to before the last jump"),
        Action("jump.forward", "tab", "walk('jump', 'forward')", "forward again"),
        Action("failure.next", "f", "walk('go', 'next_failure')", "next failure: IoU below 0.3"),
        Action("failure.previous", "F", "walk('go', 'previous_failure')", "previous failure"),
    ),
    *section(
        "explorer",
        "Find",
        Action("filter", "slash", "walk('find')", "list only what matches class or id", "filter"),
        Action("match.next", "n", "walk('go', 'next_match')", "next match of the filter"),
        Action("match.previous", "N", "walk('go', 'previous_match')", "previous match"),
        Action("mark", "asterisk", "walk('mark')", "mark or unmark the sample"),
        Action("mark.next", "apostrophe", "walk('go', 'next_mark')", "next marked sample"),
        Action("sort", "comma", "walk('list_by', 'sort')", "order the samples by …"),
        Action("facet", "full_stop", "walk('list_by', 'facet')", "only small, large, failing, marked …"),
        Action("rank", "R", "walk('rank')", "rank the pictures by words, or by this one"),
        Action("fold.open", "l,right", "fold(True)", "open all classes"),
        Action("fold.close", "h,left", "fold(False)", "close all classes but this one"),
    ),
    *section(
        "explorer",
        "Tune",
        *steps(),
        Action("best", "equals_sign", "tune('best')", "best threshold of the curve (tuned)", "best"),
        Action("scope", "C", "scope", "curve of sample, class or all"),
        Action("baseline", "b", "baseline", "present scores become the baseline"),
        Action("undo", "u", "tune('undo')", "undo the last change"),
        Action("redo", "ctrl+r", "tune('redo')", "redo"),
        Action("reset", "r", "tune('reset')", "reset the post-processing"),
        Action("published", "U", "tune('published')", "the method as its authors have it; again: as we do"),
        Action("presets", "P", "tune('preset')", "use a preset, or save this as one"),
    ),
    *section(
        "explorer",
        "Model",
        Action("method.next", "m", "method(1)", "next method or stored set", "method"),
        Action("method.previous", "M", "method(-1)", "previous method or stored set"),
        Action("prompt", "p", "prompt", "prompt template, or free texts for this sample", "prompt"),
        Action("compute", "A", "compute_all", "compute the heatmaps of all samples"),
        Action("inside", "w", "open('inside')", "inside the model: layers and heads", "inside"),
    ),
    *section(
        "explorer",
        "Pictures",
        Action("picture.1", "1", "look('picture', 1)", "show or hide the image"),
        Action("picture.2", "2", "look('picture', 2)", "show or hide the heatmap"),
        Action("picture.3", "3", "look('picture', 3)", "show or hide the mask"),
        Action("picture.4", "4", "look('picture', 4)", "show or hide the true mask"),
        Action("layout", "L", "look('layout')", "layout: single, pair, four, sheet"),
        Action("single", "z", "look('single')", "one picture large; again: all"),
        Action("zoom.in", "plus", "view('zoomed', 1)", "closer, with crisp pixels"),
        Action("zoom.out", "minus", "view('zoomed', -1)", "further away"),
        Action("zoom.off", "0", "view('whole')", "the whole picture"),
        Action("pan.left", "shift+left,alt+h", "view('moved', -1, 0)", "move the close-up to the left"),
        Action("pan.right", "shift+right,alt+l", "view('moved', 1, 0)", "move it to the right"),
        Action("pan.up", "shift+up,alt+k", "view('moved', 0, -1)", "move it up"),
        Action("pan.down", "shift+down,alt+j", "view('moved', 0, 1)", "move it down"),
        Action("crop", "Z", "view('cropped')", "only around the true mask"),
        Action("outlines", "B", "view('outlined')", "masks as outlines, or filled"),
        Action("peek", "space", "look('peek')", "hold: the true mask in every picture"),
        Action("blink", "x", "look('blink')", "blink between the first two pictures"),
        Action("colours", "c", "view('recoloured')", "next colour map"),
        Action("opacity.up", "greater_than_sign", "view('opaque', 1)", "heatmap more opaque"),
        Action("opacity.down", "less_than_sign", "view('opaque', -1)", "heatmap more transparent"),
    ),
    *section(
        "explorer",
        "Views",
        Action("sweeps", "s", "open('sweeps')", "sweeps: watch, compare, apply", "sweeps"),
        Action("sweep.new", "S", "open('compose')", "compose and start a sweep"),
        Action("sweep.apply", "a", "apply_best", "use the best cell of the newest sweep"),
        Action("compare", "v", "open('compare')", "compare sets, methods, prompts, presets", "compare"),
        Action("marking", "X", "open('marking')", "draw the true mask of this sample"),
        Action("data", "W", "data('ask')", "open another dataset, or fetch one", "data"),
        Action("flip", "Y", "data('flip')", "CocoGlide: real or inpainted pictures"),
        Action("statistics", "H", "open('statistics')", "the dataset in numbers"),
    ),
    *section(
        "explorer",
        "Out",
        Action("copy", "y", "copy", "copy the state as a command line"),
        Action("export", "ctrl+e", "export", "export pictures, scores or the screen"),
    ),
    *section(
        "app",
        "Everywhere",
        Action("help", "question_mark,f1", "help", "this help", "help"),
        Action("palette", "ctrl+p,colon", "palette", "find an action by its words"),
        Action("theme", "ctrl+t", "theme", "theme: dark, light, contrast, ANSI"),
        Action("notices", "ctrl+n", "notices", "past notifications"),
        Action("redraw", "ctrl+l", "redraw", "write the whole screen again"),
        Action("quit", "q,ctrl+q", "quit", "quit; sweeps go on", "quit"),
    ),
    *section(
        "page",
        "Lists",
        Action("row.down", "j,down", "row(1)", "next row", "row"),
        Action("row.up", "k,up", "row(-1)", "previous row"),
        Action("close", "escape,q", "close", "back", "back"),
    ),
    *section(
        "sweeps",
        "Sweeps",
        Action("run.compose", "S", "compose", "compose and start a sweep", "new"),
        Action("run.apply", "a,enter", "apply", "take the run's best cell over", "apply"),
        Action("run.cancel", "x", "cancel", "cancel the run", "cancel"),
        Action("run.resume", "r", "resume", "resume the run where it stopped", "resume"),
        Action("run.delete", "D", "delete", "delete the run", "delete"),
        Action("run.export", "ctrl+e", "export", "export the run's cells as CSV", "CSV"),
        Action("run.score", "o", "score", "rank by the next score", "rank by"),
        Action("run.mark", "asterisk", "mark", "mark or unmark the run to compare it"),
        Action("run.compare", "c", "compare", "compare the marked runs and this one", "compare"),
        Action("run.view", "v", "view", "best cells, or dilation × erosion", "view"),
    ),
    *section(
        "compare",
        "Compare",
        Action("compare.what", "m", "what", "compare sets, methods, prompt templates or presets", "compare"),
        Action(
            "compare.compute", "A", "compute", "compute the missing heatmaps of a row, or of all", "compute"
        ),
        Action("compare.table", "tab", "table", "the other table", "table"),
        Action("compare.score", "o", "score", "compare by the next score", "score"),
        Action("compare.by", "c", "by", "differences by class or by sample", "by"),
        *steps("compare.", numbers=True),
        Action("compare.scope", "C", "scope", "curves of all images or of this sample"),
        Action("compare.picture", "x", "picture", "masks or heatmaps"),
        Action("compare.go", "enter", "go", "take the row to the explorer", "take"),
        Action("compare.export", "ctrl+e", "export", "export the table as CSV", "CSV"),
    ),
    *section(
        "paired",
        "Comparison of runs",
        Action("paired.export", "ctrl+e", "export", "export the pairs as CSV", "CSV"),
    ),
    *section(
        "prompts",
        "Prompts",
        Action("prompts.add", "a", "add", "add a prompt, or several", "add"),
        Action("prompts.edit", "e", "edit", "edit the prompt", "edit"),
        Action("prompts.remove", "D", "remove", "remove the prompt", "remove"),
        Action("prompts.picture", "x", "picture", "heatmaps or masks", "picture"),
        Action("prompts.take", "enter", "take", "use the prompt in the explorer", "take"),
    ),
    *section(
        "marking",
        "Draw the truth",
        Action("mark.right", "l,right", "column(1)", "the cursor to the right", "cursor"),
        Action("mark.left", "h,left", "column(-1)", "the cursor to the left"),
        Action("mark.press", "space", "press", "a corner, or the brush down and up", "draw"),
        Action("mark.finish", "enter", "finish", "end the shape", "end"),
        Action("mark.tool", "m", "tool", "box, polygon or brush", "tool"),
        Action("mark.longer", "plus", "stride(1)", "longer steps of the cursor", "step"),
        Action("mark.shorter", "minus", "stride(-1)", "shorter steps of the cursor"),
        Action("mark.wider", "greater_than_sign", "brush(1)", "a wider brush"),
        Action("mark.narrower", "less_than_sign", "brush(-1)", "a narrower brush"),
        Action("mark.undo", "u", "undo", "take the last shape away", "undo"),
        Action("mark.clear", "D", "clear", "take all shapes of this sample away", "clear"),
    ),
    *section(
        "inside",
        "Inside",
        Action("head.next", "l,right", "head(1)", "next head", "head"),
        Action("head.previous", "h,left", "head(-1)", "previous head"),
        Action("head.switch", "space,x", "switch('head')", "switch the head off or on", "off/on"),
        Action("layer.switch", "X", "switch('layer')", "switch the whole layer off or on", "layer off/on"),
        Action("heads.reset", "r", "reset", "all heads on again", "reset"),
        Action(
            "head.layer", "L", "show('layer')", "show all heads of the layer; again: the head alone", "layer"
        ),
        Action("head.all", "A", "show('model')", "show all heads; again: the head alone", "all"),
        Action(
            "head.table", "v", "table", "in the table: IoU, or what a head adds inside the true mask", "table"
        ),
        Action("head.take", "enter", "take", "show it in the explorer", "take"),
        Action("head.describe", "D", "describe", "describe the heads in words", "describe"),
    ),
)
