"""The sweep: every config of a grid, exact at every threshold, in a process that nothing can lose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cliploc.core.sweep.grid import Grid
    from cliploc.core.sweep.rows import RunRow


def sweep(
    heatmaps: str | Sequence[str],
    grid: Grid | None = None,
    *,
    dataset: str | None = None,
    executor: str = "local",
    workers: int | None = None,
    keep: str = "auto",
    engine: str = "auto",
    seed: int = 0,
    detached: bool = False,
) -> RunRow:
    """Run a grid (by default the poster's, 768 configs) over heatmap sets of the store.

    Returns the run's row; `cliploc.core.sweep.ledger.Ledger` reads the scores. detached:
    return at once and leave the work to a process of its own. Errors: ClipLocError.

    >>> import cliploc
    >>> from cliploc.core.heatmaps.extract import compute
    >>> from cliploc.core.heatmaps.recipe import Recipe
    >>> from cliploc.core.heatmaps.store import HeatmapStore
    >>> from cliploc.core.sweep.grid import Grid
    >>> demo = cliploc.open_dataset("demo")
    >>> (heatmaps,) = compute([Recipe("gem")], demo, HeatmapStore(), device="cpu")
    >>> grid = Grid(("bilinear",), dilates=(1, 21), erodes=(1, 21))
    >>> run = cliploc.sweep(heatmaps.name, grid, executor="threads", workers=1)
    >>> run.state, run.cells, run.best.images
    ('done', 400, 120)
    >>> 0.5 < run.best.mean_iou < 1  # foreground, per image, then mean; tuned on these images
    True
    """
    from cliploc.core.sweep.grid import Grid
    from cliploc.core.sweep.ledger import Ledger
    from cliploc.core.sweep.planning import planned
    from cliploc.core.sweep.process import detach, foreground

    names = [heatmaps] if isinstance(heatmaps, str) else list(heatmaps)
    plan = planned(
        names,
        grid or Grid(),
        dataset=dataset,
        keep=keep,
        engine=engine,
        executor=executor,
        workers=workers,
        seed=seed,
    )
    ledger = Ledger()
    run = ledger.create(plan)
    if detached:
        detach(ledger, run)
    else:
        foreground(ledger, run)
    return ledger.run(run)
