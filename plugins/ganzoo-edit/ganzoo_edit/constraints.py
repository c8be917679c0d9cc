"""What a person draws, as a loss on images: colour strokes, sketched edges, and what is to stay (iGAN, section 3.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

BINS = 8  # directions of edges, over half a turn
FAINT = 0.15  # an edge of this strength, of a range of 1, half counts
LUMA = (0.299, 0.587, 0.114)  # ITU-R 601
REACH = 2  # pixels that a stroke may move things around itself
WEIGHTS = {"colour": 1.0, "sketch": 0.15, "keep": 1.0, "rest": 1.0}


@dataclass(frozen=True)
class Strokes:
    """What has been drawn on an image of side ``R``.

    Attributes:
        paint: colours ``(C, R, R)`` in [0, 1].
        covered: where there is paint ``(R, R)`` in [0, 1].
        sketch: where an edge was drawn ``(R, R)`` in [0, 1].
        keep: what is to stay as it is ``(R, R)`` in [0, 1].
    """

    paint: Tensor
    covered: Tensor
    sketch: Tensor
    keep: Tensor

    @property
    def wanted(self) -> bool:
        """Whether anything is asked to change: what is kept asks for nothing alone."""
        return bool(self.covered.any() or self.sketch.any())


class Constraints:
    """How far images are from what was drawn, ``(n,)``, differentiable.

    Args:
        strokes: what was drawn, on the device of the images.
        before: the image ``(C, R, R)`` in [0, 1] that was drawn on.
        hold: from 0 to 1, how much of the pull of a stroke keeps what no stroke is near.
    """

    def __init__(self, strokes: Strokes, before: Tensor, hold: float = 0.0) -> None:
        self.strokes, self.before, self.hold = strokes, before, hold
        drawn = torch.maximum(strokes.covered, strokes.sketch)[None]
        self.rest = 1 - functional.max_pool2d(drawn, 2 * REACH + 1, stride=1, padding=REACH)[0]
        if strokes.sketch.any():
            self.edges = edge_histograms(1 - strokes.sketch[None, None])
            self.drawn = (self.edges.square().sum(1) > 0.01).float()[0]

    def __call__(self, images: Tensor) -> Tensor:
        """Weighted sum of the terms, ``(n,)``, of images ``(n, C, R, R)`` in [0, 1]."""
        total = images.new_zeros(len(images))
        for name, term in self.terms(images).items():
            total = total + WEIGHTS[name] * term
        return total

    def terms(self, images: Tensor) -> dict[str, Tensor]:
        """The distance ``(n,)`` for each kind of stroke there is: 0 where images are as drawn."""
        strokes = self.strokes
        terms = {}
        if strokes.covered.any():
            terms["colour"] = _mean((images - strokes.paint).square().mean(1), strokes.covered)
        if strokes.sketch.any():
            alike = (edge_histograms(luma(images)) * self.edges).sum(1)
            terms["sketch"] = _mean(1 - alike, self.drawn)
        if strokes.keep.any():
            terms["keep"] = _mean((images - self.before).square().mean(1), strokes.keep)
        if self.hold > 0 and self.rest.any():
            terms["rest"] = self.hold * _mean((images - self.before).square().mean(1), self.rest)
        return terms


def _mean(maps: Tensor, weights: Tensor) -> Tensor:
    """Weighted means ``(n,)`` of maps ``(n, h, w)``."""
    return (maps * weights).flatten(1).sum(1) / weights.sum()


def luma(images: Tensor) -> Tensor:
    """Brightness ``(n, 1, H, W)``."""
    if images.shape[1] == 1:
        return images
    return (images * images.new_tensor(LUMA).reshape(1, 3, 1, 1)).sum(1, keepdim=True)


def edge_histograms(grey: Tensor) -> Tensor:
    """Directions of edges in cells, a differentiable HOG: ``(n, 8, h, w)`` of ``(n, 1, H, W)`` in [0, 1].

    Sobel gradients vote for directions (light to dark counts as dark to light) by how nearly they point there; votes
    are summed over overlapping cells of about a twelfth of the image. Each cell's histogram has a length below 1, near
    1 where there is a clear edge and near 0 where there is none.
    """
    row = grey.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 4
    x, y = functional.conv2d(
        functional.pad(grey, (1, 1, 1, 1), "replicate"), torch.stack([row, row.T])[:, None]
    ).unbind(1)
    strength = (x.square() + y.square() + 1e-6).sqrt()
    twice = torch.stack([x.square() - y.square(), 2 * x * y], 1) / strength.square()[:, None]  # doubled angle: no sign
    angles = torch.arange(BINS, device=grey.device) * (2 * math.pi / BINS)
    ways = torch.stack([angles.cos(), angles.sin()], 1)[:, :, None, None]
    votes = functional.conv2d(twice, ways).clamp_min(0).square() * (strength - 1e-3)[:, None]
    cell = max(3, grey.shape[-1] // 12)
    sums = functional.avg_pool2d(votes, cell, stride=max(1, cell // 2), padding=cell // 2, count_include_pad=False)
    return sums / (sums.square().sum(1, keepdim=True) + (FAINT / 4) ** 2).sqrt()
