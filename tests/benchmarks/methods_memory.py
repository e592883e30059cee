"""Peak memory of a method over the loaded model, one case per process (Linux).

    python -m tests.benchmarks.methods_memory [--backbone ViT-L-14] [--batch 1]

The kernel's record of the peak is reset after the model is loaded.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional as F

from cliploc.core.backbones.load import load_backbone
from cliploc.core.methods.compute import compute_maps
from cliploc.core.methods.textspan import decompose
from tests.benchmarks.methods_cost import full_decomposition

CASES = ("plain", "textspan", "gem", "full decomposition")


def peak() -> float:
    """The peak resident size since the last reset, in MiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


@torch.no_grad()
def run(case: str, backbone_name: str, batch: int) -> float:
    """MiB that one call adds to the peak."""
    torch.set_num_threads(1)
    backbone = load_backbone(backbone_name, "random:0", device="cpu")
    images = torch.randn(batch, 3, 224, 224)
    text = F.normalize(torch.randn(1, backbone.model.visual.output_dim), dim=-1)
    calls = {
        "plain": lambda: backbone.model.encode_image(images),
        "textspan": lambda: decompose(backbone, images, text),
        "gem": lambda: compute_maps("gem", backbone, images, text),
        "full decomposition": lambda: full_decomposition(backbone.model, images),
    }
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    kept = calls[case]()
    del kept
    return peak() - before


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--backbone", default="ViT-L-14")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--case", choices=CASES)
    arguments = parser.parse_args(argv)
    if arguments.case:
        print(f"{run(arguments.case, arguments.backbone, arguments.batch):.1f}")
        return
    print(f"{arguments.backbone}, batch {arguments.batch}: MiB over the loaded model at its peak")
    for case in CASES:
        command = [sys.executable, "-m", "tests.benchmarks.methods_memory", "--case", case]
        command += ["--backbone", arguments.backbone, "--batch", str(arguments.batch)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        print(f"  {case:20} {float(done.stdout.strip()):8.1f}")


if __name__ == "__main__":
    main()
