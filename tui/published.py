"""The explorer's method as its authors run it: going there and back, and whether it is in force."""

from __future__ import annotations

from dataclasses import replace

from cliploc.core.postprocess import PostProcess, published_config
from cliploc.tui.state import ExplorerState, Source


def is_published(state: ExplorerState) -> bool:
    """Whether recipe and post-processing are the authors', at whatever threshold."""
    return not state.source.stored and _of(state) == _of(theirs(state))


def switched(state: ExplorerState, template: str) -> ExplorerState:
    """From ours to theirs and back, on the same network. template: ours, "" for the usual."""
    return ours(state, template) if is_published(state) else theirs(state)


def theirs(state: ExplorerState) -> ExplorerState:
    """With all that the method's authors do."""
    recipe = state.source.recipe.network_alone().as_published().completed("")
    config = published_config(recipe.spec.published.stretch)
    return _with(state, Source(recipe), config)


def ours(state: ExplorerState, template: str) -> ExplorerState:
    """With our defaults."""
    recipe = replace(state.source.recipe.network_alone(), template=template).completed("")
    return _with(state, Source(recipe), PostProcess())


def _with(state: ExplorerState, source: Source, config: PostProcess) -> ExplorerState:
    return state.with_(source=source, config=config.with_(threshold=state.config.threshold))


def _of(state: ExplorerState) -> tuple[Source, PostProcess]:
    return state.source, state.config.with_(threshold=0.0)
