"""What the explorer puts on the screen while it is walked through."""

from __future__ import annotations

from collections.abc import Callable

from rich.segment import Segment
from textual.strip import Strip

from cliploc.tui.answers import PicturesReady
from cliploc.tui.app import ExplorerApp
from cliploc.tui.widgets.picture import Picture
from tests.tui.conftest import settled, until

Make = Callable[..., ExplorerApp]
SIZE = (120, 40)


async def test_pictures_that_a_walk_passes_by_are_shown_but_their_scores_are_not(make_app: Make) -> None:
    app = make_app(sample="heart_0000")
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        explorer = app.explorer
        passed_by = dict.fromkeys(explorer.pictures, next(iter(explorer.pictures.values())))
        elsewhere = explorer.now.with_(sample="star_0003")
        curves, pictures = explorer.scores.of_sample, explorer.pictures
        explorer.on_pictures_ready(PicturesReady(explorer._generation, elsewhere, passed_by, None, None, ""))
        picture = explorer.query_one("#pane-mask").query_one(Picture)
        await until(lambda: picture._drawn is not None and picture._drawn[0] == passed_by["mask"], pilot)
        assert explorer.scores.of_sample is curves
        assert explorer.pictures is pictures


async def test_an_update_of_nothing_keeps_what_is_known_of_the_screen(make_app: Make) -> None:
    """Textual displays nothing now and then; forgetting then made it write whole screens twice."""
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app._shown.update(0, 0, Strip([Segment("title")]), app.console)
        app._display(app.screen, None)
        assert app._shown.update(0, 0, Strip([Segment("title")]), app.console) == ""
