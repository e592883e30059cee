"""Every network that open_clip knows is read by some method, or the reason is said."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from cliploc.core.backbones.ahead import architectures
from cliploc.core.backbones.catalog import IMAGENET, PUBLISHED
from cliploc.core.backbones.known import Known, known_networks
from cliploc.core.backbones.licences import licences_of
from cliploc.core.cli import main
from cliploc.core.methods import METHODS
from cliploc.core.methods.registry import reading

GUIDE = Path(__file__).parents[3] / "docs" / "your-network.md"


@pytest.fixture(scope="module")
def networks() -> list[Known]:
    return list(known_networks())


def test_at_least_130_of_them_are_read(networks: list[Known]) -> None:
    assert len(networks) >= 144
    assert sum(bool(reading(each.kind)) for each in networks) >= 130


def test_transformers_are_read_by_six_methods_and_the_rest_has_its_reason(networks: list[Known]) -> None:
    for each in networks:
        assert (len(reading(each.kind)) >= 6) == each.kind.startswith("vit")
        assert bool(each.reason) or each.kind != "other"
        assert each.millions > 0
        assert (each.patch > 0) == each.kind.startswith("vit")


def test_the_guides_table_of_kinds_is_what_was_found(networks: list[Known]) -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| (\d*) \| (.*) \|$", GUIDE.read_text(encoding="utf-8"), re.M)
    counted = Counter(each.kind for each in networks)
    assert {kind: int(names) for kind, names, _ in rows if names} == counted
    for kind, _, methods in rows:
        named = set(re.findall(r"`([^`]+)`", methods))
        read = METHODS.keys() - named if methods.startswith("all") else named
        assert set(reading(kind)) == read, kind


def test_the_list(
    networks: list[Known], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cliploc.core.backbones.known.known_networks", lambda: iter(networks))
    assert main(["models", "list", "--all", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["ViT-B-16"]["kind"] == "vit"
    assert "textspan" in rows["ViT-B-16"]["methods"]
    assert rows["ViT-B-16-SigLIP"]["kind"] == "vit-pooled"
    assert rows["ViT-B-16-SigLIP"]["licence"] == "Apache-2.0"
    assert rows["swin_base_patch4_window7_224"]["methods"] == ""
    note = rows["swin_base_patch4_window7_224"]["note"]
    assert "SwinTransformer" in note
    nearest = rows[note.rpartition("nearest in size: ")[2]]
    assert nearest["methods"]
    assert 70 < nearest["M"] < 110  # the Swin has 88


def test_the_licence_of_all_published_weights_is_known() -> None:
    assert not [name for name in architectures() if "?" in licences_of(name)]
    assert licences_of("ViT-H-14-quickgelu") == ("Apple AMLR (research)", "CC-BY-NC-4.0", "MIT")
    for known in PUBLISHED:
        if known.backbone != IMAGENET:
            assert known.licence in licences_of(known.backbone)
