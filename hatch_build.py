"""What a build does beside what pyproject.toml says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


class Links(BuildHookInterface):
    """The two links in src/cliploc (CONTRIBUTING, "The house"): an sdist comes without them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make them where an editable install needs them and they are not there."""
        for name in ("core", "tui") if version == "editable" else ():
            link = Path(self.root, "src", "cliploc", name)
            if not link.exists():
                link.symlink_to(Path("..", "..", name))


class Description(MetadataHookInterface):
    """The README as a package's description, where its pictures and pages are not beside it."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Pictures become their captions, links to files their words."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        text = re.sub(r"!\[([^\]]*)\]\((?!https?:)[^)]*\)", r"*(\1)*", text)
        text = re.sub(r"\[([^\]]*)\]\((?!https?:|#)[^)]*\)", r"\1", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
