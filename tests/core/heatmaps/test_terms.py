"""Kept terms: any choice of heads gives the method's own heatmap, without a network."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cliploc.core.cli import main
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.errors import StoreError
from cliploc.core.heatmaps import server as module
from cliploc.core.heatmaps import terms as module_of_terms
from cliploc.core.heatmaps.forward import heatmaps_of, joined, load, terms_of
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.protocol import Event, Failed, Ready, Request, TermsComputed, decoded, encoded
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.server import Server
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.heatmaps.terms import TermSet, all_heads, every, found, heatmap_of
from cliploc.core.methods.head_switches import kept
from cliploc.core.paths import cache_dir

CHOICES: tuple[dict[str, int | str], ...] = (
    {},
    {"off": "1.0"},
    {"off": "0.*"},
    {"layer": 1},
    {"layer": 1, "head": 0},
    {"head": 1, "off": "0.1"},
    {"off": "0.*,1.*"},
)


@pytest.fixture
def spans(tiny_backbone: str) -> Recipe:
    return Recipe("textspan", tiny_backbone).completed("toy")


def ask(request: Request) -> list[Event]:
    events: list[Event] = []
    Server("cpu", lambda event: events.append(decoded(encoded(event)))).answer(request)  # type: ignore[arg-type]
    return events


@pytest.mark.parametrize("contrast", ["labels", "none", "redundant"])
def test_every_choice_gives_the_methods_own_heatmap(spans: Recipe, toy: Dataset, contrast: str) -> None:
    spans = spans.setting(contrast=contrast)
    backbone, samples = load(spans, "cpu"), toy.samples[:3]
    terms = terms_of(joined([spans], toy, backbone), samples)
    assert terms.shape == (3, 2, 2, 4, 4)
    for choice in CHOICES:
        job = joined([spans.setting(**choice)], toy, backbone)
        own = heatmaps_of(job, samples, job.prompts(samples))
        for each, heatmap in zip(terms, own, strict=True):
            summed = heatmap_of(each, kept(2, 2, **choice))  # type: ignore[arg-type]
            assert summed.dtype == np.float32
            np.testing.assert_allclose(summed, heatmap, atol=1e-6, rtol=0)


def test_on_the_demo_network_too() -> None:
    dataset, spans = open_dataset("demo"), Recipe("textspan").completed("demo")
    backbone, samples = load(spans, "cpu"), dataset.samples[::30]
    terms = terms_of(joined([spans], dataset, backbone), samples)
    for choice in ({}, {"off": "5.0,5.2,3.*"}, {"layer": 4, "off": "4.1"}, {"layer": 5, "head": 3}):
        job = joined([spans.setting(**choice)], dataset, backbone)
        own = heatmaps_of(job, samples, job.prompts(samples))
        summed = [heatmap_of(each, kept(*terms.shape[1:3], **choice)) for each in terms]  # type: ignore[arg-type]
        np.testing.assert_allclose(summed, own, atol=1e-6, rtol=0)


def test_the_worker_keeps_terms_once(spans: Recipe, toy: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tuple(sample.id for sample in toy.samples)
    *_, ready, computed = ask(Request(toy.spec, spans, ids[:2], terms=True))
    assert isinstance(ready, Ready)
    assert computed == TermsComputed(spans, ready.identity.key, ids[:2])
    terms = found(spans, toy.pictures)
    assert terms is not None
    assert terms.identity == ready.identity
    assert terms.present(ids) == list(ids[:2])
    assert terms.read(ids[2]) is None
    assert HeatmapStore().sets() == []
    ask(Request(toy.spec, spans, ids[2:], terms=True))
    monkeypatch.setattr(module, "terms_of", None)
    assert isinstance(ask(Request(toy.spec, spans, ids, terms=True))[-1], TermsComputed)
    assert terms.present(ids) == list(ids)


def test_another_method_has_no_terms(tiny_backbone: str, toy: Dataset) -> None:
    failed = ask(Request(toy.spec, Recipe("gem", tiny_backbone), (toy.samples[0].id,), terms=True))[-1]
    assert isinstance(failed, Failed)
    assert "textspan" in failed.message


def test_a_choice_belongs_to_the_terms_of_all_heads(spans: Recipe) -> None:
    assert all_heads(spans.setting(layer=1, head=0, off="0.1")) == spans


def test_terms_of_another_recipe_or_dataset_are_not_found(spans: Recipe, toy: Dataset) -> None:
    identity = Identity(
        toy.pictures, "textspan", spans.parameters, spans.backbone, template=spans.template, version=2
    )
    assert found(spans, toy.pictures) is None
    TermSet(identity).write({"a": np.ones((1, 1, 2, 2), np.float32)})
    assert found(spans, toy.pictures) is not None
    assert found(spans, "other") is None
    assert found(spans.setting(contrast="none"), toy.pictures) is None


@given(arrays(np.float32, (2, 3, 4, 4), elements=st.floats(-1e6, 1e6, width=32)))
@settings(deadline=None)
def test_half_precision_is_that_of_each_head(values: np.ndarray) -> None:
    with TemporaryDirectory() as folder:
        terms = TermSet(Identity("f" * 64, "textspan"))
        terms.folder = Path(folder)
        terms.write({"a": values})
        most = np.abs(values).max(axis=(2, 3), keepdims=True)
        assert (np.abs(terms.read("a") - values) <= most / 2000 + 1e-30).all()


def test_many_samples_are_few_files(toy: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_of_terms, "SHARD_BYTES", 2000)
    terms, values = TermSet(Identity(toy.pictures, "textspan")), {}
    for number in range(20):
        values[f"s{number}"] = np.full((2, 3, 4, 4), number, np.float32)
        terms.write({f"s{number}": values[f"s{number}"]})
    assert sorted(file.name for file in terms.folder.glob("*.f16")) == ["shard-0000.f16", "shard-0001.f16"]
    assert terms.count == 20
    assert terms.present(values) == list(values)
    assert all((terms.read(id_) == each).all() for id_, each in values.items())
    assert (TermSet(terms.identity).read("s7") == 7).all()


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_what_was_killed_while_writing_is_not_there(toy: Dataset, cut: int) -> None:
    terms = TermSet(Identity(toy.pictures, "textspan"))
    terms.write({"a": np.ones((1, 1, 2, 2), np.float32)})
    index = terms.folder / "index.jsonl"
    index.write_bytes(index.read_bytes()[: -1 - cut])
    assert TermSet(terms.identity).present(["a"]) == []
    assert terms.read("a") is None
    terms.write({"b": np.full((1, 1, 2, 2), 2, np.float32)})
    terms.write({"a": np.full((1, 1, 2, 2), 3, np.float32)})
    assert terms.present(["a", "b"]) == ["a", "b"]
    assert (terms.read("b") == 2).all()
    assert (terms.read("a") == 3).all()


def test_terms_that_somebody_removed_and_wrote_again_are_read(toy: Dataset) -> None:
    terms, other = (TermSet(Identity(toy.pictures, "textspan")) for _ in range(2))
    for id_ in "abc":
        terms.write({id_: np.full((1, 1, 2, 2), 1, np.float32)})
    assert (terms.read("a") == 1).all()
    other.remove()
    for number, id_ in enumerate("xyzcba"):
        other.write({id_: np.full((1, 1, 2, 2), number, np.float32)})
    assert (terms.read("a") == 5).all()
    assert terms.present("abcxyz") == list("abcxyz")


def old_file(terms: TermSet, id_: str) -> Path:
    """Where releases before kept a sample's terms."""
    return terms.folder / f"{hashlib.sha256(id_.encode()).hexdigest()[:32]}.npy"


