"""The sweep: every config of a grid, exact at every threshold, in a process that nothing can lose.

`core.sweep(...)` runs one. The package is itself that function, because the
import system binds its name in `core` to the package.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.sweep.grid import Grid
    from core.sweep.ledger import RunRow


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

    Returns the run's row; `core.sweep.ledger.Ledger` reads the scores. detached:
    return at once and leave the work to a process of its own. Errors: ClipLocError.

    >>> import core
    >>> from core.heatmaps.extract import compute
    >>> from core.heatmaps.recipe import Recipe
    >>> from core.heatmaps.store import HeatmapStore
    >>> from core.sweep.grid import Grid
    >>> demo = core.open_dataset("demo")
    >>> (heatmaps,) = compute([Recipe("gem")], demo, HeatmapStore(), device="cpu")
    >>> grid = Grid(("bilinear",), dilates=(1, 21), erodes=(1, 21))
    >>> run = core.sweep(heatmaps.name, grid, executor="threads", workers=1)
    >>> run.state, run.cells, run.best.images
    ('done', 400, 120)
    >>> 0.5 < run.best.mean_iou < 1  # foreground, per image, then mean; tuned on these images
    True
    """
    from core.sweep.grid import Grid
    from core.sweep.ledger import Ledger
    from core.sweep.planning import planned
    from core.sweep.process import detach, foreground

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


class _Callable(ModuleType):
    __call__ = staticmethod(sweep)


sys.modules[__name__].__class__ = _Callable
