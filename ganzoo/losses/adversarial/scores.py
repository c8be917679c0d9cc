"""What losses share that compare every image with every other."""

from __future__ import annotations

from torch import Tensor


def of_images(scores: Tensor) -> Tensor:
    """One score for each image, ``(B,)``: of patch scores ``(B, P)`` their mean."""
    return scores.reshape(len(scores), -1).mean(1)
