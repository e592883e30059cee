"""Colours: three themes of our own, and our variables for everybody else's themes."""

from __future__ import annotations

from textual.theme import Theme

from cliploc.core.scores import SCORES


def _scores(ground: int) -> dict[str, str]:
    """The scores' colours, the same in table and curve; ground: the place in `Score.colours`."""
    return {score.name: score.colours[ground] for score in SCORES}


# Variables that our widgets use beside Textual's own. hit, miss and false are the
# colours of the mask picture.
DARK = {
    **_scores(0),
    "dim": "#8b93a3",
    "faint": "#3d4452",
    "better": "#73c991",
    "worse": "#f07178",
    "hit": "#009e73",
    "miss": "#56b4e9",
    "false": "#d55e00",
}
LIGHT = {
    **_scores(1),
    "dim": "#5d6472",
    "faint": "#c3c8d2",
    "better": "#1a7f37",
    "worse": "#c1353d",
    "hit": "#007a59",
    "miss": "#1f78b4",
    "false": "#b34d00",
}
CONTRAST = {
    **DARK,
    **_scores(2),
    "dim": "#d0d0d0",
    "faint": "#8a8a8a",
    "better": "#3dff6e",
    "worse": "#ff6b6b",
}
ANSI = {
    **_scores(3),
    "dim": "ansi_bright_black",
    "faint": "ansi_bright_black",
    "better": "ansi_green",
    "worse": "ansi_red",
    "hit": "ansi_green",
    "miss": "ansi_cyan",
    "false": "ansi_red",
}

THEMES = (
    Theme(
        name="cliploc-dark",
        primary="#7aa2f7",
        secondary="#7dcfff",
        accent="#e0af68",
        success="#73c991",
        warning="#e0af68",
        error="#f07178",
        foreground="#d6dae2",
        background="#0f1217",
        surface="#161a21",
        panel="#1d222b",
        variables=DARK,
    ),
    Theme(
        name="cliploc-light",
        primary="#2257c5",
        secondary="#0f7a99",
        accent="#a1600a",
        success="#1a7f37",
        warning="#a1600a",
        error="#c1353d",
        foreground="#22262e",
        background="#fafafa",
        surface="#f0f1f4",
        panel="#e4e6eb",
        dark=False,
        variables=LIGHT,
    ),
    Theme(
        name="cliploc-contrast",
        primary="#6cb6ff",
        secondary="#5dffff",
        accent="#ffd000",
        success="#3dff6e",
        warning="#ffd000",
        error="#ff6b6b",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1a1a1a",
        variables=CONTRAST,
    ),
)
NAMES = (*(theme.name for theme in THEMES), "ansi-dark", "ansi-light")


def defaults(theme: Theme) -> dict[str, str]:
    """Our variables for a theme that does not define them."""
    if theme.ansi:
        return ANSI
    return DARK if theme.dark else LIGHT
