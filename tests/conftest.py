"""What every test may ask for: a home of its own, the real dataset, a toy one."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # one of several processes: more threads only wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test depends on how fast the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

REPOSITORY = Path(__file__).resolve().parent.parent
COCOGLIDE = REPOSITORY.parent / "shared" / "data" / "cocoglide"


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking for garbage in it, again and again, takes seconds each time."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Python's end frees everything; libraries complain about what is left."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CLIPLOC_HOME: nothing a test does touches the user's folders, and no hub is asked."""
    folder = tmp_path / "home"
    monkeypatch.setenv("CLIPLOC_HOME", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder


@pytest.fixture
def cocoglide() -> Path:
    """The real dataset; tests that need it are skipped where it is not beside the repository."""
    if not COCOGLIDE.is_dir():
        pytest.skip("the real CocoGlide is not beside the repository (../shared/data/cocoglide)")
    return COCOGLIDE


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """A maker of tiny datasets in CocoGlide's layout: make_folder({"cat": 2}, size=(48, 64))."""
    return folder_maker(tmp_path)


def folder_maker(place: Path) -> Callable[..., Path]:
    """What `make_folder` is, for fixtures that live longer than a test."""

    def make(
        classes: dict[str, int] | None = None, size: tuple[int, int] = (48, 64), name: str = "toy"
    ) -> Path:
        root = place / name
        rng = np.random.default_rng(0)
        lines = ["real,fake,mask,prompt"]
        for label, count in (classes or {"cat": 2, "red car": 1}).items():
            for number in range(count):
                real, mask = f"real/{label}_{number}.png", f"mask/{label}_{number}_mask.png"
                write_picture(root / real, rng.integers(0, 256, (*size, 3), dtype=np.uint8))
                true_mask = np.zeros(size, np.uint8)
                true_mask[8 + number : 30, 10 : 40 + number] = 255
                write_picture(root / mask, true_mask)
                lines.append(f"{real},fake/none.png,{mask},{label}")
        (root / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return root

    return make


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a tiny CLIP ViT with weights in a folder: real forward passes in milliseconds."""
    from safetensors.torch import save_file

    from cliploc.core.backbones.load import load_backbone

    config = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 32},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    place = tmp_path_factory.mktemp("tiny")
    (place / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    made = load_backbone(f"local-dir:{place}", "random:3", device="cpu")
    save_file(made.model.state_dict(), place / "open_clip_model.safetensors")
    return f"local-dir:{place}"


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Write a PNG, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
