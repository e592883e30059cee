"""Named presets of the post-processing, in presets.toml; a person may edit them there."""

from __future__ import annotations

import json
import re

from cliploc.core import paths
from cliploc.core.errors import ClipLocError, ParameterError, clean
from cliploc.core.postprocess import PostProcess
from cliploc.tui import toml

# The poster's operating range, and the map as it is.
BUILT_IN = {
    "raw": PostProcess(order="none"),
    "closing 41": PostProcess(dilate=41, erode=41),
    "closing 61": PostProcess(dilate=61, erode=61),
}


def load() -> dict[str, PostProcess]:
    """Built-in and saved presets by name. ParameterError, naming file and preset, for a broken one."""
    path = paths.config_dir() / "presets.toml"
    presets = dict(BUILT_IN)
    for name, values in toml.table(path).items():
        try:
            presets[name] = PostProcess.from_dict(values)
        except (ClipLocError, TypeError, AttributeError) as error:
            raise ParameterError(f"{path}, preset {clean(name)!r}: {clean(error)}") from error
    return presets


def save(name: str, config: PostProcess) -> None:
    """Add or replace a preset. ParameterError for an unusable name, StoreError when it cannot be written."""
    if not re.fullmatch(r"[\w .+-]{1,40}", name):
        raise ParameterError(f"preset name {clean(name)!r}: expected letters, digits, spaces, dots or dashes")
    presets = {key: value for key, value in load().items() if key not in BUILT_IN} | {name: config}
    lines = []
    for key, value in presets.items():
        lines.append(f"[{json.dumps(key, ensure_ascii=False)}]")
        lines += [f"{field} = {json.dumps(entry)}" for field, entry in value.to_dict().items()]
        lines.append("")
    paths.write_whole(paths.config_dir() / "presets.toml", "\n".join(lines).encode())


def described(config: PostProcess) -> str:
    """A config in a few words."""
    return (
        f"{config.interpolation}, {config.order}, dilate {config.dilate}, erode {config.erode}, "
        f"threshold {config.threshold:.3f}"
    )
