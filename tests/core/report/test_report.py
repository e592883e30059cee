"""The report says what the ledger holds, needs nothing outside its one file, and shows all it promises."""

from __future__ import annotations

import html
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from cliploc.core.cli import main
from cliploc.core.codes import mask_of
from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.metrics import iou
from cliploc.core.postprocess import PostProcess
from cliploc.core.report import quoted
from cliploc.core.report.examples import FAILURES, failure_kinds, ranks
from cliploc.core.report.findings import gathered
from cliploc.core.report.write import write_report
from cliploc.core.sweep import sweep
from cliploc.core.sweep.baselines import BASELINES
from cliploc.core.sweep.evaluate import evaluate
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.statistics import holm
from tests.conftest import folder_maker
from tests.sweeping import heatmap_set

GRID = Grid(("nearest", "bilinear"), dilates=(1, 5, 41), erodes=(1, 5, 45))
MakeFolder = Callable[..., Path]


class Page(HTMLParser):
    """Tables as rows of cells, a cell as its text and its exact numbers; and what the page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[tuple[str, list[float]]]]] = {}
        self.references: list[str] = []
        self.ids: list[str] = []
        self._rows: list[list[tuple[str, list[float]]]] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.references += [given[name] for name in ("src", "href", "xlink:href") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        if given.get("id", "").startswith("table-"):
            self._rows = self.tables.setdefault(given["id"].removeprefix("table-"), [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append(("", []))
            self._inside = True
        elif tag == "data" and self._inside:
            self._rows[-1][-1][1].append(float(given["value"]))

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            text, numbers = self._rows[-1][-1]
            self._rows[-1][-1] = (text + data, numbers)

    def column(self, table: str, name: str) -> list[list[float]]:
        """The exact numbers under a heading, row by row."""
        head, *rows = self.tables[table]
        place = [text for text, _ in head].index(name)
        return [row[place][1] for row in rows]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], Path]:
    """Two runs and their report, made once: the home they are in, their ids, the page."""
    place = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPLOC_HOME", str(place / "home"))
        folder = folder_maker(place)
        names = [
            heatmap_set(folder, name, images=240, seed=seed) for seed, name in enumerate(("first", "second"))
        ]
        runs = [sweep(name, GRID, executor="threads", workers=2).id for name in names]
        return place / "home", runs, write_report(Ledger(), runs, place / "report").page


@pytest.fixture
def runs(made: tuple[Path, list[str], Path], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("CLIPLOC_HOME", str(made[0]))
    return made[1]


@pytest.fixture
def written(made: tuple[Path, list[str], Path], runs: list[str]) -> Path:
    return made[2]


def test_numbers_on_the_page_are_the_ledgers(runs: list[str], written: Path) -> None:
    page, ledger = Page(written.read_text()), Ledger()
    summaries = [ledger.summary(run, 0) for run in runs]
    cells = [ledger.top_cells(run, 1)[0] for run in runs]
    assert page.column("scores", "best (tuned)")[:2] == [[cell.scores["mean_iou"]] for cell in cells]
    assert page.column("scores", "threshold")[:2] == [[cell.config.threshold] for cell in cells]
    assert page.column("scores", "raw (tuned)")[:2] == [[s["raw"]["mean_iou"]] for s in summaries]
    assert page.column("scores", "cross-validated")[:2] == [
        [s["cross_validated"], *s["interval"]] for s in summaries
    ]
    assert page.column("scores", "images") == [[240]] * 6
    assert page.column("scores", "best (tuned)")[2:] == [
        [one["mean_iou"]] for one in summaries[0]["baselines"]
    ]
    gains = [s["raw"]["gain"] for s in summaries]
    assert page.column("gain", "p (Holm)") == [[p] for p in holm([gain["p"] for gain in gains])]
    assert page.column("gain", "difference") == [[g["difference"], g["low"], g["high"]] for g in gains]
    leads = [next(o for o in s["orders"] if o["order"] == "dilate-erode")["lead"] for s in summaries]
    assert page.column("orders", "dilate-erode, more than the others") == [
        [lead["difference"], lead["low"], lead["high"]] for lead in leads
    ]
    for name in ("precision", "recall", "F1", "AP", "PxAP"):
        column = {"F1": "f1", "AP": "average_precision", "PxAP": "px_ap"}.get(name, name)
        assert page.column("other-scores", name) == [[cell.scores[column]] for cell in cells]
    assert page.column("plateau", "oracle: cell") == [[s["oracle_cell"]] for s in summaries]


def test_example_pictures_carry_the_samples_own_iou(runs: list[str], written: Path) -> None:
    """Mean over all images of the per-image IoU is the cell's; the best shown is the best there is."""
    found = gathered(Ledger(), runs[:1]).sets[0]
    dataset = open_dataset(Ledger().plan(runs[0]).dataset)
    counts = evaluate(HeatmapStore().find(found.key).read_all(), dataset.samples, found.best.config).counts
    scores = iou(counts)[:, found.best.config.threshold_index]
    assert scores.mean() == pytest.approx(found.best.mean_iou, abs=1e-9)
    assert f'<data value="{float(scores.max())!r}">' in written.read_text()


