"""Head outputs and their text bases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from cliploc.core.backbones.network import Backbone
from cliploc.core.cli import main
from cliploc.core.errors import ParameterError, StoreError
from cliploc.core.methods import bank, descriptions
from cliploc.core.methods.heads import contributions, text_basis
from tests.core.methods import published
from tests.core.methods.conftest import images, texts


@torch.no_grad()
def test_contributions_are_the_decomposition_summed_over_tokens(vit: Backbone) -> None:
    pictures = images(2, 32)
    found = contributions(vit, pictures, layers=3)
    assert found.shape == (2, 3, 4, 24)
    for picture, heads in zip(pictures, found, strict=True):
        full, _ = published.decomposition(vit.model, picture)
        torch.testing.assert_close(heads, full.sum(1)[1:], atol=1e-5, rtol=0)


def slow_basis(outputs: torch.Tensor, rows: torch.Tensor, count: int, rank: int) -> list[int]:
    """The published greedy choice, one text at a time, in the full space."""
    cloud, pool = outputs.double(), rows.double()
    _, _, right = torch.linalg.svd(cloud, full_matrices=False)
    pool = pool @ right[:rank].T @ right[:rank]
    cloud = cloud - cloud.mean(0)
    chosen = []
    for _ in range(count):
        spreads = [float((cloud @ row).std()) for row in pool]
        best = spreads.index(max(spreads))
        chosen.append(best)
        direction = pool[best] / pool[best].norm()
        cloud = torch.stack([point - (point @ direction) * direction for point in cloud])
        pool = torch.stack([row - (row @ direction) * direction for row in pool])
    return chosen


def test_the_basis_is_the_published_greedy_choice() -> None:
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(40, 24, generator=generator) * torch.linspace(0.1, 3, 24)
    rows = texts(60)
    found = text_basis(outputs, rows, 6, rank=15)
    assert list(found.texts) == slow_basis(outputs, rows, 6, rank=15)
    assert all(share > 0 for share in found.shares)
    assert sum(found.shares) < 1


def test_a_planted_direction_is_found_first_and_explains_its_share() -> None:
    rows = texts(30)
    generator = torch.Generator().manual_seed(1)
    strength = torch.randn(200, 1, generator=generator)
    outputs = strength * rows[17] + 0.01 * torch.randn(200, 24, generator=generator)
    found = text_basis(outputs, rows, 3)
    assert found.texts[0] == 17
    assert found.shares[0] > 0.97


def test_a_head_that_writes_nothing_gets_a_finite_answer() -> None:
    found = text_basis(torch.zeros(10, 24), texts(5), 3)
    assert found.texts == ()


def test_our_bank_is_large_and_as_the_vocabulary_says() -> None:
    lines = bank.read_bank()
    assert lines == bank.written()
    assert len(lines) >= 1500
    assert len(set(lines)) == len(lines)
    assert not any("{" in line or "}" in line for line in lines)


def test_a_bank_of_the_users_own(tmp_path: Path) -> None:
    own = tmp_path / "bank.txt"
    own.write_text("\ufeffa dog\n\n a cat \na dog\n", encoding="utf-8")
    assert bank.read_bank(own) == ["a dog", "a cat"]
    own.write_text("one line\n")
    with pytest.raises(ParameterError, match="holds 1 texts"):
        bank.read_bank(own)
    with pytest.raises(ParameterError, match="cannot read the text bank"):
        bank.read_bank(tmp_path / "absent.txt")


def test_heads_command_prints_and_keeps_the_descriptions(
    vit: Backbone,
    make_folder: Callable[..., Path],
    tmp_path: Path,
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = tmp_path / "bank.txt"
    own.write_text("a cat\na red car\nsomething else\n")
    output = tmp_path / "heads.json"
    command = ["heads", "--dataset", str(make_folder()), "--backbone", vit.name, "--checkpoint", "random:0"]
    command += ["--bank", str(own), "--layers", "2", "--texts", "2", "--device", "cpu", "--batch", "2"]
    assert main([*command, "--output", str(output), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["layer"], row["head"]) for row in rows} == {(n, m) for n in (2, 3) for m in range(4)}
    assert {row["text"] for row in rows} <= {"a cat", "a red car", "something else"}
    kept = list((home / "cache" / "heads").glob("*.json"))
    assert [descriptions.load(path) for path in kept] == [descriptions.load(output)]
    assert len(descriptions.load(output)) == 8


def test_kept_descriptions_that_are_broken_are_told(tmp_path: Path) -> None:
    broken = tmp_path / "x.json"
    assert descriptions.load(broken) == []
    broken.write_text("[{}]")
    with pytest.raises(StoreError, match="cliploc heads"):
        descriptions.load(broken)
