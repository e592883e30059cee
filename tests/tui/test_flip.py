"""A key looks at CocoGlide's inpainted pictures instead of the real ones, and back, where one was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.tui.app import ExplorerApp, Reopen
from cliploc.tui.running import beginning
from cliploc.tui.screens.data_choice import DataChoice
from cliploc.tui.state import ExplorerState, Source
from tests.core.datasets.layouts import FIRST, grey, photograph, text, where
from tests.tui.conftest import settled, until

Make = Callable[..., ExplorerApp]


def with_fakes(root: Path) -> Path:
    """Two samples whose real pictures have a fake beside them."""
    for number, name in enumerate("ab"):
        photograph(root / f"real/cat_{name}.png", number)
        photograph(root / f"fake/glide_{name}.png", number + 5)
        grey(root / f"mask/{name}.png", where(FIRST, 1 + number) * 255)
    rows = "".join(f"real/cat_{name}.png,fake/glide_{name}.png,mask/{name}.png,cat\n" for name in "ab")
    text(root / "table.csv", f"real,fake,mask,prompt\n{rows}")
    return root


async def test_the_key_opens_the_other_pictures(make_app: Make, toy: Dataset) -> None:
    table = Path(toy.spec) / "table.csv"
    lines = [line.split(",") for line in table.read_text().splitlines()]
    table.write_text("".join(f"{real},{mask},{label},{real}\n" for real, mask, label in lines[1:]))
    table.write_text("real,mask,prompt,fake\n" + table.read_text())
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("Y")
        await until(lambda: app.return_value == Reopen(f"{toy.spec}?picture=fake"), pilot)


def test_from_the_other_pictures_the_key_goes_back(tmp_path: Path) -> None:
    asked: list[str] = []
    spec = f"{with_fakes(tmp_path / 'glide')}?orientation=stored"
    client = SimpleNamespace(
        dataset=open_dataset(f"{spec}&picture=fake"), studio=SimpleNamespace(find_dataset=asked.append)
    )
    DataChoice(None, client, lambda: (Recipe("gem"), "")).flip()  # type: ignore[arg-type]
    assert asked == [spec]


def test_one_stays_at_the_sample_and_nothing_stored_is_taken_along(tmp_path: Path) -> None:
    root = with_fakes(tmp_path / "glide")
    real, fake = open_dataset(str(root)), open_dataset(f"{root}?picture=fake")
    assert [sample.id for sample in real.samples] == [sample.id for sample in fake.samples]
    assert (real.samples[0].true_mask() == fake.samples[0].true_mask()).all()
    assert (real.samples[0].image() != fake.samples[0].image()).any()
    state = ExplorerState("cat_b", Source(stored="mine"))
    found = beginning(state, real, fake)
    assert found.sample == "cat_b"
    assert found.source == Source(state.source.recipe)
    assert beginning(state, open_dataset("demo"), fake).sample == "cat_a"
