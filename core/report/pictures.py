"""Pictures of examples: image, heatmap and mask side by side, as JPEG."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt

from cliploc.core.codes import Float32, Mask, map_of
from cliploc.core.errors import ResourceError
from cliploc.core.postprocess import PostProcess

Picture = npt.NDArray[np.uint8]

HEIGHT = 200  # pixels of each part
_QUALITY = 84
_RIGHT, _TOO_MUCH, _MISSED = (0, 158, 115), (213, 94, 0), (0, 114, 178)


def example(image: Picture, heatmap: Float32, mask: Mask, true_mask: Mask, config: PostProcess) -> bytes:
    """JPEG of three parts: the image with the true outline, the heatmap over it, the mask judged.

    image: (H, W, 3) uint8 RGB. heatmap: (h, w) float32 in [0, 1]. In the third part
    green is right, orange too much, blue missed.
    """
    map_ = map_of(heatmap, true_mask.shape, config)
    gap = np.full((HEIGHT, 4, 3), 255, np.uint8)
    parts = [
        _scaled(_outlined(image, true_mask)),
        gap,
        _scaled(_heated(image, map_)),
        gap,
        _scaled(_judged(image, mask, true_mask)),
    ]
    joined = cv2.cvtColor(np.hstack(parts), cv2.COLOR_RGB2BGR)
    done, content = cv2.imencode(".jpg", joined, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ResourceError("this OpenCV cannot write JPEG; pip install opencv-python-headless")
    return content.tobytes()


def data_uri(jpeg: bytes) -> str:
    """A picture inside the page."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


def _outlined(image: Picture, true_mask: Mask) -> Picture:
    contours, _ = cv2.findContours(true_mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    width = max(2, round(image.shape[0] / 110))
    outlined = image.copy()
    cv2.drawContours(outlined, contours, -1, (0, 0, 0), width + 2)
    cv2.drawContours(outlined, contours, -1, (255, 255, 255), width)
    return outlined


def _heated(image: Picture, map_: Float32) -> Picture:
    levels = np.rint(map_ * 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    heated: Picture = cv2.addWeighted(_grey(image), 0.35, colours, 0.65, 0)
    return heated


def _judged(image: Picture, mask: Mask, true_mask: Mask) -> Picture:
    judged = _grey(image)
    for part, colour in (
        (mask & true_mask, _RIGHT),
        (mask & ~true_mask, _TOO_MUCH),
        (~mask & true_mask, _MISSED),
    ):
        judged[part] = np.rint(0.45 * judged[part] + 0.55 * np.array(colour)).astype(np.uint8)
    return judged


def _grey(image: Picture) -> Picture:
    grey: Picture = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return grey


def _scaled(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    size = (max(1, round(width * HEIGHT / height)), HEIGHT)
    scaled: Picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return scaled