def test_terms_that_an_earlier_release_kept_are_read_and_gone_on_with(toy: Dataset) -> None:
    terms = TermSet(Identity(toy.pictures, "textspan"))
    terms.write({"b": np.full((1, 1, 2, 2), 2, np.float32)})
    np.save(old_file(terms, "a"), np.full((1, 1, 2, 2), 0.1, np.float32))
    assert terms.present(["a", "b", "c"]) == ["a", "b"]
    assert (terms.read("a") == np.float32(0.1)).all()
    assert terms.count == 2


def test_removing_a_set_removes_its_terms(toy: Dataset) -> None:
    made = HeatmapStore().open(Identity(toy.pictures, "textspan"))
    made.write({"a": np.zeros((2, 2), np.float32)})
    TermSet(made.identity).write({"a": np.ones((1, 1, 2, 2), np.float32)})
    assert main(["heatmaps", "remove", made.name]) == 0
    assert not TermSet(made.identity).folder.exists()
    TermSet(made.identity).remove()


def test_terms_without_a_set_are_listed_shown_and_removed(
    toy: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = TermSet(Identity(toy.pictures, "textspan"))
    alone.write({id_: np.ones((1, 1, 2, 2), np.float32) for id_ in ("a", "b")})
    assert main(["heatmaps", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["key"], row["samples"], row["grid"], row["terms"]) == (alone.key, 0, "", 2)
    assert main(["heatmaps", "show", alone.key, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["samples"], shown["terms"], shown["terms_folder"]) == (0, 2, str(alone.folder))
    assert main(["heatmaps", "remove", alone.key]) == 0
    assert not alone.folder.exists()
    assert every() == []


@pytest.mark.parametrize("content", [b"", b"not an array"])
def test_a_damaged_file_is_told(content: bytes) -> None:
    terms = TermSet(Identity("f" * 64, "textspan"))
    terms.write({"a/../b \x1b": np.ones((1, 1, 2, 2), np.float32)})
    (file,) = terms.folder.glob("*.f16")
    file.write_bytes(content)
    old_file(terms, "old").write_bytes(content)
    for id_ in ("a/../b \x1b", "old"):
        with pytest.raises(StoreError, match="is damaged"):
            terms.read(id_)


@pytest.mark.parametrize(
    "line",
    [
        "", "[]", "{}", "7", "[" * 100_000,
        '{"id": 7, "shard": 0, "at": 0, "crc32": 0, "shape": [1, 1, 2, 2]}',
        '{"id": "b", "shard": "../x", "at": 0, "crc32": 0, "shape": [1, 1, 2, 2]}',
        '{"id": "b", "shard": 0, "at": -1, "crc32": 0, "shape": [1, 1, 2, 2]}',
        '{"id": "b", "shard": 0, "at": 0, "crc32": 0, "shape": [99999, 99999, 99999, 9]}',
        '{"id": "b", "shard": 0, "at": 0, "crc32": 0, "shape": 4}',
    ],
)  # fmt: skip
def test_a_line_that_is_none_is_passed_over(line: str) -> None:
    terms = TermSet(Identity("f" * 64, "textspan"))
    terms.write({"a": np.ones((1, 1, 2, 2), np.float32)})
    with open(terms.folder / "index.jsonl", "a") as index:
        index.write(f"{line}\n")
    assert terms.present(["a", "b"]) == ["a"]
    assert (terms.read("a") == 1).all()


def test_a_choice_of_heads_is_the_sum_of_their_terms() -> None:
    terms = np.ones((2, 1, 2, 2), np.float32)
    assert (heatmap_of(terms, ((True,), (True,))) == 2).all()
    assert not heatmap_of(terms, ((False,), (False,))).any()


def test_reading_terms_costs_no_torch(home: Path) -> None:
    code = "import sys, cliploc.core.heatmaps.terms; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert cache_dir().is_relative_to(home)
