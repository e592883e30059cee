"""The table of actions: what every key does, where, and the words for it.

One action a line: name, default keys (Textual's names, with commas), the Textual
action that is called, help, and after a semicolon its word in the last line of the
screen. Headings give the screen and the section of the help.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """Something a key does.

    name: what presets and keymap.toml call it. scope: the screen it belongs to.
    call: the Textual action. keys: Textual key names with commas. hint: its word in
    the last line of the screen ("" keeps it out). section: its heading in the help.
    """

    name: str
    scope: str
    section: str
    keys: str
    call: str
    help: str
    hint: str = ""


# One action a line reads better than lines within the usual width.
TABLE = """
[explorer] Walk
sample.next            j,down               go('next')                  next sample ; sample
sample.previous        k,up                 go('previous')              previous sample
class.next             right_square_bracket go('next_class')            next class ; class
class.previous         left_square_bracket  go('previous_class')        previous class
page.down              ctrl+d,pagedown      go('page_down')             ten samples on
page.up                ctrl+u,pageup        go('page_up')               ten samples back
sample.first           home                 go('first')                 first sample (also g g)
sample.last            G,end                go('last')                  last sample; 40G: the 40th
prefix.g               g                    prefix_g                    g g: first sample
jump.back              ctrl+o               jump('back')                back to before the last jump
jump.forward           tab                  jump('forward')             forward again
failure.next           f                    go('next_failure')          next failure: IoU below 0.3
failure.previous       F                    go('previous_failure')      previous failure

[explorer] Find
filter                 slash                filter                      list only what matches class or id ; filter
match.next             n                    go('next_match')            next match of the filter
match.previous         N                    go('previous_match')        previous match
mark                   asterisk             mark                        mark or unmark the sample
mark.next              apostrophe           go('next_mark')             next marked sample
sort                   comma                choose('sort')              order the samples by …
facet                  full_stop            choose('facet')             only small, large, failing, marked …
fold.open              l,right              fold(True)                  open all classes
fold.close             h,left               fold(False)                 close all classes but this one

[explorer] Tune
threshold.up           t                    step('threshold', 1)        threshold up ; threshold
threshold.down         T                    step('threshold', -1)       threshold down
dilate.up              d                    step('dilate', 1)           larger dilation
dilate.down            D                    step('dilate', -1)          smaller dilation
erode.up               e                    step('erode', 1)            larger erosion
erode.down             E                    step('erode', -1)           smaller erosion
interpolation.next     i                    step('interpolation', 1)    next interpolation
interpolation.previous I                    step('interpolation', -1)   previous interpolation
order.next             o                    step('order', 1)            next order of dilation and erosion
order.previous         O                    step('order', -1)           previous order
kernel.next            K                    step('kernel', 1)           next kernel shape
best                   equals_sign          best_threshold              best threshold of the curve (tuned) ; best
scope                  C                    scope                       curve of sample, class or all
baseline               b                    baseline                    present scores become the baseline
undo                   u                    undo                        undo the last change
redo                   ctrl+r               redo                        redo
reset                  r                    reset                       reset the post-processing
presets                P                    choose('preset')            use a preset, or save this as one

[explorer] Model
method.next            m                    method(1)                   next method or stored set ; method
method.previous        M                    method(-1)                  previous method or stored set
prompt                 p                    prompt                      prompt template, or free texts for this sample ; prompt
compute                A                    compute_all                 compute the heatmaps of all samples
inside                 w                    open('inside')              inside the model: layers and heads

[explorer] Pictures
picture.1              1                    picture(1)                  show or hide the image
picture.2              2                    picture(2)                  show or hide the heatmap
picture.3              3                    picture(3)                  show or hide the mask
picture.4              4                    picture(4)                  show or hide the true mask
layout                 L                    layout                      layout: single, pair, four, sheet
single                 z                    single                      one picture large; again: all
zoom.in                plus                 zoom(1)                     closer, with crisp pixels
zoom.out               minus                zoom(-1)                    further away
zoom.off               0                    zoom_off                    the whole picture
pan.left               shift+left,alt+h     pan(-1, 0)                  move the close-up to the left
pan.right              shift+right,alt+l    pan(1, 0)                   move it to the right
pan.up                 shift+up,alt+k       pan(0, -1)                  move it up
pan.down               shift+down,alt+j     pan(0, 1)                   move it down
crop                   Z                    crop                        only around the true mask
outlines               B                    outlines                    masks as outlines, or filled
peek                   space                peek                        hold: the true mask in every picture
blink                  x                    blink                       blink between the first two pictures
colours                c                    colours                     next colour map
opacity.up             greater_than_sign    opacity(1)                  heatmap more opaque
opacity.down           less_than_sign       opacity(-1)                 heatmap more transparent

