"""What a network makes of whole pictures: kept once, compared with words and with each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.datasets import open_dataset
from cliploc.core.errors import StoreError
from cliploc.core.heatmaps.embeddings import EmbeddingSet, found, similarities
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.protocol import Embedded, Event, Request, decoded, encoded
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.server import Server

ROWS = {"a": np.array([1, 0], np.float32), "b": np.array([0.6, 0.8], np.float32)}


def test_rows_are_kept_and_damage_is_named() -> None:
    kept = EmbeddingSet(Identity(pictures="p", method="picture", backbone="net"))
    assert kept.present(ROWS) == []
    kept.write(ROWS)
    assert {id_: row.tolist() for id_, row in kept.read(["a", "b", "c"]).items()} == {
        id_: row.tolist() for id_, row in ROWS.items()
    }
    next(kept.folder.glob("*.npy")).write_bytes(b"nothing")
    with pytest.raises(StoreError, match="damaged"):
        kept.read(["a", "b"])


def test_similarity_is_the_cosine() -> None:
    assert similarities(ROWS, ROWS["a"]) == {"a": 1.0, "b": pytest.approx(0.6)}
    assert similarities({}, ROWS["a"]) == {}


def test_a_message_travels() -> None:
    event = Embedded(Recipe("gem"), "key", ("a",), "a car", ROWS["b"])
    back = decoded(encoded(event))
    assert isinstance(back, Embedded)
    assert back.row is not None
    assert back.row.tolist() == ROWS["b"].tolist()
    assert decoded(encoded(Embedded(Recipe("gem"), "key", ("a",)))) == Embedded(Recipe("gem"), "key", ("a",))


def test_the_worker_answers_with_unit_rows(make_folder: Callable[..., Path], tiny_backbone: str) -> None:
    dataset = open_dataset(str(make_folder()))
    events: list[Event] = []
    recipe = Recipe("gem", backbone=tiny_backbone).completed(dataset.name)
    ids = tuple(sample.id for sample in dataset.samples)
    server = Server("cpu", events.append)
    assert server.answer(Request(dataset.spec, recipe, ids, prompt="a red car", embed=True))
    (told,) = [event for event in events if isinstance(event, Embedded)]
    kept = found(recipe, dataset.pictures)
    assert kept is not None
    rows = kept.read(ids)
    assert list(rows) == list(ids)
    assert told.row is not None
    for row in (*rows.values(), told.row):
        assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)
    # As open_clip itself has them.
    from cliploc.core.backbones.load import load_backbone

    backbone = load_backbone(tiny_backbone, device="cpu")
    sample = dataset.samples[0]
    own = backbone.model.encode_image(backbone.preprocess([sample.image()]), normalize=True)
    assert np.allclose(own.detach().numpy()[0], rows[sample.id], atol=1e-5)