def test_the_posters_figures_stand_beside_cocoglide_alone(
    runs: list[str], written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the content of pictures and masks: a name proves nothing."""
    page = Page(written.read_text())
    assert page.column("dataset", "toy")[:2] == [[240], [3]]
    assert "quoted" not in written.read_text().split("</style>")[1]
    plan = Ledger().plan(runs[0])
    monkeypatch.setattr("cliploc.core.report.quoted.TRUTH", plan.truth)
    monkeypatch.setattr("cliploc.core.report.quoted.PICTURES", open_dataset(plan.dataset).pictures)
    beside = Page(write_report(Ledger(), runs, tmp_path / "beside").page.read_text())
    assert beside.column("dataset", "poster (quoted)")[:6] == [[512], [73], [1], [17], [7.014], [4.446]]


def test_cocoglide_is_known_by_its_content(cocoglide: Path) -> None:
    dataset = open_dataset(str(cocoglide))
    assert (dataset.truth, dataset.pictures) == (quoted.TRUTH, quoted.PICTURES)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles_and_nothing_runs_off_the_page(written: Path, tmp_path: Path) -> None:
    packages = "\\usepackage[a4paper,margin=2cm]{geometry}\\usepackage{booktabs}\\usepackage{graphicx}"
    body = "\\documentclass{article}" + packages + "\\begin{document}\\input{tables}\\end{document}"
    (tmp_path / "all.tex").write_text(body)
    shutil.copy(written.parent / "tables.tex", tmp_path)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout[-2000:]
    assert "Overfull" not in said.stdout
    assert "too large for page" not in said.stdout


def test_pairs_are_a_matrix_with_what_needs_no_network_below(runs: list[str], written: Path) -> None:
    head, *rows = Page(written.read_text()).tables["pairs"]
    assert [text for text, _ in head] == ["row minus column", "1", "2"]
    assert [row[0][0] for row in rows] == ["1. first", "2. second", *BASELINES]
    found = gathered(Ledger(), runs, open_dataset(Ledger().plan(runs[0]).dataset))
    assert found.comparison is not None
    (pair,) = found.comparison.pairs
    low, high = pair.result["low"], pair.result["high"]
    assert low is not None
    assert high is not None
    assert rows[1][1][1] == [-pair.result["difference"], -high, -low]
    assert rows[0][1][1] == rows[0][2][1] == rows[1][2][1] == []
    whole = dict(zip(("first", "second"), rows[2][1:], strict=True))
    for summary, name in ((found.sets[0].summary, "first"), (found.sets[1].summary, "second")):
        baseline = summary["baselines"][0]["cross_validated"]
        assert whole[name][1][0] == pytest.approx(baseline - summary["cross_validated"], abs=1e-9)
        assert whole[name][0].count("*") == 1


def test_every_class_has_its_mean_iou(runs: list[str], written: Path) -> None:
    page = Page(written.read_text())
    found = gathered(Ledger(), runs, open_dataset(Ledger().plan(runs[0]).dataset)).leaders
    for leader in found:
        assert page.column("classes", leader.title) == [[leader.labels[x]] for x in sorted(leader.labels)]
    assert page.column("classes", "images") == [[120], [40], [80]]


def test_parts_and_holes_are_those_of_the_masks(runs: list[str], written: Path) -> None:
    """By scipy, mask by mask, at the cells that the table names."""
    page = Page(written.read_text())
    found = gathered(Ledger(), runs).leaders[0]
    dataset = open_dataset(Ledger().plan(runs[0]).dataset)
    heatmaps = HeatmapStore().find(found.key).read_all()
    closing = found.order("dilate-erode")
    assert found.raw is not None
    assert closing is not None
    after = PostProcess.from_dict(closing["config"])
    rows = page.column("parts", "parts")[1:4]
    for row, config in zip(rows, (found.raw.config, after.with_(order="none"), after), strict=True):
        masks = (mask_of(heatmaps[s.id], s.true_mask().shape, config) for s in dataset.samples)
        parts = [ndimage.label(mask, np.ones((3, 3)))[1] for mask in masks]
        assert row[0] == pytest.approx(np.mean(parts))


def test_every_table_and_figure_is_there(written: Path) -> None:
    page = Page(written.read_text())
    tables = {
        "scores",
        "pairs",
        "gain",
        "orders",
        "parts",
        "classes",
        "dataset",
        "methods",
        "failures",
        "other-scores",
        "plateau",
        "searched",
    }
    assert set(page.tables) == tables
    figures = {"class-histogram", "threshold-curves", "kernel-surfaces", "class-bars"}
    assert {id_.removeprefix("figure-") for id_ in page.ids if id_.startswith("figure-")} >= figures
    for figure in figures:
        with Image.open(written.parent / "figures" / f"{figure}.png") as picture:
            assert min(picture.size) > 300
        assert b"<svg" in (written.parent / "figures" / f"{figure}.svg").read_bytes()
    for name in ("tables.md", "tables.tex"):
        text = (written.parent / name).read_text()
        assert all(title in text for title in ("Scores per method.", "What morphology adds.", "The dataset."))


def test_the_commands_that_repeat_it_name_the_dataset(runs: list[str], written: Path) -> None:
    page = html.unescape(written.read_text())
    for run in runs:
        assert f"cliploc sweep --dataset {shlex.quote(Ledger().plan(run).dataset)} --heatmaps" in page


def test_the_page_needs_nothing_outside_itself(written: Path) -> None:
    text = written.read_text()
    page = Page(text)
    assert all(reference.startswith(("#", "data:image/")) for reference in page.references)
    assert not re.search(r"@import|url\((?!#)|<script|<link", text)
    assert len(page.ids) == len(set(page.ids))
    assert {r.removeprefix("#") for r in page.references if r.startswith("#")} <= set(page.ids)


def test_figures_take_their_colours_from_the_reader(written: Path) -> None:
    """No colour of the drawing is left as it was drawn, and both schemes define every variable."""
    text = written.read_text()
    assert not re.search("#fe00", text)
    used = set(re.findall(r"var\((--fig-[a-z0-9]+)\)", text))
    light, dark = text.split("prefers-color-scheme: dark")[:2]
    for scheme in (light, dark.split("</style>")[0]):
        assert used <= set(re.findall(r"(--fig-[a-z0-9]+):", scheme))


def test_the_same_runs_give_the_same_figures(runs: list[str], written: Path, tmp_path: Path) -> None:
    again = write_report(Ledger(), runs, tmp_path / "again").page
    for path in sorted((written.parent / "figures").iterdir()):
        assert path.read_bytes() == (again.parent / "figures" / path.name).read_bytes()


def test_a_surface_holds_the_best_threshold_of_each_pair_of_kernels(runs: list[str]) -> None:
    ledger = Ledger()
    found = gathered(ledger, runs[:1]).sets[0]
    assert found.surface is not None
    assert np.nanmax(found.surface.mean_iou) == found.best.mean_iou
    best: dict[tuple[int, int], float] = {}
    for cell in ledger.cells(runs[0]):
        if cell.config.interpolation == found.surface.interpolation:
            pair = (cell.config.dilate, cell.config.erode)
            best[pair] = max(best.get(pair, 0.0), cell.scores["mean_iou"])
    for row, erode in enumerate(found.surface.erodes):
        for column, dilate in enumerate(found.surface.dilates):
            assert found.surface.mean_iou[row, column] == best[dilate, erode]


def test_the_posters_kernels_are_41_to_61(runs: list[str]) -> None:
    found = gathered(Ledger(), runs[:1]).sets[0]
    assert found.poster_kernels is not None
    assert (found.poster_kernels.config.dilate, found.poster_kernels.config.erode) == (41, 45)


def test_a_run_of_another_machine_is_reported_without_pictures(
    runs: list[str], written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Imported bundles bring scores, not images: the page says so and has everything else."""
    for module in ("examples", "parts"):
        monkeypatch.setattr(
            f"cliploc.core.report.{module}.HeatmapStore", lambda: HeatmapStore(tmp_path / "empty")
        )
    text = write_report(Ledger(), runs, tmp_path / "elsewhere").page.read_text()
    assert "not in this machine&#x27;s store" in text
    assert set(Page(text).tables) == set(Page(written.read_text()).tables) - {"failures", "parts"}


def test_a_run_of_one_config_that_kept_only_sums_is_reported_without_what_it_cannot_say(
    make_folder: MakeFolder, tmp_path: Path
) -> None:
    """No image by image, so no pairs and no oracles; no raw config, so no gain; no kernels to compare."""
    grid = Grid(("nearest",), dilates=(5,), erodes=(5,))
    name = heatmap_set(make_folder, "alone", images=12)
    run = sweep(name, grid, executor="threads", workers=2, keep="sums").id
    text = write_report(Ledger(), [run], tmp_path / "report").page.read_text()
    assert set(Page(text).tables) == {
        "scores", "classes", "dataset", "methods", "failures", "other-scores", "plateau", "searched",
    }  # fmt: skip
    assert "kept only sums" in text
    assert "what morphology adds is not known" in text


def test_the_command_prints_where_the_page_is(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--runs", runs[0], "-o", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "report.html")


def test_runs_that_make_no_report_are_refused(
    runs: list[str], make_folder: MakeFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = sweep(heatmap_set(make_folder, "third", images=12, folder="other"), GRID, executor="threads").id
    out = tmp_path / "out"
    assert main(["report", "--runs", f"{runs[0]},{other}", "-o", str(out)]) == 2
    assert "one report speaks of one dataset" in capsys.readouterr().err
    ledger = Ledger()
    waiting = ledger.create(ledger.plan(runs[0]))
    assert main(["report", "--runs", waiting, "-o", str(out)]) == 2
    assert f"cliploc runs resume {waiting}" in capsys.readouterr().err
    assert not out.exists()


def test_without_matplotlib_the_extra_is_named(
    runs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["report", "--runs", runs[0], "-o", str(tmp_path / "out")]) == 1
    assert "cliploc[report]" in capsys.readouterr().err


def test_ranks_never_show_an_image_twice() -> None:
    assert ranks(list(range(9))) == {"best": [8, 7, 6], "median": [5, 4, 3], "worst": [0, 1, 2]}
    assert ranks([4, 7, 1]) == {"best": [1], "median": [7], "worst": [4]}
    for count in range(3, 30):
        shown = [place for places in ranks(list(range(count))).values() for place in places]
        assert len(shown) == len(set(shown))


def test_failures_are_the_first_kind_that_applies() -> None:
    scores = {
        "mean_iou": np.array([0.0, 0.05, 0.25, 0.25, 0.7]),
        "recall": np.array([0.0, 0.1, 0.9, 0.25, 0.8]),
        "precision": np.array([0.0, 0.1, 0.25, 0.95, 0.85]),
    }
    empty = np.array([True, False, False, False, False])
    assert failure_kinds(scores, empty) == [*FAILURES, ""]
