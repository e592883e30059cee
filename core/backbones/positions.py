"""The ways in which a network's positions are taken to pictures of another size than its own.

`antialiased`: bicubic as Pillow has it. `bicubic` and `bilinear`: torch's plain ones. `dino`: bicubic
by a factor of (cells + 0.1) / cells, as DINO's code has it and those who took it from there (SCLIP,
NACLIP, ClearCLIP).
"""

from __future__ import annotations

ANTIALIASED = "antialiased"
POSITIONS = (ANTIALIASED, "bicubic", "bilinear", "dino")
