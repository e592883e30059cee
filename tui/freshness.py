"""Which state a score or a picture belongs to: equal keys, and it is that of the state that is shown."""

from __future__ import annotations

from functools import lru_cache

from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.tui.state import ExplorerState, Source

Key = tuple[object, ...]


@lru_cache(maxsize=64)
def scores_key(source: Source, config: PostProcess) -> Key:
    """Of the scores of a dataset; they hold all thresholds."""
    return (source, config.with_(threshold=THRESHOLDS[0]))


def sample_key(state: ExplorerState) -> Key:
    """Of the scores of the present sample."""
    return (state.sample, state.prompt, *scores_key(state.source, state.config))


def disputed_key(state: ExplorerState) -> Key:
    """Of an order by the disagreement between stored sets."""
    return (state.listing.sort, state.config.with_(threshold=THRESHOLDS[0]))


def ranking_key(state: ExplorerState) -> Key:
    """Of an order by similarity."""
    return (state.listing.sort, state.listing.like, state.listing.near, state.source)


def picture_key(name: str, state: ExplorerState) -> Key:
    """Of a picture, however it is looked at."""
    if name in ("image", "truth"):
        return (state.sample,)
    if name == "heatmap":
        return (state.sample, state.prompt, state.source, state.config.on_map)
    return (state.sample, state.prompt, state.source, state.config)
