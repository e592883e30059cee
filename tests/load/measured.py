"""One dataset, measured in a process of its own: `python -m tests.load.measured SPEC PART`; prints JSON.

CPU seconds of the process are taken, which other work on the machine does not change much. PART:
`open`, `import` (heatmaps for it), `screen` (what its event loop does when somebody types), `lists` (what is
done for that elsewhere) or `studio` (what scores when somebody turns a knob).
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cliploc.core import paths
from cliploc.core.datasets import open_dataset
from cliploc.core.postprocess import PostProcess
from cliploc.tui.browsing import stepped
from cliploc.tui.state import ExplorerState, Listing, Source

FIRST, NEXT = PostProcess(), PostProcess(dilate=9)
LISTINGS = {
    "threshold's list": Listing(),
    "filter": Listing(text="class 1"),
    "by IoU": Listing(sort="IoU"),
    "failures": Listing(facet="failures"),
}
EXACT_UP_TO = 15_000  # samples; beyond, a key's exact scores take minutes
# Answers to the first key that are waited for, where the exact ones take long.
LOOKED_AT = 4
REPEATS = 5


def cpu(work: Callable[[], object], repeats: int = 1) -> float:
    """CPU seconds of the process, the least of some repeats."""
    found = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)


def memory() -> float:
    """Megabytes of this process in memory now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    return 0.0


def opened(spec: str) -> dict[str, object]:
    """Opening it, as every process does."""
    started, before = time.process_time(), memory()
    dataset = open_dataset(spec)
    return {
        "samples": len(dataset.samples),
        "open CPU s": time.process_time() - started,
        "open MB": memory() - before,
    }


def screen(spec: str) -> dict[str, object]:
    """What the event loop does with what the studio lists. Without numpy, as there."""
    from cliploc.tui.shown_scores import ShownScores
    from cliploc.tui.widgets.sample_list import SampleList

    dataset = open_dataset(spec)
    here = dataset.ids[len(dataset.ids) // 2]
    samples = SampleList(ShownScores(dataset, ExplorerState(here, Source(stored="load"))))
    # From a process of its own: this one must not hold numpy.
    command = [sys.executable, "-m", "tests.load.measured", spec, "lists"]
    done = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    answers = {name: pickle.loads(bytes.fromhex(text)) for name, text in done.pop("answers").items()}

    def refresh(name: str) -> None:
        samples.take(answers[name])
        rows = samples.rows()
        top = rows.line_of(samples.here)
        rows[top : top + 60]

    lines = {f"{name} ms": 1000 * cpu(partial(refresh, name), REPEATS) for name in answers}
    step = 1000 * cpu(lambda: stepped(samples.order, samples.here, "next", 0), REPEATS)
    return {"walk ms": step, **lines, **done, "screen MB": memory()}


def lists(spec: str) -> dict[str, object]:
    """What the studio does when somebody filters and sorts, and the bytes of its answers."""
    import numpy as np

    from cliploc.tui.studio.lister import Facts, Lister

    dataset = open_dataset(spec)
    count = len(dataset.ids)
    said: list[bytes] = []
    lister = Lister(dataset, lambda answer: said.append(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)))
    iou = np.arange(count) * 7919 % count / count
    lister.scores = Facts(Source(stored="load"), FIRST, iou, iou, iou, iou)
    answers, figures = {}, {}
    for name, listing in LISTINGS.items():
        lister.listing = listing
        lister.tell()  # what a filter looks in is made once
        figures[f"{name} in the studio ms"] = 1000 * cpu(lister.tell, REPEATS)
        answers[name] = said[-1].hex()
    return {"answers": answers, **figures}


def studio(spec: str) -> dict[str, object]:
    """A key's scores, from the question to the answer's bytes."""
    from cliploc.core.sweep.truths import Truths
    from cliploc.tui.answers import ScoresReady
    from cliploc.tui.studio.heatmaps import Heatmaps
    from cliploc.tui.studio.scorer import Scorer

    dataset = open_dataset(spec)
    said: list[tuple[float, bytes]] = []

    def post(answer: object) -> None:
        if isinstance(answer, ScoresReady):
            content = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
            said.append((time.process_time(), content))

    def know(facts: object) -> None:
        """What is told to the list."""

    scorer = Scorer(dataset, Heatmaps(dataset, post, "cpu"), Truths(), post, know)

    def key(config: PostProcess, answers: int) -> list[float]:
        """Somebody who goes on after so many answers."""
        said.clear()
        started = time.process_time()
        scorer.score(Source(stored="load"), config, lambda: len(said) >= answers)
        return [at - started for at, _ in said]

    exact = len(dataset.ids) <= EXACT_UP_TO
    start = key(FIRST, sys.maxsize if exact else LOOKED_AT)
    step = key(NEXT, sys.maxsize if exact else 1)
    answer, content = pickle.loads(said[0][1]), said[0][1]
    threshold = key(NEXT.with_(threshold=0.3), 1)
    return {
        "first number CPU s": start[0],
        "key to estimate CPU s": step[0],
        "key to exact CPU s": step[-1] if exact else None,
        "threshold CPU s": threshold[0],
        "answer MB": len(content) / 1e6,
        "unpickled ms": 1000 * cpu(lambda: pickle.loads(content), REPEATS),
        "estimated from": answer.board.images,
        "its interval ±": answer.board.reach,
        "studio MB": memory(),
    }


def imported(spec: str) -> dict[str, object]:
    """A heatmap for every sample, once; it takes the digests of all pictures."""
    from cliploc.core.heatmaps.exchange import import_npz
    from cliploc.core.heatmaps.store import HeatmapStore
    from tests.load.sets import heatmaps

    if not HeatmapStore().sets():
        dataset = open_dataset(spec)
        made = heatmaps(paths.cache_dir() / "load.npz", dataset.ids)
        import_npz(HeatmapStore(), made, dataset, "load")
    return {}


PARTS = {"open": opened, "import": imported, "screen": screen, "lists": lists, "studio": studio}

if __name__ == "__main__":
    json.dump(PARTS[sys.argv[2]](sys.argv[1]), sys.stdout)
