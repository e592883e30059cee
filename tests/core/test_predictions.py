"""Predictions out and in: what pycocotools says of them is what the scores say."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from cliploc.core.cli import main
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.errors import StoreError
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.metrics import iou, mean_scores
from cliploc.core.postprocess import PostProcess
from cliploc.core.predictions.read import read_masks, read_results, scored
from cliploc.core.predictions.write import ground_truth, predictions, results, write_json, write_masks
from cliploc.core.sweep import sweep
from cliploc.core.sweep.ledger import Ledger
from tests.sweeping import SMALL, heatmap_set

CONFIG = PostProcess(dilate=9, erode=5)
MakeFolder = Callable[..., Path]


@pytest.fixture
def dataset(make_folder: MakeFolder) -> Dataset:
    return open_dataset(str(make_folder({"cat": 3, "red car": 2})))


@pytest.fixture
def heatmaps(dataset: Dataset) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {sample.id: rng.random((6, 8), dtype=np.float32) for sample in dataset.samples}


def judged_by_pycocotools(results_path: Path, truth_path: Path) -> list[float]:
    """IoU of every image's one result with its one annotation, by pycocotools alone."""
    truth = COCO(str(truth_path))
    found = truth.loadRes(str(results_path))
    return [
        float(
            coco_mask.iou(
                [found.annToRLE(ann) for ann in found.imgToAnns[image]],
                [truth.annToRLE(ann) for ann in truth.imgToAnns[image]],
                [0],
            )[0, 0]
        )
        for image in sorted(truth.imgs)
    ]


def test_pycocotools_gives_the_ledgers_mean_iou(make_folder: MakeFolder, tmp_path: Path) -> None:
    run = sweep(heatmap_set(make_folder), SMALL, executor="threads", workers=2)
    out = tmp_path / "out"
    assert main(["predictions", "export", "--run", run.id, "-o", str(out)]) == 0
    best = Ledger().top_cells(run.id, 1)[0].scores["mean_iou"]
    judged = judged_by_pycocotools(out / "results.json", out / "ground_truth.json")
    assert np.mean(judged) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("form", ["masks", "results.json"])
