"""kill -9 at random moments: what comes out in the end has the bytes of an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.store import HeatmapStore

KILLS = 5

# One process loads torch, then forks a child per run: the kill falls on the work, not on the import.
NURSERY = """
    import os, random, signal, sys, time
    from pathlib import Path
    from cliploc.core.datasets import open_dataset
    from cliploc.core.heatmaps.extract import compute
    from cliploc.core.heatmaps.recipe import Recipe
    from cliploc.core.heatmaps.store import HeatmapStore

    dataset_spec, backbone, calm, stormy, kills = sys.argv[1:]
    dataset = open_dataset(dataset_spec)
    recipes = [Recipe("gem", backbone), Recipe("naclip", backbone)]
    wanted = [recipes[:1], recipes]  # now one method, now both: what one left must not disturb the other

    def run(root, recipes=recipes):
        child = os.fork()
        if not child:
            try:
                compute(recipes, dataset, HeatmapStore(Path(root)), device="cpu", batch=2)
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        return child

    def files():
        return sum(1 for _ in Path(stormy).rglob("*"))

    def runs(child):
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    begun = time.monotonic()
    assert os.waitpid(run(calm), 0)[1] == 0
    step = (time.monotonic() - begun) / 20
    chance, killed = random.Random(0), 0
    for attempt in range(int(kills)):
        # By what is on the disk, not by the clock alone: on a busy machine the kill would come too late.
        enough = files() + chance.randrange(3)
        child = run(stormy, wanted[attempt % 2])
        while files() < enough and runs(child):
            time.sleep(0.001)
        time.sleep(chance.uniform(0, step))
        os.kill(child, signal.SIGKILL)
        killed += os.waitpid(child, 0)[1] == signal.SIGKILL
    assert os.waitpid(run(stormy), 0)[1] == 0
    print(killed)
"""

WRITER = """
    import sys
    from pathlib import Path
    import numpy as np
    from cliploc.core.heatmaps.store import HeatmapStore, Identity

    heatmap_set = HeatmapStore(Path(sys.argv[1])).open(Identity("f" * 64, "gem"))
    ids = [f"sample_{number}" for number in range(40)]
    print("ready", flush=True)
    for start in range(0, len(ids), 4):
        batch = {id_: np.full((6, 6), start / 40, np.float32) for id_ in ids[start : start + 4]}
        if not set(batch) <= set(heatmap_set.ids()):
            heatmap_set.write(batch)
    heatmap_set.consolidate(ids)
"""


def contents(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def test_a_computation_that_is_killed_five_times_ends_with_the_same_bytes(
    make_folder: Callable[..., Path], tiny_backbone: str, tmp_path: Path
) -> None:
    dataset = make_folder({"cat": 9, "red car": 8})
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(NURSERY), dataset, tiny_backbone, calm, stormy, str(KILLS)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0, "no kill fell on a running computation"
    assert contents(stormy) == contents(calm)
    assert all(found.complete(open_dataset(str(dataset))) for found in HeatmapStore(stormy).sets())


def test_a_writer_that_is_killed_again_and_again_leaves_nothing_half_written(tmp_path: Path) -> None:
    program = [sys.executable, "-c", textwrap.dedent(WRITER)]
    subprocess.run([*program, tmp_path / "calm"], check=True, capture_output=True)
    chance = random.Random(1)
    for _ in range(8):
        writer = subprocess.Popen([*program, tmp_path / "stormy"], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.03))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        for found in HeatmapStore(tmp_path / "stormy").sets():
            assert len(found.read_all()) == len(found.ids())
    subprocess.run([*program, tmp_path / "stormy"], check=True, capture_output=True)
    assert contents(tmp_path / "stormy") == contents(tmp_path / "calm")


@pytest.mark.soak
def test_the_command_itself_is_killed_five_times(tmp_path: Path, home: Path) -> None:
    """As a user would: `cliploc heatmaps compute` on the demo, kill -9, the same command again."""
    what = "--dataset demo --backbone ViT-B-16 --checkpoint random:0 --size 96 --method gem,naclip"
    how = "--device cpu --batch 4"
    command = [sys.executable, "-m", "cliploc.core.cli", "heatmaps", "compute", *what.split(), *how.split()]

    def environment(name: str) -> dict[str, str]:
        return {**os.environ, "CLIPLOC_HOME": str(tmp_path / name), "OMP_NUM_THREADS": "1"}

    begun = time.monotonic()
    subprocess.run(command, check=True, env=environment("calm"), capture_output=True)
    whole = time.monotonic() - begun
    chance = random.Random(2)
    for _ in range(KILLS):
        child = subprocess.Popen(command, env=environment("stormy"), stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.3 * whole, 0.9 * whole))
        child.kill()
        child.wait()
    subprocess.run(command, check=True, env=environment("stormy"), capture_output=True)
    sets = Path("cache") / "heatmaps"
    assert contents(tmp_path / "stormy" / sets) == contents(tmp_path / "calm" / sets)
