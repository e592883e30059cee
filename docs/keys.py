"""The page of keys, from the table of actions; `make docs` writes `docs/keys.md`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from cliploc.tui.actions import ACTIONS
from cliploc.tui.keymap import PRESETS, shown

PAGE = Path(__file__).resolve().parent / "keys.md"
HEAD = """\
# Keys

`?` shows this list inside the program, with your own keys in it; `ctrl+p` finds an action by its words.
Digits before a key repeat it: `10d`. `^e` is ctrl and e, `⇧←` shift and an arrow, `⏎` enter.

(This page is written from the table of actions in `tui/actions.py`; do not edit it.)
"""
TAIL = """\
## Keys of your own

`keymap.toml` in the configuration folder (`cliploc doctor` prints where that is) starts from a preset,
`cliploc`, `vim` or `plain`, and gives actions by name other keys; several are separated by commas:

```toml
preset = "vim"

[keys]
"threshold.up" = "t,plus"
"zoom.in" = "ctrl+up"
```

A key that would do two things in one place is refused with a sentence when the program starts.
`--keymap` chooses a preset for once. What the presets change:
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_sections(), TAIL, *_presets()])


def _sections() -> Iterator[str]:
    for (_, title), actions in groupby(ACTIONS, key=lambda action: (action.scope, action.section)):
        yield f"## {title}\n\n| key | what it does | action |\n|---|---|---|"
        for action in actions:
            yield f"| {_keys(action.keys)} | {action.help} | `{action.name}` |"
        yield ""


def _presets() -> Iterator[str]:
    yield "| preset | action | keys |\n|---|---|---|"
    for preset, changes in PRESETS.items():
        for name, keys in changes.items():
            yield f"| `{preset}` | `{name}` | {_keys(keys)} |"
    yield ""


def _keys(keys: str) -> str:
    return " ".join(f"`{shown(key)}`" for key in keys.split(","))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
