"""`cliploc models`: the networks' weights, what is here of them, and getting the rest."""

from __future__ import annotations

import argparse
from pathlib import Path

from cliploc.core.backbones import hub
from cliploc.core.backbones.ahead import architectures
from cliploc.core.backbones.catalog import DEMO, demo_folder, told_of
from cliploc.core.backbones.fetch import fetch, published_and_cached, remote
from cliploc.core.backbones.licences import licences_of
from cliploc.core.commands.options import add_actions, add_json_argument, add_told_arguments
from cliploc.core.commands.output import print_lines, print_table, say
from cliploc.core.commands.progress import progress
from cliploc.core.errors import CheckpointError
from cliploc.core.methods.registry import reading


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """models list|fetch|check"""
    actions = {
        "list": (_list, "weights that the methods use, and which are here"),
        "fetch": (_fetch, "download weights into the Hugging Face cache, with resume"),
        "check": (_check, "read weights whole, compare digests, load them"),
    }
    made = add_actions(parser, actions)
    made["fetch"].add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="BACKBONE:TAG (ViT-B-16:openai), hf-hub:ORG/REPO, or a method for its usual weights (gem)",
    )
    made["check"].add_argument(
        "names", nargs="*", metavar="NAME",
        help="as for fetch, or BACKBONE:FILE, demo-vit, local-dir:PATH[:FILE] (default: all that are here)",
    )  # fmt: skip
    add_told_arguments(made["check"])
    made["list"].add_argument(
        "--all", action="store_true", help="every network that open_clip knows: what it is, and what reads it"
    )
    add_json_argument(made["list"], made["check"])


def _list(arguments: argparse.Namespace) -> None:
    if arguments.all:
        _list_all(arguments.json)
        return
    rows: list[dict[str, object]] = []
    for name, kind in DEMO.items():
        folder = demo_folder(name)
        weights = None if folder is None else folder / "open_clip_model.safetensors"
        if weights is not None and weights.is_file():
            rows.append(
                _row(name, ", ".join(reading(kind)), "MIT", weights.stat().st_size / 1e6, weights, None)
            )
    for known, path in published_and_cached():
        size = path.stat().st_size / 1e6 if path else known.megabytes
        digest = hub.known_digest(path) if path else None
        rows.append(_row(known.name, ", ".join(known.methods), known.licence, size, path, digest))
    print_table(rows, as_json=arguments.json, caption="sizes of what is not here are approximate")


def _list_all(as_json: bool) -> None:
    from cliploc.core.backbones.known import known_networks, with_nearest  # torch and open_clip: seconds

    networks = []
    with progress() as show:
        for known in known_networks():
            networks.append(known)
            show("networks", len(networks), len(architectures()))
    rows: list[dict[str, object]] = [
        {
            "name": known.name,
            "kind": known.kind,
            "trunk": known.trunk,
            "M": known.millions,
            "patch": known.patch or "",
            "size": known.size,
            "licence": ", ".join(licences_of(known.name)),
            "methods": ", ".join(reading(known.kind)),
            "note": known.reason,
        }
        for known in with_nearest(networks)
    ]
    read = sum(bool(row["methods"]) for row in rows)
    caption = (
        f"M: million weights of the image side; licence: of the published weights, as their cards say; "
        f"{read} of {len(rows)} are read by some method"
    )
    print_table(rows, as_json=as_json, caption=caption)


def _row(
    name: str, methods: str, licence: str, megabytes: float, path: Path | None, digest: str | None
) -> dict[str, object]:
    return {
        "name": name,
        "methods": methods,
        "licence": licence,
        "MB": round(megabytes),
        "here": "yes" if path else "no",
        "digest": (digest or "")[:16],
        "path": str(path or ""),
    }


def _fetch(arguments: argparse.Namespace) -> None:
    wanted = [remote(name) for name in arguments.names]
    for each in wanted:
        say(f"{each.name}: from {each.repository}")
        with progress("bytes") as report:
            found = fetch(each, report)
        print_lines([str(found)])


def _check(arguments: argparse.Namespace) -> int:
    names = arguments.names or [known.name for known, path in published_and_cached() if path]
    if not names:
        say("none of the usual weights are here; cliploc models fetch gem downloads the first")
    rows = [_checked(name, arguments.quickgelu, arguments.preprocess) for name in names]
    if rows:
        print_table(rows, as_json=arguments.json)
    return int(any(row["state"] != "sound" for row in rows))


def _checked(name: str, quickgelu: str, preprocess: str) -> dict[str, object]:
    """Load the weights named; a downloaded file's content must have the digest it is stored under."""
    from cliploc.core.backbones.load import load_backbone
    from cliploc.core.backbones.weights import non_finite

    try:
        downloaded = _downloaded(name)
        stored = hub.known_digest(downloaded) if downloaded else None
        if downloaded and stored and hub.sha256_of(downloaded) != stored:
            raise CheckpointError(f"{downloaded} is not what was published: delete it and fetch it again")
        loaded = load_backbone(*_network(name), device="cpu", quickgelu=quickgelu, preprocess=preprocess)
        broken = non_finite(loaded.model)
        if broken:
            raise CheckpointError(
                f"NaN or infinity in {len(broken)} tensors, such as {broken[0]}: "
                "these weights compute nothing; take an earlier checkpoint, or fetch them again"
            )
    except CheckpointError as error:
        return {
            "name": name,
            "state": "broken",
            "kind": "",
            "digest": "",
            "assumed": "",
            "problem": str(error),
        }
    return {
        "name": name, "state": "sound", "kind": loaded.kind, "digest": loaded.digest,
        "assumed": loaded.assumed, "problem": "",
    }  # fmt: skip


def _network(name: str) -> tuple[str, str | None]:
    """The backbone and the checkpoint that a name means."""
    scheme = next((each for each in ("local-dir:", "hf-hub:") if name.startswith(each)), "")
    known = scheme or name.startswith("demo-") or ":" in name
    backbone, _, checkpoint = (name if known else remote(name).name).removeprefix(scheme).partition(":")
    return scheme + backbone, checkpoint or None


def _downloaded(name: str) -> Path | None:
    """The cached file of published weights; None for a file or folder of the user's."""
    _, _, checkpoint = name.partition(":")
    checkpoint, _, _ = told_of(checkpoint)
    if (
        name.startswith(("local-dir:", "demo-"))
        or checkpoint.startswith("random:")
        or Path(checkpoint).is_file()
    ):
        return None
    return remote(name).cached()