[explorer] Views
sweeps                 s                    open('sweeps')              sweeps: watch, compare, apply ; sweeps
sweep.new              S                    open('compose')             compose and start a sweep
sweep.apply            a                    apply_best                  use the best cell of the newest sweep
compare                v                    open('compare')             compare sets, methods, prompts, presets ; compare
data                   W                    choose('data')              open another dataset, or fetch one ; data
statistics             H                    open('statistics')          the dataset in numbers

[explorer] Out
copy                   y                    copy                        copy the state as a command line
export                 ctrl+e               choose('export')            export pictures, scores or the screen

[app] Everywhere
help                   question_mark,f1     help                        this help ; help
palette                ctrl+p,colon         palette                     find an action by its words
theme                  ctrl+t               theme                       theme: dark, light, contrast, ANSI
notices                ctrl+n               notices                     past notifications
redraw                 ctrl+l               redraw                      write the whole screen again
quit                   q,ctrl+q             quit                        quit; sweeps go on ; quit

[page] Lists
row.down               j,down               row(1)                      next row ; row
row.up                 k,up                 row(-1)                     previous row
close                  escape,q             close                       back ; back

[sweeps] Sweeps
run.compose            S                    compose                     compose and start a sweep ; new
run.apply              a,enter              apply                       take the run's best cell over ; apply
run.cancel             x                    cancel                      cancel the run ; cancel
run.resume             r                    resume                      resume the run where it stopped ; resume
run.delete             D                    delete                      delete the run ; delete
run.export             ctrl+e               export                      export the run's cells as CSV ; CSV
run.score              o                    score                       rank by the next score ; rank by
run.mark               asterisk             mark                        mark or unmark the run to compare it
run.compare            c                    compare                     compare the marked runs and this one ; compare
run.view               v                    view                        best cells, or dilation × erosion ; view

[compare] Compare
compare.what           m                    what                        compare sets, methods, prompt templates or presets ; compare
compare.compute        A                    compute                     compute the missing heatmaps of a row, or of all ; compute
compare.table          tab                  table                       the other table ; table
compare.score          o                    score                       compare by the next score ; score
compare.by             c                    by                          differences by class or by sample ; by
compare.threshold.up   t                    step('threshold', 1)        threshold up ; threshold
compare.threshold.down T                    step('threshold', -1)       threshold down
compare.dilate.up      d                    step('dilate', 1)           larger dilation
compare.dilate.down    D                    step('dilate', -1)          smaller dilation
compare.erode.up       e                    step('erode', 1)            larger erosion
compare.erode.down     E                    step('erode', -1)           smaller erosion
compare.scope          C                    scope                       curves of all images or of this sample
compare.picture        x                    picture                     masks or heatmaps
compare.go             enter                go                          take the row to the explorer ; take
compare.export         ctrl+e               export                      export the table as CSV ; CSV

[paired] Comparison of runs
paired.export          ctrl+e               export                      export the pairs as CSV ; CSV

[prompts] Prompts
prompts.add            a                    add                         add a prompt, or several ; add
prompts.edit           e                    edit                        edit the prompt ; edit
prompts.remove         D                    remove                      remove the prompt ; remove
prompts.picture        x                    picture                     heatmaps or masks ; picture
prompts.take           enter                take                        use the prompt in the explorer ; take

[inside] Inside
head.next              l,right              head(1)                     next head ; head
head.previous          h,left               head(-1)                    previous head
head.switch            space,x              switch('head')              switch the head off or on ; off/on
layer.switch           X                    switch('layer')             switch the whole layer off or on ; layer off/on
heads.reset            r                    reset                       all heads on again ; reset
head.layer             L                    show('layer')               show all heads of the layer; again: the head alone ; layer
head.all               A                    show('model')               show all heads; again: the head alone ; all
head.table             v                    table                       in the table: IoU, or what a head adds inside the true mask ; table
head.take              enter                take                        show it in the explorer ; take
head.describe          D                    describe                    describe the heads in words ; describe
"""  # noqa: E501


def parsed(table: str) -> tuple[Action, ...]:
    """The actions of a table."""
    actions: list[Action] = []
    scope = section = ""
    for line in filter(None, table.splitlines()):
        if line.startswith("["):
            scope, _, section = line[1:].partition("] ")
            continue
        name, keys, rest = line.split(maxsplit=2)
        call, text = rest.split("  ", 1) if "  " in rest else rest.split(" ", 1)
        help_, _, hint = text.strip().partition(" ; ")
        actions.append(Action(name, scope, section, keys, call.strip(), help_, hint))
    return tuple(actions)


ACTIONS = parsed(TABLE)
