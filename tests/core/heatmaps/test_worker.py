"""The worker process from outside: what it can tell before torch is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cliploc.core.heatmaps.protocol import Failed, Loading, Request, decoded, encoded
from cliploc.core.heatmaps.recipe import Recipe


def test_a_network_that_cannot_be_is_refused_while_torch_loads(home: Path, tmp_path: Path) -> None:
    # In the place of torch, a module that never finishes loading.
    (tmp_path / "torch.py").write_text("import threading; threading.Event().wait()")
    command = [sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv.pop(1)); "
               "from cliploc.core.heatmaps.worker import main; main()", str(tmp_path)]  # fmt: skip
    recipe = Recipe("gem", "ViT-B-61").completed("toy")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert decoded(process.stdout.readline()) == Loading("PyTorch")
        process.stdin.write(encoded(Request("demo", recipe, ("a",))))
        process.stdin.flush()
        failed = decoded(process.stdout.readline())
        assert isinstance(failed, Failed)
        assert "did you mean ViT-B-16" in failed.message
        assert (failed.recipe, failed.ids) == (recipe, ("a",))
    finally:
        process.stdin.close()
        process.wait(30)