def test_what_is_written_scores_the_same_when_read_back(
    form: str, make_folder: MakeFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = heatmap_set(make_folder, images=9)
    folder = HeatmapStore().find(name).identity.dataset_spec
    config = ["--interpolation", "bicubic", "--dilate", "9", "--erode", "5", "--threshold", "0.6"]
    export = ["predictions", "export", "--heatmaps", name, *config, "-o", str(tmp_path / "out"), "--json"]
    assert main(export) == 0
    exported = json.loads(capsys.readouterr().out)
    assert main(["predictions", "score", str(tmp_path / "out" / form), "--dataset", folder, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"] == exported["scores"]


def test_a_mask_is_a_black_and_white_png_named_by_its_sample(
    dataset: Dataset, heatmaps: dict[str, np.ndarray], tmp_path: Path
) -> None:
    found = list(predictions(heatmaps, dataset, CONFIG))
    assert write_masks(found, tmp_path / "out") == 5
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"{s.id}.png" for s in dataset.samples
    )
    pixels = cv2.imread(str(tmp_path / "out" / "red car_1.png"), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(pixels == 255, found[-1].mask)
    assert set(np.unique(pixels)) <= {0, 255}


def test_ignored_pixels_are_a_crowd_of_the_written_truth(make_folder: MakeFolder, tmp_path: Path) -> None:
    """What pycocotools reads of it, pixel by pixel; a sample that is void all over is not in it."""
    root = make_folder({"cat": 3})
    for number, path in enumerate(sorted((root / "mask").iterdir())):
        indices = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0).astype(np.uint8)
        indices[:, :3] = 255
        image = Image.fromarray(indices if number < 2 else np.full_like(indices, 255), "P")
        image.putpalette([0, 0, 0, 128, 0, 0] + [0] * (3 * 253) + [224, 224, 192])
        image.save(path)
    dataset = open_dataset(str(root))
    write_json(ground_truth(dataset), tmp_path / "truth.json")
    truth = COCO(str(tmp_path / "truth.json"))
    assert len(truth.imgs) == len(dataset.scorable) == 2
    for number, sample in zip(truth.imgs, dataset.scorable, strict=True):
        found = {one["iscrowd"]: truth.annToMask(one) > 0 for one in truth.imgToAnns[number]}
        np.testing.assert_array_equal(found[0], sample.true_mask())
        np.testing.assert_array_equal(found[1], sample.ignored())


def test_results_of_other_pictures_with_our_sources_numbers_are_strangers(
    make_folder: MakeFolder, tmp_path: Path
) -> None:
    """A column `source` holds numbers of patients; images 0 to 2 of an annotation file are not these."""
    root = make_folder({"cat": 3})
    lines = (root / "table.csv").read_text().splitlines()
    table = [f"{line},{'source' if n == 0 else n - 1}" for n, line in enumerate(lines)]
    (root / "table.csv").write_text("\n".join(table))
    dataset = open_dataset(str(root))
    images = [{"id": n, "file_name": f"other_{n}.png", "height": 48, "width": 64} for n in range(3)]
    content = {"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": []}
    (tmp_path / "truth.json").write_text(json.dumps(content))
    box = [[1, 1, 9, 1, 9, 9, 1, 9]]
    entries = [{"image_id": n, "category_id": 1, "segmentation": box, "score": 1.0} for n in range(3)]
    (tmp_path / "results.json").write_text(json.dumps(entries))
    with pytest.raises(StoreError, match="none of 3 results belongs"):
        read_results(tmp_path / "results.json", dataset, annotations=tmp_path / "truth.json")
    said: list[str] = []
    entries[0]["sample"] = dataset.samples[0].id
    (tmp_path / "results.json").write_text(json.dumps(entries))
    masks = read_results(
        tmp_path / "results.json", dataset, annotations=tmp_path / "truth.json", notice=said.append
    )
    assert list(masks) == [dataset.samples[0].id]
    assert said[0].startswith("2 of 3 results belong to no sample of")


def test_masks_of_two_exports_do_not_mix(
    dataset: Dataset, heatmaps: dict[str, np.ndarray], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = list(predictions(heatmaps, dataset, CONFIG))
    write_masks(found, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(StoreError, match="holds 3 masks that are not of this export"):
        write_masks(found[:2], out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert write_masks(found, out) == 5


def test_score_and_box_describe_the_mask(dataset: Dataset) -> None:
    heatmap = np.zeros((48, 64), np.float32)
    heatmap[10:20, 30:50] = 0.8
    heatmap[15, 40] = 1.0
    config = PostProcess(interpolation="nearest", order="none")
    (one,) = predictions({dataset.samples[0].id: heatmap}, dataset, config)
    assert one.box == (30, 10, 20, 10)
    assert one.score == pytest.approx((199 * 0.8 + 1.0) / 200)
    (none,) = predictions({dataset.samples[0].id: np.zeros((6, 8), np.float32)}, dataset, config)
    assert (none.box, none.score) == ((0, 0, 0, 0), 0.0)


def test_a_sample_without_mask_counts_as_nothing_predicted(dataset: Dataset) -> None:
    first = dataset.samples[0]
    counts = scored({first.id: first.true_mask()}, dataset)
    assert iou(counts)[:, 0].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]


def test_pixels_to_ignore_are_not_counted(dataset: Dataset) -> None:
    first = dataset.samples[0]
    everywhere = {first.id: np.ones_like(first.true_mask())}
    object.__setattr__(first, "ignored", lambda: ~first.true_mask())
    assert mean_scores(scored(everywhere, dataset)[:1])["precision"] == 1.0


def test_instances_of_a_coco_detector_are_merged_by_category_and_image(
    dataset: Dataset, tmp_path: Path
) -> None:
    """Categories and images by the numbers of a COCO file; other classes and images are passed over."""
    annotations = {
        "images": [{"id": 7, "file_name": "cat_0.jpg"}, {"id": 8, "file_name": "other.jpg"}],
        "categories": [{"id": 17, "name": "cat"}, {"id": 3, "name": "dog"}],
    }
    polygon = [[0, 0, 10, 0, 10, 10, 0, 10]]
    uncompressed = {"size": [48, 64], "counts": [48 * 32, 48 * 32]}
    entries = [
        {"image_id": 7, "category_id": 17, "segmentation": polygon, "score": 0.9},
        {"image_id": 7, "category_id": 17, "segmentation": uncompressed, "score": 0.8},
        {"image_id": 7, "category_id": 17, "segmentation": [[0, 0, 60, 0, 60, 40]], "score": 0.1},
        {"image_id": 7, "category_id": 3, "segmentation": polygon, "score": 0.9},
        {"image_id": 8, "category_id": 17, "segmentation": polygon, "score": 0.9},
    ]
    write_json(entries, tmp_path / "results.json")
    write_json(annotations, tmp_path / "annotations.json")
    found = read_results(
        tmp_path / "results.json", dataset, annotations=tmp_path / "annotations.json", least_score=0.5
    )
    assert list(found) == ["cat_0"]
    expected = np.zeros((48, 64), bool)
    expected[:10, :10] = True
    expected[:, 32:] = True
    np.testing.assert_array_equal(found["cat_0"], expected)


def test_cocoglide_ids_are_a_category_and_a_coco_number(cocoglide: Path, tmp_path: Path) -> None:
    dataset = open_dataset(str(cocoglide))
    sample = dataset.by_id("dining table_114871")
    truth = ground_truth(dataset)["annotations"]
    annotation = truth[[s.id for s in dataset.samples].index(sample.id)]  # type: ignore[index]
    write_json(
        [{"image_id": 114871, "category_id": 67, "segmentation": annotation["segmentation"]}],
        tmp_path / "results.json",
    )
    write_json(
        {
            "images": [{"id": 114871, "file_name": "000000114871.jpg"}],
            "categories": [{"id": 67, "name": "dining table"}],
        },
        tmp_path / "annotations.json",
    )
    found = read_results(tmp_path / "results.json", dataset, annotations=tmp_path / "annotations.json")
    np.testing.assert_array_equal(found[sample.id], sample.true_mask())


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"image_id": 1, "category_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9]]}, "--annotations"),
        ({"sample": "cat_0", "segmentation": {"size": [4, 4], "counts": "abc"}}, "expected \\[48, 64\\]"),
        ({"sample": "cat_0", "segmentation": {"size": [48, 64], "counts": [9999]}}, "no segmentation"),
        ({"sample": "cat_0", "segmentation": "nonsense"}, "no segmentation"),
        ({"sample": "cat_0"}, "no segmentation"),
        ("nonsense", "no COCO results"),
    ],
)
def test_results_that_cannot_be_used_are_named(
    entry: object, words: str, dataset: Dataset, tmp_path: Path
) -> None:
    write_json([entry], tmp_path / "results.json")
    with pytest.raises(StoreError, match=words):
        read_results(tmp_path / "results.json", dataset)


def test_masks_that_cannot_be_used_are_named(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no folder"):
        read_masks(tmp_path / "nowhere", dataset)
    cv2.imwrite(str(tmp_path / "zebra_1.png"), np.zeros((48, 64), np.uint8))
    with pytest.raises(StoreError, match=r"names like cat_0\.png"):
        read_masks(tmp_path, dataset)
    cv2.imwrite(str(tmp_path / "cat_0.png"), np.zeros((5, 4), np.uint8))
    with pytest.raises(StoreError, match="4 x 5, expected 64 x 48"):
        read_masks(tmp_path, dataset)


def test_a_mask_that_says_it_is_huge_is_not_decoded(dataset: Dataset, tmp_path: Path) -> None:
    # A header alone: decoding it would be another error.
    (tmp_path / "cat_0.png").write_bytes(b"P5 9000 9000 255\n")
    with pytest.raises(StoreError, match="9000 x 9000, expected 64 x 48"):
        read_masks(tmp_path, dataset)


def test_names_as_a_mac_writes_them_are_the_samples(make_folder: MakeFolder, tmp_path: Path) -> None:
    """HFS parts letters and accents; the table has them in one."""
    dataset = open_dataset(str(make_folder({"café": 2})))
    masks = {sample.id: sample.true_mask() for sample in dataset.samples}
    for id_, mask in masks.items():
        name = unicodedata.normalize("NFD", f"{id_}.png")
        assert name != f"{id_}.png"
        cv2.imwrite(str(tmp_path / name), mask.astype(np.uint8) * 255)
    assert list(read_masks(tmp_path, dataset)[0]) == list(masks)
    assert dataset.by_id(unicodedata.normalize("NFD", "café_0")).id == "café_0"


def test_how_predicted_masks_were_read_is_said(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for sample in dataset.samples:
        cv2.imwrite(str(tmp_path / f"{sample.id}.png"), sample.true_mask().astype(np.uint8))
    assert main(["predictions", "score", str(tmp_path), "--dataset", dataset.spec]) == 0
    said = capsys.readouterr()
    assert "note: predicted masks: mask value 1 is foreground" in said.err + said.out


def test_a_threshold_that_is_not_scored_is_said_to_be_another(
    heatmaps: dict[str, np.ndarray], dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "a.npz", ids=np.array(list(heatmaps)), heatmaps=np.stack(list(heatmaps.values())))
    main(["heatmaps", "import", str(tmp_path / "a.npz"), "--dataset", dataset.spec, "--name", "a"])
    for asked, said in (("0.5", True), ("0.505", False), ("1", False)):
        capsys.readouterr()
        main(["predictions", "export", "--heatmaps", "a", "--threshold", asked, "-o", str(tmp_path / asked)])
        assert ("note: threshold 0.5 is taken as 0.5051" in capsys.readouterr().err) == said


def test_results_hold_what_coco_asks_for(dataset: Dataset, heatmaps: dict[str, np.ndarray]) -> None:
    for entry in results(predictions(heatmaps, dataset, CONFIG), dataset):
        assert {"image_id", "category_id", "segmentation", "bbox", "score"} <= set(entry)
        assert json.loads(json.dumps(entry)) == entry


def test_a_runs_masks_are_scored_as_the_run_read_them(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The options of the run's dataset are part of what it found; two truths are not compared."""
    arrays = {sample.id: sample.true_mask().astype(np.float32) for sample in dataset.samples}
    np.savez(tmp_path / "a.npz", ids=np.array(list(arrays)), heatmaps=np.stack(list(arrays.values())))
    assert (
        main(["heatmaps", "import", str(tmp_path / "a.npz"), "--dataset", dataset.spec, "--name", "a"]) == 0
    )
    grid = ["--interpolation", "nearest", "--order", "none", "--executor", "threads", "--json"]
    runs = []
    for options in ([], ["--invert"]):
        capsys.readouterr()
        assert main(["sweep", "--heatmaps", "a", *options, *grid]) == 0
        runs.append(json.loads(capsys.readouterr().out))
    for found in runs:
        export = [
            "predictions",
            "export",
            "--run",
            found["run"],
            "-o",
            str(tmp_path / found["run"]),
            "--json",
        ]
        assert main(export) == 0
        scored_again = json.loads(capsys.readouterr().out)["scores"]["mean_iou"]
        assert scored_again == pytest.approx(found["best"]["mean_iou"])
    assert main(["runs", "list"]) == 0
    assert "toy?invert=yes" in capsys.readouterr().out
    assert main(["report", "--runs", f"{runs[0]['run']},{runs[1]['run']}", "-o", str(tmp_path / "r")]) == 2
    assert f"run {runs[1]['run']} scored toy?invert=yes, run {runs[0]['run']} toy;" in capsys.readouterr().err
    assert main(["runs", "compare", *(found["run"] for found in runs)]) == 2
    assert "how they were read, are not the same" in capsys.readouterr().err


def test_a_runs_masks_over_other_true_masks_are_said_to_be(
    make_folder: MakeFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = heatmap_set(make_folder, images=4)
    run = sweep(name, SMALL, executor="threads", workers=1)
    export = ["predictions", "export", "--run", run.id, "-o", str(tmp_path / "out")]
    assert main(export) == 0
    assert "not the run's" not in capsys.readouterr().err
    mask = next(Path(Ledger().plan(run.id).dataset).glob("mask/*.png"))
    cv2.imwrite(str(mask), 255 - cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE))
    assert main(export) == 0
    assert "the scores below are not the run's" in capsys.readouterr().err


def test_results_belong_to_their_images_whatever_the_numbers_and_names(tmp_path: Path) -> None:
    """Numbers from 0 beside files from 1, labels with slashes, labels that differ in case."""
    images, labels = [{"id": n, "file_name": f"{n + 1}.png"} for n in range(3)], ["cat", "Cat", "tv/monitor"]
    entries = []
    for image in images:
        image |= {"height": 20, "width": 30}
        cv2.imwrite(str(tmp_path / str(image["file_name"])), np.zeros((20, 30, 3), np.uint8))
        for number in range(len(labels)):
            x, y = 2 + 3 * int(str(image["id"])), 1 + 4 * number
            corners = [x, y, x + 5, y, x + 5, y + 6, x, y + 6]
            entries.append({"image_id": image["id"], "category_id": number, "segmentation": [corners]})
    categories = [{"id": number, "name": label} for number, label in enumerate(labels)]
    annotations = tmp_path / "a.json"
    write_json({"images": images, "annotations": entries, "categories": categories}, annotations)
    write_json(entries, tmp_path / "results.json")
    dataset = open_dataset(f"coco:{tmp_path}:{annotations}")
    found = read_results(tmp_path / "results.json", dataset, annotations=annotations)
    assert len(found) == 9
    for sample in dataset.samples:
        np.testing.assert_array_equal(found[sample.id], sample.true_mask())


def test_results_find_images_of_one_name_in_several_folders(tmp_path: Path) -> None:
    """COCO's images are known by number and whole name; `a/x.jpg` and `x.jpg` share their last part."""
    (tmp_path / "img/a").mkdir(parents=True)
    for name in ("a/x.jpg", "x.jpg"):
        Image.new("RGB", (80, 60), "grey").save(tmp_path / "img" / name)
    boxes = {1: [5, 5, 30, 5, 30, 30, 5, 30], 2: [40, 30, 75, 30, 75, 55, 40, 55]}
    images = [
        {"id": n, "file_name": name, "width": 80, "height": 60}
        for n, name in enumerate(("a/x.jpg", "x.jpg"), start=1)
    ]
    entries = [
        {"id": n, "image_id": n, "category_id": 1, "segmentation": [box], "iscrowd": 0, "score": 0.9}
        for n, box in boxes.items()
    ]
    content = {"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": entries}
    (tmp_path / "all.json").write_text(json.dumps(content))
    (tmp_path / "first.json").write_text(json.dumps({**content, "images": images[:1]}))
    (tmp_path / "results.json").write_text(json.dumps(entries))
    dataset = open_dataset(f"coco:{tmp_path / 'img'}:{tmp_path / 'all.json'}")
    for file, expected in (("all.json", 2), ("first.json", 1)):
        masks = read_results(tmp_path / "results.json", dataset, annotations=tmp_path / file)
        assert len(masks) == expected
        for id_, mask in masks.items():
            np.testing.assert_array_equal(mask, dataset.by_id(id_).true_mask())


def test_results_find_names_with_dots_in_our_own_true_masks(make_folder: MakeFolder, tmp_path: Path) -> None:
    """What another tool answers to our ground_truth.json: `file_name` is an id, `scene.1` has no ending."""
    root = make_folder({"cat": 3})
    table = (root / "table.csv").read_text()
    for number, name in enumerate(("scene", "scene.1", "scene.2")):
        (root / f"real/cat_{number}.png").rename(root / f"real/{name}.png")
        table = table.replace(f"real/cat_{number}.png", f"real/{name}.png")
    (root / "table.csv").write_text(table)
    dataset = open_dataset(str(root))
    write_json(ground_truth(dataset), tmp_path / "truth.json")
    answer = json.loads((tmp_path / "truth.json").read_text())["annotations"]
    (tmp_path / "answer.json").write_text(json.dumps([{**entry, "score": 1.0} for entry in answer]))
    masks = read_results(tmp_path / "answer.json", dataset, annotations=tmp_path / "truth.json")
    assert len(masks) == 3
    for id_, mask in masks.items():
        np.testing.assert_array_equal(mask, dataset.by_id(id_).true_mask())
