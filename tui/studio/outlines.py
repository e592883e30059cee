"""Masks as outlines: what is inside stays to be seen. Pure functions of arrays."""

from __future__ import annotations

from cliploc.core.compose import OUTCOME_COLOURS, Image, Mask, contours

# Of the picture's side: thick enough to survive being shown in a few dozen half-cells.
THICKNESS = 1 / 96
WHITE = (255, 255, 255)


def outlined(image: Image, mask: Mask, true_mask: Mask | None) -> dict[str, Image]:
    """The image with the outlines of the mask (white) and of the true mask, and with the latter alone.

    true_mask: None where nobody has marked it.
    """
    thickness = max(round(max(image.shape[:2]) * THICKNESS), 1)
    if true_mask is None:
        return {"mask": contours(image, mask, WHITE, thickness)}
    truth = contours(image, true_mask, OUTCOME_COLOURS["hit"], thickness)
    return {"mask": contours(truth, mask, WHITE, thickness), "truth": truth}
